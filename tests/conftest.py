"""Fixtures of several test files: sketches, a small MNIST, readers, the page and a browser."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from gradio import http_server
from hypothesis import settings
from PIL import Image
from playwright.sync_api import sync_playwright

from inkling.imaging.binarize import otsu_ink
from inkling.imaging.grayscale import to_grayscale
from inkling.imaging.mnist_frame import crop_to_ink, frame_glyph
from inkling.training.recipes import Recipe
from support.sketches import STROKES, sketch
from support.virtual_users import to_pad_payload
from tests.pages import (
    LAPTOP,
    WAIT,
    Obedient,
    draw_line,
    open_page,
    record_requests,
    serving,
    wait_until,
)

__all__ = ["STROKES", "WAIT", "draw_line", "serving", "sketch", "wait_until"]

ROOT = Path(__file__).parent.parent
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
# Waiting threads sleep: with spinning, two trainings on two cores take ten times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# No deadline: an example may take long on a busy machine.
settings.register_profile("inkling", deadline=None)
settings.load_profile("inkling")

# A training of seconds, for tests that do not depend on its accuracy.
TINY = Recipe(
    "tiny",
    epochs=1,
    widths=(8, 8, 16, 16),
    batch_size=50,
    peak_learning_rate=0.2,
    drawn=200,
    outliers=200,
    again=200,
    prepared=True,
)


def ink_in(picture):
    """Return the ink of a picture, of Pillow's or an array, on even paper."""
    picture = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    return otsu_ink(to_grayscale(picture))


def ink_of(picture) -> np.ndarray:
    """Return all ink of a picture, of Pillow's or an array, as one glyph's: (28, 28)."""
    return frame_glyph(crop_to_ink(ink_in(picture).coverage))


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return the mean difference of two inks, in shares of the ink."""
    return float(np.abs(a - b).sum() / a.sum())


def pad_payload(digit: int, request_id: int = 1) -> dict:
    """Return the pad's payload for a digit."""
    return to_pad_payload([np.array(stroke) for stroke in STROKES[digit]], request_id)


def run_python(*command, **options):
    """Run Python in the repository; return the finished process."""
    options = {"cwd": ROOT, "capture_output": True, "text": True} | options
    return subprocess.run([sys.executable, *map(str, command)], **options)


def names(folder):
    """Return the names in a folder, except locks."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def finish(source):
    """Wait until a live reader's training has ended."""
    source._thread.join(200)
    assert not source.is_training


def run(coroutine):
    """Run a coroutine in another thread: this one may run the browser's event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Keep the tests of a file in one worker, and those of the page's browser or clock in the same.

    One browser at a time leaves a core to its server. The page's tests come first, as they take
    half of the time. Ray's tests come before them: Playwright leaves an event loop in the thread.
    """
    names = "connection explanations frame hostile links pad pad_requests page pictures sketchpad"
    names += " states stored_corrections subject tour views class_pages hostile_in_class"
    names += " lab_page"
    browser = {f"test_{name}" for name in names.split()}
    lanes = {i: "page" if i.path.stem in browser else i.path.stem for i in items}
    for item, lane in lanes.items():
        item.add_marker(pytest.mark.xdist_group(lane))
    first = {"test_on_ray": 0, "page": 1}
    items.sort(key=lambda item: first.get(lanes[item], 2))


def pytest_terminal_summary(terminalreporter):
    """Report the number of skipped tests, by reason."""
    skipped = terminalreporter.stats.get("skipped", [])
    for reason, count in Counter(report.longrepr[2] for report in skipped).items():
        terminalreporter.write_line(f"{count} skipped: {reason.removeprefix('Skipped: ')}")


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """Keep a test's caches and uploads in its own folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))


@pytest.fixture(scope="session", autouse=True)
def own_uploads(tmp_path_factory):
    """Keep the uploads of shared pages in a folder of the session."""
    os.environ["GRADIO_TEMP_DIR"] = str(tmp_path_factory.mktemp("uploads"))


@pytest.fixture(scope="session", autouse=True)
def own_ports():
    """Let each worker search for free ports in its own range, as two could find the same."""
    http_server.INITIAL_PORT_VALUE += 100 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])


@pytest.fixture
def folder(tmp_path):
    """Return an empty folder."""
    (tmp_path / "own").mkdir()
    return tmp_path / "own"


@pytest.fixture
def seven(tmp_path):
    """Return the file of a 7."""
    Image.fromarray(sketch(7)).save(tmp_path / "seven.png")
    return tmp_path / "seven.png"


@pytest.fixture(scope="session")
def mnist():
    """Return the whole of MNIST."""
    from inkling.datasets.mnist import load_mnist

    return load_mnist()


@pytest.fixture(scope="session")
def small_mnist(mnist):
    """Return 4,000 digits for training, 1,000 held out and 1,000 for the test."""
    from inkling.datasets.mnist import Digits, Mnist

    sizes = (4_000, 1_000, 1_000)
    return Mnist(*(Digits(d.ink[:n], d.labels[:n]) for d, n in zip(mnist, sizes, strict=True)))


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """Return a checkpoint made by the recipe of the first run, as a user would make it."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # all workers' tests share one
        folder = folder.parent
    path = folder / "digits.safetensors"
    with FileLock(f"{path}.made"):
        if not path.exists():
            command = [sys.executable, "train.py", "--quick", "--checkpoint", str(path)]
            subprocess.run(command, cwd=ROOT, check=True, timeout=600)
    return path


@pytest.fixture(scope="session")
def reader(checkpoint):
    """Return a reader trained by the recipe of the first run."""
    from inkling.recognition.reader import Reader

    return Reader.load(checkpoint)


@pytest.fixture(scope="session")
def shipped():
    """Return the shipped reader."""
    from inkling.recognition.reader import Reader

    return Reader.load()


@pytest.fixture(scope="session")
def unfused():
    """Return the shipped network as it was trained."""
    from inkling.recognition.checkpoint import CHECKPOINT, load_checkpoint

    return load_checkpoint(CHECKPOINT)[0]


@pytest.fixture(scope="session")
def model(unfused):
    """Return the shipped network for reading alone."""
    from model import fuse_batch_norm

    return fuse_batch_norm(unfused)


@pytest.fixture(scope="session")
def chromium():
    """Return Chromium, driven by Playwright; without it skip, or fail in CI."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        missing = "Chromium is not installed (Debian: apt-get install chromium)"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    flags = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site():
    """Serve the page with the shipped network, for all tests that share it."""
    with serving(Obedient.load(), trains=True) as site:
        yield site


@pytest.fixture
def served(site, monkeypatch):
    """Return the served page, with its folder of uploads."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", site.demo.app.uploaded_file_dir)
    return site


@pytest.fixture(scope="session")
def tab(chromium):
    """Return a tab that tests share: a new one takes a second to load."""
    tab = chromium.new_context(viewport=LAPTOP).new_page()
    record_requests(tab)
    yield tab
    tab.context.close()


@pytest.fixture
def page(tab, served):
    """Return the page, without stored state, in the shared tab."""
    tab.set_viewport_size(LAPTOP)
    tab.sent.clear()
    yield open_page(tab, served.url)
    tab.mouse.up()
    tab.unroute_all(behavior="ignoreErrors")
    tab.evaluate("localStorage.clear(); sessionStorage.clear()")
    tab.goto("about:blank")


@pytest.fixture
def window(chromium):
    """Return a function that opens an empty page in a new browser context."""
    with ExitStack() as contexts:
        yield lambda **options: contexts.enter_context(chromium.new_context(**options)).new_page()


@pytest.fixture
def visit(window, served):
    """Return a function that opens the page in a new browser context."""

    def visit(script="", url=served.url, **options):
        page = window(**{"viewport": LAPTOP} | options)
        page.context.add_init_script(script)
        return open_page(record_requests(page), url)

    return visit
