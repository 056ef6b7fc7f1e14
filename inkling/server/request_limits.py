"""What Gradio leaves open to strangers is closed: what a request may ask, send and hold on to.

Every request passes here first; events pass through `queue_admission.py`, too, and logins through
`login.py`. What each limit is against, as Gradio 6.31 stands without it:

routes      it gives away how often what is called, fetches any public address for a stranger, runs
            events past the queue, and writes a page's state to the disk
bodies      only files have a limit there: 60 MB of JSON, or of a form's field, lie in memory
parts       a thousand files come in one upload, each within its limit
calls       what is no JSON, or names no host or event, ends in a traceback: the log fills a disk
stalls      who stops sending holds a connection for ever, and leaves half a file behind
uploads     5 MB twenty times a second fill a disk in minutes
places      idle pages cost a file descriptor each, and there are a thousand
a full one  it reads and parses an event before it finds no place for it

Behind a share link's tunnel or a Space's proxy all visitors have one address, so what is limited is
what all of them do together, and what a session does: see `queue_admission.py`.
"""

import asyncio
import errno
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inkling.server.endpoint_calls import UPLOAD, check_call
from inkling.server.routes import (
    ANSWERS,
    EVENTS,
    RELOAD,
    ROUTES,
    body_limit,
    is_heartbeat,
    is_question,
    is_upload,
    names_host,
    path_of,
    takes_json,
    too_large,
)

PARTS = 3  # of one upload; the page and gradio_client send one
URL_LIMIT = 2_000  # bytes
STALL = 15.0  # seconds that a sender of a body may say nothing
LONGEST = 120.0  # seconds that any request may take, except heartbeats
PLACES = 400  # requests at once, and heartbeats at once: a process may open 1,024 files
QUESTIONS = 120  # of pads at once: two seconds' work
LOGINS = 8  # at once
UPLOAD_COST = 2**16  # bytes that even the smallest upload counts as
UPLOAD_TOTAL = 256 * 2**20  # bytes that all may upload in a minute
REPORTED = 60.0  # seconds between two failures that the log tells of

BUSY = "Inkling is busy: try again in a few seconds."
FAILED = "Inkling could not answer this: its log says why."
NO_ROOM = "The server's disk is full: pictures must wait, but what is drawn is read."
BODY = "http.response.body"


class RequestLimits:
    """ASGI middleware that lets through what the page needs, and no more of it than is fair."""

    def __init__(
        self,
        app: ASGIApp,
        uploads: Path,
        is_full: Callable[[], bool],
        is_event: Callable[[str], bool],
    ):
        """Stand before `app`, of whose files only those in folder `uploads` may be fetched.

        While `is_full` says so no event is passed on. `is_event` tells whether an event of that
        name has an answer that can be fetched.
        """
        self.app, self.is_full, self.is_event = app, is_full, is_event
        self.files = f"/gradio_api/file={uploads}/"
        self.open: Counter[str] = Counter()  # requests in progress, by what is limited
        self.minute, self.spent = 0, 0  # bytes uploaded in this minute
        self.reported = -REPORTED  # when a failure was last told of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it with a status and a sentence."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        request = Request(scope)
        path = path_of(scope)
        places = list(places_of(path))
        try:
            self.check(path, request, places)
        except HTTPException as refused:
            return await refuse(refused, path)(scope, receive, send)
        self.open.update(place for place, _ in places)
        try:
            await self.watch(path, request, receive, send)
        finally:
            self.open.subtract(place for place, _ in places)
            self.open += Counter()  # forgets what is at zero

    def check(self, path: str, request: Request, places: list[tuple[str, int]]) -> None:
        """Raise `HTTPException` if a request is refused before any of its body is read."""
        known = ROUTES.fullmatch(path) or path.startswith(self.files)
        if not known and not (path == RELOAD and os.environ.get("GRADIO_WATCH_DIRS")):
            raise HTTPException(404, "There is no such page.")
        raw = request.scope.get("raw_path") or path.encode()
        if len(raw) + len(request.scope["query_string"]) > URL_LIMIT:
            raise HTTPException(414, "The address is too long.")
        if not names_host(request):
            raise HTTPException(400, "The request's host is no host's name.")
        if request.headers.get("range", "").count("-") > 1:
            raise HTTPException(416, "Ask for one range at a time.")
        event = ANSWERS.fullmatch(path)
        if request.method == "GET" and event and not self.is_event(event[1]):
            raise HTTPException(404, "There is no such event, or its answer has been fetched.")
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > body_limit(path):
            raise too_large(path)
        if any(self.open[place] >= limit for place, limit in places):
            raise HTTPException(503, BUSY)
        if is_upload(path):
            self.spend(UPLOAD_COST)

    def spend(self, count: int) -> None:
        """Count uploaded bytes; raises `HTTPException` above what may be uploaded in a minute."""
        minute = int(time.monotonic() / 60)
        if minute != self.minute:
            self.minute, self.spent = minute, 0
        self.spent += count
        if self.spent > UPLOAD_TOTAL:
            raise HTTPException(429, "Too much was uploaded: try again in a minute.")

    async def watch(self, path: str, request: Request, receive: Receive, send: Send) -> None:
        """Pass a request on, until its body is too large or stalls, it takes too long or fails."""
        body, refused = Body(self, path, request), None
        started = ended = False

        async def received() -> Message:
            nonlocal refused
            if body.complete:  # this waits for the visitor to go
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), STALL)
                body.add(message)
                return message
            except TimeoutError:
                refused = HTTPException(408, "The upload stalled.")
            except HTTPException as error:
                refused = error
            # Gradio removes the files of an upload that fails so, and of no other
            raise MultiPartException(refused.detail)

        async def sent(message: Message) -> None:
            nonlocal started, ended
            if not refused or started:
                started, ended = True, message["type"] == BODY and not message.get("more_body")
                await send(message)

        posted = request.method == "POST"
        app = self.pass_call if posted and takes_json(path) else self.app
        app = self.pass_upload if posted and is_upload(path) else app
        lasting = is_heartbeat(path) or path == RELOAD
        try:
            async with asyncio.timeout(None if lasting else LONGEST):
                await app(request.scope, received if posted else receive, sent)
        except TimeoutError:
            refused = HTTPException(503, BUSY)
        except Exception as error:
            refused = refused or self.explain(path, error)
        if refused and not started:
            await refuse(refused, path, body.complete)(request.scope, receive, send)
        elif started and not ended:  # a stream, whose last words have been said
            await send({"type": BODY})

    async def pass_call(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a call, or refuse it, once all of it has come: who still sends would not hear."""
        request, content, more = Request(scope), b"", True
        while more:
            message = await receive()
            content += message.get("body", b"")
            more = message.get("more_body", False)
        path = path_of(scope)
        if EVENTS.fullmatch(path) and self.is_full():
            raise HTTPException(503, BUSY)
        check_call(path, request.headers.get("content-type", ""), content)
        whole = [{"type": "http.request", "body": content, "more_body": False}]

        async def again() -> Message:
            return whole.pop() if whole else await receive()

        await self.app(scope, again, send)

    async def pass_upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on an upload; raises `HTTPException` if no file comes of it."""
        answer = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self.app(scope, receive, keep)
        if any(m.get("status") == 400 or m.get("body") == b"[]" for m in answer):
            raise HTTPException(400, UPLOAD)
        for message in answer:
            await send(message)

    def explain(self, path: str, error: Exception) -> HTTPException | None:
        """Return what is said of a failure; None if that has been said. The log tells of few."""
        if isinstance(error, HTTPException):
            return error
        if isinstance(error.__cause__, HTTPException):  # told as the last words of a stream
            return None
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return HTTPException(507, NO_ROOM)
        if is_upload(path):  # all that is done there is to take the form apart
            return HTTPException(400, UPLOAD)
        if is_question(path) and isinstance(error, KeyError):
            return HTTPException(400, "There is no such part of the page.")
        if time.monotonic() - self.reported >= REPORTED:
            self.reported = time.monotonic()
            place = traceback.extract_tb(error.__traceback__)[-1]
            print(
                f"A request for {path[:40]!r} failed: {repr(error)[:200]} "
                f"({place.filename}, line {place.lineno})",
                file=sys.stderr,
            )
        return HTTPException(500, FAILED)


class Body:
    """What has been received of a request's body."""

    def __init__(self, guard: RequestLimits, path: str, request: Request):
        """Begin with nothing."""
        self.guard, self.path = guard, path
        _, options = parse_options_header(request.headers.get("content-type", ""))
        self.mark = b"--" + options.get(b"boundary", b"")  # begins each part, and ends the last
        self.tail = b""  # what a mark may have begun in
        self.size = self.marks = 0
        self.complete = False

    def add(self, message: Message) -> None:
        """Count what is received; raises `HTTPException` at the first byte too many."""
        if message["type"] == "http.disconnect":
            raise HTTPException(400, "The upload was cut off.")
        content = message.get("body", b"")
        self.complete = not message.get("more_body", False)
        self.size += len(content)
        if self.size > body_limit(self.path):
            raise too_large(self.path)
        if is_upload(self.path):
            self.guard.spend(len(content))
            window = self.tail + content
            self.marks += window.count(self.mark)
            self.tail = window[max(0, len(window) - len(self.mark) + 1) :]
            if self.marks > PARTS + 1:
                raise HTTPException(413, "Send one picture at a time.")


def places_of(path: str) -> Iterator[tuple[str, int]]:
    """Return what a request takes a place of, and how many of each there are."""
    # a flood of heartbeats, which last as long as a page is open, must not keep requests out
    yield ("heartbeats" if is_heartbeat(path) else "requests"), PLACES
    if is_question(path):
        yield "questions", QUESTIONS
    if path.startswith("/login"):
        yield "logins", LOGINS


def refuse(refused: HTTPException, path: str, complete: bool = False) -> ASGIApp:
    """Return the answer to a refused request, as Gradio's page shows it.

    It ends the connection unless the `complete` request has come: else a body that nobody reads
    could go on for ever.
    """
    headers = {} if complete else {"connection": "close"}
    if is_upload(path):
        return PlainTextResponse(refused.detail, refused.status_code, headers)
    return JSONResponse({"detail": refused.detail}, refused.status_code, headers)
