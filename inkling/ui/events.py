"""Event handlers: which event calls which function, and which components it updates."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from inkling.imaging.open_image import PictureError
from inkling.imaging.sketch import Sketch
from inkling.recognition.corrections import Corrections
from inkling.recognition.reader import ReaderUnavailable
from inkling.recognition.reading import Reading
from inkling.rendering import BUSY_MESSAGE
from inkling.training.live_reader import LiveReader
from inkling.ui import downloads, event_payloads, inside_views, model_card, views
from inkling.ui.lab import Lab
from inkling.ui.layout import FindSession, Page
from inkling.ui.pad_requests import PadRequests
from inkling.ui.session import AnyReader, Findings, ReadMethod, Session, SessionState

PRIVATE_EVENT: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
# Handlers take and return raw component values. Gradio's preprocessing would decode pictures of any
# size and any server file. Its postprocessing runs each output in a thread.
RAW_EVENT: dict[str, Any] = {**PRIVATE_EVENT, "preprocess": False, "postprocess": False}
# ALWAYS_LAST: of queued values Gradio sends only the newest. MULTIPLE: a tap carries event data,
# and `always_last` would send the first event's data again. Every tap is handled, in order.
ALWAYS_LAST: dict[str, Any] = {**RAW_EVENT, "trigger_mode": "always_last"}
MULTIPLE: dict[str, Any] = {**RAW_EVENT, "trigger_mode": "multiple"}
PASS_THROUGH_JS = "(values) => values"  # the response updates the output components
# Gradio's own components send their actions through `pad_requests.js` as well.
READ_JS = """(value) => void document.dispatchEvent(
  new CustomEvent("read-start", {{ detail: ["{}", {}] }}))"""


@contextlib.contextmanager
def report_unavailable() -> Iterator[None]:
    """Show the busy message if no reader is reachable."""
    try:
        yield
    except ReaderUnavailable as error:
        raise gr.Error(BUSY_MESSAGE) from error


def load_example(payload: object) -> bytes:
    """Return the example with this index, or else the first."""
    index = event_payloads.parse_index(payload, len(views.EXAMPLES))
    return views.EXAMPLES[index or 0].read_bytes()


def load_page_upload(payload: object) -> bytes | PictureError | None:
    """Return the content of a file that was uploaded to this server."""
    return event_payloads.load_upload(payload, Path(get_upload_folder()))


# Actions that replace the picture: how their payload is parsed, and how it is read.
READ_ACTIONS: dict[str, tuple[Callable[[Any], object], ReadMethod]] = {
    "sketch": (Sketch.from_json, SessionState.read_sketch),
    "picture": (load_page_upload, SessionState.read),
    "example": (load_example, SessionState.read),
    "digit": (str, SessionState.read_digit),
}


# Actions that keep the picture: the next state, from a state, a payload and a reader.
CHANGES: dict[str, Callable[[SessionState, Any, AnyReader], SessionState]] = {
    "choose": lambda state, glyph, _: state.choose(glyph),
    "compare": lambda state, digit, _: state.compare(digit),
    "edit": lambda state, ink, reader: reader.call(SessionState.edit, state, ink),
    "apply_change": lambda state, _, reader: reader.call(SessionState.apply_change, state),
    "expand": lambda state, *_: state,
    "ablate": lambda state, *_: state,
    "network": lambda state, _, reader: reader.call(SessionState.read_again, state),
}
DOWNLOADS = {"report": downloads.build_report, "data": downloads.build_json}


@dataclass
class Events:
    """The handlers of a page's events."""

    page: Page
    source: LiveReader  # of readers
    collect: Path | None  # folder for corrections
    find_session: FindSession
    lab: Lab

    def connect(self, demo: gr.Blocks) -> None:
        """Connect every event."""
        self.connect_reading()
        self.connect_network(demo)
        gr.Button(visible=False).click(
            report_unavailable()(self.predict),
            gr.File(label="picture", visible=False),
            gr.JSON(label="reading", visible=False),
            api_name="predict",
        )

    def connect_reading(self) -> None:
        """Connect the events of pictures and of their explanations."""
        page = self.page
        findings = list(self.render_findings(Findings()))
        preview = list(self.render_preview(Findings()))
        stored = [page.session, page.stored]
        for event, handler, inputs, outputs, options in (
            (page.timer.tick, self.read_again, [page.session], findings, ALWAYS_LAST),
            (page.matrix.pick, self.show_cell, [page.session], page.cell, MULTIPLE),
            (page.layers.pick, self.show_cell_sum, [page.session], page.feature_map, MULTIPLE),
            (page.inside.expand, self.show_map, [page.session], page.map, ALWAYS_LAST),
            (page.stored.input, self.restore, stored, findings, ALWAYS_LAST),
            (page.reads.lost, self.restore, stored, findings, ALWAYS_LAST),
        ):
            event(report_unavailable()(handler), inputs, outputs, **options)
        page.upload.change(None, page.upload, js=READ_JS.format("camera", "value"))
        for button in (page.report, page.data):
            button.click(None, js=READ_JS.format(button.elem_id, "null"))
        for name, action in product(event_payloads.SECTIONS, ("expand", "collapse")):
            event = getattr(getattr(page, name), action)
            event(None, js=READ_JS.format(action, f"'{name}'"))
        for button in (page.copy, page.link):
            button.click(None, js=f"() => ({views.read_static('copy.js')})('{button.elem_id}')")
        pad, lab = PadRequests(self.read, self.preview), PadRequests(self.lab.respond)
        page.reads.connect(pad, page.session, self.find_session)
        page.lab.connect(lab, page.session, self.find_session)
        page.reads.answered(None, page.reads, findings, js=PASS_THROUGH_JS)
        page.reads.previewed(None, page.reads, preview, js=PASS_THROUGH_JS)

    def connect_network(self, demo: gr.Blocks) -> None:
        """Connect the events of the model card and of the first training."""
        page, session = self.page, [self.page.session]
        progress = [page.status, page.timer]
        demo.load(self.show_progress, None, progress, **PRIVATE_EVENT)
        page.timer.tick(self.tick, session, progress + page.card_parts, **PRIVATE_EVENT)
        page.about.select(self.show_card, session, page.card_parts, **PRIVATE_EVENT)

    def find_reader(self, session: Session) -> AnyReader:
        """Return the network that a session reads with."""
        return self.source.find_reader(session.state.network)

    def render_findings(self, findings: Findings) -> dict:
        """Return the values of all components that show findings."""
        page, network = self.page, self.source.find_reader(findings.state.network).title
        show = partial(views.render, findings=findings, network=network)
        return self.render_preview(findings) | {
            page.strip: show("strip.html"),
            page.corrections: show("corrections.html"),
            page.original: views.render_original(findings),
            page.evidence: views.render_evidence(findings),
            page.change: views.render_change(findings),
            page.layers: inside_views.encode_layers(findings),
            page.decision: inside_views.render_decision(findings),
            page.nearest: inside_views.render_neighbours(findings),
            page.parts: inside_views.encode_switches(findings),
            page.traced: show("picture_steps.html", picture=findings.state.picture),
            page.switched: show("switched.html", live=True),
            page.switched_inside: show("switched.html"),
            page.tour: show("tour.html"),
        }

    def render_preview(self, findings: Findings) -> dict:
        """Return the values of the components that a preview updates."""
        page = self.page
        return {
            page.answer: views.render_answer(findings),
            page.label: views.encode_bars(findings),
            page.pixels: views.encode_pixels(findings),
        }

    # --- a picture, its explanations and corrections ----------------------------------------------

    def read(self, session: Session, payload: object) -> Any:
        """Handle a page's actions; return the response to the last, or False if more are needed.

        After a restart, or a pause of the page, the session is new and has no picture. The page
        then repeats the request with all earlier actions on its picture.
        """
        request = event_payloads.parse_page_request(payload)
        if request.session_known and not session.state.count:
            return False
        reader = self.source.find_reader(request.network)
        widths = getattr(getattr(reader, "model", None), "widths", ())
        ablation = event_payloads.parse_ablation(request.ablation, widths)
        session.configure(request.expanded, ablation, request.network)
        response = None
        for name, value in request.actions:
            response = self.act(session, name, value, request.request_id)
        return response

    def act(self, session: Session, name: str, payload: object, request_id: int) -> Any:
        """Handle one action; return its response, or None if there is none."""
        reader, findings = self.find_reader(session), None
        if name == "correct":
            return self.add_correction(session, payload)
        if name in DOWNLOADS:
            return DOWNLOADS[name](session.state, reader)
        if name in READ_ACTIONS:
            parse, read = READ_ACTIONS[name]
            findings = session.read_latest(read, parse(payload), reader, request_id)
        elif change := CHANGES.get(name):
            findings = session.update(lambda state: change(state, payload, reader), reader)
        return findings and list(self.render_findings(findings).values())

    def preview(self, session: Session, payload: object) -> list | None:
        """Read an unfinished sketch without changing the session."""
        sketch = Sketch.from_json(payload)
        findings = self.find_reader(session).call(SessionState.preview, session.state, sketch)
        return findings and list(self.render_preview(findings).values())

    def read_again(self, session: Session) -> Any:
        """Read the same glyphs with the present reader."""
        if not session.state.count:
            return gr.skip()
        reader, read = self.find_reader(session), SessionState.read_again
        findings = session.update(lambda state: reader.call(read, state), reader)
        return self.render_findings(findings)

    def show_map(self, session: Session) -> str:
        """Return the map of digits."""
        return inside_views.render_map(self.find_reader(session))

    def show_cell_sum(self, session: Session, event: gr.EventData) -> str:
        """Return the sum of a picked cell, and the details of its feature map."""
        pick = event_payloads.parse_pick(event)
        return inside_views.render_cell_sum(self.find_reader(session), session.state, pick)

    def add_correction(self, session: Session, payload: object) -> dict | None:
        """Return a correction, which the browser adds to those that it stores."""
        digit = event_payloads.parse_index(payload, 10)
        if self.collect:
            downloads.save_correction(session.state, digit, self.collect)
        corrections = session.state.with_correction(Corrections(), digit).corrections.to_json()
        return {"correction": corrections[0]} if corrections else None

    def restore(self, session: Session, stored: object) -> dict:
        """Replace the session's corrections by those that the browser stores.

        A restored drawing is read by a separate request, which may finish first. While the session
        has no picture, only the corrections are rendered.
        """
        corrections = Corrections.from_json(stored)
        if not corrections and not session.state.corrections:
            return gr.skip()
        findings = session.restore_corrections(corrections, self.find_reader(session))
        if findings.state.count:
            return self.render_findings(findings)
        return {self.page.corrections: views.render("corrections.html", findings=findings)}

    def predict(self, picture: str | None) -> dict:
        """Read a picture of handwritten digits: PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF."""
        reading = self.source.reader.read_file(Path(picture)) if picture else Reading()
        return reading.as_dict()

    # --- the model card and training --------------------------------------------------------------

    def show_progress(self) -> dict:
        """Return the first training's progress."""
        source, page = self.source, self.page
        return {
            page.status: model_card.render_status(source),
            page.timer: gr.Timer(active=source.is_training),
        }

    def show_card(self, session: Session) -> dict:
        """Return the model card."""
        parts = model_card.render_card(self.find_reader(session))
        return dict(zip(self.page.card_parts, parts, strict=True))

    def tick(self, session: Session) -> dict:
        """Return the first training's progress, and after its end the model card."""
        return self.show_progress() | ({} if self.source.is_training else self.show_card(session))

    def show_cell(self, session: Session, event: gr.EventData) -> str:
        """Return the digits of a picked cell of the confusion matrix."""
        return model_card.render_cell(self.find_reader(session), event_payloads.parse_pick(event))
