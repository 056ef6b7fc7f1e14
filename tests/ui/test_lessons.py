"""Lessons stay in the browser, whose tabs agree on them."""

# ruff: noqa: F811

import gradio as gr
import numpy as np
from conftest import WAIT, draw, reads
from playwright.sync_api import expect
from test_page import open_page, server, visit  # noqa: F401

from inkling.recognition.corrections import LIMIT, Lessons

STORES_NOTHING = """
for (const kind of ["localStorage", "sessionStorage"]) Object.defineProperty(window, kind, {
    get() { throw new DOMException("refused", "SecurityError"); },
});
"""
STORE = "(value) => localStorage.setItem('inkling-lessons', value)"


def knows(page, count):
    """Expect the page to know so many lessons."""
    known = page.locator("#lessons .known")
    if count:
        expect(known).to_contain_text(f"knows {count} of your digits", timeout=WAIT)
    else:
        expect(known).to_have_count(0, timeout=WAIT)


def teach(page, digit, lesson):
    """Draw a digit, and teach the page that it is another."""
    page.bring_to_front()
    page.keyboard.press("Escape")
    draw(page, digit)
    expect(page.locator("#answer")).to_have_attribute("data-wait", "", timeout=WAIT)
    page.get_by_role("button", name=f"It is a {lesson}").click()
    reads(page, str(lesson))


def test_the_page_learns_what_it_is_taught_keeps_it_and_forgets_it(visit):
    page = visit()
    draw(page, 7)
    reads(page, "7")
    page.get_by_role("button", name="It is a 1").click()
    reads(page, "1")
    expect(page.locator("#lessons .known")).to_contain_text("knows 1 of your digits")
    page.reload()
    expect(page.locator("#lessons .known")).to_contain_text("knows 1", timeout=WAIT)
    draw(page, 7)
    reads(page, "1")
    page.get_by_role("button", name="Forget it").click()
    reads(page, "7")
    expect(page.locator("#lessons .known")).to_have_count(0)


def test_the_lessons_of_one_visitor_are_not_another_s(visit):
    teacher, other = visit(), visit()
    draw(teacher, 0)
    reads(teacher, "0")
    teacher.get_by_role("button", name="It is a 6").click()
    reads(teacher, "6")
    draw(other, 0)
    reads(other, "0")


def test_tabs_agree_and_what_is_forgotten_in_one_does_not_come_back(visit, server):
    one = visit()
    other = open_page(one.context, server.url)
    draw(other, 7)
    reads(other, "7")
    teach(one, 7, 1)
    knows(other, 1)
    reads(other, "1")  # of what stands there as well
    teach(other, 4, 9)
    knows(one, 2)
    one.get_by_role("button", name="Forget them").click()
    for page, digit in ((one, "7"), (other, "4")):
        knows(page, 0)
        reads(page, digit)
    teach(other, 4, 9)
    one.reload()
    knows(one, 1)


def test_a_lesson_joins_what_another_tab_has_stored_since(visit):
    page = visit()
    teach(page, 7, 1)
    two = Lessons().add(np.eye(28, dtype=np.float32), 3).to_json()
    page.evaluate(f"(two) => ({STORE})(JSON.stringify(two))", two)  # without an event
    teach(page, 4, 9)
    knows(page, 2)


def test_lessons_that_gradio_s_own_state_stored_are_known(visit):
    lessons = Lessons()
    for k in range(LIMIT):
        lessons = lessons.add(np.eye(28, k=k - LIMIT // 2, dtype=np.float32), k % 10)
    with gr.Blocks() as demo:
        state = gr.BrowserState([], storage_key="inkling-lessons", secret="inkling")
        demo.load(lessons.to_json, None, state)
    demo.launch(prevent_thread_lock=True, quiet=True)
    page = visit()
    theirs = page.context.new_page()
    theirs.goto(demo.local_url)
    stored = "localStorage.getItem('inkling-lessons')"
    theirs.wait_for_function(f"({stored} ?? '').length > 10_000", timeout=WAIT)
    page.evaluate(STORE, theirs.evaluate(stored))
    demo.close(verbose=False)
    page.reload()
    knows(page, LIMIT)
    teach(page, 7, 1)
    knows(page, LIMIT)  # the oldest fell out
    page.get_by_role("button", name="Forget them").click()
    page.reload()
    draw(page, 7)
    reads(page, "7")


def test_what_are_no_lessons_is_left_out(visit):
    page = visit()
    for damaged in ("{}", "12", "[null, {}]", "YQ==:YWJj"):
        page.evaluate(STORE, damaged)
        page.reload()
        expect(page.locator("#pad canvas")).to_be_visible(timeout=WAIT)
        teach(page, 7, 1)
        knows(page, 1)


def test_where_nothing_can_be_stored_the_page_learns_as_long_as_it_is_open(chromium, server):
    context = chromium.new_context()
    context.add_init_script(STORES_NOTHING)
    page = open_page(context, server.url)
    teach(page, 7, 1)
    teach(page, 4, 9)
    knows(page, 2)
    page.get_by_role("button", name="Forget them").click()
    knows(page, 0)
    context.close()
