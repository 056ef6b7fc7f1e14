"""A checkpoint, or none yet, becomes a reader that the page can use at once.

With a checkpoint that is the end of it. Without one a thread trains it, and until it is finished
the reader has the weights of the training's latest report.
"""

import sys
import threading
from collections.abc import Callable
from pathlib import Path

from platformdirs import user_cache_path

from learn import Progress
from model import CheckpointError
from predict import Reader, Reading
from train import TrainingBar, ensure_checkpoint

STOPPING_LIMIT = 3  # seconds to wait for the training to notice that it should stop


class NoReader:
    """Stands where a reader will be, and says why there is none yet."""

    def __init__(self, note: str):
        """Take the words to answer with."""
        self.answer = Reading(note=note)
        self.description: dict = {}

    def read(self, *_: object) -> Reading:
        """Give the reason instead of a reading."""
        return self.answer

    read_file = read_glyphs = read


class Stopped(Exception):
    """Raised in the training thread to end it."""


class FirstRun:
    """Where the page's reader comes from, and how far it has learned."""

    def __init__(self, checkpoint: Path):
        """Remember where the checkpoint is or shall be; `start` does the work."""
        self.checkpoint = checkpoint
        self.reader: Reader | NoReader = NoReader(  # the best so far
            "The network has just begun to learn: try again in a few seconds."
        )
        self.progress: Progress | None = None  # of the training in this process, if there is one
        self.learning = False
        self.failure = ""  # why learning ended without a checkpoint, in words
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._learn, name="first run", daemon=True)

    def start(self) -> None:
        """Load the checkpoint, or start training one; returns at once."""
        try:
            self.reader = Reader.load(self.checkpoint)
        except (OSError, CheckpointError):
            self.learning = True
            self._thread.start()

    def stop(self) -> None:
        """End the training, if one is running, within a step of it."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(STOPPING_LIMIT)

    def _learn(self) -> None:
        bar = TrainingBar()

        def watch(progress: Progress | None) -> None:
            if self._stop.is_set():
                raise Stopped
            if progress is not None:
                self.progress = progress
                self.reader = Reader(progress.model)
            bar(progress)

        try:
            self.reader = Reader.load(ensure_checkpoint_somewhere(self.checkpoint, watch))
        except Stopped:
            pass
        except (ValueError, OSError) as error:
            self.failure = f"Learning ended early: {error}"
            if isinstance(self.reader, NoReader):
                self.reader = NoReader(f"error: {self.failure}")
            print(self.failure, file=sys.stderr)
        finally:
            self.learning = False


def ensure_checkpoint_somewhere(path: Path, watch: Callable[[Progress | None], None]) -> Path:
    """Ensure a checkpoint at `path`, or else in the user's cache folder; return where it is."""
    try:
        ensure_checkpoint(path, watch=watch)
    except OSError as error:
        cache = user_cache_path("inkling") / path.name
        print(f"{path} cannot be written ({error}): {cache} is used instead.", file=sys.stderr)
        ensure_checkpoint(cache, watch=watch)
        return cache
    return path
