"""Every state of the page, on every kind of screen: its text, accessibility and layout."""

import numpy as np
import pytest
from playwright.sync_api import expect

from inkling.imaging.mnist_frame import Glyph, frame_glyph
from inkling.recognition.reading import NO_DIGIT, Digit, Reading
from inkling.training.live_reader import PlaceholderReader
from inkling.training.loop import Progress
from support.sketches import sketch
from tests.pages import (
    choose_example,
    draw_line,
    expect_no_violations,
    get_tool,
    open_page,
    wait_until_settled,
)

SCREENS = {"phone": (360, 700), "tablet": (768, 1024), "laptop": (1280, 800), "wall": (1920, 1080)}
LOOKS = {  # colours do not depend on the screen: each comes with two
    f"{name}, {scheme}": {
        "viewport": dict(zip(("width", "height"), SCREENS[name], strict=True)),
        "has_touch": name in ("phone", "tablet"),
        "color_scheme": scheme,
    }
    for name, scheme in zip(SCREENS, ("dark", "light", "dark", "light"), strict=True)
}
RECORD_SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => list.getEntries().forEach((one) => shifts.push(one)))
  .observe({ type: "layout-shift", buffered: true });
"""


SHIFT = "shifts.reduce((sum, s) => sum + (s.hadRecentInput ? 0 : s.value), 0)"
NO_OVERFLOW = "document.documentElement.scrollWidth <= innerWidth"
FOCUS = """(() => { const at = document.activeElement;
    return at.closest("[id]:not([id^=html-])")?.id ?? at.tagName })()"""
MOVING = """[...document.querySelectorAll(".gradio-container *")].filter((e) => {
    const style = getComputedStyle(e);
    return style.transitionProperty !== "none" && style.transitionDuration !== "0s";
}).length"""


def digit(best, confidence, second=None, not_a_digit=0.01):
    """Return a glyph read as `best` with this confidence; `second` has the rest."""
    second = (best + 1) % 10 if second is None else second
    probs = np.zeros(10)
    probs[best], probs[second] = confidence, 1 - confidence
    ink = frame_glyph((255 - sketch(best).astype(np.float32)) / 255)
    return Digit(Glyph(ink, (60, 50, 200, 230)), tuple(probs.tolist()), not_a_digit)


# A reading; the answer's CSS class, headline and caption.
UNSURE = Reading((digit(4, 0.52, 9),))
SEVERAL = digit(4, 0.99), digit(2, 0.98)
ONE_REFUSED = digit(4, 0.99), digit(2, 0.98, not_a_digit=0.9)
REFUSED = Reading((digit(3, 0.7, not_a_digit=0.97),), NO_DIGIT)
EMPTY_FILE = Reading(error="the file is empty: it holds 0 bytes.")
STATES = {
    "sure": (Reading((digit(7, 0.998),)), "sure", "7", "99.8 % sure"),
    "unsure": (UNSURE, "unsure", "4 or 9?", "about 5 would be a 4, and 5 a 9"),
    "refused": (REFUSED, "refused", "No digit", "nearest would be a 3"),
    "blank": (Reading(note="Nothing drawn."), "waiting", "0 – 9", "Nothing drawn."),
    "several": (Reading(SEVERAL), "sure", "42", "97.0 % sure of the whole number"),
    "one refused": (Reading(ONE_REFUSED), "unsure", "4?", "1 of 2 glyphs was not read."),
    "error": (EMPTY_FILE, "error", "Sorry", "The file is empty"),
}


@pytest.fixture
def show(served):
    """Return a function that shows a state: a line is read as its reading."""

    def show(page, state):
        served.reader.says, look, headline, caption = STATES[state]
        draw_line(page)
        expect(page.locator("#answer .caption")).to_contain_text(caption)
        expect(page.locator("#answer .headline")).to_contain_text(headline)
        expect(page.locator(f"#answer .{look}")).to_have_count(1)
        wait_until_settled(page)

    yield show
    served.reader.says = None


def expect_accessible(page):
    """Expect no accessibility violations, and no horizontal overflow."""
    expect_no_violations(page)
    assert page.evaluate(NO_OVERFLOW)


def expect_accessible_in(looks, page_of):
    """Expect no violations at the sizes of some looks, on the page of each colour scheme."""
    for look in looks:
        page = page_of[look["color_scheme"]]
        page.set_viewport_size(look["viewport"])
        expect_accessible(page)


def expect_in_view(page, *parts):
    """Expect components to be in view, from top to bottom."""
    for part in parts:
        box = page.locator(part).first.bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= page.viewport_size["height"], part


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_each_state_and_component_is_accessible(visit, show, scheme):
    looks = [look for look in LOOKS.values() if look["color_scheme"] == scheme]
    page = visit(**looks[0])
    expect_accessible_in(looks, {scheme: page})
    for state, (reading, _, _, caption) in STATES.items():
        show(page, state)
        several = len(reading.digits) if len(reading.digits) > 1 else 0
        expect(page.locator("#strip button")).to_have_count(several)
        expect(page.locator("#title [role=status]")).to_contain_text(caption)
        expect_accessible_in(looks, {scheme: page})
    show(page, "sure")
    page.get_by_role("button", name="Inside the network").click()
    expect(page.locator("#map img")).to_be_visible()
    for cell, name in (("[data-digit='7']", "Logit"), ("[data-open^='1-']", "Layer 1")):
        page.locator(f"#layers {cell}").first.click()
        expect(page.locator("#feature-map h2").first).to_contain_text(name)
    expect_accessible_in(looks, {scheme: page})
    get_tool(page, "Exact numbers").click()
    expect(get_tool(page, "Exact numbers")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Switch parts off").click()
    get_tool(page, "Switch off these ten").click()
    expect(page.locator("#switched")).to_contain_text("without 10 maps")
    expect_accessible_in(looks, {scheme: page})
    get_tool(page, "Switch all on").first.click()
    page.get_by_role("button", name="How the picture was read").click()
    choose_example(page, 6)
    expect(page.locator("#traced ol")).to_be_visible()
    expect_accessible_in(looks, {scheme: page})
    page.get_by_role("tab", name="Picture").click()
    expect(page.locator("#upload")).to_be_visible()
    expect_accessible_in(looks, {scheme: page})
    page.get_by_role("tab", name="The network").click()
    page.get_by_role("button", name="times a 4 was read as 4").click()
    expect(page.locator("#cell img").first).to_be_visible()
    expect_accessible_in(looks, {scheme: page})


@pytest.mark.parametrize("look", ["phone, dark", "wall, light"])
def test_training_and_its_failure_are_shown(visit, served, look):
    source = served.source
    held_out = ((40, 0.6), (80, 0.9), (120, 0.95))
    progress = Progress(120, 400, 2, 5, held_out, (), served.reader.model, 70.0)
    placeholder = PlaceholderReader("The network has just begun")
    states = [
        ({"is_training": True, "reader": placeholder}, "preparing MNIST"),
        ({"progress": progress}, "epoch 2 of 5, 95.0% of held-out digits right, 70 s left"),
        ({"is_training": False, "failure": "Training ended early: no digits."}, "ended early"),
    ]
    page = visit(**LOOKS[look])
    try:
        for changed, words in states:
            vars(source).update(changed)
            open_page(page, served.url)
            expect(page.locator("#status")).to_contain_text(words)
            expect(page.locator("#status .plot")).to_have_count(int("epoch" in words))
            expect_accessible(page)
    finally:
        vars(source).update(is_training=False, progress=None, failure="", reader=served.reader)


@pytest.mark.parametrize("screen", SCREENS.values(), ids=SCREENS)
def test_the_layout_is_stable_while_the_page_loads_and_answers(visit, show, screen):
    size = dict(zip(("width", "height"), screen, strict=True))
    still = []
    while still.count(True) < 2:  # of three: Gradio lays out components in any order
        page = visit(RECORD_SHIFTS, viewport=size)
        show(page, "unsure")
        still.append(page.evaluate(SHIFT) < 0.02)
        assert still.count(False) < 2


def test_all_main_components_are_in_view_on_a_laptop(page, show):
    for state in ("sure", "unsure"):
        show(page, state)
        expect_in_view(page, "#pad", "#answer", "#label", "#corrections", "#take", "#examples")
        expect_in_view(
            page, *(f"#{part} .look" for part in ("original", "pixels", "evidence", "change"))
        )


def test_a_wide_screen_is_used_and_200_percent_zoom_has_no_overflow(page, visit, show):
    page.set_viewport_size({"width": 1920, "height": 1080})
    left, right = page.locator("#input").bounding_box(), page.locator("#looks").bounding_box()
    assert left["x"] <= 60 and right["x"] + right["width"] >= 1860
    page.get_by_role("tab", name="The network").click()
    box = page.locator("#confusions").bounding_box()
    assert box["x"] + box["width"] >= 1860
    page = visit(viewport={"width": 640, "height": 400}, device_scale_factor=2)
    show(page, "one refused")
    expect(page.locator("#strip button")).to_have_count(2)
    assert page.evaluate(NO_OVERFLOW)


def test_the_keyboard_reaches_every_control_and_chooses_from_a_number(page, show):
    show(page, "sure")
    page.evaluate("document.activeElement?.blur(); scrollTo(0, 0)")
    reached = set()
    for _ in range(90):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(FOCUS))
    wanted = {"pad", "examples", "corrections", "pixels", "change"}
    wanted |= {"copy", "link", "report", "data"}
    assert wanted <= reached, reached
    show(page, "several")
    second = page.locator("#strip button").nth(1)
    page.locator("#strip button").first.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(second).to_have_attribute("aria-pressed", "true")
    expect(second).to_be_focused()
    expect(page.locator("#evidence h2")).to_have_text("Why 2, not 3")


def test_reduced_motion_is_respected(visit):
    assert visit(reduced_motion="reduce").evaluate(MOVING) == 0
