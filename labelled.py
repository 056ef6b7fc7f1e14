"""Folders named 0 to 9 become labelled pictures, and these become digits to learn from."""

import sys
from pathlib import Path

import torch
from tqdm import tqdm

from data import Digits
from paper import find_ink
from picture import PictureError, open_picture
from predict import pictures_in, say_passed_over
from preprocess import frame
from segment import cropped
from terminal import printable


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


def labelled_digits(folder: Path) -> Digits:
    """Return the ink of every labelled picture, as a reader would see it: all of it one glyph.

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
        inks.append(torch.from_numpy(frame(cropped(ink.depth, 0, 0).ink)))
        labels.append(label)
    if not inks:
        raise FileNotFoundError(f"{folder} has no picture in which a digit can be seen.")
    return Digits(torch.stack(inks).unsqueeze(1), torch.tensor(labels))
