"""Who may come in, and which events: what Gradio's login and queue do not ask.

A session is what a visitor's browser calls itself. A program may call itself something else each
time, so that events are counted by address where that is known; see `request_limits.visitor`.
"""

import argparse
import asyncio
import hmac
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from gradio.blocks import Block
from gradio.data_classes import PredictBodyInternal
from gradio.queueing import Queue
from starlette.requests import Request

from inkling.server.endpoint_calls import CALL
from inkling.server.request_limits import BUSY, visitor

QUEUE = 32  # events that may wait; half of them for one visitor
UNREAD = 40  # messages that may wait for a session to fetch them; an event makes 3
SESSION_LIMIT = 64  # characters of a session's name
LONGEST_DELAY = 4.0  # seconds that a login may be held up after wrong tries
FORGIVEN = 60.0  # seconds without a wrong try after which nothing is held up


def is_full(queue: Queue, who: str | None) -> bool:
    """Tell whether no more events may wait, or none of this visitor's."""
    full = len(queue) >= QUEUE
    if full or who is None:
        return full
    lines = queue.event_queue_per_concurrency_id.values()
    waiting = (event for line in lines for event in line.queue)
    held = sum(who == (visitor(event.request) or event.session_hash) for event in waiting)
    return held >= QUEUE // 2


def is_event(queue: Queue, name: str) -> bool:
    """Tell whether there is an event of this name whose answer can still be fetched."""
    unread = queue.pending_event_ids_session.values()  # until the last word is delivered
    return any(name in events for events in unread)


def watch_queue(queue: Queue, uploads: Path) -> None:
    """Have a queue refuse, beyond what Gradio does, events that are unfair or name other files."""
    push = queue.push

    async def push_if_fair(body: PredictBodyInternal, request: Request, username: str | None):
        session = body.session_hash or ""
        unread = queue.pending_messages_per_session.get(session)
        full = is_full(queue, visitor(request) or session)
        if full or (unread and unread.qsize() > UNREAD):
            return False, BUSY, "queue_full"
        if len(session) > SESSION_LIMIT:
            return False, "The session's name is too long.", "error"
        event = queue.blocks.fns.get(body.fn_index)
        # each of these is an error in Gradio, with a page in the log: strangers would fill the disk
        if event is None:
            return False, "There is no such event.", "error"
        if len(body.data) != len(event.inputs):
            return False, f"The data's values are too few or too many: {CALL}", "error"
        mark_files(body.data, event.inputs)
        if names_other_file(body.data, uploads) or is_misshapen(body.data, event.inputs):
            return False, f"This is no picture that was uploaded: {CALL}", "error"
        return await push(body, request, username)

    queue.push = push_if_fair


def names_other_file(data: object, uploads: Path) -> bool:
    """Tell whether data from outside names a file or an address that is no upload.

    Gradio would fetch any address, and for some parts of a page open any file of the server's.
    """
    parts = [data]
    while parts:
        part = parts.pop()
        if isinstance(part, dict):
            try:
                if "path" in part and not Path(part["path"]).resolve().is_relative_to(uploads):
                    return True
            except (TypeError, ValueError, OSError):
                return True
            parts.extend(part.values())
        elif isinstance(part, list):
            parts.extend(part)
    return False


def mark_files(data: list, parts: Sequence[Block]) -> None:
    """Mark values as files, as Gradio wants it, where their part of the page can be nothing else.

    Who calls the endpoint by hand, with the path of an upload, need not know of the mark.
    """
    for value, part in zip(data, parts, strict=True):
        model = getattr(part, "data_model", None)
        if isinstance(value, dict) and model and "meta" in model.model_fields:
            value.setdefault("meta", {"_type": "gradio.FileData"})


def is_misshapen(data: list, parts: Sequence[Block]) -> bool:
    """Tell whether a value from outside is none that its part of the page can have."""
    for value, part in zip(data, parts, strict=False):
        model = getattr(part, "data_model", None)
        if model and value is not None:
            try:
                model.model_validate(value, context={"validate_meta": True})
            except ValueError:
                return True
    return False


class Gate:
    """Knows the page's user and password, and makes guessing slow."""

    def __init__(self, user: str, password: str, clock: Callable[[], float] = time.monotonic):
        """Remember them; `clock` tells the seconds."""
        self.secret = f"{user}:{password}".encode()
        self.clock = clock
        self.wrong = 0  # tries in a row, with less than `FORGIVEN` seconds between them
        self.latest = 0.0  # time of the latest

    def delay(self) -> float:
        """Return for how many seconds a login is held up now: longer after each wrong try."""
        if self.clock() - self.latest > FORGIVEN:
            self.wrong = 0
        return min(LONGEST_DELAY, 0.25 * 2**self.wrong) if self.wrong else 0.0

    async def admits(self, user: str, password: str) -> bool:
        """Tell whether these are the user and the password; right and wrong take as long."""
        await asyncio.sleep(self.delay())
        right = hmac.compare_digest(f"{user}:{password}".encode(), self.secret)
        if not right:
            self.wrong, self.latest = self.wrong + 1, self.clock()
        return right


def credentials(text: str) -> tuple[str, str]:
    """Return user and password from USER:PASSWORD; raises `ArgumentTypeError` if one is missing."""
    user, _, password = text.partition(":")
    if not user or not password:
        raise argparse.ArgumentTypeError("a login is written USER:PASSWORD")
    return user, password
