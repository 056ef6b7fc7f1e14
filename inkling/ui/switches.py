"""Readers without the parts of the digit network that a session has switched off."""

from functools import lru_cache

from inkling.explanation.ablation import WHOLE, Ablation, ablate
from inkling.recognition.reader import Reader


@lru_cache(maxsize=8)
def ablate_reader(reader: Reader, ablation: Ablation) -> Reader:
    """Return a reader in this process; the same for the whole network."""
    if ablation == WHOLE:
        return reader
    return Reader(ablate(reader.model, ablation), reader.description, reader.gallery)
