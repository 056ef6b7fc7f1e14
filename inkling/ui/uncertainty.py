"""An unsure answer becomes its reasons: what its candidates look like, and how to draw them."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from inkling.datasets.pen_strokes import Style, draw
from inkling.datasets.stroke_styles import STYLES
from inkling.explanation.counterfactual import counterfactual
from inkling.explanation.gallery import Gallery
from inkling.imaging.mnist_frame import frame_glyph
from inkling.recognition.reader import Reader
from inkling.recognition.reading import Digit
from model import DigitCNN

STYLE_PEN_PX = 2.4  # px of the frame: MNIST's median stroke
CLEAR_LEAD_LOGITS = 1.4  # logits by which a clear digit leads all else: 80 %
UNSURE_BELOW = (
    0.8  # a confidence below it names two candidates: one such answer in five is wrong or more
)
MIN_SECOND_PROB = 0.1  # the least that the second candidate must have to be named


class SimilarExample(NamedTuple):
    """Something that the network knows, and finds like a drawing."""

    ink: np.ndarray  # (28, 28) float32, 0 to 1
    name: str  # what it is


@dataclass(frozen=True)
class Candidate:
    """One of the digits that an unsure answer may be."""

    digit: int
    similar: tuple[
        SimilarExample, ...
    ]  # the nearest of this digit: a way of writing it, and MNIST's
    advice: str  # what would make it clear, in words: "close the top"; "" where nothing is found


def is_unsure(digit: Digit) -> bool:
    """Tell whether a glyph may be one of two digits."""
    chances = sorted(digit.probabilities)
    return digit.digit is not None and chances[-1] < UNSURE_BELOW and chances[-2] >= MIN_SECOND_PROB


def find_candidates(reader: Reader, digit: Digit) -> tuple[Candidate, ...]:
    """Return what an unsure glyph may be, the likelier one first."""
    ink, features = digit.glyph.ink, reader.features(digit.glyph.ink)
    gallery = Gallery.of(reader.gallery)
    found = []
    for candidate in digit.ranking[:2]:
        similar, known = [find_nearest_style(reader.model, features, candidate)], None
        if gallery:
            known = gallery.read_as(candidate)
            similar.append(SimilarExample(gallery.nearest(features, candidate), "one of MNIST's"))
        change = counterfactual(reader.model, ink, candidate, known, CLEAR_LEAD_LOGITS)
        found.append(Candidate(candidate, tuple(similar), change.words if change else ""))
    return tuple(found)


def find_nearest_style(model: DigitCNN, features: Tensor, digit: int) -> SimilarExample:
    """Return the drawn style of a digit that is most like features (z,)."""
    inks, directions = draw_styles(model, digit)
    best = int((directions @ F.normalize(features, dim=0)).argmax())
    return SimilarExample(inks[best], f"“{list(STYLES[digit])[best]}”")


@lru_cache(maxsize=20)
@torch.inference_mode()
def draw_styles(model: DigitCNN, digit: int) -> tuple[np.ndarray, Tensor]:
    """Return a digit's drawn styles: ink (S, 28, 28), and features (S, z) of length 1."""
    rng = np.random.default_rng(0)
    inks = [
        frame_glyph(draw(Style(path).plain(), rng, STYLE_PEN_PX)) for path in STYLES[digit].values()
    ]
    ink = np.stack(inks)
    return ink, F.normalize(model.features(torch.from_numpy(ink).unsqueeze(1)), dim=1)
