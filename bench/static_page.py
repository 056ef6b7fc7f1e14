"""Time the page without a server in Chromium, and compare its readings with Python's.

    python -m bench.static_page [--count N]
    python -m bench.static_page --parity        digits of other writers, numbers, composed pages

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
from PIL import Image
from playwright.sync_api import sync_playwright

from inkling.datasets.mnist import load_mnist
from inkling.export.static_page import build, measure
from inkling.recognition.reader import Reader
from support.composed_pages import PAGE_KINDS, compose_pages, draw_blank_sheets
from support.other_writers import load_pen_strokes
from support.page_parity import MAX_PROB_DIFFERENCE, compare_readings, write_number
from support.static_server import OPEN_LINK_JS, drawing_link, serve_folder
from support.virtual_users import sample_drawings, to_pad_payload

NUMBER_COUNT, PAGES_PER_KIND, BLANK_SHEET_COUNT = 100, 7, 18  # with 26 kinds, 200 pictures


def read_in_browser(payloads: list[dict], chromium: str) -> list[dict]:
    """Build the page, open each drawing in it, and return the page's answers."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        build(folder)
        print("the folder {:.2f} MB, compressed {:.2f} MB".format(*measure(folder)))
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with serve_folder(folder) as url:
            page, start = browser.new_page(), time.perf_counter()
            page.goto(url)
            page.wait_for_selector("#pad .hint:not([hidden])")
            pad = time.perf_counter() - start
            page.wait_for_selector("#answer[data-ready]")
            ready = time.perf_counter() - start
            page.evaluate(OPEN_LINK_JS, drawing_link(payloads[0]))
            first = time.perf_counter() - start
            print(f"from opening: pad {pad:.2f} s, networks {ready:.2f} s, answer {first:.2f} s")
            return [page.evaluate(OPEN_LINK_JS, drawing_link(payload)) for payload in payloads]


def list_parity_sets() -> dict[str, list[tuple[str, dict | Image.Image]]]:
    """Return drawings and pictures with their texts, under the names of their sets."""
    digits, rng, mnist = load_pen_strokes(), np.random.default_rng(0), load_mnist()
    kinds = [compose_pages(kind, mnist.test, PAGES_PER_KIND) for kind in PAGE_KINDS.values()]
    pages = [page for kind in kinds for page in kind] + [*draw_blank_sheets(BLANK_SHEET_COUNT)]
    return {
        "pen digits": [(str(label), to_pad_payload(strokes)) for label, strokes in digits],
        "drawn numbers": [write_number(digits, rng) for _ in range(NUMBER_COUNT)],
        "composed pages": [(text, Image.fromarray(picture)) for text, picture in pages],
    }


def print_parity(chromium: str) -> None:
    """Read each set with Python and in the browser; print the shares and all differences."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder, reader = Path(name), Reader.load()
        build(folder)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with serve_folder(folder) as url:
            page = browser.new_page()
            page.goto(url + "settings.js")  # the worker alone
            for title, items in list_parity_sets().items():
                compared = compare_readings(page, reader, items)
                different = [c for c in compared if not c.is_same_text]
                probs = np.array([c.prob_difference for c in compared if c.is_same_text])
                inexact = [c for c in compared if c.prob_difference > MAX_PROB_DIFFERENCE]
                times = [c.milliseconds for c in compared]
                print(
                    f"{title}: {len(compared) - len(different)} of {len(compared)} texts as by "
                    f"Python; probabilities differ by {np.median(probs):.1g} in the median, by "
                    f"more than {MAX_PROB_DIFFERENCE} in {len(inexact)}; a reading "
                    f"p50 {statistics.median(times):.1f} ms, p95 {np.quantile(times, 0.95):.1f} ms",
                    *(f"  {c.describe()}" for c in [*different, *inexact]),
                    sep="\n",
                    flush=True,
                )


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200, help="digits to draw")
    parser.add_argument("--parity", action="store_true", help="compare readings with Python's")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("Chromium is not installed.")
    if options.parity:
        return print_parity(chromium)
    payloads = [drawing.payload for drawing in sample_drawings(options.count)]
    answers = read_in_browser(payloads, chromium)
    for title, key in (("a reading", "milliseconds"), ("its evidence", "explained")):
        times = [answer[key] for answer in answers[len(answers) // 10 :]]  # warm by then
        p50, p95 = statistics.median(times), np.quantile(times, 0.95)
        print(f"{title}: p50 {p50:.1f} ms, p95 {p95:.1f} ms")


if __name__ == "__main__":
    main()
