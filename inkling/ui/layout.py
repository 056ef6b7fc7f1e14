"""The page's components and their places; `events.py` holds their behaviour."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
from gradio.components.base import server
from gradio.components.label import LabelData

from inkling.imaging.image_formats import ACCEPTED_MIME_TYPES, MAX_UPLOAD_BYTES
from inkling.recognition.corrections import MAX_CORRECTIONS
from inkling.ui import views
from inkling.ui.pad_requests import PadRequests
from inkling.ui.session import Findings, Session
from inkling.ui.sketchpad import Sketchpad

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").iterdir())
TRAINING_POLL_S = 1.0  # seconds between two updates of a training's progress; not tuned
ACTIONS = (("copy", "Copy"), ("link", "Link"), ("report", "Report"), ("data", "JSON"))
NO_FINDINGS = Findings()  # shown before the first reading

# Returns the session's identifier and the value of a `gr.State` in it, for a request.
FindSession = Callable[[Any, gr.State], Awaitable[tuple[str, Session]]]


class Page(SimpleNamespace):
    """The components that have events, or are updated by them, by name."""


class Bars(gr.Label):
    """Bars of probabilities in the given order; `gr.Label` would sort them."""

    is_template = True  # the browser renders it as a `gr.Label`

    def postprocess(self, value: Any) -> Any:
        """Return the browser's payload for classes with their probabilities."""
        label = super().postprocess(value)
        if isinstance(label, LabelData) and label.confidences:
            order = list(value)
            label.confidences.sort(key=lambda bar: order.index(bar.label))
        return label


class ReadChannel(gr.HTML):
    """Invisible component that sends the page's requests to `PadRequests`.

    It triggers `answered` and `previewed` with the response, and `lost` if the session has ended.
    """

    def __init__(self) -> None:
        """Create the component; `connect` must follow."""
        super().__init__(
            html_template="<!-- -->",
            js_on_load=views.read_static("pad_requests.js"),
            elem_id="reads",
        )

    def connect(self, requests: PadRequests, session: gr.State, find_session: FindSession) -> None:
        """Set what handles the requests, and how their session is found."""
        self.requests, self.session, self.find_session = requests, session, find_session

    @server
    async def read(self, payload: object, request: gr.Request) -> Any:
        """Handle the page's actions; see `PadRequests.read`."""
        return await self.requests.read(*await self.find_session(request, self.session), payload)

    @server
    async def preview(self, payload: object, request: gr.Request) -> Any:
        """Read an unfinished sketch; see `PadRequests.preview`."""
        return await self.requests.preview(*await self.find_session(request, self.session), payload)


def html(value: str | dict | None = "", script: str | None = None, **options: Any) -> gr.HTML:
    """Return a component of our own HTML and style, with a script of `static/`."""
    return gr.HTML(
        value, apply_default_css=False, js_on_load=script and views.read_static(script), **options
    )


def pick_buttons(action: str | None = None, value: str = "", **options: Any) -> gr.HTML:
    """Return a component whose buttons send `action`; without one it triggers `pick`."""
    return html(value, "pick.js", action=action, **options)


def build_page(trains: bool, collects: bool) -> Page:
    """Create all components, and return those that events use.

    The page says if it `collects` corrections, and has training controls if it `trains`.
    """
    parts: dict[str, Any] = {}
    html(views.render("header.html", collects=collects), "header.js", elem_id="title")
    parts["status"] = html(elem_id="status")
    with gr.Tabs(elem_id="views"):
        with gr.Tab("Read"):
            with gr.Row(elem_id="desk"):
                parts |= build_input() | build_answer()
                parts |= build_details()
            with gr.Accordion("Inside the network", open=False, elem_id="inside") as inside:
                parts |= build_inside()
            parts["tour"] = html("", "tour.js", elem_id="tour")
        with gr.Tab("The network") as about:
            parts |= build_card(trains)
    return Page(
        session=gr.State(Session()),
        timer=gr.Timer(TRAINING_POLL_S, active=False),
        inside=inside,
        about=about,
        **parts,
    )


def build_input() -> dict[str, Any]:
    """Create the pad, the upload and the examples."""
    with gr.Column(elem_id="input", min_width=280):
        with gr.Tabs(elem_id="ways"):
            with gr.Tab("Draw"):
                Sketchpad(
                    type="strokes",
                    placeholder="Draw a digit here,\nor a whole number",
                    storage_key="inkling-pad",
                    elem_id="pad",
                )
            with gr.Tab("Picture"):
                upload = gr.Image(  # only its camera is used: `picture.js` takes over chosen files
                    label="Picture",
                    sources=["upload", "webcam", "clipboard"],
                    buttons=[],
                    elem_id="upload",
                )
        html(
            script="picture.js",
            accept=ACCEPTED_MIME_TYPES,
            limit=MAX_UPLOAD_BYTES,
            elem_id="picture",
        )
        pick_buttons("example", views.render_examples(EXAMPLES), elem_id="examples")
    return {"upload": upload}


def build_answer() -> dict[str, Any]:
    """Create the answer, its probabilities, the corrections and the download buttons."""
    with gr.Column(elem_id="reading", min_width=280):
        parts: dict[str, Any] = {
            "answer": html(views.render_answer(NO_FINDINGS), elem_id="answer"),
            "reads": ReadChannel(),
            "switched": pick_buttons("ablate", elem_id="switched"),
            "strip": pick_buttons("choose", elem_id="strip"),
            "label": Bars(
                views.build_bars(NO_FINDINGS),
                label="Probabilities",
                show_label=False,
                show_heading=False,
                elem_id="label",
            ),
            "corrections": pick_buttons("correct", elem_id="corrections"),
            "stored_corrections": html(
                {},
                "corrections.js",
                html_template="<!-- -->",
                limit=MAX_CORRECTIONS,
                elem_id="stored",
            ),
        }
        with gr.Row(elem_id="take"):
            for name, label in ACTIONS:
                parts[name] = gr.Button(label, size="sm", min_width=60, elem_id=name)
    return parts


def build_details() -> dict[str, Any]:
    """Create the picture, the network's input, the evidence and the change."""
    with gr.Column(elem_id="looks", min_width=0):
        return {
            "original": html(views.render_original(NO_FINDINGS), elem_id="original"),
            "pixels": html(
                views.encode_pixels(NO_FINDINGS),
                "pixels.js",
                html_template=views.read_static("pixels.html"),
                elem_id="pixels",
            ),
            "evidence": html(views.render_evidence(NO_FINDINGS), elem_id="evidence"),
            "change": pick_buttons("compare", views.render_change(NO_FINDINGS), elem_id="change"),
        }


def build_inside() -> dict[str, Any]:
    """Create the layers, a feature map's details and the map of digits."""
    parts: dict[str, Any] = {}
    with gr.Row(elem_id="maps"):
        with gr.Column(min_width=0):
            parts["layers"] = html(
                None, "inside.js", html_template=views.read_static("inside.html"), elem_id="layers"
            )
            parts["decision"] = html(elem_id="decision")
        parts["feature_map"] = html("", "cell_sum.js", elem_id="feature-map")
    with gr.Column(elem_id="space"):
        parts["map"] = html(elem_id="map")
        parts["nearest"] = html(elem_id="nearest")
    return parts | build_switches()


def build_switches() -> dict[str, Any]:
    """Create the switches of maps and weights, and the steps of reading a picture."""
    with gr.Accordion("Switch parts off", open=False, elem_id="switches") as switches:
        switched = pick_buttons("ablate", elem_id="switched-inside")
        template = views.read_static("switches.html")
        parts = html(None, "switches.js", html_template=template, elem_id="parts")
    with gr.Accordion("How the picture was read", open=False, elem_id="steps") as steps:
        traced = html("", "steps.js", elem_id="traced")
    sections = {"switches": switches, "steps": steps}
    return {**sections, "switched_inside": switched, "parts": parts, "traced": traced}


def build_card(trains: bool) -> dict[str, Any]:
    """Create the model card and the training controls."""
    parts: dict[str, Any] = {"card": html(elem_id="card")}
    with gr.Row(elem_id="confusions"):
        parts["matrix"] = pick_buttons(elem_id="matrix")
        parts["cell"] = html(elem_id="cell")
    parts["more"] = pick_buttons("digit", tab="#views [role=tab]", elem_id="more")
    with gr.Column(visible=trains, elem_id="train"):
        html(views.render("train.html"))
        with gr.Row():
            seed = gr.Number(1, label="Seed", precision=0, minimum=0, maximum=2**31 - 1)
            epochs = gr.Slider(1, 20, 5, step=1, label="Epochs")
        with gr.Row():
            train = gr.Button("Train again", variant="primary", elem_id="train-again")
            cancel = gr.Button("Cancel", interactive=False, elem_id="cancel")
    return parts | {"seed": seed, "epochs": epochs, "train": train, "cancel": cancel}
