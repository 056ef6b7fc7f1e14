"""Take the screenshots of the README and the docs.

    python docs/screenshots.py

It starts the page with the shipped checkpoint, draws on it in Chromium, and writes
`docs/page-*.png`. It needs Chromium and requirements-dev.txt.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, expect, sync_playwright

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent))

from inkling.export.static_page import build  # noqa: E402
from support.static_server import serve_folder  # noqa: E402
from support.virtual_users import sample_drawings, serve_app, serve_class  # noqa: E402

LAPTOP = {"viewport": {"width": 1280, "height": 800}, "device_scale_factor": 1.5}
WALL = {"viewport": {"width": 1920, "height": 1080}}
PHONE = {
    "viewport": {"width": 360, "height": 700},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}
# Strokes as points, in hundredths of the pad's side.
FOUR = [[(44, 18), (36, 40), (26, 60), (48, 61), (74, 58)], [(60, 38), (59, 62), (56, 86)]]
FOUR_OR_NINE = [[(49, 22), (31, 50), (28, 69), (58, 52), (63, 51)], [(62, 26), (61, 56), (59, 96)]]
NINE = [[(62, 26), (48, 20), (36, 32), (42, 46), (58, 44), (64, 28), (62, 52), (54, 84)]]


def draw(page: Page, strokes: list[list[tuple[int, int]]], digit: str) -> None:
    """Draw strokes, and wait until they are read as a digit."""
    draw_strokes(page, strokes)
    read = page.locator("#answer [data-number]")
    expect(read).to_have_attribute("data-number", digit)
    page.mouse.move(0, 0)


def draw_strokes(page: Page, strokes: list[list[tuple[int, int]]]) -> None:
    """Draw strokes with the mouse."""
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


def show_counterfactual(page: Page) -> None:
    """Draw a 4, and request its change to a 9."""
    draw(page, FOUR, "4")
    page.locator("#label [data-testid='9-confidence-set']").click()
    expect(page.locator("#change h2")).to_have_text("To make it a 9")
    page.mouse.move(0, 0)


def show_number(page: Page) -> None:
    """Read the photographed number, and select its third digit."""
    page.locator("#examples button", has_text="number").click()
    expect(page.locator("#strip button")).to_have_count(4)
    page.locator("#strip button").nth(2).click()
    expect(page.locator("#strip button").nth(2)).to_have_attribute("aria-pressed", "true")


def show_inside(page: Page) -> None:
    """Follow the sum of a logit to the layer that pools, inside the network."""
    draw(page, FOUR, "4")
    page.get_by_role("button", name="Inside the network").click()
    page.locator("#layers [data-digit='4']").click()
    page.locator("#feature-map nav button", has_text="Layer 2").click()
    expect(page.locator("#feature-map .excited").first).to_be_visible()
    expect(page.locator("#map img")).to_be_visible()
    page.locator("#inside").evaluate("element => element.scrollIntoView()")


def show_card(page: Page) -> None:
    """Open the model card, and the digits of one confusion."""
    page.get_by_role("tab", name="The network").click()
    page.get_by_role("button", name="times a 4 was read as 9").click()
    expect(page.locator("#cell img").first).to_be_visible()
    page.evaluate("scrollTo(0, 0)")


SCENES: dict[str, tuple[dict, Callable[[Page], None]]] = {
    "light": (LAPTOP, show_counterfactual),
    "unsure": (LAPTOP, lambda page: draw(page, FOUR_OR_NINE, "4")),
    "dark": (LAPTOP | {"color_scheme": "dark"}, show_number),
    "phone": (PHONE, lambda page: draw(page, NINE, "9")),
    "inside": (LAPTOP | {"viewport": {"width": 1280, "height": 1150}}, show_inside),
    "card": (LAPTOP | {"viewport": {"width": 1280, "height": 900}}, show_card),
}


def capture_static_page(browser: Browser) -> None:
    """Build the page without a server, draw on it, and write its screenshot."""
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder))
        with serve_folder(Path(folder)) as url:
            page = browser.new_context(**LAPTOP | {"color_scheme": "dark"}).new_page()
            page.goto(url)
            expect(page.locator("#answer[data-ready]")).to_be_attached()
            page.locator("#examples button").nth(6).click()
            page.locator("#strip button").nth(1).click()
            expect(page.locator("#evidence h2")).to_contain_text("Why 4")
            page.screenshot(path=DOCS / "page-static.png")


def capture_wall(browser: Browser) -> None:
    """Let ten phones draw the ten digits, and write a screenshot of the class's wall."""
    drawings = sample_drawings(100)
    with serve_class() as (url, key, _):
        for k, drawing in enumerate(drawings):
            body = {"token": f"{k // 10:032}", "count": k % 10, "asked": k % 10} | drawing.payload
            httpx.post(f"{url}/class/talk", json=body, timeout=30).raise_for_status()
        page = browser.new_context(**WALL).new_page()
        page.goto(f"{url}/wall#key={key}")
        expect(page.locator("#rows .tile")).to_have_count(len(drawings))
        page.screenshot(path=DOCS / "page-wall.png")


def main() -> None:
    """Start the page, and write a screenshot of each scene."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("Chromium is not installed (Debian: apt-get install chromium).")
    with serve_app() as (url, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, (options, play) in SCENES.items():
            page = browser.new_context(**options).new_page()
            page.goto(url)
            expect(page.locator("#pad .hint")).to_be_visible()
            play(page)
            file = DOCS / f"page-{name}.png"
            page.screenshot(path=file)
            print(file)
        capture_static_page(browser)
        capture_wall(browser)
        browser.close()


if __name__ == "__main__":
    main()
