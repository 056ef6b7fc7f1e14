"""Every state of the page, on every kind of screen: what it says, and that everyone can use it."""

import time

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import line, serving, sketch
from playwright.sync_api import expect

from inkling.imaging.mnist_frame import Glyph, frame
from inkling.recognition.reader import Reader
from inkling.recognition.reading import NO_DIGIT, Digit, Reading
from inkling.training.loop import Progress
from inkling.ui.live_reader import NoReader

WAIT = 15_000  # ms, until something counts as not happening
SCREENS = {"phone": (360, 700), "tablet": (768, 1024), "laptop": (1280, 800), "wall": (1920, 1080)}
LOOKS = {
    f"{name}, {scheme}": {
        "viewport": {"width": width, "height": height},
        "has_touch": width < 1000,
        "color_scheme": scheme,
    }
    for name, (width, height) in SCREENS.items()
    for scheme in ("light", "dark")
}
FALLEN = """
window.shifts = [];
new PerformanceObserver((list) => list.getEntries().forEach((one) => shifts.push(one)))
  .observe({ type: "layout-shift", buffered: true });
"""


def digit(best, confidence, second=None, not_a_digit=0.01):
    """Return a glyph read as `best` with this confidence; the rest goes to the second."""
    second = (best + 1) % 10 if second is None else second
    chances = np.zeros(10)
    chances[best], chances[second] = confidence, 1 - confidence
    ink = frame((255 - sketch(best).astype(np.float32)) / 255)
    return Digit(Glyph(ink, (60, 50, 200, 230)), tuple(chances.tolist()), not_a_digit)


# What is read, and how the page says it: look, headline, caption.
STATES = {
    "sure": (Reading((digit(7, 0.998),)), "sure", "7", "99.8 % sure"),
    "unsure": (
        Reading((digit(4, 0.52, 9),)),
        "unsure",
        "4 or 9?",
        "about 5 would be a 4, and 5 a 9",
    ),
    "refused": (
        Reading((digit(3, 0.7, not_a_digit=0.97),), NO_DIGIT),
        "refused",
        "No digit",
        "nearest would be a 3",
    ),
    "blank": (Reading(note="Nothing drawn."), "waiting", "0 – 9", "Nothing drawn."),
    "several": (
        Reading((digit(4, 0.99), digit(2, 0.98)), seen=("2 glyphs on 1 line",)),
        "sure",
        "42",
        "97.0 % sure of the whole number",
    ),
    "several, one no digit": (
        Reading((digit(4, 0.99), digit(2, 0.98, not_a_digit=0.9))),
        "unsure",
        "4?",
        "1 of 2 glyphs was not read.",
    ),
    "error": (
        Reading(error="the file is empty: it holds 0 bytes."),
        "error",
        "Sorry",
        "The file is empty",
    ),
}


class Scripted(Reader):
    """Answers what it was told to, with a real network behind it."""

    says = Reading()
    takes = 0.0  # seconds, for each reading
    asked = 0

    def read(self, *_):
        self.asked += 1
        time.sleep(self.takes)
        return self.says


@pytest.fixture(scope="module")
def served():
    """Return a served page whose reader says what a test tells it to."""
    real = Reader.load()
    with serving(Scripted(real.model, real.description, real.gallery), trains=True) as served:
        yield served


@pytest.fixture(params=LOOKS.values(), ids=LOOKS)
def page(request, chromium, served):
    """Return the page on one kind of screen."""
    context = chromium.new_context(**request.param)
    yield opened(context, served.url)
    context.close()


def opened(context, url):
    """Return the page once it can be drawn on, and Gradio shows no sign of loading it."""
    page = context.new_page()
    page.goto(url)
    expect(page.locator("#pad .hint")).to_be_visible(timeout=WAIT)
    expect(page.get_by_text("Loading...", exact=True)).to_have_count(0)
    return page


def accessible(page):
    """Return what axe finds wrong, as text: nothing, that is, once nothing fades any more."""
    expect(page.locator("#answer")).to_have_attribute("data-wait", "", timeout=WAIT)
    page.evaluate("Promise.allSettled(document.getAnimations().map((one) => one.finished))")
    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {n['target']} {n['html'][:200]}" for v in found for n in v["nodes"]]


def test_each_state_is_said_in_words_and_usable_by_all(page, served):
    assert accessible(page) == []
    for reading, look, headline, caption in STATES.values():
        served.reader.says = reading
        line(page)
        expect(page.locator("#answer .caption")).to_contain_text(caption, timeout=WAIT)
        expect(page.locator("#answer .headline")).to_contain_text(headline)
        expect(page.locator(f"#answer .{look}")).to_have_count(1)
        expect(page.locator("#strip button")).to_have_count(
            len(reading.digits) if len(reading.digits) > 1 else 0
        )
        said = page.locator("#title [role=status]")
        expect(said).to_contain_text(caption)
        assert accessible(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_folded_the_uploading_and_the_network_s_parts_are_usable_by_all(page, served):
    served.reader.says = STATES["sure"][0]
    line(page)
    expect(page.locator("#answer .sure")).to_be_visible(timeout=WAIT)
    page.get_by_role("button", name="Inside the network").click()
    expect(page.locator("#map img")).to_be_visible(timeout=WAIT)
    assert accessible(page) == []
    page.get_by_role("tab", name="Picture").click()
    expect(page.locator("#upload")).to_be_visible()
    assert accessible(page) == []
    page.get_by_role("tab", name="The network").click()
    page.get_by_role("button", name="times a 4 was read as 4").click()
    expect(page.locator("#cell img").first).to_be_visible(timeout=WAIT)
    assert accessible(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("look", ["phone, light", "phone, dark", "wall, light", "laptop, dark"])
def test_learning_and_its_failure_are_shown(chromium, served, look):
    source = served.source
    held_out = ((40, 0.6), (80, 0.9), (120, 0.95))
    states = [
        ({"learning": True, "reader": NoReader("The network has just begun")}, "getting ready"),
        (
            {"progress": Progress(120, 400, 2, 5, held_out, (), served.reader.model, 70.0)},
            "epoch 2 of 5, 95.0% of held-out digits right, 70 s left",
        ),
        ({"learning": False, "failure": "Learning ended early: no digits."}, "ended early"),
    ]
    context = chromium.new_context(**LOOKS[look])
    try:
        for changed, words in states:
            vars(source).update(changed)
            page = opened(context, served.url)
            expect(page.locator("#status")).to_contain_text(words, timeout=WAIT)
            expect(page.locator("#status .plot")).to_have_count(int("epoch" in words))
            assert accessible(page) == []
    finally:
        vars(source).update(learning=False, progress=None, failure="", reader=served.reader)
        context.close()


@pytest.mark.parametrize("screen", SCREENS.values(), ids=SCREENS)
def test_nothing_jumps_while_the_page_loads_and_answers(chromium, served, screen):
    served.reader.says = STATES["unsure"][0]
    moved = []
    for _ in range(3):  # the median: Gradio lays out its parts in any order
        size = dict(zip(("width", "height"), screen, strict=True))
        context = chromium.new_context(viewport=size)
        context.add_init_script(FALLEN)
        page = opened(context, served.url)
        line(page)
        expect(page.locator("#answer .unsure")).to_be_visible(timeout=WAIT)
        told = page.evaluate("shifts.filter((one) => !one.hadRecentInput).map((one) => one.value)")
        moved.append(sum(told))
        context.close()
    assert sorted(moved)[1] < 0.02


def test_what_the_glance_needs_is_in_view_on_a_laptop(chromium, served):
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = opened(context, served.url)
    for reading, look, *_ in (STATES["sure"], STATES["unsure"]):
        served.reader.says = reading
        line(page)
        expect(page.locator(f"#answer .{look}")).to_be_visible(timeout=WAIT)
        for part in ("#pad", "#answer", "#label", "#lessons", "#take", "#examples"):
            box = page.locator(part).bounding_box()
            assert box["y"] >= 0 and box["y"] + box["height"] <= 800
        for part in ("#original", "#pixels", "#evidence", "#change"):
            box = page.locator(f"{part} .look").first.bounding_box()
            assert box["y"] >= 0 and box["y"] + box["height"] <= 800
    context.close()


def test_the_width_of_a_wall_is_used(chromium, served):
    context = chromium.new_context(viewport={"width": 1920, "height": 1080})
    page = opened(context, served.url)
    left, right = page.locator("#input").bounding_box(), page.locator("#looks").bounding_box()
    assert left["x"] <= 60 and right["x"] + right["width"] >= 1860
    page.get_by_role("tab", name="The network").click()
    box = page.locator("#confusions").bounding_box()
    assert box["x"] + box["width"] >= 1860
    context.close()


def test_twice_as_large_all_of_it_is_there_and_nothing_runs_over(chromium, served):
    context = chromium.new_context(viewport={"width": 640, "height": 400}, device_scale_factor=2)
    page = opened(context, served.url)
    served.reader.says = STATES["several, one no digit"][0]
    line(page)
    expect(page.locator("#strip button")).to_have_count(2, timeout=WAIT)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


def test_the_keyboard_reaches_every_control(chromium, served):
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = opened(context, served.url)
    served.reader.says = STATES["sure"][0]
    line(page)
    expect(page.locator("#answer .sure")).to_be_visible(timeout=WAIT)
    page.evaluate("document.activeElement?.blur(); scrollTo(0, 0)")
    reached = set()
    for _ in range(90):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                """(() => { const at = document.activeElement;
                return at.closest("[id]:not([id^=html-])")?.id ?? at.tagName })()"""
            )
        )
    wanted = {"pad", "examples", "lessons", "copy", "link", "report", "data", "pixels", "change"}
    assert wanted <= reached, reached
    context.close()


def test_a_number_is_chosen_from_by_the_keyboard_alone(page, served):
    served.reader.says = STATES["several"][0]
    line(page)
    second = page.locator("#strip button").nth(1)
    expect(second).to_be_visible(timeout=WAIT)
    page.locator("#strip button").first.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(second).to_have_attribute("aria-pressed", "true", timeout=WAIT)
    expect(second).to_be_focused()
    expect(page.locator("#evidence h2")).to_have_text("Why 2, not 3")


def test_who_wants_no_motion_gets_none(chromium, served):
    context = chromium.new_context(reduced_motion="reduce")
    page = opened(context, served.url)
    moving = """[...document.querySelectorAll(".gradio-container *")].filter((e) => {
        const style = getComputedStyle(e);
        return style.transitionProperty !== "none" && style.transitionDuration !== "0s";
    }).length"""
    assert page.evaluate(moving) == 0
    context.close()


def test_strokes_never_queue_up_behind_one_another(chromium, served):
    context = chromium.new_context()
    page = opened(context, served.url)
    served.reader.says, served.reader.takes, served.reader.asked = STATES["sure"][0], 1.0, 0
    try:
        for _ in range(8):  # faster than they can be read
            line(page)
        expect(page.locator("#answer .sure")).to_be_visible(timeout=WAIT)
        served.reader.says = STATES["unsure"][0]
        line(page)  # the latest is always read
        expect(page.locator("#answer .unsure")).to_be_visible(timeout=WAIT)
        assert served.reader.asked <= 4
    finally:
        served.reader.takes = 0
        context.close()
