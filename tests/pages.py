"""Serve the page and use it in a browser: helpers of its tests."""

import base64
import json
import re
import threading
import time
from contextlib import contextmanager
from itertools import pairwise, zip_longest
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from inkling.recognition.reader import Reader
from inkling.training.live_reader import LiveReader
from inkling.ui.session import read_and_analyze
from support.sketches import STROKES

ROOT = Path(__file__).parent.parent
WAIT = 30_000  # ms until an expectation fails
expect.set_options(timeout=WAIT)
LAPTOP = {"width": 1280, "height": 800}
PHONE = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True}
BAR = "#label [data-testid='{}-confidence-set']"
NUMBER = ROOT / "examples" / "7-number-in-a-shadow.jpg"  # 7432
TRANSFER = """([kind, files, url, target]) => {
    const content = new DataTransfer();
    for (const [name, type, base64] of files) {
        const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
        content.items.add(new File([bytes], name, { type }));
    }
    if (url) content.setData("text/uri-list", url);
    const options = { bubbles: true, cancelable: true };
    const event = kind === "paste"
        ? new ClipboardEvent(kind, { ...options, clipboardData: content })
        : new DragEvent(kind, { ...options, dataTransfer: content });
    return !document.querySelector(target).dispatchEvent(event);  // whether the page handles it
}"""


class Obedient(Reader):
    """The shipped reader, which a test can delay, or give a fixed reading."""

    says = None  # a fixed reading
    gate = None  # an event for which reads wait, except previews
    begun = 0  # reads, except previews
    reads = 0  # calls of `read`

    def call(self, function, *values):
        if function is read_and_analyze:
            self.begun += 1
            if gate := self.gate:
                gate.wait(WAIT / 1000)
        return super().call(function, *values)

    def read(self, *picture):
        self.reads += 1
        return self.says or super().read(*picture)

    @contextmanager
    def held(self):
        """Delay all reads; the function that this yields lets later reads pass."""
        gate = self.gate = threading.Event()
        try:
            yield lambda: setattr(self, "gate", None)
        finally:
            self.gate = None
            gate.set()

    @contextmanager
    def held_after(self, start):
        """Delay the read that `start` starts, and no later ones."""
        begun = self.begun
        with self.held() as let_others:
            start()
            wait_until(lambda: self.begun > begun)
            let_others()
            yield


@contextmanager
def serving(reader, port=0, **options):
    """Serve the page with a reader; yield its `url`, `reader`, `source` and `demo`."""
    import app

    source = LiveReader(Path("none.safetensors"))
    source.reader = reader
    demo = app.build_demo(source, **options)
    app.serve(demo, port)
    yield SimpleNamespace(url=demo.local_url, reader=reader, source=source, demo=demo)
    source.stop()
    source.wait()
    demo.close(verbose=False)


def wait_until(holds):
    """Wait until `holds()` is true, at most `WAIT`."""
    end = time.monotonic() + WAIT / 1000
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def open_page(page, url):
    """Open the page, wait until it is ready, and return it."""
    page.goto(url)
    expect(page.locator("#pad .hint")).to_be_visible()
    expect(page.locator("#answer")).to_have_attribute("data-wait", "")
    expect(page.get_by_text("Loading...", exact=True)).to_have_count(0)
    return page


def record_requests(page):
    """Record the page's requests in `page.sent`: name, value and HTTP request."""
    page.sent = []

    def note(request):
        if "component_server" in request.url and request.post_data:
            payload = json.loads(request.post_data)
            name, value = payload["fn_name"], payload["data"]
            if name == "read" and "actions" not in value:
                name = "lab"
            elif name == "read":
                name, value = value["actions"][-1]
            page.sent.append(SimpleNamespace(name=name, value=value, request=request))

    page.on("request", note)
    return page


def requests_of(page, name):
    """Return the recorded requests with this name."""
    return [request for request in page.sent if request.name == name]


def expect_no_violations(page):
    """Expect no accessibility violations of axe, after all animations."""
    page.evaluate("Promise.allSettled(document.getAnimations().map((one) => one.finished))")
    options = {"resultTypes": ["violations"]}  # a third faster than all results in detail
    found = Axe().run(page, options=options).response["violations"]
    assert [f"{v['id']}: {n['target']} {n['html']:.200}" for v in found for n in v["nodes"]] == []


def wait_until_settled(page):
    """Wait until no request is pending."""
    expect(page.locator("#answer")).to_have_attribute("data-wait", "")


def expect_answer(page, text):
    """Expect this answer to the latest request."""
    expect(page.locator("#answer [data-number]")).to_have_attribute("data-number", text)
    wait_until_settled(page)


def expect_no_answer(page):
    """Expect the page to show no digits."""
    expect_answer(page, "")
    expect(page.locator("#answer .caption")).to_contain_text(re.compile("[Dd]raw"))


def pad_strokes(page, digit):
    """Return the digit's strokes as points of the window, at the centre of the pad."""
    page.locator("#pad canvas").hover(trial=True)  # waits for a stable layout
    paper = page.locator("#pad canvas").bounding_box()
    side = paper["width"] * 0.6
    left, top = paper["x"] + (paper["width"] - side) / 2, paper["y"] + (paper["height"] - side) / 2
    return [[(left + x * side, top + y * side) for x, y in stroke] for stroke in STROKES[digit]]


def drag(page, points, steps=6, button="left"):
    """Drag the mouse along points of the window."""
    page.mouse.move(*points[0])
    page.mouse.down(button=button)
    for point in points[1:]:
        page.mouse.move(*point, steps=steps)
    page.mouse.up(button=button)


def draw(page, digit, steps=6):
    """Draw a digit with the mouse, with `steps` events between two points."""
    for stroke in pad_strokes(page, digit):
        drag(page, stroke, steps)


def draw_line(page, vector=(0, 60)):
    """Draw a straight line with the mouse."""
    page.locator("#pad canvas").hover(trial=True)  # waits for a stable layout
    box = page.locator("#pad canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    drag(page, [(x, y), (x + vector[0], y + vector[1])], steps=3)


def draw_and_read(page, digit):
    """Draw a digit, expect it as the answer, and return the page."""
    draw(page, digit)
    expect_answer(page, str(digit))
    return page


class Hand:
    """Sends events of a pen, a finger or a palm."""

    def __init__(self, page):
        self.devices = page.context.new_cdp_session(page)

    def pen(self, kind, point):
        x, y = point
        event = {"type": f"mouse{kind}", "x": x, "y": y, "button": "left", "buttons": 1}
        self.devices.send("Input.dispatchMouseEvent", event | {"pointerType": "pen"})

    def touch(self, kind, *fingers):
        points = [{"x": x, "y": y, "id": k} for k, (x, y) in enumerate(fingers)]
        event = {"type": f"touch{kind}", "touchPoints": points}
        self.devices.send("Input.dispatchTouchEvent", event)

    def play(self, pen=(), touch=()):
        """Send events (kind, *points) of a pen and of touches, in turn."""
        for stylus, fingers in zip_longest(pen, touch):
            if stylus:
                self.pen(*stylus)
            if fingers:
                self.touch(*fingers)


def draw_by_touch(page, digit):
    """Draw a digit with a finger."""
    hand = Hand(page)
    for stroke in pad_strokes(page, digit):
        hand.touch("Start", stroke[0])
        for start, end in pairwise(stroke):
            for point in np.linspace(start, end, 7)[1:].tolist():
                hand.touch("Move", point)
        hand.touch("End")


def stored_strokes(page):
    """Return the strokes in the browser's storage."""
    return page.evaluate("JSON.parse(sessionStorage.getItem('inkling-pad') ?? '[]')")


def locate_pixel(page, row, column):
    """Return the window position of one of the 28 x 28 pixels."""
    box = page.locator("#pixels canvas").bounding_box()
    cell = box["width"] / 28
    return box["x"] + (column + 0.5) * cell, box["y"] + (row + 0.5) * cell


def get_tool(page, name):
    """Return a button."""
    return page.get_by_role("button", name=name, exact=True)


def choose_example(page, number=0):
    """Choose an example."""
    page.locator("#examples button").nth(number).click()


def upload(page, file):
    """Choose a picture file."""
    page.get_by_role("tab", name="Picture").click()
    page.set_input_files("#upload input[type=file]", file)


def transfer(page, kind, *files, target="body", file_type="image/png", url=""):
    """Paste or drop files, or a URL; return whether the page handles the event."""
    encoded = [[f.name, file_type, base64.b64encode(f.read_bytes()).decode()] for f in files]
    return page.evaluate(TRANSFER, [kind, encoded, url, target])


def expect_compared(page, digit, rival, text=None):
    """Tap the rival's bar, and expect the evidence, and the answer, of the same picture."""
    page.locator(BAR.format(rival)).click()
    expect(page.locator("#evidence h2")).to_have_text(f"Why {digit}, not {rival}")
    expect_answer(page, text or str(digit))
