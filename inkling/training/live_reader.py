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
from uuid import uuid4

from inkling.recognition.checkpoint import CheckpointError, remove_orphan
from inkling.recognition.reader import Reader
from inkling.recognition.reading import Reading

if TYPE_CHECKING:
    from inkling.training.build_checkpoint import OnProgress, Progress
    from inkling.training.lab import Run

STOP_TIMEOUT_S = 3  # seconds to wait for a cancelled training: not tuned
MAX_OPENED = 4  # networks that users opened; the oldest is dropped


class PlaceholderReader:
    """Stands in for a reader that does not exist yet; each reading gives the reason."""

    def __init__(self, note: str = "", error: str = ""):
        self.answer = Reading(note=note, error=error)
        self.title = ""
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
        self.progress: Progress | None = None  # of the first training
        self.run: Run | None = None  # the latest training of the Lab or the first, with its reports
        self.opened: dict[str, Reader] = {}  # networks that users opened, by key
        self.is_training = False  # for the first time
        self.is_retraining = False  # in the Lab, beside this reader
        self.is_training_beside = False  # another network is trained, and this reader stays
        self.failure = ""  # why the latest training ended without a checkpoint
        self._cancelled = threading.Event()  # of the latest training
        self._closed = False
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()  # held while a training is started or stopped

    def start(self) -> None:
        """Load the checkpoint, or start training one; return at once."""
        remove_orphan(self.checkpoint)
        try:
            self.reader = self.load(self.checkpoint)
        except (OSError, CheckpointError):
            with self._lock:
                thread = self._make_thread(self._train)
                self.is_training, self.failure, self.progress = True, "", None
                thread.start()

    def find_reader(self, key: str) -> Reader | PlaceholderReader:
        """Return the network that a session reads with: of a run, opened, or the page's own."""
        found = self.run.find_report(key) if self.run else None
        return found[0].reader(found[1]) if found else self.opened.get(key, self.reader)

    def open(self, path: Path, name: str) -> str:
        """Load a user's checkpoint file, named `name`; return its key. Raises as `Reader.load`."""
        reader, key = Reader.load(path), f"file-{uuid4().hex}"
        reader.title, self.opened[key] = f"the file {name}", reader
        for oldest in [*self.opened][:-MAX_OPENED]:
            self.opened.pop(oldest, None)
        return key

    def train(self, run: "Run") -> None:
        """Start a run of the Lab, whose reports stay. Raises `ValueError` if a training runs."""

        def work(on_progress: "OnProgress") -> None:
            self.failure, self.run, self.is_retraining = "", run, True
            try:
                run.train(on_progress, getattr(self.reader, "model", None))
            except (ValueError, OSError, RuntimeError) as error:
                self._report(error)
            finally:
                self.is_retraining = False

        self.train_beside(work)

    def train_beside(self, train: "Callable[[OnProgress], None]") -> None:
        """Call `train` in the background; the reader stays. Raises `ValueError` as `train`.

        What `train` calls between its steps raises `TrainingCancelled`.
        """
        with self._lock:
            thread = self._make_thread(self._train_beside, train)
            self.is_training_beside = True
            thread.start()

    def cancel(self) -> None:
        """Cancel a training beside the reader at its next report."""
        if self.is_training_beside:
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

    def _train(self) -> None:
        from inkling.training import build_checkpoint, lab, recipes

        bar, lane = build_checkpoint.TrainingBar(), lab.Lane(recipes.QUICK, seed=0)
        self.run = lab.Run([lane])

        def on_progress(progress: "Progress | None") -> None:
            if self._cancelled.is_set():
                raise TrainingCancelled
            if progress is not None:
                self.progress = progress
                self.reader = Reader(progress.model)
                lane.add(progress)
            bar(progress)

        try:
            path = build_checkpoint.find_writable(self.checkpoint)
            build_checkpoint.ensure_checkpoint(path, recipes.QUICK, 0, on_progress)
            on_progress(None)
            self.reader = self.load(path)
        except TrainingCancelled:
            self.progress = None
        except (ValueError, OSError, RuntimeError) as error:
            self._report(error)
            if isinstance(self.reader, PlaceholderReader):
                self.reader = PlaceholderReader(error=self.failure)
        finally:
            self.is_training = False

    def _report(self, error: Exception) -> None:
        self.failure = f"Training ended early: {describe_error(error)}"
        print(self.failure, file=sys.stderr)


def describe_error(error: Exception) -> str:
    """Return the error's message; for a write error, also the remedy."""
    if not isinstance(error, OSError):
        return str(error)
    place = f" ({error.filename})" if error.filename else ""
    return (
        f"{error.strerror or error}{place}. Make room for the checkpoint, or choose another place "
        "with --checkpoint, and start again."
    )
