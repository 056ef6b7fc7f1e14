"""Corrections are stored in the browser and shared by its tabs."""

import re

import gradio as gr
import numpy as np
from playwright.sync_api import expect

from inkling.recognition.corrections import MAX_CORRECTIONS, Corrections
from tests.pages import draw, draw_and_read, expect_answer, open_page, wait_until_settled

NO_STORAGE = """
for (const kind of ["localStorage", "sessionStorage"]) Object.defineProperty(window, kind, {
    get() { throw new DOMException("refused", "SecurityError"); },
});
"""
STORE = "(value) => localStorage.setItem('inkling-lessons', value)"
STORED = "localStorage.getItem('inkling-lessons')"


def expect_count(page, count):
    """Expect this number of corrections."""
    expected = [re.compile(f"{count} correction")] if count else []
    expect(page.locator("#corrections .saved")).to_have_text(expected)


def correct(page, digit, label):
    """Draw a digit, and correct it to another."""
    page.bring_to_front()
    page.keyboard.press("Escape")
    draw(page, digit)
    wait_until_settled(page)
    page.get_by_role("button", name=f"It is a {label}").click()
    expect_answer(page, str(label))


def test_corrections_are_applied_stored_and_deleted(page, visit, served):
    """Other browsers are not affected."""
    correct(page, 4, 9)
    expect_count(page, 1)
    served.demo.app.state_holder.session_data.clear()  # the browser keeps them
    correct(page, 7, 1)
    expect_count(page, 2)
    page.reload()
    expect_count(page, 2)
    draw(page, 7)
    expect_answer(page, "1")
    draw_and_read(visit(), 7)
    page.get_by_role("button", name="Delete them").click()
    expect_answer(page, "7")
    expect_count(page, 0)


def test_tabs_share_corrections_and_their_deletion(page, served):
    other = draw_and_read(open_page(page.context.new_page(), served.url), 7)
    correct(page, 7, 1)
    expect_count(other, 1)
    expect_answer(other, "1")  # also the present drawing
    correct(other, 4, 9)
    expect_count(page, 2)
    page.get_by_role("button", name="Delete them").click()
    for each, digit in ((page, "7"), (other, "4")):
        expect_count(each, 0)
        expect_answer(each, digit)
    correct(other, 4, 9)
    page.reload()
    expect_count(page, 1)
    two = Corrections().add(np.eye(28, dtype=np.float32), 3).to_json()
    other.evaluate(f"(two) => ({STORE})(JSON.stringify(two))", two)  # in a tab that gets no event
    correct(other, 7, 1)  # is added to those stored by then
    expect_count(other, 2)
    other.close()


def test_corrections_that_gradio_stored_are_converted(page):
    corrections = Corrections()
    for k in range(MAX_CORRECTIONS):
        corrections = corrections.add(
            np.eye(28, k=k - MAX_CORRECTIONS // 2, dtype=np.float32), k % 10
        )
    with gr.Blocks() as demo:
        state = gr.BrowserState([], storage_key="inkling-lessons", secret="inkling")
        demo.load(corrections.to_json, None, state)
    demo.launch(prevent_thread_lock=True, quiet=True)
    theirs = page.context.new_page()
    theirs.goto(demo.local_url)
    theirs.wait_for_function(f"({STORED} ?? '').length > 10_000")
    page.evaluate(STORE, theirs.evaluate(STORED))
    theirs.close()
    demo.close(verbose=False)
    page.reload()
    expect_count(page, MAX_CORRECTIONS)
    correct(page, 7, 1)
    expect_count(page, MAX_CORRECTIONS)  # without the oldest
    page.get_by_role("button", name="Delete them").click()
    page.reload()
    expect_answer(page, "7")


def test_invalid_stored_corrections_are_ignored(page):
    for damaged in ("{}", "12", "[null, {}]", "YQ==:YWJj"):
        page.evaluate(STORE, damaged)
        page.reload()
        expect(page.locator("#pad canvas")).to_be_visible()
        correct(page, 7, 1)
        expect_count(page, 1)


def test_without_storage_corrections_last_as_long_as_the_page(visit):
    page = visit(NO_STORAGE)
    correct(page, 7, 1)
    correct(page, 4, 9)
    expect_count(page, 2)
    page.get_by_role("button", name="Delete them").click()
    expect_count(page, 0)
