"""Time the page in Chromium: previews during a stroke, evidence after it."""

import shutil
from typing import NamedTuple

from playwright.sync_api import Page, sync_playwright

RECORD_PREVIEWS_JS = """
window.previews = [];
const original = window.fetch;
let start = 0;
window.fetch = (address, options) => {
  if (String(options?.body).includes('"fn_name":"preview"')) start = performance.now();
  return original(address, options);
};
addEventListener("load", () => {
  new MutationObserver(() => {
    if (start && document.querySelector("#answer")?.dataset.wait === "drawing") {
      previews.push(performance.now() - start);
      start = 0;
    }
  }).observe(document.body, {
    subtree: true, childList: true, characterData: true,
    attributeFilter: ["style", "class", "data-number"],
  });
});
"""
# The evidence changes last, and with every stroke.
RECORD_STROKES_JS = """
() => {
  addEventListener("pointerup", () => (window.lifted = performance.now()), true);
  const evidence = () => document.querySelector("#evidence img")?.src;
  let last = evidence();
  const observer = new MutationObserver(() => {
    if (evidence() === last) return;
    last = evidence();
    window.answered = performance.now();
  });
  const changes = { subtree: true, childList: true, attributes: true };
  observer.observe(document.querySelector("#evidence"), changes);
}
"""
STROKES = 20
# A 3 with a long tail, in px from the middle: the preview changes on the way.
PATH = [(-50, -80), (30, -90), (50, -50), (0, -10), (60, 30), (30, 90), (-50, 80), (-90, 20)]


class PageTimes(NamedTuple):
    """Times in seconds."""

    previews: list[float]  # from each request during a stroke to its bars
    strokes: list[float]  # from the end of each stroke to its evidence


def time_page(url: str) -> PageTimes | None:
    """Time a page; return None without Chromium."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        return None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"]
        )
        page = browser.new_page()
        page.add_init_script(RECORD_PREVIEWS_JS)
        page.goto(url)
        page.wait_for_selector("#pad .hint:visible")
        draw_slowly(page)
        strokes = time_strokes(page)
        previews = [ms / 1_000 for ms in page.evaluate("previews")]
        browser.close()
    return PageTimes(previews, strokes)


def find_middle(page: Page) -> tuple[float, float]:
    """Return the middle of the pad, px."""
    box = page.locator("#pad canvas").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def draw_slowly(page: Page) -> None:
    """Draw `PATH` three times at the speed of a hand, and clear it."""
    x, y = find_middle(page)
    for _ in range(3):
        page.mouse.move(x + PATH[0][0], y + PATH[0][1])
        page.mouse.down()
        for right, down in PATH[1:]:
            page.mouse.move(x + right, y + down, steps=12)
            page.wait_for_timeout(150)
        page.mouse.up()
        page.keyboard.press("Escape")
        page.wait_for_timeout(500)


def time_strokes(page: Page) -> list[float]:
    """Draw strokes below one another; return the seconds from each end to its evidence."""
    (x, y), seconds = find_middle(page), []
    page.evaluate(RECORD_STROKES_JS)
    for k in range(STROKES):
        page.mouse.move(x - 60, y - 80 + 8 * k)
        page.mouse.down()
        page.mouse.move(x + 60, y - 80 + 8 * k, steps=5)
        page.evaluate("window.answered = 0")
        page.mouse.up()
        page.wait_for_function("window.answered > 0")
        seconds.append(page.evaluate("window.answered - window.lifted") / 1_000)
        page.wait_for_timeout(150)
    return seconds
