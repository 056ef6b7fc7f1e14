"""Render the training pictures of the quick recipe: sheets of 28 x 28 px tiles.

python -m data.prepared.build   after a change of how anything is drawn

Each sheet stores a digest of the files that determine it.
"""

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from inkling import datasets
from inkling.datasets.handwriting_fonts import STROKES_FILE
from inkling.datasets.mnist import join, load_mnist
from inkling.datasets.non_digits import draw_outliers
from inkling.datasets.pen_digits import HELD_OUT_SEED, draw_digits
from inkling.datasets.prepared import GRAY_LEVELS, PREPARED_DIR, TILE_COLUMNS
from inkling.imaging.mnist_frame import FRAME
from model import MULTI_DIGIT_CLASS, NON_DIGIT_CLASS

DRAWN_TILES, NON_DIGIT_TILES, HELD_OUT_TILES = 8_000, 6_000, 2_000
SOURCES = (  # in `inkling/datasets/`; with `STROKES_FILE` and this file they determine the pictures
    *("stroke_styles.txt", "handwriting_fonts.py", "pen_strokes.py", "pen_slips.py"),
    *("pen_digits.py", "random_shapes.py", "non_digits.py"),
)


def write_sheet(path: Path, ink: Tensor) -> None:
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
    sheet.save(path, bits=4, optimize=True, pnginfo=metadata)


def compute_digest() -> str:
    """Return the SHA-256 of all files that determine the pictures."""
    folder = Path(datasets.__path__[0])
    files = [STROKES_FILE, *(folder / name for name in SOURCES), Path(__file__)]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def main() -> None:
    """Render all sheets."""
    drawn = draw_digits(DRAWN_TILES, seed=0)
    outliers = draw_outliers(NON_DIGIT_TILES, join(load_mnist().train, drawn), seed=0)
    sheets = {
        "digits": drawn.ink,
        "held_out": draw_digits(HELD_OUT_TILES, HELD_OUT_SEED).ink,
        "none": outliers.ink[outliers.labels == NON_DIGIT_CLASS],
        "several": outliers.ink[outliers.labels == MULTI_DIGIT_CLASS],
    }
    for name, ink in sheets.items():
        write_sheet(PREPARED_DIR / f"{name}.png", ink)


if __name__ == "__main__":
    main()
