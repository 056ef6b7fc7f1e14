"""Routes of the phones and of the wall, on the page's server.

Tokens and the teacher's key are in the body: no URL holds them, and no log.
"""

import hmac
import secrets
from pathlib import Path
from typing import Any, Literal

from anyio import CapacityLimiter, to_thread
from pydantic import BaseModel, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from inkling.classroom import room_address
from inkling.classroom.drawings import ClassDrawings, Drawing, RateLimit, read_drawing
from inkling.classroom.lesson import Lesson
from inkling.imaging.sketch import Sketch
from inkling.recognition.reader import ReaderUnavailable
from inkling.rendering import BUSY_MESSAGE
from inkling.server.routes import get_path
from inkling.training.live_reader import LiveReader
from inkling.ui.sketchpad import PAD_PEN_UNITS, SKETCHPAD_DIR

MAX_PUPIL_DRAWINGS = 100
MAX_CLASS_DRAWINGS = 5_000  # 5 KB each, with ink
MAX_DRAWING_BYTES = 40_000  # a digit takes 2,000
MAX_WAITING_DRAWINGS = 80  # more than a class's phones have at a time
PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src "
    "'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    **{"referrer-policy": "no-referrer", "x-content-type-options": "nosniff"},
}
SUFFIX_TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css"}


class Call(BaseModel, strict=True):
    """The body of a request: a phone's token is random, the wall's is the teacher's key."""

    token: str = Field(min_length=16, max_length=64)
    asked: int | None = Field(None, ge=0, le=9)  # the digit that the phone shows
    count: int = Field(0, ge=0, le=10**6)  # of the phone's drawings before
    size: Any = None
    strokes: Any = None  # `Sketch.from_json` validates them
    session: str = ""  # the drawings that the wall has, and their version
    since: int = -1
    action: Literal["", "pause", "resume", "hide", "show", "clear", "learn"] = ""
    number: int = Field(0, ge=0)  # of a drawing


class Classroom:
    """A class on the page's server: its routes, and the state behind them."""

    def __init__(self, source: LiveReader, folder: Path | None = None):
        """Read by `source.reader`; save drawings in `folder`, if it is given, at the end."""
        self.source, self.folder, self.key = source, folder, secrets.token_urlsafe(16)
        self.place: tuple[str, int, str | None] = ("127.0.0.1", 0, None)  # host, port, public URL
        self.drawings, self.lesson = ClassDrawings(), None  # type: tuple[ClassDrawings, Lesson | None]
        self.phones = RateLimit(0.5, 12)  # the burst: what was drawn without a connection
        self.addresses = RateLimit(12, 100)  # reading as much takes a fifth of one core
        self.newcomers = RateLimit(0.2, 100)  # phones of an address: a class, and reloads
        self.limiter = CapacityLimiter(1)  # one thread reads: the other core serves
        self.being_read, self.files = set[str](), load_files()  # tokens; texts by path

    def routes(self) -> list[Route]:
        """Return the routes for the page's server."""
        calls = {"talk": self.talk, "mine": self.show_mine, "wall": self.show_wall, "act": self.act}
        posts = [Route(f"/class/{name}", call, methods=["POST"]) for name, call in calls.items()]
        return posts + [Route(path, self.send_file) for path in self.files]

    async def send_file(self, request: Request) -> Response:
        """Send a file of the two pages."""
        path = get_path(request.scope)
        kind = SUFFIX_TYPES.get(path.rpartition(".")[2], "text/html")
        return Response(self.files[path], 200, PAGE_HEADERS, kind)

    def announce(self, host: str, url: str, public_url: str | None) -> None:
        """Take the server's addresses; print those of the phones and of the wall."""
        self.place = host, int(url.rpartition(":")[2].rstrip("/")), public_url
        phones = room_address.describe_place(*self.place)
        print(f"Phones draw at {phones['url']}" if phones["url"] else phones["remedy"])
        print(f"The wall, for you alone: {url.rstrip('/')}/wall#key={self.key}", flush=True)

    def clear(self) -> None:
        """Forget all pupils and drawings; first save the drawings if that was asked for."""
        if self.folder and self.drawings.all:
            self.drawings.collect(self.folder)
        self.drawings, self.lesson = ClassDrawings(), None

    async def talk(self, request: Request) -> JSONResponse:
        """Take a phone's drawing, if it sends one; return the class's state, and what to draw."""
        call, seen = await parse(request), None
        if call.strokes is not None and call.asked is not None:
            drawing = self.drawings.pupils.get(call.token, {}).get(call.count)
            if drawing is None:  # otherwise the response was lost, and the phone sends it again
                self.check_limits(call.token, request.client.host if request.client else "")
                drawing = await self.read(call)
                self.drawings.add(call.token, call.count, drawing)
            seen = drawing.seen._asdict()
        ask = self.drawings.choose_digit(call.token) if seen or call.asked is None else call.asked
        state = {"session": self.drawings.id, "paused": self.drawings.is_paused, "ask": ask}
        state |= {"learned": bool(self.lesson and self.lesson.model), "seen": seen}
        return JSONResponse(state | {"collects": self.folder is not None})

    def check_limits(self, token: str, address: str) -> None:
        """Raise `HTTPException` if a drawing is not taken, or comes too soon."""
        drawings, drawn = self.drawings, len(self.drawings.pupils.get(token, {}))
        if drawings.is_paused:
            raise HTTPException(409, "Your teacher has paused: look at the wall.")
        if drawn >= MAX_PUPIL_DRAWINGS or len(drawings.all) >= MAX_CLASS_DRAWINGS:
            raise HTTPException(403, "That is enough: thank you. Only a cleared wall takes more.")
        waiting = self.limiter.statistics().tasks_waiting
        if token in self.being_read or waiting >= MAX_WAITING_DRAWINGS:
            raise HTTPException(503, BUSY_MESSAGE)
        is_known = drawn or self.newcomers.take(address)
        if not (is_known and self.phones.take(token) and self.addresses.take(address)):
            raise HTTPException(429, "Too many drawings at once: yours is sent again by itself.")

    async def read(self, call: Call) -> Drawing:
        """Read a phone's drawing in the reading thread."""
        self.being_read.add(call.token)
        args = self.source.reader, call.asked or 0, Sketch.from_json(vars(call))
        try:
            drawing = await to_thread.run_sync(read_drawing, *args, limiter=self.limiter)
        except ReaderUnavailable as error:
            raise HTTPException(503, BUSY_MESSAGE) from error
        finally:
            self.being_read.discard(call.token)
        if drawing is None:
            raise HTTPException(400, "Nothing is drawn: draw the digit, then send it.")
        return drawing

    async def show_mine(self, request: Request) -> JSONResponse:
        """Return a phone's own digits, as the former and the class's network read them."""
        call, lesson = await parse(request), self.lesson
        pupil = self.drawings.pupils.get(call.token)
        if not pupil or not lesson or not lesson.model:
            raise HTTPException(404, "There is nothing to compare yet.")
        return JSONResponse(await to_thread.run_sync(lesson.read_mine, pupil, limiter=self.limiter))

    async def parse_wall(self, request: Request) -> Call:
        """Return the body of the wall's request; raises `HTTPException` without the key."""
        call = await parse(request)
        if not hmac.compare_digest(call.token.encode(), self.key.encode()):
            raise HTTPException(403, "Open the wall by the link in the teacher's terminal.")
        return call

    async def show_wall(self, request: Request) -> JSONResponse:
        """Return what has changed on the wall since a version, or all of another class."""
        call, drawings = await self.parse_wall(request), self.drawings
        since = call.since if call.session == drawings.id else -1
        state = {"session": drawings.id, "version": drawings.version, "paused": drawings.is_paused}
        state |= {"drawings": [d.to_json() for d in drawings.all if d.version > since]}
        state |= {"pupils": len(drawings.pupils), "lesson": self.lesson and self.lesson.state}
        if since < 0:
            state |= room_address.describe_place(*self.place)
            state["collects"] = self.folder is not None
        return JSONResponse(state)

    async def act(self, request: Request) -> JSONResponse:
        """Do what the teacher chose on the wall."""
        call = await self.parse_wall(request)
        if call.action in ("pause", "resume"):
            self.drawings.is_paused = call.action == "pause"
        elif call.action in ("hide", "show") and call.session == self.drawings.id:
            self.drawings.hide(call.number, call.action == "hide")
        elif call.action == "clear":
            await to_thread.run_sync(self.source.cancel)
            self.clear()
        elif call.action == "learn":
            try:
                lesson = Lesson(self.source.reader, list(self.drawings.pupils.values()))
                self.source.train_beside(lesson.run)
            except ValueError as error:
                raise HTTPException(409, str(error)) from error
            self.lesson = lesson
        return JSONResponse({})


async def parse(request: Request) -> Call:
    """Return a request's body; raises `HTTPException`."""
    content = await request.body()
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "This is not sent as application/json.")  # as by another site
    if len(content) > MAX_DRAWING_BYTES:
        raise HTTPException(413, "That is too much ink: clear the pad, and draw the digit alone.")
    try:
        return Call.model_validate_json(content)
    except ValidationError as error:
        raise HTTPException(400, "This request is not valid: reload the page.") from error


def load_files() -> dict[str, str]:
    """Return the files of both pages by path."""
    pad = {kind: (SKETCHPAD_DIR / f"sketchpad.{kind}").read_text("utf-8") for kind in SUFFIX_TYPES}
    # Gradio calls the script with these arguments
    head = "export default (element, props, trigger, watch) => {\n"
    head = f"export const PEN = {PAD_PEN_UNITS};\n{head}"
    files = {"/class/sketchpad.js": f"{head}{pad['js']}}};\n", "/class/sketchpad.css": pad["css"]}
    markup = pad["html"].replace("${placeholder}", "Draw here")
    for file in Path(__file__).with_name("static").iterdir():
        path = f"/{file.stem}" if file.suffix == ".html" else f"/class/{file.name}"
        files[path] = file.read_text("utf-8").replace("<!-- the pad -->", markup)
    return files
