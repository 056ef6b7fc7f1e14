"""The page as people use it: a real server, a real network, a real browser."""

import re
import signal
import subprocess
import sys
import threading

import pytest
from conftest import ROOT, STROKES
from playwright.sync_api import expect

WAIT = 30_000  # ms, until something counts as not happening
UP = re.compile(r"Inkling is at (http\S+)")


class Server:
    """`python app.py`, started as the README says."""

    def __init__(self, checkpoint, *arguments):
        command = [sys.executable, "app.py", "--checkpoint", checkpoint, *arguments]
        self.process = subprocess.Popen(
            [str(c) for c in command],
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.lines = []
        for line in self.process.stdout:
            self.lines.append(line)
            if found := UP.search(line):
                self.url = found[1]
                break
        else:
            pytest.fail("the page did not start:\n" + "".join(self.lines))
        self.rest = threading.Thread(target=lambda: self.lines.extend(self.process.stdout))
        self.rest.start()

    def stop(self, how=signal.SIGTERM):
        """End the server; return its status, and all that it printed."""
        self.process.send_signal(how)
        status = self.process.wait(timeout=10)
        self.rest.join()
        return status, "".join(self.lines)


@pytest.fixture(scope="module")
def server(checkpoint):
    server = Server(checkpoint)
    yield server
    server.stop()


@pytest.fixture
def visit(chromium, server):
    """Return a function that opens the page in a new window."""
    contexts = []

    def visit(url=server.url, **options):
        options = {"viewport": {"width": 1280, "height": 900}} | options
        contexts.append(chromium.new_context(**options))
        page = contexts[-1].new_page()
        page.goto(url)
        page.wait_for_selector("#pad .highlight", timeout=WAIT)  # a tool is taken up
        return page

    yield visit
    for context in contexts:
        context.close()


def strokes_on(page, digit):
    """Return the digit's strokes as points of the window, inside the pad's sheet of paper."""
    paper = page.locator("#pad .pixi-target canvas").bounding_box()
    side = 150
    left, top = paper["x"] + (paper["width"] - side) / 2, paper["y"] + (paper["height"] - side) / 2
    return [[(left + x * side, top + y * side) for x, y in stroke] for stroke in STROKES[digit]]


def draw(page, digit):
    """Draw a digit with the mouse, touching no tool first."""
    for stroke in strokes_on(page, digit):
        page.mouse.move(*stroke[0])
        page.mouse.down()
        for point in stroke[1:]:
            page.mouse.move(*point, steps=6)
        page.mouse.up()


def touch(page, digit):
    """Draw a digit with a finger."""
    finger = page.context.new_cdp_session(page)

    def send(kind, *points):
        finger.send(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]},
        )

    for stroke in strokes_on(page, digit):
        send("touchStart", stroke[0])
        for (x0, y0), (x1, y1) in zip(stroke, stroke[1:], strict=False):
            for k in range(1, 7):
                send("touchMove", (x0 + (x1 - x0) * k / 6, y0 + (y1 - y0) * k / 6))
        send("touchEnd")


def reads(page, text):
    """Expect the page to give this digit as its answer."""
    expect(page.locator("#label .output-class")).to_have_text(text, timeout=WAIT)


def reads_nothing(page):
    """Expect the page to wait for a drawing, or to say that it is blank."""
    expect(page.locator("#answer .note")).to_contain_text(re.compile("[Dd]raw"), timeout=WAIT)
    expect(page.locator("#label .output-class")).to_have_count(0)


def pad_button(page, place):
    """Return a button over the pad, by its place: undo, redo, clear are the last three."""
    return page.locator("#pad .top-panel button").nth(place)


UNDO, REDO, CLEAR = -3, -2, -1


def test_every_digit_is_read_at_the_first_touch_after_loading_and_after_clearing(visit):
    page = visit()
    for digit in range(10):
        draw(page, digit)
        reads(page, str(digit))
        expect(page.locator("#label .confidence-set")).to_have_count(10)
        expect(page.locator("#answer img")).to_be_visible()
        pad_button(page, CLEAR).click()
        reads_nothing(page)


def test_undo_to_empty_and_redo(visit):
    page = visit()
    draw(page, 0)
    reads(page, "0")
    pad_button(page, UNDO).click()
    reads_nothing(page)
    pad_button(page, REDO).click()
    reads(page, "0")


def test_what_is_erased_is_not_read(visit):
    page = visit()
    draw(page, 7)
    reads(page, "7")
    page.locator("#pad .toolbar-wrap button").nth(1).click()
    draw(page, 7)  # the same strokes, with the eraser
    reads_nothing(page)


def test_the_dark_theme_reads_the_same(visit):
    page = visit(color_scheme="dark")
    assert page.evaluate("document.body.classList.contains('dark')")
    draw(page, 5)
    reads(page, "5")


def test_a_finger_on_a_phone_draws_and_does_not_scroll(visit):
    page = visit(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    before = page.evaluate("scrollY")
    touch(page, 2)
    reads(page, "2")
    assert page.evaluate("scrollY") == before


def test_an_uploaded_picture_is_read(visit):
    page = visit()
    page.set_input_files("#upload input[type=file]", ROOT / "examples" / "3-chalk-three.jpg")
    reads(page, "3")


def test_a_photographed_number_is_read_and_each_digit_shown(visit):
    page = visit()
    upload = page.locator("#upload input[type=file]")
    upload.set_input_files(ROOT / "examples" / "7-number-in-a-shadow.jpg")
    reads(page, "7432")
    expect(page.locator("#answer .strip img")).to_have_count(4)
    expect(page.locator("#answer")).to_contain_text("4 glyphs on 1 line")


def test_what_is_no_digit_is_kindly_refused_and_shown(visit):
    page = visit()
    upload = page.locator("#upload input[type=file]")
    upload.set_input_files(ROOT / "examples" / "8-no-digit.png")
    expect(page.locator("#answer")).to_contain_text("does not look like a digit", timeout=WAIT)
    expect(page.locator("#answer img")).to_be_visible()
    expect(page.locator("#label .output-class")).to_have_count(0)


def test_an_example_is_read(visit):
    page = visit()
    page.locator(".gallery-item, .gallery button").first.click()
    reads(page, "7")


@pytest.mark.parametrize(
    "fault, words",
    [("text", "is no PNG"), ("empty", "empty"), ("cut off", "cut off"), ("huge", "megapixels")],
)
def test_a_wrong_file_gets_one_clear_sentence(visit, odd_files, fault, words):
    page = visit()
    draw(page, 4)
    reads(page, "4")
    page.set_input_files("#upload input[type=file]", odd_files[fault])
    expect(page.locator("#answer .error")).to_contain_text(words, timeout=WAIT)
    assert str(odd_files[fault].parent) not in page.content()


def test_the_page_asks_no_other_machine(chromium, server):
    context = chromium.new_context()
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(server.url)
    page.wait_for_selector("#pad .highlight", timeout=WAIT)
    draw(page, 8)
    reads(page, "8")
    context.close()
    assert [u for u in asked if not u.startswith((server.url, "data:", "blob:"))] == []


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_the_first_run_reads_while_it_learns_and_stops_cleanly(visit, tmp_path, how):
    server = Server(tmp_path / "new" / "digits.safetensors")
    page = visit(server.url)
    expect(page.locator("#status")).to_contain_text("Learning to read", timeout=WAIT)
    expect(page.locator("#status")).to_contain_text("% of held-out digits", timeout=2 * WAIT)
    draw(page, 1)
    reads(page, "1")
    expect(page.locator("#status progress")).to_be_visible()
    expect(page.locator("#curve")).to_be_visible()
    status, printed = server.stop(how)
    assert status == 0 and "Traceback" not in printed and "learning:" in printed
    assert [p for p in (tmp_path / "new").iterdir() if p.suffix != ".lock"] == []
