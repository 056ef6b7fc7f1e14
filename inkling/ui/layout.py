"""The page's parts, each in its place; what they do is wired up in `app.py`."""

from pathlib import Path
from types import SimpleNamespace

import gradio as gr

from inkling.imaging.image_formats import ACCEPTED, UPLOAD_LIMIT
from inkling.recognition.reader import Reading
from inkling.rendering import render
from inkling.ui import views
from inkling.ui.images import Shown
from inkling.ui.session import Visitor

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").iterdir())
TICK = 1.0  # seconds between two looks at a training

Page = SimpleNamespace  # of the parts that events have to do with, by name


def html(value: str = "", script: str | None = None, **more: object) -> gr.HTML:
    """Return a part of the page that is our own HTML and style, with a script of `static/`."""
    return gr.HTML(
        value, apply_default_css=False, js_on_load=script and views.source(script), **more
    )


def lay_out(trains: bool, collects: bool) -> Page:
    """Put every part of the page in its place; return those that events have to do with.

    The page says so if it `collects` corrections, and has a button if one `trains` on it.
    """
    page = Page()
    html(render("header.html", collects=collects), "header.js", elem_id="title")
    page.status = html(elem_id="status")
    with gr.Tabs(elem_id="views"):
        with gr.Tab("Read"):
            with gr.Row(elem_id="desk"):
                lay_out_input(page)
                lay_out_answer(page)
                with gr.Column(min_width=280):
                    page.details = html(
                        views.details_html(Reading(), 0, Shown(), None), elem_id="details"
                    )
            with gr.Accordion("Inside the network", open=False, elem_id="inside") as page.inside:
                page.layers = html(elem_id="layers")
                with gr.Column(elem_id="space"):
                    page.map = html(elem_id="map")
                    page.nearest = html(elem_id="nearest")
        with gr.Tab("The network") as page.about:
            lay_out_card(page, trains)
    page.timer = gr.Timer(TICK, active=False)
    page.visitor = gr.State(Visitor())
    page.kept = gr.BrowserState([], storage_key="inkling-lessons", secret="inkling")
    return page


def lay_out_input(page: Page) -> None:
    """Place the pad, the upload and the examples."""
    with gr.Column(elem_id="input", min_width=280):
        with gr.Tabs(elem_id="ways"):
            with gr.Tab("Draw"):
                page.pad = html(
                    script="pad.js",
                    html_template=views.source("pad.html"),
                    elem_id="pad",
                )
            with gr.Tab("Picture"):
                page.upload = gr.Image(  # its camera; what is chosen is the next one's
                    label="Picture",
                    sources=["upload", "webcam", "clipboard"],
                    buttons=[],
                    elem_id="upload",
                )
        page.picture = html(script="picture.js", accept=ACCEPTED, limit=UPLOAD_LIMIT)
        page.examples = html(views.examples_html(EXAMPLES), "pick.js", elem_id="examples")


def lay_out_answer(page: Page) -> None:
    """Place the answer, its probabilities, the lessons, and what can be taken away."""
    with gr.Column(elem_id="reading", min_width=280):
        page.answer = html(views.answer_html(Reading(), 0), elem_id="answer")
        page.strip = html(script="pick.js", elem_id="strip")
        page.label = gr.Label(
            views.bars(Reading(), 0),
            label="Probabilities",
            show_label=False,
            show_heading=False,
            elem_id="label",
        )
        page.lessons = html(script="pick.js", elem_id="lessons")
        with gr.Row(elem_id="take"):
            page.copy = gr.Button("Copy", size="sm", min_width=60, elem_id="copy")
            page.report = gr.Button("Report", size="sm", min_width=60, elem_id="report")
            page.data = gr.Button("JSON", size="sm", min_width=60, elem_id="data")
        page.parcel = gr.JSON(visible=False)


def lay_out_card(page: Page, trains: bool) -> None:
    """Place the model's card, and what trains the network again."""
    with gr.Row(elem_id="confusions"):
        page.card = html(script="pick.js", elem_id="card")
        page.cell = html(elem_id="cell")
    page.more = html(elem_id="more")
    with gr.Column(visible=trains, elem_id="train"):
        html(render("train.html"))
        with gr.Row():
            page.seed = gr.Number(1, label="Seed", precision=0, minimum=0, maximum=2**31 - 1)
            page.epochs = gr.Slider(1, 20, 5, step=1, label="Epochs")
        with gr.Row():
            page.train = gr.Button("Train again", variant="primary", elem_id="train-again")
            page.cancel = gr.Button("Cancel", interactive=False, elem_id="cancel")
