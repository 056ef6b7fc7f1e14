"""Load the quick recipe's pictures: sheets of tiles that `python -m data.prepared.build` draws."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from inkling.datasets.mnist import Digits
from inkling.imaging.mnist_frame import FRAME
from model import MULTI_DIGIT_CLASS, NON_DIGIT_CLASS

PREPARED_DIR = Path(__file__).parents[2] / "data" / "prepared"
GRAY_LEVELS = 16  # no visible difference from 256, and half the bytes
TILE_COLUMNS = 100  # of a sheet


def load_training_tiles() -> tuple[Digits, Digits]:
    """Return drawn digits, and outliers."""
    none, several = read_sheet("none"), read_sheet("several")
    labels = torch.tensor([NON_DIGIT_CLASS] * len(none) + [MULTI_DIGIT_CLASS] * len(several))
    return read_digits("digits"), Digits(torch.cat([none, several]), labels)


def load_held_out_tiles() -> Digits:
    """Return drawn digits that no training uses."""
    return read_digits("held_out")


def read_digits(name: str) -> Digits:
    """Return a sheet's tiles, labelled 0 to 9 repeatedly."""
    ink = read_sheet(name)
    return Digits(ink, torch.arange(len(ink)) % 10)


def read_sheet(name: str) -> Tensor:
    """Return a sheet's tiles as ink (N, 1, 28, 28), float32, 0 to 1."""
    with Image.open(PREPARED_DIR / f"{name}.png") as sheet:
        count = int(sheet.info["tiles"])
        pixels = np.asarray(sheet, np.float32) / (GRAY_LEVELS - 1)
    rows = pixels.reshape(-1, FRAME, TILE_COLUMNS, FRAME).swapaxes(1, 2)
    return torch.from_numpy(rows.reshape(-1, 1, FRAME, FRAME)[:count])
