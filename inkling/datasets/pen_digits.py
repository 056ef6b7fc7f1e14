"""Styles become drawn digits: pen strokes, each one different, framed like any picture.

python -m inkling.datasets.pen_digits sheet.png   a contact sheet: every style, and how it turns out
"""

import argparse
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image, ImageDraw
from scipy.interpolate import CubicHermiteSpline

from inkling.datasets.mnist import Digits
from inkling.datasets.stroke_styles import STYLES
from inkling.imaging.mnist_frame import DIGIT, FRAME, cropped, frame

HELD_OUT_SEED = 2**32  # of drawn digits that no training sees
UNIT = 5  # px of the drawing in one px of the frame
STEPS = 8  # points of a path from one control point to the next
PATH_BITS = 3  # bits of a pixel in the points given to OpenCV
THINNEST, THICKEST = 1.0, 4.8  # px of the frame, widths of pens
# How pictures differ, from one that is as sharp as the drawing itself.
SHARP = 0.8  # share of those
SMALL_PICTURE = (14, 60)  # px, longest side of the others' digits
BLUR = (0.3, 1.1)  # px
GAIN = (1, 1.6)  # of the darkest ink
TILE, NAME_WIDTH = 2 * FRAME, 150  # px of the contact sheet
# How far hands differ. Lengths are in heights of the digit, angles in radians; where nothing else
# is said, a standard deviation.
CONTROL = 0.026  # of every point that the pen passes
STROKE = 0.026  # of a whole stroke's place, if there are several
END = 0.12  # of a stroke's first and last part, in its own length: gaps and overshoot
WOBBLE = 0.006  # of the path, in waves
TREMOR = 0.01  # of every point of the path, at most
ROUNDING = 0.6  # the most that haste turns a corner into a curve: 0 not at all, 1 wholly
BALANCE = 0.05  # of how high the middle lies: small loops, long tails
TOP_SPREAD = 0.13  # of how much wider the top is than the bottom
ASPECT = 0.17  # of the width's logarithm
SLANT, MEAN_SLANT = 0.17, 0.12  # of the shear; most people lean to the right
TURN = 0.1  # of the rotation
TAPER = 0.08  # of the pen's width, from the start of the digit to its end
SAMPLING = (1, 2, 4)  # every so many-th point is what a slow tablet or a fast hand leaves
SQUARE_PENS, BROAD_PENS = 0.08, 0.08  # shares; the others are round, and the same in all directions
BROAD_NIB = 0.4  # of its width that a broad pen loses along its edge


class Style:
    """One way of writing a digit: control points, and how a pen's path follows from them."""

    def __init__(self, line: str):
        """Read a line of `stroke_styles.txt`; raises `ValueError` if it is none."""
        strokes = [stroke.split() for stroke in line.split("/")]
        words = [word for stroke in strokes for word in stroke]
        ends = np.cumsum([0] + [len(stroke) for stroke in strokes])
        self.parts = [slice(a, b) for a, b in pairwise(ends)]  # of the points, for each stroke
        try:
            points = [[float(number) for number in word.rstrip("!").split(",")] for word in words]
            self.control = np.array(points).reshape(len(words), 2) / 100  # (K, 2), x and y
            if min(map(len, strokes)) < 2 or any(
                (np.diff(self.control[part], axis=0) == 0).all(axis=1).any() for part in self.parts
            ):
                raise ValueError("a stroke needs two points, and no point twice in a row")
        except ValueError as error:
            raise ValueError(f"{line!r} is no style ({error}): see stroke_styles.txt") from error
        corner = np.array([word.endswith("!") for word in words])
        # Two ways through the points of each stroke, (M, K): with its corners, and without any.
        self.sharp = [path_basis(self.control[part], corner[part]) for part in self.parts]
        self.smooth = [path_basis(self.control[part], corner[part] & False) for part in self.parts]

    def vary(self, count: int, rng: np.random.Generator) -> list[np.ndarray]:
        """Return the style as `count` hands write it: for each stroke its paths, (count, M, 2)."""

        def normal(scale: float, *shape: int) -> np.ndarray:
            return rng.normal(0, scale, (count, *shape))

        hands = self.control + normal(CONTROL, *self.control.shape)
        rounding = rng.uniform(0, ROUNDING, (count, 1, 1))
        paths = []
        for part, sharp, smooth in zip(self.parts, self.sharp, self.smooth, strict=True):
            control = hands[:, part] + (normal(STROKE, 1, 2) if len(self.parts) > 1 else 0)
            control[:, 0] += normal(END, 1) * (control[:, 0] - control[:, 1])
            control[:, -1] += normal(END, 1) * (control[:, -1] - control[:, -2])
            path = (1 - rounding) * (sharp @ control) + rounding * (smooth @ control)
            along = np.arange(path.shape[1])[:, None] / STEPS  # in control points
            for waves in (0.5, 1.5):
                phase = rng.uniform(0, 2 * np.pi, (count, 1, 2))
                path += normal(WOBBLE, 1, 2) * np.sin(2 * np.pi * waves * along + phase)
            path += rng.uniform(0, TREMOR, (count, 1, 1)) * rng.normal(size=path.shape)
            paths.append(path)
        x, y = np.split(np.concatenate(paths, axis=1) - self.control.mean(axis=0), 2, axis=2)
        y = y + normal(BALANCE, 1, 1) * np.cos(np.pi * y)
        x = x * (1 + normal(TOP_SPREAD, 1, 1) * y) * np.exp(normal(ASPECT, 1, 1))
        x = x - (MEAN_SLANT + normal(SLANT, 1, 1)) * y
        turn = normal(TURN, 1, 1)
        turned = [x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)]
        return np.split(
            np.concatenate(turned, axis=2),
            np.cumsum([len(s) for s in self.sharp])[:-1],
            axis=1,
        )


def path_basis(control: np.ndarray, corner: np.ndarray) -> np.ndarray:
    """Return the matrix (M, K) that turns K control points of a stroke into M points of its path.

    The path is a cubic Hermite spline over the chords' lengths, one for each part between corners;
    it is linear in the control points, so that one product draws many hands at once.
    """
    count = len(control)
    knots = np.cumsum(np.r_[0, np.hypot(*np.diff(control, axis=0).T)])
    rows = []
    breaks = [0, *(np.flatnonzero(corner[1:-1]) + 1), count - 1]
    for a, b in pairwise(breaks):
        values = np.eye(count)[a : b + 1]
        between = knots[a : b + 1]
        spline = CubicHermiteSpline(between, values, np.gradient(values, between, axis=0))
        steps = np.arange(STEPS) / STEPS * np.diff(between)[:, None]  # (b - a, STEPS)
        rows.append(spline((between[:-1, None] + steps).ravel()))
    return np.concatenate([*rows, np.eye(count)[-1:]])


def draw(
    strokes: list[np.ndarray], rng: np.random.Generator, pen: float | None = None
) -> np.ndarray:
    """Draw strokes, each (M, 2): ink of one glyph (H, W), float32, 0 or 1, `UNIT` px a frame's px.

    `pen` is the line's width in px of the frame; without it a hand takes any.
    """
    pen = pen or np.exp(rng.uniform(np.log(THINNEST), np.log(THICKEST)))
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = (DIGIT - pen) * UNIT / (high - low).max()
    border = 2 * pen * UNIT
    points = (points - low) * scale + border
    width, height = np.ceil((high - low) * scale + 2 * border).astype(int).tolist()
    canvas = np.zeros((height, width), np.uint8)
    ends = np.cumsum([len(stroke) for stroke in strokes])
    starts = np.concatenate(
        [np.arange(e - len(s), e - 1, STEPS) for e, s in zip(ends, strokes, strict=True)]
    )
    square, broad = rng.random(2) < (SQUARE_PENS, BROAD_PENS)
    widths = pen * UNIT * (1 + rng.normal(0, TAPER) * np.linspace(-1, 1, len(starts)))
    if broad:  # thin along the nib's edge, full across it
        x, y = (points[starts + STEPS] - points[starts]).T
        widths *= 1 - BROAD_NIB * np.cos(np.arctan2(y, x) - rng.uniform(0, np.pi)) ** 2
    if square:
        widths[:] = 1
    every = rng.choice(SAMPLING)
    fixed = np.rint(points * 2**PATH_BITS).astype(np.int32)
    for start, thickness in zip(
        starts.tolist(), widths.round().clip(1).astype(int).tolist(), strict=True
    ):
        part = np.ascontiguousarray(fixed[start : start + STEPS + 1 : every])
        cv2.polylines(canvas, [part], False, 1, thickness, shift=PATH_BITS)
    if square:
        canvas = cv2.dilate(canvas, np.ones((round(pen * UNIT),) * 2, np.uint8))
    left, top, width, height = cv2.boundingRect(canvas)
    return canvas[top : top + height, left : left + width].astype(np.float32)


def drawings(
    count: int, seed: int | tuple[int, ...], pen: float | None = None
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Yield `count` drawings, as place, digit and ink (H, W): all ten, and their styles, equally.

    Places run from 0 to `count` - 1, in no order; the drawing at a place shows its last digit.
    """
    rng = np.random.default_rng(seed)
    for digit, styles in STYLES.items():
        places = np.array_split(rng.permutation(np.arange(digit, count, 10)), len(styles))
        for text, where in zip(styles.values(), places, strict=True):
            strokes = Style(text).vary(len(where), rng)
            for k, place in enumerate(where):
                yield place, digit, draw([s[k] for s in strokes], rng, pen)


def seen(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return ink (H, W) as a picture shows it: often small, and blurred a little, or too bright."""
    if rng.random() < SHARP:
        return ink
    shrink = min(1, rng.uniform(*SMALL_PICTURE) / max(ink.shape))
    size = tuple(max(2, round(side * shrink)) for side in ink.shape[::-1])
    border = 3
    ink = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
    ink = cv2.copyMakeBorder(ink, border, border, border, border, cv2.BORDER_CONSTANT, value=0)
    ink = cv2.GaussianBlur(ink, (0, 0), rng.uniform(*BLUR))
    ink = (ink * rng.uniform(*GAIN) / ink.max()).clip(0, 1)
    return cropped(ink)


def drawn_digits(
    count: int, seed: int | tuple[int, ...], between: Callable[[], None] = lambda: None
) -> Digits:
    """Draw `count` digits, and frame them like any picture.

    `between` is called between one and the next; what it raises ends this.
    """
    ink = torch.empty(count, 1, FRAME, FRAME)
    rng = np.random.default_rng(seed)
    for place, _, drawing in drawings(count, seed):
        between()
        ink[place, 0] = torch.from_numpy(frame(seen(drawing, rng)))
    return Digits(ink, torch.arange(count) % 10)


def contact_sheet(seed: int = 0, hands: int = 8, columns: int = 4) -> Image.Image:
    """Return a picture with each style's name, and how it looks from several hands."""
    rng = np.random.default_rng(seed)
    rows = [(digit, *style) for digit, styles in STYLES.items() for style in styles.items()]
    height, width = -(-len(rows) // columns), NAME_WIDTH + hands * TILE
    page = Image.new("L", (columns * width, height * TILE), 255)
    pen = ImageDraw.Draw(page)
    for k, (digit, name, line) in enumerate(rows):
        x, y = k // height * width, k % height * TILE
        pen.text((x + 4, y + TILE // 3), f"{digit} {name}", fill=0)
        strokes = Style(line).vary(hands, rng)
        for hand in range(hands):
            ink = frame(draw([s[hand] for s in strokes], rng))
            tile = Image.fromarray(255 - (ink * 255).astype(np.uint8)).resize((TILE, TILE))
            page.paste(tile, (x + NAME_WIDTH + hand * TILE, y))
    return page


def main() -> None:
    """Write the contact sheet."""
    parser = argparse.ArgumentParser(description="Draw every style of every digit.")
    parser.add_argument("sheet", type=Path, help="picture to write")
    contact_sheet().quantize(8).save(parser.parse_args().sheet, optimize=True)  # of eight greys


if __name__ == "__main__":
    main()
