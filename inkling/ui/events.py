"""What happens on the page: which event calls what, and what the page then shows."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

import gradio as gr
from anyio import to_thread

from inkling.explanation.gallery import Gallery
from inkling.imaging.sketch import Sketch
from inkling.recognition.corrections import Lessons
from inkling.recognition.reader import Unreachable
from inkling.recognition.reading import Reading
from inkling.ui import downloads, inside_views, model_card, views
from inkling.ui.layout import EXAMPLES, Page
from inkling.ui.live_reader import LiveReader
from inkling.ui.questions import BUSY, Find
from inkling.ui.session import Findings, See, Visit, Visitor, index
from inkling.ui.told import picked, uploaded

QUIETLY: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
# What parts send and show is as handlers take and return it: Gradio would decode a picture itself,
# of any size and any file of the server's, and pass each answer's parts through threads.
AS_IT_IS: dict[str, Any] = {**QUIETLY, "preprocess": False, "postprocess": False}
# Of values that wait only the latest is asked about. What a tap says comes with its event, of which
# Gradio would ask about the first once more: each is answered, in the order in which they came.
LATEST: dict[str, Any] = {**AS_IT_IS, "trigger_mode": "always_last"}
EACH: dict[str, Any] = {**AS_IT_IS, "trigger_mode": "multiple"}
AS_TOLD = "(values) => values"  # what the server told a part of the page goes to the others


def or_busy(handler: Callable) -> Callable:
    """Return a handler that says in words that no reader answers."""

    @wraps(handler)
    def handle(*values: Any) -> Any:
        try:
            return handler(*values)
        except Unreachable as error:
            raise gr.Error(BUSY) from error

    return handle


def in_turn(handler: Callable) -> Callable:
    """Return a handler that takes one call of a visitor after the other, as they come."""

    @wraps(handler)
    async def handle(visitor: Visitor, *values: Any) -> Any:
        async with visitor.in_turn:
            return await to_thread.run_sync(handler, visitor, *values)

    return handle


class Events:
    """The handlers of a page's events, and what they have to do with."""

    def __init__(self, page: Page, source: LiveReader, collect: Path | None, find: Find):
        """Take the page's parts, where readers come from, and a folder for corrections.

        `find` tells who asks without an event: see `Questions.connect`.
        """
        self.page, self.source, self.collect, self.find = page, source, collect, find

    def connect(self, demo: gr.Blocks, trains: bool) -> None:
        """Connect every event; what trains the network only if it `trains`."""
        page = self.page
        shown = list(self.shown(Findings()))
        learning = [page.status, page.timer, page.train, page.cancel]
        known = [page.card, page.matrix, page.cell, page.more]
        visits: list[tuple[Any, Callable, list, Any, dict]] = [
            (page.upload.change, self.read_upload, [page.upload], shown, LATEST),
            (page.picture.upload, self.read_upload, [page.picture], shown, LATEST),
            (page.examples.pick, self.read_example, [], shown, EACH),
            (page.timer.tick, self.read_again, [], shown, LATEST),  # while it learns
            (page.strip.pick, self.choose, [], shown, EACH),
            (page.label.select, self.compare, [], shown, EACH),
            (page.pixels.edit, self.edit, [page.pixels], shown, LATEST),
            (page.change.pick, self.make, [], shown, EACH),
            (page.lessons.pick, self.teach, [], page.kept, EACH),
            (page.more.pick, self.read_digit, [], shown, EACH),
            (page.matrix.pick, self.show_cell, [], page.cell, EACH),
            (page.layers.pick, self.open_map, [], page.opened, EACH),
            (page.kept.input, self.remember, [page.kept], shown, LATEST),
            (page.inside.expand, self.unfold, [], [*shown, page.map], EACH),
            (page.inside.collapse, self.fold, [], None, EACH),
            (page.report.click, self.take_report, [], page.parcel, QUIETLY),
            (page.data.click, self.take_data, [], page.parcel, QUIETLY),
        ]
        for event, handler, takes, changes, how in visits:
            handle = in_turn(or_busy(handler)) if how is EACH else or_busy(handler)
            done = event(handle, [page.visitor, *takes], changes, **how)
            if changes is page.parcel:
                done.then(None, page.parcel, js=views.source("save.js"))
        for button in (page.copy, page.link):
            button.click(None, js=f"() => ({views.source('copy.js')})('{button.elem_id}')")
        asked = page.questions
        asked.connect(self.find, page.visitor, self.read_sketch, self.glance)
        asked.answered(None, asked, shown, js=AS_TOLD)
        asked.glanced(None, asked, list(self.glanced(Findings())), js=AS_TOLD)
        network: list[tuple[Any, Callable, list | None, Any]] = [
            (demo.load, self.look, None, learning),
            (page.timer.tick, self.tick, None, learning + known),
            (page.about.select, self.show_card, None, known),
            (page.train.click, self.train, [page.seed, page.epochs], learning),
            (page.cancel.click, self.cancel, None, learning),
        ]
        for event, handler, asks, changes in network:
            if trains or handler not in (self.train, self.cancel):  # else nobody can call them
                event(handler, asks, changes, **QUIETLY)
        gr.Button(visible=False).click(
            or_busy(self.predict),
            gr.File(label="picture", visible=False),
            gr.JSON(label="reading", visible=False),
            api_name="predict",
        )

    def shown(self, found: Findings) -> dict:
        """Return what the page shows of what was found out, by its parts."""
        page: Page = self.page
        return self.glanced(found) | {
            page.strip: views.strip_html(found),
            page.lessons: views.lessons_html(found),
            page.original: views.original_html(found),
            page.evidence: views.evidence_html(found),
            page.change: views.change_html(found),
            page.layers: inside_views.layers(found),
            page.nearest: inside_views.neighbours_html(found),
        }

    def glanced(self, found: Findings) -> dict:
        """Return what the page shows of a glance."""
        page: Page = self.page
        bars: Any = page.label.postprocess(views.bars(found))  # type: ignore[arg-type]
        return {
            page.answer: views.answer_html(found),
            page.label: bars.model_dump(),
            page.pixels: views.pixels(found),
        }

    def ask(self, function: Callable, *values: Any) -> Any:
        """Return a function's result, which takes the present reader last, where that is."""
        return self.source.reader.ask(function, *values)

    def show(self, visitor: Visitor, change: Callable[[Visit], Visit]) -> dict:
        """Change a visit, and show it."""
        return self.shown(visitor.update(change, self.source.reader))

    # --- a picture is read ----------------------------------------------------------------------

    def read(self, visitor: Visitor, see: See, told: object) -> dict:
        """Read a picture, which takes its time, and show it unless there is a newer one by then."""
        found = visitor.turn_to(see, told, self.source.reader)
        return self.shown(found) if found else gr.skip()

    def read_sketch(self, visitor: Visitor, sketch: Sketch) -> list | None:
        """Read what stands on the pad."""
        found = visitor.turn_to(Visit.read_sketch, sketch, self.source.reader)
        return list(self.shown(found).values()) if found else None

    def glance(self, visitor: Visitor, sketch: Sketch) -> list | None:
        """Read what stands on the pad in the midst of a stroke; nothing is remembered of it."""
        found = self.ask(Visit.glance, visitor.visit, sketch)
        return list(self.glanced(found).values()) if found else None

    def read_upload(self, visitor: Visitor, file: object) -> dict:
        """Read what was uploaded."""
        return self.read(visitor, Visit.read, uploaded(file))

    def read_example(self, visitor: Visitor, event: gr.EventData) -> dict:
        """Read one of the examples."""
        example = EXAMPLES[index(picked(event), len(EXAMPLES)) or 0]
        return self.read(visitor, Visit.read, example.read_bytes())

    def read_digit(self, visitor: Visitor, event: gr.EventData) -> dict:
        """Read one of the gallery's digits."""
        return self.read(visitor, Visit.read_digit, picked(event))

    def read_again(self, visitor: Visitor) -> dict:
        """Read the same picture with what the network has learned since."""
        return self.show(visitor, lambda visit: self.ask(Visit.read_again, visit))

    # --- a reading is asked about ---------------------------------------------------------------

    def choose(self, visitor: Visitor, event: gr.EventData) -> dict:
        """Show the details of another glyph."""
        return self.show(visitor, lambda visit: visit.choose(picked(event)))

    def compare(self, visitor: Visitor, event: gr.EventData) -> dict:
        """Hold the answer against the digit whose bar was tapped."""
        return self.show(visitor, lambda visit: visit.compare(picked(event, "value")))

    def edit(self, visitor: Visitor, told: object) -> dict:
        """Read the pixels that a hand has changed."""
        ink = told.get("ink") if isinstance(told, dict) else None
        shown = self.show(visitor, lambda visit: self.ask(Visit.edit, visit, ink))
        if ink is not None:  # it shows them itself, and may have more by now
            shown[self.page.pixels] = gr.skip()
        return shown

    def make(self, visitor: Visitor, event: gr.EventData) -> dict:
        """Ask what would make it another digit, or do that."""
        if picked(event) == "change":
            return self.show(visitor, lambda visit: self.ask(Visit.with_change, visit))
        return self.show(visitor, lambda visit: visit.compare(picked(event)))

    def unfold(self, visitor: Visitor) -> dict:
        """Show the inside of the network."""
        shown = self.show(visitor, lambda visit: replace(visit, unfolded=True))
        return shown | {
            self.page.map: inside_views.map_html(Gallery.of(self.source.reader.gallery))
        }

    def open_map(self, _: Visitor, event: gr.EventData) -> str:
        """Show what a map of a layer looks for."""
        return inside_views.opened_html(self.source.reader, picked(event))

    def fold(self, visitor: Visitor) -> None:
        """Find out nothing more about the inside of the network."""
        visitor.fold()

    # --- a reading is corrected, and taken away -------------------------------------------------

    def teach(self, visitor: Visitor, event: gr.EventData) -> dict:
        """Return a correction as a lesson: the browser adds it to those that it keeps."""
        digit = index(picked(event), 10)
        if self.collect:
            downloads.save_correction(visitor.visit, digit, self.collect)
        taught = visitor.visit.taught(Lessons(), digit).lessons.to_json()
        return {"lesson": taught[0]} if taught else gr.skip()

    def remember(self, visitor: Visitor, kept: object) -> dict:
        """Know the lessons that a browser keeps, and no others.

        The answer to a drawing that stood on the pad comes on a way of its own, and maybe first:
        nothing is shown of a visit that knows of no picture yet.
        """
        lessons = Lessons.from_json(kept)
        if not lessons and not visitor.visit.lessons:
            return gr.skip()
        found = visitor.remember(lessons, self.source.reader)
        return self.shown(found) if found.count else {self.page.lessons: views.lessons_html(found)}

    def take_report(self, visitor: Visitor) -> dict | None:
        """Return the report on the present reading."""
        return downloads.report(visitor.visit, self.source.reader)

    def take_data(self, visitor: Visitor) -> dict | None:
        """Return the present reading as data."""
        return downloads.data(visitor.visit, self.source.reader)

    def predict(self, picture: str | None) -> dict:
        """Read a picture of handwritten digits: PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF."""
        reading = self.source.reader.read_file(Path(picture)) if picture else Reading()
        return reading.as_dict()

    # --- the network is looked at, and trained again --------------------------------------------

    def look(self) -> dict:
        """Show how far the network has learned."""
        source, page = self.source, self.page
        return {
            page.status: model_card.status_html(source),
            page.timer: gr.Timer(active=source.learning),
            page.train: gr.Button(interactive=not source.learning),
            page.cancel: gr.Button(interactive=source.again),
        }

    def show_card(self) -> dict:
        """Show what is known of the network."""
        page = self.page
        parts = (page.card, page.matrix, page.cell, page.more)
        return dict(zip(parts, model_card.card_html(self.source.reader), strict=True))

    def tick(self) -> dict:
        """Show how far it is, and once it has learned what is known of it."""
        return self.look() | ({} if self.source.learning else self.show_card())

    def show_cell(self, _: Visitor, event: gr.EventData) -> str:
        """Show the digits behind a cell of the confusion matrix."""
        return model_card.cell_html(self.source.reader, picked(event))

    def train(self, seed: float, epochs: float) -> dict:
        """Begin to train another network, unless it is learning already."""
        with contextlib.suppress(ValueError):  # as the page will show
            self.source.train_again(int(seed), epochs)
        return self.look()

    def cancel(self) -> dict:
        """End training again."""
        self.source.cancel()
        return self.look()
