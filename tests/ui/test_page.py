"""The page as people use it: a real server, a real network, a real browser."""

import base64
import json
import re
import subprocess
import sys
import threading
from itertools import pairwise

import pytest
from conftest import ROOT, WAIT, draw, reads, sketch, strokes_on
from PIL import Image
from playwright.sync_api import expect

LEARNING = 180_000  # ms, until a network that trains on shared cores counts as stuck
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
        read = lambda: self.lines.extend(self.process.stdout)  # noqa: E731
        self.rest = threading.Thread(target=read, daemon=True)
        self.rest.start()

    def stop(self):
        """End the server; return its status, and all that it printed."""
        self.process.terminate()
        status = self.process.wait(timeout=10)
        self.rest.join(10)
        return status, "".join(self.lines)


@pytest.fixture(scope="module")
def server(checkpoint):
    server = Server(checkpoint)
    yield server
    server.stop()


@pytest.fixture
def new_server(tmp_path):
    """Return a server that has no checkpoint yet; it ends however the test ends."""
    server = Server(tmp_path / "new" / "digits.safetensors")
    yield server
    server.process.kill()
    server.rest.join(10)


@pytest.fixture
def visit(chromium, server):
    """Return a function that opens the page in a new window."""
    contexts = []

    def visit(url=server.url, **options):
        options = {"viewport": {"width": 1280, "height": 720}} | options
        contexts.append(chromium.new_context(**options))
        return open_page(contexts[-1], url)

    yield visit
    for context in contexts:
        context.close()


def open_page(context, url):
    """Open the page and wait until it can be drawn on."""
    page = context.new_page()
    page.goto(url)
    expect(page.locator("#pad .hint")).to_be_visible(timeout=WAIT)
    return page


PHONE = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True}


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
        for (x, y), (to_x, to_y) in pairwise(stroke):
            for k in range(1, 7):
                send("touchMove", (x + (to_x - x) * k / 6, y + (to_y - y) * k / 6))
        send("touchEnd")


def reads_nothing(page):
    """Expect the page to wait for a drawing, or to say that it is blank."""
    reads(page, "")
    expect(page.locator("#answer .caption")).to_contain_text(re.compile("[Dd]raw"), timeout=WAIT)


def tool(page, name):
    """Return one of the buttons under the pad."""
    return page.get_by_role("button", name=name, exact=True)


def upload(page, file):
    """Choose a picture file."""
    page.get_by_role("tab", name="Picture").click()
    page.set_input_files("#upload input[type=file]", file)


def test_every_digit_is_read_at_the_first_touch_after_loading_and_after_clearing(visit):
    page = visit()
    for digit in range(10):
        draw(page, digit)
        reads(page, str(digit))
        expect(page.locator("#label .confidence-set")).to_have_count(10)
        expect(page.locator("#evidence img")).to_be_visible()
        tool(page, "Clear").click()
        reads_nothing(page)


def test_a_fast_hand_whose_points_lie_far_apart_is_read_as_well(visit):
    page = visit()
    for digit in (1, 2, 4, 5, 7):
        draw(page, digit, steps=1)
        reads(page, str(digit))
        tool(page, "Clear").click()
        reads_nothing(page)


def test_the_hint_vanishes_at_the_first_stroke_and_returns_to_an_empty_pad(visit):
    page = visit()
    hint = page.locator("#pad .hint")
    expect(hint).to_be_visible()
    draw(page, 1)
    expect(hint).to_be_hidden()
    tool(page, "Clear").click()
    expect(hint).to_be_visible()


def test_a_tap_leaves_a_dot(visit):
    page = visit()
    sent = page.evaluate("document.querySelector('#pad canvas').toDataURL()")
    page.locator("#pad canvas").click(position={"x": 100, "y": 100})  # once it stands still
    assert page.evaluate("document.querySelector('#pad canvas').toDataURL()") != sent


def test_strokes_are_undone_and_redone_by_buttons_and_by_keys(visit):
    page = visit()
    draw(page, 0)
    reads(page, "0")
    tool(page, "Undo").click()
    reads_nothing(page)
    tool(page, "Redo").click()
    reads(page, "0")
    page.keyboard.press("Control+z")
    reads_nothing(page)
    page.keyboard.press("Control+Shift+z")
    reads(page, "0")
    page.keyboard.press("Escape")
    reads_nothing(page)
    page.keyboard.press("Control+z")  # what was cleared is not lost
    reads(page, "0")


def test_what_is_erased_is_not_read(visit):
    page = visit()
    draw(page, 7)
    reads(page, "7")
    tool(page, "Eraser").click()
    draw(page, 7)
    reads_nothing(page)


def test_a_finger_on_a_phone_draws_and_does_not_scroll(visit):
    page = visit(**PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    touch(page, 2)
    reads(page, "2")
    assert page.evaluate("scrollY") == 0


@pytest.mark.parametrize("options", [{}, PHONE], ids=["laptop", "phone"])
def test_pad_answer_and_bars_are_in_view_together(visit, options):
    page = visit(**options)
    draw(page, 5)
    reads(page, "5")
    height = page.evaluate("innerHeight")
    for part in ("#pad canvas", "#answer .headline", "#answer .caption", "#label"):
        box = page.locator(part).bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= height, part
    assert page.locator("#pad canvas").bounding_box()["width"] >= 250


def test_an_uploaded_picture_is_read_and_shown_with_a_box(visit):
    page = visit()
    upload(page, ROOT / "examples" / "3-chalk-three.jpg")
    reads(page, "3")
    expect(page.locator("#original rect.chosen")).to_have_count(1)
    expect(page.locator("#original")).to_contain_text("inverted")


def test_each_glyph_of_a_number_can_be_looked_at(visit):
    page = visit()
    upload(page, ROOT / "examples" / "7-number-in-a-shadow.jpg")
    reads(page, "7432")
    glyphs = page.locator("#strip button")
    expect(glyphs).to_have_count(4)
    expect(page.locator("#evidence h2")).to_contain_text("Why 7, not")
    glyphs.nth(2).click()
    expect(page.locator("#evidence h2")).to_contain_text("Why 3, not")
    expect(glyphs.nth(2)).to_have_attribute("aria-pressed", "true")
    expect(glyphs.nth(2)).to_be_focused()


def test_an_answer_is_held_against_the_digit_whose_bar_is_tapped(visit):
    page = visit()
    draw(page, 4)
    reads(page, "4")
    page.locator("#label [data-testid='2-confidence-set']").click()
    expect(page.locator("#evidence h2")).to_have_text("Why 4, not 2")


@pytest.mark.parametrize("number, answer", [(0, "7"), (6, "7432"), (8, "")])
def test_an_example_is_read(visit, number, answer):
    page = visit()
    page.locator("#examples button").nth(number).click()
    expect(page.locator("#original svg")).to_be_visible(timeout=WAIT)
    reads(page, answer)


@pytest.mark.parametrize(
    "fault, words",
    [("text", "is no PNG"), ("empty", "empty"), ("cut off", "cut off"), ("huge", "megapixels")],
)
def test_a_wrong_file_gets_one_clear_sentence(visit, odd_files, fault, words):
    page = visit()
    draw(page, 4)
    reads(page, "4")
    upload(page, odd_files[fault])
    expect(page.locator("#answer .error .caption")).to_contain_text(words, timeout=WAIT)
    assert str(odd_files[fault].parent) not in page.content()


GIVE = """([kind, name, type, base64, place]) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const files = new DataTransfer();
    if (name) files.items.add(new File([bytes], name, { type }));
    const how = { bubbles: true, cancelable: true };
    const event = kind === "paste" ? new ClipboardEvent(kind, { ...how, clipboardData: files })
        : new DragEvent(kind, { ...how, dataTransfer: files });
    return !document.querySelector(place).dispatchEvent(event);  // whether it was taken
}"""


def give(page, kind, file, place="body", kind_of="image/png"):
    """Paste a file, or drop it, at a place of the page; return whether the page took it."""
    content = base64.b64encode(file.read_bytes()).decode() if file else ""
    return page.evaluate(GIVE, [kind, file.name if file else "", kind_of, content, place])


@pytest.mark.parametrize("kind, place", [("paste", "body"), ("drop", "#pad canvas")])
def test_a_picture_that_is_pasted_or_dropped_is_read_and_the_drawing_comes_back(visit, kind, place):
    page = visit()
    draw(page, 4)
    reads(page, "4")
    assert give(page, kind, ROOT / "examples" / "7-number-in-a-shadow.jpg", place)
    reads(page, "7432")
    assert give(
        page, "drop", ROOT / "README.md", kind_of="text/markdown"
    )  # else it would be opened
    expect(page.locator("#answer .error .caption")).to_contain_text("is no PNG", timeout=WAIT)
    assert not give(page, "paste", None)
    page.keyboard.press("Control+z")
    reads(page, "4")


def test_of_two_pictures_given_in_a_moment_the_last_is_read(visit):
    page = visit()
    number, letter = (
        ROOT / "examples" / name for name in ("7-number-in-a-shadow.jpg", "9-letter-k.png")
    )
    for first, last, answer in ((number, letter, "No digit"), (letter, number, "7432")) * 2:
        assert give(page, "drop", first)
        page.wait_for_timeout(20)  # it is read meanwhile
        assert give(page, "drop", last)
        expect(page.locator("#answer .headline")).to_contain_text(answer, timeout=WAIT)
        page.wait_for_timeout(600)  # in which the first would be told
        expect(page.locator("#answer .headline")).to_contain_text(answer)


def test_a_picture_that_comes_late_does_not_take_a_drawing_s_answer_away(visit):
    page = visit()
    held = []
    page.route("**/upload*", lambda route: held.append(route))
    assert give(page, "drop", ROOT / "examples" / "9-letter-k.png")
    draw(page, 4)
    reads(page, "4")
    held[0].continue_()
    page.wait_for_timeout(600)
    reads(page, "4")


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)


def test_a_picture_of_a_kind_that_is_not_read_takes_the_former_answer_away(visit, tmp_path):
    page = visit()
    draw(page, 4)
    reads(page, "4")
    (tmp_path / "phone.heic").write_bytes(HEIC)
    upload(page, tmp_path / "phone.heic")
    expect(page.locator("#answer .caption")).to_contain_text("HEIC picture", timeout=WAIT)
    expect(page.locator("#answer .caption")).to_contain_text("save it as")
    reads(page, "")
    with (tmp_path / "large.png").open("wb") as large:
        large.truncate(9_000_000)
    upload(page, tmp_path / "large.png")
    expect(page.locator("#answer .caption")).to_contain_text("the limit is 8", timeout=WAIT)


def test_browsers_are_asked_for_the_kinds_that_are_read(visit, tmp_path):
    page = visit()
    page.get_by_role("tab", name="Picture").click()
    page.locator("body").click(position={"x": 2, "y": 2})
    asked = page.locator("#upload input[type=file]").first.get_attribute("accept").split(",")
    assert {"image/jpeg", "image/avif", "image/tiff"} <= set(asked) and "image/*" not in asked


@pytest.mark.parametrize("kind", ["tiff", "avif"])
def test_a_kind_that_browsers_may_not_show_is_read_all_the_same(visit, tmp_path, kind):
    Image.fromarray(sketch(7)).save(tmp_path / f"seven.{kind}")
    page = visit()
    upload(page, tmp_path / f"seven.{kind}")
    reads(page, "7")


def test_the_inside_of_the_network_follows_the_drawing_once_unfolded(visit):
    page = visit()
    draw(page, 9)
    reads(page, "9")
    expect(page.locator("#layers section")).to_have_count(0)
    page.get_by_role("button", name="Inside the network").click()
    expect(page.locator("#layers section")).to_have_count(6, timeout=WAIT)
    expect(page.locator("#map img")).to_be_visible()
    place = page.locator("#nearest .here").get_attribute("style")
    tool(page, "Clear").click()
    draw(page, 1)
    reads(page, "1")
    expect(page.locator("#nearest .here")).not_to_have_attribute("style", place)
    expect(page.locator("#nearest figure")).to_have_count(5)


def test_a_reading_can_be_taken_away(visit, tmp_path):
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    draw(page, 8)
    reads(page, "8")
    files = {}
    for button in ("Report", "JSON"):
        with page.expect_download() as started:
            page.get_by_role("button", name=button, exact=True).click()
        started.value.save_as(tmp_path / started.value.suggested_filename)
        files[button] = tmp_path / started.value.suggested_filename
    report = files["Report"].read_text()
    assert "<h1>8</h1>" in report and "Why 8, not" in report
    assert not re.search(r"(src|href)=.(?!data:)", report)  # it needs no other file
    assert json.loads(files["JSON"].read_text())["digits"][0]["digit"] == 8
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "8"


def test_the_card_shows_the_digits_behind_a_confusion(visit):
    page = visit()
    page.get_by_role("tab", name="The network").click()
    expect(page.locator("#card .figures").first).to_contain_text("read right", timeout=WAIT)
    expect(page.locator("#more svg.plot")).to_have_count(2)
    page.get_by_role("button", name="times a 4 was read as 4").click()
    expect(page.locator("#cell h2")).to_have_text("4 read right")
    expect(page.locator("#cell img").first).to_be_visible()


def test_the_page_asks_no_other_machine(chromium, server):
    context = chromium.new_context()
    asked = []
    context.on("request", lambda request: asked.append(request.url))
    page = open_page(context, server.url)
    draw(page, 8)
    reads(page, "8")
    page.get_by_role("button", name="Inside the network").click()
    expect(page.locator("#map img")).to_be_visible(timeout=WAIT)
    page.get_by_role("tab", name="Picture").click()
    page.get_by_role("tab", name="The network").click()
    expect(page.locator("#matrix table")).to_be_visible(timeout=WAIT)
    context.close()
    assert [u for u in asked if not u.startswith((server.url, "data:", "blob:"))] == []


def test_a_visitor_trains_again_watches_it_and_cancels(visit):
    page = visit()
    page.get_by_role("tab", name="The network").click()
    page.get_by_role("button", name="Train again").click()
    expect(page.locator("#train-again")).to_have_text(
        re.compile("Getting ready|Epoch"), timeout=WAIT
    )
    expect(page.locator("#status")).to_contain_text("Learning to read", timeout=WAIT)
    expect(page.locator("#status .plot circle").first).to_be_visible(timeout=LEARNING)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#status .learning")).to_have_count(0, timeout=WAIT)
    expect(page.locator("#train-again")).to_have_text("Train again")
    expect(page.locator("#card .figures").first).to_be_visible(timeout=WAIT)
    page.get_by_role("tab", name="Read", exact=True).click()
    draw(page, 6)
    reads(page, "6")


def test_the_first_run_reads_while_it_learns_and_stops_cleanly(visit, new_server, tmp_path):
    page = visit(new_server.url)
    expect(page.locator("#status")).to_contain_text("Learning to read", timeout=WAIT)
    expect(page.locator("#status")).to_contain_text("% of held-out digits", timeout=LEARNING)
    draw(page, 1)
    reads(page, "1")
    expect(page.locator("#status progress")).to_be_visible()
    expect(page.locator("#status .plot")).to_be_visible()
    status, printed = new_server.stop()
    assert status == 0 and "Traceback" not in printed and "learning:" in printed
    assert [p for p in (tmp_path / "new").iterdir() if p.suffix != ".lock"] == []
