"""The page's reader: loaded from a checkpoint, or trained in a background thread.

If there is a checkpoint, load it. Otherwise a thread trains one, and until it finishes the reader
uses the weights of the latest progress report. A user can start a retraining. The rest of
`inkling.training` is imported in that thread: a page with a checkpoint does not need it.
"""

import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platformdirs import user_cache_path

from inkling.recognition.checkpoint import CheckpointError, remove_orphan
from inkling.recognition.reader import Reader
from inkling.recognition.reading import Reading

if TYPE_CHECKING:
    from inkling.training.loop import Progress

STOP_TIMEOUT_S = 3  # seconds to wait for a cancelled training: not tuned
RETRAINED_NAME = "trained-again.safetensors"  # file name of a checkpoint that a user trained

# Called with each progress report, and with None between other steps; what it raises cancels.
OnProgress = Callable[["Progress | None"], None]


class PlaceholderReader:
    """Stands in for a reader that does not exist yet; each reading gives the reason."""

    def __init__(self, note: str = "", error: str = ""):
        """Store the note or the error of every reading."""
        self.answer = Reading(note=note, error=error)
        self.description: dict = {}
        self.gallery = None

    def call(self, function: Callable, *values: Any) -> Any:
        """Return `function(*values, self)`, as `Reader`."""
        return function(*values, self)

    def read(self, *_: object) -> Reading:
        """Return the reason instead of a reading."""
        return self.answer

    read_file = read_glyphs = read


class TrainingCancelled(Exception):
    """Raised in the training thread to end it."""


class LiveReader:
    """The current reader, and the state of the training that may replace it."""

    def __init__(self, checkpoint: Path, load: Callable[[Path], Reader] = Reader.load):
        """Store the checkpoint's path and its loader; `start` loads or trains it."""
        self.checkpoint, self.load = checkpoint, load
        self.reader: Reader | PlaceholderReader = PlaceholderReader(  # the best so far
            "The network has just begun to train: try again in a few seconds."
        )
        self.progress: Progress | None = None  # of the latest training, unless it was cancelled
        self.is_training = False
        self.is_retraining = False  # a user started the training, and can cancel it
        self.failure = ""  # why the latest training ended without a checkpoint
        self._cancelled = threading.Event()  # of the latest training
        self._closed = False
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()  # held while a training is started or stopped

    def start(self) -> None:
        """Load the checkpoint, or start training one; return at once."""
        for path in (self.checkpoint, self.checkpoint.with_name(RETRAINED_NAME)):
            remove_orphan(path)
        try:
            self.reader = self.load(self.checkpoint)
        except (OSError, CheckpointError):
            self._start_training(self._ensure_checkpoint, retraining=False)

    def train_again(self, seed: int, epochs: float) -> None:
        """Start training another network by the quick recipe; return at once.

        Meanwhile the reader uses its latest weights. Its checkpoint is written as `RETRAINED_NAME`
        beside the first one, and then loaded. If that fails, `failure` gives the reason, and the
        former reader is restored. Raises `ValueError` if a training is running, or if `epochs` is
        not above 0.
        """
        if not epochs > 0:
            raise ValueError("A training needs more than 0 epochs.")

        def make(on_progress: OnProgress) -> Path:
            from inkling.training import build_checkpoint, recipes

            quick = recipes.QUICK
            recipe = replace(quick, name=f"{quick.name}, {epochs:g} epochs", epochs=epochs)
            path = find_writable(self.checkpoint.with_name(RETRAINED_NAME))
            build_checkpoint.make_checkpoint(path, recipe, seed, on_progress)
            return path

        self._start_training(make, retraining=True)

    def cancel(self) -> None:
        """Cancel a retraining at its next report, and restore the former reader."""
        if self.is_retraining:
            self._cancelled.set()
            self.wait()

    def stop(self) -> None:
        """Cancel any training at its next report, and start no other."""
        with self._lock:
            self._closed = True
            self._cancelled.set()

    def wait(self) -> None:
        """Wait until the cancelled training has ended, at most `STOP_TIMEOUT_S`."""
        if self._thread:
            self._thread.join(STOP_TIMEOUT_S)

    def _ensure_checkpoint(self, on_progress: OnProgress) -> Path:
        from inkling.training import build_checkpoint, recipes

        path = find_writable(self.checkpoint)
        build_checkpoint.ensure_checkpoint(path, recipes.QUICK, 0, on_progress)
        return path

    def _start_training(self, make: Callable[[OnProgress], Path], retraining: bool) -> None:
        with self._lock:
            if self.is_training or self._closed:
                raise ValueError("A training is already running.")
            self.is_training, self.is_retraining = True, retraining
            self.failure, self.progress = "", None
            self._cancelled = threading.Event()
            self._thread = threading.Thread(
                target=self._train, args=(make,), daemon=True, name="training"
            )
            self._thread.start()

    def _train(self, make: Callable[[OnProgress], Path]) -> None:
        from inkling.training.build_checkpoint import TrainingBar

        bar, former = TrainingBar(), self.reader  # restored unless the training succeeds

        def on_progress(progress: "Progress | None") -> None:
            if self._cancelled.is_set():
                raise TrainingCancelled
            if progress is not None:
                self.progress = progress
                self.reader = Reader(progress.model)
            bar(progress)

        try:
            path = make(on_progress)
            on_progress(None)
            former = self.load(path)
        except TrainingCancelled:
            self.progress = None
        except (ValueError, OSError, RuntimeError) as error:
            self.failure = f"Training ended early: {describe_error(error)}"
            if isinstance(self.reader, PlaceholderReader):
                self.reader = PlaceholderReader(error=self.failure)
            print(self.failure, file=sys.stderr)
        finally:
            if isinstance(former, Reader):
                self.reader = former
            self.is_training = self.is_retraining = False


def find_writable(path: Path) -> Path:
    """Return the path, or a path in the user's cache folder if its folder is not writable."""
    from inkling.training.build_checkpoint import check_writable

    try:
        check_writable(path)
    except OSError as error:
        cache = user_cache_path("inkling") / path.name
        print(f"{path} cannot be written ({error}): {cache} is used instead.", file=sys.stderr)
        return cache
    return path


def describe_error(error: Exception) -> str:
    """Return the error's message; for a write error, also the remedy."""
    if not isinstance(error, OSError):
        return str(error)
    place = f" ({error.filename})" if error.filename else ""
    return (
        f"{error.strerror or error}{place}. Make room for the checkpoint, or choose another place "
        "with --checkpoint, and start again."
    )
