"""Pixels are edited, and the evidence and the layers are inspected."""

import json
import re

from playwright.sync_api import expect

from inkling.explanation.activations import iterate_blocks, receptive_field
from tests.pages import (
    BAR,
    choose_example,
    drag,
    draw,
    draw_and_read,
    expect_answer,
    expect_compared,
    get_tool,
    locate_pixel,
    requests_of,
    wait_until,
    wait_until_settled,
)

TAP = """async ([first, last]) => {
    document.querySelector(first).click();
    await new Promise((done) => setTimeout(done)); // the first is being sent
    document.querySelector(last).click();
}"""
PICTURE = "canvas => canvas.toDataURL()"
MARKED = """() => {
    const rows = {};
    for (const canvas of document.querySelectorAll("#layers [data-stage]")) {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const isMarked = (k) => data[k] === 179 && data[k + 1] === 0 && data[k + 2] === 143;
        rows[canvas.dataset.stage] ??= 0;
        for (let k = 0; k < data.length; k += 4) if (isMarked(k)) {
            rows[canvas.dataset.stage]++;
            break;
        }
    }
    return Object.values(rows);
}"""  # number of maps with a marked cell, by stage
INKED = """(canvas) => {
    const [cell, pen] = [canvas.width / 28, canvas.getContext("2d")];
    const at = (k) => [k % 28, Math.floor(k / 28)].map((place) => (place + 0.5) * cell);
    const isInk = (k) => !pen.getImageData(...at(k), 1, 1).data[0];
    return Array.from({ length: 784 }, (_, k) => k).filter(isInk);
}"""


def test_pixels_are_inked_and_erased_and_the_answer_follows(page):
    page.locator("#pixels canvas").hover(trial=True)  # waits for a stable layout
    for column in (13, 14):
        drag(page, [locate_pixel(page, 4, column), locate_pixel(page, 23, column)], steps=30)
    expect_answer(page, "1")
    evidence = page.locator("#evidence img")
    whole = evidence.get_attribute("src")
    drag(page, [locate_pixel(page, 8, 13), locate_pixel(page, 8, 14)], steps=3)  # erase ink
    expect(evidence).not_to_have_attribute("src", whole)
    expect_answer(page, "1")
    erased = evidence.get_attribute("src")
    page.mouse.click(*locate_pixel(page, 8, 16))  # add ink
    expect(evidence).not_to_have_attribute("src", erased)
    get_tool(page, "As it was").click()
    expect(page.locator("#answer .waiting")).to_be_visible()
    expect(get_tool(page, "As it was")).to_be_hidden()


def test_a_fast_pointer_paints_without_gaps(page):
    canvas = page.locator("#pixels canvas")
    canvas.hover(trial=True)
    page.mouse.move(*locate_pixel(page, 4, 3))
    page.mouse.down()
    page.mouse.move(*locate_pixel(page, 24, 23))  # in one step
    page.mouse.down(button="right")  # ignored
    page.mouse.up(button="right")
    page.mouse.move(*locate_pixel(page, 24, 5))
    page.mouse.up()
    page.mouse.move(*locate_pixel(page, 10, 20))
    diagonal = {(4 + k) * 28 + 3 + k for k in range(21)}
    assert set(canvas.evaluate(INKED)) == diagonal | {24 * 28 + column for column in range(5, 24)}


def test_answers_during_or_after_painting_change_no_pixel(page):
    draw_and_read(page, 4)
    seen = page.locator("#pixels canvas")
    drag(page, [locate_pixel(page, 2, 3), locate_pixel(page, 6, 3)], steps=4)
    painted = seen.evaluate(PICTURE)
    page.locator(BAR.format(2)).click()  # the response holds the earlier pixels
    expect(page.locator("#change h2")).to_have_text("To make it a 2")
    assert seen.evaluate(PICTURE) == painted
    held = []
    page.route("**/component_server/", lambda route: held.append(route))
    page.locator(BAR.format(9)).click()
    page.mouse.move(*locate_pixel(page, 2, 5))
    page.mouse.down()
    page.mouse.move(*locate_pixel(page, 6, 5))
    painted = seen.evaluate(PICTURE)
    for title in ("To make it a 9", "To change it"):  # responses to the bar and to the pixels
        wait_until(lambda: held or page.wait_for_timeout(10))
        held.pop().continue_()
        expect(page.locator("#change h2")).to_have_text(title)
        assert seen.evaluate(PICTURE) == painted
    page.mouse.up()
    expect(get_tool(page, "As it was")).to_be_visible()


def test_the_last_of_two_quick_taps_counts_in_any_order_of_arrival(page):
    draw_and_read(page, 4)
    page.evaluate(TAP, [BAR.format(9), BAR.format(2)])
    expect(page.locator("#change h2")).to_have_text("To make it a 2")
    held = []
    hold = lambda route: held.append(route) if len(held) < 2 else route.continue_()  # noqa: E731
    page.route("**/component_server/", hold)
    page.evaluate(TAP, ["#examples [data-pick='0']", "#examples [data-pick='6']"])
    wait_until(lambda: len(held) == 2 or page.wait_for_timeout(10))
    first, last = held
    last.continue_()
    expect_answer(page, "7432")
    with page.expect_response("**/component_server/") as late:
        first.continue_()
    assert late.value.json() is None
    expect_compared(page, 7, 2, "7432")


def test_the_keyboard_edits_pixels_and_a_new_stroke_discards_edits(page):
    draw_and_read(page, 4)
    before = page.locator("#evidence img").get_attribute("src")
    page.locator("#pixels canvas").focus()
    page.keyboard.press("ArrowRight")
    status = page.locator("#pixels [role=status]")  # for screen readers
    expect(status).to_contain_text(re.compile(r"row 15, column 16: (ink|paper)"))
    text = status.inner_text()
    page.keyboard.press(" ")
    expect(status).not_to_have_text(text)
    expect(page.locator("#evidence img")).not_to_have_attribute("src", before)
    expect(get_tool(page, "As it was")).to_be_visible()
    page.keyboard.press("Escape")
    expect(get_tool(page, "As it was")).to_be_hidden()
    draw_and_read(page, 7)


def test_a_cell_highlights_its_receptive_field_and_a_map_opens(page, shipped):
    draw_and_read(page, 4)
    page.get_by_role("button", name="Inside the network").click()
    maps, sees = page.locator("#layers [data-open]"), page.locator("#layers [role=status]")
    expect(maps.nth(3 * 12 - 1)).to_be_visible()
    ink = page.locator("#layers canvas").first
    plain = ink.evaluate(PICTURE)
    page.locator("#layers [data-open^='2-']").first.hover()
    expect(sees).to_contain_text("layer 2 sees rows")
    assert ink.evaluate(PICTURE) != plain
    page.locator("#layers [data-digit='4']").hover()
    expect(sees).to_contain_text("contribute most to a 4")
    assert ink.evaluate(PICTURE) == plain
    side = 28  # cells of a layer: its central cell has the focus
    for layer, (_, step) in enumerate(list(iterate_blocks(shipped.model))[:-1]):
        side = (side + 2 * step.padding - step.size) // step.stride + 1
        page.locator(f"#layers [data-open^='{layer + 1}-']").first.focus()
        page.keyboard.press("ArrowUp")
        left, top, right, bottom = receptive_field(
            shipped.model, layer, (side // 2 - 1) * side + side // 2
        )
        expect(sees).to_contain_text(
            f"layer {layer + 1} sees rows {top + 1} to {bottom}, columns {left + 1} to {right} "
        )
    page.locator("#layers [data-open^='1-']").first.focus()
    page.keyboard.press("ArrowDown")
    expect(sees).to_contain_text("layer 1 sees rows 13 to 18")
    page.keyboard.press("Enter")
    expect(page.locator("#feature-map h2").first).to_contain_text("Layer 1, map")
    expect(page.locator("#feature-map .excited")).to_have_count(6)
    page.locator("#layers [data-open^='1-']").first.focus()  # the keyboard's cell stays
    expect(sees).to_contain_text("layer 1 sees rows 13 to 18")
    page.get_by_role("button", name="The features").focus()
    page.keyboard.press("ArrowRight")
    expect(sees).to_contain_text("Feature 114: ")
    page.keyboard.press("Enter")
    expect(page.locator("#feature-map h2").first).to_contain_text("Feature 114: ")


def test_the_keyboard_follows_a_logit_s_sum_to_a_pixel_of_the_ink(page):
    draw_and_read(page, 4)
    page.get_by_role("button", name="Inside the network").click()
    logit = page.locator("#layers [data-digit='4']")
    logit.focus()
    page.keyboard.press("Enter")
    panel = page.locator("#feature-map")
    heading, here = panel.locator("h2").first, panel.locator("[aria-current]")
    trail = panel.locator("nav button")
    for stage in ("Logit of", "Feature", "Layer 4", "Layer 3", "Layer 2", "Layer 1", "Pixel"):
        expect(heading).to_contain_text(stage)
        expect(heading).to_be_focused()
        expect(here).to_have_text(heading.inner_text())
        expect(trail).to_have_count(7)
        follow = panel.get_by_role("button", name="Follow the strongest input")
        if follow.count():
            follow.focus()
            page.keyboard.press("Enter")
    steps = trail.all_inner_texts()
    marks = page.evaluate(MARKED)
    assert marks == [1] * 5, marks  # the ink and four layers
    trail.nth(3).click()  # back, on the same trail
    expect(heading).to_have_text(steps[3])
    assert trail.all_inner_texts() == steps
    panel.locator(".term button").nth(1).click()  # another term than the strongest
    expect(heading).to_contain_text("Layer 2, map")
    assert trail.all_inner_texts()[:4] == steps[:4] and heading.inner_text() != steps[4]
    rounded = heading.inner_text().split(": ")[1]
    get_tool(page, "Exact numbers").click()
    expect(heading).to_have_text(re.compile(r": [0-9.e−]{6,}$"))
    exact = heading.inner_text().split(": ")[1]
    assert f"{float(exact):.2f}" == rounded
    name = heading.inner_text().split(":")[0]
    draw(page, 1)  # the sum follows the drawing
    expect(heading).not_to_have_text(f"{name}: {exact}")
    expect(heading).to_contain_text(name)
    get_tool(page, "Clear").click()
    expect(panel).to_be_hidden()


def test_a_map_is_switched_off_by_keyboard_and_on_again(page, shipped):
    draw_and_read(page, 4)
    page.get_by_role("button", name="Inside the network").press("Enter")
    page.locator("#layers [data-open^='1-']").first.press("Enter")
    for words in (
        re.compile("without 1 map"),
        "",
    ):  # of an opened map, before the switches are expanded
        get_tool(page, "Switch it off or on").press("Enter")
        expect(page.locator("#switched")).to_have_text(words)
        wait_until_settled(page)
    page.get_by_role("button", name="Switch parts off").press("Enter")
    cells, switched = page.locator(".board button"), page.locator("#switched")
    expect(cells).to_have_count(sum(shipped.model.widths))
    plain = page.locator("#evidence img").get_attribute("src")
    cells.first.press("ArrowRight")
    for state in ("false", "true"):
        page.keyboard.press("Enter")
        expect(page.locator("[data-switch='0-1']")).to_have_attribute("aria-checked", state)
        expect(page.locator("[data-switch='0-1']")).to_be_focused()
        expect(switched).to_have_text("" if state == "true" else re.compile("without 1 map"))
    expect(page.locator("#evidence img")).to_have_attribute("src", plain)
    get_tool(page, "Switch off these ten").press("Enter")
    expect(switched).to_contain_text("without 10 maps")
    page.locator("#parts input").press("Home")
    expect(switched).to_contain_text("without 10 maps with 0 % of its weights")
    expect(page.locator("#original")).to_contain_text("Parts of the network switched off")
    get_tool(page, "Clear").click()  # readings of new drawings are without them, too
    expect(switched).to_contain_text("without 10 maps")
    get_tool(page, "Switch all on").first.press("Enter")
    expect(switched).to_be_hidden()
    draw_and_read(page, 4)
    expect(page.locator("#evidence img")).to_have_attribute("src", plain)


def test_the_steps_of_an_earlier_picture_are_shown_and_its_glyph_stays_chosen(page):
    choose_example(page, 6)
    expect_answer(page, "7432")
    page.locator("#strip button").nth(1).click()
    expect(page.locator("#evidence h2")).to_contain_text("Why 4")
    page.get_by_role("button", name="Inside the network").press("Enter")
    steps = page.get_by_role("button", name="How the picture was read")
    steps.press("Enter")
    expect(page.locator("#traced b")).to_contain_text("7432")
    expect(page.locator("#strip button").nth(1)).to_have_attribute("aria-pressed", "true")
    page.locator("#traced input").press("End")
    expect(page.locator(".overlay img").last).to_have_css("opacity", "1")
    wait_until_settled(page)
    steps.press("Enter")
    page.get_by_role("tab", name="Draw").click()
    draw_and_read(page, 4)
    sent = json.loads(requests_of(page, "sketch")[-1].request.post_data)
    assert sent["data"]["expanded"] == "inside"


def test_a_hard_digit_of_the_card_opens_with_its_evidence(page):
    page.get_by_role("tab", name="The network").click()
    hardest = page.locator("#more [data-pick]").first
    answer = re.search(r"read as (\d)", hardest.inner_text())[1]
    hardest.click()
    expect_answer(page, answer)
    expect(page.locator("#original p")).to_contain_text("One of MNIST's test digits")
