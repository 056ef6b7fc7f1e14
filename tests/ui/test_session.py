"""Events change the session's state, findings follow from it, and no payload is trusted."""

import base64
import json
import pickle
import time
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from conftest import ROOT, pad_payload, sketch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from inkling.explanation.ablation import WHOLE, Ablation, ablate
from inkling.imaging.image_formats import TIFF_SIGNATURES, is_isolated_format
from inkling.imaging.mnist_frame import Glyph
from inkling.imaging.sketch import Sketch
from inkling.recognition.corrections import Corrections
from inkling.recognition.reader import Reader
from inkling.recognition.reading import Digit, Reading
from inkling.ui import downloads, inside_views, views
from inkling.ui.event_payloads import parse_ablation, parse_index
from inkling.ui.session import Session, SessionState
from inkling.ui.uncertainty import is_unsure

EMPTY = SessionState()
NUMBER = ROOT / "examples" / "7-number-in-a-shadow.jpg"
FOUR_OR_NINE = [[49, 22, 31, 50, 28, 69, 58, 52, 63, 51], [62, 26, 61, 56, 59, 96]]
DIAGONAL = np.eye(28, dtype=np.float32)
STRAIGHT = np.pad(np.ones((18, 2), np.float32), ((5, 5), (13, 13)))  # a 1


def png(digit):
    """Return a digit's sketch, or another picture, as a PNG file."""
    pixels = sketch(digit) if isinstance(digit, int) else np.asarray(digit)
    return cv2.imencode(".png", pixels)[1].tobytes()


def pad(*strokes):
    rows = [{"width": 7.9, "erases": False, "points": points} for points in strokes]
    return Sketch.from_json({"size": 100, "strokes": rows})


def encode(ink):
    return base64.b64encode((255 * ink).round().astype(np.uint8).tobytes()).decode()


@pytest.fixture(scope="module")
def read(shipped):
    """Return a function that reads a digit's sketch or a file in a new session."""
    return lambda file: EMPTY.read(png(file) if isinstance(file, int) else file, shipped)


def details(state, reader):
    findings = state.compute_findings(reader)
    return views.render_original(findings) + views.render_evidence(findings)


def test_a_sketch_is_read_and_a_tap_is_called_a_dot(shipped):
    state = EMPTY.read_sketch(Sketch.from_json(pad_payload(3, 5)), shipped)
    assert state.reading(shipped).text == "3"
    assert (state.picture.size, state.request_id) == ((280, 280), 5)
    state = state.read_sketch(pad([9, 9]), shipped)
    assert "dot" in state.network_reading.note and state.network_reading.digits == ()


@given(st.binary(max_size=200).filter(lambda content: not is_isolated_format(content)))
def test_any_file_content_gives_an_answer(shipped, content):
    state = EMPTY.read(content, shipped)
    assert state.reading(shipped).text == "" and state.compute_findings(shipped).evidence is None


@pytest.mark.parametrize("start", [TIFF_SIGNATURES[0], b"\0\0\0\x10ftypavif"], ids=["TIFF", "AVIF"])
def test_a_file_that_a_subprocess_cannot_decode_is_refused_in_words(read, start):
    assert "damaged" in read(start + bytes(99)).network_reading.error


def test_an_index_is_a_whole_number_below_a_count_of_any_size():
    for value in (0, "7", 99_999, "100000"):
        assert parse_index(value, 10**6) == int(value)
    for value in (-1, "-1", "+1", "1.0", 1.0, " 1", "1_0", "٣", "", None, [1], 5, "9" * 5000):
        assert parse_index(value, 5) is None
    start = time.process_time()
    assert [parse_index("3", 10**6) for _ in range(100)] == [3] * 100
    assert time.process_time() - start < 1  # the indices are not enumerated


@given(st.one_of(st.none(), st.integers(), st.text(max_size=4), st.lists(st.integers())))
def test_an_invalid_choice_changes_nothing(read, payload):
    state = read(7)
    if parse_index(payload, 1) is None:
        assert state.choose(payload) == state
    assert not state.with_correction(Corrections(), None).corrections
    assert not EMPTY.with_correction(Corrections(), 7).corrections


def test_a_correction_changes_later_readings_and_keeps_the_network_s(read, shipped):
    state = read(7).with_correction(Corrections(), 1)
    assert state.reading(shipped).text == "1" and state.network_reading.text == "7"
    assert state.read(png(7), shipped).reading(shipped).text == "1"


def test_layers_and_neighbours_are_computed_only_while_expanded(read, shipped):
    findings = read(4).compute_findings(shipped)
    assert (findings.activations, findings.neighbourhood) == (None, None)
    findings = replace(read(4), expanded=frozenset({"inside"})).compute_findings(shipped)
    layers = inside_views.encode_layers(findings)
    assert len(layers["stages"]) == len(shipped.model.widths) - 1 and len(layers["scores"]) == 10
    assert inside_views.render_neighbours(findings).count("similar</small>") == 5


def test_what_is_switched_off_changes_every_finding_and_switching_on_restores_them(read, shipped):
    off = Ablation(frozenset((2, k) for k in range(0, 128, 2)), kept=60)
    rest = Reader(ablate(shipped.model, off))
    for file in (4, NUMBER):  # read before, and while it is switched off
        state = replace(read(file), expanded=frozenset({"inside", "switches"}))
        for switched in (replace(state, ablation=off), replace(EMPTY, ablation=off)):
            switched = replace(switched, expanded=state.expanded)
            if not switched.network_reading.digits:
                switched = switched.read(png(4) if file == 4 else file, shipped)
            one, other = switched.compute_findings(shipped), state.compute_findings(shipped)
            glyphs = rest.read_glyphs(one.reading.glyphs)
            assert [d.probabilities for d in one.reading.digits] == [
                d.probabilities for d in glyphs.digits
            ]
            scores = rest.model(torch.from_numpy(glyphs.glyphs[0].ink)[None, None])[0]
            assert one.activations.scores == pytest.approx(scores.detach().numpy(), abs=1e-4)
            steps = one.decision.stages[-1][1].probabilities
            assert steps == pytest.approx(one.reading.digits[0].probabilities, abs=1e-4)
            assert one.evidence.margin != other.evidence.margin
            assert all(layer.any() for layer in one.part_costs[0])
            assert (one.part_costs[0][2][::2] == 0).all()
            assert one.part_costs[1] == other.part_costs[1]  # of the whole network
            assert "switched off" in views.render_original(one)
            again = replace(switched, ablation=WHOLE).compute_findings(shipped)
            assert repr(again.reading.as_dict()) == repr(other.reading.as_dict())
            assert (again.evidence.map == other.evidence.map).all()


class Remote:
    """A reader in another process: what is sent and returned is pickled."""

    def __init__(self, reader):
        self.reader = reader

    def call(self, function, *values):
        function, values = pickle.loads(pickle.dumps((function, values)))
        return pickle.loads(pickle.dumps(function(*values, self.reader)))


def test_switches_and_steps_reach_a_remote_reader_and_corrections_still_apply(session, shipped):
    off = Ablation(frozenset({(1, 3)}), kept=50)
    session.configure(frozenset({"inside", "switches", "steps"}), off)
    findings = session.read_latest(SessionState.read, NUMBER.read_bytes(), Remote(shipped))
    assert findings.part_costs[0][1][3] == 0 and findings.state.picture.lines
    assert findings.reading.text == "7432"
    session.update(lambda state: state.with_correction(Corrections(), 9), Remote(shipped))
    assert session.state.reading(shipped).text == "9432"


def test_switches_are_maps_of_the_network_or_are_ignored():
    widths = (2, 3)
    parse = lambda off, kept: parse_ablation({"off": off, "kept": kept}, widths)  # noqa: E731
    assert parse(["0-1", "1-2", "0-1"], 40) == Ablation(frozenset({(0, 1), (1, 2)}), 40)
    for off in (["0-2"], ["2-0"], ["-1"], ["0"], [None], [["0-1"]], ["1-1-1"], ["x"] * 9):
        assert parse(off, 100) == WHOLE
    assert (parse([], -5).kept, parse([], 10**9).kept) == (0, 100)
    for invalid in (None, [], "off", {"off": ["0-1"]}, {"off": "0-1", "kept": 5}):
        assert parse_ablation(invalid, widths) == WHOLE
    assert parse_ablation({"off": ["0-1"], "kept": 5}, ()).off == frozenset()


def test_an_answer_is_compared_with_the_runner_up_or_the_requested_digit(read, shipped):
    state = read(4)
    _, runner_up = state.reading(shipped).digits[0].ranking[:2]
    for digit, rival in ((None, runner_up), ("2", 2), ("4", runner_up)):
        assert f"Why 4, not {rival}" in details(state.compare(digit), shipped)


def test_edited_pixels_are_read_and_edits_are_undone(read, shipped):
    state = read(4)
    edited = state.edit(encode(STRAIGHT), shipped)
    assert edited.reading(shipped).text == "1" and edited.unedited == state.network_reading
    assert edited.edit(None, shipped).network_reading == state.network_reading
    assert edited.edit(encode(0 * STRAIGHT), shipped).reading(shipped).text == ""
    assert edited.read(png(7), shipped).unedited is None
    assert EMPTY.edit(encode(STRAIGHT), shipped).reading(shipped).text == "1"
    for invalid in ("", "?", "AAAA", 7, ["A"], {"a": 1}, "A" * 5_000):
        assert state.edit(invalid, shipped) == state


def test_an_edit_replaces_the_chosen_glyph_alone_and_its_line_s_probabilities(read, shipped):
    state = read(4)
    line_probs = tuple(0.99 if digit == 4 else 0.001 for digit in range(11))
    glyph = replace(state.network_reading.glyphs[0], line_probs=line_probs)
    in_line = state.with_reading(shipped.read_glyphs([glyph]), state.picture)
    readings = [s.edit(encode(STRAIGHT), shipped).network_reading for s in (in_line, state)]
    assert readings[0].as_dict() == readings[1].as_dict()
    number = read(NUMBER).choose("1")
    seven = encode(number.network_reading.digits[0].glyph.ink)
    assert number.edit(seven, shipped).network_reading.text == "7732"


def test_a_tapped_bar_names_the_smallest_change_and_a_button_applies_it(read, shipped):
    state = read(4).compare("9")
    findings = state.compute_findings(shipped)
    words = views.capitalize(findings.change.words)
    assert f"{words}, and it is a 9" in views.render_change(findings)
    changed = state.apply_change(shipped)
    assert changed.reading(shipped).digits[0].best == 9
    assert changed.compute_findings(shipped).change is None
    assert EMPTY.apply_change(shipped) == EMPTY


def test_an_unsure_answer_names_similar_examples_and_what_to_draw(read, shipped):
    findings = EMPTY.read_sketch(pad(*FOUR_OR_NINE), shipped).compute_findings(shipped)
    assert {candidate.digit for candidate in findings.candidates} == {4, 9}
    assert all(c.advice and len(c.similar) == 2 for c in findings.candidates)
    assert "For a 4: " in views.render_change(findings)
    assert "For a 9: " in views.render_change(findings)
    assert "of ten drawings like this, about" in views.summarize(findings.reading).caption
    assert read(7).compute_findings(shipped).candidates == ()
    glyph = read(7).network_reading.glyphs[0]
    assert is_unsure(Digit(glyph, (0.7, 0.15, *[0.15 / 8] * 8), 0.0))
    assert not is_unsure(Digit(glyph, (0.7, *[0.3 / 9] * 9), 0.0))  # no clear second candidate


def test_a_digit_of_the_card_is_read(shipped):
    misread = (shipped.gallery["labels"] != shipped.gallery["answers"]).nonzero()[0, 0].item()
    findings = EMPTY.read_digit(str(misread), shipped).compute_findings(shipped)
    assert findings.reading.digits[0].best == shipped.gallery["answers"][misread]
    assert f"a {shipped.gallery['labels'][misread]}." in views.render_original(findings)
    assert EMPTY.read_digit("no digit", shipped).network_reading.digits == ()


def test_templates_escape_text():
    assert "<b>" not in views.render("answer.html", text="<b>", caption="<b>")


def test_the_preprocessing_is_described(read, shipped):
    board = Image.new("L", (280, 280))
    board.paste(Image.fromarray(255 - sketch(7, size=140, extent=120, brush=2)), (9, 130))
    text = details(read(png(board)), shipped)
    assert all(words in text for words in ("inverted", "cropped", "thickened", "moved"))


@pytest.mark.parametrize(
    "longest, words", [(100, "reduced from 100 to 20"), (14, "enlarged from 14 to 20"), (20, "")]
)
def test_the_resizing_of_a_glyph_is_described(longest, words):
    digit = Digit(Glyph(DIAGONAL, (10, 10, 15, 10 + longest)), (0.1,) * 10, 0.0)
    text = views.describe_preprocessing(Reading((digit,)), digit, (300, 300))
    assert (f"{words} pixels" in text) if words else ("pixels" not in text)


def test_the_report_holds_every_glyph_and_is_self_contained(read, shipped):
    file = downloads.build_report(read(NUMBER), shipped)
    assert file["name"] == "inkling-7432.html" and "<h1>7432</h1>" in file["content"]
    assert all(f"Why {digit}, not" in file["content"] for digit in "7432")
    assert "http" not in file["content"].replace("http://www.w3.org", "")
    file = downloads.build_report(read(7), Reader(shipped.model))
    assert "<h1>7</h1>" in file["content"] and "still being trained" in file["content"]


def test_the_json_download_is_the_endpoint_s_and_without_digits_there_is_none(read, shipped):
    file = downloads.build_json(read(NUMBER), shipped)
    assert json.loads(file["content"]) == shipped.read_file(NUMBER).as_dict()
    assert downloads.build_report(EMPTY, shipped) is downloads.build_json(EMPTY, shipped) is None


def test_a_correction_is_saved_as_a_picture_that_reads_the_same(read, shipped, tmp_path):
    large = cv2.resize(np.concatenate([sketch(4), sketch(7)], axis=1), (2_240, 1_120))
    for state, digit in ((read(NUMBER).choose("3"), 2), (read(png(large)).choose("1"), 7)):
        downloads.save_correction(state, digit, tmp_path)
        (file,) = (tmp_path / str(digit)).iterdir()
        assert shipped.read_file(file).text == str(digit)
    downloads.save_correction(state, None, tmp_path)
    edited = [state.edit(encode(DIAGONAL), shipped) for state in (state, EMPTY)]
    for unsaved in (EMPTY, *edited):
        downloads.save_correction(unsaved, 2, tmp_path)
    assert len(list(tmp_path.rglob("*.png"))) == 2


class Interrupted:
    """A reader during whose first call another event happens."""

    calls = 0

    def __init__(self, reader, event=lambda: None):
        self.reader, self.event = reader, event

    def call(self, function, *values):
        self.calls += 1
        answer = function(*values, self.reader)
        if self.calls == 1:
            self.event()
        return answer


@pytest.fixture
def session(shipped):
    """Return a session, and `read(digit, reader, request_id)` in it."""
    session = Session()
    session.read = lambda digit, reader=shipped, request_id=0: session.read_latest(
        SessionState.read, png(digit), reader, request_id
    )
    return session


def test_the_newer_of_two_pictures_is_shown(session, shipped):
    assert session.read(4, Interrupted(shipped, lambda: session.read(7))) is None
    assert session.state.network_reading.text == "7" and session.state.count == 1


def test_a_request_that_arrives_late_is_ignored(session, shipped):
    assert session.read(7, shipped, 2).reading.text == "7"
    assert session.read(4, shipped, 1) is None
    assert session.state.network_reading.text == "7" and session.state.count == 1
    for request_id in (2, 0):  # repeated as the response was lost; from a client without numbers
        assert session.read(4, shipped, request_id).reading.text == "4"


def test_other_events_during_a_reading_do_not_supersede_it(session, shipped):
    compare = lambda: session.update(lambda state: state.compare("5"), shipped)  # noqa: E731
    findings = session.read(4, Interrupted(shipped, compare))
    assert findings.reading.text == "4" and (findings.state.count, session.state.count) == (2, 2)


def test_layers_that_are_collapsed_during_a_reading_stay_collapsed(session, shipped):
    session.configure(frozenset({"inside"}), WHOLE)
    collapse = lambda: session.configure(frozenset(), WHOLE)  # noqa: E731
    findings = session.read(4, Interrupted(shipped, collapse))
    assert findings.reading.text == "4" and findings.activations is None
    assert not session.state.expanded


def test_a_picture_is_read_and_explained_in_one_call(session, shipped):
    """With remote readers each call goes to another process."""
    counting = Interrupted(shipped)
    findings = session.read(3, counting)
    assert findings.reading.text == "3" and findings.evidence and counting.calls == 1


def test_the_chosen_glyph_stays_for_a_repeated_request_and_not_for_a_new_picture(read, shipped):
    number = read(NUMBER).network_reading, read(NUMBER).picture
    chosen = EMPTY.with_reading(*number, request_id=5).choose("1").compare("3")
    for request_id, expected in ((5, (1, 3)), (6, (0, None))):
        state = chosen.with_reading(*number, request_id=request_id)
        assert (state.chosen, state.rival) == expected
    state = chosen.read(png(1), shipped)
    assert (state.chosen, state.rival) == (0, None)
    assert chosen.read(None, shipped).network_reading.digits == ()


def test_restored_corrections_apply_to_an_earlier_answer(read, session, shipped):
    """A page that is reloaded sends its drawing and its corrections in any order."""
    session.update(lambda state: state.read(png(7), shipped), shipped)
    corrections = read(7).with_correction(Corrections(), 1).corrections
    answer = views.render_answer(session.restore_corrections(corrections, shipped))
    assert 'data-number="1"' in answer and 'data-count="1"' in answer
    assert session.state.reading(shipped).text == "1" and session.state.count == 1
