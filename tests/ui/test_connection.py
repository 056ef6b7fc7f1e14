"""Answers belong to the latest request, and the page recovers from a lost server."""

from playwright.sync_api import expect

import app
from inkling.recognition.reader import Reader
from tests.pages import (
    NUMBER,
    choose_example,
    draw,
    draw_and_read,
    draw_line,
    expect_answer,
    expect_compared,
    expect_no_answer,
    requests_of,
    serving,
    transfer,
    wait_until,
    wait_until_settled,
)

SWITCH_OFF = """document.dispatchEvent(
    new CustomEvent("read-start", { detail: ["ablate", "0-3"] })
)"""


def test_a_restored_drawing_is_read_once_and_later_actions_stay(visit):
    page = visit()
    page.clock.install()
    draw_and_read(page, 4)
    choose_example(page)
    expect_answer(page, "7")
    page.clock.run_for(60_000)  # nothing may happen
    expect_compared(page, 7, 2)
    names = [request.name for request in page.sent if request.name != "preview"]
    assert names in (2 * ["sketch"] + ["example", "compare"], ["sketch", "example", "compare"])


def test_a_late_answer_does_not_replace_a_newer_one(page, served):
    with served.reader.held_after(lambda: draw(page, 3)):
        choose_example(page)
        expect_answer(page, "7")
    assert requests_of(page, "sketch")[0].request.response().json() is None
    expect_compared(page, 7, 2)


def test_waiting_strokes_are_dropped_when_another_picture_is_read(page, served):
    with served.reader.held() as let_others:
        draw_line(page)
        draw(page, 4)  # waits for the line's answer
        let_others()
        choose_example(page)
        expect_answer(page, "7")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+Shift+z")
    expect(page.locator("#answer [data-number]")).not_to_have_attribute("data-number", "7")


def test_only_the_newest_drawing_waits_and_the_old_answer_fades(page, served):
    draw_and_read(page, 1)
    begun, count = served.reader.begun, len(requests_of(page, "sketch"))
    with served.reader.held():
        for _ in range(8):
            draw_line(page, (60, 0))
        wait_until(lambda: served.reader.begun > begun)
        expect(page.locator("#answer")).to_have_attribute("data-wait", "reading")
        expect(page.locator("#label")).to_have_css("opacity", "0.35")
    wait_until_settled(page)
    assert len(requests_of(page, "sketch")) == count + 2  # the first, and all of them
    assert len(requests_of(page, "sketch")[-1].value["strokes"]) == 9


def test_the_page_recovers_from_a_restart_of_the_server(visit):
    with serving(Reader.load()) as own:
        port = int(own.url.rstrip("/").rpartition(":")[2])
        stop = lambda: own.demo.close(verbose=False)  # noqa: E731

        def start():
            own.demo.app_id += 1  # differs for each process
            app.serve(own.demo, port)

        page = visit(url=own.url)
        transfer(page, "drop", NUMBER)
        expect_answer(page, "7432")
        stop()
        page.locator("#strip button").nth(2).click()
        expect(page.locator("#answer .lost")).to_be_visible()
        start()
        expect(page.locator("#evidence h2")).to_contain_text("Why 3, not")
        expect_answer(page, "7432")
        page.evaluate(SWITCH_OFF)
        expect(page.locator("#switched")).to_contain_text("without 1 map")
        stop()
        start()
        expect_compared(page, 3, 5, "7432")
        expect(page.locator("#switched")).to_contain_text("without 1 map")
        stop()
        draw(page, 7)
        expect(page.locator("#answer .lost")).to_be_visible()
        expect(page.locator("#answer .headline")).to_be_hidden()
        start()
        expect_answer(page, "7")
        page.keyboard.press("Escape")
        draw_and_read(page, 2)
        page.keyboard.press("Escape")
        expect_no_answer(page)
    with serving(Reader.load(), port):  # another version, with other component IDs
        with page.expect_event("load"):
            draw(page, 7)  # one stroke: the reload comes after it
        expect_answer(page, "7")


def test_the_drawing_is_read_when_the_connection_is_back(page):
    page.context.set_offline(True)
    draw(page, 5)
    expect(page.locator("#answer .lost")).to_be_visible()
    page.context.set_offline(False)
    expect_answer(page, "5")


def test_a_missing_answer_is_reported_and_the_next_stroke_is_read(page):
    full = {"status": 503, "json": {"detail": "Full."}}
    page.route("**/component_server/", lambda route: route.fulfill(**full))
    draw(page, 1)
    expect(page.locator("#answer .failed")).to_be_visible()
    assert len(requests_of(page, "sketch")) == 3
    page.unroute_all()
    page.keyboard.press("Escape")
    draw_and_read(page, 4)
