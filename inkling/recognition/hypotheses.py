"""Ink hypotheses of a picture, cheap to expensive, and the score of their readings."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
from PIL import Image

from inkling.imaging.binarize import Ink, otsu_ink
from inkling.imaging.grayscale import to_grayscale
from inkling.imaging.illumination import flatten_illumination
from inkling.imaging.underline import erase_underlines
from inkling.recognition.ink_finder import MIN_ZOOM, UNET_SIDES_PX, is_uniform_background, unet_ink
from inkling.recognition.reading import HOLE, Digit, explained_area, is_at_edge

MAX_ZOOM = 3  # of a small picture, for the ink network
MAX_DRAWING_VARIATION = 0.06  # background variation of a drawing program's or clean paper
MAX_DRAWING_STROKES = 5  # components: a number in a printed box has more
MAX_STROKE_SHARE = 0.18  # of the picture: a wider component is a dark box, no stroke
MIN_JOINT_PROB = 1e-4  # of a digit: lower ones count as this
MAX_HOLES = 3  # of a text, and refused glyphs without text: more count as this
ROTATED = ("", "turned to the left", "turned upside down", "turned to the right")
# Weights of the log-odds that a reading is entirely right: a logistic regression on composed pages,
# drawings and scans of held-out digits (`python -m data.networks.fit_score`). For each source:
# constant, uniform background, a digit at an edge, no text, one digit.
SOURCE_WEIGHTS = {
    "otsu": (3.31, -0.12, 0.83, -1.23, -0.09),
    "inverted": (0.71, 0.0, 1.16, -0.45, 1.16),
    "flat field": (2.45, 1.28, -0.90, -0.32, 0.96),
    "unet": (2.66, 2.97, 0.44, -2.34, -0.58),
    "rotated": (1.11, 3.06, -0.01, -3.29, -0.41),
}
# For all: no ink, refused glyphs without text, log-probability of all digits, of the least probable
# one, refused share of the area, holes.
COMMON_WEIGHTS = (0.22, -0.58, 3.40, 0.78, -6.54, -3.13)
Box = tuple[float, float, float, float]  # left, top, right, bottom, px


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """A hypothesis of what in a picture is ink."""

    source: str  # key of `SOURCE_WEIGHTS`
    ink: Ink | None
    gray: np.ndarray  # (H, W), 0 to 1: the brightness that the ink was found in
    box: Box  # the part of the picture that `gray` shows, px
    is_uniform: bool  # whether the background is, so that two levels can show all ink
    quarters: int = 0  # rotations of that part to the left

    @property
    def max_log_odds(self) -> float:
        """The upper bound of `compute_log_odds`: all common terms but `no ink` are at most 0."""
        constant, uniform, at_edge, no_text, one_digit = SOURCE_WEIGHTS[self.source]
        bound = constant + uniform * self.is_uniform + max(0, at_edge) + max(0, no_text, one_digit)
        return bound + (COMMON_WEIGHTS[0] if self.ink is None else 0)

    def in_picture(self, box: Box) -> tuple[int, int, int, int]:
        """Convert a box in px of the ink to px of the upright picture."""
        assert self.ink is not None
        height, width = self.ink.coverage.shape
        left, top, right, bottom = (
            edge / length for edge, length in zip(box, (width, height) * 2, strict=True)
        )
        for _ in range(self.quarters):  # the picture was rotated by a quarter each
            left, top, right, bottom = 1 - bottom, left, 1 - top, right
        x, y = self.box[:2]
        across, down = self.box[2] - x, self.box[3] - y
        edges = np.floor([x + left * across, y + top * down])
        ends = np.ceil([x + right * across, y + bottom * down])
        return tuple(np.concatenate([edges, ends]).astype(int).tolist())


def hypotheses(picture: Image.Image, box: Box | None = None) -> Iterator[Hypothesis]:
    """Yield hypotheses of a picture's ink, each computed when it is requested.

    The picture is the part `box` of a whole that was perhaps reduced; by default it is the whole.
    """
    gray, (width, height) = to_grayscale(picture), picture.size
    left, top, right, bottom = box = box or (0.0, 0.0, width, height)
    first = otsu_ink(gray)
    if (part := find_small_part(first, picture.size)) is not None:
        across, down = (right - left) / width, (bottom - top) / height
        starts, ends = ((left + x * across, top + y * down) for x, y in (part[:2], part[2:]))
        yield from hypotheses(picture.crop(part), (*starts, *ends))
        return
    is_uniform = first is None or is_uniform_background(first)
    make = partial(Hypothesis, gray=gray, box=box, is_uniform=is_uniform)
    if first is not None and is_uniform:
        if (above := erase_underlines(first)) is not None:
            yield make("otsu", above)
        elif is_drawing(first):
            yield make("otsu", first)
            return  # nothing else in it can be ink
    postponed = []  # on uneven paper rules and shadows are below Otsu's threshold
    for source, ink in otsu_inks(first, gray):
        if ink is None or (is_uniform if ink is first else is_uniform_background(ink)):
            yield make(source, ink)
        else:
            postponed.append(make(source, ink))
    unet_inks: list[Ink] = []
    for side in sorted({min(side, MAX_ZOOM * max(gray.shape)) for side in UNET_SIDES_PX}):
        ink = unet_ink(gray, side)
        if ink and (above := erase_underlines(ink)) is not None:
            yield make("unet", above)
        yield make("unet", ink)
        unet_inks += [ink] if ink else []
    yield from postponed
    if unet_inks:
        yield from rotated_hypotheses(make, gray, unet_inks)


def rotated_hypotheses(
    make: Callable[..., Hypothesis], gray: np.ndarray, upright: list[Ink]
) -> Iterator[Hypothesis]:
    """Yield the ink of a picture on its side and upside down, rotated.

    The network sees the picture on its side: in the upright one it takes a rotated 1 for a rule.
    """
    sideways = np.rot90(gray).copy()
    ink = unet_ink(sideways, min(UNET_SIDES_PX[0], MAX_ZOOM * max(gray.shape)))
    turned = [(1, 0, ink), (3, 2, ink), *((2, 2, ink) for ink in upright)]
    for quarters, more, ink in turned:
        if ink:
            rotated = np.rot90(gray, quarters).copy()
            yield make("rotated", rotate_ink(ink, more), gray=rotated, quarters=quarters)


def otsu_inks(first: Ink | None, gray: np.ndarray) -> Iterator[tuple[str, Ink | None]]:
    """Yield ink by Otsu's threshold: as found first, inverted, and after flat-field correction."""
    yield "otsu", first
    if first is not None and has_ink_on_all_edges(first.mask):  # a digit may fill its picture
        yield "inverted", otsu_ink(gray, dark=not first.dark)
    yield "flat field", flat_field_ink(gray)


def find_small_part(ink: Ink | None, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Return the box of a small part of a picture of (width, height) with all its ink, or None."""
    if ink is None or (unit := max(size) / max(ink.mask.shape)) < MIN_ZOOM:
        return None
    if not is_uniform_background(ink):
        return None
    left, top, width, height = cv2.boundingRect(ink.mask)
    margin = max(width, height)  # paper around the ink, for the threshold
    if 3 * margin * MIN_ZOOM > max(ink.mask.shape):
        return None
    box = (left - margin, top - margin, left + width + margin, top + height + margin)
    left, top, right, bottom = (round(edge * unit) for edge in box)
    return max(0, left), max(0, top), min(size[0], right), min(size[1], bottom)


def is_drawing(ink: Ink) -> bool:
    """Return whether ink on a uniform background is a few thin strokes on a clean one."""
    strokes = len(ink.components[1]) - 1
    if ink.background_variation > MAX_DRAWING_VARIATION or strokes > MAX_DRAWING_STROKES:
        return False
    thickest = 2 * cv2.distanceTransform(ink.mask, cv2.DIST_L2, 3).max()
    return strokes == 1 or bool(thickest < MAX_STROKE_SHARE * max(ink.mask.shape))


def has_ink_on_all_edges(mask: np.ndarray) -> bool:
    """Return whether a mask (H, W) has ink on all four edges."""
    return all(edge.any() for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))


def flat_field_ink(gray: np.ndarray) -> Ink | None:
    """Find ink by Otsu's threshold in brightness (H, W), reduced, divided by the paper's."""
    scale = min(1.0, UNET_SIDES_PX[-1] / max(gray.shape))
    size = max(1, round(gray.shape[1] * scale)), max(1, round(gray.shape[0] * scale))
    return otsu_ink(flatten_illumination(cv2.resize(gray, size, interpolation=cv2.INTER_AREA)))


def rotate_ink(ink: Ink, quarters: int) -> Ink:
    """Rotate ink to the left by quarters of a full turn."""
    coverage, mask = (np.rot90(layer, quarters).copy() for layer in (ink.coverage, ink.mask))
    return replace(ink, coverage=coverage, mask=mask)


def compute_log_odds(hypothesis: Hypothesis, digits: Sequence[Digit], text: str) -> float:
    """Return the log-odds that the reading of a hypothesis is entirely right."""
    weights = SOURCE_WEIGHTS[hypothesis.source] + COMMON_WEIGHTS
    return float(compute_features(hypothesis, digits, text) @ weights)


def compute_features(hypothesis: Hypothesis, digits: Sequence[Digit], text: str) -> np.ndarray:
    """Return the features (11,) of a reading that the weights belong to."""
    read = [digit for digit in digits if digit.digit is not None]
    logs = np.log([max(digit.joint_prob, MIN_JOINT_PROB) for digit in read])
    refused = [explained_area(digit) for digit in digits if digit.digit is None]
    of_source = (
        *(1, hypothesis.is_uniform, any(is_at_edge(d.glyph, hypothesis.box) for d in read)),
        *(not text, len(read) == 1),
    )
    common = (
        *(hypothesis.ink is None, 0 if text else min(MAX_HOLES, len(refused))),
        *(logs.sum(), logs.min(initial=0)),
        sum(refused) / sum(map(explained_area, digits)) if text else 0,
        min(MAX_HOLES, text.count(HOLE)),
    )
    return np.array([*of_source, *common], np.float64)
