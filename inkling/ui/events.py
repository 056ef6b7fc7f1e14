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
from inkling.training.live_reader import LiveReader
from inkling.ui import downloads, inside_views, model_card, views
from inkling.ui.event_payloads import asked, load_upload, parse_pick
from inkling.ui.layout import EXAMPLES, Page
from inkling.ui.pad_requests import BUSY, Find
from inkling.ui.session import Findings, See, Session, SessionState, parse_index

PRIVATE_EVENT: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
# What parts send and show is as handlers take and return it: Gradio would decode a picture itself,
# of any size and any file of the server's, and pass each answer's parts through threads.
RAW_EVENT: dict[str, Any] = {**PRIVATE_EVENT, "preprocess": False, "postprocess": False}
# Of values that wait only the latest is asked about. What a tap says comes with its event, of which
# Gradio would ask about the first once more: each is answered, in the order in which they came.
ALWAYS_LAST: dict[str, Any] = {**RAW_EVENT, "trigger_mode": "always_last"}
MULTIPLE: dict[str, Any] = {**RAW_EVENT, "trigger_mode": "multiple"}
PASS_THROUGH_JS = "(values) => values"  # what the server told a part of the page goes to the others
# Gradio's own parts have their questions asked as ours do: by `pad_requests.js`.
READ_JS = """(value) => {{
  document.dispatchEvent(new CustomEvent("inkling-asks", {{ detail: ["{}", value] }}));
}}"""


def report_unavailable(handler: Callable) -> Callable:
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
    return EXAMPLES[parse_index(number, len(EXAMPLES)) or 0].read_bytes()


# How the page tells of a picture, and the session sees it.
PICTURES: dict[str, tuple[Callable[[Any], object], See]] = {
    "sketch": (Sketch.from_json, SessionState.read_sketch),
    "picture": (load_upload, SessionState.read),
    "example": (example, SessionState.read),
    "digit": (str, SessionState.read_digit),
}


class Events:
    """The handlers of a page's events, and what they have to do with."""

    def __init__(self, page: Page, source: LiveReader, collect: Path | None, find: Find):
        """Take the page's parts, where readers come from, and a folder for corrections.

        `find` tells who asks without an event: see `PadRequests.connect`.
        """
        self.page, self.source, self.collect, self.find = page, source, collect, find

    def connect(self, demo: gr.Blocks, trains: bool) -> None:
        """Connect every event; what trains the network only if it `trains`."""
        page = self.page
        shown = list(self.shown(Findings()))
        learning = [page.status, page.timer, page.train, page.cancel]
        known = [page.card, page.matrix, page.cell, page.more]
        self.answers: dict[str, Callable[[Session, Any], Any]] = {
            "choose": lambda v, glyph: self.show(v, lambda state: state.choose(glyph)),
            "compare": lambda v, digit: self.show(v, lambda state: state.compare(digit)),
            "edit": self.edit,
            "change": lambda v, _: self.show(v, partial(self.ask, SessionState.apply_change)),
            "teach": self.teach,
            "unfold": lambda v, _: self.show(v, lambda state: state),
            "report": lambda v, _: downloads.build_report(v.state, self.source.reader),
            "data": lambda v, _: downloads.build_json(v.state, self.source.reader),
        }
        visits: list[tuple[Any, Callable, list, Any, dict]] = [
            (
                page.timer.tick,
                self.read_again,
                [page.session],
                shown,
                ALWAYS_LAST,
            ),  # while it learns
            (page.matrix.pick, self.show_cell, [], page.cell, MULTIPLE),
            (page.layers.pick, self.open_map, [], page.opened, MULTIPLE),
            (page.inside.expand, self.show_map, [], page.map, ALWAYS_LAST),
            (page.kept.input, self.remember, [page.session, page.kept], shown, ALWAYS_LAST),
            (page.questions.lost, self.remember, [page.session, page.kept], shown, ALWAYS_LAST),
        ]
        for event, handler, takes, changes, how in visits:
            event(report_unavailable(handler), takes, changes, **how)
        for event, name, part in (
            (page.upload.change, "camera", page.upload),
            (page.report.click, "report", None),
            (page.data.click, "data", None),
            (page.inside.expand, "unfold", None),
            (page.inside.collapse, "fold", None),
        ):
            event(None, part, js=READ_JS.format(name))
        for button in (page.copy, page.link):
            button.click(None, js=f"() => ({views.read_static('copy.js')})('{button.elem_id}')")
        questions = page.questions
        questions.connect(self.find, page.session, self.answer, self.glance)
        questions.answered(None, questions, shown, js=PASS_THROUGH_JS)
        questions.glanced(None, questions, list(self.glanced(Findings())), js=PASS_THROUGH_JS)
        network: list[tuple[Any, Callable, list | None, Any]] = [
            (demo.load, self.look, None, learning),
            (page.timer.tick, self.tick, None, learning + known),
            (page.about.select, self.show_card, None, known),
            (page.train.click, self.train, [page.seed, page.epochs], learning),
            (page.cancel.click, self.cancel, None, learning),
        ]
        for event, handler, asks, changes in network:
            if trains or handler not in (self.train, self.cancel):  # else nobody can call them
                event(handler, asks, changes, **PRIVATE_EVENT)
        gr.Button(visible=False).click(
            report_unavailable(self.predict),
            gr.File(label="picture", visible=False),
            gr.JSON(label="reading", visible=False),
            api_name="predict",
        )

    def shown(self, found: Findings) -> dict:
        """Return what the page shows of what was found out, by its parts."""
        page: Page = self.page
        return self.glanced(found) | {
            page.strip: views.render_strip(found),
            page.lessons: views.render_corrections(found),
            page.original: views.render_original(found),
            page.evidence: views.render_evidence(found),
            page.change: views.render_change(found),
            page.layers: inside_views.encode_layers(found),
            page.nearest: inside_views.render_neighbours(found),
        }

    def glanced(self, found: Findings) -> dict:
        """Return what the page shows of a glance."""
        page: Page = self.page
        bars: Any = page.label.postprocess(views.build_bars(found))  # type: ignore[arg-type]
        return {
            page.answer: views.render_answer(found),
            page.label: bars.model_dump(),
            page.pixels: views.encode_pixels(found),
        }

    def ask(self, function: Callable, *values: Any) -> Any:
        """Return a function's result, which takes the present reader last, where that is."""
        return self.source.reader.ask(function, *values)

    def show(self, session: Session, change: Callable[[SessionState], SessionState]) -> list:
        """Change a state, and show it."""
        return list(self.shown(session.update(change, self.source.reader)).values())

    # --- a picture is read, and asked about -----------------------------------------------------

    def answer(self, session: Session, told: object) -> Any:
        """Answer the last of the questions that a page tells of; False if it has to tell of more.

        After a restart, or a while without the page, its session is a new one, which knows of no
        picture: the page then asks again, with the questions that came before this one.
        """
        page = asked(told)
        if page.known and not session.state.count:
            return False
        session.unfold(page.unfolded)
        answer = None
        for name, value in page.questions:
            if name in PICTURES:
                opened, see = PICTURES[name]
                found = session.read_latest(see, opened(value), self.source.reader, page.number)
                answer = list(self.shown(found).values()) if found else None
            elif name in self.answers:
                answer = self.answers[name](session, value)
        return answer

    def glance(self, session: Session, told: object) -> list | None:
        """Read what stands on the pad in the midst of a stroke; nothing is remembered of it."""
        found = self.ask(SessionState.glance, session.state, Sketch.from_json(told))
        return list(self.glanced(found).values()) if found else None

    def read_again(self, session: Session) -> Any:
        """Read the same picture with what the network has learned since."""
        if not session.state.count:
            return gr.skip()
        return self.show(session, partial(self.ask, SessionState.read_again))

    def edit(self, session: Session, ink: object) -> list:
        """Read the pixels that a hand has changed; the page has them, and maybe more by now."""
        found = session.update(
            lambda state: self.ask(SessionState.edit, state, ink), self.source.reader
        )
        shown = self.shown(found)
        if ink is not None:
            shown[self.page.pixels]["ink"] = None
        return list(shown.values())

    def show_map(self) -> str:
        """Show the map of digits, which lies inside the network."""
        return inside_views.render_map(Gallery.of(self.source.reader.gallery))

    def open_map(self, event: gr.EventData) -> str:
        """Show what a map of a layer looks for."""
        return inside_views.render_feature_map(self.source.reader, parse_pick(event))

    # --- a reading is corrected, and taken away -------------------------------------------------

    def teach(self, session: Session, told: object) -> dict | None:
        """Return a correction as a lesson: the browser adds it to those that it keeps."""
        digit = parse_index(told, 10)
        if self.collect:
            downloads.save_correction(session.state, digit, self.collect)
        taught = session.state.taught(Lessons(), digit).lessons.to_json()
        return {"lesson": taught[0]} if taught else None

    def remember(self, session: Session, kept: object) -> dict:
        """Know the lessons that a browser keeps, and no others.

        The answer to a drawing that stood on the pad comes on a way of its own, and maybe first:
        nothing is shown of a state that knows of no picture yet.
        """
        lessons = Lessons.from_json(kept)
        if not lessons and not session.state.lessons:
            return gr.skip()
        found = session.remember(lessons, self.source.reader)
        return (
            self.shown(found)
            if found.count
            else {self.page.lessons: views.render_corrections(found)}
        )

    def predict(self, picture: str | None) -> dict:
        """Read a picture of handwritten digits: PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF."""
        reading = self.source.reader.read_file(Path(picture)) if picture else Reading()
        return reading.as_dict()

    # --- the network is looked at, and trained again --------------------------------------------

    def look(self) -> dict:
        """Show how far the network has learned."""
        source, page = self.source, self.page
        return {
            page.status: model_card.render_status(source),
            page.timer: gr.Timer(active=source.is_training),
            page.train: gr.Button(
                model_card.label_train_button(source), interactive=not source.is_training
            ),
            page.cancel: gr.Button(interactive=source.is_retraining),
        }

    def show_card(self) -> dict:
        """Show what is known of the network."""
        page = self.page
        parts = (page.card, page.matrix, page.cell, page.more)
        return dict(zip(parts, model_card.render_card(self.source.reader), strict=True))

    def tick(self) -> dict:
        """Show how far it is, and once it has learned what is known of it."""
        return self.look() | ({} if self.source.is_training else self.show_card())

    def show_cell(self, event: gr.EventData) -> str:
        """Show the digits behind a cell of the confusion matrix."""
        return model_card.render_cell(self.source.reader, parse_pick(event))

    def train(self, seed: float, epochs: float) -> dict:
        """Begin to train another network, unless it is learning already."""
        with contextlib.suppress(ValueError):  # as the page will show
            self.source.train_again(int(seed), epochs)
        return self.look()

    def cancel(self) -> dict:
        """End training again."""
        self.source.cancel()
        return self.look()
