"""The pad: what is drawn is sent as it was drawn, and answered in the order of the questions."""

import base64
import io
import json
import time
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import WAIT, draw, line, reads, serving, strokes_on, until
from PIL import Image
from playwright.sync_api import expect
from test_page import Server

from inkling.imaging.sketch import Sketch
from inkling.recognition.checkpoint import CHECKPOINT
from inkling.recognition.reader import Reader
from tests.sketches import STROKES

NO_READING_BACK = """
delete window.OffscreenCanvas;
const refuse = () => { throw new DOMException("for privacy", "SecurityError"); };
Object.assign(HTMLCanvasElement.prototype, { toBlob: refuse, toDataURL: refuse });
CanvasRenderingContext2D.prototype.getImageData = refuse;
"""


class Slow(Reader):
    """Takes as long as it is told to, and counts what it has read."""

    takes = 0.0  # seconds
    begun = done = 0

    def read(self, *picture):
        self.begun += 1
        time.sleep(self.takes)
        reading = super().read(*picture)
        self.done += 1
        return reading


@pytest.fixture(scope="module")
def served():
    """Return a served page, and its reader."""
    with serving(Slow.load()) as served:
        yield served


@pytest.fixture
def visit(chromium, served):
    """Return a function that opens the page, and notes in `page.sent` what its pad sends."""
    contexts = []

    def visit(script="", url=served.url, **options):
        contexts.append(chromium.new_context(viewport={"width": 1280, "height": 720}, **options))
        page = contexts[-1].new_page()
        page.add_init_script(script)
        page.sent = []
        page.on("request", lambda request: note(page.sent, request))
        page.goto(url)
        expect(page.locator("#pad [data-tool]").first).to_be_visible(timeout=WAIT)
        expect(page.locator("#answer[data-wait]")).to_have_count(1, timeout=WAIT)
        return page

    yield visit
    for context in contexts:
        context.close()


def note(sent, request):
    """Note what the pad tells of, with how many bytes that takes."""
    if "component_server" in request.url and '"fn_name":"read"' in (request.post_data or ""):
        name, told = json.loads(request.post_data)["data"]["questions"][-1]
        if name == "sketch":
            sent.append(SimpleNamespace(told=told, size=len(request.post_data)))


def example(page, number=0):
    page.locator("#examples button").nth(number).click()


@contextmanager
def slow(reader, seconds):
    reader.takes = seconds
    yield
    reader.takes = 0.0


def test_a_standing_drawing_is_asked_about_once_and_what_came_after_it_stays(visit):
    page = visit()
    draw(page, 4)
    reads(page, "4")
    asked = len(page.sent)
    example(page)
    reads(page, "7")
    page.wait_for_timeout(10_000)  # within which nothing may happen
    reads(page, "7")
    assert len(page.sent) == asked <= 2  # strokes


def test_an_answer_that_comes_late_does_not_take_the_place_of_a_newer_one(visit, served):
    page = visit()
    with slow(served.reader, 1.5):
        begun, done = served.reader.begun, served.reader.done
        draw(page, 3)
        until(lambda: served.reader.begun > begun)
    example(page)
    reads(page, "7")
    until(lambda: served.reader.done == done + 2)
    page.locator("#label [data-testid='2-confidence-set']").click()
    expect(page.locator("#evidence h2")).to_have_text("Why 7, not 2", timeout=WAIT)
    reads(page, "7")


def test_strokes_that_wait_are_given_up_when_something_else_is_asked(visit, served):
    page = visit()
    with slow(served.reader, 1.0):
        line(page)
        draw(page, 4)  # asked only when the line is answered
        example(page)
    reads(page, "7")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+Shift+z")
    expect(page.locator("#answer [data-number]")).not_to_have_attribute("data-number", "7")


def test_while_strokes_are_read_the_answer_does_not_stand_as_theirs(visit, served):
    page = visit()
    draw(page, 1)
    reads(page, "1")
    with slow(served.reader, 1.0):
        line(page, (60, 0))
        expect(page.locator("#answer")).to_have_attribute("data-wait", "reading")
        expect(page.locator("#label")).to_have_css("opacity", "0.35")
    expect(page.locator("#answer")).to_have_attribute("data-wait", "", timeout=WAIT)


def test_after_a_restart_of_the_server_the_page_recovers_by_itself(visit):
    server = Server(CHECKPOINT)
    page = visit(url=server.url)
    draw(page, 3)
    reads(page, "3")
    server.stop()
    page.keyboard.press("Escape")
    draw(page, 7)
    expect(page.locator("#answer .lost")).to_be_visible(timeout=WAIT)
    expect(page.locator("#answer .headline")).to_be_hidden()
    server = Server(CHECKPOINT, "--port", server.url.rstrip("/").rpartition(":")[2])
    reads(page, "7")
    page.keyboard.press("Escape")
    draw(page, 2)
    reads(page, "2")
    server.stop()


def test_after_a_gap_in_the_network_the_drawing_is_read(visit):
    page = visit()
    page.context.set_offline(True)
    draw(page, 5)
    expect(page.locator("#answer .lost")).to_be_visible(timeout=WAIT)
    page.context.set_offline(False)
    reads(page, "5")


def test_where_no_answer_comes_that_is_said_and_the_next_stroke_is_asked_about(visit):
    page = visit()
    page.route(
        "**/component_server/", lambda route: route.fulfill(status=503, json={"detail": "Full."})
    )
    draw(page, 1)
    expect(page.locator("#answer .failed")).to_be_visible(timeout=WAIT)
    assert len(page.sent) == 3
    page.unroute("**/component_server/")
    page.keyboard.press("Escape")
    draw(page, 4)
    reads(page, "4")


def test_a_browser_that_hands_out_no_pixels_is_read_as_any_other(visit):
    page = visit(NO_READING_BACK)
    draw(page, 4)
    reads(page, "4")


def test_a_digit_is_sent_in_three_kilobytes_at_most(visit):
    page = visit()
    length = {k: sum(np.hypot(*np.diff(s, axis=0).T).sum() for s in STROKES[k]) for k in range(10)}
    for digit in sorted(length, key=length.get)[-3:]:
        draw(page, digit, steps=80)  # closer together than the pad keeps them
        page.keyboard.press("Escape")
    expect(page.locator("#answer")).to_have_attribute("data-wait", "", timeout=WAIT)
    assert max(one.size for one in page.sent) < 3_000


def test_what_is_read_is_what_the_pad_shows(visit):
    page = visit()
    for digit in (2, 8):
        draw(page, digit)
        expect(page.locator("#answer")).to_have_attribute("data-wait", "", timeout=WAIT)
        url = page.evaluate("document.querySelector('#pad canvas').toDataURL()")
        canvas = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("L")
        drawn = Sketch.from_json(page.sent[-1].told).picture().resize(canvas.size)
        apart = np.abs(np.asarray(canvas, float) - np.asarray(drawn, float))
        assert apart.mean() < 1 and (apart > 128).mean() < 0.001
        page.keyboard.press("Escape")


def test_a_tap_is_kindly_called_a_dot(visit):
    page = visit()
    page.locator("#pad canvas").click()
    expect(page.locator("#answer .caption")).to_contain_text("a dot", timeout=WAIT)


class Hand:
    """Sends the browser what a pen, a finger or a palm does, in the middle of the pad."""

    def __init__(self, page):
        self.devices = page.context.new_cdp_session(page)
        self.path = strokes_on(page, 7)[0]

    def pen(self, kind, at, **more):
        x, y = self.path[at]
        event = {"type": kind, "x": x, "y": y, "pointerType": "pen", "button": "left", "buttons": 1}
        self.devices.send("Input.dispatchMouseEvent", event | more)

    def touch(self, kind, *places):
        points = [{"x": x, "y": y, "id": k} for k, (x, y) in enumerate(places)]
        self.devices.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def strokes(page):
    """Return how many strokes stand on the pad, and how many points they have."""
    kept = json.loads(page.evaluate("sessionStorage.getItem('inkling-pad') ?? '[]'"))
    return [len(stroke["points"]) // 2 for stroke in kept]


def test_a_palm_beside_the_pen_draws_nothing(visit):
    page = visit(has_touch=True)
    hand = Hand(page)
    x, y = hand.path[2]
    hand.pen("mousePressed", 0)
    hand.touch("touchStart", (x + 60, y))
    hand.pen("mouseMoved", 1)
    hand.touch("touchMove", (x + 80, y))
    hand.pen("mouseMoved", 2)
    hand.touch("touchEnd")
    hand.pen("mouseReleased", 2)
    reads(page, "7")
    assert strokes(page) == [3]


def test_a_pen_takes_over_from_the_palm_that_landed_before_it(visit):
    page = visit(has_touch=True)
    hand = Hand(page)
    x, y = hand.path[2]
    hand.touch("touchStart", (x + 60, y))
    hand.touch("touchMove", (x + 70, y + 20))
    for kind, at in (("mousePressed", 0), ("mouseMoved", 1), ("mouseMoved", 2)):
        hand.pen(kind, at)
    hand.pen("mouseReleased", 2)
    hand.touch("touchEnd")
    reads(page, "7")
    assert strokes(page) == [3]


def test_a_second_finger_joins_no_stroke_and_two_that_land_together_draw_nothing(visit):
    page = visit(has_touch=True)
    hand = Hand(page)
    (a, b, c), aside = hand.path, (hand.path[2][0] + 90, hand.path[2][1])
    hand.touch("touchStart", a)
    for place in (((a[0] + b[0]) / 2, a[1]), b):
        hand.touch("touchMove", place)
    hand.touch("touchStart", b, aside)
    hand.touch("touchMove", c, aside)
    hand.touch("touchEnd")
    assert strokes(page) == [4]
    page.keyboard.press("Escape")
    hand.touch("touchStart", a)
    hand.touch("touchStart", a, aside)
    hand.touch("touchMove", b, c)
    hand.touch("touchEnd")
    assert strokes(page) == []


def test_a_cancelled_touch_leaves_nothing(visit):
    page = visit(has_touch=True)
    hand = Hand(page)
    hand.touch("touchStart", hand.path[0])
    hand.touch("touchMove", hand.path[1])
    hand.touch("touchCancel")
    expect(page.locator("#pad .hint")).to_be_visible()
    expect(page.locator("#answer .waiting")).to_be_visible()
    assert strokes(page) == [] and not any(one.told["strokes"] for one in page.sent)


def test_another_button_draws_nothing_and_ends_no_stroke(visit):
    page = visit()
    (a, b, c) = strokes_on(page, 7)[0]
    page.mouse.move(*a)
    page.mouse.down(button="right")
    page.mouse.move(*b)
    page.mouse.up(button="right")
    assert strokes(page) == []
    page.mouse.move(*a)
    page.mouse.down()
    page.mouse.move(*b)
    page.mouse.down(button="right")
    page.mouse.move(*c)
    page.mouse.up(button="right")
    page.mouse.up()
    assert strokes(page) == [3]


def test_moves_without_a_button_draw_nothing_where_its_release_was_lost(visit):
    page = visit()
    (a, b, c) = strokes_on(page, 7)[0]
    page.mouse.move(*a)
    page.mouse.down()
    page.mouse.move(*b)
    for x, y in (c, a):
        page.evaluate(
            """([x, y]) => document.querySelector("#pad canvas").dispatchEvent(new PointerEvent(
            "pointermove", { pointerId: 1, buttons: 0, clientX: x, clientY: y, bubbles: true }))""",
            [x, y],
        )
    assert strokes(page) == [2]
    page.mouse.up()


def test_escape_in_the_middle_of_a_stroke_takes_back_that_stroke_alone(visit):
    page = visit()
    line(page)
    page.mouse.down()
    page.mouse.move(500, 500)
    page.keyboard.press("Escape")
    page.mouse.move(600, 500)
    page.mouse.up()
    assert len(strokes(page)) == 1


def test_after_clearing_the_pad_draws_and_erases_not(visit):
    page = visit()
    draw(page, 7)
    page.get_by_role("button", name="Eraser").click()
    page.get_by_role("button", name="Clear", exact=True).click()
    draw(page, 7)
    reads(page, "7")


def test_escape_under_a_dialog_leaves_the_drawing(visit):
    page = visit()
    line(page)
    page.get_by_role("button", name="Use via API").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+z")
    assert len(strokes(page)) == 1


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


def test_a_pad_that_is_ready_is_not_covered_and_takes_the_first_stroke(visit):
    page = visit(COVERED)  # Gradio lays its word that it loads over the page
    line(page)
    assert len(strokes(page)) == 1
    assert page.evaluate("ready") > 0 and page.evaluate("covered") == 0


def test_on_the_narrowest_phone_nothing_sticks_out(visit):
    page = visit()
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    for button in page.locator("#pad [data-tool]").all():
        box = button.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 320
    expect(page.locator("footer").get_by_text("·", exact=True)).to_be_hidden()


def test_the_wheel_over_the_pad_scrolls_the_page_and_draws_nothing(visit):
    page = visit()
    page.set_viewport_size({"width": 900, "height": 400})
    page.locator("#pad canvas").hover()
    page.mouse.wheel(0, 200)
    page.wait_for_function("scrollY > 0")
    assert strokes(page) == []


def test_the_drawing_is_there_on_the_way_back_to_the_page(visit, served):
    page = visit()
    draw(page, 8)
    reads(page, "8")
    page.reload()
    reads(page, "8")
    page.goto("about:blank")
    page.go_back()
    reads(page, "8")
    page.keyboard.press("Control+z")
    expect(page.locator("#pad .hint")).to_be_visible()


def test_the_28_by_28_pixels_are_drawn_once_while_the_page_loads(visit):
    page = visit("""
      const fill = CanvasRenderingContext2D.prototype.fillRect;
      window.drawn = 0;
      CanvasRenderingContext2D.prototype.fillRect = function (...sides) {
        if (this.canvas.closest("#pixels")) window.drawn += 1;
        return fill.apply(this, sides);
      };
    """)
    page.wait_for_function("window.drawn >= 784")
    assert page.evaluate("window.drawn") == 784
