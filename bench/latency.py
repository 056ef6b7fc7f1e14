"""Print times: the network, a reading, its explanation, `/predict`, a stroke in the browser.

    python -m bench.latency

The page is started as users start it. The browser part needs Chromium.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from bench.browser import time_page
from inkling.datasets.mnist import load_mnist
from inkling.explanation.counterfactual import counterfactual
from inkling.explanation.occlusion import evidence
from inkling.recognition.reader import Reader
from inkling.ui.uncertainty import load_paths
from support.composed_pages import PAGE_KINDS, compose_page
from support.virtual_users import open_window, sample_drawings, serve_app

ROUNDS = 100
PHOTOGRAPHS = {"12 megapixels": (4_000, 3_000), "50 megapixels": (8_165, 6_124)}
# Prints the peak memory of reading a file, MB beyond a small picture's: Linux alone counts it so.
PEAK_MEMORY = """
import sys
from pathlib import Path
import numpy as np
from predict import Reader
def peak_kb():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])
reader = Reader.load()
reader.read(np.eye(99, dtype=np.uint8))
before = peak_kb()
reader.read_file(Path(sys.argv[1]))
print((peak_kb() - before) / 1024)
"""


def draw_seven() -> Image.Image:
    """Draw a seven on a pad of 280 px."""
    picture = Image.new("L", (280, 280), 255)
    ImageDraw.Draw(picture).line([(80, 70), (200, 70), (120, 220)], fill=0, width=22, joint="curve")
    return picture


def report(name: str, seconds: list[float]) -> None:
    """Print the median and the 95th percentile in milliseconds."""
    p50, p95 = 1_000 * np.quantile(seconds, (0.5, 0.95))
    print(f"{name:38s} p50 {p50:8.2f} ms   p95 {p95:8.2f} ms", flush=True)


def time_rounds(action: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """Return the seconds of each round, after five that are not counted."""
    seconds = []
    for _ in range(rounds + 5):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return seconds[5:]


async def time_predict(url: str) -> list[float]:
    """Return the seconds of each call of `/predict`, after five that are not counted."""
    seconds, (drawing,) = [], sample_drawings(1)
    async with open_window(url) as user:
        for _ in range(ROUNDS + 5):
            start = time.perf_counter()
            if not await user.predict(drawing):
                raise RuntimeError("/predict failed.")
            seconds.append(time.perf_counter() - start)
    return seconds[5:]


def report_photographs(reader: Reader) -> None:
    """Print the time of a photographed page, from its JPEG file, and its peak memory."""
    _, page = compose_page(PAGE_KINDS["lamp"], load_mnist().held_out, np.random.default_rng(0))
    with tempfile.TemporaryDirectory() as folder:
        for name, size in PHOTOGRAPHS.items():
            file = Path(folder) / f"{name}.jpg"
            Image.fromarray(page).resize(size, Image.Resampling.BICUBIC).save(file, quality=88)
            report(f"reader.read_file, {name}", time_rounds(partial(reader.read_file, file), 10))
            if Path("/proc/self/status").exists():
                command = [sys.executable, "-c", PEAK_MEMORY, str(file)]
                print(f"  peak memory {float(subprocess.check_output(command)):.0f} MB", flush=True)


def report_reader() -> None:
    """Print the times of the parts of a reading in this process."""
    reader, picture = Reader.load(), draw_seven()
    glyph = reader.read(picture).digits[0].glyph
    ink = torch.from_numpy(glyph.ink)[None, None]
    twos = load_paths(2)
    torch.set_num_threads(1)
    with torch.inference_mode():
        report("network alone, one thread", time_rounds(lambda: reader.model.predict(ink)))
    parts: dict[str, tuple[Callable[[], object], int]] = {
        "reader.read, 280 x 280 sketch": (lambda: reader.read(picture), ROUNDS),
        "evidence for 7 over 2": (lambda: evidence(reader.model, glyph.ink, 7, 2), ROUNDS),
        "counterfactual, 7 to 2": (lambda: counterfactual(reader.model, glyph.ink, 2, twos), 20),
    }
    for name, (action, rounds) in parts.items():
        report(name, time_rounds(action, rounds))
    report_photographs(reader)


def report_page() -> None:
    """Print the times of the page: its start, `/predict`, and strokes in a browser."""
    start = time.perf_counter()
    with serve_app() as (url, _):
        print(f"start of app.py to the page  {time.perf_counter() - start:.2f} s", flush=True)
        report("/predict over HTTP, upload included", asyncio.run(time_predict(url)))
        if times := time_page(url):
            report("preview during a stroke", times.previews)
            report("stroke to evidence", times.strokes)
        else:
            print("the page in the browser: skipped, Chromium is not installed")


def main() -> None:
    """Print a table."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    report_reader()
    report_page()


if __name__ == "__main__":
    main()
