"""Styles become drawn digits: pen strokes, each one different, framed like any picture.

python -m inkling.datasets.pen_digits sheet.png   a contact sheet: every style, and how it turns out
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image, ImageDraw

from inkling.datasets.hands import font_digits
from inkling.datasets.mnist import Digits
from inkling.datasets.pen_slips import carelessly
from inkling.datasets.pen_strokes import Style, draw
from inkling.datasets.stroke_styles import STYLES
from inkling.imaging.mnist_frame import FRAME, crop_to_ink, frame_glyph

HELD_OUT_SEED = 2**32  # of drawn digits that no training sees
# How pictures differ, from one that is as sharp as the drawing itself.
JAGGED, FEW_PIXELS = 0.1, (12, 40)  # share, and px, of those on canvases of few pixels
SQUARED = 0.25  # share of these that are stretched until they are square, as old scanners left them
INKED = (0.15, 0.5)  # of the darkest ink: from where on such a pixel is black
SHARP = 0.8  # share of those among the others
SMALL_PICTURE = (14, 60)  # px, longest side of the rest
BLUR = (0.3, 1.1)  # px
GAIN = (1, 1.6)  # of the darkest ink
TILE, NAME_WIDTH = 2 * FRAME, 150  # px of the contact sheet


@dataclass(frozen=True)
class Hands:
    """Whose hands draw digits."""

    of_fonts: float = 0.5  # share of the digits that handwriting fonts show how to write
    slips: bool = True  # whether hands are careless


EVERYBODY = Hands()


def drawings(
    count: int,
    seed: int | tuple[int, ...],
    pen: float | None = None,
    hands: Hands = EVERYBODY,
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Yield `count` drawings, as place, digit and ink (H, W): all ten, and their styles, equally.

    Places run from 0 to `count` - 1, in no order; the drawing at a place shows its last digit.
    """
    rng = np.random.default_rng(seed)
    for digit, styles in STYLES.items():
        own, fonts = list(styles.values()), rng.permutation(font_digits()[digit])
        places = rng.permutation(np.arange(digit, count, 10))
        of_own, of_fonts = np.split(places, [round(len(places) * (1 - hands.of_fonts))])
        groups = [*np.array_split(of_own, len(own)), *np.array_split(of_fonts, len(fonts))]
        for path, where in zip([*own, *fonts.tolist()], groups, strict=True):
            strokes = Style(path).vary(len(where), rng) if len(where) else []
            for k, place in enumerate(where):
                one = [paths[k] for paths in strokes]
                yield place, digit, draw(carelessly(one, rng) if hands.slips else one, rng, pen)


def seen(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return ink (H, W) as a picture shows it: often small, and blurred a little, or too bright."""
    if rng.random() < JAGGED:
        return jagged(ink, rng)
    if rng.random() < SHARP:
        return ink
    border = 3
    ink = cv2.resize(ink, reduced(ink, SMALL_PICTURE, rng), interpolation=cv2.INTER_AREA)
    ink = cv2.copyMakeBorder(ink, border, border, border, border, cv2.BORDER_CONSTANT, value=0)
    ink = cv2.GaussianBlur(ink, (0, 0), rng.uniform(*BLUR))
    ink = (ink * rng.uniform(*GAIN) / ink.max()).clip(0, 1)
    return crop_to_ink(ink)


def jagged(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return ink (H, W) as a canvas of few pixels shows it, each of them black or white."""
    size = reduced(ink, FEW_PIXELS, rng)
    if rng.random() < SQUARED:
        size = max(size), max(size)
    few = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
    return crop_to_ink((few > rng.uniform(*INKED) * few.max()).astype(np.float32))


def reduced(
    ink: np.ndarray, longest: tuple[float, float], rng: np.random.Generator
) -> tuple[int, int]:
    """Return a width and height for ink (H, W), its longest side among these, in px."""
    shrink = min(1, rng.uniform(*longest) / max(ink.shape))
    return max(2, round(ink.shape[1] * shrink)), max(2, round(ink.shape[0] * shrink))


def drawn_digits(count: int, seed: int | tuple[int, ...], hands: Hands = EVERYBODY) -> Digits:
    """Draw `count` digits, and frame them like any picture."""
    ink = torch.empty(count, 1, FRAME, FRAME)
    rng = np.random.default_rng(seed)
    for place, _, drawing in drawings(count, seed, hands=hands):
        ink[place, 0] = torch.from_numpy(frame_glyph(seen(drawing, rng)))
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
            ink = frame_glyph(draw([s[hand] for s in strokes], rng))
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
