"""Time a reading: network alone, `reader.read`, its evidence, `/predict`, a stroke in a browser.

    python -m bench.latency

The page is started as users start it, and its start is timed too. The browser part needs Chromium.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx
import numpy as np
import torch
from PIL import Image, ImageDraw
from starlette.types import Receive, Send

from bench.browser import time_page
from inkling.datasets.mnist import load_mnist
from inkling.explanation.activations import inside
from inkling.explanation.counterfactual import Change, counterfactual
from inkling.explanation.gallery import Gallery
from inkling.explanation.occlusion import evidence
from inkling.recognition.reader import Reader
from inkling.server.request_limits import RequestLimits
from support.composed_pages import PAGES, compose
from support.virtual_users import ROOT, serving

ROUNDS = 100
GLYPHS = 60_000
BATCH = 64
PHOTOGRAPHS = {"12 megapixels": (4_000, 3_000), "50 megapixels": (8_164, 6_124)}
MEMORY = """
import sys
from pathlib import Path
from PIL import Image
from bench.fuzz import megabytes
from predict import Reader

reader = Reader.load()
reader.read(Image.linear_gradient("L"))
before = megabytes("VmRSS")
Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
reader.read_file(Path(sys.argv[1]))
print(megabytes("VmHWM") - before)
"""


def sketch() -> Image.Image:
    """Draw a seven on a pad of 280 px."""
    picture = Image.new("L", (280, 280), 255)
    ImageDraw.Draw(picture).line([(80, 70), (200, 70), (120, 220)], fill=0, width=22, joint="curve")
    return picture


def report(name: str, seconds: list[float]) -> None:
    """Print the median and the 95th percentile in milliseconds."""
    p50, p95 = 1_000 * np.quantile(seconds, (0.5, 0.95))
    print(f"{name:34s} p50 {p50:8.2f} ms   p95 {p95:8.2f} ms", flush=True)


def report_once(name: str, amount: float, unit: str = "s") -> None:
    """Print what was measured once."""
    print(f"{name:34s}     {amount:8.2f} {unit}", flush=True)


def time_rounds(action: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """Return the seconds of each of many rounds, after five that are not counted."""
    seconds = []
    for _ in range(rounds + 5):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return seconds[5:]


async def time_guard(rounds: int = ROUNDS) -> list[float]:
    """Return the seconds that a stroke's request spends in the guard, many times over."""
    event = json.dumps({"data": [20_000 * "a"]}).encode()
    body = [{"type": "http.request", "body": event, "more_body": False}]
    scope = {"type": "http", "method": "POST", "path": "/gradio_api/queue/join"}
    scope |= {"headers": [(b"content-type", b"application/json")]}
    scope |= {"query_string": b"", "client": ("8.8.8.8", 1)}

    async def read_body(_: dict, receive: Receive, __: Send) -> None:
        await receive()

    async def receive() -> dict:
        return body[0]

    seconds, guard = [], RequestLimits(read_body, Path("/uploads"), lambda: False, bool)
    for _ in range(rounds):
        start = time.perf_counter()
        await guard(scope, receive, receive)
        seconds.append(time.perf_counter() - start)
    return seconds


def predict_over_http(client: httpx.Client, file: Path) -> dict:
    """Upload a picture, ask `/predict`, and wait for the answer, as any HTTP client would."""
    (path,) = client.post("/gradio_api/upload", files={"files": file.open("rb")}).json()
    picture = {"path": path, "meta": {"_type": "gradio.FileData"}}
    asked = client.post("/gradio_api/call/predict", json={"data": [picture]}).json()
    with client.stream("GET", f"/gradio_api/call/predict/{asked['event_id']}") as answer:
        for line in answer.iter_lines():
            if line.startswith("data: "):
                return json.loads(line.removeprefix("data: "))[0]
    raise RuntimeError("the server gave no answer")


def reader_change(reader: Reader, ink: np.ndarray) -> Change | None:
    """Find what would make a 2 of framed ink (28, 28)."""
    return counterfactual(reader.model, ink, 2, Gallery.of(reader.gallery).read_as(2))


def report_photograph(name: str, size: tuple[int, int], reader: Reader) -> None:
    """Print how long a photograph of a page takes, from its JPEG file, and what memory."""
    _, page = compose(PAGES["lamp"], load_mnist().held_out, np.random.default_rng(0))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "photograph.jpg"
        Image.fromarray(page).resize(size, Image.Resampling.BICUBIC).save(file, quality=88)
        report(f"reader.read_file, {name}", time_rounds(lambda: reader.read_file(file), 10))
        if Path("/proc/self/clear_refs").exists():  # Linux
            command = [sys.executable, "-c", MEMORY, str(file)]
            printed = subprocess.check_output(command, cwd=ROOT, text=True)
            report_once("  memory beyond that of a sketch", float(printed), "MB")


def report_reader() -> None:
    """Print how long the parts of a reading take in this process."""
    reader, picture = Reader.load(), sketch()
    glyph = reader.read(picture).digits[0].glyph
    ink = torch.from_numpy(glyph.ink)[None, None]
    torch.set_num_threads(1)
    with torch.inference_mode():
        report("network alone, one thread", time_rounds(lambda: reader.model.predict(ink)))
    report("reader.read, 280 x 280 sketch", time_rounds(lambda: reader.read(picture)))
    why = partial(evidence, reader.model, glyph.ink, 7, 2)
    report("evidence, 7 rather than 2", time_rounds(why))
    report("what would make it a 2", time_rounds(lambda: reader_change(reader, glyph.ink), 20))
    report("inside of the network", time_rounds(lambda: inside(reader.model, glyph.ink)))
    report("the guard, a stroke's request", asyncio.run(time_guard()))
    for name, size in PHOTOGRAPHS.items():
        report_photograph(name, size, reader)
    start = time.perf_counter()
    for _ in range(GLYPHS // BATCH):
        reader.read_glyphs([glyph] * BATCH)
    report_once(f"{GLYPHS:,} glyphs read", time.perf_counter() - start)


def main() -> None:
    """Measure every part and print a table."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    report_reader()
    start = time.perf_counter()
    with serving() as (url, _), tempfile.TemporaryDirectory() as folder:
        report_once("start of app.py to the page", time.perf_counter() - start)
        file = Path(folder) / "seven.png"
        sketch().save(file)
        with httpx.Client(base_url=url) as client:
            predict_over_http(client, file)
            report_once("start of app.py to the first reading", time.perf_counter() - start)
            asked = time_rounds(lambda: predict_over_http(client, file))
            report("/predict over HTTP, upload included", asked)
        for name, round_trip in (("here", 0), ("200 ms away", 200)):
            timed = time_page(url, round_trip)
            if timed is None:
                print("the page in the browser: skipped, Chromium is not installed")
                break
            if not round_trip:
                report_once("page opened to its first paint", timed.paint)
                report_once("page opened to the pad", timed.pad)
                report("reading in between, asked to seen", timed.glances)
            report(f"stroke to evidence, page {name}", timed.strokes)


if __name__ == "__main__":
    main()
