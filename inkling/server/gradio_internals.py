"""Everything that touches private names of Gradio 6.31 and Uvicorn, each with its reason.

Each function is tested against a page that is really launched: a new version of Gradio that breaks
one of them fails a test that names it.
"""

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

SESSION_LIMIT = 64  # characters of a session's name
IDLE_S = 0.5  # seconds between two looks of a queue that nothing wakes: not tuned
TRACKED = 1_000  # uploads whose progress Gradio may remember


def queue_of(demo: gr.Blocks) -> Queue:
    """Return the page's queue, whose length and contents are bounded here."""
    return demo._queue


def keep_uploads_together() -> None:
    """Have Gradio make no other folder than that of uploads, which would stay behind, empty.

    It makes one for each `gr.Blocks`, as named by the environment when Gradio was imported.
    """
    gr.routes.DEFAULT_TEMP_DIR = get_upload_folder()


@contextmanager
def without_app() -> Iterator[None]:
    """Have Gradio build no app: before `launch` builds one, it builds three that nobody uses."""
    create = App.create_app
    App.create_app = staticmethod(lambda *_, **__: None)  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        App.create_app = staticmethod(create)  # type: ignore[method-assign]


def do_not_reload_in_spaces() -> None:
    """Have Gradio not reload changed code where SPACE_ID is set: it can only with a package.

    Without `spaces`, as in a Space of another kind, a traceback would say so at each start.
    """
    try:
        version("spaces")
    except PackageNotFoundError:
        from gradio import http_server  # here: it takes a port and a name from the environment

        http_server.watchfn_spaces = lambda reloader: None  # noqa: ARG005


def measure_seldom(queue: Queue) -> None:
    """Have Gradio keep the times of few events, and tabulate them seldom: nobody sees its page."""
    queue.ANALYTICS_MAX_EVENTS = 200
    queue.ANAYLTICS_CACHE_FREQUENCY = 1_000


class Nap(float):
    """Seconds that the loop of a queue sleeps, unless it is woken meanwhile."""

    def __init__(self, _: float):
        """Begin asleep."""
        self.woken = asyncio.Event()


async def sleep(delay: float, result: Any = None) -> Any:
    """Sleep as `asyncio.sleep` does; a `Nap` ends early once it is woken, or at once if it was."""
    if not isinstance(delay, Nap):
        return await asyncio.sleep(delay, result)
    with suppress(TimeoutError):
        await asyncio.wait_for(delay.woken.wait(), float(delay))
    delay.woken.clear()
    return result


def wake_when_needed(queue: Queue) -> None:
    """Wake the loop that starts events when one comes or ends; Gradio's polls 1,000 times a second.

    It waits by `asyncio.sleep(queue.sleep_when_free)` alone.
    """
    nap = queue.sleep_when_free = Nap(IDLE_S)
    queue.progress_update_sleep_when_free = IDLE_S
    ours = vars(asyncio) | {"sleep": sleep}
    queueing.asyncio = SimpleNamespace(**ours)  # type: ignore[assignment]

    def then_wake(action: Callable) -> Any:
        async def act(*values: Any) -> Any:
            try:
                return await action(*values)
            finally:
                nap.woken.set()

        return act

    queue.push, queue.process_events = then_wake(queue.push), then_wake(queue.process_events)  # type: ignore[method-assign]


def judge_events(
    queue: Queue, judge: Callable[[PredictBodyInternal], tuple[str, str] | None]
) -> None:
    """Have each event judged before it joins the queue: it may be refused, with words and a code.

    Gradio bounds the queue's length alone, and asks nothing about who fills it with what.
    """
    push: Any = queue.push

    async def push_if_good(
        body: PredictBodyInternal, request: Request, username: str | None
    ) -> tuple[bool, Any, Any]:
        refused = judge(body)
        return (False, *refused) if refused else await push(body, request, username)

    queue.push = push_if_good  # type: ignore[method-assign, assignment]


def waiting(queue: Queue, session: str) -> int:
    """Return how many of a session's events wait in the queue."""
    lines = queue.event_queue_per_concurrency_id.values()
    return sum(event.session_hash == session for line in lines for event in line.queue)


def unread(queue: Queue, session: str) -> int:
    """Return how many messages wait for a session to fetch them: Gradio sets no limit."""
    messages = queue.pending_messages_per_session.get(session)
    return messages.qsize() if messages else 0


def is_event(queue: Queue, name: str) -> bool:
    """Tell whether there is an event of this name whose answer can still be fetched."""
    events = queue.pending_event_ids_session.values()  # until the last word is delivered
    return any(name in names for names in events)


async def find_session(request: Request, visitor: gr.State) -> tuple[str, Any]:
    """Return the session that a request to a component's function is of, and its `visitor`.

    Gradio gives such functions the request alone, whose body it has read.
    """
    session = (await request.json())["session_hash"]
    if len(session) > SESSION_LIMIT:
        raise HTTPException(400, "The session's name is too long.")
    return session, request.app.state_holder[session][visitor._id]


def drop_unread(queue: Queue, before: dict[str, object]) -> dict[str, object]:
    """Drop messages that nobody has fetched since the latest look: Gradio keeps them for ever.

    Returns the first message that waits for each session: what this look found.
    """
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


def connections_of(demo: gr.Blocks) -> set:
    """Return the server's open connections, as Uvicorn holds them."""
    return demo.server.server_state.connections


def open_pages(connections: set) -> set[str]:
    """Return the sessions whose pages are open: each one's heartbeat is a request in progress."""
    cycles = (c.cycle for c in connections if c.cycle and not c.cycle.response_complete)
    paths = (cycle.scope["path"].rpartition("/heartbeat/") for cycle in cycles)
    return {session for _, heartbeat, session in paths if heartbeat}


def hang_up(connections: set, before: dict[Any, object]) -> dict[Any, object]:
    """Close connections that have asked for nothing since the latest look.

    Uvicorn waits for the rest of a request's head, and reads what follows a refused one, for as
    long as a stranger likes. Returns the silent connections: what this look found.
    """
    silent = {c: c.cycle for c in connections if c.cycle is None or c.cycle.response_complete}
    for connection, cycle in silent.items():
        if before.get(connection, connection) is cycle:
            connection.transport.abort()
    return silent


def forget_sessions(app: App, open_now: set[str], remembered: float, most: int) -> None:
    """Forget sessions without an open page: at once if they hold nothing, others after a while.

    Gradio keeps a closed page's latest drawing, and its answer, until many other sessions came;
    each call of a program is a session, too, of 80 KB. Those of closed pages are remembered for so
    many seconds, the latest `most` of them.
    """
    holder, kept = app.state_holder, 0
    latest_first = sorted(holder.time_last_used.items(), key=lambda entry: entry[1], reverse=True)
    for session, used in latest_first:
        if session in open_now:
            continue
        state = holder.session_data.get(session)
        fresh = (datetime.now() - used).total_seconds() <= remembered
        if state and state.state_data and fresh and kept < most:
            kept += 1
        else:
            holder.time_last_used.pop(session, None)
            holder.session_data.pop(session, None)


def forget_uploads(demo: gr.Blocks) -> None:
    """Forget the names of uploads: Gradio notes each one, and forgets none."""
    for names in demo.temp_file_sets:
        names.clear()
    if len(file_upload_statuses._signals) > TRACKED:
        file_upload_statuses._signals.clear()
        file_upload_statuses._statuses.clear()
