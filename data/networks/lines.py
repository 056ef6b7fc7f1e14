"""Compose handwritten numbers: the ink of a line, its labels, and the span of each label.

python -m data.networks.lines sheet.png   a contact sheet of lines

Digits are separate, close, touching, overlapping or joined by a stroke. Signs surround them: dots,
commas, dashes, slashes, currency signs, strokes after the last digit.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from data.drawing.non_digits import SHAPE_KINDS, crop_to_strokes, sample_character
from data.drawing.pen_digits import generate_drawings
from data.drawing.pen_slips import add_slips
from data.drawing.pen_strokes import Style, parse_styles
from data.drawing.pen_variation import draw_strokes, vary
from data.drawing.random_shapes import render_text
from inkling.datasets.mnist import Digits, load_mnist
from model import CTC_SIGN

SIGN = CTC_SIGN  # label of a character that is no digit
DIGIT_PX = 48  # px of a digit in a line
MNIST_ZOOM = 4  # enlargement of MNIST's digits
PEN_WIDTHS_PX = (1.0, 1.6, 2.3, 3.2, 4.2)  # in px of MNIST's frame; a line has one pen
STYLES_FILE = Path(__file__).with_name("styles.txt")  # in addition to `stroke_styles.txt`
OWN_STYLE_SHARE = 0.3  # of drawn digits: in the styles of `styles.txt`
# (share of lines, min gap, max gap) between digits, in digits' heights.
SPACINGS = ((0.3, 0.12, 0.5), (0.3, 0.0, 0.15), (0.4, -0.12, 0.02))
LETTER_SHARES = {0: 0.84, 0.25: 0.08, 1: 0.08}  # share of letters in a line: share of lines
SHAPE_SHARE = 0.3  # of non-digits: shapes instead of characters
PRINT_CHARACTERS = "abcdefghijklmnoprstuvwxyzABCDEFGHIJKLMNOPRSTUVW .:"


@dataclass(frozen=True, eq=False)
class Line:
    """A composed number."""

    ink: np.ndarray  # (H, W) float32, 0 to 1, cropped
    labels: tuple[int, ...]  # digits and `SIGN`, from left to right
    spans: tuple[tuple[float, float], ...]  # px: where each label may be recognized

    @property
    def digits(self) -> tuple[int, ...]:
        """The labels without signs."""
        return tuple(label for label in self.labels if label != SIGN)


class GlyphBank:
    """Digits, letters and printed words from which lines are composed."""

    def __init__(self, mnist: Digits, drawn: int, seed: int):
        """Draw `drawn` digits with each pen, beside the digits of MNIST."""
        self.mnist = mnist
        self.drawn: list[dict[int, list[np.ndarray]]] = []
        own = parse_styles(STYLES_FILE)
        for k, pen in enumerate(PEN_WIDTHS_PX):
            rng = np.random.default_rng((seed, k))
            by_digit: dict[int, list[np.ndarray]] = {digit: [] for digit in range(10)}
            for _, digit, ink in generate_drawings(
                round(drawn * (1 - OWN_STYLE_SHARE)), (seed, k), pen
            ):
                by_digit[digit].append(ink)
            for digit, styles in own.items():
                paths = list(styles.values())
                count = -(-round(drawn * OWN_STYLE_SHARE / 10) // len(paths)) if paths else 0
                for path in paths:
                    strokes = vary(Style(path), count, rng)
                    some = [add_slips([s[n] for s in strokes], rng) for n in range(count)]
                    by_digit[digit] += [draw_strokes(one, rng, pen) for one in some]
            self.drawn.append(by_digit)
        rng = np.random.default_rng((seed, len(PEN_WIDTHS_PX)))
        self.letters = [
            [draw_non_digit(rng, pen) for _ in range(drawn // 2)] for pen in PEN_WIDTHS_PX
        ]
        words = (
            "".join(rng.choice(list(PRINT_CHARACTERS), rng.integers(2, 9)))
            for _ in range(drawn // 4)
        )
        printed = (render_text(word, rng) for word in words)
        self.words = [ink for ink in printed if ink.any()]  # spaces alone have none

    def sample_mnist(self, rng: np.random.Generator) -> tuple[int, np.ndarray]:
        """Return a digit of MNIST and its ink (H, W), enlarged and sharpened."""
        k = rng.integers(len(self.mnist.labels))
        ink = self.mnist.ink[k, 0].numpy()
        ink = cv2.resize(ink, None, fx=MNIST_ZOOM, fy=MNIST_ZOOM, interpolation=cv2.INTER_CUBIC)
        ink = ((ink - 0.5) * rng.uniform(1, 3) + 0.5).clip(0, 1).astype(np.float32)
        return int(self.mnist.labels[k]), crop_to_strokes(ink)

    def sample_letter(self, pen: int, rng: np.random.Generator) -> np.ndarray:
        """Return a non-digit drawn with a pen, given by index: ink (H, W)."""
        return self.letters[pen][rng.integers(len(self.letters[pen]))]

    def sample_drawn(
        self, pen: int, rng: np.random.Generator, digit: int | None = None
    ) -> tuple[int, np.ndarray]:
        """Return a digit drawn with a pen, given by index, and its ink (H, W)."""
        digit = int(rng.integers(10)) if digit is None else digit
        ones = self.drawn[pen][digit]
        return digit, ones[rng.integers(len(ones))]

    def compose_line(self, count: int, rng: np.random.Generator) -> Line:
        """Compose a line of `count` digits."""
        return LineWriter(self, count, rng).write()


class LineWriter:
    """The habits of one writer, and the line written so far."""

    def __init__(self, glyphs: GlyphBank, count: int, rng: np.random.Generator):
        """Draw random habits."""
        self.glyphs, self.count, self.rng = glyphs, count, rng
        kind = rng.random()
        self.drawn_share = 0.5 if kind < 0.1 else float(kind < 0.55)
        self.pen = int(rng.integers(len(PEN_WIDTHS_PX)))
        shares, self.min_gap, self.max_gap = zip(*SPACINGS, strict=True)
        self.spacing = int(rng.choice(len(SPACINGS), p=shares))
        legible = (
            0.6 if PEN_WIDTHS_PX[self.pen] < 4 else 0.2
        )  # thick strokes that overlap are illegible
        self.touching = self.spacing == len(SPACINGS) - 1 and rng.random() < legible
        self.uneven = 0.12 * rng.choice([0.3, 1])  # standard deviation of the heights' logarithm
        # Round sums end in zeros, often small, raised and joined.
        self.zeros = int(rng.integers(1, 5)) if count > 1 and rng.random() < 0.35 else 0
        self.zero_size, self.zero_lift = 1.0, 0.0
        if rng.random() < 0.5:
            self.zero_size, self.zero_lift = rng.uniform(0.4, 0.9), rng.uniform(0, 0.5)
        self.zeros_touch = rng.random() < 0.5
        self.zero_join = rng.choice([0, 0.3, 0.9])
        self.grouped = rng.random() < 0.35  # a sign before each three digits
        self.group_sign = ".,.,.-'"[rng.integers(7)]
        self.letter_share = rng.choice(list(LETTER_SHARES), p=list(LETTER_SHARES.values()))
        self.canvas = np.zeros((3 * DIGIT_PX, (count + 6) * 2 * DIGIT_PX), np.float32)
        self.labels: list[int] = []
        self.spans: list[tuple[float, float]] = []
        self.last = (0, 0)  # px, left and right of the last digit
        self.right = DIGIT_PX  # px, where the next glyph may begin

    def write(self) -> Line:
        """Write the line."""
        rng = self.rng
        if rng.random() < 0.14:
            self.add_sign("$$=-#"[rng.integers(5)])
            self.right += round(rng.uniform(0, 0.3) * DIGIT_PX)
        elif rng.random() < 0.05:
            self.add_word()
        for k in range(self.count):
            self.add_digit(k)
            if k + 1 < self.count:
                if self.grouped and (self.count - k - 1) % 3 == 0:
                    self.add_sign(self.group_sign)
                    self.right += round(rng.uniform(0, 0.25) * DIGIT_PX)
                elif rng.random() < 0.07:
                    self.add_sign(".,.,.-/:"[rng.integers(8)])
        if rng.random() < 0.3:
            ends = ("=-", ".-", "/-", "-", "=", ".", ",-", "--", ",", "=")
            for end in ends[rng.integers(len(ends))]:
                self.add_sign(end)
        elif rng.random() < 0.04:
            self.add_word()
        return self.finish()

    def add_sign(self, kind: str) -> None:
        """Append a sign; adjacent signs have one label."""
        if kind == "'":
            x = self.right + round(0.1 * DIGIT_PX)
            cv2.line(
                self.canvas,
                (x, round(1.05 * DIGIT_PX)),
                (x - 2, round(1.25 * DIGIT_PX)),
                1.0,
                3,
            )
            width = round(0.15 * DIGIT_PX)
        else:
            width = draw_sign(self.canvas, self.right, self.rng, kind)
        self.add_label(SIGN, self.right - 0.05 * DIGIT_PX, self.right + width + 0.1 * DIGIT_PX)
        self.right += width

    def add_word(self) -> None:
        """Append a printed word."""
        words = self.glyphs.words
        ink = words[self.rng.integers(len(words))]
        height = round(self.rng.uniform(0.2, 0.8) * DIGIT_PX)
        width = min(2 * DIGIT_PX, max(4, round(ink.shape[1] * height / len(ink))))
        top = 2 * DIGIT_PX - height
        self.canvas[top : top + height, self.right : self.right + width] = cv2.resize(
            ink, (width, height), interpolation=cv2.INTER_AREA
        )
        self.add_label(SIGN, self.right, self.right + width)
        self.right += width + round(self.rng.uniform(0.1, 0.4) * DIGIT_PX)

    def add_label(self, label: int, left: float, right: float) -> None:
        """Append a label and its span, px; extend the last one if both are signs."""
        is_sign = bool(self.labels) and label == self.labels[-1] == SIGN
        if is_sign and self.spans[-1][1] > left - 0.1 * DIGIT_PX:
            self.spans[-1] = (self.spans[-1][0], right)
        else:
            self.labels.append(label)
            self.spans.append((left, right))

    def add_digit(self, k: int) -> None:
        """Append the digit at position `k`, or a letter instead."""
        rng = self.rng
        is_zero = self.zeros and k > 0 and k >= self.count - self.zeros
        if is_letter := rng.random() < self.letter_share:
            digit, ink, is_zero = SIGN, self.glyphs.sample_letter(self.pen, rng), False
        elif rng.random() < self.drawn_share:
            digit, ink = self.glyphs.sample_drawn(self.pen, rng, 0 if is_zero else None)
        else:
            digit, ink = self.glyphs.sample_mnist(rng)
            while is_zero and digit:
                digit, ink = self.glyphs.sample_mnist(rng)
        ink = self.resize(ink, self.zero_size if is_zero else 1.0)
        height, width = ink.shape
        lift = round(self.zero_lift * (DIGIT_PX - height)) if is_zero else 0
        top = round(2 * DIGIT_PX - lift - height + rng.normal(0, 0.06) * DIGIT_PX)
        top = min(max(0, top), len(self.canvas) - height)
        gap = rng.uniform(self.min_gap[self.spacing], self.max_gap[self.spacing])
        left = self.right + round(gap * DIGIT_PX) * bool(k)
        if k and (self.touching or (is_zero and self.zeros_touch)):
            left = find_contact(self.canvas, ink, self.right, top)
            left -= round(rng.uniform(0, 0.1) * DIGIT_PX)
            left = max(left, round(self.last[0] + 0.35 * (self.last[1] - self.last[0])), 0)
        place = self.canvas[top : top + height, left : left + width]
        np.maximum(place, ink[:, : place.shape[1]], out=place)
        if k and rng.random() < (self.zero_join if is_zero else 0.08):
            draw_join(self.canvas, self.last[1], left, self.pen, rng)
        self.last = (left, left + width)
        middle = left + width / 2
        self.add_label(
            SIGN if is_letter else digit,
            middle - 0.25 * DIGIT_PX,
            middle + 0.25 * DIGIT_PX,
        )
        self.right = max(self.right, left + width)

    def resize(self, ink: np.ndarray, size: float) -> np.ndarray:
        """Resize ink (H, W) to this writer's height."""
        height = DIGIT_PX * size * np.exp(self.rng.normal(0, self.uneven))
        if ink.shape[1] > 2 * ink.shape[0]:  # a 1 on its side
            height *= ink.shape[0] / ink.shape[1]
        width = ink.shape[1] * height / ink.shape[0] * np.exp(self.rng.normal(0, 0.08))
        shape = max(3, round(width)), max(2, round(height))
        return cv2.resize(ink, shape, interpolation=cv2.INTER_AREA)

    def finish(self) -> Line:
        """Return the line after dilation or erosion, shear and rotation, cropped."""
        rng, used = self.rng, self.right + DIGIT_PX
        canvas: np.ndarray = self.canvas[:, :used]
        if rng.random() < 0.25:
            canvas = (cv2.dilate if rng.random() < 0.5 else cv2.erode)(canvas, np.ones((2, 2)))
        slant = rng.normal(0.03, 0.2) * (rng.random() < 0.6)  # most writers slant to the right
        turn = np.radians(rng.normal(0, 2))
        matrix = np.array([[1, -slant, slant * 1.5 * DIGIT_PX], [turn, 1, -turn * used / 2]])
        ink = cv2.warpAffine(canvas, matrix, (used, len(canvas)))
        left, top, width, height = cv2.boundingRect((ink > 0.2).astype(np.uint8))
        if width < 2 or height < 2:
            return LineWriter(self.glyphs, self.count, rng).write()
        spans = tuple((a - left, b - left) for a, b in self.spans)
        return Line(ink[top : top + height, left : left + width], tuple(self.labels), spans)


def draw_non_digit(rng: np.random.Generator, pen: float) -> np.ndarray:
    """Draw a character with a pen of this width, px of the frame, or a shape."""
    if rng.random() < SHAPE_SHARE:
        shape = SHAPE_KINDS[rng.integers(len(SHAPE_KINDS))].draw(rng)
        return shape if shape.any() else draw_non_digit(rng, pen)
    strokes = [paths[0] for paths in vary(Style(sample_character(rng).path), 1, rng)]
    return draw_strokes(add_slips(strokes, rng), rng, pen)


def find_contact(canvas: np.ndarray, ink: np.ndarray, right: int, top: int) -> int:
    """Return the left edge, px, at which ink moved left from `right` touches the canvas's ink."""
    there = canvas[top : top + len(ink)] > 0.4
    mine = ink > 0.4
    last = np.where(there.any(axis=1), there.shape[1] - there[:, ::-1].argmax(axis=1), -(10**6))
    first = np.where(mine.any(axis=1), mine.argmax(axis=1), 10**6)
    return min(right, max(int((last - first).max()), right - DIGIT_PX))


def draw_join(
    canvas: np.ndarray, before: int, after: int, pen: int, rng: np.random.Generator
) -> None:
    """Draw a ligature between two digits."""
    y = rng.choice([1.05, 1.5, 1.95]) * DIGIT_PX
    first, last = (
        (round(x), round(float(y + rng.normal(0, 0.06) * DIGIT_PX)))
        for x in (
            before - rng.uniform(0.05, 0.3) * DIGIT_PX,
            after + rng.uniform(0.05, 0.3) * DIGIT_PX,
        )
    )
    cv2.line(
        canvas,
        first,
        last,
        1.0,
        max(1, round(PEN_WIDTHS_PX[pen] * DIGIT_PX / 20)),
        cv2.LINE_AA,
    )


def draw_sign(canvas: np.ndarray, right: int, rng: np.random.Generator, kind: str) -> int:
    """Draw a sign to the right of a line and return its width, px."""
    thick = max(2, round(rng.uniform(0.04, 0.16) * DIGIT_PX))
    x, base = (
        right + round(rng.uniform(0.05, 0.3) * DIGIT_PX),
        round(rng.normal(2, 0.05) * DIGIT_PX),
    )
    middle = round(rng.normal(1.5, 0.07) * DIGIT_PX)
    width = round(rng.uniform(0.2, 0.6) * DIGIT_PX)
    lean = round(rng.normal(0, 0.05) * DIGIT_PX)
    if kind in ".:":
        for y in (base,) if kind == "." else (base, middle):
            cv2.circle(canvas, (x + thick // 2, y - thick // 2), thick // 2 + 1, 1.0, -1)
        return x + thick + 2 - right
    if kind == ",":
        end = (
            x - round(0.08 * DIGIT_PX),
            base + round(rng.uniform(0.08, 0.2) * DIGIT_PX),
        )
        cv2.line(canvas, (x, base - thick), end, 1.0, thick)
        return x + thick - right
    if kind == "/":
        top = round(rng.uniform(0.6, 0.8) * DIGIT_PX)
        cv2.line(canvas, (x, base + DIGIT_PX // 4 + lean), (x + width, top), 1.0, thick)
        return x + width + thick - right
    if kind in "$#":
        letter = np.zeros(canvas.shape, np.uint8)
        cv2.putText(letter, kind, (x, base), cv2.FONT_HERSHEY_SIMPLEX, DIGIT_PX / 24, 1, thick)
        np.maximum(canvas, letter, out=canvas, casting="unsafe")
        return x + DIGIT_PX - right
    for y in (middle,) if kind == "-" else (middle, middle + 2 * thick):
        cv2.line(canvas, (x, y), (x + width, y + lean), 1.0, thick)
    return x + width + thick - right


def main() -> None:
    """Write the contact sheet."""
    parser = argparse.ArgumentParser(description="Write lines of digits.")
    parser.add_argument("sheet", type=Path, help="picture to write")
    glyphs, rng = GlyphBank(load_mnist().train, 400, 0), np.random.default_rng(0)
    page = np.zeros((16 * 80, 4 * 400), np.float32)
    for k in range(64):
        ink = glyphs.compose_line(int(rng.integers(1, 8)), rng).ink
        scale = min(70 / len(ink), 380 / ink.shape[1])
        ink = cv2.resize(ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        y, x = k // 4 * 80, k % 4 * 400
        page[y : y + len(ink), x : x + ink.shape[1]] = ink
    Image.fromarray((255 * (1 - page)).astype(np.uint8)).save(parser.parse_args().sheet)


if __name__ == "__main__":
    main()
