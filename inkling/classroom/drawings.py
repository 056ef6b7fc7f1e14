"""The pupils and drawings of a class, in memory only, and their limits."""

import json
import random
import secrets
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from inkling.imaging.binarize import otsu_ink
from inkling.imaging.grayscale import to_grayscale
from inkling.imaging.mnist_frame import crop_to_ink, frame_glyph
from inkling.imaging.sketch import Sketch
from inkling.recognition.reader import Reader, ReaderUnavailable
from inkling.recognition.reading import Digit
from inkling.training.live_reader import PlaceholderReader

MAX_BUCKETS = 1_000  # above this, full buckets are dropped


class Seen(NamedTuple):
    """How a drawing was read."""

    digit: int | None  # None: no digit, or several
    nearest: int | None = None  # the most probable digit, if there is one glyph
    confidence: float = 0.0  # of `nearest`, 0 to 1
    text: str = ""

    @classmethod
    def of(cls, glyphs: Sequence[Digit], text: str = "") -> Self:
        """Summarize a drawing's glyphs: a digit is read if it is the whole text."""
        read = [glyph for glyph in glyphs if glyph.digit is not None] or glyphs
        if len(read) != 1 or len(text) > 1:
            return cls(None, text=text)
        return cls(read[0].digit, read[0].best, round(read[0].confidence, 4), text)


@dataclass(eq=False)
class Drawing:
    """One drawing of the class."""

    asked: int  # the digit that the pupil was asked for
    strokes: list[dict]  # as in `Sketch.to_json`
    ink: np.ndarray  # (28, 28), framed as one glyph
    seen: Seen
    number: int = 0  # on the wall, in order of arrival
    version: int = 0  # of the class, when this was changed
    is_hidden: bool = False

    def to_json(self) -> dict:
        """Return what the wall shows."""
        shown = {"asked": self.asked, "strokes": self.strokes, "seen": self.seen._asdict()}
        return {"number": self.number, "hidden": self.is_hidden} | ({} if self.is_hidden else shown)


Pupil = dict[int, Drawing]  # a phone's drawings, by its own count


def read_drawing(reader: Reader | PlaceholderReader, asked: int, sketch: Sketch) -> Drawing | None:
    """Read a sketch; None if it is blank. Raises `ReaderUnavailable` before the first training."""
    if isinstance(reader, PlaceholderReader):
        raise ReaderUnavailable("There is no network yet.")
    picture = sketch.picture()
    if (ink := otsu_ink(to_grayscale(picture))) is None:
        return None
    reading, framed = reader.read(picture), frame_glyph(crop_to_ink(ink.coverage))
    seen = Seen.of(reading.digits, reading.text)
    return Drawing(asked, sketch.to_json()["strokes"], framed, seen)


class RateLimit:
    """Token buckets by name: `burst` at once, then `per_s` each second."""

    def __init__(self, per_s: float, burst: int, clock: Callable[[], float] = time.monotonic):
        self.per_s, self.burst, self.clock = per_s, burst, clock
        self.full_at: dict[str, float] = {}  # time at which each bucket is full again

    def take(self, name: str) -> bool:
        """Take one from a bucket; return whether there was one."""
        now = self.clock()
        if len(self.full_at) >= MAX_BUCKETS:
            self.full_at = {k: at for k, at in self.full_at.items() if at > now}
        full_at = max(self.full_at.get(name, now), now) + 1 / self.per_s
        if is_allowed := full_at - now <= self.burst / self.per_s:
            self.full_at[name] = full_at
        return is_allowed


class ClassDrawings:
    """The class since its start, or since the teacher cleared it."""

    def __init__(self) -> None:
        self.id = secrets.token_hex(4)  # if it changes, phones and the wall start again
        self.pupils: dict[str, Pupil] = {}  # by the random token that the phone made
        self.all: list[Drawing] = []
        self.asked: Counter[int] = Counter()  # times that each digit was asked for
        self.version = 0  # grows with each change of a drawing
        self.is_paused = False

    def choose_digit(self, token: str) -> int:
        """Return one of the digits that this pupil drew least, and of these the class's rarest."""
        drawn = Counter(drawing.asked for drawing in self.pupils.get(token, {}).values())
        digit = min(random.sample(range(10), 10), key=lambda k: (drawn[k], self.asked[k]))
        self.asked[digit] += 1
        return digit

    def add(self, token: str, count: int, drawing: Drawing) -> None:
        """Add a pupil's drawing."""
        self.pupils.setdefault(token, {})[count] = drawing
        drawing.number = len(self.all)
        self.all.append(drawing)
        self.hide(drawing.number, is_hidden=False)

    def hide(self, number: int, is_hidden: bool) -> None:
        """Hide a drawing from the wall and the lesson, or show it; the wall's next request says."""
        for drawing in self.all[number : number + 1]:
            self.version += 1
            drawing.is_hidden, drawing.version = is_hidden, self.version

    def collect(self, folder: Path) -> None:
        """Append the shown drawings to a file: shuffled, so that nothing groups a pupil's."""
        shown = [drawing for drawing in self.all if not drawing.is_hidden]
        rows = [{"strokes": d.strokes, "asked": d.asked, "read": d.seen.text} for d in shown]
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "class.jsonl").open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in random.sample(rows, len(rows)))
