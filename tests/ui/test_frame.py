"""The page works in another site's frame and translated, or reports what does not work."""

import re

import pytest
from playwright.sync_api import expect

from support.static_server import serve_folder
from tests.pages import BAR, draw_and_read

# Changes the document as Chrome's translation does, without changing the text.
TRANSLATE = """() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const nodes = [];
    while (walker.nextNode()) nodes.push(walker.currentNode);
    for (const node of nodes) {
        const { translate, tagName } = node.parentElement;
        if (!translate || !node.data.trim() || /SCRIPT|STYLE/.test(tagName)) continue;
        const font = document.createElement("font");
        font.textContent = node.data;
        node.replaceWith(font);
    }
}"""


class Framed:
    """A page's frame, with a page's interface."""

    def __init__(self, page):
        self.page, self.locator = page, page.frame_locator("iframe").locator
        self.mouse, self.by_role = page.mouse, page.frame_locator("iframe").get_by_role


@pytest.fixture
def framed(window, served, folder):
    """Return the page in another site's frame, without access to clipboard and camera."""
    html = f"<!doctype html><iframe src='{served.url}' width=1200 height=800></iframe>"
    (folder / "index.html").write_text(html)
    page = window(viewport={"width": 1280, "height": 900})
    with serve_folder(folder) as url:
        url = url.replace("127.0.0.1", "localhost")
        page.context.grant_permissions(["clipboard-read"], origin=url)
        page.goto(url)
        frame = Framed(page)
        expect(frame.locator("#pad .hint")).to_be_visible()
        yield frame


def test_a_number_and_a_link_are_copied_without_the_clipboard_api(framed):
    button = lambda name: framed.by_role("button", name=name, exact=True)  # noqa: E731
    button("Copy").click()
    expect(button("No number")).to_be_visible()
    draw_and_read(framed, 4)
    for name, text in (("Copy", "4"), ("Link", r"http.*#drawing=s.*e")):
        button(name).click()
        expect(framed.locator(f"#{name.lower()}")).to_have_text("Copied")
        assert re.fullmatch(text, framed.page.evaluate("navigator.clipboard.readText()"))
        framed.locator(f"#{name.lower()}").click()  # twice in quick succession
        expect(button(name)).to_be_visible()
    framed.locator("body").evaluate("document.execCommand = () => false")
    button("Link").click()
    shown = framed.locator("#take textarea")
    expect(shown).to_be_focused()
    assert "#drawing=" in shown.input_value()
    assert framed.locator("body").evaluate("String(getSelection())") == shown.input_value()
    framed.page.keyboard.press("Tab")
    expect(shown).to_have_count(0)


def test_a_refused_camera_is_reported(framed):
    framed.by_role("tab", name="Picture").click()
    framed.by_role("button", name="Capture from camera").click()
    framed.locator("#upload").get_by_text("Access Webcam").click()
    expect(framed.locator("body").get_by_text("camera cannot be used")).to_be_in_viewport()


def test_answers_are_shown_on_a_translated_page(page):
    draw_and_read(page, 4)
    page.evaluate(TRANSLATE)
    expect(page.locator("#examples font").first).to_be_attached()
    page.keyboard.press("Escape")
    draw_and_read(page, 7)
    expect(page.locator("#answer .headline")).to_have_text("7")
    expect(page.locator("#answer .caption")).to_contain_text("sure")
    for digit, figure in ((7, r"(9\d|100)\s*%"), (4, r"\b\d\s*%")):
        expect(page.locator(BAR.format(digit))).to_contain_text(re.compile(figure))
    for part in ("answer", "label", "strip", "pixels"):
        expect(page.locator(f"#{part}")).to_have_attribute("translate", "no")
