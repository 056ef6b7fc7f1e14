"""Explain an unsure answer: its candidates, similar examples, and what to draw."""

from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import load_file
from torch import Tensor

from inkling.datasets.prepared import STYLES_DIR, read_sheet
from inkling.explanation.counterfactual import counterfactual
from inkling.explanation.gallery import Gallery
from inkling.explanation.strokes import PenPaths
from inkling.recognition.reader import Reader
from inkling.recognition.reading import Digit
from model import DigitCNN

UNSURE_BELOW = 0.8  # confidence: of answers below it, at least 1 in 5 is wrong
MIN_SECOND_PROB = 0.1  # of the second candidate, to be named; not tuned


class SimilarExample(NamedTuple):
    """An example that the network finds similar to a drawing."""

    ink: np.ndarray  # (28, 28) float32, 0 to 1
    name: str


class Candidate(NamedTuple):
    """One of the two digits that an unsure glyph may be."""

    digit: int
    similar: tuple[SimilarExample, ...]  # nearest style of writing, and MNIST's nearest
    advice: str  # a change that makes the digit clear, as "close the top"; "" if none is found


def is_unsure(digit: Digit) -> bool:
    """Return whether a glyph may be one of two digits."""
    second, best = sorted(digit.probabilities)[-2:]
    return digit.digit is not None and best < UNSURE_BELOW and second >= MIN_SECOND_PROB


def find_candidates(reader: Reader, digit: Digit) -> tuple[Candidate, ...]:
    """Return the two digits that an unsure glyph may be, the more probable first."""
    ink, features = digit.glyph.ink, reader.features(digit.glyph.ink)
    gallery = Gallery.from_tensors(reader.gallery)
    candidates = []
    for candidate in digit.ranking[:2]:
        similar = [find_nearest_style(reader.model, features, candidate)]
        if gallery:
            similar.append(SimilarExample(gallery.nearest(features, candidate), "one of MNIST's"))
        change = counterfactual(reader.model, ink, candidate, load_paths(candidate))
        candidates.append(Candidate(candidate, tuple(similar), change.words if change else ""))
    return tuple(candidates)


def find_nearest_style(model: DigitCNN, features: Tensor, digit: int) -> SimilarExample:
    """Return the drawn style of a digit that is most similar to features (z,)."""
    names, inks, directions = load_styles(model, digit)
    best = int((directions @ F.normalize(features, dim=0)).argmax())
    return SimilarExample(inks[best], f"“{names[best]}”")


@cache
def load_paths(digit: int) -> PenPaths:
    """Return the pen paths of a digit's styles."""
    tensors = load_file(STYLES_DIR / "styles.safetensors")
    chosen = tensors["digits"] == digit
    return PenPaths(*(tensors[name][chosen] for name in PenPaths._fields))


@lru_cache(maxsize=20)
@torch.inference_mode()
def load_styles(model: DigitCNN, digit: int) -> tuple[list[str], np.ndarray, Tensor]:
    """Return a digit's styles: S names, ink (S, 28, 28), and features (S, z) of length 1."""
    sheet = read_sheet("styles", STYLES_DIR)
    chosen = (sheet.labels == digit).nonzero()[:, 0]
    ink = sheet.select(chosen).ink
    names = [sheet.names[k] for k in chosen.tolist()]
    return names, ink[:, 0].numpy(), F.normalize(model.features(ink), dim=1)
