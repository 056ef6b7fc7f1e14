"""Which events join the queue, and which are refused in words."""

import asyncio
from types import SimpleNamespace

import pytest
from conftest import run
from gradio.data_classes import FileData

from inkling.server import gradio_internals, queue_admission
from inkling.server.queue_admission import has_foreign_file, limit_queue


class FakeQueue:
    """Holds what it is given; its one event takes anything, and a file."""

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
    """Return a watched queue."""
    queue = FakeQueue()
    limit_queue(queue, tmp_path)
    return queue


def push(queue, session="a", data=(None, None), event=0):
    body = SimpleNamespace(session_hash=session, data=list(data), fn_index=event)
    accepted, said, why = run(queue.push(body, None, None))
    assert accepted or said.endswith(".")
    return why


def test_one_session_fills_half_of_the_queue_and_all_fill_it(queue):
    half = queue_admission.MAX_SESSION_EVENTS
    assert [push(queue) for _ in range(half + 1)] == ["success"] * half + ["queue_full"]
    answers = [push(queue, session="mine") for _ in range(half + 1)]
    assert answers == ["success"] * half + ["queue_full"]
    assert push(queue, session="yours") == "queue_full"
    assert len(queue) == queue_admission.MAX_QUEUED_EVENTS


def test_who_fetches_no_answers_gets_no_more(queue):
    messages = asyncio.Queue()
    queue.pending_messages_per_session["a"] = messages
    for _ in range(queue_admission.MAX_UNDELIVERED):
        messages.put_nowait("answer")
    assert push(queue) == "success"
    messages.put_nowait("one more")
    assert push(queue) == "queue_full" and push(queue, session="b") == "success"


@pytest.mark.parametrize(
    "event",
    [
        {"session": "a" * (gradio_internals.MAX_SESSION_NAME_CHARS + 1)},
        {"event": 9},
        {"event": None},
        {"data": []},
        {"data": [None]},
        {"data": [None, None, None]},
        {"data": [None, {"path": "/etc/passwd"}]},
        {"data": [None, "seven.png"]},
        {"data": [None, {}]},
    ],
    ids=str,
)
def test_an_event_that_no_page_sends_is_refused(queue, event):
    assert push(queue, **event) == "error" and len(queue) == 0


def test_who_sends_too_little_or_no_upload_is_told_what_to_send(queue, tmp_path):
    mark = {"_type": "something else"}
    wrong = [[], [None], [None] * 3, [None, "seven.png"], [None, {"path": "/etc/passwd"}]]
    for data in [*wrong, [None, {"path": str(tmp_path / "seven.png"), "meta": mark}]]:
        body = SimpleNamespace(session_hash="a", data=data, fn_index=0)
        _, said, _ = run(queue.push(body, None, None))
        assert said.endswith(queue_admission.CALL_HELP)


def test_the_path_of_an_upload_needs_no_mark(queue, tmp_path):
    data = [{"path": str(tmp_path / "a")}, {"path": str(tmp_path / "seven.png")}]
    assert push(queue, data=data) == "success"
    assert "meta" not in data[0] and data[1]["meta"] == {"_type": "gradio.FileData"}


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "http://a.example/b.png", "file:///etc/passwd", "../secret.png", "\0", "", 3]
    + [None, ["a"], "a" * 5_000, "data:image/png;base64,", "C:\\secret.png", "{uploads}/../secret"],
)
def test_only_paths_of_uploads_are_let_in(tmp_path, path):
    path = path.format(uploads=tmp_path) if isinstance(path, str) else path
    assert has_foreign_file([None, {"a": [{"path": path}]}], tmp_path)


def test_uploads_and_whatever_else_is_no_path_are_let_in(tmp_path):
    upload = {"path": str(tmp_path / "a" / "seven.png"), "url": "http://a.example/b.png"}
    assert not has_foreign_file([upload, "data:image/png;base64,", 3, None, {"a": {}}], tmp_path)
