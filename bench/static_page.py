"""Time the page without a server, and compare its answers with Python's.

    python -m bench.static_page [--count N]

It is built and served as its documentation says. Needs Chromium, and npm's registry at first.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from inkling.export.static_page import build, measure
from inkling.imaging.sketch import Sketch
from inkling.recognition.reader import Reader
from inkling.recognition.reading import Reading
from support.static_server import OPEN_LINK, link, serving
from support.virtual_users import drawings

LOADED = "#answer[data-ready]"


def main() -> None:
    """Build, serve, draw and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200, help="digits to draw")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("There is no Chromium.")
    told = [drawing.told for drawing in drawings(options.count)]
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        build(folder)
        print("without the runtime {:.2f} MB, the runtime {:.2f} MB".format(*measure(folder)))
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with serving(folder) as url:
            page, start = browser.new_page(), time.perf_counter()
            page.goto(url)
            page.wait_for_selector(LOADED)
            print(f"opened and ready in {time.perf_counter() - start:.2f} s")
            found = [page.evaluate(OPEN_LINK, link(one)) for one in told]
    times = sorted(one["milliseconds"] for one in found[len(found) // 10 :])  # warm by then
    p95 = times[int(0.95 * len(times))]
    print(f"a reading: p50 {statistics.median(times):.1f} ms, p95 {p95:.1f} ms")
    compare(found, [Reader.load().read(Sketch.from_json(one).picture()) for one in told])


def compare(found: list[dict], readings: list[Reading]) -> None:
    """Print how many answers of the page are Python's, and how probabilities differ."""
    pairs = list(zip(found, readings, strict=True))
    same = sum(page["number"] == python.text for page, python in pairs)
    apart = [
        np.abs(np.subtract(page["probabilities"], python.digits[0].probabilities)).max()
        for page, python in pairs
        if len(python.digits) == 1
    ]
    print(
        f"answered as by Python: {same} of {len(pairs)}; probabilities differ by "
        f"{np.median(apart):.1g} in the median, {max(apart):.1g} at most"
    )


if __name__ == "__main__":
    main()
