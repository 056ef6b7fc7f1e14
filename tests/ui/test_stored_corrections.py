"""Lessons stay in the browser, whose tabs agree on them."""

import gradio as gr
import numpy as np
from playwright.sync_api import expect

from inkling.recognition.corrections import LIMIT, Lessons
from tests.pages import draw, draw_and_read, expect_answer, open_page, wait_until_settled

STORES_NOTHING = """
for (const kind of ["localStorage", "sessionStorage"]) Object.defineProperty(window, kind, {
    get() { throw new DOMException("refused", "SecurityError"); },
});
"""
STORE = "(value) => localStorage.setItem('inkling-lessons', value)"
STORED = "localStorage.getItem('inkling-lessons')"


def knows(page, count):
    """Expect the page to know so many lessons."""
    known = page.locator("#corrections .saved")
    if count:
        expect(known).to_contain_text(f"{count} correction")
    else:
        expect(known).to_have_count(0)


def teach(page, digit, lesson):
    """Draw a digit, and teach the page that it is another."""
    page.bring_to_front()
    page.keyboard.press("Escape")
    draw(page, digit)
    wait_until_settled(page)
    page.get_by_role("button", name=f"It is a {lesson}").click()
    expect_answer(page, str(lesson))


def test_a_correction_is_applied_stored_and_deleted(page, visit):
    """And one visitor's lessons are not another's."""
    teach(page, 7, 1)
    knows(page, 1)
    page.reload()
    knows(page, 1)
    draw(page, 7)
    expect_answer(page, "1")
    draw_and_read(visit(), 7)
    page.get_by_role("button", name="Delete it").click()
    expect_answer(page, "7")
    knows(page, 0)


def test_tabs_share_corrections_and_their_deletion(page, served):
    other = draw_and_read(open_page(page.context.new_page(), served.url), 7)
    teach(page, 7, 1)
    knows(other, 1)
    expect_answer(other, "1")  # of what stands there as well
    teach(other, 4, 9)
    knows(page, 2)
    page.get_by_role("button", name="Delete them").click()
    for each, digit in ((page, "7"), (other, "4")):
        knows(each, 0)
        expect_answer(each, digit)
    teach(other, 4, 9)
    page.reload()
    knows(page, 1)
    two = Lessons().add(np.eye(28, dtype=np.float32), 3).to_json()
    other.evaluate(f"(two) => ({STORE})(JSON.stringify(two))", two)  # without an event there
    teach(other, 7, 1)  # joins what is stored by then
    knows(other, 2)
    other.close()


def test_corrections_that_gradio_stored_are_converted(page):
    lessons = Lessons()
    for k in range(LIMIT):
        lessons = lessons.add(np.eye(28, k=k - LIMIT // 2, dtype=np.float32), k % 10)
    with gr.Blocks() as demo:
        state = gr.BrowserState([], storage_key="inkling-lessons", secret="inkling")
        demo.load(lessons.to_json, None, state)
    demo.launch(prevent_thread_lock=True, quiet=True)
    theirs = page.context.new_page()
    theirs.goto(demo.local_url)
    theirs.wait_for_function(f"({STORED} ?? '').length > 10_000")
    page.evaluate(STORE, theirs.evaluate(STORED))
    theirs.close()
    demo.close(verbose=False)
    page.reload()
    knows(page, LIMIT)
    teach(page, 7, 1)
    knows(page, LIMIT)  # the oldest fell out
    page.get_by_role("button", name="Delete them").click()
    page.reload()
    expect_answer(page, "7")


def test_invalid_stored_corrections_are_ignored(page):
    for damaged in ("{}", "12", "[null, {}]", "YQ==:YWJj"):
        page.evaluate(STORE, damaged)
        page.reload()
        expect(page.locator("#pad canvas")).to_be_visible()
        teach(page, 7, 1)
        knows(page, 1)


def test_without_storage_corrections_last_as_long_as_the_page(visit):
    page = visit(STORES_NOTHING)
    teach(page, 7, 1)
    teach(page, 4, 9)
    knows(page, 2)
    page.get_by_role("button", name="Delete them").click()
    knows(page, 0)
