"""Time the page in a real browser: its start, readings while a stroke is drawn, and at its end."""

import shutil
import time
from typing import NamedTuple

WATCH_GLANCES = """
window.glances = [];
const fetched = window.fetch;
let asked = 0;
window.fetch = (address, how) => {
  if (String(how?.body).includes('"fn_name":"preview"')) asked = performance.now();
  return fetched(address, how);
};
addEventListener("load", () => {
  new MutationObserver(() => {
    if (asked && document.querySelector("#answer")?.dataset.wait === "drawing") {
      glances.push(performance.now() - asked);
      asked = 0;
    }
  }).observe(document.body, {
    subtree: true, childList: true, characterData: true,
    attributeFilter: ["style", "class", "data-number"],
  });
});
"""
WATCH_STROKES = """
() => {
  addEventListener("pointerup", () => (window.lifted = performance.now()), true);
  const evidence = () => document.querySelector("#evidence img")?.src;
  let last = evidence();
  const look = new MutationObserver(() => {
    if (evidence() === last) return;
    last = evidence();
    window.answered = performance.now();
  });
  const changes = { subtree: true, childList: true, attributes: true };
  look.observe(document.querySelector("#evidence"), changes);
}
"""  # the evidence is the last that changes, and it changes with every stroke
# A 3 with a long tail, in px from the middle: what is read changes on its way.
PATH = [(-50, -80), (30, -90), (50, -50), (0, -10), (60, 30), (30, 90), (-50, 80), (-90, 20)]


class Timed(NamedTuple):
    """What was timed, in seconds."""

    paint: float  # from the page's opening to its first paint
    pad: float  # and to its pad
    glances: list[float]  # from the asking for a reading in between to its bars
    strokes: list[float]  # from the end of each stroke to its evidence


def time_page(url: str, round_trip: int = 0, rounds: int = 20) -> Timed | None:
    """Time a page in Chromium, or return None where there is none.

    The browser waits `round_trip` ms longer for each request of a stroke.
    """
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        return None
    strokes = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"]
        )
        page = browser.new_page()
        page.add_init_script(WATCH_GLANCES)
        start = time.perf_counter()
        page.goto(url, wait_until="commit")
        page.wait_for_selector("#pad .hint:visible")
        pad = time.perf_counter() - start
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        page.wait_for_load_state()
        network = page.context.new_cdp_session(page)
        network.send("Network.enable")
        conditions = {"latency": round_trip, "downloadThroughput": -1, "uploadThroughput": -1}
        network.send("Network.emulateNetworkConditions", {"offline": False, **conditions})
        paper = page.locator("#pad canvas").bounding_box()
        x, y = paper["x"] + paper["width"] / 2, paper["y"] + paper["height"] / 2
        for _ in range(3):
            page.mouse.move(x + PATH[0][0], y + PATH[0][1])
            page.mouse.down()
            for right, down in PATH[1:]:  # slowly, as a hand draws
                page.mouse.move(x + right, y + down, steps=12)
                page.wait_for_timeout(150)
            page.mouse.up()
            page.keyboard.press("Escape")
            page.wait_for_timeout(500)
        page.evaluate(WATCH_STROKES)
        for k in range(rounds):
            page.mouse.move(x - 60, y - 80 + 8 * k)
            page.mouse.down()
            page.mouse.move(x + 60, y - 80 + 8 * k, steps=5)
            page.evaluate("window.answered = 0")
            page.mouse.up()
            page.wait_for_function("window.answered > 0")
            strokes.append(page.evaluate("window.answered - window.lifted") / 1_000)
            page.wait_for_timeout(150)
        glances = [ms / 1_000 for ms in page.evaluate("glances")]
        browser.close()
    return Timed(paint / 1_000, pad, glances, strokes)
