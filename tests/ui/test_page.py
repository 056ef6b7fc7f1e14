"""The page as people use it: drawings are read, explained and downloaded; networks are trained."""

import json
import re
from contextlib import ExitStack

import pytest
from playwright.sync_api import expect

from tests.app_process import AppProcess
from tests.pages import (
    PHONE,
    draw,
    draw_and_read,
    draw_by_touch,
    expect_answer,
    expect_no_answer,
    get_tool,
)

TRAINING_MS = 180_000  # ms until a training on shared cores counts as stuck


@pytest.fixture
def launch(tmp_path):
    """Return a function that starts the page as a process; the fixture stops it."""
    with ExitStack() as stack:
        yield lambda checkpoint: stack.enter_context(
            AppProcess(tmp_path, ("app.py", "--checkpoint", checkpoint))
        )


def test_every_digit_is_read_after_loading_and_after_clearing(page):
    """Also if it is drawn fast, with distant points."""
    for digit in range(10):
        draw_and_read(page, digit)
        expect(page.locator("#label .confidence-set")).to_have_count(10)
        expect(page.locator("#evidence img")).to_be_visible()
        expect(page.locator("#pad .hint")).to_be_hidden()
        get_tool(page, "Clear").click()
        expect_no_answer(page)
        expect(page.locator("#pad .hint")).to_be_visible()
    for digit in (1, 2, 4, 5, 7):
        draw(page, digit, steps=1)
        expect_answer(page, str(digit))
        page.keyboard.press("Escape")


def test_strokes_are_erased_and_undone_and_redone_by_buttons_and_by_keys(page):
    draw_and_read(page, 0)
    get_tool(page, "Undo").click()
    expect_no_answer(page)
    get_tool(page, "Redo").click()
    expect_answer(page, "0")
    page.keyboard.press("Control+z")
    expect_no_answer(page)
    page.keyboard.press("Control+Shift+z")
    expect_answer(page, "0")
    page.keyboard.press("Escape")
    expect_no_answer(page)
    page.keyboard.press("Control+z")
    expect_answer(page, "0")
    get_tool(page, "Eraser").click()
    draw(page, 0)
    expect_no_answer(page)
    get_tool(page, "Clear").click()  # ends erasing
    draw_and_read(page, 7)


@pytest.mark.parametrize("options", [{}, PHONE], ids=["laptop", "phone"])
def test_pad_answer_and_bars_are_in_view_together_and_a_finger_scrolls_nothing(visit, options):
    page = visit(**options)
    (draw_by_touch if options else draw)(page, 2)
    expect_answer(page, "2")
    assert page.evaluate("scrollY") == 0
    width, height = page.evaluate("[innerWidth, innerHeight]")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for part in ("#pad canvas", "#answer .headline", "#answer .caption", "#label"):
        box = page.locator(part).bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= height, part
    assert page.locator("#pad canvas").bounding_box()["width"] >= 250


def test_expanded_layers_follow_the_drawing(page, shipped):
    draw_and_read(page, 9)
    expect(page.locator("#layers section")).to_have_count(0)
    page.get_by_role("button", name="Inside the network").click()
    expect(page.locator("#layers section")).to_have_count(len(shipped.model.widths) + 2)
    expect(page.locator("#map img")).to_be_visible()
    place = page.locator("#nearest .here").get_attribute("style")
    get_tool(page, "Clear").click()
    draw_and_read(page, 1)
    expect(page.locator("#nearest .here")).not_to_have_attribute("style", place)
    expect(page.locator("#nearest figure")).to_have_count(5)


def test_a_reading_can_be_downloaded_and_copied(visit, tmp_path):
    page = draw_and_read(visit(permissions=["clipboard-read", "clipboard-write"]), 8)
    files = {}
    for button in ("Report", "JSON"):
        with page.expect_download() as started:
            get_tool(page, button).click()
        files[button] = tmp_path / started.value.suggested_filename
        started.value.save_as(files[button])
    report = files["Report"].read_text()
    assert "<h1>8</h1>" in report and "Why 8, not" in report
    assert not re.search(r"(src|href)=.(?!data:)", report)
    assert json.loads(files["JSON"].read_text())["digits"][0]["digit"] == 8
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "8"


def test_the_page_loads_nothing_from_other_servers(visit, served):
    page, urls = visit(), []
    page.on("request", lambda request: urls.append(request.url))
    page.reload()
    draw_and_read(page, 8)
    page.get_by_role("button", name="Inside the network").click()
    expect(page.locator("#map img")).to_be_visible()
    page.get_by_role("tab", name="Picture").click()
    page.get_by_role("tab", name="The network").click()
    expect(page.locator("#card .figures").first).to_contain_text("read right")
    expect(page.locator("#more svg.plot")).to_have_count(2)
    page.get_by_role("button", name="times a 4 was read as 4").click()
    expect(page.locator("#cell h2")).to_have_text("4 read right")
    expect(page.locator("#cell img").first).to_be_visible()
    assert [u for u in urls if not u.startswith((served.url, "data:", "blob:"))] == []


def test_a_user_trains_in_the_lab_watches_and_cancels(visit, launch, checkpoint):
    page = visit(url=launch(checkpoint).address())
    page.get_by_role("tab", name="Lab").click()
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator("#lab .plot polyline")).to_be_visible(timeout=TRAINING_MS)
    expect(page.locator(".lab-moment")).to_contain_text(re.compile("step [0-9]+"))
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_enabled()
    page.get_by_role("tab", name="Read", exact=True).click()
    draw_and_read(page, 6)


def test_the_first_run_reads_while_it_trains_and_stops_cleanly(visit, launch, folder):
    server = launch(folder / "digits.safetensors")
    page = visit(url=server.address())
    expect(page.locator("#status")).to_contain_text("Training")
    expect(page.locator("#status")).to_contain_text("% of held-out digits", timeout=TRAINING_MS)
    draw_and_read(page, 1)
    expect(page.locator("#status progress")).to_be_visible()
    expect(page.locator("#status .plot")).to_be_visible()
    assert "learning:" in server.stop()
    assert [path for path in folder.iterdir() if path.suffix != ".lock"] == []
