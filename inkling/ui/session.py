"""What one session does becomes what there is to show: each event maps a state to the next.

A state lives in the server's memory as long as the page is open; nothing here knows Gradio.
"""

import base64
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from PIL import Image

from inkling.explanation.activations import Inside, inside
from inkling.explanation.counterfactual import Change, counterfactual
from inkling.explanation.gallery import Gallery, Neighbourhood
from inkling.explanation.occlusion import Evidence, evidence
from inkling.imaging.mnist_frame import FRAME, Glyph
from inkling.imaging.open_image import PictureError, open_picture
from inkling.imaging.sketch import Sketch
from inkling.recognition.corrections import Lessons, adapt
from inkling.recognition.reader import Reader
from inkling.recognition.reading import Reading
from inkling.training.live_reader import PlaceholderReader
from inkling.ui.images import Thumbnail, make_thumbnail
from inkling.ui.uncertainty import Candidate, find_candidates, is_unsure

DOT_NOTE = "That is a dot: draw a digit, or a whole number."


@dataclass(frozen=True)
class Findings:
    """Everything that is found out for one answer, before any of it is put into words."""

    reading: Reading = Reading()
    picture: Thumbnail = Thumbnail()
    chosen: int = 0  # the glyph that the rest is about
    count: int = 0  # of the session's answers so far
    asked: int = 0  # the pad's number of the question; 0: another's
    lessons: int = 0  # that were heeded
    why: Evidence | None = None  # None where there is no digit
    change: Change | None = None  # what would make it the digit that was asked about
    asked_for: int | None = None  # that digit
    doubts: tuple[Candidate, ...] = ()  # what an unsure glyph may be
    edited: bool = False  # whether its pixels were changed by hand
    inside: Inside | None = None  # what each layer holds; None while that is folded away
    around: Neighbourhood | None = None


@dataclass(frozen=True)
class SessionState:
    """What the server remembers of one session."""

    network_reading: Reading = Reading()  # of the latest picture, before any lesson
    picture: Thumbnail = Thumbnail()
    chosen: int = 0  # the glyph whose details are shown
    rival: int | None = None  # the digit that the answer is held against; None: the runner-up
    drawn: Reading | None = None  # what it was before its pixels were changed by hand
    lessons: Lessons = Lessons()  # known at its latest answer
    unfolded: bool = False  # whether the inside of the network is in view
    count: int = 0  # of the answers so far
    asked: int = 0  # the pad's number of the question that is answered; 0: another's

    def read(
        self, content: Path | bytes | PictureError | None, reader: Reader | PlaceholderReader
    ) -> Self:
        """Have a picture file read, or say why there is none; None wipes the slate."""
        latest, picture = Reading(), Thumbnail()
        if content is not None:
            try:
                if isinstance(content, PictureError):
                    raise content
                opened, size = open_picture(content)
                latest, picture = reader.read(opened, size), make_thumbnail(opened, size)
            except PictureError as error:
                latest = Reading(error=str(error))
        return self.see(latest, picture)

    def read_sketch(self, sketch: Sketch, reader: Reader | PlaceholderReader) -> Self:
        """Have what stands on the pad read; an empty pad wipes the slate."""
        latest, picture = Reading(), Thumbnail()
        if sketch.strokes:
            drawn = sketch.picture()
            latest, picture = reader.read(drawn), make_thumbnail(drawn, drawn.size)
        if sketch.is_dots:
            latest = Reading(note=DOT_NOTE)
        return self.see(latest, picture, sketch.asked)

    def read_digit(self, told: object, reader: Reader | PlaceholderReader) -> Self:
        """Have a digit of the gallery read, told by its index; another wipes the slate."""
        gallery = Gallery.of(reader.gallery)
        k = parse_index(told, len(gallery.labels)) if gallery else None
        if gallery is None or k is None:
            return self.see(Reading(), Thumbnail())
        ink = gallery.ink[k].numpy()
        glyph = Glyph(ink.astype(np.float32) / 255, (0, 0, FRAME, FRAME))
        picture = make_thumbnail(Image.fromarray(255 - ink), (FRAME, FRAME))
        seen = (f"one of MNIST's test digits, a {int(gallery.labels[k])}",)
        return self.see(reader.read_glyphs([glyph], seen), picture)

    def glance(self, sketch: Sketch, reader: Reader | PlaceholderReader) -> Findings | None:
        """Find out what is read of an unfinished sketch; None where that is nothing yet."""
        if not sketch.strokes or sketch.is_dots:
            return None
        glanced = replace(self, network_reading=reader.read(sketch.picture()))
        return Findings(glanced.reading(reader), count=self.count, asked=self.asked)

    def see(self, latest: Reading, picture: Thumbnail, asked: int = 0) -> Self:
        """Turn to another picture, and its reading; what is chosen of the same one stays so."""
        seen = replace(self, network_reading=latest, picture=picture, drawn=None)
        if asked and asked == self.asked:  # the pad asked twice, as the first answer was late
            return seen
        return replace(seen, chosen=0, rival=None, asked=asked)

    def read_again(self, reader: Reader | PlaceholderReader) -> Self:
        """Have the same glyphs read by a network that has learned more since."""
        if not self.network_reading.digits:
            return self
        return replace(
            self,
            network_reading=reader.read_glyphs(
                self.network_reading.glyphs, self.network_reading.seen
            ),
        )

    def choose(self, glyph: object) -> Self:
        """Show the details of another glyph of the picture."""
        chosen = parse_index(glyph, len(self.network_reading.digits))
        return self if chosen is None else replace(self, chosen=chosen, rival=None)

    def compare(self, digit: object) -> Self:
        """Hold the answer against another digit than the runner-up."""
        return replace(self, rival=parse_index(digit, 10))

    def edit(self, told: object, reader: Reader | PlaceholderReader) -> Self:
        """Have other pixels read for the chosen glyph, as a browser tells them; None undoes it."""
        if told is None:
            return replace(
                self, network_reading=self.drawn or self.network_reading, drawn=None, rival=None
            )
        ink = decode_ink(told)
        return self if ink is None else self.with_ink(ink, reader)

    def with_ink(self, ink: np.ndarray, reader: Reader | PlaceholderReader) -> Self:
        """Have other ink (28, 28) read for the chosen glyph; where there is none, as the first."""
        glyphs = self.network_reading.glyphs or [Glyph(ink, (0, 0, 1, 1))]
        glyphs[self.chosen] = replace(glyphs[self.chosen], ink=ink, line_probs=())
        changed = reader.read_glyphs(glyphs, self.network_reading.seen) if ink.any() else Reading()
        return replace(
            self, network_reading=changed, drawn=self.drawn or self.network_reading, rival=None
        )

    def apply_change(self, reader: Reader | PlaceholderReader) -> Self:
        """Do what would make the glyph the digit that was asked about."""
        change = self.findings(reader).change
        return self.with_ink(change.ink, reader) if change else self

    def taught(self, lessons: Lessons, digit: int | None) -> Self:
        """Know these lessons and one more: that the chosen glyph is this digit."""
        if digit is not None and self.network_reading.digits:
            lessons = lessons.add(self.network_reading.digits[self.chosen].glyph.ink, digit)
        return replace(self, lessons=lessons)

    def reading(self, reader: Reader | PlaceholderReader) -> Reading:
        """Return the reading as the lessons have it."""
        if not self.lessons or isinstance(reader, PlaceholderReader):
            return self.network_reading
        return adapt(self.network_reading, self.lessons, reader.model)

    def findings(self, reader: Reader | PlaceholderReader) -> Findings:
        """Find out everything that the page shows of the present picture."""
        reading = self.reading(reader)
        found = Findings(
            reading,
            self.picture,
            self.chosen,
            self.count,
            self.asked,
            lessons=len(self.lessons),
            edited=self.drawn is not None,
        )
        if not reading.digits or isinstance(reader, PlaceholderReader):
            return found
        digit = reading.digits[self.chosen]
        best, second = digit.ranking[:2]
        asked_for = None if self.rival == best else self.rival
        rival = second if asked_for is None else asked_for
        found = replace(
            found,
            why=evidence(reader.model, digit.glyph.ink, best, rival),
            asked_for=asked_for,
        )
        gallery = Gallery.of(reader.gallery)
        if asked_for is not None:
            known = gallery and gallery.read_as(asked_for)
            change = counterfactual(reader.model, digit.glyph.ink, asked_for, known)
            found = replace(found, change=change)
        elif is_unsure(digit):
            found = replace(found, doubts=find_candidates(reader, digit))
        if not self.unfolded:
            return found
        return replace(
            found,
            inside=inside(reader.model, digit.glyph.ink),
            around=gallery and gallery.around(reader.features(digit.glyph.ink)),
        )


def decode_ink(told: object) -> np.ndarray | None:
    """Return the ink (28, 28), float32, 0 to 1, that a browser tells: a byte a pixel in base64."""
    try:
        content = base64.b64decode(str(told), validate=True)
    except ValueError:
        return None
    if len(content) != FRAME * FRAME:
        return None
    return np.frombuffer(content, np.uint8).reshape(FRAME, FRAME).astype(np.float32) / 255


def parse_index(told: object, count: int) -> int | None:
    """Return what a browser told as an index below `count`, or None if it is none."""
    text = str(told)
    return int(text) if re.fullmatch("[0-9]{1,6}", text) and int(text) < count else None


See = Callable[
    [SessionState, Any, Reader | PlaceholderReader], SessionState
]  # a picture, as one of the ways to tell it


def read_and_analyze(
    state: SessionState, see: See, told: object, reader: Reader | PlaceholderReader
) -> tuple[SessionState, Findings]:
    """Return the state that has turned to another picture, and its findings."""
    seen = replace(see(state, told, reader), count=state.count + 1)
    return seen, seen.findings(reader)


class Session:
    """A session's latest state; events of one session may be handled at the same time."""

    def __init__(self) -> None:
        """Begin with a state in which nothing was done yet."""
        self.state = SessionState()
        self._turn = 0  # number of the latest picture that was asked about
        self._asked = 0  # the page's number of that question
        self._lock = threading.Lock()

    def __deepcopy__(self, _: dict) -> "Session":
        """Return one who has done nothing yet: each session gets its own."""
        return Session()

    def read_latest(
        self, see: See, told: object, reader: Reader | PlaceholderReader, number: int = 0
    ) -> Findings | None:
        """Have another picture seen, which takes its time, and return what is found out.

        None if still another one was asked about since: then nothing changes. Questions may arrive
        in another order than the page asks them; `number` is the page's of this one.
        """
        with self._lock:
            if 0 < number < self._asked:
                return None
            self._asked = number or self._asked
            self._turn += 1
            turn, before = self._turn, self.state
        seen, found = reader.ask(read_and_analyze, before, see, told)
        with self._lock:
            if turn != self._turn:
                return None
            if self.state is before:
                self.state = seen
                return found
            latest = self.state.see(seen.network_reading, seen.picture, seen.asked)
            return self._become(latest, reader)

    def unfold(self, unfolded: bool) -> None:
        """From now on find out about the inside of the network, or nothing more about it."""
        with self._lock:
            if self.state.unfolded != unfolded:
                self.state = replace(self.state, unfolded=unfolded)

    def update(
        self, change: Callable[[SessionState], SessionState], reader: Reader | PlaceholderReader
    ) -> Findings:
        """Change the state, and return its findings, in the order in which things were asked."""
        with self._lock:
            return self._become(change(self.state), reader)

    def _become(self, changed: SessionState, reader: Reader | PlaceholderReader) -> Findings:
        changed = replace(changed, count=self.state.count + 1)
        found = reader.ask(SessionState.findings, changed)
        self.state = changed
        return found

    def remember(self, lessons: Lessons, reader: Reader | PlaceholderReader) -> Findings:
        """Know the lessons that a browser kept, and return the findings of the same state.

        The pad may have asked before: its answer keeps its count, put as the lessons have it.
        """
        with self._lock:
            self.state = replace(self.state, lessons=lessons)
            return reader.ask(SessionState.findings, self.state)
