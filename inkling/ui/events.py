"""What happens on the page: which event calls what, and what the page then shows."""

import contextlib
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any

import gradio as gr

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
from inkling.ui.told import asked, picked, uploaded

QUIETLY: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
# What parts send and show is as handlers take and return it: Gradio would decode a picture itself,
# of any size and any file of the server's, and pass each answer's parts through threads.
AS_IT_IS: dict[str, Any] = {**QUIETLY, "preprocess": False, "postprocess": False}
# Of values that wait only the latest is asked about. What a tap says comes with its event, of which
# Gradio would ask about the first once more: each is answered, in the order in which they came.
LATEST: dict[str, Any] = {**AS_IT_IS, "trigger_mode": "always_last"}
EACH: dict[str, Any] = {**AS_IT_IS, "trigger_mode": "multiple"}
AS_TOLD = "(values) => values"  # what the server told a part of the page goes to the others
# Gradio's own parts have their questions asked as ours do: by `questions.js`.
ASKS = """(value) => {{
  document.dispatchEvent(new CustomEvent("inkling-asks", {{ detail: ["{}", value] }}));
}}"""


def or_busy(handler: Callable) -> Callable:
    """Return a handler that says in words that no reader answers."""

    @wraps(handler)
    def handle(*values: Any) -> Any:
        try:
            return handler(*values)
        except Unreachable as error:
            raise gr.Error(BUSY) from error

    return handle


def example(number: object) -> bytes:
    """Return one of the examples, the first if there is none of this number."""
    return EXAMPLES[index(number, len(EXAMPLES)) or 0].read_bytes()


# How the page tells of a picture, and the visitor sees it.
PICTURES: dict[str, tuple[Callable[[Any], object], See]] = {
    "sketch": (Sketch.from_json, Visit.read_sketch),
    "picture": (uploaded, Visit.read),
    "example": (example, Visit.read),
    "digit": (str, Visit.read_digit),
}


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
        self.answers: dict[str, Callable[[Visitor, Any], Any]] = {
            "choose": lambda v, glyph: self.show(v, lambda visit: visit.choose(glyph)),
            "compare": lambda v, digit: self.show(v, lambda visit: visit.compare(digit)),
            "edit": self.edit,
            "change": lambda v, _: self.show(v, partial(self.ask, Visit.with_change)),
            "teach": self.teach,
            "unfold": lambda v, _: self.show(v, lambda visit: visit),
            "report": lambda v, _: downloads.report(v.visit, self.source.reader),
            "data": lambda v, _: downloads.data(v.visit, self.source.reader),
        }
        visits: list[tuple[Any, Callable, list, Any, dict]] = [
            (page.timer.tick, self.read_again, [page.visitor], shown, LATEST),  # while it learns
            (page.matrix.pick, self.show_cell, [], page.cell, EACH),
            (page.layers.pick, self.open_map, [], page.opened, EACH),
            (page.inside.expand, self.show_map, [], page.map, LATEST),
            (page.kept.input, self.remember, [page.visitor, page.kept], shown, LATEST),
            (page.questions.lost, self.remember, [page.visitor, page.kept], shown, LATEST),
        ]
        for event, handler, takes, changes, how in visits:
            event(or_busy(handler), takes, changes, **how)
        for event, name, part in (
            (page.upload.change, "camera", page.upload),
            (page.report.click, "report", None),
            (page.data.click, "data", None),
            (page.inside.expand, "unfold", None),
            (page.inside.collapse, "fold", None),
        ):
            event(None, part, js=ASKS.format(name))
        for button in (page.copy, page.link):
            button.click(None, js=f"() => ({views.source('copy.js')})('{button.elem_id}')")
        questions = page.questions
        questions.connect(self.find, page.visitor, self.answer, self.glance)
        questions.answered(None, questions, shown, js=AS_TOLD)
        questions.glanced(None, questions, list(self.glanced(Findings())), js=AS_TOLD)
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

    def show(self, visitor: Visitor, change: Callable[[Visit], Visit]) -> list:
        """Change a visit, and show it."""
        return list(self.shown(visitor.update(change, self.source.reader)).values())

    # --- a picture is read, and asked about -----------------------------------------------------

    def answer(self, visitor: Visitor, told: object) -> Any:
        """Answer the last of the questions that a page tells of; False if it has to tell of more.

        After a restart, or a while without the page, its session is a new one, which knows of no
        picture: the page then asks again, with the questions that came before this one.
        """
        page = asked(told)
        if page.known and not visitor.visit.count:
            return False
        visitor.unfold(page.unfolded)
        answer = None
        for name, value in page.questions:
            if name in PICTURES:
                opened, see = PICTURES[name]
                found = visitor.turn_to(see, opened(value), self.source.reader, page.number)
                answer = list(self.shown(found).values()) if found else None
            elif name in self.answers:
                answer = self.answers[name](visitor, value)
        return answer

    def glance(self, visitor: Visitor, told: object) -> list | None:
        """Read what stands on the pad in the midst of a stroke; nothing is remembered of it."""
        found = self.ask(Visit.glance, visitor.visit, Sketch.from_json(told))
        return list(self.glanced(found).values()) if found else None

    def read_again(self, visitor: Visitor) -> Any:
        """Read the same picture with what the network has learned since."""
        if not visitor.visit.count:
            return gr.skip()
        return self.show(visitor, partial(self.ask, Visit.read_again))

    def edit(self, visitor: Visitor, ink: object) -> list:
        """Read the pixels that a hand has changed; the page has them, and maybe more by now."""
        found = visitor.update(lambda visit: self.ask(Visit.edit, visit, ink), self.source.reader)
        shown = self.shown(found)
        if ink is not None:
            shown[self.page.pixels]["ink"] = None
        return list(shown.values())

    def show_map(self) -> str:
        """Show the map of digits, which lies inside the network."""
        return inside_views.map_html(Gallery.of(self.source.reader.gallery))

    def open_map(self, event: gr.EventData) -> str:
        """Show what a map of a layer looks for."""
        return inside_views.opened_html(self.source.reader, picked(event))

    # --- a reading is corrected, and taken away -------------------------------------------------

    def teach(self, visitor: Visitor, told: object) -> dict | None:
        """Return a correction as a lesson: the browser adds it to those that it keeps."""
        digit = index(told, 10)
        if self.collect:
            downloads.save_correction(visitor.visit, digit, self.collect)
        taught = visitor.visit.taught(Lessons(), digit).lessons.to_json()
        return {"lesson": taught[0]} if taught else None

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
            page.train: gr.Button(model_card.train_words(source), interactive=not source.learning),
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

    def show_cell(self, event: gr.EventData) -> str:
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
