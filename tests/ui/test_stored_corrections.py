"""Lessons stay in the browser, whose tabs agree on them."""

import gradio as gr
import numpy as np
from playwright.sync_api import expect

from inkling.recognition.corrections import LIMIT, Lessons
from tests.pages import draw, drawn, opened, reads, settled

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
    settled(page)
    page.get_by_role("button", name=f"It is a {lesson}").click()
    reads(page, str(lesson))


def test_the_page_learns_what_it_is_taught_keeps_it_and_forgets_it(page, visit):
    """And one visitor's lessons are not another's."""
    teach(page, 7, 1)
    knows(page, 1)
    page.reload()
    knows(page, 1)
    draw(page, 7)
    reads(page, "1")
    drawn(visit(), 7)
    page.get_by_role("button", name="Delete it").click()
    reads(page, "7")
    knows(page, 0)


def test_tabs_agree_and_what_is_forgotten_in_one_does_not_come_back(page, served):
    other = drawn(opened(page.context.new_page(), served.url), 7)
    teach(page, 7, 1)
    knows(other, 1)
    reads(other, "1")  # of what stands there as well
    teach(other, 4, 9)
    knows(page, 2)
    page.get_by_role("button", name="Delete them").click()
    for each, digit in ((page, "7"), (other, "4")):
        knows(each, 0)
        reads(each, digit)
    teach(other, 4, 9)
    page.reload()
    knows(page, 1)
    two = Lessons().add(np.eye(28, dtype=np.float32), 3).to_json()
    other.evaluate(f"(two) => ({STORE})(JSON.stringify(two))", two)  # without an event there
    teach(other, 7, 1)  # joins what is stored by then
    knows(other, 2)
    other.close()


def test_lessons_that_gradio_s_own_state_stored_are_known(page):
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
    reads(page, "7")


def test_what_are_no_lessons_is_left_out(page):
    for damaged in ("{}", "12", "[null, {}]", "YQ==:YWJj"):
        page.evaluate(STORE, damaged)
        page.reload()
        expect(page.locator("#pad canvas")).to_be_visible()
        teach(page, 7, 1)
        knows(page, 1)


def test_where_nothing_can_be_stored_the_page_learns_as_long_as_it_is_open(visit):
    page = visit(STORES_NOTHING)
    teach(page, 7, 1)
    teach(page, 4, 9)
    knows(page, 2)
    page.get_by_role("button", name="Delete them").click()
    knows(page, 0)
