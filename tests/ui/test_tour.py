"""The tour leads through the page, by keys and by link, seen and heard."""

import re

import pytest
from playwright.sync_api import expect

from tests.pages import draw_and_read, expect_answer, get_tool, stored_strokes
from tests.ui.test_states import LOOKS, RECORD_SHIFTS, SHIFT, expect_accessible

STATIONS = ("pixels", "frame", "kernel", "pooling", "deeper", "features", "logits", "doubt")
DESCRIBED = """(() => {
    const { activeElement: at } = document;
    const text = (name) => document.getElementById(at.getAttribute(name))?.innerText;
    return [text("aria-labelledby"), text("aria-describedby")];
})()"""  # what a screen reader reads of the focus

INKED = """(canvas) => {
    const [cell, pen] = [canvas.width / 28, canvas.getContext("2d")];
    const at = (k) => [k % 28, Math.floor(k / 28)].map((place) => (place + 0.5) * cell);
    const values = Array.from({ length: 784 }, (_, k) => pen.getImageData(...at(k), 1, 1).data[0]);
    return values.filter((value) => value < 255).length;
}"""


def expect_station(page, number):
    """Expect this station, its part of the page in view above it, and the focus on its text."""
    expect(page.locator("#tour")).to_have_attribute("data-at", str(number))
    section = page.locator("#tour section:visible")
    expect(section).to_have_count(1)
    expect(section).to_be_focused()
    title, text = page.evaluate(DESCRIBED)
    assert title.startswith(f"{number} of 8: ") and STATIONS[number - 1] in title
    part = page.locator(section.get_attribute("data-part"))
    expect(part).to_be_in_viewport()
    assert part.evaluate("part => getComputedStyle(part).outlineColor") == "rgb(179, 0, 143)"
    assert part.bounding_box()["y"] < page.locator("#tour").bounding_box()["y"]
    return text


@pytest.mark.parametrize("look", ["phone, dark", "wall, light"])
def test_a_link_opens_a_tour_of_accessible_and_stable_stations(visit, served, look):
    page = visit(RECORD_SHIFTS, url=f"{served.url}#tour=1", **LOOKS[look])
    for number in range(1, 9):
        text = expect_station(page, number)
        assert len(re.findall(r"[.:!?](?= [A-Z]|$)", text)) >= 3  # two sentences, and what to do
        expect_accessible(page)
        if number in (3, 7):
            page.locator("#tour section:visible [data-cell]").click()
            expect(page.locator("#feature-map h2").first).to_be_focused()
            page.locator("#tour section:visible").focus()
        page.keyboard.press("ArrowRight")
    expect(page.locator("#tour")).to_be_hidden()  # after the last
    assert page.evaluate(SHIFT) < 0.02


def test_keys_and_buttons_lead_through_the_figures_of_the_drawing(page):
    draw_and_read(page, 4)
    page.get_by_role("link", name="take the tour").click()
    inked = page.locator("#pixels canvas").evaluate(INKED)
    assert f"{inked} pixels have ink" in expect_station(page, 1)
    page.keyboard.press("ArrowLeft")  # there is none before
    page.keyboard.press("ArrowRight")
    assert "Your 4 was" in expect_station(page, 2)
    get_tool(page, "Next").click()
    expect_station(page, 3)
    get_tool(page, "Back").click()
    expect_station(page, 2)
    get_tool(page, "Clear").click()  # play, and come back
    draw_and_read(page, 1)
    expect(page.locator("#tour section:visible")).to_contain_text("Your 1 was")
    drawn = stored_strokes(page)
    page.keyboard.press("Alt+n")
    expect_station(page, 3)
    assert page.url.endswith("#tour=3")
    page.keyboard.press("Escape")
    expect(page.locator("#tour")).to_be_hidden()
    assert "#" not in page.url
    assert stored_strokes(page) == drawn  # Esc has ended the tour alone
    page.keyboard.press("Enter")  # on the link, which has the focus
    expect_station(page, 3)


def test_a_tour_opens_from_the_other_tab_and_keeps_links_with_drawings(page):
    draw_and_read(page, 7)
    get_tool(page, "Link").click()
    link = page.url.partition("#")[2]
    get_tool(page, "Clear").click()
    page.get_by_role("tab", name="The network").click()
    page.evaluate("location.hash = '#tour=6'")
    expect_station(page, 6)  # with an example
    page.evaluate(f"location.hash = {link!r}")
    expect_answer(page, "7")
    expect(page.locator("#tour section:visible")).to_contain_text("logit of a 7")
    page.evaluate("location.hash = '#tour=9'")
    expect_station(page, 6)
    get_tool(page, "Clear").click()
    expect(page.locator("#tour")).to_contain_text("Draw a digit")
