"""Digits of many hands become handwritten numbers: one line of ink, and what it says.

python -m data.networks.lines sheet.png   a contact sheet of lines

Digits stand apart, close, touch, overlap or are joined by a stroke, with the signs between them
that numbers have: dots, commas, dashes, slashes, strokes after the last one.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from inkling.datasets.mnist import Digits, load_mnist
from inkling.datasets.non_digits import SHAPES, crop, some_character
from inkling.datasets.pen_digits import drawings
from inkling.datasets.pen_slips import carelessly
from inkling.datasets.pen_strokes import Style, draw

HEIGHT = 64  # px of a digit in a line
ENLARGED = 4  # times, MNIST's digits
PENS = (1.0, 1.6, 2.3, 3.2, 4.2)  # px of the frame, of drawn digits: one pen writes a line
DRAWN = 0.5  # share of lines that are drawn; in the others stand MNIST's digits
MIXED = 0.1  # share of lines in which both stand
# How close digits stand, and how often: (share, least gap, widest gap), in heights.
SPACINGS = ((0.3, 0.12, 0.5), (0.3, 0.0, 0.15), (0.4, -0.12, 0.02))
TOUCHING = 0.6  # share of the closest lines whose digits are moved until they meet
JOINED = 0.1  # share of neighbours that a stroke joins
SIGN = 0.12  # share of neighbours with a sign between
LAST_SIGN = 0.2  # share of lines with a sign at either end
LETTERS = (0.79, 0.06, 0.15)  # shares of lines with none, with some, and of nothing else
SHAPED = 0.3  # share of what is no digit that is no character either
ZEROS, SMALL_ZEROS = 0.12, (0.45, 1.0)  # share of round sums, and heights of their zeros
SLANT = 0.18  # standard deviation of a line's slant, px to the left for each px down
UNEQUAL = 0.12  # standard deviation of the logarithm of heights, in uneven lines
DROP = 0.06  # standard deviation of how far digits stand below the line, in heights
# What becomes of lines on paper: shares of lines, and to what part of their size they are reduced.
COARSE, SHRUNK = 0.5, (0.25, 0.9)
RULED, SPECKLED = 0.06, 0.08


@dataclass(frozen=True, eq=False)
class Line:
    """A handwritten number."""

    ink: np.ndarray  # (H, W) float32, 0 to 1, cropped
    digits: tuple[int, ...]
    middles: tuple[float, ...]  # of each digit from left to right, px


class Hands:
    """Digits of many hands, to write lines with."""

    def __init__(self, mnist: Digits, drawn: int, seed: int):
        """Draw `drawn` digits with each pen; MNIST's are taken as they come."""
        self.mnist = mnist
        self.drawn: list[dict[int, list[np.ndarray]]] = []
        for k, pen in enumerate(PENS):
            by_digit: dict[int, list[np.ndarray]] = {digit: [] for digit in range(10)}
            for _, digit, ink in drawings(drawn, (seed, k), pen):
                by_digit[digit].append(ink)
            self.drawn.append(by_digit)
        rng = np.random.default_rng((seed, len(PENS)))
        self.letters = [[no_digit(rng, pen) for _ in range(drawn // 2)] for pen in PENS]

    def scanned(self, rng: np.random.Generator) -> tuple[int, np.ndarray]:
        """Return one of MNIST's digits and its ink, (H, W), enlarged and about as sharp as ink."""
        k = rng.integers(len(self.mnist.labels))
        ink = self.mnist.ink[k, 0].numpy()
        ink = cv2.resize(ink, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
        ink = ((ink - 0.5) * rng.uniform(1, 3) + 0.5).clip(0, 1).astype(np.float32)
        return int(self.mnist.labels[k]), crop(ink)

    def letter(self, pen: int, rng: np.random.Generator) -> np.ndarray:
        """Return a character of some script, drawn with one of `PENS`: ink (H, W)."""
        return self.letters[pen][rng.integers(len(self.letters[pen]))]

    def pen(self, pen: int, rng: np.random.Generator) -> tuple[int, np.ndarray]:
        """Return a digit drawn with one of `PENS`, and its ink, (H, W)."""
        digit = int(rng.integers(10))
        ones = self.drawn[pen][digit]
        return digit, ones[rng.integers(len(ones))]

    def line(self, count: int, rng: np.random.Generator) -> Line:
        """Write a number of `count` digits."""
        kind, pen = rng.random(), int(rng.integers(len(PENS)))
        shares, least, most = zip(*SPACINGS, strict=True)
        spacing = rng.choice(len(SPACINGS), p=shares)
        touch = spacing == len(SPACINGS) - 1 and rng.random() < TOUCHING
        uneven = UNEQUAL * rng.choice([0.3, 1])
        round_sum = rng.random() < ZEROS
        zeros = rng.uniform(*SMALL_ZEROS)
        canvas = np.zeros((3 * HEIGHT, (count + 3) * 2 * HEIGHT), np.float32)
        letters = rng.choice([0, 0.3, 1], p=LETTERS)
        digits: list[int] = []
        middles: list[float] = []
        spans: list[tuple[int, int]] = []
        right = HEIGHT
        if rng.random() < LAST_SIGN / 2:
            right += sign(canvas, right, rng, "=-$")
        for k in range(count):
            drawn = rng.random() < 0.5 if kind < MIXED else kind < MIXED + (1 - MIXED) * DRAWN
            for _ in range(4 if round_sum and k else 1):
                digit, ink = self.pen(pen, rng) if drawn else self.scanned(rng)
                if digit == 0:
                    break
            if is_letter := rng.random() < letters:
                ink = self.letter(pen, rng)
            height = HEIGHT * np.exp(rng.normal(0, uneven))
            if round_sum and digit == 0:
                height *= zeros
            if ink.shape[1] > 2 * ink.shape[0]:  # a 1 that lies down
                height *= ink.shape[0] / ink.shape[1]
            scale = height / ink.shape[0]
            width = max(3, round(ink.shape[1] * scale * np.exp(rng.normal(0, 0.08))))
            ink = cv2.resize(ink, (width, round(height)), interpolation=cv2.INTER_AREA)
            top = round(2 * HEIGHT - len(ink) + rng.normal(0, DROP) * HEIGHT)
            top = min(max(0, top), len(canvas) - len(ink))
            left = right + round(rng.uniform(least[spacing], most[spacing]) * HEIGHT) * bool(k)
            if touch and k:
                left = meeting(canvas, ink, right, top) - round(rng.uniform(0, 0.1) * HEIGHT)
                left = max(left, round(spans[-1][0] + 0.3 * (spans[-1][1] - spans[-1][0])))
            place = canvas[top : top + len(ink), left : left + width]
            np.maximum(place, ink, out=place)
            if k and rng.random() < (4 if round_sum else 1) * JOINED:
                join(canvas, spans[-1][1], left, pen, rng)
            spans.append((left, left + width))
            if not is_letter:
                digits.append(digit)
                middles.append(left + width / 2)
            right = max(right, left + width)
            if rng.random() < SIGN and k + 1 < count:
                right += sign(canvas, right, rng, ".,.,.-/:")
        if rng.random() < LAST_SIGN:
            sign(canvas, right, rng, ".,-=.")
        return slanted(canvas, digits, middles, rng)


def no_digit(rng: np.random.Generator, pen: float) -> np.ndarray:
    """Write a character with a pen of this width, in px of the frame, or draw a shape with any."""
    if rng.random() < SHAPED:
        shape = list(SHAPES)[rng.integers(len(SHAPES))](rng)
        return shape if shape.any() else no_digit(rng, pen)
    strokes = [paths[0] for paths in Style(some_character(rng).path).vary(1, rng)]
    return draw(carelessly(strokes, rng), rng, pen)


def slanted(
    canvas: np.ndarray, digits: list[int], middles: list[float], rng: np.random.Generator
) -> Line:
    """Slant and turn a line a little, and crop it."""
    slant, turn = rng.normal(0, SLANT) * (rng.random() < 0.6), np.radians(rng.normal(0, 2))
    height, width = canvas.shape
    matrix = np.array([[1, -slant, slant * 1.5 * HEIGHT], [turn, 1, -turn * width / 2]])
    ink = cv2.warpAffine(canvas, matrix, (width, height))
    left, top, w, h = cv2.boundingRect((ink > 0.2).astype(np.uint8))
    return Line(
        ink[top : top + h, left : left + w], tuple(digits), tuple(m - left for m in middles)
    )


def worn(line: Line, rng: np.random.Generator) -> Line:
    """Return a line as it is found on paper: coarse, blurred, faded here, with specks and rests."""
    ink, middles = line.ink, np.array(line.middles)
    if rng.random() < COARSE:
        part = rng.uniform(*SHRUNK)
        size = [max(2, round(length * part)) for length in ink.shape[::-1]]
        ink = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
        middles = middles * size[0] / line.ink.shape[1]
        if rng.random() < 0.5:
            ink = cv2.GaussianBlur(ink, (0, 0), rng.uniform(0.3, 1.0))
        if rng.random() < 0.5:
            few = [max(2, length // 3) for length in ink.shape]
            fade = cv2.resize(rng.normal(0, 0.35, few).astype(np.float32), ink.shape[::-1])
            ink = (ink * (1 + fade) * rng.uniform(0.8, 1.6)).clip(0, 1)
        if rng.random() < 0.3:
            ink = (ink > rng.uniform(0.25, 0.6)).astype(np.float32)
    ink = ink.copy()
    height, width = ink.shape
    if rng.random() < RULED:
        ends = np.sort(rng.integers(0, width, 2)).tolist()
        y = round(rng.uniform(0.85, 1) * (height - 1))
        cv2.line(ink, (ends[0], y), (ends[1], y), 1.0, 1)
    if rng.random() < SPECKLED:
        for _ in range(rng.integers(1, 6)):
            at = int(rng.integers(width)), int(rng.integers(height))
            cv2.circle(ink, at, int(rng.integers(0, 3)), 1.0, -1)
    left, top, w, h = cv2.boundingRect((ink > 0.15).astype(np.uint8))
    if not w:
        return line
    return Line(ink[top : top + h, left : left + w].clip(0, 1), line.digits, tuple(middles - left))


def meeting(canvas: np.ndarray, ink: np.ndarray, right: int, top: int) -> int:
    """Return how far to the left ink must go from `right` until it meets what is there, px."""
    there = canvas[top : top + len(ink)] > 0.4
    mine = ink > 0.4
    last = np.where(there.any(axis=1), there.shape[1] - there[:, ::-1].argmax(axis=1), -(10**6))
    first = np.where(mine.any(axis=1), mine.argmax(axis=1), 10**6)
    return min(right, max(int((last - first).max()), right - HEIGHT))


def join(canvas: np.ndarray, before: int, after: int, pen: int, rng: np.random.Generator) -> None:
    """Draw the stroke of a pen that was not lifted between two digits."""
    y = rng.choice([1.05, 1.5, 1.95]) * HEIGHT
    first, last = (
        (round(x), round(float(y + rng.normal(0, 0.06) * HEIGHT)))
        for x in (before - rng.uniform(0.05, 0.3) * HEIGHT, after + rng.uniform(0.05, 0.3) * HEIGHT)
    )
    cv2.line(canvas, first, last, 1.0, max(1, round(PENS[pen] * HEIGHT / 20)), cv2.LINE_AA)


def sign(canvas: np.ndarray, right: int, rng: np.random.Generator, signs: str) -> int:
    """Write one of these signs to the right of a line; return how much space it takes, px."""
    kind = signs[rng.integers(len(signs))]
    thick = max(2, round(rng.uniform(0.04, 0.16) * HEIGHT))
    x, base = right + round(rng.uniform(0.05, 0.3) * HEIGHT), round(rng.normal(2, 0.05) * HEIGHT)
    middle = round(rng.normal(1.5, 0.07) * HEIGHT)
    width = round(rng.uniform(0.2, 0.6) * HEIGHT)
    lean = round(rng.normal(0, 0.05) * HEIGHT)
    if kind in ".:":
        for y in (base,) if kind == "." else (base, middle):
            cv2.circle(canvas, (x + thick // 2, y - thick // 2), thick // 2 + 1, 1.0, -1)
        return x + thick + 2 - right
    if kind == ",":
        end = x - round(0.08 * HEIGHT), base + round(rng.uniform(0.08, 0.2) * HEIGHT)
        cv2.line(canvas, (x, base - thick), end, 1.0, thick)
        return x + thick - right
    if kind == "/":
        top = round(rng.uniform(0.6, 0.8) * HEIGHT)
        cv2.line(canvas, (x, base + HEIGHT // 4 + lean), (x + width, top), 1.0, thick)
        return x + width + thick - right
    if kind == "$":
        letter = np.zeros(canvas.shape, np.uint8)
        cv2.putText(letter, "$", (x, base), cv2.FONT_HERSHEY_SIMPLEX, HEIGHT / 24, 1, thick)
        np.maximum(canvas, letter, out=canvas, casting="unsafe")
        return x + HEIGHT - right
    for y in (middle,) if kind == "-" else (middle, middle + 2 * thick):
        cv2.line(canvas, (x, y), (x + width, y + lean), 1.0, thick)
    return x + width + thick - right


def main() -> None:
    """Write the contact sheet."""
    parser = argparse.ArgumentParser(description="Write lines of digits.")
    parser.add_argument("sheet", type=Path, help="picture to write")
    hands, rng = Hands(load_mnist().train, 200, 0), np.random.default_rng(0)
    page = np.zeros((16 * 80, 4 * 400), np.float32)
    for k in range(64):
        ink = hands.line(int(rng.integers(1, 8)), rng).ink
        scale = min(70 / len(ink), 380 / ink.shape[1])
        ink = cv2.resize(ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        y, x = k // 4 * 80, k % 4 * 400
        page[y : y + len(ink), x : x + ink.shape[1]] = ink
    Image.fromarray((255 * (1 - page)).astype(np.uint8)).save(parser.parse_args().sheet)


if __name__ == "__main__":
    main()
