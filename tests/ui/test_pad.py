"""The pad sends what a mouse, pen or finger draws, and nothing else."""

import base64
import io
from itertools import pairwise

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from inkling.imaging.sketch import Sketch
from support.sketches import STROKES
from tests.pages import (
    Hand,
    drag,
    draw,
    draw_and_read,
    draw_line,
    expect_answer,
    pad_strokes,
    requests_of,
    stored_strokes,
    wait_until_settled,
)

CANVAS = "document.querySelector('#pad canvas').toDataURL()"
NO_CANVAS_PIXELS = """
delete window.OffscreenCanvas;
const refuse = () => { throw new DOMException("for privacy", "SecurityError"); };
Object.assign(HTMLCanvasElement.prototype, { toBlob: refuse, toDataURL: refuse });
CanvasRenderingContext2D.prototype.getImageData = refuse;
"""
COVERED = """
window.covered = window.ready = 0;
const look = () => {
  requestAnimationFrame(look);
  if (!document.querySelector("#pad .hint:not([hidden])")) return;
  const { x, y, width } = document.querySelector("#pad canvas").getBoundingClientRect();
  const top = document.elementFromPoint(x + width / 2, y + width / 2);
  ready++;
  if (top?.tagName !== "CANVAS") covered++;
};
requestAnimationFrame(look);
"""
PIXELS_DRAWN = """
const fill = CanvasRenderingContext2D.prototype.fillRect;
window.drawn = 0;
CanvasRenderingContext2D.prototype.fillRect = function (...sides) {
  if (this.canvas.closest("#pixels")) window.drawn += 1;
  return fill.apply(this, sides);
};
"""
MOVE = """([points, buttons]) => points.forEach(([clientX, clientY]) =>
    document.querySelector("#pad canvas").dispatchEvent(new PointerEvent(
        "pointermove", { pointerId: 1, buttons, clientX, clientY, bubbles: true })))"""


def counts(page):
    """Return the number of points in each stroke on the pad."""
    return [len(stroke["points"]) // 2 for stroke in stored_strokes(page)]


def test_a_digit_is_sent_in_three_kilobytes_at_most(page):
    length = {k: sum(np.hypot(*np.diff(s, axis=0).T).sum() for s in STROKES[k]) for k in range(10)}
    for digit in sorted(length, key=length.get)[-3:]:
        for stroke in pad_strokes(page, digit):
            page.mouse.move(*stroke[0])
            page.mouse.down()
            for start, end in pairwise(stroke):  # closer than the pad's minimum
                page.evaluate(MOVE, [np.linspace(start, end, 80).tolist(), 1])
            page.mouse.up()
        wait_until_settled(page)
        page.keyboard.press("Escape")
    assert max(len(r.request.post_data) for r in requests_of(page, "sketch")) < 3_000


def test_the_server_reads_what_the_pad_shows(page):
    for digit in (2, 8):
        draw(page, digit)
        wait_until_settled(page)
        url = page.evaluate(CANVAS)
        canvas = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("L")
        sent = Sketch.from_json(requests_of(page, "sketch")[-1].value).picture().resize(canvas.size)
        difference = np.abs(np.asarray(canvas, float) - np.asarray(sent, float))
        assert difference.mean() < 1 and (difference > 128).mean() < 0.001
        page.keyboard.press("Escape")


def test_a_browser_without_canvas_pixels_is_read(visit):
    draw_and_read(visit(NO_CANVAS_PIXELS), 4)


def test_a_tap_draws_a_dot_and_is_called_one(page):
    empty = page.evaluate(CANVAS)
    page.locator("#pad canvas").click()
    expect(page.locator("#answer .caption")).to_contain_text("a dot")
    assert page.evaluate(CANVAS) != empty


def test_a_palm_before_or_beside_the_pen_draws_nothing(visit):
    page = visit(has_touch=True)
    hand, (a, b, c) = Hand(page), pad_strokes(page, 7)[0]
    pen = [("Pressed", a), ("Moved", b), ("Moved", c), ("Released", c)]
    palm = [("Start", (c[0] + 60, c[1])), ("Move", (c[0] + 80, c[1] + 20)), ("End",)]
    hand.play(pen, palm)
    expect_answer(page, "7")
    assert counts(page) == [3]
    page.keyboard.press("Escape")
    hand.play(touch=palm[:2])  # the pen replaces the palm
    hand.play(pen)
    hand.play(touch=palm[2:])
    expect_answer(page, "7")
    assert counts(page) == [3]


def test_a_cancelled_touch_and_a_second_finger_draw_nothing(visit):
    page = visit(has_touch=True)
    hand, (a, b, c) = Hand(page), pad_strokes(page, 7)[0]
    middle, aside = ((a[0] + b[0]) / 2, a[1]), (c[0] + 90, c[1])
    hand.play(touch=[("Start", a), ("Move", b), ("Cancel",)])
    expect(page.locator("#pad .hint")).to_be_visible()
    expect(page.locator("#answer .waiting")).to_be_visible()
    assert counts(page) == []
    assert not any(request.value["strokes"] for request in requests_of(page, "sketch"))
    second_finger = [("Start", b, aside), ("Move", c, aside), ("End",)]
    hand.play(touch=[("Start", a), ("Move", middle), ("Move", b), *second_finger])
    assert counts(page) == [4]
    page.keyboard.press("Escape")
    hand.play(touch=[("Start", a), ("Start", a, aside), ("Move", b, c), ("End",)])
    assert counts(page) == []


def test_another_button_draws_nothing_and_ends_no_stroke(page):
    (a, b, c) = pad_strokes(page, 7)[0]
    drag(page, [a, b], 1, "right")
    assert counts(page) == []
    page.mouse.move(*a)
    page.mouse.down()
    drag(page, [b, c], 1, "right")
    page.mouse.up()
    assert counts(page) == [3]


def test_moves_after_a_lost_release_draw_nothing(page):
    (a, b, c) = pad_strokes(page, 7)[0]
    page.mouse.move(*a)
    page.mouse.down()
    page.mouse.move(*b)
    page.evaluate(MOVE, [(c, a), 0])
    assert counts(page) == [2]


def test_escape_removes_the_unfinished_stroke_except_under_a_dialog(page):
    draw_line(page)
    page.mouse.down()
    page.mouse.move(500, 500)
    page.keyboard.press("Escape")
    page.mouse.move(600, 500)
    page.mouse.up()
    assert len(counts(page)) == 1
    page.get_by_role("button", name="Use via API").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+z")
    assert len(counts(page)) == 1


def test_a_ready_pad_is_not_covered_and_takes_the_first_stroke(visit):
    page = visit(COVERED + PIXELS_DRAWN)  # Gradio's loading message covers the page
    page.wait_for_function("window.drawn >= 784")
    assert page.evaluate("window.drawn") == 784  # each pixel once
    draw_line(page)
    assert len(counts(page)) == 1
    assert page.evaluate("ready") > 0 and page.evaluate("covered") == 0


def test_the_narrowest_phone_has_no_overflow_and_the_wheel_scrolls(page):
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    for button in page.locator("#pad [data-tool]").all():
        box = button.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 320
    expect(page.locator("footer").get_by_text("·", exact=True)).to_be_hidden()
    page.set_viewport_size({"width": 900, "height": 400})
    page.locator("#pad canvas").hover()
    page.mouse.wheel(0, 200)
    page.wait_for_function("scrollY > 0")
    assert counts(page) == []


def test_the_drawing_is_restored_after_a_reload_and_navigation(page):
    draw_and_read(page, 8)
    page.reload()
    expect_answer(page, "8")
    page.goto("about:blank")
    page.go_back()
    expect_answer(page, "8")
    page.keyboard.press("Control+z")
    expect(page.locator("#pad .hint")).to_be_visible()
