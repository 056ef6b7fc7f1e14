"""Remove what clients leave behind: uploads, undelivered results, sessions, idle connections."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

from gradio.routes import App

from inkling.server import gradio_internals
from inkling.server.request_limits import BODY_IDLE_TIMEOUT_S

CLEANUP_INTERVAL_S = 10.0  # not tuned
UPLOAD_TTL_S = 300.0  # not tuned
SESSION_TTL_S = 900.0  # seconds after its page was closed: not tuned
MAX_CLOSED_SESSIONS = 100  # sessions of closed pages, 130 KB each
MAX_UPLOADS_BYTES = 256 * 2**20  # bytes of all uploads
MAX_UPLOADS_ENTRIES = 1_200  # files and folders of all uploads; may be exceeded between two runs


@contextlib.asynccontextmanager
async def cleanup_lifespan(app: App) -> AsyncIterator[None]:
    """Run the clean-up from the server's start to its end."""
    task = asyncio.create_task(clean_up_forever(app))
    yield
    task.cancel()


async def clean_up_forever(app: App) -> None:
    """Clean up at each interval; print an error, and go on."""
    undelivered: dict = {}
    idle: dict = {}
    while True:
        await asyncio.sleep(CLEANUP_INTERVAL_S)
        try:
            await asyncio.to_thread(remove_old_uploads, Path(app.uploaded_file_dir), time.time())
            demo = app.get_blocks()
            connections = gradio_internals.get_connections(demo)
            open_sessions = gradio_internals.find_open_sessions(connections)
            gradio_internals.drop_sessions(app, open_sessions, SESSION_TTL_S, MAX_CLOSED_SESSIONS)
            queue = gradio_internals.get_queue(demo)
            undelivered = gradio_internals.drop_undelivered(queue, undelivered)
            idle = gradio_internals.close_idle_connections(connections, idle)
            gradio_internals.drop_upload_names(demo)
        except Exception as error:
            print(f"Clean-up failed: {error!r}", file=sys.stderr)


def remove_old_uploads(folder: Path, now: float) -> None:
    """Remove old and incomplete uploads at a time in seconds, then the oldest above the limits."""
    found = []
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # an upload in progress renames its file
            found.append((path.lstat(), path))
    found.sort(key=lambda entry: entry[0].st_mtime)
    entries, total = len(found), sum(stat.st_size for stat, _ in found)
    for stat, path in found:
        age = now - stat.st_mtime
        is_partial = path.name.startswith("tmp") and path.parent == folder
        is_stalled = is_partial and age > 2 * BODY_IDLE_TIMEOUT_S
        is_too_much = entries > MAX_UPLOADS_ENTRIES or total > MAX_UPLOADS_BYTES
        if age > UPLOAD_TTL_S or is_stalled or is_too_much:
            with contextlib.suppress(OSError):  # such as a folder that is not empty
                path.rmdir() if path.is_dir() else path.unlink()
                entries, total = entries - 1, total - stat.st_size
                if path.parent != folder:  # each upload has a folder of its own
                    path.parent.rmdir()
                    entries -= 1
