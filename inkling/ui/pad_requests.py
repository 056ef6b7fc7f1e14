"""Handle the page's requests, for readings, previews or the Lab, in threads, within limits.

A Gradio event costs two requests and four messages, a component's server function one request.
"""

import os
from collections import Counter
from collections.abc import Callable
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.exceptions import HTTPException

from inkling.recognition.reader import ReaderUnavailable
from inkling.rendering import BUSY_MESSAGE
from inkling.ui.session import Session

READ_CONCURRENCY = max(2, min(8, os.cpu_count() or 2))  # threads; not tuned
MAX_REQUESTS_PER_SESSION = 4  # at the same time; a page has two

# Maps a browser's payload to updates of the page; None: no update.
Handler = Callable[[Session, Any], Any]


class PadRequests:
    """Runs two handlers: `read` for complete input, `preview` for an unfinished stroke."""

    def __init__(self, read: Handler, preview: Handler = lambda *_: None):
        self._read, self._preview = read, preview
        self._limiter = CapacityLimiter(READ_CONCURRENCY)
        self.active: Counter[str] = Counter()  # requests in progress, by session

    async def read(self, session_id: str, session: Session, payload: object) -> Any:
        """Return the page's updates for a request; None if a newer one supersedes it."""
        return await self._run(self._read, session_id, session, payload)

    async def preview(self, session_id: str, session: Session, payload: object) -> Any:
        """Return the page's updates for an unfinished sketch; None if reads are in progress."""
        if self._limiter.available_tokens < READ_CONCURRENCY:
            return None
        return await self._run(self._preview, session_id, session, payload)

    async def _run(self, handler: Handler, session_id: str, session: Session, payload: Any) -> Any:
        if self.active[session_id] >= MAX_REQUESTS_PER_SESSION:
            raise HTTPException(503, BUSY_MESSAGE)
        self.active[session_id] += 1
        try:
            return await to_thread.run_sync(handler, session, payload, limiter=self._limiter)
        except ReaderUnavailable as error:
            raise HTTPException(503, BUSY_MESSAGE) from error
        finally:
            self.active[session_id] -= 1
            self.active += Counter()  # removes entries that are 0
