"""A launched page reports its load, and keeps corrections when its session is dropped."""

import pytest
from conftest import draw_line, serving
from playwright.sync_api import expect

from inkling.recognition.reader import Reader
from inkling.server import queue_admission, request_limits
from inkling.training.live_reader import PlaceholderReader


@pytest.fixture(scope="module")
def url():
    """Return the address of a page without a reader."""
    with serving(PlaceholderReader("Not yet.")) as served:
        yield served.url


@pytest.fixture
def load(chromium):
    """Return a function that opens a page and waits until it is ready."""
    pages = []

    def load(url):
        page = chromium.new_page()
        pages.append(page)
        page.goto(url)
        expect(page.locator("#pad .hint")).to_be_visible()
        expect(page.get_by_text("Loading...", exact=True)).to_have_count(0)
        return page

    yield load
    for page in pages:
        page.close()


def test_corrections_outlive_their_session(load):
    with serving(Reader.load()) as served:
        page = load(served.url)
        for saved, way in ((1, (0, 90)), (2, (90, 20))):
            draw_line(page, way)
            page.get_by_role("button", name=f"It is a {saved}").click()
            expect(page.locator("#corrections .saved")).to_contain_text(f"{saved} correction")
            served.demo.app.state_holder.session_data.clear()
            page.locator("[data-tool=clear]").click()
            expect(page.get_by_role("button", name="It is a 3")).to_have_count(0)


def test_a_full_server_is_reported_at_once_and_the_drawing_is_read_later(load, url, monkeypatch):
    page = load(url)
    with monkeypatch.context() as full:
        full.setattr(queue_admission, "MAX_QUEUED_EVENTS", 0)
        with page.expect_response(lambda r: "queue/join" in r.url and r.status == 503):
            page.get_by_role("tab", name="The network").click()
        expect(page.get_by_text("busy. Please try again.").last).to_be_visible(timeout=1_000)
    page.get_by_role("tab", name="Read", exact=True).click()
    with monkeypatch.context() as full:
        full.setattr(request_limits, "MAX_OPEN_READS", 0)
        with page.expect_response(lambda response: response.status == 503):
            draw_line(page)
    expect(page.locator("#answer")).to_contain_text("Not yet.")
