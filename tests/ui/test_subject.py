"""One picture at a time is what the page is about, and no session that is lost takes it away."""

from types import SimpleNamespace

import pytest
from conftest import ROOT, WAIT, draw, reads
from PIL import Image
from playwright.sync_api import expect
from test_asking import BAR, pixel
from test_page import Server, give, open_page, sketch, upload

import app
from inkling.recognition.checkpoint import CHECKPOINT
from inkling.recognition.reader import Reader

NUMBER = ROOT / "examples" / "7-number-in-a-shadow.jpg"  # 7432


@pytest.fixture(scope="module")
def demo():
    """Return a served page."""
    reader = Reader.load()
    source = SimpleNamespace(reader=reader, progress=None, learning=False, again=False, failure="")
    demo = app.build_demo(source)
    app.serve(demo)
    yield demo
    demo.close(verbose=False)


@pytest.fixture
def page(chromium, demo, monkeypatch):
    """Return the page in a window of its own."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", demo.app.uploaded_file_dir)
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    yield open_page(context, demo.local_url)
    context.close()


def forget(demo):
    """Have the server forget all sessions, as after a restart, or a while without their pages."""
    demo.app.state_holder.session_data.clear()


GIVES = {
    "an example": (lambda page: page.locator("#examples button").nth(6).click(), "7432"),
    "a file": (lambda page: upload(page, NUMBER), "7432"),
    "a dropped file": (lambda page: give(page, "drop", NUMBER), "7432"),
    "a wrong file": (lambda page: give(page, "drop", ROOT / "README.md"), ""),
}


@pytest.mark.parametrize("given, answer", GIVES.values(), ids=GIVES)
def test_a_picture_takes_the_drawing_s_place_and_undoing_gives_it_back(page, given, answer):
    link = page.get_by_role("button", name="Link")
    expect(page.locator("#answer")).to_have_attribute("data-wait", "")
    draw(page, 9)
    reads(page, "9")
    expect(link).to_be_enabled()
    given(page)
    expect(page.locator("#answer .headline")).not_to_contain_text("9", timeout=WAIT)
    reads(page, answer)
    page.get_by_role("tab", name="Draw").click()
    expect(page.locator("#pad .hint")).to_contain_text("about a picture.\nUndo brings your drawing")
    expect(link).to_be_disabled()  # of what is not shown
    page.get_by_role("button", name="Undo").click()
    reads(page, "9")
    expect(page.locator("#pad .hint")).to_be_hidden()
    expect(link).to_be_enabled()


def test_after_a_picture_a_stroke_begins_anew_and_clearing_ends_it(page):
    page.locator("#examples button").nth(2).click()
    reads(page, "3")
    draw(page, 1)
    reads(page, "1")
    page.locator("#examples button").nth(2).click()
    reads(page, "3")
    page.keyboard.press("Escape")
    expect(page.locator("#answer .waiting")).to_be_visible(timeout=WAIT)
    expect(page.locator("#pad .hint")).to_contain_text("Draw a digit here")


def test_a_reload_brings_the_drawing_with_its_answer(page):
    draw(page, 9)
    reads(page, "9")
    page.locator("#examples button").nth(2).click()
    reads(page, "3")
    page.reload()
    reads(page, "9")
    expect(page.locator("#pad .hint")).to_be_hidden()


def test_a_file_that_was_edited_under_its_name_is_read_again(page, tmp_path):
    file = tmp_path / "7.png"
    for digit in (7, 3):
        Image.fromarray(sketch(digit)).save(file)
        upload(page, file)
        reads(page, str(digit))
    page.locator("#examples button").first.click()
    reads(page, "7")
    upload(page, file)  # which is the same
    reads(page, "3")


# What is asked of a number whose third glyph, a 3, is chosen, and where the answer is seen.
QUESTIONS = {
    "a glyph": ("#strip button >> nth=1", "#evidence h2", "Why 4, not"),
    "a bar": (BAR.format(5), "#evidence h2", "Why 3, not 5"),
    "another digit": ("#change [data-pick]", "#change h2", "To make it"),
    "a correction": ("#lessons [data-pick='9']", "#lessons .known", "knows 1"),
    "its inside": ("#inside button >> nth=0", "#nearest h2", "Where it lies"),
}


@pytest.mark.parametrize("given", ["an example", "a file"])
@pytest.mark.parametrize("tap, place, words", QUESTIONS.values(), ids=QUESTIONS)
def test_a_session_that_is_lost_is_told_again_what_the_page_shows(
    page, demo, given, tap, place, words
):
    GIVES[given][0](page)
    reads(page, "7432")
    page.locator("#strip button").nth(2).click()
    expect(page.locator("#evidence h2")).to_contain_text("Why 3, not")
    forget(demo)
    page.locator(tap).click()
    expect(page.locator(place)).to_contain_text(words, timeout=WAIT)
    reads(page, "7492" if "9" in tap else "7432")


def test_pixels_and_downloads_outlive_a_lost_session(page, demo, tmp_path):
    draw(page, 4)
    reads(page, "4")
    page.locator(BAR.format(9)).click()
    page.get_by_role("button", name="Do it").click()
    expect(page.locator("#answer .headline")).to_contain_text("9")
    forget(demo)
    with page.expect_download() as started:
        page.get_by_role("button", name="JSON").click()
    assert "9" in started.value.suggested_filename
    forget(demo)
    page.mouse.click(*pixel(page, 2, 2))
    expect(page.get_by_role("button", name="As it was")).to_be_visible()
    expect(page.locator("#original image")).to_have_count(1)
    page.get_by_role("button", name="As it was").click()
    reads(page, "4")


def test_after_a_restart_of_the_server_a_tap_is_answered_with_the_picture(chromium):
    server = Server(CHECKPOINT)
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = open_page(context, server.url)
    give(page, "drop", NUMBER)
    reads(page, "7432")
    server.stop()
    page.locator("#strip button").nth(2).click()
    expect(page.locator("#answer .lost")).to_be_visible(timeout=WAIT)
    server = Server(CHECKPOINT, "--port", server.url.rstrip("/").rpartition(":")[2])
    expect(page.locator("#evidence h2")).to_contain_text("Why 3, not", timeout=WAIT)
    reads(page, "7432")
    server.stop()
    server = Server(CHECKPOINT, "--port", server.url.rstrip("/").rpartition(":")[2])
    page.locator(BAR.format(5)).click()
    expect(page.locator("#evidence h2")).to_contain_text("Why 3, not 5", timeout=WAIT)
    reads(page, "7432")
    server.stop()
    context.close()


TWO_FILES = """() => {
    const given = new DataTransfer();
    for (const name of ["a.png", "b.png"]) given.items.add(new File([""], name));
    const how = { bubbles: true, cancelable: true, dataTransfer: given };
    document.body.dispatchEvent(new DragEvent("drop", how));
}"""
LINK = """() => {
    const dataTransfer = new DataTransfer();
    dataTransfer.setData("text/uri-list", "http://127.0.0.1/");
    const how = { bubbles: true, cancelable: true, dataTransfer };
    const gives = (name) => !document.body.dispatchEvent(new DragEvent(name, how));
    return [gives("dragover"), gives("drop")]; // whether the page has taken it
}"""


def test_of_two_files_one_is_read_and_the_page_says_so_and_no_link_leads_away(page):
    page.evaluate(TWO_FILES)
    said = page.locator("#picture [role=status]")
    expect(said).to_contain_text("the first of these 2 is read")
    draw(page, 1)
    expect(said).to_have_count(0)
    assert page.evaluate(LINK) == [True, True]
    expect(said).to_contain_text("drop its file")
    reads(page, "1")


def test_a_fast_pointer_paints_without_gaps(page):
    canvas = page.locator("#pixels canvas")
    canvas.hover(trial=True)
    page.mouse.move(*pixel(page, 4, 3))
    page.mouse.down()
    page.mouse.move(*pixel(page, 24, 23))  # in one step
    page.mouse.down(button="right")  # which changes nothing
    page.mouse.up(button="right")
    page.mouse.move(*pixel(page, 24, 5))
    page.mouse.up()
    page.mouse.move(*pixel(page, 10, 20))
    inked = canvas.evaluate("""(canvas) => {
        const [cell, pen] = [canvas.width / 28, canvas.getContext("2d")];
        const at = (k) => [k % 28, Math.floor(k / 28)].map((place) => (place + 0.5) * cell);
        const isInk = (k) => !pen.getImageData(...at(k), 1, 1).data[0];
        return Array.from({ length: 784 }, (_, k) => k).filter(isInk);
    }""")
    diagonal = {(4 + k) * 28 + 3 + k for k in range(21)}
    assert set(inked) == diagonal | {24 * 28 + column for column in range(5, 24)}


def test_an_answer_that_comes_while_one_paints_changes_no_pixel(page):
    draw(page, 4)
    reads(page, "4")
    seen = page.locator("#pixels canvas")
    held = []
    hold = lambda route: route.continue_() if held else held.append(route)  # noqa: E731
    page.route("**/component_server/", hold)
    page.locator(BAR.format(2)).click()
    page.mouse.move(*pixel(page, 2, 3))
    page.mouse.down()
    page.mouse.move(*pixel(page, 6, 3))
    painted = seen.evaluate("canvas => canvas.toDataURL()")
    held[0].continue_()
    expect(page.locator("#change h2")).to_have_text("To make it a 2")
    assert seen.evaluate("canvas => canvas.toDataURL()") == painted
    page.mouse.up()
    expect(page.get_by_role("button", name="As it was")).to_be_visible()
    assert seen.evaluate("canvas => canvas.toDataURL()") == painted
