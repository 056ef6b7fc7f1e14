"""One picture at a time is what the page is about, and no session that is lost takes it away."""

import pytest
from playwright.sync_api import expect

from tests.pages import BAR, NUMBER, ROOT, drawn, example, give, pixel, reads, tool, upload


def forget(served):
    """Have the server forget all sessions, as after a restart, or a while without their pages."""
    served.demo.app.state_holder.session_data.clear()


def test_a_picture_takes_the_drawing_s_place_and_undoing_gives_it_back(page):
    link = page.get_by_role("button", name="Link")
    drawn(page, 9)
    for given, answer in (
        (lambda: example(page, 6), "7432"),
        (lambda: upload(page, NUMBER), "7432"),
        (lambda: give(page, "drop", NUMBER), "7432"),
        (lambda: give(page, "drop", ROOT / "README.md"), ""),  # a wrong file
    ):
        expect(link).to_be_enabled()
        given()
        expect(page.locator("#answer .headline")).not_to_contain_text("9")
        reads(page, answer)
        page.get_by_role("tab", name="Draw").click()
        hint = page.locator("#pad .hint")
        expect(hint).to_contain_text("about a picture.\nUndo brings your drawing")
        expect(link).to_be_disabled()  # of what is not shown
        tool(page, "Undo").click()
        reads(page, "9")
        expect(hint).to_be_hidden()


def test_after_a_picture_a_stroke_begins_anew_and_clearing_ends_it_and_a_reload(page):
    example(page, 2)
    reads(page, "3")
    drawn(page, 1)
    example(page, 2)
    reads(page, "3")
    page.keyboard.press("Escape")
    expect(page.locator("#answer .waiting")).to_be_visible()
    expect(page.locator("#pad .hint")).to_contain_text("Draw a digit here")
    drawn(page, 9)
    example(page, 2)
    reads(page, "3")
    page.reload()
    reads(page, "9")
    expect(page.locator("#pad .hint")).to_be_hidden()


@pytest.mark.parametrize("given", ["an example", "a file"])
def test_a_session_that_is_lost_is_told_again_what_the_page_shows(page, served, given):
    """Whatever is asked then of a number whose third glyph, a 3, is chosen."""
    for tap, place, words, answer in (
        ("#strip button >> nth=1", "#evidence h2", "Why 4, not", "7432"),
        (BAR.format(5), "#evidence h2", "Why 3, not 5", "7432"),
        ("#change [data-pick]", "#change h2", "To make it", "7432"),
        ("#inside button >> nth=0", "#nearest h2", "Where it lies", "7432"),
        ("#corrections [data-pick='9']", "#corrections .saved", "1 correction", "7492"),
    ):
        example(page, 6) if given == "an example" else upload(page, NUMBER)
        expect(page.locator("#evidence h2")).to_contain_text("Why 7, not")
        reads(page, "7432")
        page.locator("#strip button").nth(2).click()
        expect(page.locator("#evidence h2")).to_contain_text("Why 3, not")
        forget(served)
        page.locator(tap).click()
        expect(page.locator(place)).to_contain_text(words)
        reads(page, answer)


def test_pixels_and_downloads_outlive_a_lost_session(page, served):
    drawn(page, 4)
    page.locator(BAR.format(9)).click()
    page.get_by_role("button", name="Do it").click()
    expect(page.locator("#answer .headline")).to_contain_text("9")
    forget(served)
    with page.expect_download() as started:
        page.get_by_role("button", name="JSON").click()
    assert "9" in started.value.suggested_filename
    forget(served)
    page.mouse.click(*pixel(page, 2, 2))
    expect(tool(page, "As it was")).to_be_visible()
    expect(page.locator("#original image")).to_have_count(1)
    tool(page, "As it was").click()
    reads(page, "4")
