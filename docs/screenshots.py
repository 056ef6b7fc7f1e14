"""Picture the page as it is now, for the README.

    python docs/screenshots.py

It starts the page with the checkpoint in the repository, draws on it in Chromium, and writes
`docs/page-*.png`. It wants Debian's `chromium`, and what is in requirements-dev.txt.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent))

from inkling.export.static_page import build  # noqa: E402
from support.static_server import serving  # noqa: E402

LAPTOP = {"viewport": {"width": 1280, "height": 800}, "device_scale_factor": 1.5}
PHONE = {
    "viewport": {"width": 360, "height": 700},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}
# A 4 and a 9 as strokes of points, in hundredths of the pad.
FOUR = [[(44, 18), (36, 40), (26, 60), (48, 61), (74, 58)], [(60, 38), (59, 62), (56, 86)]]
FOUR_OR_NINE = [[(49, 22), (31, 50), (28, 69), (58, 52), (63, 51)], [(62, 26), (61, 56), (59, 96)]]
NINE = [[(62, 26), (48, 20), (36, 32), (42, 46), (58, 44), (64, 28), (62, 52), (54, 84)]]


def draw(page: Page, strokes: list[list[tuple[int, int]]], digit: str) -> None:
    """Draw with the mouse, and wait until it is read."""
    ink(page, strokes)
    read = page.locator("#answer [data-number]")
    expect(read).to_have_attribute("data-number", digit)
    page.mouse.move(0, 0)


def ink(page: Page, strokes: list[list[tuple[int, int]]]) -> None:
    """Draw with the mouse."""
    box = page.locator("#pad canvas").bounding_box()
    for stroke in strokes:
        places = [
            (box["x"] + x * box["width"] / 100, box["y"] + y * box["height"] / 100)
            for x, y in stroke
        ]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=8)
        page.mouse.up()


def change(page: Page) -> None:
    """Ask what would make a 9 of a 4."""
    draw(page, FOUR, "4")
    page.locator("#label [data-testid='9-confidence-set']").click()
    expect(page.locator("#change h2")).to_have_text("To make it a 9")
    page.mouse.move(0, 0)


def number(page: Page) -> None:
    """Have the photographed number read."""
    page.locator("#examples button", has_text="number").click()
    expect(page.locator("#strip button")).to_have_count(4)
    page.locator("#strip button").nth(2).click()
    expect(page.locator("#strip button").nth(2)).to_have_attribute("aria-pressed", "true")


def inside(page: Page) -> None:
    """Unfold the inside of the network, and scroll to it."""
    draw(page, FOUR, "4")
    page.get_by_role("button", name="Inside the network").click()
    page.locator("#layers [data-open^='1-']").nth(2).click()
    expect(page.locator("#feature-map .excited").first).to_be_visible()
    expect(page.locator("#map img")).to_be_visible()
    page.locator("#inside").evaluate("element => element.scrollIntoView()")


def card(page: Page) -> None:
    """Open the model's card, and the digits behind one of its confusions."""
    page.get_by_role("tab", name="The network").click()
    page.get_by_role("button", name="times a 4 was read as 9").click()
    expect(page.locator("#cell img").first).to_be_visible()
    page.evaluate("scrollTo(0, 0)")


SCENES: dict[str, tuple[dict, Callable[[Page], None]]] = {
    "light": (LAPTOP, change),
    "unsure": (LAPTOP, lambda page: draw(page, FOUR_OR_NINE, "4")),
    "dark": (LAPTOP | {"color_scheme": "dark"}, number),
    "phone": (PHONE, lambda page: draw(page, NINE, "9")),
    "inside": (LAPTOP | {"viewport": {"width": 1280, "height": 1150}}, inside),
    "card": (LAPTOP | {"viewport": {"width": 1280, "height": 900}}, card),
}


def picture_static_page(browser: Browser) -> None:
    """Build the page without a server, draw on it, and write its picture."""
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder))
        with serving(Path(folder)) as url:
            page = browser.new_context(**LAPTOP | {"color_scheme": "dark"}).new_page()
            page.goto(url)
            expect(page.locator("#answer[data-ready]")).to_be_attached()
            ink(page, FOUR)
            expect(page.locator("#answer")).to_have_attribute("data-number", "4")
            page.screenshot(path=DOCS / "page-static.png")


def main() -> None:
    """Serve the page, and write a picture of each scene."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("Chromium is not installed (Debian: apt-get install chromium).")
    server = subprocess.Popen(
        [sys.executable, "app.py"], cwd=DOCS.parent, stdout=subprocess.PIPE, text=True
    )
    try:
        url = next(m[1] for line in server.stdout if (m := re.search(r" at (http\S+)", line)))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for name, (options, play) in SCENES.items():
                page = browser.new_context(**options).new_page()
                page.goto(url)
                expect(page.locator("#pad .hint")).to_be_visible()
                play(page)
                file = DOCS / f"page-{name}.png"
                page.screenshot(path=file)
                print(file)
            picture_static_page(browser)
            browser.close()
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
