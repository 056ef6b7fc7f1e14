"""Time the page without a server in Chromium.

    python -m bench.static_page [--count N]

The first run downloads ONNX Runtime Web from npm's registry. `tests/export` compares the answers
with Python's.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

from inkling.export.static_page import build, measure
from support.static_server import OPEN_LINK_JS, drawing_link, serve_folder
from support.virtual_users import sample_drawings


def read_in_browser(payloads: list[dict], chromium: str) -> list[dict]:
    """Build the page, open each drawing in it, and return the page's answers."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        build(folder)
        print("without the runtime {:.2f} MB, the runtime {:.2f} MB".format(*measure(folder)))
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with serve_folder(folder) as url:
            page, start = browser.new_page(), time.perf_counter()
            page.goto(url)
            page.wait_for_selector("#answer[data-ready]")
            print(f"opened and ready in {time.perf_counter() - start:.2f} s")
            return [page.evaluate(OPEN_LINK_JS, drawing_link(payload)) for payload in payloads]


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200, help="digits to draw")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("Chromium is not installed.")
    payloads = [drawing.payload for drawing in sample_drawings(options.count)]
    answers = read_in_browser(payloads, chromium)
    times = [answer["milliseconds"] for answer in answers[len(answers) // 10 :]]  # warm by then
    p50, p95 = statistics.median(times), np.quantile(times, 0.95)
    print(f"a reading: p50 {p50:.1f} ms, p95 {p95:.1f} ms")


if __name__ == "__main__":
    main()
