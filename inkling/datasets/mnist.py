"""MNIST's archives become ink and labels in memory.

The four official archives lie in `data/MNIST/raw/`, where torchvision looks for them too. They are
read as they are: nothing is unpacked to disk, so nothing unpacked can be cut off, stale or altered.
"""

import gzip
import hashlib
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pooch
import torch
from platformdirs import user_cache_path
from torch import Tensor

DATA = Path(__file__).parents[2] / "data"
HELD_OUT = 5_000  # the last training images, never trained on: recipes are chosen by them
MIRROR_TIMEOUT = 20  # seconds that a mirror may say nothing
MIRRORS = (  # as torchvision.datasets.MNIST has them
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)
ARCHIVES = {  # name: MD5, as published with torchvision.datasets.MNIST
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}


class DataError(ValueError):
    """MNIST is not to be had: the message says what to do."""


class Digits(NamedTuple):
    """Pictures of digits and what they show."""

    ink: Tensor  # (N, 1, 28, 28) float32, 0 = paper, 1 = ink
    labels: Tensor  # (N,) int64, 0 to 9


class Mnist(NamedTuple):
    """MNIST in three parts: to learn from, to choose by, and to score once at the end."""

    train: Digits  # 55,000
    held_out: Digits  # 5,000
    test: Digits  # 10,000


def load_mnist(root: Path = DATA) -> Mnist:
    """Read MNIST from its archives under `root`, or else from the user's cache folder.

    Archives that are missing or damaged in both are downloaded to the first that can be written to.
    Raises `DataError` if that fails.
    """
    roots = [root, user_cache_path("inkling")]
    found = [folder for folder in roots if all(archive_is_whole(folder, a) for a in ARCHIVES)]
    folder = found[0] if found else download(roots)
    train_ink, train_labels, test_ink, test_labels = [
        gzip.decompress(archive_path(folder, name).read_bytes()) for name in ARCHIVES
    ]
    train = Digits(as_ink(train_ink), as_labels(train_labels))
    test = Digits(as_ink(test_ink), as_labels(test_labels))
    learned, held_out = (
        Digits(train.ink[part], train.labels[part])
        for part in (slice(None, -HELD_OUT), slice(-HELD_OUT, None))
    )
    return Mnist(learned, held_out, test)


def archive_path(root: Path, name: str) -> Path:
    """Return where an archive lies under `root`: where torchvision looks for it."""
    return root / "MNIST" / "raw" / name


def archive_is_whole(root: Path, name: str) -> bool:
    """Tell whether the archive is there and byte for byte the official one."""
    try:
        content = archive_path(root, name).read_bytes()
    except OSError:
        return False
    return hashlib.md5(content, usedforsecurity=False).hexdigest() == ARCHIVES[name]


def download(roots: list[Path]) -> Path:
    """Download what is missing or damaged to the first folder that can be written to."""
    for root in roots:
        folder = archive_path(root, "")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError:
            continue
        try:
            for name in ARCHIVES:
                if not archive_is_whole(root, name):
                    fetch(name, folder)
        except (OSError, ValueError) as error:
            raise DataError(
                f"MNIST could not be downloaded ({type(error).__name__}). Put the four archives "
                f"{', '.join(ARCHIVES)} into {folder}; they come with Inkling's repository."
            ) from error
        return root
    raise DataError(f"MNIST's archives are missing, and no folder of {roots} can be written to.")


def fetch(name: str, folder: Path) -> None:
    """Download an archive from the first mirror that has it.

    Raises `OSError` if none does, and `ValueError` if it is not the official one.
    """
    pooch.get_logger().setLevel("WARNING")
    for mirror in MIRRORS:
        try:
            get = pooch.HTTPDownloader(timeout=MIRROR_TIMEOUT)
            pooch.retrieve(mirror + name, f"md5:{ARCHIVES[name]}", name, folder, downloader=get)
            return
        except (OSError, ValueError):
            if mirror == MIRRORS[-1]:
                raise


def as_ink(idx: bytes) -> Tensor:
    """Convert an idx3 file's content to ink (N, 1, 28, 28), float32, 0 to 1."""
    pixels = np.frombuffer(idx, np.uint8, offset=16).reshape(-1, 1, 28, 28)
    return torch.from_numpy(pixels.astype(np.float32) / 255)


def as_labels(idx: bytes) -> Tensor:
    """Convert an idx1 file's content to labels (N,), int64."""
    return torch.from_numpy(np.frombuffer(idx, np.uint8, offset=8).astype(np.int64))


def join(*several: Digits) -> Digits:
    """Return all digits of several as one."""
    return Digits(*(torch.cat(parts) for parts in zip(*several, strict=True)))
