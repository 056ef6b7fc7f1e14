"""The page without a server does what the main page does, works offline, and sends nothing."""

import json
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from inkling.export.static_page import add_page, measure
from inkling.imaging.sketch import Sketch
from inkling.recognition.reader import Reader
from inkling.terminal import UserError
from inkling.ui import views
from support.static_server import OPEN_LINK_JS, drawing_link, serve_folder
from support.virtual_users import sample_drawings
from tests.pages import (
    NUMBER,
    choose_example,
    draw,
    draw_line,
    expect_answer,
    expect_compared,
    expect_no_answer,
    expect_no_violations,
    get_tool,
    locate_pixel,
    transfer,
    upload,
    wait_until_settled,
)

pytest_plugins = ["tests.static_pages"]
DRAWING_COUNT = 60
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)


@pytest.fixture
def page(open_site, static_url):
    """Return a window with the page."""
    return open_site(static_url)


def draw_and_read(page, digit):
    draw(page, digit)
    expect_answer(page, str(digit))
    return page


def open_inside(page):
    page.locator("#inside > .label-wrap").click()
    expect(page.locator("#layers canvas.features")).to_be_visible()


def test_it_is_small_and_no_file_is_too_large_for_a_space(static_folder):
    assert measure(static_folder)[0] <= 9
    assert max(path.stat().st_size for path in static_folder.iterdir()) < 10_000_000
    assert not list(static_folder.glob("*.mjs"))  # of which some servers do not know the type


def test_scripts_styles_and_templates_are_the_main_pages(static_folder):
    scripts, styles = (
        (static_folder / n).read_text("utf-8") for n in ("components.js", "style.css")
    )
    for path in views.UI_STATIC_DIR.glob("*.js"):
        assert path.read_text("utf-8") in scripts, path.name
    assert all(path.read_text("utf-8") in styles for path in views.STYLESHEETS)
    templates = (static_folder / "templates.js").read_text("utf-8")
    for name in ("answer.html", "evidence.html", "sentences.html", "cell_sum.html", "tour.html"):
        assert f'["{name}"]' in templates, name


def test_it_answers_as_python_in_the_same_words(page):
    payloads = [drawing.payload for drawing in sample_drawings(DRAWING_COUNT)]
    reader, figure = Reader.load(), re.compile(r"\d+(\.\d)?")
    same = []
    for payload in payloads:
        python = views.summarize(reader.read(Sketch.from_json(payload).picture()))
        answer = page.evaluate(OPEN_LINK_JS, drawing_link(payload))
        same.append((answer["look"], answer["text"]) == (f"answer {python.state}", python.text))
        if same[-1]:
            assert figure.sub("", answer["words"]) == figure.sub("", python.caption)
    assert np.mean(same) >= 0.98


def test_the_answer_follows_the_pen_and_survives_a_reload(page):
    draw_and_read(page, 7)
    get_tool(page, "Clear").click()
    expect_no_answer(page)
    draw_and_read(page, 4)
    page.reload()
    expect_answer(page, "4")
    page.locator("#link").click()
    expect(page.locator("#link")).to_have_text("Copied")
    assert page.url.partition("#")[2].startswith("drawing=s")


def test_pixels_a_rival_and_a_change_are_read_again(page):
    draw_and_read(page, 4)
    expect(page.locator("#evidence .heat img")).to_be_visible()
    expect_compared(page, 4, 9)
    page.get_by_role("button", name="Do it").click()
    expect_answer(page, "9")
    page.get_by_role("button", name="As it was").click()
    expect_answer(page, "4")
    page.evaluate("scrollTo(0, 0)")
    page.mouse.click(*locate_pixel(page, 2, 2))
    wait_until_settled(page)
    expect(page.get_by_role("button", name="As it was")).to_be_visible()


def test_pictures_are_chosen_dropped_pasted_and_turned_upright(page, tmp_path):
    upload(page, NUMBER)
    expect_answer(page, "7432")
    page.locator("#strip button").nth(2).click()
    expect(page.locator("#strip [aria-pressed=true]")).to_contain_text("3")
    expect(page.locator("#evidence h2")).to_contain_text("Why 3")
    assert transfer(page, "drop", NUMBER.parent / "1-crossed-seven.png")
    expect_answer(page, "7")
    sideways, exif = tmp_path / "sideways.jpg", Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    Image.open(NUMBER).convert("RGB").transpose(Image.Transpose.ROTATE_90).save(sideways, exif=exif)
    assert transfer(page, "paste", sideways, file_type="image/jpeg")
    expect_answer(page, "7432")
    choose_example(page, 2)
    expect_answer(page, "3")
    get_tool(page, "Copy").click()
    expect(page.locator("#copy")).to_have_text("Copied")


@pytest.mark.parametrize(
    "name, content, sentence",
    [
        ("a.heic", HEIC, "The file is a HEIC picture, which is not read here: save it as PNG"),
        ("a.pdf", b"%PDF-1.7 and so on", "The file is a PDF, which is not read here: save it"),
        ("a.png", b"\x89PNG\r\n\x1a\nbroken", "The picture is damaged"),
        ("a.txt", b"a text", "The file is no picture that this browser can open: save it"),
    ],
)
def test_what_is_no_picture_is_refused_in_one_sentence(page, tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)
    upload(page, tmp_path / name)
    expect(page.locator(".answer.error .caption")).to_contain_text(sentence)


def test_an_unsure_answer_says_why(page):
    reader, found = Reader.load(), 0
    for drawing in sample_drawings(400):
        reading = reader.read(Sketch.from_json(drawing.payload).picture())
        if views.summarize(reading).state == "unsure" and len(reading.digits) == 1:
            page.evaluate(OPEN_LINK_JS, drawing_link(drawing.payload))
            found += page.locator("#change .candidates p").count() == 2
            if found == 2:
                break
    assert found
    expect(page.locator("#change h2")).to_have_text("Why not sure")
    expect(page.locator("#change .candidates img")).to_have_count(2)


def test_inside_shows_layers_and_follows_a_sum_to_a_pixel(page):
    draw_and_read(page, 4)
    open_inside(page)
    assert page.locator("#layers .stages canvas").count() >= 4 * 12
    page.locator("#layers .scores button").nth(4).click()
    expect(page.locator("#feature-map h2")).to_contain_text("Logit of")
    trail = page.locator("#feature-map .trail button")
    expect(trail).to_have_count(7)
    trail.last.click()
    expect(page.locator("#feature-map h2")).to_contain_text("Pixel, row")
    expect(page.locator("#decision .steps tr")).to_have_count(11)
    page.locator("#steps > .label-wrap").click()
    expect(page.locator("#traced li").first).to_contain_text("4:")


def test_the_tour_has_eight_stations(open_site, static_url):
    page = open_site(f"{static_url}#tour=1")
    for number in range(1, 9):
        station = page.locator(f"#tour section:nth-of-type({number})")
        expect(station).to_be_focused()
        page.keyboard.press("ArrowRight")
    expect(page.locator("#tour")).to_be_hidden()


def test_the_card_shows_figures_and_opens_digits(page):
    page.get_by_role("tab", name="The network").click()
    expect(page.locator("#card .figures dd").first).to_contain_text("%")
    page.locator("#matrix .wrong").first.click()
    expect(page.locator("#cell figure").first).to_be_visible()
    page.locator("#more .digits button").first.click()
    expect(page.locator("#desk")).to_be_visible()
    expect(page.locator("#answer [data-number]")).not_to_have_attribute("data-number", "")


def test_the_reading_is_saved_as_json(page):
    draw_and_read(page, 4)
    with page.expect_download() as download:
        get_tool(page, "JSON").click()
    reading = json.loads(download.value.path().read_text())
    assert reading["text"] == "4" and len(reading["digits"][0]["probabilities"]) == 10


def test_it_sends_nothing_and_works_offline_after_the_first_visit(open_site, static_folder):
    with serve_folder(static_folder) as url:
        page = open_site(url)
        draw_and_read(page, 3)
        choose_example(page, 1)
        expect_answer(page, "4")
        expect(page.locator("#state")).to_contain_text("without a connection")
        sent = [r for r in page.requests if not r.url.startswith("data:")]
        assert {request.method for request in sent} == {"GET"}
        assert all(r.url.startswith(url) and "?" not in r.url for r in sent)
        rejected = "fetch('https://example.org/').then(() => 'sent', () => 'rejected')"
        assert page.evaluate(rejected) == "rejected"
    page.reload()  # the server has stopped
    expect(page.locator("#answer[data-ready]")).to_be_attached()
    choose_example(page, 6)
    expect_answer(page, "7432")


def test_without_its_networks_it_says_so(open_site, tmp_path):
    try:
        add_page(tmp_path, Reader.load())
    except UserError as error:
        pytest.skip(str(error))
    with serve_folder(tmp_path) as url:
        page = open_site(url, is_ready=False)
        draw_line(page)  # the pad works
        expect(page.get_by_role("button", name="Undo")).to_be_enabled()
        expect(page.locator("#state")).to_contain_text("could not be loaded")


def test_everything_is_reached_by_keys(page):
    draw_and_read(page, 4)
    page.locator("#views [role=tab]").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#card h2").first).to_be_visible()
    page.keyboard.press("ArrowLeft")
    page.locator("#inside > .label-wrap").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#layers .features")).to_be_visible()
    page.locator("#pixels canvas").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="As it was")).to_be_visible()


@pytest.mark.parametrize("scheme, width, height", [("dark", 360, 700), ("light", 1280, 800)])
def test_it_is_accessible_and_fits_the_screen(open_site, static_url, scheme, width, height):
    page = open_site(static_url, viewport={"width": width, "height": height}, color_scheme=scheme)
    for digit in (None, 4):
        if digit:
            draw_and_read(page, digit)
        for part in ("#pad canvas", "#answer .headline", "#label"):
            box = page.locator(part).bounding_box()
            assert box["y"] >= 0 and box["y"] + box["height"] <= height, part
        expect_no_violations(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    open_inside(page)
    expect_no_violations(page)
    page.get_by_role("tab", name="The network").click()
    expect_no_violations(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
