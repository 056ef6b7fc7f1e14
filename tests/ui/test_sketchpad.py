"""The sketchpad is a component that any Gradio page can use."""

import gradio as gr
import numpy as np
import pytest
from conftest import pad_payload
from PIL import Image, ImageOps
from playwright.sync_api import expect

from inkling.imaging.sketch import Sketch
from inkling.recognition.reader import Reader
from inkling.ui.sketchpad import PAD_PEN_PX, PAD_UNITS, Sketchpad
from support.sketches import STROKES
from tests.pages import drag


@pytest.fixture
def opened(window, request):
    """Return a function that launches a page, and opens it at its pad."""

    def open_page(demo, ready=".hint"):
        demo.launch(prevent_thread_lock=True, quiet=True)
        request.addfinalizer(lambda: demo.close(verbose=False))
        page = window()
        page.goto(demo.local_url)
        expect(page.locator(ready)).to_be_visible()
        return page

    return open_page


def draw(page, digit):
    page.locator("canvas").hover(trial=True)
    box = page.locator("canvas").bounding_box()
    side, corner = box["width"], np.array([box["x"], box["y"]])
    for stroke in STROKES[digit]:
        drag(page, (corner + (0.2 + 0.6 * np.array(stroke)) * side).tolist())


def test_three_lines_make_a_page_that_reads(opened):
    reader = Reader.load()

    def read(picture):
        return {"nothing": 1.0} if picture is None else {reader.read(picture).text: 1.0}

    page = opened(gr.Interface(read, Sketchpad(type="pil"), gr.Label()))
    answer = page.get_by_test_id("label-output-value")
    draw(page, 7)
    page.get_by_role("button", name="Submit").click()
    expect(answer).to_have_text("7")
    page.get_by_role("button", name="Clear").last.click()  # the interface's
    expect(page.locator(".hint")).to_be_visible()
    page.get_by_role("button", name="Submit").click()
    expect(answer).to_have_text("nothing")


def test_it_triggers_its_events_and_a_function_may_draw_on_it(opened):
    seven = Sketch.from_json(pad_payload(7))
    with gr.Blocks() as demo:
        pad = Sketchpad(type="strokes")
        for event in ("input", "change", "clear"):
            note = gr.Textbox(elem_id=event)
            getattr(pad, event)(lambda pad: str(len(pad.strokes)), pad, note)
        gr.Button("Seven").click(lambda: seven, None, pad)
    page = opened(demo)

    def expect_notes(**strokes):
        for event, count in strokes.items():
            expect(page.locator(f"#{event} textarea")).to_have_value(count)

    draw(page, 1)
    expect_notes(input="1", change="1", clear="")
    page.get_by_role("button", name="Clear").click()
    expect_notes(input="0", change="0", clear="0")
    page.get_by_role("button", name="Seven").click()
    expect(page.locator(".hint")).to_be_hidden()
    draw(page, 1)
    expect_notes(input=str(len(seven.strokes) + 1))


def test_its_first_value_is_as_large_as_a_function_s_drawing(opened):
    seven = Sketch.from_json(pad_payload(7))
    with gr.Blocks() as demo:
        pad, note = Sketchpad(seven, type="pil"), gr.Textbox(elem_id="box")
        box = lambda pad: str(ImageOps.invert(pad).getbbox())  # noqa: E731
        pad.change(box, pad, note)
    page = opened(demo, "canvas")
    expect(page.locator("#box textarea")).to_have_value(box(seven.picture()))


def test_a_function_gets_the_type_that_it_names():
    drawn = pad_payload(7)
    picture, array = (Sketchpad(type=t, size=100).preprocess(drawn) for t in ("pil", "numpy"))
    assert isinstance(picture, Image.Image) and (picture.size, picture.mode) == ((100, 100), "L")
    assert array.shape == (100, 100) and array.dtype == np.uint8
    assert np.array_equal(array, np.asarray(picture))
    assert len(Sketchpad(type="strokes").preprocess(drawn).strokes) == len(drawn["strokes"])


def test_a_function_s_drawing_is_returned_unchanged():
    pad, sketch = Sketchpad(type="strokes"), Sketch.from_json(pad_payload(4))
    again = pad.preprocess(pad.postprocess(sketch))
    assert np.array_equal(np.asarray(again.picture()), np.asarray(sketch.picture()))
    assert pad.postprocess(None) is None
    assert len(pad.preprocess(pad.example_payload()).strokes) == 1
    assert isinstance(pad.example_value(), Sketch)


@pytest.mark.parametrize("size, brush", [(280, None), (100, None), (100, 5)])
def test_the_pen_has_its_width_in_a_picture_of_any_size(size, brush):
    pad = Sketchpad(type="numpy", size=size, brush=brush)
    line = {"width": pad.props["pen"], "erases": False, "points": [200, 500, 800, 500]}
    ink = 255 - pad.preprocess({"size": PAD_UNITS, "strokes": [line]})
    expected = PAD_PEN_PX * size / 280 if brush is None else brush
    assert ink[:, size // 2].sum() / 255 == pytest.approx(expected, abs=0.7)
