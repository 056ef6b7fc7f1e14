"""Strokes are joined and cut in every way, and the most plausible row is taken."""

import cv2
import numpy as np
import pytest
from PIL import Image

from inkling.imaging.binarize import find_ink
from inkling.recognition import segmentation
from inkling.recognition.likeliest_row import Judged, best_row
from inkling.recognition.segmentation import find_rows
from inkling.recognition.strokes import Part, lines_of, parts_of, stacked
from inkling.recognition.touching_digits import cut_lines


def page(*strokes, size=(200, 400), pen=8) -> np.ndarray:
    """Draw strokes of points on white paper."""
    paper = np.full(size, 255, np.uint8)
    for stroke in strokes:
        cv2.polylines(paper, [np.array(stroke, np.int32)], False, 0, pen)
    return paper


def parts(paper) -> list[Part]:
    return parts_of(find_ink(Image.fromarray(paper)))


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


def test_pieces_above_one_another_are_one_digit():
    two = parts(page([(100, 50), (140, 50), (140, 90)], [(140, 102), (105, 150)], *standing(250)))
    assert len(two) == 3 and len(stacked(two)) == 2


def judge(plausible, several=1.0):
    """Return a judge that finds ink as plausible as a function of each one's width says."""

    def judge(inks):
        sizes = [[int(ink.any(axis=axis).sum()) for axis in (0, 1)] for ink in inks]
        unasked = np.zeros((len(inks), 10)), np.zeros(len(inks))
        plausibles = np.array([plausible(width - height) for width, height in sizes])
        return *unasked, plausibles, np.full(len(inks), several)

    return judge


def test_what_is_likelier_joined_is_joined_and_else_not():
    ink = find_ink(Image.fromarray(page(*standing(100, 120), *standing(300))))
    for joined, apart, glyphs in ((0.0, -3.0, 2), (-3.0, 0.0, 3)):
        one_stroke = lambda wider, j=joined, a=apart: a if wider < -17 else j  # noqa: E731
        assert len(find_rows(ink, judge(one_stroke, several=-1))[0]) == glyphs


@pytest.mark.parametrize("apart", [25, 40, 90])
def test_upright_strokes_beside_one_another_are_ones(apart):
    ink = find_ink(Image.fromarray(page(*standing(100, 100 + apart, 100 + 2 * apart))))
    no_number = judge(lambda wider: 0.0 if wider < -17 else -3.0, several=-9)
    assert len(find_rows(ink, no_number)[0]) == 3


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


def test_a_dot_may_be_left_out_but_a_digit_may_not():
    paper = page(*standing(50, 250))
    cv2.circle(paper, (150, 145), 6, 0, -1)
    upright = judge(lambda wider: -0.1 if wider < -5 else -5.0)
    assert boxes_of(find_rows(find_ink(Image.fromarray(paper)), upright)) == [[46, 246]]


def rings() -> np.ndarray:
    """Draw two rings that touch."""
    paper = np.full((120, 220), 255, np.uint8)
    for middle in (60, 146):
        cv2.circle(paper, (middle, 60), 40, 0, 8)
    return paper


def test_a_cut_goes_where_two_touch():
    (glyph,) = parts(rings())
    at = [int(side[glyph.height // 2].argmax()) + glyph.box[0] for side in cut_lines(glyph.ink)]
    assert at == sorted(at) and min(abs(x - 103) for x in at) <= 4


@pytest.mark.parametrize(
    "round_one, other, several, glyphs",
    [(0.0, -5.0, 1, 2), (0.0, -5.0, -9, 1), (0.0, 0.0, 1, 1), (-5.0, -5.0, 1, 1)],
    ids=["better apart", "no number", "well as it is", "no better apart"],
)
def test_two_that_touch_are_cut_only_if_they_are_better_apart(round_one, other, several, glyphs):
    as_if = judge(lambda wider: round_one if abs(wider) < 3 else other, several)
    assert len(find_rows(find_ink(Image.fromarray(rings())), as_if)[0]) == glyphs


def test_of_many_that_touch_only_the_costliest_are_cut(monkeypatch):
    monkeypatch.setattr(segmentation, "MOST_CUT", 4)
    low, high = (
        np.tile(rings()[10:110], (1, 4)),
        np.tile(cv2.resize(rings(), None, fx=1, fy=1.2), 3),
    )
    paper = np.vstack([low, np.pad(high, ((0, 0), (0, 220)), constant_values=255)])
    as_if = judge(lambda wider: 0.0 if abs(wider) < 6 else -5.0)
    rows = find_rows(find_ink(Image.fromarray(paper)), as_if)
    assert [len(row) for row in rows] == [5, 6]


def test_soft_edges_stay_with_their_stroke():
    ink = find_ink(Image.fromarray(cv2.GaussianBlur(page(*standing(100, 160)), (0, 0), 2)))
    assert sum(p.area for p in parts_of(ink)) == pytest.approx(ink.depth.sum(), rel=0.02)
