"""Hypotheses of what in a picture is ink, cheap to expensive, and how likely a reading is right."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
from PIL import Image

from inkling.imaging.binarize import Ink, otsu_ink
from inkling.imaging.grayscale import to_grayscale
from inkling.imaging.illumination import flatten_illumination
from inkling.recognition.ink_finder import CLOSER, LEARNED_SIDES_PX, is_even, learned_ink
from inkling.recognition.reading import HOLE, Digit, area_of, is_at_edge

MAX_ZOOM = 3  # for the network: a digit of a few pixels is no clearer larger
MAX_SPOTLESS = 0.06  # background_variation of paper on which two levels leave no doubt
MAX_DRAWING_STROKES = 5  # a box with a number in it has more
MAX_STROKE_SHARE = 0.18  # of the picture: no stroke is wider, but a dark box is
MIN_LIKELIHOOD = 1e-4  # of a digit: below it, nothing is less likely
MAX_HOLES = 3  # of a text, and refused glyphs: more count as so many
TURNED = ("", "turned to the left", "turned upside down", "turned to the right")
# Weights of the log-odds that a reading is right: logistic regression on composed pages, drawings
# and scans of held-out digits (`python -m data.networks.fit_score`). By source: constant, on even
# paper, with a digit at an edge, without text, with one digit.
SOURCE_WEIGHTS = {
    "two levels": (3.31, -0.12, 0.83, -1.23, -0.09),
    "inverse": (0.71, 0.0, 1.16, -0.45, 1.16),
    "even light": (2.45, 1.28, -0.90, -0.32, 0.96),
    "learned": (2.66, 2.97, 0.44, -2.34, -0.58),
    "turned": (1.11, 3.06, -0.01, -0.68, -0.41),
}
# No ink, refused glyphs without text, log-likelihood of all digits, of the least likely one, share
# of refused area, holes.
COMMON_WEIGHTS = (0.22, -0.58, 3.40, 0.78, -6.54, -3.13)
Box = tuple[float, float, float, float]  # left, top, right, bottom, px


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """Ink that a picture may have."""

    source: str  # of `SOURCE_WEIGHTS`
    ink: Ink | None
    light: np.ndarray  # (H, W), 0 to 1: the brightness in which it was found
    box: Box  # the part of the picture that it shows, px
    is_even: bool  # whether the paper is, so that two levels may show all ink
    quarters: int = 0  # turns to the left of that part

    def in_picture(self, box: Box) -> tuple[int, int, int, int]:
        """Return a box of the ink in the picture's pixels, as it stands there."""
        assert self.ink is not None
        height, width = self.ink.coverage.shape
        left, top, right, bottom = (
            edge / length for edge, length in zip(box, (width, height) * 2, strict=True)
        )
        for _ in range(self.quarters):  # what was the right edge became the top
            left, top, right, bottom = 1 - bottom, left, 1 - top, right
        x, y = self.box[:2]
        across, down = self.box[2] - x, self.box[3] - y
        edges = np.floor([x + left * across, y + top * down])
        ends = np.ceil([x + right * across, y + bottom * down])
        return tuple(np.concatenate([edges, ends]).astype(int).tolist())


def hypotheses(picture: Image.Image) -> Iterator[Hypothesis]:
    """Yield hypotheses of a picture's ink, each made when it is asked for."""
    light = to_grayscale(picture)
    box = (0.0, 0.0, float(picture.width), float(picture.height))
    first = otsu_ink(light)
    if (part := find_small_part(first, picture.size)) is not None:
        for closer in hypotheses(picture.crop(part)):
            left, top, right, bottom = closer.box
            x, y = part[:2]
            yield replace(closer, box=(left + x, top + y, right + x, bottom + y))
        return
    paper_is_even = first is None or is_even(first)
    make = partial(Hypothesis, light=light, box=box, is_even=paper_is_even)
    if first is not None and paper_is_even and is_drawing(first):
        yield make("two levels", first)
        return  # nothing else in it may be ink
    unlikely = []  # two levels on uneven paper: rules and shadows are ink to them
    for source, ink in two_level_inks(first, light):
        if ink is None or (paper_is_even if ink is first else is_even(ink)):
            yield make(source, ink)
        else:
            unlikely.append(make(source, ink))
    learned: list[Ink] = []
    for side in sorted({min(side, MAX_ZOOM * max(light.shape)) for side in LEARNED_SIDES_PX}):
        ink = learned_ink(light, side)
        yield make("learned", ink)
        learned += [ink] if ink else []
    yield from unlikely
    for quarters in (1, 2, 3) if learned else ():
        turned = np.rot90(light, quarters).copy()
        for ink in learned:
            turned_ink = turn_ink(ink, quarters)
            yield make("turned", turned_ink, light=turned, quarters=quarters)


def two_level_inks(first: Ink | None, light: np.ndarray) -> Iterator[tuple[str, Ink | None]]:
    """Yield two levels as they are, inverted if ink is all around, and in even light."""
    yield "two levels", first
    if first is not None and is_all_around(first.mask):  # a digit may fill its picture
        yield "inverse", otsu_ink(light, dark=not first.dark)
    yield "even light", evenly_lit_ink(light)


def find_small_part(ink: Ink | None, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Return the box of a small part of a picture that has all ink, if a closer look shows more.

    The picture has a (width, height), and its ink was found when it was reduced.
    """
    if ink is None or (unit := max(size) / max(ink.mask.shape)) < CLOSER or not is_even(ink):
        return None
    left, top, width, height = cv2.boundingRect(ink.mask)
    margin = max(width, height)  # so that there is paper to compare with
    if 3 * margin * CLOSER > max(ink.mask.shape):
        return None
    box = (left - margin, top - margin, left + width + margin, top + height + margin)
    left, top, right, bottom = (round(edge * unit) for edge in box)
    return max(0, left), max(0, top), min(size[0], right), min(size[1], bottom)


def is_drawing(ink: Ink) -> bool:
    """Return whether all ink on even paper is a few thin strokes, and the paper spotless."""
    strokes = cv2.connectedComponents(ink.mask)[0] - 1
    if ink.background_variation > MAX_SPOTLESS or strokes > MAX_DRAWING_STROKES:
        return False
    thickest = 2 * cv2.distanceTransform(ink.mask, cv2.DIST_L2, 3).max()
    return strokes == 1 or bool(thickest < MAX_STROKE_SHARE * max(ink.mask.shape))


def is_all_around(mask: np.ndarray) -> bool:
    """Return whether there is ink along all four edges of a picture (H, W)."""
    return all(edge.any() for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))


def evenly_lit_ink(light: np.ndarray) -> Ink | None:
    """Return what two levels say is ink in brightness (H, W) that is divided by the paper's.

    The picture is reduced first: of a large one a closing takes long.
    """
    scale = min(1.0, LEARNED_SIDES_PX[-1] / max(light.shape))
    size = max(1, round(light.shape[1] * scale)), max(1, round(light.shape[0] * scale))
    return otsu_ink(flatten_illumination(cv2.resize(light, size, interpolation=cv2.INTER_AREA)))


def turn_ink(ink: Ink, quarters: int) -> Ink:
    """Return ink turned to the left by so many quarters."""
    coverage, mask = (np.rot90(layer, quarters).copy() for layer in (ink.coverage, ink.mask))
    return replace(ink, coverage=coverage, mask=mask)


def compute_log_odds(hypothesis: Hypothesis, digits: Sequence[Digit], text: str) -> float:
    """Return the log-odds that a reading of a hypothesis is wholly right."""
    weights = SOURCE_WEIGHTS[hypothesis.source] + COMMON_WEIGHTS
    return float(compute_features(hypothesis, digits, text) @ weights)


def compute_features(hypothesis: Hypothesis, digits: Sequence[Digit], text: str) -> np.ndarray:
    """Return what tells right readings from wrong ones, (11,): see the weights."""
    read = [digit for digit in digits if digit.digit is not None]
    logs = np.log([max(digit.likelihood, MIN_LIKELIHOOD) for digit in read])
    refused = [area_of(digit) for digit in digits if digit.digit is None]
    of_source = (
        *(1, hypothesis.is_even, any(is_at_edge(d.glyph, hypothesis.box) for d in read)),
        *(not text, len(read) == 1),
    )
    common = (
        *(hypothesis.ink is None, 0 if text else min(MAX_HOLES, len(refused))),
        *(logs.sum(), logs.min(initial=0)),
        sum(refused) / sum(map(area_of, digits)) if text else 0,
        min(MAX_HOLES, text.count(HOLE)),
    )
    return np.array([*of_source, *common], np.float64)
