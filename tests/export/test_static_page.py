"""The page without a server predicts as Python, works offline, and sends nothing."""

import re

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from inkling.export.static_page import add_scripts, build, measure
from inkling.imaging.sketch import Sketch
from inkling.recognition.reader import Reader
from inkling.terminal import UserError
from inkling.ui import views
from support.static_server import OPEN_LINK_JS, drawing_link, serve_folder
from support.virtual_users import sample_drawings
from tests.pages import draw, draw_line

DRAWING_COUNT = 200


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """Return a folder of the page's scripts, without network and runtime, and its address."""
    folder = tmp_path_factory.mktemp("scripts")
    add_scripts(folder)
    with serve_folder(folder) as url:
        yield folder, url


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return the folder that the command builds."""
    folder = tmp_path_factory.mktemp("page")
    try:
        build(folder)
    except UserError as error:  # npm is not reachable
        pytest.skip(str(error))
    return folder


@pytest.fixture
def visit(window):
    """Return a function that opens an address in a window of its own."""

    def visit(url, is_ready=True, **options):
        page = window(**options)
        page.requests = []
        page.on("request", lambda request: page.requests.append(request))
        page.goto(url)
        if is_ready:
            expect(page.locator("#answer[data-ready]")).to_be_attached()
        return page

    return visit


@pytest.fixture(scope="module")
def served(folder):
    with serve_folder(folder) as url:
        yield url


@pytest.fixture
def page(visit, served):
    return visit(served)


def draw_and_read(page, digit):
    draw(page, digit)
    expect(page.locator("#answer")).to_have_attribute("data-number", str(digit))


def test_it_is_small_and_no_file_is_too_large_for_a_space(folder):
    assert measure(folder)[0] <= 3
    assert max(path.stat().st_size for path in folder.iterdir()) < 10_000_000
    assert not list(folder.glob("*.mjs"))  # of which some servers do not know the type


def test_it_answers_as_python_in_the_same_words(page):
    payloads = [drawing.payload for drawing in sample_drawings(DRAWING_COUNT)]
    reader, figure = Reader.load(), re.compile(r"\d+(\.\d)?")
    same, differences = [], []
    for payload in payloads:
        reading = reader.read(Sketch.from_json(payload).picture())
        python = views.summarize(reading)
        answer = page.evaluate(OPEN_LINK_JS, drawing_link(payload))
        same.append((answer["look"], answer["text"]) == (python.state, python.text))
        if same[-1]:
            assert figure.sub("", answer["words"]) == figure.sub("", python.caption)
        if len(reading.digits) == 1:
            pair = answer["probabilities"], reading.digits[0].probabilities
            differences.append(np.abs(np.subtract(*pair)).max())
    assert np.mean(same) >= 0.995
    assert len(differences) >= 0.98 * DRAWING_COUNT and np.median(differences) <= 0.02


def test_the_answer_follows_the_pen_and_survives_a_reload(page):
    draw_and_read(page, 7)
    assert int(page.locator("#answer").get_attribute("data-count")) >= 2  # one during the stroke
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#answer.waiting")).to_be_visible()
    draw_and_read(page, 4)
    page.reload()
    expect(page.locator("#answer")).to_have_attribute("data-number", "4")


def test_non_digits_and_several_digits_are_refused(page):
    triangles = [[x, 400, x + 170, 400, x + 80, 640] for x in (150, 400, 650)]
    star = [300, 300, 700, 700, 300, 700, 700, 300, 500, 200, 500, 800]
    for strokes, look, text in (
        ([[400, 300, 400, 700], [600, 300, 600, 700]], "refused", "Several?"),
        (triangles, "refused", "Several?"),
        ([star], "refused", "No digit"),
        ([], "waiting", "0 – 9"),
    ):
        payload = [{"width": 79, "erases": False, "points": points} for points in strokes]
        payload = payload or [{"width": 9, "erases": 1, "points": [1, 1]}]
        page.evaluate(OPEN_LINK_JS, drawing_link({"strokes": payload}))
        expect(page.locator("#answer .headline")).to_have_text(text)
        expect(page.locator(f"#answer.{look}")).to_be_visible()


def test_it_sends_nothing_and_works_offline_after_the_first_visit(visit, folder):
    with serve_folder(folder) as url:
        page = visit(url)
        draw_and_read(page, 3)
        expect(page.locator("#state")).to_contain_text("without a connection")
        assert {request.method for request in page.requests} == {"GET"}
        assert all(r.url.startswith(url) and "?" not in r.url for r in page.requests)
        rejected = "fetch('https://example.org/').then(() => 'sent', () => 'rejected')"
        assert page.evaluate(rejected) == "rejected"
    page.reload()  # the server has stopped
    expect(page.locator("#answer[data-ready]")).to_be_attached()
    page.get_by_role("button", name="Clear").click()
    draw_and_read(page, 2)


def test_without_its_network_it_says_so(visit, scripts):
    page = visit(scripts[1], is_ready=False)
    draw_line(page)  # the pad works
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()
    expect(page.locator("#state")).to_contain_text("could not be loaded")


@pytest.mark.parametrize("scheme, width, height", [("dark", 360, 700), ("light", 1280, 720)])
def test_it_is_accessible_and_fits_the_screen(visit, served, scheme, width, height):
    page = visit(served, viewport={"width": width, "height": height}, color_scheme=scheme)
    for digit in (None, 8):
        if digit:
            draw_and_read(page, digit)
        assert Axe().run(page).response["violations"] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for part in ("#pad canvas", "#answer .headline", ".bars"):
            box = page.locator(part).bounding_box()
            assert box["y"] >= 0 and box["y"] + box["height"] <= height
