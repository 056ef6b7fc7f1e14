"""Train a network, score it and write its checkpoint; one process at a time."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import torch
from filelock import AcquireReturnProxy, FileLock, Timeout
from platformdirs import user_cache_path
from tqdm import tqdm

from inkling.datasets.mnist import Digits, Mnist, load_mnist
from inkling.datasets.prepared import load_digits
from inkling.recognition import checkpoint
from inkling.training.build_gallery import make_gallery
from inkling.training.device import describe_machine
from inkling.training.loop import Progress, accuracy, train
from inkling.training.recipes import QUICK, Recipe
from model import DigitCNN

# Called with each progress report, and with None between other steps; what it raises cancels.
OnProgress = Callable[[Progress | None], None]


def make_checkpoint(
    path: Path, recipe: Recipe, seed: int, on_progress: OnProgress, added: Digits | None = None
) -> dict:
    """Train, score once, and write a checkpoint in place of another, which is kept; describe it."""
    mnist = load_mnist()
    on_progress(None)
    for progress in train(recipe, mnist, seed, added):
        on_progress(progress)
    made = describe_network(progress, mnist, on_progress, describe_training(recipe, seed, added))
    on_progress(None)
    backup, is_replaced = find_free_name(path), path.exists()
    try:
        if is_replaced:
            shutil.copy2(path, backup)
        description = checkpoint.save_checkpoint(made.model, path, made.description, made.gallery)
    except BaseException:
        backup.unlink(missing_ok=True)
        raise
    if is_replaced:
        tqdm.write(f"The checkpoint that was there is kept as {backup.name}.", sys.stderr)
    return description


def count_weights(widths: Sequence[int]) -> int:
    """Return the number of weights of a network."""
    return sum(p.numel() for p in DigitCNN(widths).parameters())


def describe_training(recipe: Recipe, seed: int, added: Digits | None) -> dict:
    """Return what a description says of a training before it ends."""
    return {
        "recipe": asdict(recipe),
        "seed": seed,
        "added": len(added.labels) if added else 0,
        "weights": count_weights(recipe.widths),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "torch": torch.__version__,
        "machine": describe_machine(),
    }


def describe_network(
    progress: Progress, mnist: Mnist, on_progress: OnProgress, training: dict
) -> checkpoint.Checkpoint:
    """Score a trained network once, and choose its gallery."""
    from inkling.evaluation import metrics  # here: SciPy and scikit-learn take a second to import

    model = progress.model
    mnist_test = metrics.score("MNIST's test images", model, mnist.test)
    on_progress(None)
    gallery = make_gallery(model, mnist.test)
    on_progress(None)
    description = training | {
        "figures": {
            "held_out": progress.accuracy,
            "drawn": accuracy(model, load_digits("held_out")),
            "mnist_test": mnist_test.accuracy,
        },
        "evaluation": {
            **metrics.to_summary(mnist_test),
            "milliseconds": metrics.time_prediction_ms(model, mnist.test),  # for one glyph
        },
        "strangers": metrics.score_held_out_writers(model),
        "history": list(progress.history),
    }
    return checkpoint.Checkpoint(model, description, gallery._asdict())


def ensure_checkpoint(
    path: Path, recipe: Recipe = QUICK, seed: int = 0, on_progress: OnProgress = lambda _: None
) -> None:
    """Train a checkpoint at `path` unless there is a valid one; rename an invalid one.

    A lock makes other processes wait. Raises `UserError` without MNIST, and `OSError`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with acquire_lock(FileLock(path.with_name(path.name + ".lock")), on_progress):
        checkpoint.remove_orphan(path)
        try:
            checkpoint.load_checkpoint(path)
            return
        except FileNotFoundError:
            pass
        except checkpoint.CheckpointError as error:
            kept = path.rename(find_free_name(path))
            tqdm.write(f"{error}. It is kept as {kept.name}.", sys.stderr)
        make_checkpoint(path, recipe, seed, on_progress)


def acquire_lock(lock: FileLock, on_progress: OnProgress) -> AcquireReturnProxy:
    """Acquire the lock for a `with`; call `on_progress` each second while waiting."""
    while True:
        try:
            return lock.acquire(timeout=1)
        except Timeout:
            on_progress(None)


def check_writable(path: Path) -> None:
    """Create the folder of a file; raises `OSError` if it is not writable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=path.parent).close()


def find_writable(path: Path) -> Path:
    """Return the path, or a path in the user's cache folder if its folder is not writable."""
    try:
        check_writable(path)
    except OSError as error:
        cache = user_cache_path("inkling") / path.name
        print(f"{path} cannot be written ({error}): {cache} is used instead.", file=sys.stderr)
        return cache
    return path


def find_free_name(path: Path) -> Path:
    """Return an unused path beside this one, with the time in its name."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return path.with_name(f"{path.name}.set-aside-{stamp}-{uuid4().hex[:8]}")


class TrainingBar:
    """Progress bar in the terminal; call it with each report."""

    def __init__(self) -> None:
        self.teacher: int | None = None  # of the bar

    def __call__(self, progress: Progress | None) -> None:
        """Update the bar; a teacher gets a bar of its own."""
        if progress is None:
            return
        if progress.teacher != self.teacher:
            name = f"teacher {progress.teacher}" if progress.teacher else "learning"
            self.bar = tqdm(total=progress.steps, desc=name, unit="step")
            self.teacher = progress.teacher
        self.bar.set_postfix_str(
            f"epoch {progress.epoch}/{progress.epochs}, held-out digits {progress.accuracy:.2%}"
        )
        self.bar.update(progress.step - self.bar.n)
        if progress.step == progress.steps:
            self.bar.close()
