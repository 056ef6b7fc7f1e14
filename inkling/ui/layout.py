"""The page's parts, each in its place; `events.py` says what they do."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components.label import LabelData

from inkling.imaging.image_formats import ACCEPTED_MIME_TYPES, MAX_UPLOAD_BYTES
from inkling.recognition.corrections import LIMIT
from inkling.rendering import render
from inkling.ui import views
from inkling.ui.pad_requests import PadRequests
from inkling.ui.session import Findings, Session
from inkling.ui.sketchpad import Sketchpad

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").iterdir())
TRAINING_POLL_S = 1.0  # seconds between two looks at a training
ACTIONS = (("copy", "Copy"), ("link", "Link"), ("report", "Report"), ("data", "JSON"))
NO_FINDINGS = Findings()  # what a page shows before anything is read


@dataclass(frozen=True)
class Page:
    """The parts that events have to do with."""

    session: gr.State
    kept: gr.HTML  # lessons, which stay in the browser
    timer: gr.Timer
    status: gr.HTML
    questions: PadRequests  # that the pad asks
    upload: gr.Image
    answer: gr.HTML
    strip: gr.HTML
    label: gr.Label
    lessons: gr.HTML
    copy: gr.Button
    link: gr.Button
    report: gr.Button
    data: gr.Button
    original: gr.HTML
    pixels: gr.HTML
    evidence: gr.HTML
    change: gr.HTML
    inside: gr.Accordion
    layers: gr.HTML
    opened: gr.HTML
    map: gr.HTML
    nearest: gr.HTML
    about: gr.Tab
    card: gr.HTML
    matrix: gr.HTML
    cell: gr.HTML
    more: gr.HTML
    seed: gr.Number
    epochs: gr.Slider
    train: gr.Button
    cancel: gr.Button


class Bars(gr.Label):
    """Probabilities in the order that they are given in: a bar that moves is hard to follow."""

    is_template = True  # the browser has no other part for it than a label

    def postprocess(self, value: Any) -> Any:
        """Return what the browser shows of classes with their probabilities."""
        shown = super().postprocess(value)
        if isinstance(shown, LabelData) and shown.confidences:
            order = list(value)
            shown.confidences.sort(key=lambda one: order.index(one.label))
        return shown


def html(value: str | dict | None = "", script: str | None = None, **more: Any) -> gr.HTML:
    """Return a part of the page that is our own HTML and style, with a script of `static/`."""
    return gr.HTML(
        value, apply_default_css=False, js_on_load=script and views.read_static(script), **more
    )


def build_page(trains: bool, collects: bool) -> Page:
    """Put every part of the page in its place; return those that events have to do with.

    The page says so if it `collects` corrections, and has a button if one `trains` on it.
    """
    parts: dict[str, Any] = {}
    html(render("header.html", collects=collects), "header.js", elem_id="title")
    parts["status"] = html(elem_id="status")
    with gr.Tabs(elem_id="views"):
        with gr.Tab("Read"):
            with gr.Row(elem_id="desk"):
                parts |= build_input() | build_answer()
                parts |= build_details()
            with gr.Accordion("Inside the network", open=False, elem_id="inside") as inside:
                with gr.Row(elem_id="asked"):
                    parts["layers"] = html(
                        None,
                        "inside.js",
                        html_template=views.read_static("inside.html"),
                        elem_id="layers",
                    )
                    parts["opened"] = html(elem_id="opened")
                with gr.Column(elem_id="space"):
                    parts["map"] = html(elem_id="map")
                    parts["nearest"] = html(elem_id="nearest")
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
    """Place the pad, the upload and the examples."""
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
                upload = gr.Image(  # its camera; what is chosen is the next one's
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
        html(views.render_examples(EXAMPLES), "pick.js", elem_id="examples")
    return {"upload": upload}


def build_answer() -> dict[str, Any]:
    """Place the answer, its probabilities, the lessons, and what can be taken away."""
    with gr.Column(elem_id="reading", min_width=280):
        parts: dict[str, Any] = {
            "answer": html(views.render_answer(NO_FINDINGS), elem_id="answer"),
            "questions": PadRequests(),
            "strip": html(script="pick.js", elem_id="strip"),
            "label": Bars(
                views.build_bars(NO_FINDINGS),
                label="Probabilities",
                show_label=False,
                show_heading=False,
                elem_id="label",
            ),
            "lessons": html(script="pick.js", elem_id="lessons"),
            "kept": html(
                {}, "corrections.js", html_template="<!-- -->", limit=LIMIT, elem_id="kept"
            ),
        }
        with gr.Row(elem_id="take"):
            for name, words in ACTIONS:
                parts[name] = gr.Button(words, size="sm", min_width=60, elem_id=name)
    return parts


def build_details() -> dict[str, Any]:
    """Place what the network saw, and why it answers so."""
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
            "change": html(views.render_change(NO_FINDINGS), "pick.js", elem_id="change"),
        }


def build_card(trains: bool) -> dict[str, Any]:
    """Place the model's card, and what trains the network again."""
    parts: dict[str, Any] = {"card": html(elem_id="card")}
    with gr.Row(elem_id="confusions"):
        parts["matrix"] = html(script="pick.js", elem_id="matrix")
        parts["cell"] = html(elem_id="cell")
    parts["more"] = html(script="pick.js", elem_id="more")
    with gr.Column(visible=trains, elem_id="train"):
        html(render("train.html"))
        with gr.Row():
            seed = gr.Number(1, label="Seed", precision=0, minimum=0, maximum=2**31 - 1)
            epochs = gr.Slider(1, 20, 5, step=1, label="Epochs")
        with gr.Row():
            train = gr.Button("Train again", variant="primary", elem_id="train-again")
            cancel = gr.Button("Cancel", interactive=False, elem_id="cancel")
    return parts | {"seed": seed, "epochs": epochs, "train": train, "cancel": cancel}
