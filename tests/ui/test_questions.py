"""What the pad asks is answered in one request each; drawings come before glances."""

import json
import threading

import httpx
import pytest
from conftest import ROOT, draw, reads, serving, strokes_on, told, until
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from playwright.sync_api import expect

from bench.visitors import Visitor
from inkling.recognition.reader import Reader, Unreachable
from inkling.ui.questions import AT_ONCE, OF_ONE


class Held(Reader):
    """Reads once it may, and counts how many wait for it."""

    waiting = 0

    def read(self, *picture):
        self.waiting += 1
        self.may.wait()
        self.waiting -= 1
        return super().read(*picture)


@pytest.fixture
def served():
    """Return a served page, and its reader."""
    reader = Held.load()
    reader.may = threading.Event()
    reader.may.set()
    with serving(reader) as served:
        yield served
        reader.may.set()


@pytest.fixture
def ask(served):
    """Return a function that asks as the pad does, and returns the response."""
    with httpx.Client(base_url=served.url, timeout=30) as client:
        part = Visitor(client, client.get("config").json()).questions

        def ask(function="read", digit=7, session="one", **more):
            question = {"component_id": part, "fn_name": function, "session_hash": session}
            question |= {"data": told(digit)} | more
            return client.post("gradio_api/component_server/", json=question)

        yield ask


@pytest.fixture
def together(ask):
    """Return a function that asks from another thread."""
    threads = []

    def together(*arguments, **more):
        threads.append(threading.Thread(target=ask, args=arguments, kwargs=more))
        threads[-1].start()

    yield together
    for thread in threads:
        thread.join()


def test_a_drawing_is_answered_and_so_is_a_glance_which_leaves_no_trace(ask):
    assert 'data-number="7"' in ask().json()[0]
    answer, bars, _ = ask("glance", 4).json()
    assert 'data-number="4"' in answer and bars["label"] == "4"
    assert 'data-count="2"' in ask().json()[0]


@pytest.mark.parametrize("data", [None, [], "seven", {"size": 0}, {"size": 1, "strokes": [[]]}])
def test_what_no_pad_tells_is_an_empty_pad(ask, data):
    assert "waiting" in ask(data=data).json()[0]
    assert ask("glance", data=data).json() is None


def test_of_one_session_few_questions_are_taken_at_once(served, ask, together):
    served.reader.may.clear()
    for _ in range(OF_ONE):
        together()
    until(lambda: served.reader.waiting == AT_ONCE)
    refused = ask()
    assert refused.status_code == 503 and "busy" in refused.json()["detail"]
    served.reader.may.set()
    until(lambda: ask().status_code == 200)


def test_with_no_reader_left_the_page_is_busy_and_nothing_is_lost(served, ask, monkeypatch):
    before = ask(digit=4).json()[0]

    def nobody(*_):
        raise Unreachable

    for way in ("ask", "read"):
        monkeypatch.setattr(served.reader, way, nobody)
    refused = ask(digit=7)
    assert refused.status_code == 503 and "busy" in refused.json()["detail"]
    with pytest.raises(AppError, match="busy"):
        Client(served.url, verbose=False).predict(
            handle_file(ROOT / "examples" / "2-open-four.jpg"), api_name="/predict"
        )
    monkeypatch.undo()
    assert 'data-number="4"' in before and 'data-number="7"' in ask(digit=7).json()[0]


def test_while_drawings_are_read_nobody_glances(served, ask, together):
    served.reader.may.clear()
    together()
    until(lambda: served.reader.waiting == 1)
    assert ask("glance", session="other").json() is None
    served.reader.may.set()


@pytest.mark.parametrize(
    "wrong",
    [{"component_id": 10**6}, {"fn_name": "connect"}, {"session_hash": 99 * "a"}]
    + [{"session_hash": None}, {"component_id": "x"}],
)
def test_what_is_no_question_is_refused_in_a_sentence(ask, wrong):
    refused = ask(**wrong)
    assert 400 <= refused.status_code < 500 and len(refused.text) < 300


@pytest.fixture
def page(chromium, served):
    """Return the page, whose glances are noted in `page.glances`."""
    page = chromium.new_page()
    page.glances = []
    page.on("request", lambda request: note(page.glances, request))
    page.goto(served.url)
    expect(page.locator("#pad .hint")).to_be_visible()
    yield page
    page.close()


def note(glances, request):
    """Note how many points a glance tells of."""
    if '"fn_name":"glance"' in (request.post_data or ""):
        strokes = json.loads(request.post_data)["data"]["strokes"]
        glances.append(sum(len(stroke["points"]) for stroke in strokes) // 2)


def half_a(page, digit):
    """Draw a digit, and do not lift the pen."""
    (*path,) = strokes_on(page, digit)[0]
    page.mouse.move(*path[0])
    page.mouse.down()
    for place in path[1:]:
        page.mouse.move(*place, steps=4)
        page.wait_for_timeout(60)


def test_the_answer_moves_while_a_stroke_is_drawn_and_the_evidence_at_its_end(page):
    half_a(page, 7)
    expect(page.locator("#answer [data-number]")).to_have_attribute("data-number", "7")
    expect(page.locator("#answer")).to_have_attribute("data-wait", "drawing")
    expect(page.locator("#evidence .heat")).to_have_count(0)
    page.mouse.up()
    expect(page.locator("#evidence .heat")).to_have_count(1)
    assert page.glances == sorted(page.glances)


def test_a_stroke_that_is_taken_back_leaves_no_answer(page):
    half_a(page, 7)
    expect(page.locator("#answer")).to_have_attribute("data-wait", "drawing")
    page.keyboard.press("Escape")
    expect(page.locator("#answer .waiting")).to_be_visible()
    page.mouse.up()


def test_far_away_there_are_few_glances_and_none_that_come_late(page):
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
    assert len(page.glances) <= 3
    reads(page, "7")
