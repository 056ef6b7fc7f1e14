"""What benches of a served page share: the page, started as users start it, and its visitors."""

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

from inkling.datasets.pen_strokes import Style
from inkling.datasets.stroke_styles import STROKE_STYLES
from inkling.imaging.sketch import Sketch
from inkling.recognition.checkpoint import CHECKPOINT

ROOT = Path(__file__).parent.parent

PATIENCE = 60.0  # seconds without a word from the server, after which a drawing is lost
LIMITS = httpx.Limits(keepalive_expiry=4)  # seconds; the server waits 5
SLOW = """
import sys, time
import app


class Slow(app.Reader):
    def read(self, *picture):
        time.sleep(float(slow))
        return super().read(*picture)

slow = sys.argv.pop(1)
app.Reader = Slow
app.main()
"""


class Drawing(NamedTuple):
    """A digit that somebody drew."""

    told: dict  # as the pad tells of it
    file: bytes  # as a PNG file


def drawings(count: int = 100) -> list[Drawing]:
    """Return digits of the drawn styles, as they would stand on the pad."""
    rng = np.random.default_rng(0)
    styles = [list(STROKE_STYLES[k].values()) for k in range(10)]
    drawn = []
    for k in range(count):
        lines = styles[k % 10]
        told = pad_tells([path[0] for path in Style(lines[k // 10 % len(lines)]).vary(1, rng)])
        file = io.BytesIO()
        Sketch.from_json(told).picture().save(file, "png")
        drawn.append(Drawing(told, file.getvalue()))
    return drawn


def pad_tells(strokes: Sequence[np.ndarray], request_id: int = 1) -> dict:
    """Return strokes, each (N, 2), as the pad tells of them, in its middle and six tenths of it."""
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    unit = 600 / max((high - low).max(), 1e-6)
    corner = 500 - (low + high) / 2 * unit
    rows = [np.rint(stroke * unit + corner).astype(int).ravel().tolist() for stroke in strokes]
    told = [{"width": 79, "erases": False, "points": row} for row in rows]
    return {"request_id": request_id, "size": 1000, "strokes": told}


@contextmanager
def serving(
    checkpoint: Path = CHECKPOINT,
    slow: float = 0,
    temporary: str = tempfile.gettempdir(),
    options: Sequence[str] = (),
) -> Iterator[tuple[str, int]]:
    """Start the page, with a reader that takes so many seconds longer; give address and PID."""
    program = ["-c", SLOW, str(slow)] if slow else ["app.py"]
    server = subprocess.Popen(
        [sys.executable, *program, "--checkpoint", str(checkpoint), *options],
        cwd=ROOT,
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


def processor_seconds(pid: int) -> float:
    """Return how long a process has kept processors busy."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def megabytes(pid: int) -> float:
    """Return how much memory a process holds."""
    return psutil.Process(pid).memory_info().rss / 2**20


@asynccontextmanager
async def window(url: str) -> AsyncIterator["Visitor"]:
    """Open the page, as a browser's window with connections of its own.

    One client for all would need more time to look for a free connection than the server to answer.
    """
    options = {"limits": LIMITS, "timeout": PATIENCE, "verify": False}
    async with httpx.AsyncClient(base_url=url, **options) as client:
        yield Visitor(client, (await client.get("/config")).raise_for_status().json())


class Busy(Exception):
    """The server says that it has too much to do."""


class Visitor:
    """Who draws in a window."""

    def __init__(self, client: httpx.AsyncClient, config: dict):
        """Take the way to the server, and the page's configuration."""
        self.client, self.session = client, uuid.uuid4().hex[:11]
        self.questions = next(
            part["id"] for part in config["components"] if part["props"].get("server_fns")
        )

    async def draw(self, drawing: Drawing) -> str:
        """Draw on the pad; return the answer's HTML."""
        return (await self.ask("read", drawing.told))[0]

    async def call(self, function: str, told: dict) -> list:
        """Have the server `read` a drawing, or `preview` it; return what the page then shows."""
        question = {"data": told, "component_id": self.questions, "fn_name": function}
        answer = await self.client.post(
            "/gradio_api/component_server/", json=question | {"session_hash": self.session}
        )
        if answer.status_code == 503:
            raise Busy
        return answer.raise_for_status().json()

    async def upload(self, drawing: Drawing) -> str:
        """Choose a picture file; return the answer's HTML."""
        path = await self.deliver(drawing.file)
        file = {"path": path, "orig_name": "digit.png", "meta": {"_type": "gradio.FileData"}}
        return (await self.ask("read", {"actions": [["picture", file]]}))[0]

    async def predict(self, drawing: Drawing) -> str:
        """Ask the public endpoint, as programs do; return the reading's text."""
        file = {"path": await self.deliver(drawing.file), "meta": {"_type": "gradio.FileData"}}
        asked = await self.client.post("/gradio_api/call/predict", json={"data": [file]})
        if asked.status_code == 503:
            raise Busy
        event_id = asked.raise_for_status().json()["event_id"]
        told = await self.client.get(f"/gradio_api/call/predict/{event_id}")
        return told.text if "event: complete" in told.text else ""

    async def deliver(self, picture: bytes) -> str:
        """Upload a picture file; return where the server keeps it."""
        files = {"files": ("digit.png", picture, "image/png")}
        answer = await self.client.post("/gradio_api/upload", files=files)
        if answer.status_code == 503:
            raise Busy
        return answer.raise_for_status().json()[0]
