"""Valid drawings are restored from a link and from the browser's storage."""

import json
import re

from playwright.sync_api import expect

from support.static_server import drawing_link
from tests.pages import draw, draw_and_read, expect_answer, get_tool, stored_strokes

SOUND = {"width": 79, "erases": False, "points": [500, 200, 500, 800]}
DAMAGED = ["{}", '"strokes"', "12", "null", "[", '[{"width": 79}]', "[null, 7, []]"]
DAMAGED += [json.dumps([SOUND | wrong]) for wrong in ({"width": "79"}, {"points": [500, 200, 500]})]
DAMAGED += [json.dumps([SOUND | {"points": wrong}]) for wrong in ([], ["5", "7"], [500, 4000])]
STORE = "(kept) => sessionStorage.setItem('inkling-pad', kept)"
OPEN = """async (fragment) => {
    document.querySelector("#pad [data-tool=clear]").click();
    history.replaceState(null, "", location.pathname);
    const changed = new Promise((done) => addEventListener("hashchange", done, { once: true }));
    location.hash = fragment;
    await changed;
}"""
LISTEN = "addEventListener('sketch-request', () => (window.listening = true), true)"


def opened(page, fragment):
    """Open a link; return the strokes, whether it is reported as damaged, and whether it stays."""
    page.evaluate(OPEN, fragment)
    return stored_strokes(page), page.locator("#pad .notice").is_visible(), "#" in page.url


def links_of(page):
    """Return the link to a page's drawing in the present and in the older format."""
    get_tool(page, "Link").click()
    expect(page).to_have_url(re.compile("#drawing="))
    return "#" + page.url.partition("#")[2], drawing_link({"strokes": stored_strokes(page)})


def test_a_link_restores_the_drawing_and_its_fragment_is_not_sent(page):
    links_of(draw_and_read(page, 4))
    assert len(page.url) < 600
    urls = []
    other = page.context.new_page()
    other.on("request", lambda request: urls.append(request.url))
    other.goto(page.url)
    expect_answer(other, "4")
    assert "#" not in other.url and not any("drawing" in url for url in urls)
    assert stored_strokes(other) == stored_strokes(page)
    draw(other, 1)  # strokes can be undone
    for _ in range(3):
        other.keyboard.press("Control+z")
    expect(other.locator("#pad .hint")).to_be_visible()
    other.close()


def test_a_late_listener_receives_the_restored_drawing(visit):
    """Components start in any order."""
    page = draw_and_read(visit(LISTEN), 4)
    page.reload()
    expect_answer(page, "4")
    assert page.evaluate("window.listening")  # `pad_requests.js` sends the event
    answered = page.locator("#answer [data-count]")
    count = int(answered.get_attribute("data-count"))
    page.evaluate("document.dispatchEvent(new Event('sketch-request'))")
    expect(answered).to_have_attribute("data-count", str(count + 1))
    expect_answer(page, "4")


def test_only_valid_stored_strokes_are_restored(page):
    for kept in [*DAMAGED, f"[null, {json.dumps(SOUND)}]"]:
        page.evaluate(STORE, kept)
        page.reload()
        draw(page, 1)
        expect(page.locator("#pad [data-tool=undo]")).to_be_enabled()
        sound = [SOUND] if kept not in DAMAGED else []
        assert stored_strokes(page)[:-1] == sound, kept


def test_a_link_that_other_programs_encode_or_extend_still_opens(page):
    new, old = links_of(draw_and_read(page, 4))
    strokes = stored_strokes(page)
    assert re.fullmatch(r"#drawing=[a-z0-9.-]+", new) and "~" in old
    for whole in (new, old):
        encoded = [whole.replace("~", code) for code in ("%7E", "%7e", "%257E")]
        for touched in [whole, *encoded, whole.replace("=", "%3D").replace("-", "%2D")]:
            for behind in ("", ".", ")", ").", ">", "&utm_source=x", "?fbclid=IwAR0-x_1", "%20"):
                assert opened(page, touched + behind) == (strokes, False, False), touched + behind
    assert opened(page, "#drawing=e") == opened(page, "#drawing=") == ([], False, False)


def test_a_damaged_link_shows_its_valid_strokes_and_a_notice(page):
    (new, old), whole = links_of(draw_and_read(page, 4)), stored_strokes(page)
    for length in range(30, len(new) - 1, 7):
        strokes, damaged, stays = opened(page, new[:length] + "…" * (length % 2))
        assert damaged and bool(strokes) != stays, new[:length]
        *sound, last = strokes or [whole[0]]
        assert [*sound, last] == [*whole[: len(sound)], last]
        points = whole[len(sound)]["points"]
        assert last["points"] == points[: len(last["points"])]
    assert opened(page, old + "...") == (whole, True, False)
    assert opened(page, old.replace("~79.", "~0.")) == (whole[:1], True, False)
    for lost in ("zzzz", "A", "%00", "AAAA", "g" * 500, "6BA", "-" * 90 + "A", "s9e", "%", "9.0.1"):
        assert opened(page, f"#drawing={lost}") == ([], True, True), lost
    page.reload()  # a page that it opens reports it as well
    expect(page.locator("#pad .notice")).to_be_visible()
    assert page.url.endswith("#drawing=9.0.1")
    draw_and_read(page, 7)
    expect(page.locator("#pad .notice")).to_be_hidden()
