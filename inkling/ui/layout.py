"""The page's components and their places; `events.py` holds their behaviour."""

from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import gradio as gr
from gradio.components.base import server

from inkling.imaging.image_formats import ACCEPTED_MIME_TYPES, MAX_UPLOAD_BYTES
from inkling.recognition.corrections import MAX_CORRECTIONS
from inkling.ui import views
from inkling.ui.pad_requests import PadRequests
from inkling.ui.session import Findings, Session
from inkling.ui.sketchpad import Sketchpad

HINT = "Draw a digit here,\nor a whole number"  # on an empty pad
TRAINING_POLL_S = 1.0  # seconds between two updates of a training's progress; not tuned
ACTIONS = (("copy", "Copy"), ("link", "Link"), ("report", "Report"), ("data", "JSON"))
INVISIBLE = "<!-- -->"  # template of a component that only has a script
NO_FINDINGS = Findings()  # shown before the first reading

# Returns the session's identifier and the value of a `gr.State` in it, for a request.
FindSession = Callable[[Any, gr.State], Awaitable[tuple[str, Session]]]


class Page(SimpleNamespace):
    """The components that have events, or are updated by them, by name."""

    def html(self, name: str, value: Any = "", script: str | None = None, **options: Any) -> None:
        """Add a component of our own HTML and style, with a script of `static/`."""
        scripts = "".join(map(views.read_static, ("shared.js", script) if script else ()))
        options |= {"js_on_load": scripts or None, "elem_id": name}
        setattr(self, name.replace("-", "_"), gr.HTML(value, apply_default_css=False, **options))

    def buttons(self, name: str, action: str | None = None, value: str = "", tab: str = "") -> None:
        """Add a component whose buttons send `action`, or trigger `pick`; they open a `tab`."""
        self.html(name, value, "pick.js", action=action, tab=tab)


class Channel(gr.HTML):
    """Component whose script sends requests to `PadRequests`; see its `answered` and `lost`."""

    def __init__(self, name: str, markup: str, scripts: tuple[str, ...]):
        """Create the component; `connect` must follow."""
        script = "".join(map(views.read_static, scripts))
        options: dict[str, Any] = {"html_template": markup, "js_on_load": script, "elem_id": name}
        super().__init__(apply_default_css=False, **options)

    def connect(self, requests: PadRequests, session: gr.State, find_session: FindSession) -> None:
        """Set what handles the requests, and how their session is found."""
        self.requests, self.session, self.find_session = requests, session, find_session

    @server
    async def read(self, payload: object, request: gr.Request) -> Any:
        """Handle the page's actions, or a request of the Lab; see `PadRequests.read`."""
        return await self.requests.read(*await self.find_session(request, self.session), payload)

    @server
    async def preview(self, payload: object, request: gr.Request) -> Any:
        """Read an unfinished sketch; see `PadRequests.preview`."""
        return await self.requests.preview(*await self.find_session(request, self.session), payload)


def build_page(collects: bool) -> Page:
    """Create all components, and return those that events use.

    The page says if it `collects` corrections.
    """
    page = Page(session=gr.State(Session()), timer=gr.Timer(TRAINING_POLL_S, active=False))
    page.html("title", views.render("header.html", collects=collects), "header.js")
    page.html("status")
    with gr.Tabs(elem_id="views"):
        with gr.Tab("Read"):
            with gr.Row(elem_id="desk"):
                add_input(page)
                add_answer(page)
                add_details(page)
            with gr.Accordion("Inside the network", open=False, elem_id="inside") as page.inside:
                add_inside(page)
            page.html("tour", script="tour.js")
        with gr.Tab("The network") as page.about:
            add_card(page)
        with gr.Tab("Lab"):
            page.lab = Channel("lab", views.read_static("lab.html"), ("shared.js", "lab.js"))
    return page


def add_input(page: Page) -> None:
    """Add the pad, the upload and the examples."""
    with gr.Column(elem_id="input", min_width=280):
        with gr.Tabs(elem_id="ways"):
            with gr.Tab("Draw"):
                Sketchpad(
                    type="strokes", placeholder=HINT, storage_key="inkling-pad", elem_id="pad"
                )
            with gr.Tab("Picture"):
                page.upload = gr.Image(  # only its camera is used: `picture.js` takes chosen files
                    label="Picture",
                    sources=["upload", "webcam", "clipboard"],
                    buttons=[],
                    elem_id="upload",
                )
        limit = MAX_UPLOAD_BYTES
        page.html("picture", script="picture.js", accept=ACCEPTED_MIME_TYPES, limit=limit)
        page.buttons("examples", "example", views.render_examples(views.EXAMPLES))


def add_answer(page: Page) -> None:
    """Add the answer, its probabilities, the corrections and the download buttons."""
    with gr.Column(elem_id="reading", min_width=280):
        page.html("answer", views.render_answer(NO_FINDINGS))
        page.reads = Channel("reads", INVISIBLE, ("pad_requests.js",))
        page.buttons("switched", "ablate")
        page.buttons("strip", "choose")
        bars = views.build_bars(NO_FINDINGS)
        page.label = gr.Label(
            bars, label="Probabilities", show_label=False, show_heading=False, elem_id="label"
        )
        page.buttons("corrections", "correct")
        page.html("stored", {}, "corrections.js", html_template=INVISIBLE, limit=MAX_CORRECTIONS)
        with gr.Row(elem_id="take"):
            for name, label in ACTIONS:
                setattr(page, name, gr.Button(label, size="sm", min_width=60, elem_id=name))


def add_details(page: Page) -> None:
    """Add the picture, the network's input, the evidence and the change."""
    with gr.Column(elem_id="looks", min_width=0):
        page.html("original", views.render_original(NO_FINDINGS))
        pixels = views.encode_pixels(NO_FINDINGS)
        page.html("pixels", pixels, "pixels.js", html_template=views.read_static("pixels.html"))
        page.html("evidence", views.render_evidence(NO_FINDINGS))
        page.buttons("change", "compare", views.render_change(NO_FINDINGS))


def add_inside(page: Page) -> None:
    """Add the layers, a cell's sum, the map of digits, the switches, the steps of a reading."""
    with gr.Row(elem_id="maps"):
        with gr.Column(min_width=0):
            page.html("layers", None, "inside.js", html_template=views.read_static("inside.html"))
            page.html("decision")
        page.html("feature-map", script="cell_sum.js")
    with gr.Column(elem_id="space"):
        page.html("map")
        page.html("nearest")
    with gr.Accordion("Switch parts off", open=False, elem_id="switches") as page.switches:
        page.buttons("switched-inside", "ablate")
        page.html("parts", None, "switches.js", html_template=views.read_static("switches.html"))
    with gr.Accordion("How the picture was read", open=False, elem_id="steps") as page.steps:
        page.html("traced", script="steps.js")


def add_card(page: Page) -> None:
    """Add the model card."""
    page.html("card")
    with gr.Row(elem_id="confusions"):
        page.buttons("matrix")
        page.html("cell")
    page.buttons("more", "digit", tab="#views [role=tab]")
    page.card_parts = [page.card, page.matrix, page.cell, page.more]
