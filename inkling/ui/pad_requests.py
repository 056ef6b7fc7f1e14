"""What the page asks of its picture: a part without looks, whose questions take one request each.

An event of Gradio's takes two requests, a place in its queue and four messages; a function of a
component's own takes one request. While much is asked, questions come first, and glances at strokes
that are not ended yet get no answer.
"""

import os
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import gradio as gr
from anyio import CapacityLimiter, to_thread
from gradio.components.base import server
from starlette.exceptions import HTTPException

from inkling.recognition.reader import Unreachable
from inkling.ui import views
from inkling.ui.session import Session

READ_CONCURRENCY = max(
    2, min(8, os.cpu_count() or 2)
)  # readings; the rest waits, first come first served
MAX_REQUESTS_PER_SESSION = 4  # questions of one session at once; a page has two
BUSY = "Inkling is busy: try again in a few seconds."

Answer = Callable[[Session, Any], Any]  # to what a browser sends; None: nothing changes
Find = Callable[[Any, gr.State], Awaitable[tuple[str, Session]]]  # given a request


class PadRequests(gr.HTML):
    """Asks about the page's picture, and hands on the answer: `answered`; to a glance: `glanced`.

    It triggers `lost` where the server knows nothing of the session any more.
    """

    def __init__(self) -> None:
        """Begin without anyone to answer: see `connect`."""
        super().__init__(
            html_template="<!-- -->",
            js_on_load=views.read_static("pad_requests.js"),
            elem_id="questions",
        )

    def connect(self, find: Find, session: gr.State, answer: Answer, glance: Answer) -> None:
        """Have questions answered, and sketches glanced at; `find` names who asks."""
        self.find, self.session, self.answers = find, session, (answer, glance)
        self.limiter = CapacityLimiter(READ_CONCURRENCY)
        self.asking: Counter[str] = Counter()  # questions in progress, by session

    @server
    async def read(self, told: object, request: gr.Request) -> Any:
        """Answer a question about the page's picture; None if something else was asked since."""
        return await self.answer(self.answers[0], told, request)

    @server
    async def glance(self, told: object, request: gr.Request) -> list | None:
        """Read what the pad tells of in the midst of a stroke; None if there is more to do."""
        if self.limiter.available_tokens < READ_CONCURRENCY:
            return None
        return await self.answer(self.answers[1], told, request)

    async def answer(self, how: Answer, told: object, request: gr.Request) -> Any:
        """Answer in a thread, once it may; raises `HTTPException` if one session asks too much."""
        session, session = await self.find(request, self.session)
        if self.asking[session] >= MAX_REQUESTS_PER_SESSION:
            raise HTTPException(503, BUSY)
        self.asking[session] += 1
        try:
            return await to_thread.run_sync(how, session, told, limiter=self.limiter)
        except Unreachable as error:
            raise HTTPException(503, BUSY) from error
        finally:
            self.asking[session] -= 1
            self.asking += Counter()  # forgets what is at zero
