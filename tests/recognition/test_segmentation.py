"""Strokes are joined and cut in every way, and the most plausible row is taken."""

import cv2
import numpy as np
import pytest
import torch
from conftest import ink_in, sketch

from inkling.recognition.likeliest_row import Judged, best_row
from inkling.recognition.line_net import NO_DIGIT, Line, Text
from inkling.recognition.reader import line_reader
from inkling.recognition.segmentation import find_rows
from inkling.recognition.strokes import Part, lines_of, part_in, parts_of, stacked
from inkling.recognition.touching_digits import cheapest_paths, cuts_between, pieces_of


def page(*strokes, size=(200, 400), pen=8) -> np.ndarray:
    """Draw strokes of points on white paper."""
    paper = np.full(size, 255, np.uint8)
    for stroke in strokes:
        cv2.polylines(paper, [np.array(stroke, np.int32)], False, 0, pen)
    return paper


def parts(paper) -> list[Part]:
    return parts_of(ink_in(paper))


def boxes_of(rows) -> list[list[int]]:
    return [[glyph.part.box[0] for glyph in row] for row in rows]


def standing(*lefts, top=50, height=100):
    return [[(x, top), (x, top + height)] for x in lefts]


def test_strokes_that_are_not_connected_are_parts():
    assert len(parts(page(*standing(50, 120, 300)))) == 3


def test_lines_go_from_top_to_bottom_and_each_from_left_to_right():
    strokes = standing(300, 40, 150, top=10, height=60) + standing(90, 220, top=120, height=60)
    lines = lines_of(parts(page(*strokes)))
    assert [[round(p.middle, -1) for p in line] for line in lines] == [[40, 150, 300], [90, 220]]


def test_a_line_may_slope():
    strokes = [[(x, 20 + x // 4), (x, 80 + x // 4)] for x in range(20, 380, 50)]
    assert len(lines_of(parts(page(*strokes)))) == 1


def test_a_cut_through_even_ink_goes_straight_down():
    costs = np.ones((1, 20, 9))
    costs[:, -1, 4] = 0  # where it ends
    assert (cheapest_paths(costs) == 4).all()


def test_pieces_far_above_one_another_are_not_one_digit():
    two = parts(page([(100, 50), (140, 50), (140, 75)], [(140, 115), (105, 150)], *standing(250)))
    assert len(two) == len(stacked(two)) == 3


def test_pieces_above_one_another_are_one_digit():
    two = parts(page([(100, 50), (140, 50), (140, 90)], [(140, 102), (105, 150)], *standing(250)))
    assert len(two) == 3 and len(stacked(two)) == 2


def judge(plausible, several=1.0):
    """Return a judge that finds ink as plausible as a function of each one's width says."""

    def judge(inks):
        sizes = [[int(ink.any(axis=axis).sum()) for axis in (0, 1)] for ink in inks]
        plausibles = np.array([plausible(width - height) for width, height in sizes])
        alike = np.full((len(inks), 10), 0.1)
        return alike, 1 - np.exp(plausibles), plausibles, np.full(len(inks), several)

    return judge


def line(*digits, middles=(), steps=60):
    """Return what reads any line as these digits, at these columns."""
    answers = torch.full((steps, NO_DIGIT + 1), -9.0)
    answers[:, NO_DIGIT] = 0
    for k, digit in enumerate(digits):
        answers[10 + 20 * k] = -9.0
        answers[10 + 20 * k, digit] = 0
    return lambda part: Line(answers, [Text(digits, middles)])


def test_what_is_likelier_joined_is_joined_and_else_not():
    ink = ink_in(page(*standing(100, 120), *standing(300)))
    for joined, apart, glyphs in ((0.0, -3.0, 2), (-3.0, 0.0, 3)):
        one_stroke = lambda wider, j=joined, a=apart: a if wider < -17 else j  # noqa: E731
        assert len(find_rows(ink, judge(one_stroke, several=-1), line())[0]) == glyphs


@pytest.mark.parametrize("apart", [25, 40, 90])
def test_upright_strokes_beside_one_another_are_ones(apart):
    ink = ink_in(page(*standing(100, 100 + apart, 100 + 2 * apart)))
    no_number = judge(lambda wider: 0.0 if wider < -17 else -3.0, several=-9)
    assert len(find_rows(ink, no_number, line())[0]) == 3


def test_a_digit_may_have_four_strokes():
    ink = ink_in(page(*standing(100, 112, 124, 136), *standing(250, 262, 274, 286)))
    four = judge(lambda wider: 0.0 if wider > -12.5 else -5.0, several=-1)
    assert boxes_of(find_rows(ink, four, line())) == [[96, 246]]


def test_a_row_is_the_cheapest_way_through_its_candidates():
    def candidate(left, right, plausible):
        part = Part(np.ones((20, right - left), np.float32), (left, 0, right, 20))
        return Judged(part, part.ink, False, (), 0.0, plausible, 0.0)

    for whole, chosen in ((-0.1, [0, 30]), (-5.0, [0, 10, 30])):
        spans = {
            (0, 1): candidate(0, 5, -0.5),
            (1, 2): candidate(10, 15, -0.5),
            (0, 2): candidate(0, 15, whole),
            (2, 3): candidate(30, 35, -0.5),
        }
        assert [c.part.box[0] for c in best_row(3, spans, {})] == chosen
    assert best_row(4, spans, {}) == []
    assert [c.part.box[0] for c in best_row(4, spans, {3: 1.0})] == chosen
    for cost, left in ((1.0, [0, 10]), (1_000.0, [0, 10, 30])):
        assert [c.part.box[0] for c in best_row(3, spans, {2: cost})] == left


def test_a_dot_may_be_left_out_but_a_digit_may_not():
    paper = page(*standing(50, 250))
    cv2.circle(paper, (150, 145), 6, 0, -1)
    upright = judge(lambda wider: -0.1 if wider < -5 else -5.0)
    assert boxes_of(find_rows(ink_in(paper), upright, line())) == [[46, 246]]


def rings() -> np.ndarray:
    """Draw two rings that touch."""
    paper = np.full((120, 220), 255, np.uint8)
    for middle in (60, 146):
        cv2.circle(paper, (middle, 60), 40, 0, 8)
    return paper


def test_cuts_go_between_two_digits_and_one_where_they_touch():
    (glyph,) = parts(rings())
    sides = cuts_between(glyph.ink, before=40, after=126)
    at = [int(side[glyph.height // 2].argmax()) + glyph.box[0] for side in sides]
    assert all(60 < x < 146 for x in at) and min(abs(x - 103) for x in at) <= 8


@pytest.mark.parametrize("middles", [(103, 103, 103), (0, 0, 1), (140, 400, 420)])
def test_several_digits_in_one_place_are_not_cut_apart(middles):
    (glyph,) = parts(rings())
    pieces = pieces_of(glyph, Text((0, 0, 0), middles), judge(lambda wider: 0.0))
    assert all(piece.part.width > 0 for piece in pieces)


@pytest.mark.parametrize(
    "round_one, other, several, glyphs",
    [(0.0, -5.0, 1, 2), (0.0, -5.0, -20, 1)],
    ids=["better apart", "no number"],
)
def test_two_that_touch_are_cut_only_if_they_are_better_apart(round_one, other, several, glyphs):
    as_if = judge(lambda wider: round_one if abs(wider) < 3 else other, several)
    two = line(0, 0, middles=(40, 126))
    assert len(find_rows(ink_in(rings()), as_if, two)[0]) == glyphs
    assert len(find_rows(ink_in(rings()), as_if, line())[0]) == 1


def test_a_line_is_as_likely_as_its_digits():
    three = line(4, 1, 1)(None)
    assert three.log_likelihood([4, 1, 1]) == pytest.approx(0, abs=0.05)
    assert three.log_likelihood([4, 1]) < -5 > three.log_likelihood([4, 1, 7])
    shares = three.shares([4, 1, 1])
    assert shares.shape == (3, 11) and np.allclose(shares.sum(axis=1), 1)
    assert shares.argmax(axis=1).tolist() == [4, 1, 1]


@pytest.mark.parametrize("scale", [1, 0.5])
def test_a_line_s_digits_stand_where_they_are_read(scale):
    paper = np.concatenate([sketch(4), sketch(7)], axis=1)
    small = ink_in(cv2.resize(paper, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    whole = part_in(small.coverage)
    (text, *_) = line_reader(paper / np.float32(255), small)(whole).texts
    assert text.digits == (4, 7)
    middles = (np.array(text.middles) + whole.box[0]) / scale
    assert middles == pytest.approx((140, 420), abs=25)  # px; the digits are 193 tall


def test_soft_edges_stay_with_their_stroke():
    ink = ink_in(cv2.GaussianBlur(page(*standing(100, 160)), (0, 0), 2))
    assert sum(p.area for p in parts_of(ink)) == pytest.approx(ink.coverage.sum(), rel=0.02)
