"""Limit what each request may hold, and how many are open, before Gradio gets it.

Events also pass `queue_admission.py`, and logins `login.py`. Without the limits Gradio 6.31 would

routes      reveal call statistics, fetch any public URL, run events past the queue
bodies      hold 60 MB of JSON, or of a form's field, in memory: only files have a limit
parts       accept a thousand files in one upload, each within its limit
calls       log a traceback for invalid JSON or an unknown event: the log fills a disk
timeouts    keep the connection and half a file of a client that stops sending
uploads     let 5 MB, twenty times a second, fill a disk in minutes
open        keep a file descriptor for each idle page, of a thousand
full queue  read and parse an event before rejecting it

Behind a tunnel or a proxy all clients have one address: the limits count all clients together.
"""

import asyncio
import errno
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inkling.rendering import BUSY_MESSAGE
from inkling.server import routes
from inkling.server.endpoint_calls import UPLOAD_HELP, check_call

MAX_PARTS = 3  # of one upload; the page and gradio_client send one
MAX_URL_BYTES = 2_000
BODY_IDLE_TIMEOUT_S = 15.0  # seconds between two parts of a body
REQUEST_TIMEOUT_S = 120.0  # of any request except heartbeats
MAX_OPEN_REQUESTS = 400  # and as many heartbeats: a process may open 1,024 files
MAX_OPEN_READS = 120  # read requests of all pads: two seconds' work
MAX_OPEN_LOGINS = 8
MIN_UPLOAD_COST_BYTES = 2**16  # bytes that even the smallest upload counts
MAX_UPLOAD_RATE = 256 * 2**20  # bytes a minute, of all clients
LOG_INTERVAL_S = 60.0  # between two failures in the log

FAILED_MESSAGE = "Inkling could not answer this: its log says why."
DISK_FULL_MESSAGE = "The server's disk is full: pictures must wait, but what is drawn is read."
BODY_TYPE = "http.response.body"


class RequestLimits:
    """ASGI middleware that rejects requests above the limits and routes the page does not need.

    Only files in `uploads` are sent, events unless `is_full()`, and results if `is_event(name)`.
    `more_paths` are allowed as well.
    """

    def __init__(
        self,
        app: ASGIApp,
        uploads: Path,
        is_full: Callable,
        is_event: Callable,
        more_paths: Collection[str] = (),
    ):
        self.app, self.is_full, self.is_event = app, is_full, is_event
        self.more_paths = more_paths
        self.files = f"/gradio_api/file={uploads}/"
        self.open: Counter[str] = Counter()  # open requests by kind
        self.minute, self.uploaded = 0, 0  # bytes uploaded in this minute
        self.logged = -LOG_INTERVAL_S  # time of the latest logged failure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request, or reject it with a status and a sentence."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        request = Request(scope)
        path = routes.get_path(scope)
        slots = list(slots_for(path))
        try:
            self.check(path, request, slots)
        except HTTPException as error:
            return await build_rejection(error, path)(scope, receive, send)
        self.open.update(kind for kind, _ in slots)
        try:
            await self.forward(path, request, receive, send)
        finally:
            self.open.subtract(kind for kind, _ in slots)
            self.open += Counter()  # removes kinds with count zero

    def check(self, path: str, request: Request, slots: list[tuple[str, int]]) -> None:
        """Raise `HTTPException` if a request is rejected before its body is read."""
        is_known = routes.ALLOWED_ROUTES.fullmatch(path) or path.startswith(self.files)
        if (
            not is_known
            and path not in self.more_paths
            and not (path == routes.RELOAD_ROUTE and os.environ.get("GRADIO_WATCH_DIRS"))
        ):
            raise HTTPException(404, "There is no such page.")
        raw = request.scope.get("raw_path") or path.encode()
        if len(raw) + len(request.scope["query_string"]) > MAX_URL_BYTES:
            raise HTTPException(414, "The address is too long.")
        if not routes.has_valid_host(request):
            raise HTTPException(400, "The request's host is no host's name.")
        if request.headers.get("range", "").count("-") > 1:
            raise HTTPException(416, "Request one range at a time.")
        event = routes.EVENT_RESULT_ROUTE.fullmatch(path)
        if request.method == "GET" and event and not self.is_event(event[1]):
            raise HTTPException(404, "There is no such event, or its answer has been fetched.")
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > routes.max_body_bytes(path):
            raise routes.body_too_large(path)
        if any(self.open[kind] >= limit for kind, limit in slots):
            raise HTTPException(503, BUSY_MESSAGE)
        if path == routes.UPLOAD_ROUTE:
            self.count_upload(MIN_UPLOAD_COST_BYTES)

    def count_upload(self, count: int) -> None:
        """Count uploaded bytes; raises `HTTPException` above `MAX_UPLOAD_RATE`."""
        minute = int(time.monotonic() / 60)
        if minute != self.minute:
            self.minute, self.uploaded = minute, 0
        self.uploaded += count
        if self.uploaded > MAX_UPLOAD_RATE:
            raise HTTPException(429, "Too much was uploaded: try again in a minute.")

    async def forward(self, path: str, request: Request, receive: Receive, send: Send) -> None:
        """Forward a request; stop it at a body limit, a timeout or a failure."""
        body, failed = Body(self, path, request, receive), None
        started = ended = False

        async def send_unless_failed(message: Message) -> None:
            nonlocal started, ended
            if not body.error or started:
                started = True
                ended = message["type"] == BODY_TYPE and not message.get("more_body")
                await send(message)

        app = self.find_app(request.method, path)
        source = body.receive if request.method == "POST" else receive
        is_endless = path.startswith(routes.HEARTBEAT_ROUTE) or path == routes.RELOAD_ROUTE
        try:
            async with asyncio.timeout(None if is_endless else REQUEST_TIMEOUT_S):
                await app(request.scope, source, send_unless_failed)
        except TimeoutError:
            failed = HTTPException(503, BUSY_MESSAGE)
        except Exception as failure:
            failed = body.error or self.explain(path, failure)
        error = failed or body.error
        if error and not started:
            await build_rejection(error, path, body.complete)(request.scope, receive, send)
        elif started and not ended:  # a stream that failed
            await send({"type": BODY_TYPE})

    def find_app(self, method: str, path: str) -> ASGIApp:
        """Return what handles a request."""
        if method == "POST" and routes.JSON_ROUTES.fullmatch(path):
            return self.pass_call
        return self.pass_upload if (method, path) == ("POST", routes.UPLOAD_ROUTE) else self.app

    async def pass_call(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward or reject a call."""
        request = Request(scope, receive)
        content = await request.body()  # whole: a client that is still sending reads no response
        path = routes.get_path(scope)
        if routes.EVENT_ROUTES.fullmatch(path) and self.is_full():
            raise HTTPException(503, BUSY_MESSAGE)
        check_call(path, request.headers.get("content-type", ""), content)
        whole = [{"type": "http.request", "body": content, "more_body": False}]

        async def receive_whole() -> Message:
            return whole.pop() if whole else await receive()

        await self.app(scope, receive_whole, send)

    async def pass_upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward an upload; raises `HTTPException` if Gradio stored no file."""
        messages = await routes.collect_response(self.app, scope, receive)
        if any(m.get("status") == 400 or m.get("body") == b"[]" for m in messages):
            raise HTTPException(400, UPLOAD_HELP)
        for message in messages:
            await send(message)

    def explain(self, path: str, failure: Exception) -> HTTPException | None:
        """Return the error to send for a failure, None if it was sent; log one a minute."""
        if isinstance(failure, HTTPException):
            return failure
        if isinstance(failure.__cause__, HTTPException):  # sent at the end of a stream
            return None
        if isinstance(failure, OSError) and failure.errno in (errno.ENOSPC, errno.EDQUOT):
            return HTTPException(507, DISK_FULL_MESSAGE)
        if path == routes.UPLOAD_ROUTE:  # Gradio only parses the form there
            return HTTPException(400, UPLOAD_HELP)
        if routes.COMPONENT_ROUTE.fullmatch(path) and isinstance(failure, KeyError):
            return HTTPException(400, "There is no such part of the page.")
        if time.monotonic() - self.logged >= LOG_INTERVAL_S:
            self.logged = time.monotonic()
            place = traceback.extract_tb(failure.__traceback__)[-1]
            print(
                f"A request for {path[:40]!r} failed: {repr(failure)[:200]} "
                f"({place.filename}, line {place.lineno})",
                file=sys.stderr,
            )
        return HTTPException(500, FAILED_MESSAGE)


class Body:
    """Receives a request's body, and counts it while it arrives."""

    def __init__(self, limits: RequestLimits, path: str, request: Request, receive: Receive):
        self.limits, self.path, self.receive_next = limits, path, receive
        self.error: HTTPException | None = None  # why no more is received
        _, options = parse_options_header(request.headers.get("content-type", ""))
        self.boundary = b"--" + options.get(b"boundary", b"")  # before each part and after the last
        self.tail = b""  # may hold the start of a boundary
        self.size, self.boundaries, self.complete = 0, 0, False

    async def receive(self) -> Message:
        """Return the next message; after an error in the body, stop Gradio's parser."""
        if self.complete:  # Gradio waits here for the client to disconnect
            return await self.receive_next()
        try:
            message = await asyncio.wait_for(self.receive_next(), BODY_IDLE_TIMEOUT_S)
            self.add(message)
            return message
        except TimeoutError:
            self.error = HTTPException(408, "The upload stalled.")
        except HTTPException as fault:
            self.error = fault
        # the one exception after which Gradio removes the files of an upload
        raise MultiPartException(self.error.detail)

    def add(self, message: Message) -> None:
        """Count a message; raises `HTTPException` at the first byte above a limit."""
        if message["type"] == "http.disconnect":
            raise HTTPException(400, "The upload was cut off.")
        content = message.get("body", b"")
        self.complete = not message.get("more_body", False)
        self.size += len(content)
        if self.size > routes.max_body_bytes(self.path):
            raise routes.body_too_large(self.path)
        if self.path == routes.UPLOAD_ROUTE:
            self.limits.count_upload(len(content))
            window = self.tail + content
            self.boundaries += window.count(self.boundary)
            self.tail = window[max(0, len(window) - len(self.boundary) + 1) :]
            if self.boundaries > MAX_PARTS + 1:
                raise HTTPException(413, "Send one picture at a time.")


def slots_for(path: str) -> Iterator[tuple[str, int]]:
    """Yield the kinds that a request counts as, each with its maximum of open requests."""
    # heartbeats last as long as a page is open: a flood of them must not block other requests
    is_heartbeat = path.startswith(routes.HEARTBEAT_ROUTE)
    yield ("heartbeats" if is_heartbeat else "requests"), MAX_OPEN_REQUESTS
    if routes.COMPONENT_ROUTE.fullmatch(path):
        yield "reads", MAX_OPEN_READS
    if path.startswith("/login"):
        yield "logins", MAX_OPEN_LOGINS


def build_rejection(error: HTTPException, path: str, complete: bool = False) -> ASGIApp:
    """Return the response to a rejected request, in the form that Gradio's page displays."""
    headers = {} if complete else {"connection": "close"}  # the rest of a body may never end
    if path == routes.UPLOAD_ROUTE:
        return PlainTextResponse(error.detail, error.status_code, headers)
    return JSONResponse({"detail": error.detail}, error.status_code, headers)
