"""What Gradio leaves open to strangers is closed: what a request may ask, send and hold on to.

Every request passes here first; events and logins pass through `queue_admission.py`, too. What
each limit is against, as Gradio 6.31 stands without it:

routes      it gives away how often what is called, fetches any public address for a stranger, runs
            events past the queue, and writes a page's state to the disk
bodies      only files have a limit there: 60 MB of JSON, or of a form's field, lie in memory
parts       a thousand files come in one upload, each within its limit
calls       what is no JSON, or names no host or event, ends in a traceback: the log fills a disk
stalls      who stops sending holds a connection for ever, and leaves half a file behind
uploads     5 MB twenty times a second fill a disk in minutes
places      idle pages cost a file descriptor each, and there are a thousand
a full one  it reads and parses an event before it finds no place for it

Visitors are told apart by their address where the server can see it. Behind a share link's tunnel
or a Space's proxy it cannot, so what all of them may do together is limited as well: the server
stays well, though one stranger may then take what others would have had.
"""

import asyncio
import errno
import ipaddress
import os
import re
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import httpx
from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inkling.imaging.image_formats import UPLOAD_LIMIT
from inkling.server.endpoint_calls import UPLOAD, check_call

UPLOAD_BODY = UPLOAD_LIMIT + 20_000  # bytes, with what multipart adds
PARTS = 3  # of one upload; the page and gradio_client send one
BODY_LIMIT = 300_000  # bytes of any other body; a scribbled-full sketch is a tenth of it
URL_LIMIT = 2_000  # bytes
STALL = 15.0  # seconds that a sender of a body may say nothing
LONGEST = 120.0  # seconds that any request may take, except heartbeats
PLACES = 400  # requests at once, and heartbeats at once; half of each for one visitor
LOGINS = 8  # at once
HELD_UP = 0.5  # seconds that a visitor waits to be told that others have their turn
UPLOAD_COST = 2**16  # bytes that even the smallest upload counts as
UPLOAD_SHARE = 64 * 2**20  # bytes that one visitor may upload in a minute
UPLOAD_TOTAL = 256 * 2**20  # bytes that all may upload in a minute
REPORTED = 60.0  # seconds between two failures that the log tells of

BUSY = "Inkling is busy: try again in a few seconds."
FAILED = "Inkling could not answer this: its log says why."
NO_ROOM = "The server's disk is full: pictures must wait, but what is drawn is read."
ROUTES = re.compile(  # all that the page, gradio_client and the page about the API ask for
    r"/|/config/?|/login/?|/theme\.css|/favicon\.ico|/robots\.txt|/manifest\.json|/pwa_icon(/\d+)?"
    r"|/seven\.png|/(assets|static)/.+|/gradio_api/(info/?|openapi\.json|startup-events|app_id"
    r"|upload|upload_progress|queue/(join|data)|call/(v2/)?predict(/\w+)?|cancel"
    r"|heartbeat/[\w-]{1,64})"
)
EVENTS = re.compile(r"/gradio_api/(queue/join|call/(v2/)?predict)")
CANCEL = "/gradio_api/cancel"  # takes JSON as events do
ANSWERS = re.compile(r"/gradio_api/call/(?:v2/)?(?:predict/)?(\w+)")
HOST = re.compile(r"(https?://)?[\w.:[\]-]+", re.ASCII)
BODY = "http.response.body"
RELOAD = "/gradio_api/dev/reload"  # for developers: `gradio app.py`


def visitor(connection: HTTPConnection) -> str | None:
    """Return a visitor's address; None if others may come from there as well."""
    host = connection.client.host if connection.client else ""
    return None if is_shared(host, on_space="SPACE_ID" in os.environ) else host


@lru_cache(maxsize=PLACES)
def is_shared(host: str, on_space: bool) -> bool:
    """Tell whether an address is the end of a tunnel, or a Space's proxy."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return True
    return address.is_loopback or (on_space and not address.is_global)


class Guard:
    """ASGI middleware that lets through what the page needs, and no more of it than is fair."""

    def __init__(
        self,
        app: ASGIApp,
        uploads: Path,
        is_full: Callable[[str | None], bool],
        is_event: Callable[[str], bool],
    ):
        """Stand before `app`, of whose files only those in folder `uploads` may be fetched.

        While `is_full` says so of a visitor, no event is passed on. `is_event` tells whether an
        event of that name has an answer that can be fetched.
        """
        self.app, self.is_full, self.is_event = app, is_full, is_event
        self.files = f"/gradio_api/file={uploads}/"
        self.open: Counter[str] = Counter()  # requests in progress, by what is limited
        self.spent: Counter[str] = Counter()  # bytes uploaded in this minute, by whom
        self.minute = 0
        self.reported = -REPORTED  # when a failure was last told of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it with a status and a sentence."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        request = Request(scope)
        path = path_of(scope)
        places = list(self.places(path, visitor(request)))
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

    def places(self, path: str, address: str | None) -> Iterator[tuple[str, int]]:
        """Return what a request takes a place of, and how many of each there are."""
        # a flood of heartbeats, which last as long as a page is open, must not keep requests out
        yield ("heartbeats" if is_heartbeat(path) else "requests"), PLACES
        if path.startswith("/login"):
            yield "logins", LOGINS
        if address:
            yield address, PLACES // 2

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
            self.spend(visitor(request), UPLOAD_COST)

    def spend(self, address: str | None, count: int) -> None:
        """Count uploaded bytes; raises `HTTPException` above what may be uploaded in a minute."""
        minute = int(time.monotonic() / 60)
        if minute != self.minute:
            self.minute, self.spent = minute, Counter()
        for who, limit in (("all", UPLOAD_TOTAL), (address, UPLOAD_SHARE)):
            if who:
                self.spent[who] += count
                if self.spent[who] > limit:
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
        if EVENTS.fullmatch(path) and self.is_full(visitor(request)):
            if not self.is_full(None):  # there is room, but not for one who takes half of it
                await asyncio.sleep(HELD_UP)
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

    def __init__(self, guard: Guard, path: str, request: Request):
        """Begin with nothing."""
        self.guard, self.path, self.address = guard, path, visitor(request)
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
            self.guard.spend(self.address, len(content))
            window = self.tail + content
            self.marks += window.count(self.mark)
            self.tail = window[max(0, len(window) - len(self.mark) + 1) :]
            if self.marks > PARTS + 1:
                raise HTTPException(413, "Send one picture at a time.")


def path_of(scope: Scope) -> str:
    """Return a request's path, as it is without a proxy."""
    return scope["path"].removeprefix(scope.get("root_path", ""))


def names_host(request: Request) -> bool:
    """Tell whether what a request says of its host is an address that Gradio can make links of."""
    for name in ("host", "x-forwarded-host", "x-gradio-server"):
        host = request.headers.get(name, "").split(",")[0].strip()
        try:
            httpx.URL(host if "://" in host else f"http://{host}")
        except httpx.InvalidURL:
            return False
        if host and not HOST.fullmatch(host):
            return False
    return True


def takes_json(path: str) -> bool:
    """Tell whether this is a route that takes JSON."""
    return path == CANCEL or EVENTS.fullmatch(path) is not None


def is_upload(path: str) -> bool:
    """Tell whether this is the route that takes pictures."""
    return path == "/gradio_api/upload"


def is_heartbeat(path: str) -> bool:
    """Tell whether this is a route that a page holds open as long as it is open itself."""
    return path.startswith("/gradio_api/heartbeat/")


def body_limit(path: str) -> int:
    """Return how many bytes a route takes."""
    return UPLOAD_BODY if is_upload(path) else BODY_LIMIT


def too_large(path: str) -> HTTPException:
    """Return what is said to a body that is."""
    return HTTPException(413, f"Too large: the limit is {body_limit(path) / 2**20:.1f} MB.")


def refuse(refused: HTTPException, path: str, complete: bool = False) -> ASGIApp:
    """Return the answer to a refused request, as Gradio's page shows it.

    It ends the connection unless the `complete` request has come: else a body that nobody reads
    could go on for ever.
    """
    headers = {} if complete else {"connection": "close"}
    if is_upload(path):
        return PlainTextResponse(refused.detail, refused.status_code, headers)
    return JSONResponse({"detail": refused.detail}, refused.status_code, headers)
