"""What visitors leave behind is removed: uploads, unread answers, silent connections."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

from gradio.routes import App

from inkling.server import gradio_internals
from inkling.server.request_limits import STALL

TIDYING = 10.0  # seconds between two looks at what is left behind
KEPT = 300.0  # seconds that an upload is kept
SESSION_KEPT = 900.0  # seconds that a session is, once its page is closed
CLOSED = 100  # sessions of closed pages that are kept, of 130 KB each
KEPT_BYTES = 256 * 2**20  # of all uploads
KEPT_ENTRIES = 1_200  # files and folders of uploads; between two looks there may be more


@contextlib.asynccontextmanager
async def tidied(app: App) -> AsyncIterator[None]:
    """Keep a server tidy from its start to its end."""
    tidying = asyncio.create_task(tidy(app))
    yield
    tidying.cancel()


async def tidy(app: App) -> None:
    """Remove what is left behind, again and again; what goes wrong is said, and tried again."""
    unread: dict = {}
    silent: dict = {}
    while True:
        await asyncio.sleep(TIDYING)
        try:
            await asyncio.to_thread(remove_old, Path(app.uploaded_file_dir), time.time())
            demo = app.get_blocks()
            connections = gradio_internals.connections_of(demo)
            open_now = gradio_internals.open_pages(connections)
            gradio_internals.forget_sessions(app, open_now, SESSION_KEPT, CLOSED)
            unread = gradio_internals.drop_unread(gradio_internals.queue_of(demo), unread)
            silent = gradio_internals.hang_up(connections, silent)
            gradio_internals.forget_uploads(demo)
        except Exception as error:
            print(f"Tidying failed: {error!r}", file=sys.stderr)


def remove_old(folder: Path, now: float) -> None:
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
