"""A checkpoint, or none yet, becomes a reader that the page can use at once.

With a checkpoint that is the end of it. Without one a thread trains it, and until it is finished
the reader has the weights of the training's latest report. A visitor may have it train again.
"""

import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from inkling.recognition.checkpoint import CheckpointError, remove_orphans
from inkling.recognition.reader import Reader
from inkling.recognition.reading import Reading
from inkling.training.build_checkpoint import (
    TrainingBar,
    check_place,
    ensure_checkpoint,
    make_checkpoint,
)
from inkling.training.loop import Progress
from inkling.training.recipes import QUICK

STOPPING_LIMIT = 3  # seconds to wait for the training to notice that it should stop
AGAIN = "trained-again.safetensors"  # checkpoint of a training that a visitor has started

# Called with each report of a training, and with None between other parts of its work.
Watch = Callable[[Progress | None], None]


class NoReader:
    """Stands where a reader will be, and says why there is none yet."""

    def __init__(self, note: str = "", error: str = ""):
        """Take the words to answer with."""
        self.answer = Reading(note=note, error=error)
        self.description: dict = {}
        self.gallery = None

    def ask(self, function: Callable, *values: Any) -> Any:
        """Return `function(*values, reader)`, as of any reader."""
        return function(*values, self)

    def read(self, *_: object) -> Reading:
        """Give the reason instead of a reading."""
        return self.answer

    read_file = read_glyphs = read


class Stopped(Exception):
    """Raised in the training thread to end it."""


class LiveReader:
    """Where the page's reader comes from, and how far it has learned."""

    def __init__(self, checkpoint: Path, load: Callable[[Path], Reader] = Reader.load):
        """Remember where the checkpoint is or shall be; `start` does the work, and loads it."""
        self.checkpoint, self.load = checkpoint, load
        self.reader: Reader | NoReader = NoReader(  # the best so far
            "The network has just begun to learn: try again in a few seconds."
        )
        self.progress: Progress | None = None  # of the latest training, unless it was cancelled
        self.learning = False
        self.again = False  # whether what it learns, it learns again: that can be cancelled
        self.failure = ""  # why learning ended without a checkpoint, in words
        self._stop = threading.Event()  # of the latest training
        self._closed = False
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()  # held while a training is begun or ended

    def start(self) -> None:
        """Load the checkpoint, or start training one; returns at once."""
        for path in (self.checkpoint, self.checkpoint.with_name(AGAIN)):
            remove_orphans(path)
        try:
            self.reader = self.load(self.checkpoint)
        except (OSError, CheckpointError):
            self._begin(self._ensure, again=False)

    def train_again(self, seed: int, epochs: float) -> None:
        """Start training another network by the quick recipe; returns at once.

        The reader then has its latest weights, and in the end is loaded from its checkpoint, which
        is written as `AGAIN` beside the one that was there. Where that fails, `failure` says why,
        and the reader is again the one from before. Raises `ValueError` if the network is learning
        already, or `epochs` is not above 0.
        """
        if not epochs > 0:
            raise ValueError("A training needs more than 0 epochs.")
        recipe = replace(QUICK, name=f"{QUICK.name}, {epochs:g} epochs", epochs=epochs)

        def make(watch: Watch) -> Path:
            path = writable(self.checkpoint.with_name(AGAIN))
            make_checkpoint(path, recipe, seed, watch)
            return path

        self._begin(make, again=True)

    def cancel(self) -> None:
        """End training again, if it does, at its next report, and restore the former reader."""
        if self.again:
            self._stop.set()
            self.wait()

    def stop(self) -> None:
        """Have the training end, if one is running, at its next report, and begin no other."""
        with self._lock:
            self._closed = True
            self._stop.set()

    def wait(self) -> None:
        """Wait until the training that was stopped has ended, but not for long."""
        if self._thread:
            self._thread.join(STOPPING_LIMIT)

    def _ensure(self, watch: Watch) -> Path:
        path = writable(self.checkpoint)
        ensure_checkpoint(path, watch=watch)
        return path

    def _begin(self, make: Callable[[Watch], Path], again: bool) -> None:
        with self._lock:
            if self.learning or self._closed:
                raise ValueError("The network is learning already.")
            self.learning, self.again, self.failure, self.progress = True, again, "", None
            self._stop = threading.Event()
            self._thread = threading.Thread(
                target=self._learn, args=(make,), daemon=True, name="learning"
            )
            self._thread.start()

    def _learn(self, make: Callable[[Watch], Path]) -> None:
        bar, former = TrainingBar(), self.reader  # to go back to, until there is a better one

        def watch(progress: Progress | None) -> None:
            if self._stop.is_set():
                raise Stopped
            if progress is not None:
                self.progress = progress
                self.reader = Reader(progress.model)
            bar(progress)

        try:
            path = make(watch)
            watch(None)
            former = self.load(path)
        except Stopped:
            self.progress = None
        except (ValueError, OSError, RuntimeError) as error:
            self.failure = f"Learning ended early: {reason(error)}"
            if isinstance(self.reader, NoReader):
                self.reader = NoReader(error=self.failure)
            print(self.failure, file=sys.stderr)
        finally:
            if isinstance(former, Reader):
                self.reader = former
            self.learning = self.again = False


def writable(path: Path) -> Path:
    """Return the path, or if its folder cannot be written to, one in the user's cache folder."""
    try:
        check_place(path)
    except OSError as error:
        cache = user_cache_path("inkling") / path.name
        print(f"{path} cannot be written ({error}): {cache} is used instead.", file=sys.stderr)
        return cache
    return path


def reason(error: Exception) -> str:
    """Return what went wrong in words, and what to do if nothing could be written."""
    if not isinstance(error, OSError):
        return str(error)
    place = f" ({error.filename})" if error.filename else ""
    return (
        f"{error.strerror or error}{place}. Make room for the checkpoint, or choose another place "
        "with --checkpoint, and start again."
    )
