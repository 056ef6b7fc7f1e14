"""The network is asked: by changed pixels, for another digit, of its layers; links are opened."""

import json
import re

import pytest
from conftest import draw, reads, until
from playwright.sync_api import expect
from test_page import server, visit  # noqa: F401

from bench.static_page import link
from inkling.explanation.activations import blocks, in_ink

BAR = "#label [data-testid='{}-confidence-set']"


TAP = """async ([first, last]) => {
    document.querySelector(first).click();
    await new Promise((done) => setTimeout(done)); // the first is on its way
    document.querySelector(last).click();
}"""


@pytest.fixture
def page(visit):  # noqa: F811
    """Return the page with a 4 on its pad, read."""
    page = visit(viewport={"width": 1280, "height": 800})
    draw(page, 4)
    reads(page, "4")
    return page


def pixel(page, row, column):
    """Return where a pixel is in the window."""
    box = page.locator("#pixels canvas").bounding_box()
    cell = box["width"] / 28
    return box["x"] + (column + 0.5) * cell, box["y"] + (row + 0.5) * cell


def test_a_hand_inks_and_erases_pixels_and_the_answer_follows(visit):  # noqa: F811
    page = visit()
    page.locator("#pixels canvas").hover(trial=True)  # waits until it stands still
    for column in (13, 14):
        page.mouse.move(*pixel(page, 4, column))
        page.mouse.down()
        page.mouse.move(*pixel(page, 23, column), steps=30)
        page.mouse.up()
    reads(page, "1")
    evidence = page.locator("#evidence img")
    whole = evidence.get_attribute("src")
    page.mouse.move(*pixel(page, 8, 13))
    page.mouse.down()  # ink becomes paper
    page.mouse.move(*pixel(page, 8, 14), steps=3)
    page.mouse.up()
    expect(evidence).not_to_have_attribute("src", whole)
    reads(page, "1")
    erased = evidence.get_attribute("src")
    page.mouse.click(*pixel(page, 8, 16))  # paper becomes ink
    expect(evidence).not_to_have_attribute("src", erased)
    page.get_by_role("button", name="As it was").click()
    expect(page.locator("#answer .waiting")).to_be_visible()
    expect(page.get_by_role("button", name="As it was")).to_be_hidden()


def test_of_many_pixels_painted_in_a_moment_the_last_is_read_too(page):
    seen = page.locator("#pixels canvas")
    page.mouse.move(*pixel(page, 2, 3))
    page.mouse.down()
    page.mouse.move(*pixel(page, 6, 3), steps=4)
    page.mouse.up()
    painted = seen.evaluate("canvas => canvas.toDataURL()")
    page.locator(BAR.format(2)).click()  # what comes back holds the pixels as they were read
    expect(page.locator("#change h2")).to_have_text("To make it a 2")
    assert seen.evaluate("canvas => canvas.toDataURL()") == painted


def test_of_two_taps_in_a_moment_the_last_counts_in_whichever_order_they_arrive(page):
    page.evaluate(TAP, [BAR.format(9), BAR.format(2)])
    expect(page.locator("#change h2")).to_have_text("To make it a 2")
    held = []
    hold = lambda route: held.append(route) if len(held) < 2 else route.continue_()  # noqa: E731
    page.route("**/component_server/", hold)
    page.evaluate(TAP, ["#examples [data-pick='0']", "#examples [data-pick='6']"])
    until(lambda: len(held) == 2 or page.wait_for_timeout(10))
    first, last = held
    last.continue_()
    reads(page, "7432")
    with page.expect_response("**/component_server/") as late:
        first.continue_()
    assert late.value.json() is None
    page.locator(BAR.format(2)).click()  # of the same picture
    expect(page.locator("#evidence h2")).to_have_text("Why 7, not 2")
    reads(page, "7432")


def test_pixels_are_changed_by_the_keyboard_and_told_to_a_screen_reader(page):
    before = page.locator("#evidence img").get_attribute("src")
    page.locator("#pixels canvas").focus()
    page.keyboard.press("ArrowRight")
    told = page.locator("#pixels [role=status]")
    expect(told).to_contain_text(re.compile(r"row 15, column 16: (ink|paper)"))
    said = told.inner_text()
    page.keyboard.press(" ")
    expect(told).not_to_have_text(said)
    expect(page.locator("#evidence img")).not_to_have_attribute("src", before)
    expect(page.get_by_role("button", name="As it was")).to_be_visible()


def test_a_tapped_bar_shows_what_would_make_it_that_digit_and_a_button_does_it(page):
    page.locator(BAR.format(9)).click()
    expect(page.locator("#change h2")).to_have_text("To make it a 9")
    expect(page.locator("#change b")).to_contain_text("and it is a 9.")
    expect(page.locator("#evidence h2")).to_have_text("Why 4, not 9")
    page.get_by_role("button", name="Do it").click()
    expect(page.locator("#answer .headline")).to_contain_text("9")
    expect(page.locator("#original p")).to_contain_text("ropped")
    page.get_by_role("button", name="As it was").click()
    reads(page, "4")
    page.get_by_role("button", name=re.compile("Make it")).click()
    expect(page.locator("#change h2")).to_contain_text("To make it")


def test_a_new_stroke_undoes_what_a_hand_has_changed(page):
    page.mouse.click(*pixel(page, 3, 3))
    expect(page.get_by_role("button", name="As it was")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="As it was")).to_be_hidden()
    draw(page, 7)
    reads(page, "7")


def test_a_place_lights_up_what_it_sees_and_a_map_is_opened(page):
    page.get_by_role("button", name="Inside the network").click()
    maps = page.locator("#layers [data-open]")
    expect(maps.nth(3 * 12 - 1)).to_be_visible()
    ink = page.locator("#layers canvas").first
    plain = ink.evaluate("canvas => canvas.toDataURL()")
    page.locator("#layers [data-open^='1-']").first.hover()
    expect(page.locator("#layers .asked")).to_contain_text("layer 2 sees rows")
    assert ink.evaluate("canvas => canvas.toDataURL()") != plain
    page.locator("#layers [data-digit='4']").hover()
    expect(page.locator("#layers .asked")).to_contain_text("speak for a 4 most")
    assert ink.evaluate("canvas => canvas.toDataURL()") == plain
    maps.first.focus()
    expect(page.locator("#layers .asked")).to_contain_text("layer 1 sees rows 13 to 18")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#layers .asked")).to_contain_text("layer 1 sees rows 15 to 20")
    page.keyboard.press("Enter")
    expect(page.locator("#opened h2")).to_contain_text("Layer 1, map")
    expect(page.locator("#opened .excited")).to_have_count(6)


def test_a_place_of_each_layer_sees_what_the_network_s_steps_say(page, reader):
    page.get_by_role("button", name="Inside the network").click()
    side = 28
    for layer, (_, _, step) in enumerate(list(blocks(reader.model))[:-1]):
        side = (side + 2 * step.padding - step.size) // step.stride + 1
        page.locator(f"#layers [data-open^='{layer}-']").first.focus()
        page.keyboard.press("ArrowUp")
        left, top, right, bottom = in_ink(reader.model, layer, (side // 2 - 1) * side + side // 2)
        seen = f"layer {layer + 1} sees rows {top + 1} to {bottom}, columns {left + 1} to {right} "
        expect(page.locator("#layers .asked")).to_contain_text(seen)


def test_a_hard_digit_of_the_card_opens_with_its_reasons(page):
    page.get_by_role("tab", name="The network").click()
    hardest = page.locator("#more [data-pick]").first
    answer = re.search(r"read as (\d)", hardest.inner_text())[1]
    hardest.click()
    reads(page, answer)
    expect(page.locator("#original p")).to_contain_text("One of MNIST's test digits")


def test_a_link_opens_the_page_with_the_drawing_and_nothing_of_it_is_sent(page):
    page.get_by_role("button", name="Link").click()
    expect(page).to_have_url(re.compile("#drawing="))
    link = page.url
    assert len(link) < 600
    asked = []
    other = page.context.browser.new_page()
    other.on("request", lambda request: asked.append(request.url))
    other.goto(link)
    reads(other, "4")
    assert "#" not in other.url and not any("drawing" in url for url in asked)
    assert strokes_of(other) == strokes_of(page)
    draw(other, 1)  # and goes on, undone stroke by stroke
    for _ in range(3):
        other.keyboard.press("Control+z")
    expect(other.locator("#pad .hint")).to_be_visible()
    other.close()


def test_a_drawing_that_stood_there_is_told_to_a_part_that_listens_late(page):
    """Parts of a page come one by one."""
    page.add_init_script("""
        addEventListener("sketch-please", () => (window.listening = true), true);
    """)
    page.reload()
    reads(page, "4")
    assert page.evaluate("window.listening")  # who asks says so when it is there
    answered = page.locator("#answer [data-count]")
    count = int(answered.get_attribute("data-count"))
    page.evaluate("document.dispatchEvent(new Event('sketch-please'))")
    expect(answered).to_have_attribute("data-count", str(count + 1))
    reads(page, "4")


def strokes_of(page):
    """Return the strokes that the browser keeps of a page."""
    return page.evaluate("JSON.parse(sessionStorage.getItem('inkling-pad'))")


SOUND = {"width": 79, "erases": False, "points": [500, 200, 500, 800]}
DAMAGED = ["{}", '"strokes"', "12", "null", "[", '[{"width": 79}]', "[null, 7, []]"]
DAMAGED += [json.dumps([SOUND | wrong]) for wrong in ({"width": "79"}, {"points": [500, 200, 500]})]
DAMAGED += [json.dumps([SOUND | {"points": wrong}]) for wrong in ([], ["5", "7"], [500, 4000])]


def test_of_what_the_browser_kept_sound_strokes_alone_come_back(visit):  # noqa: F811
    page = visit()
    for kept in [*DAMAGED, f"[null, {json.dumps(SOUND)}]"]:
        page.evaluate("(kept) => sessionStorage.setItem('inkling-pad', kept)", kept)
        page.reload()
        draw(page, 1)
        expect(page.locator("#pad [data-tool=undo]")).to_be_enabled()
        sound = [SOUND] if kept not in DAMAGED else []
        assert strokes_of(page)[:-1] == sound, kept


OPEN = """async (fragment) => {
    document.querySelector("#pad [data-tool=clear]").click();
    history.replaceState(null, "", location.pathname);
    const changed = new Promise((done) => addEventListener("hashchange", done, { once: true }));
    location.hash = fragment;
    await changed;
}"""


def opened(page, fragment):
    """Return the strokes, whether the link counts as damaged, and whether it stays."""
    page.evaluate(OPEN, fragment)
    return strokes_of(page), page.locator("#pad .notice").is_visible(), "#" in page.url


def links_of(page):
    """Return the drawing of a page as it links to it, and as it once did."""
    page.get_by_role("button", name="Link").click()
    expect(page).to_have_url(re.compile("#drawing="))
    return "#" + page.url.partition("#")[2], link({"strokes": strokes_of(page)})


def test_a_link_that_programs_pass_on_opens_as_it_was(page):
    new, old = links_of(page)
    drawn = strokes_of(page)
    assert re.fullmatch(r"#drawing=[a-z0-9.-]+", new) and "~" in old
    for whole in (new, old):
        encoded = [whole.replace("~", code) for code in ("%7E", "%7e", "%257E")]
        for touched in [whole, *encoded, whole.replace("=", "%3D").replace("-", "%2D")]:
            for behind in ("", ".", ")", ").", ">", "&utm_source=x", "?fbclid=IwAR0-x_1", "%20"):
                assert opened(page, touched + behind) == (drawn, False, False), touched + behind
    assert opened(page, "#drawing=e") == opened(page, "#drawing=") == ([], False, False)


def test_of_a_damaged_link_sound_strokes_are_shown_and_that_is_said(page):
    (new, old), drawn = links_of(page), strokes_of(page)
    for length in range(30, len(new) - 1, 7):
        strokes, damaged, stays = opened(page, new[:length] + "…" * (length % 2))
        assert damaged and bool(strokes) != stays, new[:length]
        *whole, last = strokes or [drawn[0]]
        assert [*whole, last] == [*drawn[: len(whole)], last]
        points = drawn[len(whole)]["points"]
        assert last["points"] == points[: len(last["points"])]
    assert opened(page, old + "...") == (drawn, True, False)
    assert opened(page, old.replace("~79.", "~0.")) == (drawn[:1], True, False)
    for lost in ("zzzz", "A", "%00", "AAAA", "g" * 500, "6BA", "-" * 90 + "A", "s9e", "%", "9.0.1"):
        assert opened(page, f"#drawing={lost}") == ([], True, True), lost
    draw(page, 7)
    reads(page, "7")
    expect(page.locator("#pad .notice")).to_be_hidden()


def test_a_page_that_a_damaged_link_opens_says_so(visit, server):  # noqa: F811
    page = visit(f"{server.url}#drawing=zzzz")
    expect(page.locator("#pad .notice")).to_be_visible()
    assert page.url.endswith("#drawing=zzzz")
    draw(page, 7)
    reads(page, "7")
