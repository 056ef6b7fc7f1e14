"""A training becomes a checkpoint, once, however many ask for it at the same time."""

import itertools
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import torch
from filelock import AcquireReturnProxy, FileLock, Timeout
from tqdm import tqdm

from inkling.datasets.mnist import Digits, load_mnist
from inkling.datasets.prepared import held_out_pictures
from inkling.recognition.checkpoint import (
    CheckpointError,
    load_checkpoint,
    remove_orphans,
    save_checkpoint,
)
from inkling.training.build_gallery import make_gallery
from inkling.training.device import machine
from inkling.training.loop import Progress, accuracy, train
from inkling.training.recipes import QUICK, Recipe


def make_checkpoint(
    path: Path,
    recipe: Recipe,
    seed: int,
    watch: Callable[[Progress | None], None],
    added: Digits | None = None,
) -> dict:
    """Train, score MNIST's test images once, and write the checkpoint; return its description.

    `watch` is called with each report of the training, and with None between the other parts of the
    work; what it raises ends this. A checkpoint that was there is kept under another name, once the
    new one is ready.
    """
    # SciPy and scikit-learn take a second to import, which a page with a checkpoint does not need.
    from inkling.evaluation.metrics import milliseconds, score, strangers, summary

    mnist = load_mnist()
    watch(None)
    for progress in train(recipe, mnist, seed, added):
        watch(progress)
    model = progress.model
    mnist_test = score("MNIST's test images", model, mnist.test)
    watch(None)
    gallery = make_gallery(model, mnist.test)
    watch(None)
    description = {
        "recipe": asdict(recipe),
        "seed": seed,
        "added": len(added.labels) if added else 0,
        "weights": sum(p.numel() for p in model.parameters()),
        "figures": {
            "held_out": progress.accuracy,
            "drawn": accuracy(model, held_out_pictures()),
            "mnist_test": mnist_test.accuracy,
        },
        "evaluation": {
            **summary(mnist_test),
            "milliseconds": milliseconds(model, mnist.test),  # to judge one glyph
        },
        "strangers": strangers(model),
        "history": list(progress.history),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "torch": torch.__version__,
        "machine": machine(),
    }
    watch(None)
    kept = keep(path) if path.exists() else None
    try:
        description = save_checkpoint(model, path, description, gallery._asdict())
    except BaseException:
        if kept:
            kept.unlink()
        raise
    if kept:
        tqdm.write(f"The checkpoint that was there is kept as {kept.name}.", sys.stderr)
    return description


def ensure_checkpoint(
    path: Path,
    recipe: Recipe = QUICK,
    seed: int = 0,
    watch: Callable[[Progress | None], None] = lambda _: None,
) -> None:
    """Leave a good checkpoint at `path`: train one unless it is there.

    Of several processes that ask at once, one trains and the others wait for it. A checkpoint that
    cannot be trusted is set aside under another name. `watch` is called with each report of the
    training, and with None between the other parts of the work, and about once a second while
    another process trains; what it raises ends this. Raises `DataError` if MNIST is not to be had,
    and `OSError` if the folder cannot be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with acquire(FileLock(path.with_name(path.name + ".lock")), watch):
        remove_orphans(path)
        try:
            load_checkpoint(path)
            return
        except FileNotFoundError:
            pass
        except CheckpointError as error:
            aside = set_aside(path)
            tqdm.write(f"{path} cannot be used: {error}. It is kept as {aside.name}.", sys.stderr)
        make_checkpoint(path, recipe, seed, watch)


def acquire(lock: FileLock, watch: Callable[[None], None]) -> AcquireReturnProxy:
    """Take the lock, to be released at the end of a `with`; call `watch` while waiting for it."""
    while True:
        try:
            return lock.acquire(timeout=1)
        except Timeout:
            watch(None)


def check_place(path: Path) -> None:
    """Make the folder that a file shall be written to; raises `OSError` if it cannot be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=path.parent).close()


def set_aside(path: Path) -> Path:
    """Rename a file or folder so that its name is free again; return its new place."""
    return path.rename(free_name(path))


def keep(path: Path) -> Path:
    """Give a file a second name, which it keeps when another takes its first; return that name."""
    kept = free_name(path)
    try:
        kept.hardlink_to(path)
    except OSError:  # a file system without hard links
        shutil.copy2(path, kept)
    return kept


def free_name(path: Path) -> Path:
    """Return a name beside the path's, with the time in it, that nothing has yet."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    names = (f"{path.name}.set-aside-{stamp}{'-again' * k}" for k in itertools.count())
    return next(free for name in names if not (free := path.with_name(name)).exists())


class TrainingBar:
    """Show a training's progress as a bar in the terminal: call it with each report."""

    def __init__(self) -> None:
        """Show nothing until the first report."""
        self.bar: tqdm | None = None
        self.teacher = 0  # which one the bar is of

    def __call__(self, progress: Progress | None) -> None:
        """Move the bar to where the training is."""
        if progress is None:
            return
        if self.bar is None or progress.teacher != self.teacher:
            name = f"teacher {progress.teacher}" if progress.teacher else "learning"
            self.bar = tqdm(total=progress.steps, desc=name, unit="step")
            self.teacher = progress.teacher
        self.bar.set_postfix_str(
            f"epoch {progress.epoch}/{progress.epochs}, held-out digits {progress.accuracy:.2%}"
        )
        self.bar.update(progress.step - self.bar.n)
        if progress.step == progress.steps:
            self.bar.close()
