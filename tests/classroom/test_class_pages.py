"""A class in browsers: phones draw, whatever happens to the network, and the wall shows it."""

import json
import re
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import pad_payload
from playwright.sync_api import expect

from inkling.classroom.class_routes import Classroom
from inkling.classroom.drawings import RateLimit
from inkling.training.live_reader import LiveReader
from tests.pages import (
    Obedient,
    drag,
    expect_answer,
    expect_no_violations,
    open_page,
    wait_until,
)

PHONES = {
    "small": {"width": 320, "height": 568},
    "usual": {"width": 360, "height": 640},
    "large": {"width": 430, "height": 932},
    "landscape": {"width": 667, "height": 375},
}
WALLS = {"1280": (1280, 720), "1920": (1920, 1080), "3840": (3840, 2160)}
SEVEN = [(0.25, 0.2), (0.75, 0.2), (0.45, 0.8)]
SCRIBBLE = [(0.2 + 0.6 * (k % 2), 0.2 + 0.06 * k) for k in range(11)]
TOKENS = [f"{k:032d}" for k in range(9)]


@contextmanager
def teaching(port=0):
    """Serve the page with a class; yield it."""
    import app

    source = LiveReader(Path("none.safetensors"))
    source.reader = Obedient.load()
    source.train_beside = lambda train: setattr(source, "trained", train)
    source.cancel = lambda: None
    room = Classroom(source)
    room.phones = room.addresses = room.newcomers = RateLimit(1e6, 10**6)
    demo = app.build_demo(source)
    app.serve(demo, port, more_routes=room.routes())
    url = demo.local_url.rstrip("/")
    yield SimpleNamespace(url=url, room=room, wall=f"{url}/wall#key={room.key}", source=source)
    demo.close(verbose=False)


@pytest.fixture(scope="module")
def lesson_room():
    with teaching() as served:
        yield served


@pytest.fixture
def served(lesson_room):
    """Return the class, empty."""
    lesson_room.room.clear()
    return lesson_room


@pytest.fixture
def open_phone(window, served):
    def open_it(url=served.url, **options):
        options = {"viewport": PHONES["usual"], "has_touch": True, "is_mobile": True} | options
        page = window(**options)
        page.goto(f"{url}/join")
        expect(page.locator("#ask b")).to_be_visible()
        return page

    return open_it


@pytest.fixture
def open_wall(window, served):
    def open_it(size="1280", **options):
        width, height = WALLS[size]
        page = window(viewport={"width": width, "height": height}, **options)
        page.goto(served.wall)
        expect(page.locator("#counts")).to_be_visible()
        return page

    return open_it


def draw(page, points=SEVEN):
    box = page.locator("#pad canvas").bounding_box()
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    drag(page, at)


def asked(page):
    return int(page.locator("#ask b").inner_text())


def draw_one(page, points=SEVEN):
    """Draw what is asked for, and send it; return the digit."""
    digit = asked(page)
    draw(page, points)
    page.locator("#send").click()
    expect(page.locator("#send")).to_have_text("Next")
    return digit


def fill(served, digits, token=0):
    """Draw digits of given labels, as phones would: a list of (asked, drawn)."""
    import httpx

    with httpx.Client(base_url=served.url, trust_env=False) as client:
        for count, (label, drawn) in enumerate(digits):
            body = {"token": TOKENS[token], "count": count, "asked": label} | pad_payload(drawn)
            assert client.post("/class/talk", json=body).status_code == 200


def tiles(wall, digit):
    return wall.locator("#rows .row").nth(digit).locator(".tile")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", PHONES)
def test_a_phone_shows_all_without_scrolling_and_is_accessible(open_phone, size, scheme):
    page = open_phone(viewport=PHONES[size], color_scheme=scheme)
    for step in (lambda: None, lambda: draw(page), lambda: page.locator("#send").click()):
        step()
        expect_no_violations(page)
        root = page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        )
        assert root[0] <= PHONES[size]["width"] and root[1] <= PHONES[size]["height"] + 1
        box = page.locator("#send").bounding_box()
        assert box["y"] + box["height"] <= PHONES[size]["height"] and box["height"] >= 44
    assert page.locator("#pad canvas").bounding_box()["width"] >= 200


def test_a_pupil_draws_ten_digits_and_each_is_asked_for_once(open_phone, served):
    page, digits = open_phone(), []
    for _ in range(10):
        digits.append(draw_one(page))
        expect(page.locator("#answer b")).to_be_visible()
        page.locator("#send").click()
        expect(page.locator("#send")).to_be_disabled()
        expect(page.locator("#pad .hint")).to_be_visible()
    assert sorted(digits) == list(range(10))
    expect(page.locator("#drawn")).to_have_text("10 drawn: thank you!")
    assert [d.asked for d in served.room.drawings.all] == digits
    assert {d.seen.digit for d in served.room.drawings.all} == {7}


def test_the_answer_says_what_was_seen_and_that_it_counts(open_phone):
    page = open_phone()
    while draw_one(page) != 7:
        expect(page.locator("#answer")).to_contain_text(
            re.compile("Read as 7, [0-9.]+ % sure. It c")
        )
        page.locator("#send").click()
    expect(page.locator("#answer.good")).to_contain_text("Read as 7")
    page.locator("#send").click()
    draw_one(page, SCRIBBLE)
    expect(page.locator("#answer.other")).to_contain_text("It counts")


def test_drawings_without_a_connection_are_kept_and_sent_later(open_phone, served):
    page = open_phone()
    page.context.set_offline(True)
    digits = []
    for _ in range(3):
        digits.append(draw_one(page))
        expect(page.locator("#state")).to_contain_text("kept here, sent later")
        page.locator("#send").click()
    assert len(set(digits)) == 3 and served.room.drawings.all == []
    page.context.set_offline(False)
    wait_until(lambda: page.evaluate("0") or len(served.room.drawings.all) == 3)
    assert [d.asked for d in served.room.drawings.all] == digits
    expect(page.locator("#state")).to_contain_text("nothing is kept")


def test_a_lost_response_is_not_counted_twice(open_phone, served):
    page = open_phone()

    def lose(route):
        route.fetch()
        route.abort()

    page.route("**/class/talk", lose, times=1)
    draw_one(page)
    expect(page.locator("#answer b")).to_be_visible()
    assert len(served.room.drawings.all) == 1


def test_sleep_and_reload_keep_the_digit_and_the_drawing(open_phone, served):
    page = open_phone()
    digit = asked(page)
    draw(page)
    page.reload()
    expect(page.locator("#send")).to_be_enabled()
    assert asked(page) == digit
    page.locator("#send").click()
    expect(page.locator("#answer b")).to_be_visible()
    page.reload()
    expect(page.locator("#send")).to_be_disabled()
    assert asked(page) != digit and len(served.room.drawings.all) == 1


def test_a_restarted_server_gets_the_next_drawing_of_the_same_phone(window):
    with teaching() as first:
        port = int(first.url.rpartition(":")[2])
        page = window(viewport=PHONES["usual"])
        page.goto(f"{first.url}/join")
        expect(page.locator("#ask b")).to_be_visible()
        draw_one(page)
        expect(page.locator("#answer b")).to_be_visible()
        (token,) = first.room.drawings.pupils
        page.locator("#send").click()
    draw_one(page)
    expect(page.locator("#state")).to_contain_text("kept here, sent later")
    with teaching(port) as second:
        wait_until(lambda: page.evaluate("0") or second.room.drawings.pupils)
        assert list(second.room.drawings.pupils) == [token]
        expect(page.locator("#answer b")).to_be_visible()
        expect(page.locator("#drawn")).to_have_text("1 of 10 drawn")


def test_the_wall_shows_a_drawing_soon_and_what_it_was_read_as(open_wall, open_phone, served):
    wall, phone = open_wall(), open_phone()
    expect(wall.locator("#join h2")).to_be_visible()  # the address, until one has drawn
    digit = draw_one(phone)
    tile = tiles(wall, digit)
    expect(tile).to_have_count(1)
    if digit != 7:
        expect(tile.locator("i")).to_have_text("7")
    fill(served, [(3, 3), (3, 8), (4, 4)])
    expect(wall.locator("#counts")).to_have_text("2 phones have drawn, 4 digits")
    expect(tiles(wall, 3).locator("i")).to_have_text("8")
    assert tiles(wall, 3).first.get_attribute("class").split()[1] == "misread"
    cell = wall.locator("#matrix tr").nth(1 + 3).locator("td").nth(8)
    expect(cell).to_have_text("1")
    assert cell.get_attribute("class") == "wrong"


def test_the_three_hardest_digits_are_listed(open_wall, served):
    labels = [(k, k) for k in range(10)] * 3 + [(2, 7), (2, 7), (5, 3), (9, 4), (0, 8)]
    fill(served, labels)
    wall = open_wall()
    rows = wall.locator("#hardest li").all_inner_texts()
    assert [row.split()[0] for row in rows][0] == "2" and len(rows) == 3
    assert "3 of 5 read right" in rows[0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", WALLS)
def test_the_wall_fits_each_projector_and_is_accessible(open_wall, served, size, scheme):
    fill(served, [(k % 10, (k * 7) % 10) for k in range(60)])
    wall = open_wall(size, color_scheme=scheme)
    expect(wall.locator(".tile")).to_have_count(60)
    width, height = WALLS[size]
    for view in ("drawings", "join"):
        wall.locator(f"[data-view={view}]").click()
        expect_no_violations(wall)
        assert wall.evaluate("document.documentElement.scrollWidth") <= width
        assert wall.evaluate("document.documentElement.scrollHeight") <= height
    letter = wall.evaluate(
        "parseFloat(getComputedStyle(document.querySelector('#counts')).fontSize)"
    )
    assert letter >= width / 80  # a row of the page has 80 such letters: legible at the back
    wall.locator("[data-view=drawings]").click()
    tile = wall.locator(".tile").first.bounding_box()
    assert tile["width"] >= width / 32


def test_a_drawing_is_hidden_at_one_tap_and_can_come_back(open_wall, served):
    fill(served, [(3, 3), (3, 8)])
    wall = open_wall()
    tiles(wall, 3).first.hover()
    tiles(wall, 3).first.locator(".hide").click()
    expect(tiles(wall, 3)).to_have_count(1)
    expect(wall.locator("#counts")).to_have_text("1 phone has drawn, 1 digit")
    assert served.room.drawings.all[1].is_hidden
    wall.locator("#undo").click()
    expect(tiles(wall, 3)).to_have_count(2)
    assert tiles(wall, 3).first.locator("i").inner_text() == "8"  # at its old place


def test_hiding_works_by_keyboard(open_wall, served):
    fill(served, [(3, 3)])
    wall = open_wall()
    tiles(wall, 3).locator(".open").focus()
    wall.keyboard.press("Tab")
    wall.keyboard.press("Enter")
    expect(tiles(wall, 3)).to_have_count(0)


def test_the_focus_stays_while_drawings_arrive(open_wall, served):
    fill(served, [(3, 3)])
    wall = open_wall()
    tiles(wall, 3).locator(".open").focus()
    fill(served, [(3, 8), (3, 3)], token=1)
    expect(tiles(wall, 3)).to_have_count(3)
    assert [tile.get_attribute("data-number") for tile in tiles(wall, 3).all()] == ["2", "1", "0"]
    assert wall.evaluate("document.activeElement.parentElement.dataset.number") == "0"


def test_the_teacher_pauses_and_goes_on(open_wall, open_phone, served):
    wall, phone = open_wall(), open_phone()
    wall.locator("#pause").click()
    expect(wall.locator("#pause")).to_have_text("Go on")
    draw(phone)
    phone.locator("#send").click()
    expect(phone.locator("#state")).to_have_text("Your teacher has paused: look at the wall.")
    assert served.room.drawings.all == []
    wall.locator("#pause").click()
    expect(phone.locator("#answer b")).to_be_visible()
    assert len(served.room.drawings.all) == 1


def test_clearing_asks_first_and_then_phones_and_wall_start_again(open_wall, open_phone, served):
    wall, phone = open_wall(), open_phone()
    draw_one(phone)
    expect(wall.locator(".tile")).to_have_count(1)
    wall.locator("#clear").click()
    wall.locator("#forget [data-close]").click()
    assert len(served.room.drawings.all) == 1
    wall.locator("#clear").click()
    expect_no_violations(wall)
    wall.locator("#forget-all").click()
    expect(wall.locator(".tile")).to_have_count(0)
    expect(wall.locator("#join h2")).to_be_visible()
    expect(phone.locator("#drawn")).to_have_text("0 of 10 drawn")


def test_a_digit_is_zoomed_into_and_a_drawing_opens_in_the_full_page(open_wall, served):
    fill(served, [(7, 7), (7, 1), (7, 7), (3, 3)])
    wall = open_wall()
    wall.locator("#rows .row > button").nth(7).click()
    expect(wall.locator("#zoom-title")).to_have_text("All 3 drawings of 7; 1 not read as 7")
    expect(wall.locator("#zoomed .tile")).to_have_count(3)
    expect_no_violations(wall)
    wall.locator("#zoomed .open").first.click()
    expect(wall.locator("#single-title")).to_contain_text("Asked: 7, read as 7")
    expect_no_violations(wall)
    page = wall.context.new_page()
    open_page_by(page, served.url, wall.locator("#full").get_attribute("href"))
    expect_answer(page, "7")


def open_page_by(page, url, link):
    """Open a link of the wall in the full page, once that is ready."""
    open_page(page, url)
    page.evaluate("(link) => (location.hash = link)", link.partition("#")[2])


def test_the_key_leaves_the_address_bar_and_survives_a_reload(open_wall, served):
    wall = open_wall()
    assert served.room.key not in wall.url and wall.url.endswith("/wall")
    wall.reload()
    expect(wall.locator("#counts")).to_be_visible()


@pytest.mark.parametrize("link", ["", "#key=wrong", "#key=wrong-but-long-enough"])
def test_without_the_key_the_wall_shows_no_control(window, served, link):
    fill(served, [(7, 7)])
    page = window()
    sent = []
    page.on("request", lambda request: sent.append(request.url))
    with page.expect_response("**/class/wall"):
        page.goto(f"{served.url}/wall{link}")
    expect(page.locator("#locked")).to_contain_text("teacher's terminal")
    assert page.locator("button, svg, canvas").count() == 0
    expect_no_violations(page)
    assert not any("key" in url for url in sent)


def test_a_phone_has_no_way_to_the_wall(open_phone):
    page = open_phone()
    assert page.locator("a").count() == 0
    names = [button.strip() for button in page.locator("button").all_inner_texts()]
    assert set(names) <= {"Undo", "Redo", "Eraser", "Clear", "Done", "Draw on", ""} | {
        "My ten digits, by both networks"
    }


STATE = {
    "curve": [[0.1, 0.9, 0.7], [0.5, 0.97, 0.85], [1, 0.985, 0.91]],
    "left": 0.0,
    "failure": "",
    "result": None,
}
RESULT = {
    "rows": [
        {
            "name": name,
            "count": 90,
            "before": {"right": 0.88, "refused": 0.02},
            "after": {"right": 0.91, "refused": 0.01},
        }
        for name in ("pupils", "mnist", "fonts")
    ],
    "interval": [-0.02, 0.08],
    "phones": [5, 4],
    "added": 50,
}


@pytest.mark.parametrize(
    "interval, verdict",
    [
        ([-0.02, 0.08], "No difference that this many digits could show."),
        ([0.01, 0.08], "The class's network reads more of them right."),
        ([-0.09, -0.01], "The class's network reads fewer of them right."),
        ([0.0, 0.0], "No difference that this many digits could show."),
    ],
)
def test_the_result_says_what_its_interval_shows(open_wall, served, interval, verdict):
    fill(served, [(7, 7)])
    wall = open_wall()
    state = STATE | {"result": RESULT | {"interval": interval}}
    served.room.lesson = SimpleNamespace(state=state, model=True)
    expect(wall.locator("#verdict")).to_contain_text(verdict)
    ends = [f"{'−' if v < 0 else '+'}{abs(100 * v):.1f}" if v else "±0" for v in interval]
    expect(wall.locator("#verdict")).to_contain_text(f"between {ends[0]} and {ends[1]} points")


def test_a_lesson_is_watched_on_the_wall(open_wall, served):
    fill(served, [(7, 7)], 0), fill(served, [(3, 3)], 1)
    wall = open_wall()
    wall.locator("#learn").click()
    expect(wall.locator("#lesson-text")).to_contain_text("Preparing")
    expect(wall.locator("#learn")).to_be_disabled()
    lesson = served.room.lesson
    assert served.source.trained == lesson.run
    lesson.state |= STATE | {"left": 9.0}
    expect(wall.locator("#lesson-text")).to_have_text("Learning: 9 s left.")
    expect(wall.locator("#curve svg")).to_have_attribute("aria-label", re.compile("91.0 %"))
    lesson.state["result"] = RESULT
    expect(wall.locator("#result tr")).to_have_count(4)
    expect(wall.locator("#lesson-text")).to_contain_text(
        "Learned from 50 digits of 5 phones; tested with 90 digits of 4 others."
    )
    expect(wall.locator("#learn")).to_be_enabled()
    expect_no_violations(wall)
    assert wall.evaluate("document.documentElement.scrollWidth") <= 1280
    lesson.state["failure"] = "Training ended early: MNIST is not to be had."
    expect(wall.locator("#lesson-text.failed")).to_contain_text("MNIST is not to be had.")


def test_one_phone_is_no_class_to_learn_from(open_wall, served):
    fill(served, [(7, 7)])
    wall = open_wall()
    wall.locator("#learn").click()
    expect(wall.locator("#toast")).to_contain_text("Two phones must have drawn")


def test_my_ten_digits_are_shown_as_both_networks_read_them(open_phone, served):
    page = open_phone()
    digit = draw_one(page)
    expect(page.locator("#answer b")).to_be_visible()
    seen = {"digit": digit, "nearest": digit, "confidence": 0.9, "text": ""}
    other = {"digit": None, "nearest": 5, "confidence": 0.4, "text": ""}

    def read_mine(pupil):
        (drawing,) = pupil.values()
        row = {"asked": drawing.asked, "strokes": drawing.strokes, "before": other, "after": seen}
        return {"part": "held_out", "rows": [row]}

    served.room.lesson = SimpleNamespace(state=STATE, model=True, read_mine=read_mine)
    page.evaluate("dispatchEvent(new Event('online'))")  # asks at once
    page.locator("#open-mine").click()
    expect(page.locator("#part")).to_contain_text("never saw them")
    expect(page.locator("#digits li")).to_have_count(1)
    texts = page.locator("#digits b").all_inner_texts()
    assert texts == ["–", str(digit)]
    expect_no_violations(page)
    page.locator("#close-mine").click()
    expect(page.locator("#send")).to_be_visible()


def test_a_drawing_shown_is_nothing_but_paths(open_wall, served):
    fill(served, [(8, 8)])
    wall = open_wall()
    shown = tiles(wall, 8).locator("svg")
    assert shown.evaluate("e => [...new Set([...e.children].map((c) => c.tagName))]") == ["path"]
    assert json.dumps(shown.inner_html()).count("path") >= 1
