"""A page becomes a server that strangers may reach, and that stays tidy as long as it runs.

What may come in is limited by `request_limits.py`; here what is left behind is removed: uploads,
answers that nobody fetches, connections that say nothing.
"""

import asyncio
import contextlib
import io
import logging
import os
import sys
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

import cv2
import gradio as gr
from fastapi.exceptions import RequestValidationError
from gradio.queueing import Queue
from gradio.routes import App, file_upload_statuses
from gradio.state_holder import StateHolder
from gradio.utils import get_upload_folder
from starlette.middleware import Middleware

from inkling.server.address import LOOPBACK, direct, environment
from inkling.server.api_examples import Usage
from inkling.server.endpoint_calls import say_what_is_wrong
from inkling.server.queue_admission import QUEUE, Gate, is_event, is_full, watch_queue
from inkling.server.request_limits import STALL, UPLOAD_LIMIT, Guard

AT_ONCE = max(2, min(8, os.cpu_count() or 2))  # events; the rest waits in the queue
THREADS = 8
SESSIONS = 200  # of which the server remembers the latest picture
STATUS_RATE = 5.0  # seconds between two words to those who wait
TIDYING = 10.0  # seconds between two looks at what is left behind
KEPT = 300.0  # seconds that an upload is kept
REMEMBERED = 900.0  # seconds that a session is, once its page is closed
KEPT_BYTES = 256 * 2**20  # of all uploads
KEPT_ENTRIES = 1_200  # files and folders of uploads; between two looks there may be more
TRACKED = 1_000  # uploads whose progress Gradio may remember


def launch(
    demo: gr.Blocks,
    port: int = 0,
    share: bool = False,
    auth: tuple[str, str] | None = None,
    host: str = LOOPBACK,
    css_paths: Sequence[Path] = (),
) -> tuple[str, str | None]:
    """Start serving the page, with the settings that a page open to strangers needs.

    Without a `port` it takes the first free one from 7860 on. With `auth`, a user and a password,
    nobody else gets in. Returns the page's address, and its public link if one was asked for and
    could be had.
    """
    uploads = Path(get_upload_folder()).resolve()
    gr.routes.DEFAULT_TEMP_DIR = str(uploads)  # where else an empty folder would stay behind
    for event in demo.fns.values():  # one line for all: what is limited is the machine
        event.concurrency_id, event.concurrency_limit = "all", AT_ONCE
    cv2.setNumThreads(1)  # of each event: they share the cores already
    # else whoever waits is told so, whenever an event begins; the page does not show it
    demo.queue(api_open=False, max_size=QUEUE, status_update_rate=STATUS_RATE)
    watch_queue(demo._queue, uploads)
    # Gradio prints paragraphs about share links, looks at its own page once, and tries ports at the
    # address that the environment names, which it cannot for one of IPv6
    told = environment(GRADIO_SERVER_NAME=None, GRADIO_SERVER_PORT=None)
    with contextlib.redirect_stdout(io.StringIO()), direct(host), told:
        _, url, public = demo.launch(
            server_name=f"[{host}]" if ":" in host else host,
            server_port=port or None,
            share=share,
            auth=Gate(*auth).admits if auth else None,
            prevent_thread_lock=True,
            quiet=True,
            css_paths=list(css_paths),
            theme=gr.themes.Soft(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
            max_file_size=UPLOAD_LIMIT,
            max_threads=THREADS,
            state_session_capacity=SESSIONS,
            enable_monitoring=False,
            run_history=False,
            ssr_mode=False,
            num_workers=0,  # they would serve files without the guard
            mcp_server=False,
            show_error=False,
            footer_links=["api"],
            app_kwargs={
                "middleware": [
                    Middleware(
                        Guard,
                        uploads=uploads,
                        is_full=partial(is_full, demo._queue),
                        is_event=partial(is_event, demo._queue),
                    ),
                    Middleware(Usage),
                ],
                "exception_handlers": {RequestValidationError: say_what_is_wrong},
                "lifespan": tidied,
            },
        )
    for name in ("python_multipart", "uvicorn.error"):  # strangers could fill a log; see `Guard`
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for every, one in (("//localhost:", f"//{LOOPBACK}:"), ("//[::]:", "//[::1]:")):
        url = url.replace(every, one)  # "every address" is none that a browser can open
    return url, public


@contextlib.asynccontextmanager
async def tidied(app: App) -> AsyncIterator[None]:
    """Keep a server tidy from its start to its end."""
    app.state_holder.session_data = Sessions(app.get_blocks)
    tidying = asyncio.create_task(tidy(app))
    yield
    tidying.cancel()


class Sessions(OrderedDict):
    """What is remembered of each session; of too many those are forgotten first without a page.

    Each call of a program is a session, too: many would make the server forget who only pauses.
    """

    def __init__(self, get_blocks: Callable[[], gr.Blocks]):
        """Begin with none, on the server of what `get_blocks` returns."""
        super().__init__()
        self.get_blocks = get_blocks

    def popitem(self, last: bool = True) -> tuple:
        """Forget one session, and return it: by default the latest, else one that is not needed."""
        if last:
            return super().popitem()
        *others, _ = self
        open_now = open_pages(self.get_blocks().server.server_state.connections)
        oldest = next((session for session in others if session not in open_now), others[0])
        return oldest, self.pop(oldest)


def open_pages(connections: set) -> set[str]:
    """Return the sessions whose pages are open: each one's heartbeat is a request in progress."""
    cycles = (c.cycle for c in connections if c.cycle and not c.cycle.response_complete)
    paths = (cycle.scope["path"].rpartition("/heartbeat/") for cycle in cycles)
    return {session for _, heartbeat, session in paths if heartbeat}


async def tidy(app: App) -> None:
    """Remove what is left behind, again and again; what goes wrong is said, and tried again."""
    unread, silent = {}, {}
    while True:
        await asyncio.sleep(TIDYING)
        try:
            demo = app.get_blocks()
            await asyncio.to_thread(sweep, Path(app.uploaded_file_dir), time.time())
            forget(app.state_holder, open_pages(demo.server.server_state.connections))
            unread = drop_unread(demo._queue, unread)
            silent = hang_up(demo.server.server_state.connections, silent)
            for names in demo.temp_file_sets:  # Gradio notes each upload, and forgets none
                names.clear()
            if len(file_upload_statuses._signals) > TRACKED:
                file_upload_statuses._signals.clear()
                file_upload_statuses._statuses.clear()
        except Exception as error:
            print(f"Tidying failed: {error!r}", file=sys.stderr)


def sweep(folder: Path, now: float) -> None:
    """Remove uploads that are old or were cut off, and the oldest of what is still too much.

    `now` is the time, in seconds as files have it.
    """
    found = []
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # whoever uploads also renames
            found.append((path.lstat(), path))
    found.sort(key=lambda entry: entry[0].st_mtime)
    entries, total = len(found), sum(stat.st_size for stat, _ in found)
    for stat, path in found:
        age = now - stat.st_mtime
        cut_off = path.name.startswith("tmp") and path.parent == folder and age > 2 * STALL
        if age > KEPT or cut_off or entries > KEPT_ENTRIES or total > KEPT_BYTES:
            with contextlib.suppress(OSError):  # such as folders that are not empty
                path.rmdir() if path.is_dir() else path.unlink()
                entries, total = entries - 1, total - stat.st_size
                if path.parent != folder:  # each upload has a folder of its own
                    path.parent.rmdir()
                    entries -= 1


def forget(holder: StateHolder, open_now: set[str]) -> None:
    """Forget sessions without an open page: Gradio keeps their latest drawing, and its answer."""
    for session, used in list(holder.time_last_used.items()):
        age = (datetime.now() - used).total_seconds()
        if session not in open_now and age > REMEMBERED:
            del holder.time_last_used[session]
            holder.session_data.pop(session, None)


def drop_unread(queue: Queue, before: dict) -> dict:
    """Drop messages that nobody has fetched since the latest look, and what is kept with them.

    Returns the first message that waits for each session: what this look found.
    """
    waiting = {
        session: messages._queue[0]
        for session, messages in queue.pending_messages_per_session.items()
        if messages.qsize()
    }
    for session, first in waiting.items():
        if before.get(session) is first:
            queue.pending_messages_per_session[session]._queue.clear()
            queue.pending_event_ids_session.get(session, set()).clear()
    known = queue.pending_messages_per_session
    for session in [s for s, events in queue.pending_event_ids_session.items() if not events]:
        if session not in known:
            del queue.pending_event_ids_session[session]
    return waiting


def hang_up(connections: set, before: dict) -> dict:
    """Close connections that have asked for nothing since the latest look.

    Uvicorn waits for the rest of a request's head, and reads what follows a refused one, for as
    long as a stranger likes. Returns the silent connections: what this look found.
    """
    silent = {c: c.cycle for c in connections if c.cycle is None or c.cycle.response_complete}
    for connection, cycle in silent.items():
        if before.get(connection, connection) is cycle:
            connection.transport.abort()
    return silent


def announce(url: str, public: str | None, share: bool) -> None:
    """Say on the terminal where the page is."""
    print(f"Inkling is at {url}", flush=True)
    if public:
        print(f"and, for anyone who has the link, at {public}", flush=True)
    elif share:
        print("No public link could be had (is there a network?): it goes on locally.", flush=True)
