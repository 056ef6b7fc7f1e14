"""The pad's requests are answered within limits; drawings take priority over previews."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from uuid import uuid4

import httpx
import pytest
from conftest import pad_payload
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from playwright.sync_api import expect

from inkling.recognition.reader import ReaderUnavailable
from inkling.ui.layout import Channel
from inkling.ui.pad_requests import MAX_REQUESTS_PER_SESSION
from support.virtual_users import VirtualUser
from tests.pages import ROOT, draw, expect_answer, pad_strokes, requests_of, wait_until

FRAMES = """(count) => new Promise((done) => {
    const next = () => (count-- ? requestAnimationFrame(next) : done());
    next();
})"""


@pytest.fixture
def send(served):
    """Return a function that sends a request as the pad does, and returns the response."""
    with httpx.Client(base_url=served.url, timeout=30) as client:
        part = VirtualUser(client, client.get("config").json()).component_id
        own = uuid4().hex

        def send(function="read", digit=7, session=own, **more):
            request = {"component_id": part, "fn_name": function, "session_hash": session}
            request |= {"data": pad_payload(digit)} | more
            return client.post("gradio_api/component_server/", json=request)

        yield send


@pytest.fixture
def send_in_thread(send):
    """Return a function that sends a request from another thread."""
    with ThreadPoolExecutor() as pool:
        yield partial(pool.submit, send)


def test_a_drawing_is_answered_and_a_preview_does_not_change_the_session(send):
    assert 'data-number="7"' in send().json()[0]
    answer, bars, _ = send("preview", 4).json()
    assert 'data-number="4"' in answer and bars["label"] == "4"
    assert 'data-count="2"' in send().json()[0]


@pytest.mark.parametrize("data", [None, [], "seven", {"size": 0}, {"size": 1, "strokes": [[]]}])
def test_an_invalid_payload_is_an_empty_pad(send, data):
    assert "waiting" in send(data=data).json()[0]
    assert send("preview", data=data).json() is None


def test_one_session_has_few_requests_at_the_same_time(served, send, send_in_thread):
    parts = [part for part in served.demo.blocks.values() if isinstance(part, Channel)]
    (channel,) = (part for part in parts if part.elem_id == "reads")
    with served.reader.held():
        for _ in range(MAX_REQUESTS_PER_SESSION):
            send_in_thread()
        wait_until(
            lambda: channel.requests.active.total() == MAX_REQUESTS_PER_SESSION
        )  # waiting ones included
        refused = send()
        assert refused.status_code == 503 and "busy" in refused.json()["detail"]
    wait_until(lambda: send().status_code == 200)


def test_without_a_reader_the_page_is_busy_and_nothing_is_lost(served, send, monkeypatch):
    before = send(digit=4).json()[0]

    def fail(*_):
        raise ReaderUnavailable

    for method in ("call", "read"):
        monkeypatch.setattr(served.reader, method, fail)
    refused = send(digit=7)
    assert refused.status_code == 503 and "busy" in refused.json()["detail"]
    with pytest.raises(AppError, match="busy"):
        Client(served.url, verbose=False).predict(
            handle_file(ROOT / "examples" / "2-open-four.jpg"), api_name="/predict"
        )
    monkeypatch.undo()
    assert 'data-number="4"' in before and 'data-number="7"' in send(digit=7).json()[0]


def test_previews_are_refused_while_drawings_are_read(served, send, send_in_thread):
    begun = served.reader.begun
    with served.reader.held():
        send_in_thread()
        wait_until(lambda: served.reader.begun > begun)
        assert send("preview", session="other").json() is None


def half_a(page, digit):
    """Start to draw a digit, with a few frames for each move."""
    (*path,) = pad_strokes(page, digit)[0]
    page.mouse.move(*path[0])
    page.mouse.down()
    for place in path[1:]:
        page.mouse.move(*place, steps=4)
        page.evaluate(FRAMES, 4)


def expect_preview(page, answer):
    """Move the pen slightly until this is the answer."""
    x, y = pad_strokes(page, 7)[0][-1]
    steps = count()
    wait_until(lambda: page.locator(answer).count() or page.mouse.move(x, y + next(steps) % 2 + 1))


def preview_sizes(page):
    """Return the number of points in each preview."""
    sketches = [request.value["strokes"] for request in requests_of(page, "preview")]
    return [sum(len(stroke["points"]) for stroke in strokes) // 2 for strokes in sketches]


def test_the_answer_follows_an_unfinished_stroke_and_evidence_its_end(page):
    half_a(page, 7)
    expect_preview(page, "#answer[data-wait=drawing] [data-number='7']")
    expect(page.locator("#evidence .heat")).to_have_count(0)
    page.mouse.up()
    expect(page.locator("#evidence .heat")).to_have_count(1)
    assert preview_sizes(page) == sorted(preview_sizes(page))


def test_a_removed_stroke_leaves_no_answer(page):
    half_a(page, 7)
    expect_preview(page, "#answer[data-wait=drawing]")
    page.keyboard.press("Escape")
    expect(page.locator("#answer .waiting")).to_be_visible()


def test_a_slow_connection_gets_few_previews_and_no_late_ones(visit):
    page = visit()
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    far = {"latency": 200, "downloadThroughput": -1, "uploadThroughput": -1, "offline": False}
    network.send("Network.emulateNetworkConditions", far)
    draw(page, 7)
    for digit in (4, 7):
        page.keyboard.press("Escape")
        half_a(page, digit)
        assert page.locator("#answer").get_attribute("data-wait") != "drawing"
        page.mouse.up()
    assert len(preview_sizes(page)) <= 3
    expect_answer(page, "7")
