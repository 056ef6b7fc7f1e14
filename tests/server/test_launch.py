"""A launched page reports its load."""

import pytest
from conftest import draw_line, serving
from playwright.sync_api import expect

from inkling.server import queue_admission, request_limits
from inkling.training.live_reader import PlaceholderReader
from tests.pages import open_page


@pytest.fixture(scope="module")
def url():
    """Return the address of a page without a reader."""
    with serving(PlaceholderReader("Not yet.")) as served:
        yield served.url


def test_a_full_server_is_reported_at_once_and_the_drawing_is_read_later(window, url, monkeypatch):
    page = open_page(window(), url)
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
