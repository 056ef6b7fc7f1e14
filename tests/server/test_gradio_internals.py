"""Each private name of Gradio and Uvicorn works as expected on a launched page."""

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

from inkling.server import cleanup
from inkling.server import gradio_internals as internals
from inkling.server.cleanup import MAX_CLOSED_SESSIONS, SESSION_TTL_S
from inkling.server.launch import EVENT_CONCURRENCY, MAX_SESSIONS
from inkling.training.live_reader import PlaceholderReader


@pytest.fixture
def frequent_cleanup(monkeypatch):
    monkeypatch.setattr(cleanup, "CLEANUP_INTERVAL_S", 0.1)


@pytest.fixture
def demo(monkeypatch):
    """Return a launched page without a reader, whose queue never polls."""
    monkeypatch.setattr(internals, "QUEUE_POLL_S", 3_600)
    with serving(PlaceholderReader()) as served:
        yield served.demo


@pytest.fixture
def queue(demo):
    return internals.get_queue(demo)


def call(demo):
    """Call the endpoint without a picture; return the event's name."""
    url = f"{demo.local_url}gradio_api/call/predict"
    return httpx.post(url, json={"data": [None]}).json()["event_id"]


def fetch(demo, event):
    httpx.get(f"{demo.local_url}gradio_api/call/predict/{event}")


def find_state(demo):
    """Return the number of the component that holds a session's state."""
    return next(b._id for b in demo.blocks.values() if b.get_block_name() == "state")


def test_gradio_makes_no_other_folder_for_uploads(demo):
    assert demo.app.uploaded_file_dir == internals.gr.routes.DEFAULT_TEMP_DIR


def test_a_start_builds_one_app(monkeypatch):
    built, create = [], internals.App.create_app
    count = staticmethod(lambda *args, **kwargs: built.append(args) or create(*args, **kwargs))
    monkeypatch.setattr(internals.App, "create_app", count)
    with serving(PlaceholderReader()):
        assert len(built) == 1


def test_the_times_of_few_events_are_stored_and_rarely_tabulated(demo, queue):
    assert queue.ANALYTICS_MAX_EVENTS == 200 and queue.ANAYLTICS_CACHE_FREQUENCY == 1_000
    for _ in range(3):
        fetch(demo, call(demo))
    wait_until(lambda: queue.events_recorded >= 3)
    assert queue.cached_event_analytics_summary == {"functions": {}}


def test_the_queue_sleeps_until_an_event_arrives_or_ends(demo, queue):
    assert isinstance(queue.sleep_when_free, asyncio.Event)
    assert queue.progress_update_sleep_when_free == internals.QUEUE_POLL_S
    for event in [call(demo) for _ in range(2 * EVENT_CONCURRENCY + 1)]:
        fetch(demo, event)
        wait_until(lambda event=event: not internals.is_event(queue, event))


def test_a_filter_rejects_events_with_a_message(demo, queue):
    internals.filter_events(queue, lambda body: ("Not today.", "error"))
    response = httpx.post(f"{demo.local_url}gradio_api/call/predict", json={"data": [None]})
    assert response.status_code == 400 and "Not today." in response.text


def test_a_result_can_be_fetched_once(demo, queue):
    event = call(demo)
    assert internals.is_event(queue, event) and not internals.is_event(queue, "other")
    fetch(demo, event)
    wait_until(lambda: not internals.is_event(queue, event))


def test_queued_events_are_counted_by_session(demo, queue):
    queue.max_thread_count = 0  # no event starts
    queue.active_jobs.clear()
    names = {call(demo) for _ in range(3)}
    lines = queue.event_queue_per_concurrency_id.values()
    sessions = {event.session_hash for line in lines for event in line.queue}
    assert sum(internals.count_queued(queue, session) for session in sessions) == len(names) == 3
    assert internals.count_queued(queue, "other") == 0


def test_undelivered_messages_are_dropped_at_the_second_call(demo, queue):
    event, count = call(demo), internals.count_undelivered
    session = next(s for s, e in queue.pending_event_ids_session.items() if event in e)
    wait_until(lambda: count(queue, session) >= 2)
    found = internals.drop_undelivered(queue, {})
    assert count(queue, session) >= 2 and count(queue, "other") == 0
    internals.drop_undelivered(queue, found)
    assert count(queue, session) == 0 and not internals.is_event(queue, event)


def test_an_open_page_is_found_and_an_idle_connection_is_closed(demo):
    connections, close = internals.get_connections(demo), internals.close_idle_connections
    url = demo.local_url
    with httpx.stream("GET", f"{url}gradio_api/heartbeat/a-page", timeout=None) as page:
        wait_until(lambda: internals.find_open_sessions(connections) == {"a-page"})
        with httpx.Client() as client:
            client.get(f"{url}config")
            wait_until(lambda: len(close(connections, {})) == 1)  # earlier ones have ended
            idle = close(connections, {})
            assert len(idle) == 1
            close(connections, idle)
            wait_until(lambda: len(internals.get_connections(demo)) == 1)
        assert next(page.iter_lines()) is not None  # the open page stays connected
    wait_until(lambda: not internals.find_open_sessions(connections))


def test_only_sessions_of_closed_pages_are_dropped(demo):
    holder, state = demo.app.state_holder, find_state(demo)
    for session in ("open", "closed", "old", "program"):
        holder[session]
        if session != "program":
            holder[session][state]
    for session in ("open", "old"):
        holder.time_last_used[session] -= timedelta(seconds=SESSION_TTL_S + 1)
    internals.drop_sessions(demo.app, {"open"}, SESSION_TTL_S, max_closed=9)
    assert set(holder.session_data) == set(holder.time_last_used) == {"open", "closed"}
    holder["closed later"][state]
    internals.drop_sessions(demo.app, {"open"}, SESSION_TTL_S, max_closed=1)
    assert set(holder.session_data) == set(holder.time_last_used) == {"open", "closed later"}
    assert holder.capacity == MAX_SESSIONS > 3 * MAX_CLOSED_SESSIONS  # calls push no page out


def test_a_running_server_cleans_up(frequent_cleanup, demo, queue):
    holder, url = demo.app.state_holder, httpx.URL(demo.local_url)
    old = Path(demo.app.uploaded_file_dir) / "a" / "old.png"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"old")
    os.utime(old, (time.time() - 6 * 60,) * 2)
    demo.temp_file_sets[0].add(str(old))
    event = call(demo)  # its result is not fetched
    with httpx.stream("GET", f"{url}gradio_api/heartbeat/open", timeout=None):
        for session in ("open", "closed"):
            holder[session]
        with socket.create_connection((url.host, url.port), timeout=WAIT / 1000) as idle:
            assert idle.recv(1) == b""
        wait_until(lambda: not old.parent.exists() and not demo.temp_file_sets[0])
        wait_until(lambda: "closed" not in holder.session_data)
        wait_until(lambda: not internals.is_event(queue, event))
        assert "open" in holder.session_data


def test_names_of_uploads_are_dropped(demo, tmp_path):
    (tmp_path / "a.png").write_bytes(b"a")
    Client(demo.local_url, verbose=False).predict(None, api_name="/predict")
    demo.temp_file_sets[0].add(str(tmp_path / "a.png"))
    signals = internals.file_upload_statuses._signals
    signals.update({str(k): None for k in range(internals.MAX_TRACKED_UPLOADS + 1)})
    internals.drop_upload_names(demo)
    assert not any(demo.temp_file_sets) and not signals


def test_a_component_s_function_gets_its_session(demo):
    components = demo.get_config_file()["components"]
    component = next(c["id"] for c in components if c["props"].get("server_fns"))
    request = {"component_id": component, "fn_name": "read", "session_hash": "mine", "data": None}
    httpx.post(f"{demo.local_url}gradio_api/component_server/", json=request).raise_for_status()
    assert demo.app.state_holder["mine"][find_state(demo)].state.count == 1
