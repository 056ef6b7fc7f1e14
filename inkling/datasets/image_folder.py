"""Folders named 0 to 9 become labelled pictures, and these become digits to learn from."""

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
from inkling.terminal import join_first, printable

if TYPE_CHECKING:
    from inkling.datasets.mnist import Digits


def labelled_pictures(folder: Path) -> list[tuple[int, Path]]:
    """Return the pictures in the subfolders 0 to 9, each with its label.

    What else is there is named in the terminal. Raises `FileNotFoundError` if there are none.
    """
    found, passed_over = [], []
    for label in range(10):
        if (folder / str(label)).is_dir():
            pictures, others = pictures_in([folder / str(label)])
            found += [(label, file) for file in pictures]
            passed_over += others
    say_passed_over(passed_over)
    if not found:
        raise FileNotFoundError(f"{folder} has no pictures in subfolders named 0 to 9.")
    return found


def labelled_digits(folder: Path, find_ink: Callable[[Image.Image], Ink | None]) -> "Digits":
    """Return the ink of every labelled picture, as `find_ink` sees it: all of it one glyph.

    A picture that cannot be opened, or has no ink, is left out, and named in the terminal. Raises
    `FileNotFoundError` if none is left.
    """
    inks, labels = [], []
    for label, file in labelled_pictures(folder):
        try:
            ink = find_ink(open_picture(file)[0])
        except PictureError as error:
            tqdm.write(f"{printable(file)} is left out: {error}", sys.stderr)
            continue
        if ink is None:
            tqdm.write(f"{printable(file)} is left out: there is no ink in it.", sys.stderr)
            continue
        inks.append(torch.from_numpy(frame_glyph(crop_to_ink(ink.coverage))))
        labels.append(label)
    if not inks:
        raise FileNotFoundError(f"{folder} has no picture in which a digit can be seen.")
    from inkling.datasets.mnist import Digits  # here: `predict` does not need it

    return Digits(torch.stack(inks).unsqueeze(1), torch.tensor(labels))


def pictures_in(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Replace each folder, and each pattern, by its pictures, by name; files stay as they are.

    Returns the pictures, and what was passed over in the folders: what is no picture by its name's
    ending, nor by its first bytes. Hidden files are not spoken of.
    """
    found, passed_over = [], []
    for path in paths:
        folder = False
        try:
            folder = path.is_dir()
            inside = sorted(path.iterdir()) if folder else matching(path)
        except OSError:
            folder, inside = False, [path]  # that it cannot be read will be said of it
        for file in inside:
            if not folder or is_picture_file(file):
                found.append(file)
            elif not file.name.startswith("."):
                passed_over.append(file)
    return found, passed_over


def matching(path: Path) -> list[Path]:
    """Return what a pattern like `scans/*.png` names, by name, or the path itself."""
    if path.exists() or not glob.has_magic(str(path)):
        return [path]
    return sorted(map(Path, glob.glob(str(path), recursive=True))) or [path]  # noqa: PTH207


def say_passed_over(files: list[Path]) -> None:
    """Say in the terminal what was found in folders and is not read, if there is such a thing."""
    if files:
        names = join_first(f"{file.name}{os.sep * file.is_dir()}" for file in files)
        told = f"Passed over, no pictures by name or content: {names} ({len(files)} in all)."
        tqdm.write(told, sys.stderr)
