"""All code that uses private names of Gradio 6.31 and Uvicorn, tested on a launched page."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from types import SimpleNamespace
from typing import Any

import gradio as gr
from gradio import queueing
from gradio.data_classes import PredictBodyInternal
from gradio.queueing import Queue
from gradio.routes import App, file_upload_statuses
from gradio.utils import get_upload_folder
from starlette.exceptions import HTTPException
from starlette.requests import Request

MAX_SESSION_NAME_CHARS = 64  # Gradio's page uses 11
QUEUE_POLL_S = 0.5  # seconds between two polls of a queue without events: not tuned
MAX_TRACKED_UPLOADS = 1_000  # uploads whose progress Gradio may remember


def get_queue(demo: gr.Blocks) -> Queue:
    """Return the page's queue."""
    return demo._queue


def share_upload_folder() -> None:
    """Make each `gr.Blocks` use the folder of uploads: its own would stay behind, empty."""
    gr.routes.DEFAULT_TEMP_DIR = get_upload_folder()


@contextmanager
def skip_app_creation() -> Iterator[None]:
    """Make Gradio build no app: before `launch` builds one, it builds three unused ones."""
    create = App.create_app
    App.create_app = staticmethod(lambda *_, **__: None)  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        App.create_app = staticmethod(create)  # type: ignore[method-assign]


def disable_spaces_reload() -> None:
    """Stop reloading code where SPACE_ID is set without `spaces`: it would print a traceback."""
    try:
        version("spaces")
    except PackageNotFoundError:
        from gradio import http_server  # here: it reads port and host from the environment

        http_server.watchfn_spaces = lambda reloader: None  # noqa: ARG005


def reduce_analytics(queue: Queue) -> None:
    """Make Gradio store the times of few events and rarely tabulate them: its page is closed."""
    queue.ANALYTICS_MAX_EVENTS = 200
    queue.ANAYLTICS_CACHE_FREQUENCY = 1_000


async def sleep(delay: float | asyncio.Event) -> None:
    """Sleep for a number of seconds, or `QUEUE_POLL_S` or less, until an event is set."""
    if not isinstance(delay, asyncio.Event):
        return await asyncio.sleep(delay)
    with suppress(TimeoutError):
        await asyncio.wait_for(delay.wait(), QUEUE_POLL_S)
    delay.clear()


def wake_on_events(queue: Queue) -> None:
    """Wake the loop that starts events when one arrives or ends: it polls 1,000 times a second."""
    woken: Any = asyncio.Event()
    queue.sleep_when_free, queue.progress_update_sleep_when_free = woken, QUEUE_POLL_S
    patched = vars(asyncio) | {"sleep": sleep}
    queueing.asyncio = SimpleNamespace(**patched)  # type: ignore[assignment]

    def then_wake(method: Callable) -> Any:
        async def call(*args: Any, **named: Any) -> Any:
            try:
                return await method(*args, **named)
            finally:
                woken.set()

        return call

    queue.push, queue.process_events = then_wake(queue.push), then_wake(queue.process_events)  # type: ignore[method-assign]


def filter_events(queue: Queue, find_fault: Callable) -> None:
    """Reject events for which `find_fault(body)` returns a message and a code, not None."""
    push: Any = queue.push

    async def push_valid(body: PredictBodyInternal, *details: Any, **named: Any) -> Any:
        fault = find_fault(body)
        return (False, *fault) if fault else await push(body, *details, **named)

    queue.push = push_valid  # type: ignore[method-assign, assignment]


def count_queued(queue: Queue, session: str) -> int:
    """Return the number of a session's events in the queue."""
    lines = queue.event_queue_per_concurrency_id.values()
    return sum(event.session_hash == session for line in lines for event in line.queue)


def count_undelivered(queue: Queue, session: str) -> int:
    """Return the number of messages that a session has not fetched: Gradio sets no limit."""
    messages = queue.pending_messages_per_session.get(session)
    return messages.qsize() if messages else 0


def is_event(queue: Queue, name: str) -> bool:
    """Return whether there is an event of this name whose result can still be fetched."""
    events = queue.pending_event_ids_session.values()  # until the last message is delivered
    return any(name in names for names in events)


async def find_session(request: Request, state: gr.State) -> tuple[str, Any]:
    """Return the name and the `state` of the session that calls a component's function."""
    name = (await request.json())["session_hash"]
    if len(name) > MAX_SESSION_NAME_CHARS:
        raise HTTPException(400, "The session's name is too long.")
    return name, request.app.state_holder[name][state._id]


def drop_undelivered(queue: Queue, before: dict[str, object]) -> dict[str, object]:
    """Drop messages not fetched since the previous call, which returned them; Gradio never does."""
    found = {
        session: messages._queue[0]  # type: ignore[attr-defined]
        for session, messages in queue.pending_messages_per_session.items()
        if messages.qsize()
    }
    for session, first in found.items():
        if before.get(session) is first:
            queue.pending_messages_per_session[session]._queue.clear()  # type: ignore[attr-defined]
            queue.pending_event_ids_session.get(session, set()).clear()
    for session in [s for s, events in queue.pending_event_ids_session.items() if not events]:
        if session not in queue.pending_messages_per_session:
            del queue.pending_event_ids_session[session]
    return found


def get_connections(demo: gr.Blocks) -> set:
    """Return the server's open connections, as Uvicorn holds them."""
    return demo.server.server_state.connections


def find_open_sessions(connections: set) -> set[str]:
    """Return the sessions whose pages are open: each holds a heartbeat request open."""
    cycles = (c.cycle for c in connections if c.cycle and not c.cycle.response_complete)
    paths = (cycle.scope["path"].rpartition("/heartbeat/") for cycle in cycles)
    return {session for _, heartbeat, session in paths if heartbeat}


def close_idle_connections(connections: set, before: dict[Any, object]) -> dict[Any, object]:
    """Close connections without a request since the previous call, which returned them.

    Uvicorn has no timeout for an incomplete request head, or for data after a rejected request.
    """
    idle = {c: c.cycle for c in connections if c.cycle is None or c.cycle.response_complete}
    for connection, cycle in idle.items():
        if before.get(connection, connection) is cycle:
            connection.transport.abort()
    return idle


def drop_sessions(app: App, open_sessions: set[str], ttl_s: float, max_closed: int) -> None:
    """Drop sessions of closed pages except the latest `max_closed`, empty ones at once.

    Gradio keeps a closed page's results, and 80 KB for each call of a program, too long.
    """
    holder, kept = app.state_holder, 0
    latest_first = sorted(holder.time_last_used.items(), key=lambda entry: entry[1], reverse=True)
    for session, used in latest_first:
        if session in open_sessions:
            continue
        state = holder.session_data.get(session)
        is_fresh = (datetime.now() - used).total_seconds() <= ttl_s
        if state and state.state_data and is_fresh and kept < max_closed:
            kept += 1
        else:
            holder.time_last_used.pop(session, None)
            holder.session_data.pop(session, None)


def drop_upload_names(demo: gr.Blocks) -> None:
    """Drop the names of uploads, which Gradio would store for ever."""
    for names in demo.temp_file_sets:
        names.clear()
    if len(file_upload_statuses._signals) > MAX_TRACKED_UPLOADS:
        file_upload_statuses._signals.clear()
        file_upload_statuses._statuses.clear()
