"""What one visitor does becomes what the page shows: every event turns a `Visit` into the next.

A visit lives in the server's memory as long as the page is open; nothing here knows Gradio.
"""

import base64
import binascii
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import view
from explain import evidence, inside
from first_run import NoReader
from picture import PictureError, open_picture
from pixels import Shown, shown
from predict import Reader, Reading
from teach import Lessons, adapt

SKETCH_HEADER = "data:image/png;base64,"
SKETCH_LIMIT = 200_000  # characters of a sketch: the pad's are a tenth of it, scribbled full


@dataclass(frozen=True)
class Visit:
    """What the server remembers of one visitor."""

    by_network: Reading = Reading()  # of the latest picture, before any lesson
    picture: Shown = Shown()
    chosen: int = 0  # the glyph whose details are shown
    rival: int | None = None  # the digit that the answer is held against; None: the runner-up
    lessons: Lessons = Lessons()  # known at its latest answer
    unfolded: bool = False  # whether the inside of the network is in view
    count: int = 0  # of the answers so far

    def read(self, content: Path | bytes | None, reader: Reader | NoReader) -> Self:
        """Have a picture read; None wipes the slate."""
        latest, picture = Reading(), Shown()
        if content:
            try:
                opened, size = open_picture(content)
                latest, picture = reader.read(opened, size), shown(opened, size)
            except PictureError as error:
                latest = Reading(note=f"error: {error}")
        return replace(self, by_network=latest, picture=picture, chosen=0, rival=None)

    def read_again(self, reader: Reader | NoReader) -> Self:
        """Have the same glyphs read by a network that has learned more since."""
        if not self.by_network.digits:
            return self
        return replace(
            self, by_network=reader.read_glyphs(self.by_network.glyphs, self.by_network.seen)
        )

    def choose(self, glyph: object) -> Self:
        """Show the details of another glyph of the picture."""
        chosen = index(glyph, len(self.by_network.digits))
        return self if chosen is None else replace(self, chosen=chosen, rival=None)

    def compare(self, digit: object) -> Self:
        """Hold the answer against another digit than the runner-up."""
        return replace(self, rival=index(digit, 10))

    def teach(self, lessons: Lessons, digit: int | None) -> Lessons:
        """Return the lessons and one more: that the chosen glyph is this digit."""
        if digit is None or not self.by_network.digits:
            return lessons
        return lessons.add(self.by_network.digits[self.chosen].glyph.ink, digit)

    def reading(self, reader: Reader | NoReader) -> Reading:
        """Return the reading as the lessons have it."""
        if not self.lessons or not self.by_network.digits:
            return self.by_network
        return adapt(self.by_network, self.lessons, reader.model)

    def parts(self, reader: Reader | NoReader) -> tuple:
        """Return what the page shows: answer, strip, bars, lessons, details, layers, neighbours."""
        reading = self.reading(reader)
        layers = nearest = ""
        if self.unfolded and reading.digits:
            ink = reading.digits[self.chosen].glyph.ink
            layers = view.inside_html(inside(reader.model, ink))
            nearest = view.neighbours_html(reader.gallery, reader.features(ink), ink)
        return (
            view.answer_html(reading, self.count),
            view.strip_html(reading, self.chosen),
            view.bars(reading, self.chosen),
            view.lessons_html(reading, len(self.lessons)),
            self.details(reading, reader),
            layers,
            nearest,
        )

    def details(self, reading: Reading, reader: Reader | NoReader) -> str:
        """Return what the network saw of the chosen glyph, and why it answers so."""
        why = None
        if reading.digits:
            digit = reading.digits[self.chosen]
            best, second = digit.ranking[:2]
            rival = second if self.rival in (None, best) else self.rival
            why = evidence(reader.model, digit.glyph.ink, best, rival)
        return view.details_html(reading, self.chosen, self.picture, why)


def index(told: object, count: int) -> int | None:
    """Return what a browser told as an index below `count`, or None if it is none."""
    known = {str(k): k for k in range(count)}
    return known.get(str(told))


def sketch_bytes(told: object) -> bytes | None:
    """Return the PNG file in a pad's value; None if the pad is empty or this is no pad's value."""
    if not isinstance(told, str) or not told.startswith(SKETCH_HEADER) or len(told) > SKETCH_LIMIT:
        return None
    try:
        return base64.b64decode(told.removeprefix(SKETCH_HEADER), validate=True)
    except binascii.Error:
        return None
