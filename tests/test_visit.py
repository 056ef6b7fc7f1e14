"""What a visitor does becomes what the page shows, and nothing that a browser tells is trusted."""

import base64
import io
import json
from dataclasses import replace

import pytest
from conftest import ROOT, sketch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import takeaway
import view
from predict import Reader
from teach import Lessons
from visit import SKETCH_HEADER, SKETCH_LIMIT, Visit, index, sketch_bytes

NUMBER = ROOT / "examples" / "7-number-in-a-shadow.jpg"


@pytest.fixture(scope="module")
def shipped():
    return Reader.load()


def png(digit):
    file = io.BytesIO()
    Image.fromarray(sketch(digit)).save(file, "png")
    return file.getvalue()


def details(visit, reader):
    return visit.details(visit.reading(reader), reader)


def test_a_sketch_is_read_as_it_was_drawn(shipped):
    told = SKETCH_HEADER + base64.b64encode(png(3)).decode()
    visit = Visit().read(sketch_bytes(told), shipped)
    assert visit.reading(shipped).text == "3"
    assert visit.picture.size == (280, 280)


@pytest.mark.parametrize(
    "told",
    [None, "", 7, ["data"], "data:text/html;base64,PGI+", SKETCH_HEADER + "%%%"]
    + [SKETCH_HEADER + "A" * SKETCH_LIMIT],
)
def test_what_is_no_sketch_is_an_empty_pad(told):
    assert sketch_bytes(told) is None


@given(st.binary(max_size=200))
def test_whatever_a_sketch_holds_there_is_an_answer(shipped, content):
    visit = Visit().read(content, shipped)
    assert visit.reading(shipped).text == ""
    assert len(visit.parts(shipped)) == 7


def test_a_new_picture_wipes_out_what_was_chosen_before(shipped):
    visit = Visit().read(NUMBER, shipped).choose("2").compare("5")
    assert (visit.chosen, visit.rival) == (2, 5)
    again = visit.read(png(1), shipped)
    assert (again.chosen, again.rival) == (0, None)
    assert again.read(None, shipped).by_network.digits == ()


@given(st.one_of(st.none(), st.integers(), st.text(max_size=4), st.lists(st.integers())))
def test_a_choice_that_is_none_changes_nothing(shipped, told):
    visit = Visit().read(png(7), shipped)
    if index(told, 1) is None:
        assert visit.choose(told) == visit
    assert visit.teach(Lessons(), None) == Visit().teach(Lessons(), 7) == Lessons()


def test_what_was_taught_is_read_and_the_network_s_own_reading_is_kept(shipped):
    visit = Visit().read(png(7), shipped)
    visit = replace(visit, lessons=visit.teach(Lessons(), 1))
    assert visit.reading(shipped).text == "1" and visit.by_network.text == "7"
    assert visit.read(png(7), shipped).reading(shipped).text == "1"


def test_nothing_is_computed_of_the_inside_while_it_is_folded(shipped):
    visit = Visit().read(png(4), shipped)
    assert visit.parts(shipped)[-2:] == ("", "")
    unfolded = Visit(unfolded=True).read(png(4), shipped)
    layers, nearest = unfolded.parts(shipped)[-2:]
    assert layers.count("<img") == len(shipped.model.widths) and nearest.count("alike</small>") == 5


def test_an_answer_is_held_against_the_runner_up_or_whom_one_wants(shipped):
    visit = Visit().read(png(4), shipped)
    _, runner_up = visit.reading(shipped).digits[0].ranking[:2]
    assert f"Why 4 rather than {runner_up}" in details(visit, shipped)
    assert "Why 4 rather than 2" in details(visit.compare("2"), shipped)
    assert f"Why 4 rather than {runner_up}" in details(visit.compare("4"), shipped)


def test_words_from_outside_are_shown_as_words():
    assert "<b>" not in view.render("answer.html", text="<b>", caption="<b>")


def test_what_was_done_to_a_picture_is_said(shipped):
    thin = 255 - sketch(7, size=140, extent=120, brush=2)
    board = Image.new("L", (280, 280))
    board.paste(Image.fromarray(thin), (9, 130))
    file = io.BytesIO()
    board.save(file, "png")
    said = details(Visit().read(file.getvalue(), shipped), shipped)
    for words in ("inverted", "cropped", "thickened", "moved"):
        assert words in said


def test_the_report_holds_every_glyph_and_needs_no_other_file(shipped):
    packed = takeaway.report(Visit().read(NUMBER, shipped), shipped)
    assert packed["name"] == "inkling-7432.html" and "<h1>7432</h1>" in packed["content"]
    for digit in "7432":
        assert f"Why {digit} rather than" in packed["content"]
    assert "http" not in packed["content"].replace("http://www.w3.org", "")


def test_a_network_that_still_learns_can_be_reported_on(shipped):
    learning = Reader(shipped.model)
    packed = takeaway.report(Visit().read(png(7), learning), learning)
    assert "<h1>7</h1>" in packed["content"] and "still learning" in packed["content"]


def test_the_data_are_those_of_the_endpoint(shipped):
    packed = takeaway.data(Visit().read(NUMBER, shipped), shipped)
    told, right = json.loads(packed["content"]), shipped.read_file(NUMBER).as_dict()
    assert told == right


def test_there_is_nothing_to_take_away_of_nothing(shipped):
    assert takeaway.report(Visit(), shipped) is None and takeaway.data(Visit(), shipped) is None


def test_a_correction_is_saved_as_a_picture_that_is_read_alike(shipped, tmp_path):
    visit = Visit().read(NUMBER, shipped).choose("3")
    takeaway.save_correction(visit, 2, tmp_path)
    (file,) = (tmp_path / "2").iterdir()
    assert shipped.read_file(file).text == "2"
    takeaway.save_correction(visit, None, tmp_path)
    takeaway.save_correction(Visit(), 2, tmp_path)
    assert len(list(tmp_path.rglob("*.png"))) == 1
