"""What is left behind is removed: uploads, answers nobody fetches, connections that are silent."""

import asyncio
import contextlib
import os
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from conftest import line, run
from playwright.sync_api import expect

import app
from inkling.recognition.reader import Reader
from inkling.server import launch, queue_admission
from inkling.server.launch import drop_unread, hang_up, sweep
from inkling.server.request_limits import STALL
from inkling.ui.live_reader import NoReader

NOW = 1_000_000.0


def upload(folder, name, age, size=10):
    """Lay a file where Gradio would, in a folder of its own."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)
    for part in (path, path.parent):
        os.utime(part, (NOW - age, NOW - age))
    return path


def test_uploads_are_kept_for_minutes_and_then_removed_with_their_folders(tmp_path):
    new, old = upload(tmp_path, "a/new.png", 1), upload(tmp_path, "b/old.png", launch.KEPT + 1)
    sweep(tmp_path, NOW)
    assert new.exists() and not old.parent.exists()


def test_cut_off_uploads_go_first(tmp_path):
    running, cut = upload(tmp_path, "tmp1", STALL), upload(tmp_path, "tmp2", 2 * STALL + 1)
    named_so = upload(tmp_path, "a/tmp3", 2 * STALL + 1)
    sweep(tmp_path, NOW)
    assert running.exists() and named_so.exists() and not cut.exists()


def test_the_oldest_go_when_there_are_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "KEPT_ENTRIES", 6)
    paths = [upload(tmp_path, f"{age}/x.png", age) for age in range(1, 11)]
    sweep(tmp_path, NOW)
    assert [path.exists() for path in paths] == [True] * 3 + [False] * 7
    assert len(list(tmp_path.rglob("*"))) == 6


def test_the_oldest_go_when_they_are_too_large(tmp_path, monkeypatch):
    paths = [upload(tmp_path, f"{age}/x.png", age, launch.KEPT_BYTES // 4) for age in range(1, 8)]
    sweep(tmp_path, NOW)
    assert [path.exists() for path in paths] == [True] * 3 + [False] * 4


def test_sweeping_outlives_files_that_vanish(tmp_path, monkeypatch):
    gone = upload(tmp_path, "a/x.png", launch.KEPT + 1)
    also = upload(tmp_path, "b/y.png", launch.KEPT + 1)
    unlink = launch.Path.unlink

    def vanishing(path):
        gone.exists() and unlink(gone)
        unlink(path)

    monkeypatch.setattr(launch.Path, "unlink", vanishing)
    sweep(tmp_path, NOW)
    assert not also.exists() and not gone.exists()
    sweep(tmp_path / "no folder", NOW)


def test_tidying_goes_on_after_an_error(tmp_path, monkeypatch, capsys):
    swept = []

    def fails_once(folder, now):
        swept.append(folder)
        if len(swept) == 1:
            raise RuntimeError("changed size during iteration")
        raise asyncio.CancelledError

    monkeypatch.setattr(launch, "TIDYING", 0)
    monkeypatch.setattr(launch, "sweep", fails_once)
    app = SimpleNamespace(get_blocks=SimpleNamespace, uploaded_file_dir=str(tmp_path))
    with pytest.raises(asyncio.CancelledError):
        run(launch.tidy(app))
    assert swept == [tmp_path] * 2 and "changed size" in capsys.readouterr().err


def test_messages_that_nobody_fetches_are_dropped_at_the_second_look():
    def messages(*texts):
        queue = asyncio.Queue()
        for text in texts:
            queue.put_nowait(text)
        return queue

    sessions = {"reads": messages("a", "b"), "gone": messages("c"), "none": messages()}
    events = {"reads": {1}, "gone": {2}, "ended": set()}
    queue = SimpleNamespace(pending_messages_per_session=sessions, pending_event_ids_session=events)
    found = drop_unread(queue, {})
    assert sessions["reads"].qsize() == 2 and "ended" not in events
    sessions["reads"].get_nowait()
    drop_unread(queue, found)
    assert [sessions[name].qsize() for name in sessions] == [1, 0, 0]
    assert events == {"reads": {1}, "gone": set()}


class Connection:
    """A connection, and whether it has been closed."""

    def __init__(self, cycle):
        self.cycle, self.closed = cycle, False
        self.transport = SimpleNamespace(abort=lambda: setattr(self, "closed", True))


def test_connections_that_say_nothing_are_closed_at_the_second_look():
    done, running = (SimpleNamespace(response_complete=complete) for complete in (True, False))
    silent, busy, dribbling, asks = (Connection(cycle) for cycle in (None, running, done, None))
    everyone = {silent, busy, dribbling, asks}
    found = hang_up(everyone, {})
    assert not any(connection.closed for connection in everyone)
    asks.cycle = running
    new = Connection(None)
    hang_up(everyone | {new}, found)
    assert silent.closed and dribbling.closed
    assert not (busy.closed or asks.closed or new.closed)


def request(path, complete=False):
    """Return a connection with a request in progress, or answered already."""
    return Connection(SimpleNamespace(scope={"path": path}, response_complete=complete))


def test_a_session_is_forgotten_minutes_after_its_page_is_closed():
    long_ago = datetime.now() - timedelta(seconds=launch.REMEMBERED + 1)
    used = {"open": long_ago, "closed": long_ago, "program": datetime.now()}
    holder = SimpleNamespace(time_last_used=used, session_data=dict.fromkeys(used))
    launch.forget(holder, open_now={"open"})
    assert list(holder.session_data) == list(used) == ["open", "program"]


def test_pages_that_are_open_are_forgotten_last():
    connections = {
        request("/gradio_api/heartbeat/a"),
        request("/gradio_api/heartbeat/b"),
        request("/gradio_api/heartbeat/gone", complete=True),
        request("/gradio_api/queue/data"),
        Connection(None),
    }
    assert launch.open_pages(connections) == {"a", "b"}
    state = SimpleNamespace(connections=connections)
    blocks = SimpleNamespace(server=SimpleNamespace(server_state=state))
    sessions = launch.Sessions(lambda: blocks)
    sessions.update(a=1, program=2, b=3, gone=4, latest=5)
    forgotten = [sessions.popitem(last=False) for _ in range(4)]
    assert forgotten == [("program", 2), ("gone", 4), ("a", 1), ("b", 3)]
    assert dict(sessions) == {"latest": 5}


@contextlib.contextmanager
def served(reader):
    """Serve a page with this reader."""
    source = SimpleNamespace(reader=reader, progress=None, learning=False, again=False, failure="")
    demo = app.build_demo(source)
    launch.launch(demo)
    yield demo
    demo.close(verbose=False)


@pytest.fixture
def page():
    """Return a served page's address; its reader is never asked."""
    with served(NoReader("Not yet.")) as demo:
        yield demo.local_url


def test_what_a_page_was_taught_outlives_its_session(chromium):
    with served(Reader.load()) as demo:
        opened = chromium.new_page()
        opened.goto(demo.local_url)
        for known, way in ((1, (0, 90)), (2, (90, 20))):
            line(opened, way)
            opened.get_by_role("button", name=f"It is a {known}").click(timeout=30_000)
            knows = opened.locator("#lessons .known")
            expect(knows).to_contain_text(f"knows {known} of", timeout=30_000)
            demo.app.state_holder.session_data.clear()
            opened.locator("[data-tool=clear]").click()
            expect(opened.get_by_role("button", name="It is a 3")).to_have_count(0, timeout=30_000)
        opened.close()


def test_who_comes_when_the_queue_is_full_is_told_so_at_once_and_read_later(
    page, chromium, monkeypatch
):
    opened = chromium.new_page()
    opened.goto(page)
    expect(opened.locator("#pad .hint")).to_be_visible(timeout=30_000)
    expect(opened.get_by_text("Loading...", exact=True)).to_have_count(0)
    monkeypatch.setattr(queue_admission, "QUEUE", 0)
    with opened.expect_response(lambda told: "queue/join" in told.url and told.status == 503):
        line(opened)
    expect(opened.get_by_text("busy. Please try again.").last).to_be_visible(timeout=1_000)
    monkeypatch.setattr(queue_admission, "QUEUE", 32)
    expect(opened.locator("#answer")).to_contain_text("Not yet.", timeout=30_000)
    opened.close()


def test_the_page_about_the_endpoint_is_complete(page, chromium):
    opened = chromium.new_page()
    opened.goto(page)
    opened.get_by_role("button", name="Use via API").click()
    expect(opened.get_by_text("gradio_client").first).to_be_visible(timeout=30_000)
    expect(opened.get_by_text("/predict").first).to_be_visible()
    opened.close()
