"""Start the page as users start it, and draw on it as their browsers do."""

import io
import os
import re
import subprocess
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import numpy as np
import psutil

from data.drawing.pen_strokes import STROKE_STYLES, Style
from data.drawing.pen_variation import vary
from inkling.imaging.sketch import Sketch

REPO_ROOT = Path(__file__).parent.parent
RESPONSE_TIMEOUT_S = 60.0  # s without a byte from the server: a drawing counts as lost
CONNECTION_LIMITS = httpx.Limits(keepalive_expiry=4)  # s: the server closes idle ones after 5
SLOW_APP = """
import sys, time
import app

class SlowReader(app.Reader):
    def read(self, *picture):
        time.sleep(float(delay))
        return super().read(*picture)

delay = sys.argv.pop(1)
app.Reader = SlowReader
app.main()
"""


class Drawing(NamedTuple):
    """A drawn digit."""

    payload: dict  # as the pad sends it
    png: bytes  # the same as a picture file


def sample_drawings(count: int = 100) -> list[Drawing]:
    """Return digits of the drawn styles, always the same ones."""
    rng = np.random.default_rng(0)
    styles = [list(STROKE_STYLES[k].values()) for k in range(10)]
    drawings = []
    for k in range(count):
        lines = styles[k % 10]
        style = Style(lines[k // 10 % len(lines)])
        payload = to_pad_payload([path[0] for path in vary(style, 1, rng)])
        file = io.BytesIO()
        Sketch.from_json(payload).picture().save(file, "png")
        drawings.append(Drawing(payload, file.getvalue()))
    return drawings


def to_pad_payload(strokes: Sequence[np.ndarray], request_id: int = 1) -> dict:
    """Return strokes, each (N, 2), as the pad sends them: centred, 60 % of its side."""
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    unit = 600 / max((high - low).max(), 1e-6)
    corner = 500 - (low + high) / 2 * unit
    rows = [np.rint(stroke * unit + corner).astype(int).ravel().tolist() for stroke in strokes]
    paths = [{"width": 79, "erases": False, "points": row} for row in rows]
    return {"request_id": request_id, "size": 1000, "strokes": paths}


@contextmanager
def serve_app(
    delay_s: float = 0,
    temporary: str = tempfile.gettempdir(),
    options: Sequence[str] = (),
) -> Iterator[tuple[str, int]]:
    """Start the page, each reading delayed by `delay_s`; yield its address and its PID."""
    program = ["-c", SLOW_APP, str(delay_s)] if delay_s else ["app.py"]
    server = subprocess.Popen(
        [sys.executable, *program, *options],
        cwd=REPO_ROOT,
        env=os.environ | {"TMPDIR": temporary},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        found = (re.search(r" at (http\S+)", line) for line in server.stdout)
        yield next(match[1] for match in found if match), server.pid
    finally:
        server.terminate()
        server.wait()


@contextmanager
def serve_class() -> Iterator[tuple[str, str, int]]:
    """Start the page with `--class`; yield its address, the wall's key and its PID."""
    command = [sys.executable, "app.py", "--class"]
    with subprocess.Popen(command, cwd=REPO_ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            links = (re.search(r"(http\S+)/wall#key=(\S+)", line) for line in server.stdout)
            url, key = next(link.groups() for link in links if link)
            yield url, key, server.pid
        finally:
            server.terminate()
            server.wait()


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    return psutil.Process(pid).memory_info().rss / 2**20


class ServerBusy(Exception):
    """The server returned HTTP 503."""


class VirtualUser:
    """One browser window with connections of its own."""

    def __init__(self, client: httpx.AsyncClient, config: dict):
        """Take the client, and the page's configuration."""
        self.client, self.session = client, uuid.uuid4().hex[:11]
        self.component_id = next(
            part["id"] for part in config["components"] if part["props"].get("server_fns")
        )

    async def draw(self, drawing: Drawing) -> str:
        """Draw on the pad; return the answer's HTML."""
        return (await self.call("read", drawing.payload))[0]

    async def call(self, function: str, payload: dict) -> list:
        """Call a server function of the pad; return the rendered components."""
        call = {"data": payload, "component_id": self.component_id, "fn_name": function}
        json = call | {"session_hash": self.session}
        return (await self.post("component_server/", json=json)).json()

    async def upload(self, drawing: Drawing) -> str:
        """Choose a picture file; return the answer's HTML."""
        file = await self.send_file(drawing.png) | {"orig_name": "digit.png"}
        return (await self.call("read", {"actions": [["picture", file]]}))[0]

    async def predict(self, drawing: Drawing) -> str:
        """Call the public endpoint as programs do; return its events, or "" if it failed."""
        data = [await self.send_file(drawing.png)]
        event_id = (await self.post("call/predict", json={"data": data})).json()["event_id"]
        events = await self.client.get(f"/gradio_api/call/predict/{event_id}")
        return events.text if "event: complete" in events.text else ""

    async def send_file(self, content: bytes) -> dict:
        """Upload a picture file; return it as events name it."""
        files = {"files": ("digit.png", content, "image/png")}
        path = (await self.post("upload", files=files)).json()[0]
        return {"path": path, "meta": {"_type": "gradio.FileData"}}

    async def post(self, route: str, **request: object) -> httpx.Response:
        """Send a request to one of Gradio's routes; raise `ServerBusy` on HTTP 503."""
        response = await self.client.post(f"/gradio_api/{route}", **request)
        if response.status_code == 503:
            raise ServerBusy
        return response.raise_for_status()


@asynccontextmanager
async def open_window(url: str) -> AsyncIterator[VirtualUser]:
    """Open the page with a client of its own.

    With one client for all, finding a free connection would take longer than an answer.
    """
    options = {"limits": CONNECTION_LIMITS, "timeout": RESPONSE_TIMEOUT_S, "verify": False}
    async with httpx.AsyncClient(base_url=url, **options) as client:
        yield VirtualUser(client, (await client.get("/config")).raise_for_status().json())
