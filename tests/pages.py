"""The page, served and used as people do: what tests of it share."""

import base64
import json
import re
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from playwright.sync_api import expect

from inkling.recognition.reader import Reader
from inkling.ui.session import read_and_analyze
from support.sketches import STROKES

ROOT = Path(__file__).parent.parent
WAIT = 30_000  # ms, until a page counts as not doing something
expect.set_options(timeout=WAIT)
STOPPING = 60  # seconds, until a server counts as not ending
UP = re.compile(r"Inkling is at (http\S+)")
LAPTOP = {"width": 1280, "height": 800}
PHONE = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True}
BAR = "#label [data-testid='{}-confidence-set']"
NUMBER = ROOT / "examples" / "7-number-in-a-shadow.jpg"  # 7432
GIVE = """([kind, name, type, base64, place]) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const files = new DataTransfer();
    if (name) files.items.add(new File([bytes], name, { type }));
    const how = { bubbles: true, cancelable: true };
    const event = kind === "paste" ? new ClipboardEvent(kind, { ...how, clipboardData: files })
        : new DragEvent(kind, { ...how, dataTransfer: files });
    return !document.querySelector(place).dispatchEvent(event);  // whether it was taken
}"""


class Obedient(Reader):
    """The shipped reader, which a test may hold up, or have say something else."""

    says = None  # a reading
    gate = None  # an event that pictures wait for, except for previews
    begun = 0  # pictures
    reads = 0  # calls of `read`

    def ask(self, function, *values):
        if function is read_and_analyze:
            self.begun += 1
            if gate := self.gate:
                gate.wait(WAIT / 1000)
        return super().ask(function, *values)

    def read(self, *picture):
        self.reads += 1
        return self.says or super().read(*picture)

    @contextmanager
    def held(self):
        """Hold up what begins to be read; what this gives lets others pass from then on."""
        gate = self.gate = threading.Event()
        try:
            yield lambda: setattr(self, "gate", None)
        finally:
            self.gate = None
            gate.set()


@contextmanager
def serving(reader, port=0, **options):
    """Serve the page with a reader; what it yields has its `url`, `reader`, `source` and `demo`."""
    import app

    state = {"is_training": False, "is_retraining": False, "progress": None, "failure": ""}
    source = SimpleNamespace(reader=reader, **state)
    demo = app.build_demo(source, **options)
    app.serve(demo, port)
    yield SimpleNamespace(url=demo.local_url, reader=reader, source=source, demo=demo)
    demo.close(verbose=False)


class Server:
    """`python app.py`, started as the README says."""

    def __init__(self, checkpoint):
        command = [sys.executable, "app.py", "--checkpoint", str(checkpoint)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        self.process = subprocess.Popen(command, cwd=ROOT, **pipes)
        self.lines = []
        for line in self.process.stdout:
            self.lines.append(line)
            if found := UP.search(line):
                self.url = found[1]
                break
        else:
            pytest.fail("the page did not start:\n" + "".join(self.lines))
        read = lambda: self.lines.extend(self.process.stdout)  # noqa: E731
        self.rest = threading.Thread(target=read, daemon=True)
        self.rest.start()

    def stop(self):
        """End the server; return its status, and all that it printed."""
        self.process.terminate()
        status = self.process.wait(STOPPING)
        self.rest.join(STOPPING)
        return status, "".join(self.lines)


def wait_until(holds):
    """Wait until something holds, as long as a page may take."""
    end = time.monotonic() + WAIT / 1000
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def open_page(page, url):
    """Open the page and wait until it can be drawn on; return it."""
    page.goto(url)
    expect(page.locator("#pad .hint")).to_be_visible()
    expect(page.locator("#answer")).to_have_attribute("data-wait", "")
    expect(page.get_by_text("Loading...", exact=True)).to_have_count(0)
    return page


def record_requests(page):
    """Note in `page.sent` what a page asks from now on: name and value, and the request."""
    page.sent = []

    def note(request):
        if "component_server" in request.url and request.post_data:
            payload = json.loads(request.post_data)
            name, value = payload["fn_name"], payload["data"]
            if name == "read":
                name, value = value["actions"][-1]
            page.sent.append(SimpleNamespace(name=name, value=value, request=request))

    page.on("request", note)
    return page


def requests_of(page, name):
    """Return what a page has asked by this name."""
    return [one for one in page.sent if one.name == name]


def wait_until_settled(page):
    """Wait until the page waits for no answer."""
    expect(page.locator("#answer")).to_have_attribute("data-wait", "")


def expect_answer(page, text):
    """Expect the page to give this as its answer, to what was asked last."""
    expect(page.locator("#answer [data-number]")).to_have_attribute("data-number", text)
    wait_until_settled(page)


def expect_no_answer(page):
    """Expect the page to wait for a drawing, or to say that it is blank."""
    expect_answer(page, "")
    expect(page.locator("#answer .caption")).to_contain_text(re.compile("[Dd]raw"))


def pad_strokes(page, digit):
    """Return the digit's strokes as points of the window, in the middle of the pad."""
    page.locator("#pad canvas").hover(trial=True)  # waits until it stands still
    paper = page.locator("#pad canvas").bounding_box()
    side = paper["width"] * 0.6
    left, top = paper["x"] + (paper["width"] - side) / 2, paper["y"] + (paper["height"] - side) / 2
    return [[(left + x * side, top + y * side) for x, y in stroke] for stroke in STROKES[digit]]


def drag(page, places, steps=6):
    """Move the mouse along places of the window, its button down between the first and last."""
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=steps)
    page.mouse.up()


def draw(page, digit, steps=6):
    """Draw a digit with the mouse, which tells of so many places between two points."""
    for stroke in pad_strokes(page, digit):
        drag(page, stroke, steps)


def draw_line(page, way=(0, 60)):
    """Draw a straight line with the mouse: what is read of it is another matter."""
    page.locator("#pad canvas").hover(trial=True)  # waits until it stands still
    box = page.locator("#pad canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    drag(page, [(x, y), (x + way[0], y + way[1])], steps=3)


def draw_and_read(page, digit):
    """Draw a digit and wait until it is read; return the page."""
    draw(page, digit)
    expect_answer(page, str(digit))
    return page


class Hand:
    """Sends the browser what a pen, a finger or a palm does."""

    def __init__(self, page):
        self.devices = page.context.new_cdp_session(page)

    def pen(self, kind, place):
        x, y = place
        event = {"type": kind, "x": x, "y": y, "button": "left", "buttons": 1}
        self.devices.send("Input.dispatchMouseEvent", event | {"pointerType": "pen"})

    def draw_by_touch(self, kind, *places):
        points = [{"x": x, "y": y, "id": k} for k, (x, y) in enumerate(places)]
        self.devices.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def draw_by_touch(page, digit):
    """Draw a digit with a finger."""
    hand = Hand(page)
    for stroke in pad_strokes(page, digit):
        hand.touch("touchStart", stroke[0])
        for start, end in pairwise(stroke):
            for place in np.linspace(start, end, 7)[1:].tolist():
                hand.touch("touchMove", place)
        hand.touch("touchEnd")


def stored_strokes(page):
    """Return the strokes that the browser keeps of a page."""
    return page.evaluate("JSON.parse(sessionStorage.getItem('inkling-pad') ?? '[]')")


def locate_pixel(page, row, column):
    """Return where one of the 28 by 28 pixels is in the window."""
    box = page.locator("#pixels canvas").bounding_box()
    cell = box["width"] / 28
    return box["x"] + (column + 0.5) * cell, box["y"] + (row + 0.5) * cell


def get_tool(page, name):
    """Return one of the buttons."""
    return page.get_by_role("button", name=name, exact=True)


def choose_example(page, number=0):
    """Choose an example."""
    page.locator("#examples button").nth(number).click()


def upload(page, file):
    """Choose a picture file."""
    page.get_by_role("tab", name="Picture").click()
    page.set_input_files("#upload input[type=file]", file)


def transfer(page, kind, file, place="body", kind_of="image/png"):
    """Paste a file, or drop it, at a place of the page; return whether the page took it."""
    content = base64.b64encode(file.read_bytes()).decode() if file else ""
    return page.evaluate(GIVE, [kind, file.name if file else "", kind_of, content, place])
