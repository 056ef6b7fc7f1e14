"""Load MNIST from its archives; download them if they are missing or damaged.

Folders are torchvision's. Nothing is unpacked to disk, where it could be truncated or altered.
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

from inkling.terminal import UserError

MNIST_ROOT = Path(__file__).parents[2] / "data"
HELD_OUT_COUNT = 5_000  # the last training images, excluded from training: they select recipes
MIRROR_TIMEOUT_S = 20  # without data from a mirror
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


class Digits(NamedTuple):
    """Ink of digits and their labels."""

    ink: Tensor  # (N, 1, 28, 28) float32, 0 = paper, 1 = ink
    labels: Tensor  # (N,) int64, 0 to 9


class Mnist(NamedTuple):
    """MNIST in three parts: for training, for selecting recipes, and for the final score."""

    train: Digits  # 55,000
    held_out: Digits  # 5,000
    test: Digits  # 10,000


def load_mnist(root: Path = MNIST_ROOT) -> Mnist:
    """Load MNIST from `root`, or the user's cache folder, or download it to one of them.

    Raises `UserError` if that fails.
    """
    folders = [parent / "MNIST" / "raw" for parent in (root, user_cache_path("inkling"))]
    intact = [folder for folder in folders if all(is_intact(folder / name) for name in ARCHIVES)]
    folder = intact[0] if intact else download_archives(folders)
    train_ink, train_labels, test_ink, test_labels = [
        gzip.decompress((folder / name).read_bytes()) for name in ARCHIVES
    ]
    train = Digits(parse_images(train_ink), parse_labels(train_labels))
    test = Digits(parse_images(test_ink), parse_labels(test_labels))
    learned, held_out = (
        Digits(train.ink[part], train.labels[part])
        for part in (slice(None, -HELD_OUT_COUNT), slice(-HELD_OUT_COUNT, None))
    )
    return Mnist(learned, held_out, test)


def is_intact(archive: Path) -> bool:
    """Return whether an archive exists and is the official one, by its MD5."""
    try:
        content = archive.read_bytes()
    except OSError:
        return False
    return hashlib.md5(content, usedforsecurity=False).hexdigest() == ARCHIVES[archive.name]


def download_archives(folders: list[Path]) -> Path:
    """Download missing or damaged archives to the first writable folder; return that folder."""
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError:
            continue
        for name in ARCHIVES:
            fetch_archive(folder / name)
        return folder
    raise UserError(f"MNIST's archives are missing, and no folder of {folders} can be written to.")


def fetch_archive(archive: Path) -> None:
    """Download an archive from the first mirror that has it, unless it is intact."""
    pooch.get_logger().setLevel("WARNING")
    get = pooch.HTTPDownloader(timeout=MIRROR_TIMEOUT_S)
    name, md5 = archive.name, f"md5:{ARCHIVES[archive.name]}"
    for mirror in MIRRORS:
        try:
            pooch.retrieve(mirror + name, md5, name, archive.parent, downloader=get)
            return
        except (OSError, ValueError) as error:  # not available, or not the official one
            failure = error
    raise UserError(
        f"MNIST could not be downloaded ({type(failure).__name__}). Put the four archives "
        f"{', '.join(ARCHIVES)} into {archive.parent}; they come with Inkling's repository."
    ) from failure


def parse_images(idx: bytes) -> Tensor:
    """Convert an idx3 file's content to ink (N, 1, 28, 28), float32, 0 to 1."""
    pixels = np.frombuffer(idx, np.uint8, offset=16).reshape(-1, 1, 28, 28)
    return torch.from_numpy(pixels / np.float32(255))


def parse_labels(idx: bytes) -> Tensor:
    """Convert an idx1 file's content to labels (N,), int64."""
    return torch.from_numpy(np.frombuffer(idx, np.uint8, offset=8).astype(np.int64))


def join(*several: Digits) -> Digits:
    """Concatenate digits."""
    return Digits(*(torch.cat(parts) for parts in zip(*several, strict=True)))
