"""Each private name of Gradio's and Uvicorn's that is touched does what it is touched for.

The page is really launched, so that a new version that breaks one of them fails here.
"""

import asyncio
import os
import socket
import time
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from conftest import WAIT, serving, wait_until
from gradio_client import Client

from inkling.recognition.reading import Reading
from inkling.server import cleanup
from inkling.server import gradio_internals as internals
from inkling.server.cleanup import MAX_CLOSED_SESSIONS, SESSION_TTL_S
from inkling.server.launch import EVENT_CONCURRENCY, MAX_SESSIONS


class Held:
    """A reader that answers once it may."""

    description: dict = {}  # noqa: RUF012
    gallery = None

    def __init__(self):
        self.may = asyncio.Event()

    def ask(self, function, *values):
        return function(*values, self)

    def read_file(self, path):
        return Reading()


@pytest.fixture
def tidy_often(monkeypatch):
    """Have what is left behind removed as soon as it may be."""
    monkeypatch.setattr(cleanup, "CLEANUP_INTERVAL_S", 0.1)


@pytest.fixture
def demo(monkeypatch):
    """Return a launched page, which nobody tidies but the test; its queue never looks unwoken."""
    monkeypatch.setattr(internals, "QUEUE_POLL_S", 3_600)
    with serving(Held()) as served:
        yield served.demo


def call(demo):
    """Ask the endpoint about nothing; return the event's name, whose answer nobody fetches yet."""
    url = f"{demo.local_url}gradio_api/call/predict"
    return httpx.post(url, json={"data": [None]}).json()["event_id"]


def test_no_folder_of_gradio_s_own_is_made_for_uploads(demo):
    assert demo.app.uploaded_file_dir == internals.gr.routes.DEFAULT_TEMP_DIR


def test_a_start_builds_one_app_and_no_others_that_nobody_uses(monkeypatch):
    built, create = [], internals.App.create_app
    count = staticmethod(lambda *v, **k: built.append(v) or create(*v, **k))
    monkeypatch.setattr(internals.App, "create_app", count)
    with serving(Held()):
        assert len(built) == 1


def test_the_times_of_few_events_are_kept_and_tabulated_seldom(demo):
    queue = internals.get_queue(demo)
    assert queue.ANALYTICS_MAX_EVENTS == 200 and queue.ANAYLTICS_CACHE_FREQUENCY == 1_000
    for _ in range(3):
        httpx.get(f"{demo.local_url}gradio_api/call/predict/{call(demo)}")
    wait_until(lambda: queue.events_recorded >= 3)
    assert queue.cached_event_analytics_summary == {"functions": {}}


def test_the_queue_sleeps_until_an_event_comes_or_ends(demo):
    names = ("sleep_when_free", "progress_update_sleep_when_free")
    usual, queue = internals.get_queue(internals.gr.Blocks().queue()), internals.get_queue(demo)
    for name in names:  # they are what Gradio sleeps for
        assert getattr(queue, name) > getattr(usual, name)
    for event in [call(demo) for _ in range(2 * EVENT_CONCURRENCY + 1)]:
        httpx.get(f"{demo.local_url}gradio_api/call/predict/{event}")
        wait_until(lambda event=event: not internals.is_event(queue, event))


def test_a_judge_may_refuse_an_event_in_words(demo):
    queue = internals.get_queue(demo)
    internals.filter_events(queue, lambda body: ("Not today.", "error"))
    answer = httpx.post(f"{demo.local_url}gradio_api/call/predict", json={"data": [None]})
    assert answer.status_code == 400 and "Not today." in answer.text


def test_an_answer_can_be_fetched_once(demo):
    queue, event = internals.get_queue(demo), call(demo)
    assert internals.is_event(queue, event) and not internals.is_event(queue, "other")
    httpx.get(f"{demo.local_url}gradio_api/call/predict/{event}")
    wait_until(lambda: not internals.is_event(queue, event))


def test_events_that_wait_are_counted_by_session(demo):
    queue = internals.get_queue(demo)
    queue.max_thread_count = 0  # nothing is begun
    queue.active_jobs.clear()
    names = {call(demo) for _ in range(3)}
    lines = queue.event_queue_per_concurrency_id.values()
    sessions = {event.session_hash for line in lines for event in line.queue}
    assert sum(internals.count_queued(queue, session) for session in sessions) == len(names) == 3
    assert internals.count_queued(queue, "other") == 0


def test_messages_that_nobody_fetches_are_dropped_at_the_second_look(demo):
    queue, event = internals.get_queue(demo), call(demo)
    session = next(s for s, e in queue.pending_event_ids_session.items() if event in e)
    wait_until(lambda: internals.count_undelivered(queue, session) >= 2)
    found = internals.drop_undelivered(queue, {})
    assert (
        internals.count_undelivered(queue, session) >= 2
        and internals.count_undelivered(queue, "other") == 0
    )
    internals.drop_undelivered(queue, found)
    assert internals.count_undelivered(queue, session) == 0 and not internals.is_event(queue, event)


def test_an_open_page_is_known_and_a_silent_connection_is_closed(demo):
    connections = internals.get_connections(demo)
    url = demo.local_url
    with httpx.stream("GET", f"{url}gradio_api/heartbeat/a-page", timeout=None) as page:
        wait_until(lambda: internals.find_open_sessions(connections) == {"a-page"})
        with httpx.Client() as client:
            client.get(f"{url}config")
            wait_until(
                lambda: len(internals.close_idle_connections(connections, {})) == 1
            )  # those before are gone
            found = internals.close_idle_connections(connections, {})
            assert len(found) == 1
            internals.close_idle_connections(connections, found)
            wait_until(lambda: len(internals.get_connections(demo)) == 1)
        assert next(page.iter_lines()) is not None  # the page that is open stays so
    wait_until(lambda: not internals.find_open_sessions(connections))


def test_sessions_are_forgotten_but_not_those_of_open_pages(demo):
    holder = demo.app.state_holder
    visitor = next(b._id for b in demo.blocks.values() if b.get_block_name() == "state")
    for session in ("open", "closed", "left long ago", "program"):
        holder[session]
        if session != "program":
            holder[session][visitor]
    for session in ("open", "left long ago"):
        holder.time_last_used[session] -= timedelta(seconds=SESSION_TTL_S + 1)
    internals.drop_sessions(demo.app, {"open"}, SESSION_TTL_S, max_closed=9)
    assert set(holder.session_data) == set(holder.time_last_used) == {"open", "closed"}
    holder["closed later"][visitor]
    internals.drop_sessions(demo.app, {"open"}, SESSION_TTL_S, max_closed=1)
    assert set(holder.session_data) == set(holder.time_last_used) == {"open", "closed later"}
    assert holder.capacity == MAX_SESSIONS > 3 * MAX_CLOSED_SESSIONS  # many calls push no page out


def test_a_server_that_runs_removes_all_that_is_left_behind(tidy_often, demo):
    queue, holder = internals.get_queue(demo), demo.app.state_holder
    url = httpx.URL(demo.local_url)
    old = Path(demo.app.uploaded_file_dir) / "a" / "old.png"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"old")
    os.utime(old, (time.time() - 6 * 60,) * 2)
    demo.temp_file_sets[0].add(str(old))
    event = call(demo)  # whose answer nobody fetches
    with httpx.stream("GET", f"{url}gradio_api/heartbeat/pausing", timeout=None):
        for session in ("pausing", "left long ago"):
            holder[session]
        with socket.create_connection((url.host, url.port), timeout=WAIT / 1000) as silent:
            assert silent.recv(1) == b""
        wait_until(lambda: not old.parent.exists() and not demo.temp_file_sets[0])
        wait_until(lambda: "left long ago" not in holder.session_data)
        wait_until(lambda: not internals.is_event(queue, event))
        assert "pausing" in holder.session_data  # its page is open


def test_names_of_uploads_are_forgotten(demo, tmp_path):
    (tmp_path / "a.png").write_bytes(b"a")
    Client(demo.local_url, verbose=False).predict(None, api_name="/predict")
    demo.temp_file_sets[0].add(str(tmp_path / "a.png"))
    signals = internals.file_upload_statuses._signals
    signals.update({str(k): None for k in range(internals.MAX_TRACKED_UPLOADS + 1)})
    internals.drop_upload_names(demo)
    assert not any(demo.temp_file_sets) and not signals


def test_who_asks_a_part_of_the_page_is_known_by_the_session(demo):
    known, parts = demo.app.state_holder, demo.get_config_file()["components"]
    part = next(part["id"] for part in parts if part["props"].get("server_fns"))
    question = {"component_id": part, "fn_name": "read", "session_hash": "asks", "data": None}
    httpx.post(f"{demo.local_url}gradio_api/component_server/", json=question).raise_for_status()
    visitor = next(b for b in demo.blocks.values() if b.get_block_name() == "state")
    assert known["asks"][visitor._id].state.count == 1
