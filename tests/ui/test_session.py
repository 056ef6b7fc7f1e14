"""What a session does becomes what the page shows, and nothing that a browser tells is trusted."""

import base64
import io
import json
import time
from dataclasses import replace

import numpy as np
import pytest
from conftest import ROOT, sketch, told
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from inkling.imaging.image_formats import TIFF_SIGNATURES, is_isolated_format
from inkling.imaging.mnist_frame import Glyph
from inkling.imaging.sketch import Sketch
from inkling.recognition.corrections import Lessons
from inkling.recognition.reader import Reader
from inkling.recognition.reading import Digit, Reading
from inkling.ui import downloads, inside_views, views
from inkling.ui.event_payloads import parse_index
from inkling.ui.session import Session, SessionState
from inkling.ui.uncertainty import is_unsure

FOUR_OR_NINE = {
    "size": 100,
    "strokes": [
        {"width": 7.9, "erases": False, "points": [49, 22, 31, 50, 28, 69, 58, 52, 63, 51]},
        {"width": 7.9, "erases": False, "points": [62, 26, 61, 56, 59, 96]},
    ],
}
NUMBER = ROOT / "examples" / "7-number-in-a-shadow.jpg"


def png(digit):
    file = io.BytesIO()
    Image.fromarray(sketch(digit)).save(file, "png")
    return file.getvalue()


def details(state, reader):
    found = state.compute_findings(reader)
    return views.render_original(found) + views.render_evidence(found)


def test_a_sketch_is_read_as_it_was_drawn_and_taps_are_kindly_called_a_dot(shipped):
    state = SessionState().read_sketch(Sketch.from_json(told(3, asked=5)), shipped)
    assert state.reading(shipped).text == "3"
    assert (state.picture.size, state.request_id) == ((280, 280), 5)
    dots = {"asked": 1, "size": 1000, "strokes": [{"width": 79, "erases": False, "points": [9, 9]}]}
    state = state.read_sketch(Sketch.from_json(dots), shipped)
    assert "dot" in state.network_reading.note and state.network_reading.digits == ()


@given(st.binary(max_size=200).filter(lambda content: not is_isolated_format(content)))
def test_whatever_a_file_holds_there_is_an_answer(shipped, content):
    state = SessionState().read(content, shipped)
    assert state.reading(shipped).text == ""
    assert state.compute_findings(shipped).evidence is None


@pytest.mark.parametrize("start", [TIFF_SIGNATURES[0], b"\0\0\0\x10ftypavif"], ids=["TIFF", "AVIF"])
def test_what_is_decoded_in_a_process_of_its_own_is_refused_in_words(shipped, start):
    assert "damaged" in SessionState().read(start + bytes(99), shipped).network_reading.error


def test_an_index_is_a_whole_number_below_a_count_of_any_size():
    assert [parse_index(value, 10**6) for value in (0, "7", 99_999, "100000")] == [
        0,
        7,
        99_999,
        100_000,
    ]
    for value in (-1, "-1", "+1", "1.0", 1.0, " 1", "1_0", "٣", "", None, [1], 5, "9" * 5000):
        assert parse_index(value, 5) is None
    start = time.process_time()
    assert [parse_index("3", 10**6) for _ in range(100)] == [3] * 100
    assert time.process_time() - start < 1  # a second for each, if what is there were listed


@given(st.one_of(st.none(), st.integers(), st.text(max_size=4), st.lists(st.integers())))
def test_a_choice_that_is_none_changes_nothing(shipped, told):
    state = SessionState().read(png(7), shipped)
    if parse_index(told, 1) is None:
        assert state.choose(told) == state
    assert (
        not state.with_correction(Lessons(), None).corrections
        and not SessionState().with_correction(Lessons(), 7).corrections
    )


def test_what_was_taught_is_read_and_the_network_s_own_reading_is_kept(shipped):
    state = SessionState().read(png(7), shipped)
    state = state.with_correction(Lessons(), 1)
    assert state.reading(shipped).text == "1" and state.network_reading.text == "7"
    assert state.read(png(7), shipped).reading(shipped).text == "1"


def test_nothing_is_computed_of_the_inside_while_it_is_folded(shipped):
    state = SessionState().read(png(4), shipped)
    assert (
        state.compute_findings(shipped).activations,
        state.compute_findings(shipped).neighbourhood,
    ) == (None, None)
    unfolded = SessionState(inside_expanded=True).read(png(4), shipped)
    found = unfolded.compute_findings(shipped)
    layers, nearest = inside_views.encode_layers(found), inside_views.render_neighbours(found)
    assert len(layers["stages"]) == len(shipped.model.widths) - 1 and len(layers["scores"]) == 10
    assert nearest.count("similar</small>") == 5


def test_an_answer_is_held_against_the_runner_up_or_whom_one_wants(shipped):
    state = SessionState().read(png(4), shipped)
    _, runner_up = state.reading(shipped).digits[0].ranking[:2]
    assert f"Why 4, not {runner_up}" in details(state, shipped)
    assert "Why 4, not 2" in details(state.compare("2"), shipped)
    assert f"Why 4, not {runner_up}" in details(state.compare("4"), shipped)


def in_base64(ink):
    return base64.b64encode((255 * ink).round().astype(np.uint8).tobytes()).decode()


def test_pixels_that_a_hand_changes_are_read_and_taken_back(shipped):
    state = SessionState().read(png(4), shipped)
    ink = np.zeros((28, 28), np.float32)
    ink[5:23, 13:15] = 1
    edited = state.edit(in_base64(ink), shipped)
    assert edited.reading(shipped).text == "1" and edited.compute_findings(shipped).is_edited
    assert edited.edit(None, shipped).network_reading == state.network_reading
    assert edited.edit(in_base64(0 * ink), shipped).reading(shipped).text == ""
    assert edited.read(png(7), shipped).unedited is None
    assert (
        SessionState().edit(in_base64(ink), shipped).reading(shipped).text == "1"
    )  # on an empty pad
    line_probs = tuple(0.99 if digit == 4 else 0.001 for digit in range(11))
    glyph = replace(state.network_reading.glyphs[0], line_probs=line_probs)  # a 4, says its line
    lined = state.with_reading(shipped.read_glyphs([glyph]), state.picture).edit(
        in_base64(ink), shipped
    )
    assert lined.network_reading.as_dict() == edited.network_reading.as_dict()
    number = (
        SessionState().read(NUMBER, shipped).choose("1")
    )  # of which the chosen glyph alone is changed
    seven = in_base64(number.network_reading.digits[0].glyph.ink)
    assert number.edit(seven, shipped).network_reading.text == "7732"
    for none in ("", "?", "AAAA", 7, ["A"], {"a": 1}, "A" * 5_000):  # are no pixels
        assert state.edit(none, shipped) == state


def test_a_bar_that_is_tapped_says_what_would_make_it_that_digit_and_a_button_does_it(shipped):
    state = SessionState().read(png(4), shipped).compare("9")
    found = state.compute_findings(shipped)
    assert (
        found.change
        and f"{views.capitalize(found.change.words)}, and it is a 9" in views.render_change(found)
    )
    done = state.apply_change(shipped)
    assert (
        done.reading(shipped).digits[0].best == 9 and done.compute_findings(shipped).change is None
    )
    assert SessionState().apply_change(shipped) == SessionState()


def test_an_unsure_answer_names_look_alikes_and_what_to_draw(shipped):
    state = SessionState().read_sketch(Sketch.from_json(FOUR_OR_NINE), shipped)
    found = state.compute_findings(shipped)
    assert {one.digit for one in found.candidates} == {4, 9}
    assert all(one.advice and len(one.similar) == 2 for one in found.candidates)
    said = views.render_change(found)
    assert "For a 4: " in said and "For a 9: " in said
    assert "of ten drawings like this, about" in views.summarize(found.reading).caption
    assert SessionState().read(png(7), shipped).compute_findings(shipped).candidates == ()
    glyph = SessionState().read(png(7), shipped).network_reading.glyphs[0]
    assert is_unsure(Digit(glyph, (0.7, 0.15, *[0.15 / 8] * 8), 0.0))
    assert not is_unsure(Digit(glyph, (0.7, *[0.3 / 9] * 9), 0.0))  # which other, nobody can say


def test_a_digit_of_the_card_is_opened_as_one_s_own(shipped):
    misread = (shipped.gallery["labels"] != shipped.gallery["answers"]).nonzero()[0, 0].item()
    found = SessionState().read_digit(str(misread), shipped).compute_findings(shipped)
    assert found.reading.digits[0].best == shipped.gallery["answers"][misread]
    assert f"a {shipped.gallery['labels'][misread]}." in views.render_original(found)
    assert SessionState().read_digit("no digit", shipped).network_reading.digits == ()


def test_words_from_outside_are_shown_as_words():
    assert "<b>" not in views.render("answer.html", text="<b>", caption="<b>")


def test_what_was_done_to_a_picture_is_said(shipped):
    thin = 255 - sketch(7, size=140, extent=120, brush=2)
    board = Image.new("L", (280, 280))
    board.paste(Image.fromarray(thin), (9, 130))
    file = io.BytesIO()
    board.save(file, "png")
    said = details(SessionState().read(file.getvalue(), shipped), shipped)
    for words in ("inverted", "cropped", "thickened", "moved"):
        assert words in said


@pytest.mark.parametrize(
    "longest, done", [(100, "reduced from 100 to 20"), (14, "enlarged from 14 to 20"), (20, "")]
)
def test_that_a_glyph_is_reduced_or_enlarged_is_said_of_what_is(longest, done):
    box = (10, 10, 15, 10 + longest)
    digit = Digit(Glyph(np.eye(28, dtype=np.float32), box), (0.1,) * 10, 0.0)
    said = views.describe_preprocessing(Reading((digit,)), digit, (300, 300))
    assert (f"{done} pixels" in said) if done else ("pixels" not in said)


def test_the_report_holds_every_glyph_and_needs_no_other_file(shipped):
    packed = downloads.build_report(SessionState().read(NUMBER, shipped), shipped)
    assert packed["name"] == "inkling-7432.html" and "<h1>7432</h1>" in packed["content"]
    for digit in "7432":
        assert f"Why {digit}, not" in packed["content"]
    assert "http" not in packed["content"].replace("http://www.w3.org", "")
    learning = Reader(shipped.model)
    packed = downloads.build_report(SessionState().read(png(7), learning), learning)
    assert "<h1>7</h1>" in packed["content"] and "still being trained" in packed["content"]


def test_the_data_are_those_of_the_endpoint_and_there_are_none_of_nothing(shipped):
    packed = downloads.build_json(SessionState().read(NUMBER, shipped), shipped)
    assert json.loads(packed["content"]) == shipped.read_file(NUMBER).as_dict()
    assert (
        downloads.build_report(SessionState(), shipped) is None
        and downloads.build_json(SessionState(), shipped) is None
    )


def test_a_correction_is_saved_as_a_picture_that_is_read_alike(shipped, tmp_path):
    state = SessionState().read(NUMBER, shipped).choose("3")
    downloads.save_correction(state, 2, tmp_path)
    (file,) = (tmp_path / "2").iterdir()
    assert shipped.read_file(file).text == "2"
    downloads.save_correction(state, None, tmp_path)
    downloads.save_correction(SessionState(), 2, tmp_path)
    ink = in_base64(np.eye(28, dtype=np.float32))
    downloads.save_correction(state.edit(ink, shipped), 2, tmp_path)
    downloads.save_correction(SessionState().edit(ink, shipped), 2, tmp_path)
    assert len(list(tmp_path.rglob("*.png"))) == 1


class Interrupted:
    """A reader that is asked something else before its first answer is there."""

    asked = 0

    def __init__(self, reader, other):
        self.reader, self.other = reader, other

    def ask(self, function, *values):
        self.asked += 1
        answer = function(*values, self.reader)
        if self.asked == 1 and self.other:
            self.other()
        return answer


def test_of_two_pictures_the_one_asked_about_later_is_shown(shipped):
    """However long the reading of the first takes."""
    session = Session()
    slow = Interrupted(shipped, lambda: session.read_latest(SessionState.read, png(7), shipped))
    assert session.read_latest(SessionState.read, png(4), slow) is None
    assert session.state.network_reading.text == "7" and session.state.count == 1


def test_of_two_pictures_that_arrive_in_another_order_the_one_asked_about_later_stays(shipped):
    session = Session()
    assert session.read_latest(SessionState.read, png(7), shipped, 2).reading.text == "7"
    assert session.read_latest(SessionState.read, png(4), shipped, 1) is None
    assert session.state.network_reading.text == "7" and session.state.count == 1
    for number in (2, 0):  # asked once more, as the answer was lost; by what gives no numbers
        assert session.read_latest(SessionState.read, png(4), shipped, number).reading.text == "4"


def test_what_is_asked_about_a_picture_does_not_make_it_an_old_one(shipped):
    session = Session()
    slow = Interrupted(shipped, lambda: session.update(lambda state: state.compare("5"), shipped))
    found = session.read_latest(SessionState.read, png(4), slow)
    assert found.reading.text == "4" and (found.count, session.state.count) == (2, 2)


def test_what_is_folded_while_a_picture_is_read_stays_folded(shipped):
    session = Session()
    session.expand_inside(True)
    slow = Interrupted(shipped, lambda: session.expand_inside(False))
    found = session.read_latest(SessionState.read, png(4), slow)
    assert (
        found.reading.text == "4"
        and found.activations is None
        and not session.state.inside_expanded
    )


def test_a_picture_is_read_and_explained_in_one_question(shipped):
    """Each goes to another process where readers are elsewhere."""
    counting = Interrupted(shipped, None)
    found = Session().read_latest(SessionState.read_sketch, Sketch.from_json(told(3)), counting)
    assert found.reading.text == "3" and found.evidence and counting.asked == 1


def test_what_is_chosen_stays_when_the_pad_asks_twice_and_not_for_a_new_picture(shipped):
    number = SessionState().read(NUMBER, shipped)
    two_digits = number.network_reading, number.picture
    chosen = SessionState().with_reading(*two_digits, request_id=5).choose("1").compare("3")
    for asked, expected in ((5, (1, 3)), (6, (0, None))):
        seen = chosen.with_reading(*two_digits, request_id=asked)
        assert (seen.chosen, seen.rival) == expected
    assert chosen.read(png(1), shipped).chosen == 0 and chosen.read(png(1), shipped).rival is None
    assert chosen.read(None, shipped).network_reading.digits == ()


def test_lessons_that_a_browser_kept_hold_for_the_answer_that_came_before_them(shipped):
    """A page that is loaded again asks about its drawing, and tells its lessons, in any order."""
    taught = SessionState().read(png(7), shipped).with_correction(Lessons(), 1)
    session = Session()
    session.update(lambda state: state.read(png(7), shipped), shipped)
    answer = views.render_answer(session.restore_corrections(taught.corrections, shipped))
    assert 'data-number="1"' in answer and 'data-count="1"' in answer
    assert session.state.reading(shipped).text == "1" and session.state.count == 1
