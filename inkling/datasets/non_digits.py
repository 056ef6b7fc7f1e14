"""Chance becomes ink that is no digit: for a network that is to know what it does not know.

python -m inkling.datasets.non_digits sheet.png   a contact sheet: every kind, and how it turns out

Beside the shapes of `random_shapes.py` there is what stands beside digits on paper, and what is
left when a picture is cut in the wrong place.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from inkling.datasets import random_shapes
from inkling.datasets.hands import Character, characters
from inkling.datasets.mnist import Digits, load_mnist
from inkling.datasets.pen_digits import seen
from inkling.datasets.pen_slips import carelessly, dragged
from inkling.datasets.pen_strokes import Style, draw
from inkling.imaging.mnist_frame import FRAME, frame_glyph, remove_splinters
from model import MULTI_DIGIT_CLASS, NON_DIGIT_CLASS

CUT_OFF = 0.5  # share of digits seen again that have touched another


def some_digit(rng: np.random.Generator, digits: Digits, but: str = "") -> tuple[int, np.ndarray]:
    """Return a digit's label and its ink, enlarged and cropped, (H, W)."""
    while True:
        k = rng.integers(len(digits.labels))
        label = int(digits.labels[k])
        if str(label) not in but:
            break
    return label, crop(enlarged(digits.ink[k, 0].numpy()))


def enlarged(ink: np.ndarray) -> np.ndarray:
    """Return ink three times as large."""
    return cv2.resize(ink, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC).clip(0, 1)


def crop(ink: np.ndarray) -> np.ndarray:
    """Return the part that has ink, or all if none has."""
    left, top, width, height = cv2.boundingRect((ink > 0.3).astype(np.uint8))
    return ink[top : top + height, left : left + width] if width else ink


def side_by_side(rng: np.random.Generator, digits: Digits) -> np.ndarray:
    """Draw two to six digits beside each other, touching or not, perhaps with a dot between."""
    row = some_digit(rng, digits)[1]
    for _ in range(rng.choice([1, 1, 1, 1, 1, 2, 2, 3, 3, 5])):
        following = some_digit(rng, digits)[1]
        following = cv2.resize(following, None, fx=1, fy=rng.uniform(0.75, 1.25))
        gap = round(rng.choice([rng.uniform(-0.25, 0.05), rng.uniform(0, 0.8)]) * 60)
        drop = round(rng.normal(0, 6)) + (row.shape[0] - following.shape[0]) // 2
        before = row.shape[1]
        row = over(row, following, before + gap, drop)
        if gap > 12 and rng.random() < 0.2:
            row = over(row, np.ones((8, 8), np.float32), before + gap // 2 - 4, row.shape[0] - 12)
    return row


def over(ink: np.ndarray, other: np.ndarray, left: int, top: int) -> np.ndarray:
    """Lay other ink over ink, its corner at (left, top), which may be outside."""
    x, y = max(0, -left), max(0, -top)
    height = max(ink.shape[0] + y, other.shape[0] + top + y)
    width = max(ink.shape[1] + x, other.shape[1] + left + x)
    both = np.zeros((height, width), np.float32)
    both[y : y + ink.shape[0], x : x + ink.shape[1]] = ink
    part = both[top + y : top + y + other.shape[0], left + x : left + x + other.shape[1]]
    np.maximum(part, other, out=part)
    return both


def piled(rng: np.random.Generator, digits: Digits) -> np.ndarray:
    """Draw one digit above another."""
    (_, a), (_, b) = some_digit(rng, digits), some_digit(rng, digits)
    return over(a, b, round(rng.normal(0, 8)), a.shape[0] + round(rng.uniform(4, 40)))


def overlaid(rng: np.random.Generator, digits: Digits) -> np.ndarray:
    """Draw two digits in one place, or one with a bit of another above or below."""
    digit, a = some_digit(rng, digits)
    _, b = some_digit(rng, digits, but=f"1{digit}")
    down = rng.normal(0, 8) if rng.random() < 0.7 else rng.choice([-1, 1]) * rng.uniform(30, 60)
    return over(a, b, round(rng.normal(0, 12)), round(down))


def halves(rng: np.random.Generator, digits: Digits) -> np.ndarray:
    """Draw half of one digit joined to half of another."""
    (a, one), (b, other) = some_digit(rng, digits), some_digit(rng, digits)
    if a == b:
        return turned(rng, digits)
    one, other = (cv2.resize(ink, (48, 60)) for ink in (one, other))
    axis = rng.integers(2)
    cut = one.shape[axis] // 2
    parts = np.split(one, [cut], axis)[0], np.split(other, [cut], axis)[1]
    return np.concatenate(parts[:: rng.choice([-1, 1])], axis)


def piece(rng: np.random.Generator, digits: Digits) -> np.ndarray:
    """Draw what is left of a wide digit that was cut from top to bottom."""
    _, ink = some_digit(rng, digits, but="0146789")
    cut = round(rng.uniform(0.35, 0.65) * ink.shape[1])
    return crop(np.split(ink, [cut], axis=1)[rng.integers(2)])


def with_fragment(rng: np.random.Generator, digits: Digits) -> np.ndarray:
    """Draw a digit with a piece of its neighbour."""
    _, ink = some_digit(rng, digits)
    other = piece(rng, digits)
    gap = round(rng.uniform(-4, 10))
    left = ink.shape[1] + gap if rng.random() < 0.5 else -other.shape[1] - gap
    return over(ink, other, left, round(rng.normal(0, 6)))


def part_of_shape(rng: np.random.Generator) -> np.ndarray:
    """Draw what is left of a shape that was cut from top to bottom."""
    shape = crop(list(SHAPES)[rng.integers(len(SHAPES) - 1)](rng))  # of the others
    cut = round(rng.uniform(0.3, 0.7) * shape.shape[1])
    return crop(np.split(shape, [cut], axis=1)[rng.integers(2)])


def turned(rng: np.random.Generator, digits: Digits) -> np.ndarray:
    """Draw a digit that lies on its side, or is seen in a mirror."""
    if rng.random() < 0.6:
        return np.ascontiguousarray(
            np.rot90(some_digit(rng, digits, but="0")[1], rng.choice([1, 3]))
        )
    return np.ascontiguousarray(some_digit(rng, digits, but="01258")[1][:, ::-1])


def cut_off(ink: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return ink as it is left when it was cut from other ink that it touched."""
    mirrored = rng.random() < 0.5
    if mirrored:
        ink, other = ink[:, ::-1], other[:, ::-1]
    height, width = ink.shape
    gap = round(rng.uniform(-0.12, 0.02) * height)
    drop = round(rng.normal(0, 0.08) * height) + (height - other.shape[0]) // 2
    both = over(ink, other, width + gap, drop)
    y, x = np.mgrid[0 : both.shape[0], 0 : both.shape[1]]
    at = width + gap / 2 + rng.normal(0, 0.03) * height
    kept = both * (x + rng.uniform(-0.25, 0.25) * (y - both.shape[0] / 2) < at)
    kept = crop(remove_splinters(kept))
    return np.ascontiguousarray(kept[:, ::-1] if mirrored else kept)


def seen_again(ink: torch.Tensor, seed: int | tuple[int, ...]) -> torch.Tensor:
    """Return ink (N, 1, 28, 28) as if each digit had been taken from a picture once more."""
    rng = np.random.default_rng(seed)
    again = []
    for digit in ink[:, 0].numpy():
        drawing = crop(enlarged(digit))
        if rng.random() < CUT_OFF:
            other = crop(enlarged(ink[rng.integers(len(ink)), 0].numpy()))
            drawing = cut_off(drawing, other, rng)
        again.append(frame_glyph(seen(drawing, rng)))
    return torch.from_numpy(np.array(again, np.float32).reshape(ink.shape))


def character(rng: np.random.Generator) -> np.ndarray:
    """Write a character of some script that no digit looks like."""
    return written(some_character(rng), rng)


def written(one: Character, rng: np.random.Generator) -> np.ndarray:
    """Write a character as any hand does."""
    return draw(carelessly([paths[0] for paths in Style(one.path).vary(1, rng)], rng), rng)


def some_character(rng: np.random.Generator) -> Character:
    """Return a character: scripts come more often that have more, but not as much more."""
    scripts = characters()
    often = np.sqrt([len(script) for script in scripts.values()])
    script = list(scripts.values())[rng.choice(len(scripts), p=often / often.sum())]
    return script[rng.integers(len(script))]


def joined_up(rng: np.random.Generator) -> np.ndarray:
    """Write two to six letters in a row, most of them without lifting the pen between."""
    latin = characters()["latin"]
    row: list[np.ndarray] = []
    right = 0.0
    for _ in range(rng.integers(2, 7)):
        letter = Style(latin[rng.integers(len(latin))].path).vary(1, rng)
        size = rng.uniform(0.5, 1)
        points = np.concatenate(letter, axis=1)[0]
        corner = np.array([points[:, 0].min(), points[:, 1].max()])  # on the line that it stands on
        row += [(paths[0] - corner) * size + [right, 0] for paths in letter]
        right += np.ptp(points[:, 0]) * size + rng.uniform(0.02, 0.4)
    return draw(
        dragged(row, rng, share=rng.choice([0, 0.9])), rng, rng.uniform(*random_shapes.ROW_PENS)
    )


OF_DIGITS: dict[Callable[[np.random.Generator, Digits], np.ndarray], int] = {
    side_by_side: 20,
    with_fragment: 2,
    piece: 1,
    halves: 2,
    overlaid: 2,
    piled: 2,
    turned: 2,
}
SHAPES: dict[Callable[[np.random.Generator], np.ndarray], int] = {
    character: 42,
    joined_up: 5,
    random_shapes.letter: 8,
    random_shapes.polyline: 4,
    random_shapes.scrawl: 4,
    random_shapes.loops: 2,
    random_shapes.zigzag: 2,
    random_shapes.polygon: 2,
    random_shapes.rectangle: 2,
    random_shapes.spiral: 1,
    random_shapes.arcs: 3,
    random_shapes.sticks: 3,
    random_shapes.dash: 1,
    random_shapes.stars: 2,
    random_shapes.lollipop: 3,
    random_shapes.closed: 2,
    random_shapes.solid: 1,
    random_shapes.blot: 2,
    random_shapes.noise: 1,
    part_of_shape: 3,
}
KINDS = OF_DIGITS | SHAPES  # and how often each comes, beside the others
WITHOUT_CHARACTERS = {k: often for k, often in KINDS.items() if k not in (character, joined_up)}


def draw_one(kind: Callable, rng: np.random.Generator, digits: Digits) -> np.ndarray:
    """Draw one thing of a kind: ink (H, W), cropped; a shape too thin to cover a pixel is left."""
    while True:
        drawing = crop(kind(rng, digits) if kind in OF_DIGITS else kind(rng))
        if drawing.any():
            return drawing


def outliers(
    count: int,
    digits: Digits,
    seed: int | tuple[int, ...],
    kinds: dict[Callable, int] = KINDS,
) -> Digits:
    """Draw non-digits, some of them made of digits, with the labels of their classes."""
    rng = np.random.default_rng(seed)
    makers, share = list(kinds), np.array(list(kinds.values())) / sum(kinds.values())
    chosen = rng.choice(len(makers), count, p=share)
    ink = np.zeros((count, FRAME, FRAME), np.float32)
    for place, kind in enumerate(chosen):
        ink[place] = frame_glyph(seen(draw_one(makers[kind], rng, digits), rng))
    several = [makers.index(kind) for kind in (side_by_side, piled)]
    labels = np.where(np.isin(chosen, several), MULTI_DIGIT_CLASS, NON_DIGIT_CLASS)
    return Digits(torch.from_numpy(ink)[:, None], torch.from_numpy(labels))


def by_kind(count: int, digits: Digits, seed: int | tuple[int, ...]) -> dict[str, torch.Tensor]:
    """Draw `count` of each kind: ink (count, 1, 28, 28) by the kind's name."""
    rng = np.random.default_rng(seed)
    drawn = {}
    for kind in KINDS:
        shapes = [frame_glyph(draw_one(kind, rng, digits)) for _ in range(count)]
        drawn[kind.__name__.replace("_", " ")] = torch.from_numpy(np.stack(shapes))[:, None]
    return drawn


def main() -> None:
    """Write the contact sheet."""
    parser = argparse.ArgumentParser(description="Draw every kind of thing that is no digit.")
    parser.add_argument("sheet", type=Path, help="picture to write")
    rows = by_kind(40, load_mnist().train, seed=0).values()
    page = torch.cat([torch.cat(list(ink[:, 0]), dim=1) for ink in rows])
    Image.fromarray((255 * (1 - page.numpy())).astype(np.uint8)).save(parser.parse_args().sheet)


if __name__ == "__main__":
    main()
