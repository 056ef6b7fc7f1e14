"""A page that is served says what strangers should know of it, and outlives what Gradio forgets."""

import httpx
import pytest
from conftest import line, serving
from playwright.sync_api import expect

from inkling.recognition.reader import Reader
from inkling.server import queue_admission, request_limits
from inkling.training.live_reader import PlaceholderReader


@pytest.fixture
def page():
    """Return a served page's address; its reader is never asked."""
    with serving(PlaceholderReader("Not yet.")) as served:
        yield served.url


def test_what_a_page_was_taught_outlives_its_session(chromium):
    with serving(Reader.load()) as served:
        opened = chromium.new_page()
        opened.goto(served.url)
        expect(opened.locator("#pad .hint")).to_be_visible(timeout=30_000)
        expect(opened.get_by_text("Loading...", exact=True)).to_have_count(0)
        for known, way in ((1, (0, 90)), (2, (90, 20))):
            line(opened, way)
            opened.get_by_role("button", name=f"It is a {known}").click(timeout=30_000)
            knows = opened.locator("#corrections .saved")
            expect(knows).to_contain_text(f"{known} correction", timeout=30_000)
            served.demo.app.state_holder.session_data.clear()
            opened.locator("[data-tool=clear]").click()
            expect(opened.get_by_role("button", name="It is a 3")).to_have_count(0, timeout=30_000)
        opened.close()


def test_who_comes_when_all_is_full_is_told_so_at_once_and_read_later(page, chromium, monkeypatch):
    opened = chromium.new_page()
    opened.goto(page)
    expect(opened.locator("#pad .hint")).to_be_visible(timeout=30_000)
    expect(opened.get_by_text("Loading...", exact=True)).to_have_count(0)
    monkeypatch.setattr(queue_admission, "MAX_QUEUED_EVENTS", 0)
    with opened.expect_response(lambda told: "queue/join" in told.url and told.status == 503):
        opened.get_by_role("tab", name="The network").click()
    expect(opened.get_by_text("busy. Please try again.").last).to_be_visible(timeout=1_000)
    monkeypatch.setattr(queue_admission, "MAX_QUEUED_EVENTS", 32)
    opened.get_by_role("tab", name="Read", exact=True).click()
    monkeypatch.setattr(request_limits, "MAX_OPEN_READS", 0)
    with opened.expect_response(lambda told: told.status == 503):
        line(opened)
    monkeypatch.setattr(request_limits, "MAX_OPEN_READS", 120)
    expect(opened.locator("#answer")).to_contain_text("Not yet.", timeout=30_000)
    opened.close()


def test_who_watches_over_the_server_is_told_that_it_is_well(page):
    told = httpx.get(f"{page}healthz")
    assert told.status_code == 200 and told.json() == {"status": "ok"}


def test_the_page_about_the_endpoint_is_complete(page, chromium):
    opened = chromium.new_page()
    opened.goto(page)
    opened.get_by_role("button", name="Use via API").click()
    expect(opened.get_by_text("gradio_client").first).to_be_visible(timeout=30_000)
    expect(opened.get_by_text("/predict").first).to_be_visible()
    opened.close()
