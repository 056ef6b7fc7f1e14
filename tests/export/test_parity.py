"""The page without a server reads in its worker what Python reads."""

import cv2
import numpy as np
import pytest
from PIL import Image

from inkling.export.static_page import EXPORT_STATIC_DIR
from inkling.recognition.reader import Reader
from support.composed_pages import PAGE_KINDS, compose_pages, draw_blank_sheets
from support.page_parity import (
    MAX_PROB_DIFFERENCE,
    compare_readings,
    draw_digits,
    write_number,
)
from support.static_server import serve_folder
from support.virtual_users import sample_drawings

pytest_plugins = ["tests.static_pages"]
DIGIT_COUNT, NUMBER_COUNT, PAGE_COUNT = 200, 40, 40  # `bench.static_page --parity` reads more
RASTER_JS = """async ([name, width, height, data, ...options]) => {
    const raster = await import("./raster.js");
    const Type = name.startsWith("find") || name === "dilate" ? Uint8Array : Float32Array;
    const image = { width, height, data: Type.from(data) };
    const methods = options.map((option) => raster[option] ?? option);
    const found = raster[name](image, ...methods);
    return Array.from(found.data ?? found.labels);
}"""


@pytest.fixture
def compare(window, static_url):
    """Return a function that reads items on both sides, and checks the share of equal texts."""

    def compare(items, min_share):
        page = window()
        page.goto(static_url + "settings.js")  # the worker alone
        compared = compare_readings(page, Reader.load(), items)
        different = [c for c in compared if not c.is_same_text]
        inexact = [c for c in compared if c.prob_difference > MAX_PROB_DIFFERENCE]
        print(*(c.describe() for c in different + inexact), sep="\n")
        assert len(different) <= (1 - min_share) * len(compared)
        assert len(inexact) <= (1 - min_share) * len(compared)
        return compared

    return compare


@pytest.fixture(scope="module")
def scripts():
    """Return the address of the page's scripts, without networks and runtime."""
    with serve_folder(EXPORT_STATIC_DIR) as url:
        yield url


def test_drawn_digits_are_read_as_in_python(compare):
    drawings = sample_drawings(DIGIT_COUNT)
    compared = compare(((f"digit {k}", d.payload) for k, d in enumerate(drawings)), 0.995)
    assert all(len(c.page["digits"]) == 1 for c in compared)


def test_drawn_numbers_are_read_as_in_python(compare):
    digits, rng = draw_digits(), np.random.default_rng(0)
    compared = compare((write_number(digits, rng) for _ in range(NUMBER_COUNT)), 0.995 - 1 / 40)
    assert np.mean([c.name == c.page["text"] for c in compared]) > 0.8


def test_pictures_are_read_as_in_python(compare, mnist):
    kinds = [compose_pages(kind, mnist.test, 2) for kind in PAGE_KINDS.values()]
    pages = [page for kind in kinds for page in kind][: PAGE_COUNT - 4] + [*draw_blank_sheets(4)]
    compare(((text, Image.fromarray(picture)) for text, picture in pages), 0.98 - 1 / 40)


def test_underlined_numbers_are_read_as_in_python(compare, mnist):
    pages = compose_pages(PAGE_KINDS["underlined"], mnist.test, 12)
    compared = compare(((text, Image.fromarray(picture)) for text, picture in pages), 0.98 - 1 / 12)
    assert sum("underline ignored" in c.page["seen"] for c in compared) > 9


def test_transparent_pictures_are_read_as_in_python(compare):
    ink = np.zeros((120, 90), np.uint8)
    cv2.line(ink, (45, 20), (45, 100), 255, 9)
    drawing = np.dstack([np.zeros((120, 90, 3), np.uint8), ink])
    sheet = np.dstack([np.repeat(255 - ink[..., None], 3, 2), np.full_like(ink, 255)])
    sheet = np.pad(sheet, ((30, 30), (30, 30), (0, 0)))
    pictures = {"drawing": drawing, "sheet": sheet}
    compared = compare(((k, Image.fromarray(p, "RGBA")) for k, p in pictures.items()), 1)
    assert [c.page["text"] for c in compared] == ["1", "1"]


@pytest.mark.parametrize(
    "name, options, expected",
    [
        ("resize", (23, 17, "byArea"), lambda v: cv2.resize(v, (23, 17), interpolation=3)),
        ("resize", (71, 50, "linearly"), lambda v: cv2.resize(v, (71, 50), interpolation=1)),
        ("resize", (71, 50, "cubically"), lambda v: cv2.resize(v, (71, 50), interpolation=2)),
        ("resize", (71, 50, "nearestly"), lambda v: cv2.resize(v, (71, 50), interpolation=0)),
        ("blur", (9,), lambda v: cv2.blur(v, (9, 9))),
        ("blurByMedian", (), lambda v: cv2.medianBlur(v, 5)),
        ("dilate", (2,), lambda v: cv2.dilate(v, np.ones((5, 5)))),
        ("rotate", (3,), lambda v: np.rot90(v, 3)),
        ("findComponents", (), lambda v: cv2.connectedComponents(v.astype(np.uint8))[1]),
        ("computeDistances", ("STEPS_3",), lambda v: distances(v, 3)),
        ("computeDistances", ("STEPS_5",), lambda v: distances(v, 5)),
    ],
)
def test_operations_on_rasters_compute_what_opencv_computes(
    window, scripts, name, options, expected
):
    values = np.random.default_rng(0).random((31, 40), np.float32)
    if name in ("dilate", "findComponents", "computeDistances"):
        values = (cv2.blur(values, (3, 3)) > 0.5).astype(np.float32)
    page = window()
    page.goto(scripts + "raster.js")
    found = page.evaluate(RASTER_JS, [name, 40, 31, values.ravel().tolist(), *options])
    python = expected(values)
    page_values = np.array(found, np.float32).reshape(python.shape)
    if name == "findComponents":  # in any order
        pairs = {*zip(python.ravel().tolist(), found, strict=True)}
        assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
    else:
        assert np.abs(page_values - python).max() < 1e-3


def distances(mask, size):
    return cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, size)
