"""The page without a server reads as Python reads, in a browser alone; its scripts do not drift."""

import re

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import ink_of
from playwright.sync_api import expect

from inkling.datasets.mnist import DataError
from inkling.export.static_page import add_scripts, build, measure
from inkling.imaging.sketch import Sketch
from inkling.recognition.reader import Reader
from inkling.ui import views
from support.static_server import OPEN_LINK, link, serving
from support.virtual_users import drawings
from tests.pages import draw, draw_line

DIGITS, FRAMES = 200, 400
FRAME_ALL = """async (drawings) => {
    const { cropToInk, drawSketch, frameGlyph, removeSpecks } = await import("./frame.js");
    const frame = (picture) => frameGlyph(cropToInk(removeSpecks(picture).picture)).ink;
    const pixels = await (await fetch("gray.bin")).bytes();
    return drawings.map((drawing, k) => {
        const { width, height, ink } = drawSketch(drawing);
        const python = pixels.subarray(k * ink.length, (k + 1) * ink.length);
        const same = { width, height, ink: Float32Array.from(python, (v) => 1 - v / 255) };
        const rounded = (ink) => Array.from(ink, (v) => Math.round(1e4 * v));
        return [frame({ width, height, ink }), frame(same)].map(rounded);
    });
}"""


@pytest.fixture(scope="module")
def scripts_alone(tmp_path_factory):
    """Return a folder of the page's scripts, without network and runtime, and its address."""
    folder = tmp_path_factory.mktemp("scripts")
    add_scripts(folder)
    with serving(folder) as url:
        yield folder, url


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return the page's folder, as the command builds it."""
    folder = tmp_path_factory.mktemp("page")
    try:
        build(folder)
    except DataError as error:  # of a machine that npm cannot be reached from
        pytest.skip(str(error))
    return folder


@pytest.fixture(scope="module")
def served(folder):
    with serving(folder) as url:
        yield url


@pytest.fixture
def page(chromium, served):
    context = chromium.new_context()
    yield opened(context, served)
    context.close()


def opened(context, url):
    page = context.new_page()
    page.goto(url)
    expect(page.locator("#answer[data-ready]")).to_be_attached()
    return page


def varied(count):
    """Return digits as pads tell of them, of many sizes, some with an eraser's stroke through."""
    rng = np.random.default_rng(0)
    for k, drawing in enumerate(drawings(count)):
        scale, told = rng.uniform(0.4, 1.4), drawing.told
        for stroke in told["strokes"]:
            points = np.array(stroke["points"])
            stroke["points"] = np.rint(500 + scale * (points - 500)).astype(int).tolist()
        if k % 5 == 0:
            ends = rng.integers(200, 800, 4).tolist()
            told["strokes"].append({"width": 114, "erases": True, "points": ends})
        yield told


def test_it_is_small_and_no_file_of_it_is_too_large_for_a_space(folder):
    assert measure(folder)[0] <= 3
    assert max(path.stat().st_size for path in folder.iterdir()) < 10_000_000


def test_pictures_and_drawings_are_framed_as_python_frames_them(chromium, scripts_alone):
    folder, url = scripts_alone
    told = list(varied(FRAMES))
    pictures = [Sketch.from_json(one).picture() for one in told]
    (folder / "gray.bin").write_bytes(b"".join(picture.tobytes() for picture in pictures))
    page = chromium.new_page()
    page.goto(url)
    found = np.array(page.evaluate(FRAME_ALL, told)).reshape(-1, 2, 28, 28) / 1e4
    page.close()
    python = np.stack([ink_of(picture) for picture in pictures])
    assert np.abs(python - found[:, 1]).max() < 0.02
    apart = np.abs(python - found[:, 0])  # drawn by the page as well
    assert apart.mean() < 0.002
    # where a digit's middle falls between two pixels, a hair decides which
    assert (apart.mean(axis=(1, 2)) < 0.02).mean() >= 0.99


def test_it_answers_as_python_does_and_in_the_same_words(page):
    reader, told = Reader.load(), [drawing.told for drawing in drawings(DIGITS)]
    readings = [reader.read(Sketch.from_json(one).picture()) for one in told]
    answers = [page.evaluate(OPEN_LINK, link(one)) for one in told]
    python = [views.summarize(reading) for reading in readings]
    same = [
        (a["look"], a["text"]) == (p.state, p.text) for a, p in zip(answers, python, strict=True)
    ]
    assert np.mean(same) >= 0.995
    pairs = [
        (a["probabilities"], r.digits[0].probabilities)
        for a, r in zip(answers, readings, strict=True)
        if len(r.digits) == 1
    ]
    apart = [np.abs(np.subtract(*pair)).max() for pair in pairs]
    assert len(pairs) >= 0.98 * DIGITS and np.median(apart) <= 0.02
    figure = re.compile(r"\d+(\.\d)?")
    for answer, own, as_python in zip(answers, python, same, strict=True):
        if as_python:
            assert figure.sub("", answer["words"]) == figure.sub("", own.caption)


def test_a_hand_draws_and_the_answer_moves_meanwhile(page):
    count = lambda: int(page.locator("#answer").get_attribute("data-count") or 0)  # noqa: E731
    draw(page, 7)
    expect(page.locator("#answer")).to_have_attribute("data-number", "7")
    assert count() >= 2  # at the end, and at least once before
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#answer.waiting")).to_be_visible()
    draw(page, 4)
    expect(page.locator("#answer")).to_have_attribute("data-number", "4")
    page.reload()  # what was drawn is kept
    expect(page.locator("#answer")).to_have_attribute("data-number", "4")


def test_what_is_no_single_digit_is_said_to_be_none(page):
    triangles = [[x, 400, x + 170, 400, x + 80, 640] for x in (150, 400, 650)]
    star = [300, 300, 700, 700, 300, 700, 700, 300, 500, 200, 500, 800]
    for strokes, look, text in (
        ([[400, 300, 400, 700], [600, 300, 600, 700]], "refused", "Several?"),
        (triangles, "refused", "Several?"),
        ([star], "refused", "No digit"),
        ([], "waiting", "0 – 9"),
    ):
        told = [{"width": 79, "erases": False, "points": points} for points in strokes]
        told = told or [{"width": 9, "erases": 1, "points": [1, 1]}]
        page.evaluate(OPEN_LINK, link({"strokes": told}))
        expect(page.locator("#answer .headline")).to_have_text(text)
        expect(page.locator(f"#answer.{look}")).to_be_visible()


def test_nothing_leaves_the_browser_and_after_the_first_visit_it_works_without_a_connection(
    chromium, folder
):
    context, asked = chromium.new_context(), []
    context.on("request", lambda request: asked.append((request.method, request.url)))
    with serving(folder) as url:
        page = opened(context, url)
        draw(page, 3)
        expect(page.locator("#answer")).to_have_attribute("data-number", "3")
        expect(page.locator("#state")).to_contain_text("without a connection")
        assert {method for method, _ in asked} == {"GET"}
        assert all(to.startswith(url) and "?" not in to for _, to in asked)
        refused = "fetch('https://example.org/').then(() => 'sent', () => 'refused')"
        assert page.evaluate(refused) == "refused"
    page.reload()  # nobody serves it any more
    expect(page.locator("#answer[data-ready]")).to_be_attached()
    page.get_by_role("button", name="Clear").click()
    draw(page, 2)
    expect(page.locator("#answer")).to_have_attribute("data-number", "2")
    context.close()


def test_without_its_network_it_says_so(chromium, scripts_alone):
    page = chromium.new_page()
    page.goto(scripts_alone[1])
    draw_line(page)  # the pad is there all the same
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()
    expect(page.locator("#state")).to_contain_text("could not be loaded")
    page.close()


@pytest.mark.parametrize("scheme, size", [("dark", (360, 700)), ("light", (1280, 720))])
def test_everyone_can_use_it(chromium, served, size, scheme):
    size = dict(zip(("width", "height"), size, strict=True))
    context = chromium.new_context(viewport=size, color_scheme=scheme)
    page = opened(context, served)
    for digit in (None, 8):
        if digit:
            draw(page, digit)
            expect(page.locator("#answer")).to_have_attribute("data-number", "8")
        assert Axe().run(page).response["violations"] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for part in ("#pad canvas", "#answer .headline", ".bars"):
            box = page.locator(part).bounding_box()
            assert box["y"] >= 0 and box["y"] + box["height"] <= size["height"]
    context.close()
