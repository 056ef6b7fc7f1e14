"""A correction changes readings at once, and nothing else changes."""

import base64
import json
from dataclasses import replace

import numpy as np
import pytest
from conftest import STROKES, sketch
from hypothesis import given
from hypothesis import strategies as st

from data.drawing.pen_digits import draw_digits
from inkling.imaging.mnist_frame import Glyph
from inkling.recognition.corrections import MAX_CORRECTIONS, Corrections, apply_corrections
from inkling.recognition.reader import Reader
from inkling.recognition.reading import NO_DIGIT, Reading
from model import DigitCNN

FLAG = [[(0.15, 0.35), (0.6, 0), (0.6, 1)]]  # a 1 to some, a 7 to others
STAR = [[(0, 0), (1, 1)], [(0, 1), (1, 0)], [(0.5, 0), (0.5, 1)], [(0, 0.5), (1, 0.5)]]


@pytest.fixture
def shapes(monkeypatch):
    """Let `sketch` draw a one with a flag as "flag" and a star as "star"."""
    monkeypatch.setitem(STROKES, "flag", FLAG)
    monkeypatch.setitem(STROKES, "star", STAR)


def ink_of(reading):
    (glyph,) = reading.glyphs
    return glyph.ink


def ink_of_number(k):
    ink = np.zeros((28, 28), np.float32)
    ink[k // 20 + 4, k % 20 + 4] = 1
    return ink


@pytest.mark.parametrize("way", [{"at": (25, -30)}, {"extent": 120}, {"brush": 18}])
def test_a_drawing_like_a_corrected_one_is_read_as_corrected(shipped, shapes, way):
    first, again = shipped.read(sketch("flag")), shipped.read(sketch("flag", **way))
    assert first.text == again.text == "1" and first.digits[0].confidence > 0.99
    corrections = Corrections().add(ink_of(first), 7)
    assert apply_corrections(first, corrections, shipped.model).text == "7"
    assert apply_corrections(again, corrections, shipped.model).text == "7"


def test_a_refused_shape_can_be_corrected(shipped, shapes):
    first, again = shipped.read(sketch("star")), shipped.read(sketch("star", extent=140))
    assert first.note == again.note == NO_DIGIT
    corrected = apply_corrections(again, Corrections().add(ink_of(first), 8), shipped.model)
    assert corrected.text == "8" and corrected.note == "" and corrected.digits[0].not_a_digit < 0.5


def test_other_digits_keep_their_answers(shipped, shapes):
    glyphs = [Glyph(ink.numpy(), (0, 0, 28, 28)) for ink in draw_digits(120, 5).ink[:, 0]]
    before = shipped.read_glyphs(glyphs)
    corrections = Corrections().add(ink_of(shipped.read(sketch("star"))), 8)
    assert apply_corrections(before, corrections, shipped.model).text == before.text
    corrections = corrections.add(ink_of(shipped.read(sketch("flag"))), 7)
    after = apply_corrections(before, corrections, shipped.model)
    pairs = zip(before.digits, after.digits, strict=True)
    changed = [k % 10 for k, (old, new) in enumerate(pairs) if old.digit != new.digit]
    assert set(changed) <= {1, 7}


def test_nothing_changes_without_corrections_or_without_digits(shipped):
    reading, nothing = shipped.read(sketch(4)), Reading(note="Nothing drawn")
    assert apply_corrections(reading, Corrections(), shipped.model) is reading
    four = Corrections().add(ink_of(reading), 4)
    assert apply_corrections(nothing, four, shipped.model) is nothing


def test_the_note_counts_no_hole_that_was_corrected(shipped):
    four, two = (shipped.read(sketch(k)).digits[0] for k in (4, 2))
    reading = Reading.of([four, replace(two, not_a_digit=0.9)])
    assert (reading.text, reading.note) == ("4?", "1 of 2 glyphs was not read.")
    corrected = apply_corrections(reading, Corrections().add(two.glyph.ink, 2), shipped.model)
    assert (corrected.text, corrected.note) == ("42", "")


@pytest.mark.parametrize("corrected", [[1], [1, 7], [7] * 30])
def test_probabilities_sum_to_one_and_never_claim_certainty(shipped, corrected):
    reading, corrections = shipped.read(sketch(7)), Corrections()
    for k, digit in enumerate(corrected):
        corrections = corrections.add(ink_of(reading) * (1 - k / 100), digit)
    (digit,) = apply_corrections(reading, corrections, shipped.model).digits
    assert sum(digit.probabilities) == pytest.approx(1, abs=1e-5)
    assert min(digit.probabilities) > 1e-4


def test_the_latest_correction_of_the_same_ink_holds(shipped):
    reading = shipped.read(sketch(7))
    corrections = Corrections().add(ink_of(reading), 1).add(ink_of(reading), 2)
    assert len(corrections) == 1
    assert apply_corrections(reading, corrections, shipped.model).text == "2"


def test_a_correction_holds_for_another_network(shipped):
    reading = shipped.read(sketch(7))
    corrections = Corrections().add(ink_of(reading), 1)
    other = Reader(DigitCNN(shipped.model.widths))
    for model in (shipped.model, other.model, shipped.model):
        assert apply_corrections(reading, corrections, model).text == "1"


def test_the_oldest_correction_is_dropped():
    corrections = Corrections()
    for k in range(MAX_CORRECTIONS + 3):
        corrections = corrections.add(ink_of_number(k), k % 10)
    assert len(corrections) == MAX_CORRECTIONS
    assert [digit for _, digit in corrections.items] == [
        k % 10 for k in range(3, MAX_CORRECTIONS + 3)
    ]
    assert Corrections.from_json([GOOD] * 3 + corrections.to_json()) == corrections


def test_a_browser_gives_back_what_it_keeps(shipped):
    corrections = Corrections()
    for digit in range(10):
        corrections = corrections.add(ink_of(shipped.read(sketch(digit))), digit)
    kept = json.dumps(corrections.to_json())
    assert Corrections.from_json(json.loads(kept)) == corrections and len(kept) < 11_000
    reading = shipped.read(sketch(7))
    ink = np.frombuffer(corrections.items[7].ink, np.uint8).reshape(28, 28) / 255
    assert np.abs(ink - ink_of(reading)).max() < 0.003


GOOD = Corrections().add(ink_of_number(0), 3).to_json()[0]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inside: st.lists(inside) | st.dictionaries(st.text(max_size=9), inside),
    max_leaves=20,
)


NEARLY = st.fixed_dictionaries(
    {
        "ink": st.just(GOOD["ink"]) | st.text("A/=+é", min_size=1040, max_size=1050) | ANYTHING,
        "digit": st.integers(-2, 12) | ANYTHING,
    }
)


@given(ANYTHING | st.lists(st.just(GOOD) | NEARLY | ANYTHING, max_size=2 * MAX_CORRECTIONS))
def test_a_browser_value_yields_only_valid_corrections(value):
    corrections = Corrections.from_json(value)
    assert len(corrections) <= MAX_CORRECTIONS
    assert all(len(ink) == 784 and any(ink) for ink, _ in corrections.items)
    assert all(type(digit) is int and digit in range(10) for _, digit in corrections.items)
    if isinstance(value, list):
        assert len(corrections) >= sum(item == GOOD for item in value[-MAX_CORRECTIONS:])


@pytest.mark.parametrize(
    "ink, digit",
    [(bytes(784), 3), (b"\1" * 786, 3), (b"\1" * 700, 3)]  # blank, too long, too short
    + [(b"\1" * 784, digit) for digit in (10, -1, True, 3.0, "3")],
    ids=lambda value: repr(value)[:12],
)
def test_an_almost_valid_correction_is_dropped(ink, digit):
    kept = [{"ink": base64.b64encode(ink).decode(), "digit": digit}, GOOD]
    assert Corrections.from_json(kept) == Corrections.from_json([GOOD])


@pytest.mark.parametrize("code", ["é", "=", "A=", "*"])
def test_what_is_not_base64_is_left_out(code):
    ink = code * (len(GOOD["ink"]) // len(code))
    assert len(Corrections.from_json([{"ink": ink, "digit": 3}])) == 0


def test_no_more_is_decoded_than_can_be_kept(monkeypatch):
    decoded = []
    decode = base64.b64decode
    monkeypatch.setattr(base64, "b64decode", lambda c, **k: decoded.append(c) or decode(c, **k))
    kept = Corrections.from_json([GOOD] * 10 * MAX_CORRECTIONS)
    assert len(kept) == len(decoded) == MAX_CORRECTIONS
    Corrections.from_json([{"ink": "A" * 1_000_000, "digit": 3}])
    assert max(map(len, decoded)) < 2_000
