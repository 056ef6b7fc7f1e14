"""Pictures drawn beforehand, for a first run that need not wait for them.

python -m inkling.datasets.prepared   draw them anew, after a change in how anything is drawn

They lie in `data/prepared/` as sheets of 28 x 28 px tiles in 16 greys, which anyone can look at.
Each sheet has the digest of what it was drawn by.
"""

import hashlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from inkling.datasets.hands import STROKES
from inkling.datasets.mnist import Digits, join, load_mnist
from inkling.datasets.non_digits import outliers
from inkling.datasets.pen_digits import HELD_OUT_SEED, drawn_digits
from inkling.imaging.mnist_frame import FRAME
from model import MULTI_DIGIT_CLASS, NON_DIGIT_CLASS

PREPARED = Path(__file__).parents[2] / "data" / "prepared"
DRAWN, OTHERS, HELD_OUT = 8_000, 6_000, 2_000  # pictures
GREYS = 16  # in which nobody sees a difference, and half of the bytes
COLUMNS = 100  # tiles of a sheet
SOURCES = (  # what decides how a picture turns out, beside `STROKES`
    *("stroke_styles.txt", "hands.py", "pen_strokes.py", "pen_slips.py", "pen_digits.py"),
    *("random_shapes.py", "non_digits.py", "prepared.py"),
)


def training_pictures() -> tuple[Digits, Digits]:
    """Read drawn digits, and what is no digit."""
    none, several = (
        labelled(read_sheet("none"), NON_DIGIT_CLASS),
        labelled(read_sheet("several"), MULTI_DIGIT_CLASS),
    )
    return in_turns(read_sheet("digits")), join(none, several)


def held_out_pictures() -> Digits:
    """Read drawn digits that no training learns from."""
    return in_turns(read_sheet("held_out"))


def in_turns(ink: Tensor) -> Digits:
    """Label ink (N, 1, 28, 28) as digits from 0 to 9, over and over."""
    return Digits(ink, torch.arange(len(ink)) % 10)


def labelled(ink: Tensor, label: int) -> Digits:
    """Label ink (N, 1, 28, 28), all of it alike."""
    return Digits(ink, torch.full((len(ink),), label))


def read_sheet(name: str) -> Tensor:
    """Return a sheet's tiles as ink (N, 1, 28, 28), float32, 0 to 1."""
    with Image.open(PREPARED / f"{name}.png") as sheet:
        count = int(sheet.info["tiles"])
        pixels = np.asarray(sheet, np.float32) / (GREYS - 1)
    rows = pixels.reshape(-1, FRAME, COLUMNS, FRAME).swapaxes(1, 2)
    return torch.from_numpy(rows.reshape(-1, 1, FRAME, FRAME)[:count])


def write_sheet(name: str, ink: Tensor) -> None:
    """Write ink (N, 1, 28, 28) as a sheet of tiles."""
    rows = -(-len(ink) // COLUMNS)
    tiles = np.zeros((rows * COLUMNS, FRAME, FRAME), np.uint8)
    tiles[: len(ink)] = (ink[:, 0].numpy() * (GREYS - 1)).round()
    pixels = tiles.reshape(rows, COLUMNS, FRAME, FRAME).swapaxes(1, 2)
    sheet = Image.fromarray(np.ascontiguousarray(pixels.reshape(rows * FRAME, COLUMNS * FRAME)))
    sheet.putpalette([255 - 17 * grey for grey in range(GREYS) for _ in "rgb"])
    told = PngInfo()
    told.add_text("tiles", str(len(ink)))
    told.add_text("drawn by", digest())
    sheet.save(PREPARED / f"{name}.png", bits=4, optimize=True, pnginfo=told)


def digest() -> str:
    """Return the SHA-256 of all that decides how a picture turns out."""
    files = [STROKES, *(Path(__file__).with_name(name) for name in SOURCES)]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def main() -> None:
    """Draw all sheets anew."""
    PREPARED.mkdir(parents=True, exist_ok=True)
    drawn = drawn_digits(DRAWN, seed=0)
    others = outliers(OTHERS, join(load_mnist().train, drawn), seed=0)
    write_sheet("digits", drawn.ink)
    write_sheet("held_out", drawn_digits(HELD_OUT, HELD_OUT_SEED).ink)
    for name, label in (("none", NON_DIGIT_CLASS), ("several", MULTI_DIGIT_CLASS)):
        write_sheet(name, others.ink[others.labels == label])


if __name__ == "__main__":
    main()
