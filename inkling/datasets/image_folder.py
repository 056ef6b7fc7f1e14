"""Load labelled pictures from folders named 0 to 9, and list pictures in folders."""

import glob
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from PIL import Image
from tqdm import tqdm

from inkling.imaging.binarize import Ink
from inkling.imaging.image_formats import is_picture_file
from inkling.imaging.mnist_frame import crop_to_ink, frame_glyph
from inkling.imaging.open_image import PictureError, open_picture
from inkling.terminal import UserError, join_first, printable

if TYPE_CHECKING:
    from inkling.datasets.mnist import Digits


def find_labelled_pictures(folder: Path) -> list[tuple[int, Path]]:
    """Return the pictures in subfolders 0 to 9 as (label, file); raises `UserError` if none."""
    found, skipped = [], []
    for label in range(10):
        if (folder / str(label)).is_dir():
            pictures, others = list_pictures([folder / str(label)])
            found += [(label, file) for file in pictures]
            skipped += others
    report_skipped(skipped)
    if not found:
        raise UserError(f"{folder} has no pictures in subfolders named 0 to 9.")
    return found


def load_labelled_digits(folder: Path, find_ink: Callable[[Image.Image], Ink | None]) -> "Digits":
    """Return the ink in labelled pictures, one glyph each; report those that are unreadable."""
    inks, labels = [], []
    for label, file in find_labelled_pictures(folder):
        try:
            if (ink := find_ink(open_picture(file)[0])) is None:
                raise PictureError("there is no ink in it.")
        except PictureError as error:
            tqdm.write(f"{printable(file)} is left out: {error}", sys.stderr)
            continue
        inks.append(torch.from_numpy(frame_glyph(crop_to_ink(ink.coverage))))
        labels.append(label)
    if not inks:
        raise UserError(f"{folder} has no picture in which a digit can be seen.")
    from inkling.datasets.mnist import Digits  # here: `predict` does not need it

    return Digits(torch.stack(inks).unsqueeze(1), torch.tensor(labels))


def list_pictures(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Return the files of paths, folders and patterns, and the files in folders that are skipped.

    These are no pictures by suffix or first bytes. Hidden files are ignored.
    """
    found, skipped = [], []
    for path in paths:
        folder = False
        try:
            folder = path.is_dir()
            inside = sorted(path.iterdir()) if folder else expand_pattern(path)
        except OSError:
            folder, inside = False, [path]  # opening it later reports the error
        for file in inside:
            if not folder or is_picture_file(file):
                found.append(file)
            elif not file.name.startswith("."):
                skipped.append(file)
    return found, skipped


def expand_pattern(path: Path) -> list[Path]:
    """Return the paths that match a pattern like `scans/*.png`, sorted, or the path itself."""
    matches = [] if path.exists() else glob.glob(str(path), recursive=True)  # noqa: PTH207
    return sorted(map(Path, matches)) or [path]


def report_skipped(files: list[Path]) -> None:
    """Report skipped files in the terminal, if any."""
    if files:
        names = join_first(f"{file.name}{os.sep * file.is_dir()}" for file in files)
        message = f"Passed over, no pictures by name or content: {names} ({len(files)} in all)."
        tqdm.write(message, sys.stderr)
