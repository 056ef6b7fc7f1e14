"""The page shows one picture at a time, and keeps it if the session is lost."""

import pytest
from playwright.sync_api import expect

from tests.pages import (
    BAR,
    NUMBER,
    ROOT,
    choose_example,
    draw_and_read,
    expect_answer,
    get_tool,
    locate_pixel,
    transfer,
    upload,
)


def forget(served):
    """Delete all sessions, as after a restart, or a pause of their pages."""
    served.demo.app.state_holder.session_data.clear()


def test_a_picture_replaces_the_drawing_and_undo_restores_it(page):
    link = page.get_by_role("button", name="Link")
    draw_and_read(page, 9)
    for action, answer in (
        (lambda: choose_example(page, 6), "7432"),
        (lambda: upload(page, NUMBER), "7432"),
        (lambda: transfer(page, "drop", NUMBER), "7432"),
        (lambda: transfer(page, "drop", ROOT / "README.md"), ""),  # a wrong file
    ):
        expect(link).to_be_enabled()
        action()
        expect(page.locator("#answer .headline")).not_to_contain_text("9")
        expect_answer(page, answer)
        page.get_by_role("tab", name="Draw").click()
        hint = page.locator("#pad .hint")
        expect(hint).to_contain_text("about a picture.\nUndo brings your drawing")
        expect(link).to_be_disabled()  # the drawing is not shown
        get_tool(page, "Undo").click()
        expect_answer(page, "9")
        expect(hint).to_be_hidden()


def test_a_stroke_clearing_or_a_reload_ends_a_picture(page):
    choose_example(page, 2)
    expect_answer(page, "3")
    draw_and_read(page, 1)
    choose_example(page, 2)
    expect_answer(page, "3")
    page.keyboard.press("Escape")
    expect(page.locator("#answer .waiting")).to_be_visible()
    expect(page.locator("#pad .hint")).to_contain_text("Draw a digit here")
    draw_and_read(page, 9)
    choose_example(page, 2)
    expect_answer(page, "3")
    page.reload()
    expect_answer(page, "9")
    expect(page.locator("#pad .hint")).to_be_hidden()


@pytest.mark.parametrize("given", ["an example", "a file"])
def test_a_lost_session_receives_the_page_s_actions_again(page, served, given):
    """Whichever action comes next on a number whose third glyph, a 3, is chosen."""
    for target, result, text, answer in (
        ("#strip button >> nth=1", "#evidence h2", "Why 4, not", "7432"),
        (BAR.format(5), "#evidence h2", "Why 3, not 5", "7432"),
        ("#change [data-pick]", "#change h2", "To make it", "7432"),
        ("#inside button >> nth=0", "#nearest h2", "Position", "7432"),
        ("#corrections [data-pick='9']", "#corrections .saved", "1 correction", "7492"),
    ):
        choose_example(page, 6) if given == "an example" else upload(page, NUMBER)
        expect(page.locator("#strip button")).to_have_count(4)
        expect(page.locator("#evidence h2")).to_contain_text("Why 7, not")
        expect_answer(page, "7432")
        page.locator("#strip button").nth(2).click()
        expect(page.locator("#evidence h2")).to_contain_text("Why 3, not")
        forget(served)
        page.locator(target).click()
        expect(page.locator(result)).to_contain_text(text)
        expect_answer(page, answer)


def test_edits_and_downloads_survive_a_lost_session(page, served):
    draw_and_read(page, 4)
    page.locator(BAR.format(9)).click()
    page.get_by_role("button", name="Do it").click()
    expect(page.locator("#answer .headline")).to_contain_text("9")
    forget(served)
    with page.expect_download() as started:
        page.get_by_role("button", name="JSON").click()
    assert "9" in started.value.suggested_filename
    forget(served)
    page.mouse.click(*locate_pixel(page, 2, 2))
    expect(get_tool(page, "As it was")).to_be_visible()
    expect(page.locator("#original image")).to_have_count(1)
    get_tool(page, "As it was").click()
    expect_answer(page, "4")
