"""Unfair and invalid events are rejected with a message."""

import asyncio
from types import SimpleNamespace

import pytest
from conftest import run
from gradio.data_classes import FileData

from inkling.server import gradio_internals, queue_admission
from inkling.server.queue_admission import has_foreign_file, limit_queue


class FakeQueue:
    """A queue whose one event has two inputs: any value, and a file."""

    def __init__(self):
        self.waiting = SimpleNamespace(queue=[])
        self.event_queue_per_concurrency_id = {"all": self.waiting}
        self.pending_messages_per_session = {}
        inputs = [SimpleNamespace(), SimpleNamespace(data_model=FileData)]
        self.blocks = SimpleNamespace(fns={0: SimpleNamespace(inputs=inputs)})

    def __len__(self):
        return len(self.waiting.queue)

    async def push(self, body, request, username):
        self.waiting.queue.append(body)
        return True, "", "success"


@pytest.fixture
def queue(tmp_path):
    """Return a limited queue."""
    queue = FakeQueue()
    limit_queue(queue, tmp_path)
    return queue


def push(queue, session="a", data=(None, None), event=0):
    body = SimpleNamespace(session_hash=session, data=list(data), fn_index=event)
    accepted, message, code = run(queue.push(body, None, None))
    assert accepted or message.endswith(".")
    if code == "error" and session == "a" and event == 0:  # invalid data
        assert message.endswith(queue_admission.CALL_HELP)
    return code


def test_one_session_gets_half_of_the_queue(queue):
    half = queue_admission.MAX_SESSION_EVENTS
    assert [push(queue) for _ in range(half + 1)] == ["success"] * half + ["queue_full"]
    second = [push(queue, session="b") for _ in range(half + 1)]
    assert second == ["success"] * half + ["queue_full"]
    assert push(queue, session="c") == "queue_full"
    assert len(queue) == queue_admission.MAX_QUEUED_EVENTS


def test_a_session_that_fetches_no_results_gets_no_more(queue):
    messages = asyncio.Queue()
    queue.pending_messages_per_session["a"] = messages
    for _ in range(queue_admission.MAX_UNDELIVERED):
        messages.put_nowait("result")
    assert push(queue) == "success"
    messages.put_nowait("one more")
    assert push(queue) == "queue_full" and push(queue, session="b") == "success"


@pytest.mark.parametrize(
    "event",
    [{"session": "a" * (gradio_internals.MAX_SESSION_NAME_CHARS + 1)}, {"event": 9}]
    + [{"event": None}, {"data": []}, {"data": [None]}, {"data": [None, None, None]}]
    + [{"data": [None, file]} for file in ({"path": "/etc/passwd"}, "seven.png", {})],
    ids=str,
)
def test_an_invalid_event_is_rejected(queue, event):
    assert push(queue, **event) == "error" and len(queue) == 0


def test_the_path_of_an_upload_needs_no_type_mark(queue, tmp_path):
    data = [{"path": str(tmp_path / "a")}, {"path": str(tmp_path / "seven.png")}]
    assert push(queue, data=data) == "success"
    assert push(queue, data=[None, data[0] | {"meta": {"_type": "something else"}}]) == "error"
    assert "meta" not in data[0] and data[1]["meta"] == {"_type": "gradio.FileData"}


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "http://a.example/b.png", "file:///etc/passwd", "../secret.png", "\0", "", 3]
    + [None, ["a"], "a" * 5_000, "data:image/png;base64,", "C:\\secret.png", "{uploads}/../secret"],
)
def test_other_paths_are_foreign(tmp_path, path):
    path = path.format(uploads=tmp_path) if isinstance(path, str) else path
    assert has_foreign_file([None, {"a": [{"path": path}]}], tmp_path)


def test_uploads_and_other_values_are_not_foreign(tmp_path):
    upload = {"path": str(tmp_path / "a" / "seven.png"), "url": "http://a.example/b.png"}
    assert not has_foreign_file([upload, "data:image/png;base64,", 3, None, {"a": {}}], tmp_path)
