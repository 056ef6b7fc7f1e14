"""MNIST's archives become ink and labels in memory.

The four official archives lie in `data/MNIST/raw/`, where torchvision looks for them too. They are
read as they are: nothing is unpacked to disk, so nothing unpacked can be cut off, stale or altered.
"""

import gzip
import hashlib
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from platformdirs import user_cache_path
from torch import Tensor

DATA = Path(__file__).parents[2] / "data"
HELD_OUT = 5_000  # the last training images, never trained on: recipes are chosen by them
DOWNLOAD_LIMIT = 300  # seconds for all four archives, 11.6 MB
ARCHIVES = {  # name: MD5, as published with torchvision.datasets.MNIST
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}
# torchvision finds the mirrors and checks what it gets, but waits for ever on one that stalls, and
# takes seconds to import: so it runs in a process of its own, with a time limit, when needed.
# That process ends when ours does, however that ends: the pipe between them is closed then.
DOWNLOAD = """
import os, sys, threading
threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start()
import torchvision
torchvision.datasets.MNIST(sys.argv[1], download=True)
"""


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
    Raises `DataError` if that fails or takes longer than `DOWNLOAD_LIMIT`.
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
    """Have torchvision download the archives to the first folder that can be written to."""
    for root in roots:
        folder = root / "MNIST" / "raw"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name in ARCHIVES:  # torchvision trusts unpacked files and damaged archives: clear
                if not archive_is_whole(root, name):
                    archive_path(root, name).unlink(missing_ok=True)
                    archive_path(root, name.removesuffix(".gz")).unlink(missing_ok=True)
            (folder / "writable").touch()
            (folder / "writable").unlink()
        except OSError:
            continue
        try:
            run_attached([sys.executable, "-c", DOWNLOAD, str(root)], DOWNLOAD_LIMIT)
        except (subprocess.SubprocessError, OSError) as error:
            raise DataError(
                f"MNIST could not be downloaded ({type(error).__name__}). Put the four archives "
                f"{', '.join(ARCHIVES)} into {folder}; they come with Inkling's repository."
            ) from error
        return root
    raise DataError(f"MNIST's archives are missing, and no folder of {roots} can be written to.")


def run_attached(command: list[str], limit: float) -> None:
    """Run a program silently that can tell by the end of its input that we have ended.

    Raises `subprocess.SubprocessError` if it fails, or takes more than `limit` seconds.
    """
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, stdin=subprocess.PIPE, **silent) as program:
        try:
            status = program.wait(limit)
        finally:
            program.kill()
    if status:
        raise subprocess.CalledProcessError(status, command)


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
