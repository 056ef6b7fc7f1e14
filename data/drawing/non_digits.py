"""Outliers: non-digits for the classes "no digit" and "several digits".

They are random shapes, characters, several digits in one frame, and fragments of digits.
"""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
import torch

from data.drawing import random_shapes
from data.drawing.handwriting_fonts import Character, select_characters
from data.drawing.pen_digits import Seed, degrade_scan, frame_all
from data.drawing.pen_slips import add_slips, connect_strokes
from data.drawing.pen_strokes import Style
from data.drawing.pen_variation import draw_strokes, vary
from inkling.datasets.mnist import Digits
from inkling.imaging.mnist_frame import FRAME, frame_glyph, remove_splinters
from model import MULTI_DIGIT_CLASS, NON_DIGIT_CLASS

CUT_OFF_SHARE = 0.5  # of recaptured digits were cut off from a touching one


class Kind(NamedTuple):
    """A kind of outlier."""

    name: str  # in the tables of `evaluate.py`
    draw: Callable[..., np.ndarray]  # takes a generator, and digits if in `DIGIT_KINDS`
    weight: int  # how often it is drawn, relative to the others
    label: int = NON_DIGIT_CLASS


def sample_digit(
    rng: np.random.Generator, digits: Digits, excluded: str = ""
) -> tuple[int, np.ndarray]:
    """Return the label of a random digit and its ink, enlarged and cropped, (H, W)."""
    while True:
        k = rng.integers(len(digits.labels))
        label = int(digits.labels[k])
        if str(label) not in excluded:
            break
    return label, crop_to_strokes(enlarge(digits.ink[k, 0].numpy()))


def enlarge(ink: np.ndarray) -> np.ndarray:
    """Return ink three times as large."""
    return cv2.resize(ink, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC).clip(0, 1)


def crop_to_strokes(ink: np.ndarray) -> np.ndarray:
    """Return the part with strokes, or all if there are none."""
    left, top, width, height = cv2.boundingRect((ink > 0.3).astype(np.uint8))
    return ink[top : top + height, left : left + width] if width else ink


def overlay(ink: np.ndarray, other: np.ndarray, left: int, top: int) -> np.ndarray:
    """Lay other ink over ink, its corner at (left, top), which may be outside."""
    x, y = max(0, -left), max(0, -top)
    height = max(ink.shape[0] + y, other.shape[0] + top + y)
    width = max(ink.shape[1] + x, other.shape[1] + left + x)
    both = np.zeros((height, width), np.float32)
    both[y : y + ink.shape[0], x : x + ink.shape[1]] = ink
    part = both[top + y : top + y + other.shape[0], left + x : left + x + other.shape[1]]
    np.maximum(part, other, out=part)
    return both


def draw_side_by_side(rng: np.random.Generator, digits: Digits) -> np.ndarray:
    """Draw two to six digits in a row, touching or not, perhaps with dots between them."""
    row = sample_digit(rng, digits)[1]
    for _ in range(rng.choice([1, 1, 1, 1, 1, 2, 2, 3, 3, 5])):
        following = sample_digit(rng, digits)[1]
        following = cv2.resize(following, None, fx=1, fy=rng.uniform(0.75, 1.25))
        gap = round(rng.choice([rng.uniform(-0.25, 0.05), rng.uniform(0, 0.8)]) * 60)
        drop = round(rng.normal(0, 6)) + (row.shape[0] - following.shape[0]) // 2
        before = row.shape[1]
        row = overlay(row, following, before + gap, drop)
        if gap > 12 and rng.random() < 0.2:
            dot = np.ones((8, 8), np.float32)
            row = overlay(row, dot, before + gap // 2 - 4, row.shape[0] - 12)
    return row


def draw_stacked(rng: np.random.Generator, digits: Digits) -> np.ndarray:
    """Draw one digit above another."""
    (_, a), (_, b) = sample_digit(rng, digits), sample_digit(rng, digits)
    return overlay(a, b, round(rng.normal(0, 8)), a.shape[0] + round(rng.uniform(4, 40)))


def draw_overlaid(rng: np.random.Generator, digits: Digits) -> np.ndarray:
    """Draw two digits in one place, or one with a part of another above or below."""
    digit, a = sample_digit(rng, digits)
    _, b = sample_digit(rng, digits, excluded=f"1{digit}")
    down = rng.normal(0, 8) if rng.random() < 0.7 else rng.choice([-1, 1]) * rng.uniform(30, 60)
    return overlay(a, b, round(rng.normal(0, 12)), round(down))


def draw_halves(rng: np.random.Generator, digits: Digits) -> np.ndarray:
    """Draw half of one digit joined to half of another."""
    (a, ink), (b, other) = sample_digit(rng, digits), sample_digit(rng, digits)
    if a == b:
        return draw_rotated(rng, digits)
    ink, other = (cv2.resize(whole, (48, 60)) for whole in (ink, other))
    axis = rng.integers(2)
    cut = ink.shape[axis] // 2
    parts = np.split(ink, [cut], axis)[0], np.split(other, [cut], axis)[1]
    return np.concatenate(parts[:: rng.choice([-1, 1])], axis)


def draw_piece(rng: np.random.Generator, digits: Digits) -> np.ndarray:
    """Draw one side of a wide digit that was cut vertically."""
    _, ink = sample_digit(rng, digits, excluded="0146789")
    cut = round(rng.uniform(0.35, 0.65) * ink.shape[1])
    return crop_to_strokes(np.split(ink, [cut], axis=1)[rng.integers(2)])


def draw_with_fragment(rng: np.random.Generator, digits: Digits) -> np.ndarray:
    """Draw a digit with a piece of its neighbour."""
    _, ink = sample_digit(rng, digits)
    other = draw_piece(rng, digits)
    gap = round(rng.uniform(-4, 10))
    left = ink.shape[1] + gap if rng.random() < 0.5 else -other.shape[1] - gap
    return overlay(ink, other, left, round(rng.normal(0, 6)))


def draw_rotated(rng: np.random.Generator, digits: Digits) -> np.ndarray:
    """Draw a digit on its side, or mirrored."""
    if rng.random() < 0.6:
        _, ink = sample_digit(rng, digits, excluded="0")
        return np.ascontiguousarray(np.rot90(ink, rng.choice([1, 3])))
    return np.ascontiguousarray(sample_digit(rng, digits, excluded="01258")[1][:, ::-1])


def draw_part_of_shape(rng: np.random.Generator) -> np.ndarray:
    """Draw one side of a shape that was cut vertically."""
    others = SHAPE_KINDS[:-1]
    shape = crop_to_strokes(others[rng.integers(len(others))].draw(rng))
    cut = round(rng.uniform(0.3, 0.7) * shape.shape[1])
    return crop_to_strokes(np.split(shape, [cut], axis=1)[rng.integers(2)])


def cut_off_neighbor(ink: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return what is left of ink after it touched other ink and was cut off."""
    mirrored = rng.random() < 0.5
    if mirrored:
        ink, other = ink[:, ::-1], other[:, ::-1]
    height, width = ink.shape
    gap = round(rng.uniform(-0.12, 0.02) * height)
    drop = round(rng.normal(0, 0.08) * height) + (height - other.shape[0]) // 2
    both = overlay(ink, other, width + gap, drop)
    y, x = np.mgrid[0 : both.shape[0], 0 : both.shape[1]]
    at = width + gap / 2 + rng.normal(0, 0.03) * height
    kept = both * (x + rng.uniform(-0.25, 0.25) * (y - both.shape[0] / 2) < at)
    kept = crop_to_strokes(remove_splinters(kept))
    return np.ascontiguousarray(kept[:, ::-1] if mirrored else kept)


def recapture(ink: torch.Tensor, seed: Seed) -> torch.Tensor:
    """Return ink (N, 1, 28, 28) as if each digit were segmented from a picture again."""
    rng = np.random.default_rng(seed)
    recaptured = []
    for digit in ink[:, 0].numpy():
        drawing = crop_to_strokes(enlarge(digit))
        if rng.random() < CUT_OFF_SHARE:
            other = crop_to_strokes(enlarge(ink[rng.integers(len(ink)), 0].numpy()))
            drawing = cut_off_neighbor(drawing, other, rng)
        recaptured.append(frame_glyph(degrade_scan(drawing, rng)))
    return torch.from_numpy(np.array(recaptured, np.float32).reshape(ink.shape))


def draw_character(rng: np.random.Generator) -> np.ndarray:
    """Draw a character of some script that looks like no digit."""
    strokes = [paths[0] for paths in vary(Style(sample_character(rng).path), 1, rng)]
    return draw_strokes(add_slips(strokes, rng), rng)


def sample_character(rng: np.random.Generator) -> Character:
    """Return a random character; a script's share grows with the square root of its size."""
    scripts = list(select_characters().values())
    weights = np.sqrt([len(script) for script in scripts])
    script = scripts[rng.choice(len(scripts), p=weights / weights.sum())]
    return script[rng.integers(len(script))]


def draw_cursive(rng: np.random.Generator) -> np.ndarray:
    """Draw two to six letters in a row, mostly without lifting the pen between them."""
    latin = select_characters()["latin"]
    row: list[np.ndarray] = []
    right = 0.0
    for _ in range(rng.integers(2, 7)):
        letter = vary(Style(latin[rng.integers(len(latin))].path), 1, rng)
        size = rng.uniform(0.5, 1)
        points = np.concatenate(letter, axis=1)[0]
        corner = np.array([points[:, 0].min(), points[:, 1].max()])  # left end of the baseline
        row += [(paths[0] - corner) * size + [right, 0] for paths in letter]
        right += np.ptp(points[:, 0]) * size + rng.uniform(0.02, 0.4)
    row = connect_strokes(row, rng, share=rng.choice([0, 0.9]))
    return draw_strokes(row, rng, rng.uniform(*random_shapes.ROW_PENS_PX))


DIGIT_KINDS = (
    Kind("side by side", draw_side_by_side, 20, MULTI_DIGIT_CLASS),
    Kind("with fragment", draw_with_fragment, 2),
    Kind("piece", draw_piece, 1),
    Kind("halves", draw_halves, 2),
    Kind("overlaid", draw_overlaid, 2),
    Kind("piled", draw_stacked, 2, MULTI_DIGIT_CLASS),
    Kind("turned", draw_rotated, 2),
)
SHAPE_KINDS = (
    Kind("character", draw_character, 42),
    Kind("joined up", draw_cursive, 5),
    Kind("letter", random_shapes.draw_letter, 8),
    Kind("polyline", random_shapes.draw_polyline, 4),
    Kind("scrawl", random_shapes.draw_scrawl, 4),
    Kind("loops", random_shapes.draw_loops, 2),
    Kind("zigzag", random_shapes.draw_zigzag, 2),
    Kind("polygon", random_shapes.draw_polygon, 2),
    Kind("rectangle", random_shapes.draw_rectangle, 2),
    Kind("spiral", random_shapes.draw_spiral, 1),
    Kind("arcs", random_shapes.draw_arcs, 3),
    Kind("sticks", random_shapes.draw_sticks, 3),
    Kind("dash", random_shapes.draw_dash, 1),
    Kind("stars", random_shapes.draw_stars, 2),
    Kind("lollipop", random_shapes.draw_lollipop, 3),
    Kind("closed", random_shapes.draw_closed, 2),
    Kind("solid", random_shapes.draw_solid, 1),
    Kind("blot", random_shapes.draw_blot, 2),
    Kind("noise", random_shapes.draw_noise, 1),
    Kind("part of shape", draw_part_of_shape, 3),
)
NON_DIGIT_KINDS = DIGIT_KINDS + SHAPE_KINDS


def draw_kind(kind: Kind, rng: np.random.Generator, digits: Digits) -> np.ndarray:
    """Draw an outlier of a kind, cropped: ink (H, W); shapes that cover no pixel are repeated."""
    while True:
        shape = kind.draw(rng, digits) if kind in DIGIT_KINDS else kind.draw(rng)
        drawing = crop_to_strokes(shape)
        if drawing.any():
            return drawing


def draw_outliers(
    count: int, digits: Digits, seed: Seed, kinds: tuple[Kind, ...] = NON_DIGIT_KINDS
) -> Digits:
    """Draw, degrade and frame `count` outliers; some consist of the digits."""
    rng = np.random.default_rng(seed)
    weights = np.array([kind.weight for kind in kinds])
    chosen = [kinds[k] for k in rng.choice(len(kinds), count, p=weights / weights.sum())]
    ink = torch.empty(count, 1, FRAME, FRAME)
    for index, kind in enumerate(chosen):
        drawing = degrade_scan(draw_kind(kind, rng, digits), rng)
        ink[index, 0] = torch.from_numpy(frame_glyph(drawing))
    return Digits(ink, torch.tensor([kind.label for kind in chosen], dtype=torch.int64))


def draw_each_kind(count: int, digits: Digits, seed: Seed) -> dict[str, torch.Tensor]:
    """Draw `count` outliers of each kind: ink (count, 1, 28, 28) by the kind's name."""
    rng = np.random.default_rng(seed)
    return {
        kind.name: frame_all(draw_kind(kind, rng, digits) for _ in range(count))
        for kind in NON_DIGIT_KINDS
    }
