"""The page's reader: loaded from a checkpoint, or trained in a background thread.

During a training, the reader uses the weights of the latest progress report. The rest of
`inkling.training` is imported in that thread: a page with a checkpoint does not need it.
"""

import contextlib
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inkling.recognition.checkpoint import CheckpointError, remove_orphan
from inkling.recognition.reader import Reader
from inkling.recognition.reading import Reading

if TYPE_CHECKING:
    from inkling.training.build_checkpoint import OnProgress, Progress

STOP_TIMEOUT_S = 3  # seconds to wait for a cancelled training: not tuned
RETRAINED_NAME = "trained-again.safetensors"  # file name of a checkpoint that a user trained


class PlaceholderReader:
    """Stands in for a reader that does not exist yet; each reading gives the reason."""

    def __init__(self, note: str = "", error: str = ""):
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
        self.checkpoint, self.load = checkpoint, load
        self.reader: Reader | PlaceholderReader = PlaceholderReader(  # the best so far
            "The network has just begun to train: try again in a few seconds."
        )
        self.progress: Progress | None = None  # of the latest training, unless it was cancelled
        self.is_training = False
        self.is_retraining = False  # a user started the training, and can cancel it
        self.is_training_beside = False  # another network is trained, and this reader stays
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
            self._start_training(self.checkpoint)

    def train_again(self, seed: int, epochs: float) -> None:
        """Start training by the quick recipe, to `RETRAINED_NAME`; return at once.

        Raises `ValueError` if a training is running, or if `epochs` is not above 0.
        """
        if not epochs > 0:
            raise ValueError("A training needs more than 0 epochs.")
        self._start_training(self.checkpoint.with_name(RETRAINED_NAME), seed, epochs)

    def train_beside(self, train: "Callable[[OnProgress], None]") -> None:
        """Call `train` in the background; the reader stays. Raises `ValueError` as `train_again`.

        What `train` calls between its steps raises `TrainingCancelled`.
        """
        with self._lock:
            thread = self._make_thread(self._train_beside, train)
            self.is_training_beside = True
            thread.start()

    def cancel(self) -> None:
        """Cancel a retraining or a training beside the reader, which becomes the former one."""
        if self.is_retraining or self.is_training_beside:
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

    def _start_training(self, path: Path, seed: int = 0, epochs: float | None = None) -> None:
        with self._lock:
            thread = self._make_thread(self._train, path, seed, epochs)
            self.is_training, self.is_retraining = True, epochs is not None
            self.failure, self.progress = "", None
            thread.start()

    def _make_thread(self, target: Callable, *args: Any) -> threading.Thread:
        if self.is_training or self.is_training_beside or self._closed:
            raise ValueError("A training is already running.")
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=target, args=args, daemon=True, name="training")
        return self._thread

    def _train_beside(self, train: "Callable[[OnProgress], None]") -> None:
        def check_cancelled(_: object) -> None:
            if self._cancelled.is_set():
                raise TrainingCancelled

        try:
            with contextlib.suppress(TrainingCancelled):
                train(check_cancelled)
        finally:
            self.is_training_beside = False

    def _train(self, path: Path, seed: int, epochs: float | None) -> None:
        from inkling.training import build_checkpoint, recipes

        former = self.reader  # restored unless the training succeeds
        bar = build_checkpoint.TrainingBar()

        def on_progress(progress: "Progress | None") -> None:
            if self._cancelled.is_set():
                raise TrainingCancelled
            if progress is not None:
                self.progress = progress
                self.reader = Reader(progress.model)
            bar(progress)

        try:
            path = build_checkpoint.find_writable(path)
            if epochs is None:
                build_checkpoint.ensure_checkpoint(path, recipes.QUICK, seed, on_progress)
            else:
                recipe = recipes.QUICK.with_epochs(epochs)
                build_checkpoint.make_checkpoint(path, recipe, seed, on_progress)
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


def describe_error(error: Exception) -> str:
    """Return the error's message; for a write error, also the remedy."""
    if not isinstance(error, OSError):
        return str(error)
    place = f" ({error.filename})" if error.filename else ""
    return (
        f"{error.strerror or error}{place}. Make room for the checkpoint, or choose another place "
        "with --checkpoint, and start again."
    )
