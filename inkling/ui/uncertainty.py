"""Explain an unsure answer: its candidates, similar examples, and what to draw."""

from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from inkling.datasets.pen_strokes import STROKE_STYLES, Style
from inkling.explanation.counterfactual import counterfactual
from inkling.explanation.gallery import Gallery
from inkling.explanation.strokes import PenPaths
from inkling.imaging.mnist_frame import DIGIT, crop_to_ink, frame_glyph
from inkling.imaging.sketch import Sketch, Stroke
from inkling.recognition.reader import Reader
from inkling.recognition.reading import Digit
from model import DigitCNN

STYLE_PEN_PX = 2.4  # px of the frame: MNIST's median stroke
STYLE_SIDE_PX = 200  # px: longest side of a drawn style
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
    inks, directions = draw_styles(model, digit)
    best = int((directions @ F.normalize(features, dim=0)).argmax())
    return SimilarExample(inks[best], f"“{list(STROKE_STYLES[digit])[best]}”")


@cache
def load_paths(digit: int) -> PenPaths:
    """Return the pen paths of a digit's styles."""
    return PenPaths.sample(Style(path).trace() for path in STROKE_STYLES[digit].values())


@lru_cache(maxsize=20)
@torch.inference_mode()
def draw_styles(model: DigitCNN, digit: int) -> tuple[np.ndarray, Tensor]:
    """Return a digit's drawn styles: ink (S, 28, 28), and features (S, z) of length 1."""
    ink = np.stack([draw_style(Style(path)) for path in STROKE_STYLES[digit].values()])
    return ink, F.normalize(model.features(torch.from_numpy(ink).unsqueeze(1)), dim=1)


def draw_style(style: Style) -> np.ndarray:
    """Return framed ink (28, 28) of a style, drawn as on the pad."""
    paths = style.trace()
    low, size = np.min(np.concatenate(paths), axis=0), np.ptp(np.concatenate(paths), axis=0).max()
    unit = STYLE_SIDE_PX / DIGIT  # px of the drawing in one px of the frame
    scale = (DIGIT - STYLE_PEN_PX) * unit / size
    corner = STYLE_SIDE_PX / 5  # px of paper
    strokes = [Stroke((path - low) * scale + corner, STYLE_PEN_PX * unit, False) for path in paths]
    gray = np.asarray(Sketch(tuple(strokes)).picture(), np.float32)
    return frame_glyph(crop_to_ink(1 - gray / 255))
