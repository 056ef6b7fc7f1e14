"""Answers come in the order of the questions, and a page waits for a server that is lost."""

from playwright.sync_api import expect

import app
from inkling.recognition.reader import Reader
from tests.pages import (
    BAR,
    NUMBER,
    asked,
    draw,
    drawn,
    example,
    give,
    line,
    reads,
    serving,
    settled,
    until,
)


def test_a_standing_drawing_is_asked_about_once_and_what_came_after_it_stays(visit):
    page = visit()
    page.clock.install()
    drawn(page, 4)
    example(page)
    reads(page, "7")
    page.clock.run_for(60_000)  # within which nothing may happen
    page.locator(BAR.format(2)).click()
    expect(page.locator("#evidence h2")).to_have_text("Why 7, not 2")
    reads(page, "7")
    names = [one.name for one in page.sent if one.name != "preview"]
    assert names in (2 * ["sketch"] + ["example", "compare"], ["sketch", "example", "compare"])


def test_an_answer_that_comes_late_does_not_take_the_place_of_a_newer_one(page, served):
    begun = served.reader.begun
    with served.reader.held() as let_others:
        draw(page, 3)
        until(lambda: served.reader.begun > begun)
        let_others()
        example(page)
        reads(page, "7")
    assert asked(page, "sketch")[0].request.response().json() is None
    page.locator(BAR.format(2)).click()
    expect(page.locator("#evidence h2")).to_have_text("Why 7, not 2")
    reads(page, "7")


def test_strokes_that_wait_are_given_up_when_something_else_is_asked(page, served):
    with served.reader.held() as let_others:
        line(page)
        draw(page, 4)  # asked only when the line is answered
        let_others()
        example(page)
        reads(page, "7")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+Shift+z")
    expect(page.locator("#answer [data-number]")).not_to_have_attribute("data-number", "7")


def test_strokes_never_queue_up_and_meanwhile_the_answer_does_not_stand_as_theirs(page, served):
    drawn(page, 1)
    begun, count = served.reader.begun, len(asked(page, "sketch"))
    with served.reader.held():
        for _ in range(8):
            line(page, (60, 0))
        until(lambda: served.reader.begun > begun)
        expect(page.locator("#answer")).to_have_attribute("data-wait", "reading")
        expect(page.locator("#label")).to_have_css("opacity", "0.35")
    settled(page)
    assert len(asked(page, "sketch")) == count + 2  # the first, and all of them
    assert len(asked(page, "sketch")[-1].value["strokes"]) == 9


def test_after_a_restart_of_the_server_the_page_goes_on_by_itself(visit):
    with serving(Reader.load()) as own:
        port = int(own.url.rstrip("/").rpartition(":")[2])
        stop = lambda: own.demo.close(verbose=False)  # noqa: E731

        def start():
            own.demo.app_id += 1  # each process draws one
            app.serve(own.demo, port)

        page = visit(url=own.url)
        give(page, "drop", NUMBER)
        reads(page, "7432")
        stop()
        page.locator("#strip button").nth(2).click()
        expect(page.locator("#answer .lost")).to_be_visible()
        start()
        expect(page.locator("#evidence h2")).to_contain_text("Why 3, not")
        reads(page, "7432")
        stop()
        start()
        page.locator(BAR.format(5)).click()
        expect(page.locator("#evidence h2")).to_contain_text("Why 3, not 5")
        reads(page, "7432")
        stop()
        draw(page, 7)
        expect(page.locator("#answer .lost")).to_be_visible()
        expect(page.locator("#answer .headline")).to_be_hidden()
        start()
        reads(page, "7")
        page.keyboard.press("Escape")
        drawn(page, 2)
    with serving(Reader.load(), port):  # another version, whose parts have other numbers
        page.keyboard.press("Escape")
        with page.expect_event("load"):
            draw(page, 4)
        reads(page, "4")


def test_after_a_gap_in_the_network_the_drawing_is_read(page):
    page.context.set_offline(True)
    draw(page, 5)
    expect(page.locator("#answer .lost")).to_be_visible()
    page.context.set_offline(False)
    reads(page, "5")


def test_where_no_answer_comes_that_is_said_and_the_next_stroke_is_asked_about(page):
    full = {"status": 503, "json": {"detail": "Full."}}
    page.route("**/component_server/", lambda route: route.fulfill(**full))
    draw(page, 1)
    expect(page.locator("#answer .failed")).to_be_visible()
    assert len(asked(page, "sketch")) == 3
    page.unroute_all()
    page.keyboard.press("Escape")
    drawn(page, 4)
