"""Pre-rendered training pictures for the quick recipe.

python -m inkling.datasets.prepared   render them again, after a change of how anything is drawn

The sheets in `data/prepared/` consist of 28 x 28 px tiles in 16 gray levels. Each stores a digest
of the files that determine it.
"""

import hashlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from inkling.datasets.handwriting_fonts import STROKES_FILE
from inkling.datasets.mnist import Digits, join, load_mnist
from inkling.datasets.non_digits import draw_outliers
from inkling.datasets.pen_digits import HELD_OUT_SEED, draw_digits
from inkling.imaging.mnist_frame import FRAME
from model import MULTI_DIGIT_CLASS, NON_DIGIT_CLASS

PREPARED_DIR = Path(__file__).parents[2] / "data" / "prepared"
DRAWN_TILES, NON_DIGIT_TILES, HELD_OUT_TILES = 8_000, 6_000, 2_000
GRAY_LEVELS = 16  # no visible difference from 256, and half the bytes
TILE_COLUMNS = 100  # of a sheet
SOURCES = (  # determine the pictures, with `STROKES_FILE`
    *("stroke_styles.txt", "handwriting_fonts.py", "pen_strokes.py", "pen_slips.py"),
    *("pen_digits.py", "random_shapes.py", "non_digits.py", "prepared.py"),
)


def load_training_tiles() -> tuple[Digits, Digits]:
    """Return drawn digits, and outliers."""
    none = label_all(read_sheet("none"), NON_DIGIT_CLASS)
    several = label_all(read_sheet("several"), MULTI_DIGIT_CLASS)
    return label_in_turn(read_sheet("digits")), join(none, several)


def load_held_out_tiles() -> Digits:
    """Return drawn digits that no training uses."""
    return label_in_turn(read_sheet("held_out"))


def label_in_turn(ink: Tensor) -> Digits:
    """Label ink (N, 1, 28, 28) with 0 to 9, repeatedly."""
    return Digits(ink, torch.arange(len(ink)) % 10)


def label_all(ink: Tensor, label: int) -> Digits:
    """Label ink (N, 1, 28, 28) with one class."""
    return Digits(ink, torch.full((len(ink),), label))


def read_sheet(name: str) -> Tensor:
    """Return a sheet's tiles as ink (N, 1, 28, 28), float32, 0 to 1."""
    with Image.open(PREPARED_DIR / f"{name}.png") as sheet:
        count = int(sheet.info["tiles"])
        pixels = np.asarray(sheet, np.float32) / (GRAY_LEVELS - 1)
    rows = pixels.reshape(-1, FRAME, TILE_COLUMNS, FRAME).swapaxes(1, 2)
    return torch.from_numpy(rows.reshape(-1, 1, FRAME, FRAME)[:count])


def write_sheet(name: str, ink: Tensor) -> None:
    """Write ink (N, 1, 28, 28) as a sheet of tiles."""
    rows = -(-len(ink) // TILE_COLUMNS)
    tiles = np.zeros((rows * TILE_COLUMNS, FRAME, FRAME), np.uint8)
    tiles[: len(ink)] = (ink[:, 0].numpy() * (GRAY_LEVELS - 1)).round()
    pixels = tiles.reshape(rows, TILE_COLUMNS, FRAME, FRAME).swapaxes(1, 2)
    pixels = np.ascontiguousarray(pixels.reshape(rows * FRAME, TILE_COLUMNS * FRAME))
    sheet = Image.fromarray(pixels)
    sheet.putpalette([255 - 17 * gray for gray in range(GRAY_LEVELS) for _ in "rgb"])
    metadata = PngInfo()
    metadata.add_text("tiles", str(len(ink)))
    metadata.add_text("drawn by", compute_digest())
    sheet.save(PREPARED_DIR / f"{name}.png", bits=4, optimize=True, pnginfo=metadata)


def compute_digest() -> str:
    """Return the SHA-256 of all files that determine the pictures."""
    files = [STROKES_FILE, *(Path(__file__).with_name(name) for name in SOURCES)]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def main() -> None:
    """Render all sheets."""
    PREPARED_DIR.mkdir(parents=True, exist_ok=True)
    drawn = draw_digits(DRAWN_TILES, seed=0)
    outliers = draw_outliers(NON_DIGIT_TILES, join(load_mnist().train, drawn), seed=0)
    write_sheet("digits", drawn.ink)
    write_sheet("held_out", draw_digits(HELD_OUT_TILES, HELD_OUT_SEED).ink)
    for name, label in (("none", NON_DIGIT_CLASS), ("several", MULTI_DIGIT_CLASS)):
        write_sheet(name, outliers.ink[outliers.labels == label])


if __name__ == "__main__":
    main()
