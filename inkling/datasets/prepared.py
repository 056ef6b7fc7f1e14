"""Load the sheets of labelled tiles that `python -m data.prepared.build` draws."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from inkling.datasets.augment import to_ink
from inkling.datasets.mnist import Digits
from inkling.imaging.mnist_frame import FRAME
from inkling.terminal import UserError

DATA = Path(__file__).parents[2] / "data"
PREPARED_DIR, STYLES_DIR = DATA / "prepared", DATA / "drawing"
LARGE_DIR = PREPARED_DIR / "large"  # not in the repository: rendered for the default recipe
GRAY_LEVELS = 16  # no visible difference from 256, and half the bytes
TILE_COLUMNS = 100  # of a sheet


class Sheet(NamedTuple):
    """Tiles with labels, and names of kinds or of tiles."""

    pixels: Tensor  # (N, 1, 28, 28) uint8, 0 = paper, 255 = ink
    labels: Tensor  # (N,) int64: classes of the network, or indices of kinds
    names: list[str]
    digest: str  # of the programs that drew it

    def select(self, places: Tensor) -> Digits:
        """Return the tiles at places (K,)."""
        return Digits(to_ink(self.pixels[places]), self.labels[places])


def find_sets(large: bool) -> list[Path]:
    """Return the folders of training sheets; raises `UserError` if there are no large ones."""
    if not large:
        return [PREPARED_DIR]
    current = read_sheet("digits").digest
    folders = [file.parent for file in sorted(LARGE_DIR.glob("*/recaptured.png"))]  # written last
    folders = [folder for folder in folders if read_sheet("recaptured", folder).digest == current]
    if not folders:
        raise UserError(
            "The pictures of the default recipe are missing or old: run `python -m "
            "data.prepared.build --large` once, or train with --quick."
        )
    return folders


def load_training_sheets(folder: Path = PREPARED_DIR) -> tuple[Sheet, Sheet, Sheet]:
    """Load what an epoch uses beside MNIST: drawn digits, outliers, and recaptured MNIST digits."""
    names = ("digits", "none", "several", "recaptured")
    drawn, none, several, recaptured = (read_sheet(name, folder) for name in names)
    pixels, labels = (torch.cat(pair) for pair in zip(none[:2], several[:2], strict=True))
    return drawn, Sheet(pixels, labels, [], none.digest), recaptured


def load_digits(name: str) -> Digits:
    """Return all tiles of a sheet."""
    sheet = read_sheet(name)
    return sheet.select(torch.arange(len(sheet.labels)))


def load_kinds(name: str) -> dict[str, Tensor]:
    """Return the tiles of a sheet of outliers, by kind: ink (N, 1, 28, 28)."""
    sheet = read_sheet(name)
    return {kind: to_ink(sheet.pixels[sheet.labels == k]) for k, kind in enumerate(sheet.names)}


def read_sheet(name: str, folder: Path | None = None) -> Sheet:
    """Read a sheet from a folder, by default the repository's."""
    with Image.open((folder or PREPARED_DIR) / f"{name}.png") as image:
        levels = np.asarray(image)
        labels = np.array(image.info["labels"].split(","), np.int64)
        names = image.info["names"].split("\n")
        digest = image.info["drawn by"]
    rows = levels.reshape(-1, FRAME, TILE_COLUMNS, FRAME).swapaxes(1, 2)
    pixels = 255 // (GRAY_LEVELS - 1) * rows.reshape(-1, 1, FRAME, FRAME)[: len(labels)]
    return Sheet(torch.from_numpy(pixels), torch.from_numpy(labels), names, digest)
