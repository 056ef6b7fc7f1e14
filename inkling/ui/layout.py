"""The page's parts, each in its place; `events.py` says what they do."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from inkling.imaging.image_formats import ACCEPTED, UPLOAD_LIMIT
from inkling.rendering import render
from inkling.ui import views
from inkling.ui.session import Findings, Visitor
from inkling.ui.sketchpad import Sketchpad

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").iterdir())
TICK = 1.0  # seconds between two looks at a training
NOTHING = Findings()  # what a page shows before anything is read


@dataclass(frozen=True)
class Page:
    """The parts that events have to do with."""

    visitor: gr.State
    kept: gr.BrowserState  # lessons, which stay in the browser
    timer: gr.Timer
    status: gr.HTML
    pad: Sketchpad
    upload: gr.Image
    picture: gr.HTML  # what is chosen, dropped or pasted
    examples: gr.HTML
    answer: gr.HTML
    strip: gr.HTML
    label: gr.Label
    lessons: gr.HTML
    copy: gr.Button
    report: gr.Button
    data: gr.Button
    parcel: gr.JSON  # what is taken away
    details: gr.HTML
    inside: gr.Accordion
    layers: gr.HTML
    map: gr.HTML
    nearest: gr.HTML
    about: gr.Tab
    card: gr.HTML
    cell: gr.HTML
    more: gr.HTML
    seed: gr.Number
    epochs: gr.Slider
    train: gr.Button
    cancel: gr.Button


def html(value: str = "", script: str | None = None, **more: Any) -> gr.HTML:
    """Return a part of the page that is our own HTML and style, with a script of `static/`."""
    return gr.HTML(
        value, apply_default_css=False, js_on_load=script and views.source(script), **more
    )


def lay_out(trains: bool, collects: bool) -> Page:
    """Put every part of the page in its place; return those that events have to do with.

    The page says so if it `collects` corrections, and has a button if one `trains` on it.
    """
    parts: dict[str, Any] = {}
    html(render("header.html", collects=collects), "header.js", elem_id="title")
    parts["status"] = html(elem_id="status")
    with gr.Tabs(elem_id="views"):
        with gr.Tab("Read"):
            with gr.Row(elem_id="desk"):
                parts |= input_parts() | answer_parts()
                with gr.Column(min_width=280):
                    parts["details"] = html(views.details_html(NOTHING), elem_id="details")
            with gr.Accordion("Inside the network", open=False, elem_id="inside") as inside:
                parts["layers"] = html(elem_id="layers")
                with gr.Column(elem_id="space"):
                    parts["map"] = html(elem_id="map")
                    parts["nearest"] = html(elem_id="nearest")
        with gr.Tab("The network") as about:
            parts |= card_parts(trains)
    return Page(
        visitor=gr.State(Visitor()),
        kept=gr.BrowserState([], storage_key="inkling-lessons", secret="inkling"),
        timer=gr.Timer(TICK, active=False),
        inside=inside,
        about=about,
        **parts,
    )


def input_parts() -> dict[str, Any]:
    """Place the pad, the upload and the examples."""
    with gr.Column(elem_id="input", min_width=280):
        with gr.Tabs(elem_id="ways"):
            with gr.Tab("Draw"):
                pad = Sketchpad(
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
        picture = html(script="picture.js", accept=ACCEPTED, limit=UPLOAD_LIMIT)
        examples = html(views.examples_html(EXAMPLES), "pick.js", elem_id="examples")
    return {"pad": pad, "upload": upload, "picture": picture, "examples": examples}


def answer_parts() -> dict[str, Any]:
    """Place the answer, its probabilities, the lessons, and what can be taken away."""
    with gr.Column(elem_id="reading", min_width=280):
        parts: dict[str, Any] = {
            "answer": html(views.answer_html(NOTHING), "questions.js", elem_id="answer"),
            "strip": html(script="pick.js", elem_id="strip"),
            "label": gr.Label(
                views.bars(NOTHING),
                label="Probabilities",
                show_label=False,
                show_heading=False,
                elem_id="label",
            ),
            "lessons": html(script="pick.js", elem_id="lessons"),
        }
        with gr.Row(elem_id="take"):
            for name, words in (("copy", "Copy"), ("report", "Report"), ("data", "JSON")):
                parts[name] = gr.Button(words, size="sm", min_width=60, elem_id=name)
        parts["parcel"] = gr.JSON(visible=False)
    return parts


def card_parts(trains: bool) -> dict[str, Any]:
    """Place the model's card, and what trains the network again."""
    with gr.Row(elem_id="confusions"):
        parts: dict[str, Any] = {
            "card": html(script="pick.js", elem_id="card"),
            "cell": html(elem_id="cell"),
        }
    parts["more"] = html(elem_id="more")
    with gr.Column(visible=trains, elem_id="train"):
        html(render("train.html"))
        with gr.Row():
            seed = gr.Number(1, label="Seed", precision=0, minimum=0, maximum=2**31 - 1)
            epochs = gr.Slider(1, 20, 5, step=1, label="Epochs")
        with gr.Row():
            train = gr.Button("Train again", variant="primary", elem_id="train-again")
            cancel = gr.Button("Cancel", interactive=False, elem_id="cancel")
    return parts | {"seed": seed, "epochs": epochs, "train": train, "cancel": cancel}
