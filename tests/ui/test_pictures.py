"""Pictures from files, examples, the clipboard and drag and drop are read or refused in words."""

import pytest
from PIL import Image
from playwright.sync_api import expect

from support.odd_files import content
from support.sketches import sketch
from tests.pages import (
    NUMBER,
    ROOT,
    choose_example,
    draw,
    draw_and_read,
    expect_answer,
    expect_compared,
    requests_of,
    transfer,
    upload,
)

LETTER = ROOT / "examples" / "9-letter-k.png"
README = ROOT / "README.md"


def test_uploads_and_examples_are_read_and_shown_with_a_box(page, tmp_path):
    """Of all formats, also those that browsers do not show."""
    page.get_by_role("tab", name="Picture").click()
    page.locator("body").click(position={"x": 2, "y": 2})
    kinds = page.locator("#upload input[type=file]").first.get_attribute("accept").split(",")
    assert {"image/jpeg", "image/avif", "image/tiff"} <= set(kinds) and "image/*" not in kinds
    upload(page, ROOT / "examples" / "3-chalk-three.jpg")
    expect_answer(page, "3")
    expect(page.locator("#original rect.chosen")).to_have_count(1)
    expect(page.locator("#original")).to_contain_text("inverted")
    for digit, kind in ((7, "tiff"), (2, "avif")):
        Image.fromarray(sketch(digit)).save(tmp_path / f"digit.{kind}")
        upload(page, tmp_path / f"digit.{kind}")
        expect_answer(page, str(digit))
    for number, answer in ((0, "7"), (6, "7432"), (8, "")):
        choose_example(page, number)
        expect_answer(page, answer)
        expect(page.locator("#original svg")).to_be_visible()


def test_a_file_that_changed_under_its_name_is_read_again(page, tmp_path):
    file = tmp_path / "7.png"
    for digit in (7, 3):
        Image.fromarray(sketch(digit)).save(file)
        upload(page, file)
        expect_answer(page, str(digit))
    choose_example(page)
    expect_answer(page, "7")
    upload(page, file)  # the same file
    expect_answer(page, "3")


def test_a_wrong_file_replaces_the_answer_by_one_clear_sentence(page, tmp_path):
    files = {name: content(name) for name in ("text.png", "empty.png", "cut.png", "HEIC.jpg")}
    files |= {"huge.png": content("13000 x 13000.png"), "large.png": bytes(9_000_000)}
    words = ("is no PNG", "empty", "cut off", "HEIC picture", "megapixels", "the limit is 8")
    draw_and_read(page, 4)
    for (name, whole), reason in zip(files.items(), words, strict=True):
        (file := tmp_path / name).write_bytes(whole)
        upload(page, file)
        expect(page.locator("#answer .error .caption")).to_contain_text(reason)
        expect_answer(page, "")
        assert str(file.parent) not in page.content()


def test_a_pasted_or_dropped_picture_is_read_and_undo_restores_the_drawing(page):
    draw_and_read(page, 4)
    for kind, target in (("paste", "body"), ("drop", "#pad canvas")):
        assert transfer(page, kind, NUMBER, target=target)
        expect_answer(page, "7432")
        assert transfer(page, "drop", README, file_type="text/markdown")
        expect(page.locator("#answer .error .caption")).to_contain_text("is no PNG")
        assert not transfer(page, "paste")
        page.keyboard.press("Control+z")
        expect_answer(page, "4")


def test_the_first_of_two_files_is_read_and_no_link_leads_away(page):
    transfer(page, "drop", README, README)
    notice = page.locator("#picture [role=status]")
    expect(notice).to_contain_text("the first of these 2 is read")
    draw(page, 1)
    expect(notice).to_have_count(0)
    for kind in ("dragover", "drop"):
        assert transfer(page, kind, url="http://127.0.0.1/")
    expect(notice).to_contain_text("drop its file")
    expect_answer(page, "1")


@pytest.mark.parametrize("first, last, answer", [(NUMBER, LETTER, ""), (LETTER, NUMBER, "7432")])
def test_the_last_of_two_quick_pictures_is_read(page, served, first, last, answer):
    with served.reader.held_after(lambda: transfer(page, "drop", first)):
        assert transfer(page, "drop", last)
        expect(page.locator("#answer .headline")).to_contain_text(answer or "No digit")
    assert requests_of(page, "picture")[0].request.response().json() is None
    expect_answer(page, answer)


def test_a_late_upload_does_not_replace_a_drawing_s_answer(page):
    held = []
    page.route("**/upload*", lambda route: held.append(route))
    assert transfer(page, "drop", LETTER)
    draw_and_read(page, 4)
    with page.expect_response("**/upload*"):
        held[0].continue_()
    expect_compared(page, 4, 2)
    assert requests_of(page, "picture") == []
