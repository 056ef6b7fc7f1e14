"""Readers without the parts of the digit network that a session has switched off."""

from functools import lru_cache

import numpy as np

from inkling.explanation.ablation import WHOLE, Ablation, ablate, compute_drops, find_smallest_kept
from inkling.explanation.occlusion import Evidence
from inkling.recognition.reader import Reader

PartCosts = tuple[list[np.ndarray], int]  # `compute_drops`, `find_smallest_kept`


@lru_cache(maxsize=8)
def ablate_reader(reader: Reader, ablation: Ablation) -> Reader:
    """Return a reader in this process; the same for the whole network."""
    if ablation == WHOLE:
        return reader
    return Reader(ablate(reader.model, ablation), reader.description, reader.gallery)


def measure_costs(
    whole: Reader, rest: Reader, ink: np.ndarray, margin: Evidence | None
) -> PartCosts | None:
    """Return the costs of the parts that are left, for framed ink (28, 28) with a margin."""
    if margin is None:
        return None
    drops = compute_drops(rest.model, ink, margin.answer, margin.rival)
    return drops, find_smallest_kept(whole.model, ink.tobytes())
