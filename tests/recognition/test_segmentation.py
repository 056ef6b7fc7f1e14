"""Segments are merged and cut in every plausible way; the best segmentation wins."""

from itertools import product

import cv2
import numpy as np
import pytest
import torch
from conftest import ink_in, sketch

from inkling.recognition.connected_components import (
    Segment,
    crop_segment,
    extract_segments,
    group_lines,
    merge_stacked,
)
from inkling.recognition.line_net import NO_DIGIT_CLASS, LinePrediction
from inkling.recognition.reader import make_transcriber
from inkling.recognition.segment_scorer import SegmentScorer
from inkling.recognition.segmentation import find_rows
from inkling.recognition.touching_digits import SIDE_STEP_COST, LineCutter, find_cuts, find_seams


def page(*strokes, size=(200, 400), pen=8) -> np.ndarray:
    """Draw strokes of points on white paper."""
    paper = np.full(size, 255, np.uint8)
    for stroke in strokes:
        cv2.polylines(paper, [np.array(stroke, np.int32)], False, 0, pen)
    return paper


def segments(paper) -> list[Segment]:
    return extract_segments(ink_in(paper))


def boxes_of(rows) -> list[list[int]]:
    return [[d.glyph.box[0] for d in row] for row in rows]


def standing(*lefts, top=50, height=100):
    return [[(x, top), (x, top + height)] for x in lefts]


def test_components_that_are_not_connected_are_segments():
    assert len(segments(page(*standing(50, 120, 300)))) == 3


def test_lines_go_from_top_to_bottom_and_each_from_left_to_right():
    strokes = standing(300, 40, 150, top=10, height=60) + standing(90, 220, top=120, height=60)
    lines = group_lines(segments(page(*strokes)))
    assert [[round(p.center, -1) for p in line] for line in lines] == [[40, 150, 300], [90, 220]]


def test_equal_segments_are_predicted_once():
    batches: list[int] = []

    def predict(inks):
        batches.append(len(inks))
        return predict_by(lambda wider: 0.0)(inks)

    score, strokes = SegmentScorer(predict), segments(page(*standing(50, 120, 300)))
    assert score(strokes[:2]) + score(strokes[2:]) == score(strokes) and batches == [2, 1]


def test_a_line_may_slope():
    strokes = [[(x, 20 + x // 4), (x, 80 + x // 4)] for x in range(20, 380, 50)]
    assert len(group_lines(segments(page(*strokes)))) == 1


def test_a_cut_through_even_ink_goes_straight_down():
    costs = np.ones((1, 20, 9))
    costs[:, -1, 4] = 0  # where it ends
    assert (find_seams(costs) == 4).all()


def test_a_seam_is_the_cheapest_of_all_paths():
    costs = np.random.default_rng(0).random((2, 5, 4))

    def cost(k, path):
        steps = np.abs(np.diff(path))
        inside = costs[k, range(5), path].sum() + SIDE_STEP_COST * steps.sum()
        return inside if steps.max() <= 1 else np.inf

    for k, seam in enumerate(find_seams(costs)):
        assert cost(k, seam) == min(cost(k, path) for path in product(range(4), repeat=5))


@pytest.mark.parametrize("above, below, merged", [(90, 102, 2), (75, 115, 3)])
def test_only_pieces_close_above_one_another_are_one_digit(above, below, merged):
    head, foot = [(100, 50), (140, 50), (140, above)], [(140, below), (105, 150)]
    pieces = segments(page(head, foot, *standing(250)))
    assert len(pieces) == 3 and len(merge_stacked(pieces)) == merged


def predict_by(log_prob, multi_digit_logit=1.0):
    """Return a stand-in for `predict_glyphs`: log-probabilities from each ink's width - height."""

    def predict(inks):
        sizes = [[int(ink.any(axis=axis).sum()) for axis in (0, 1)] for ink in inks]
        log_probs = np.array([log_prob(width - height) for width, height in sizes])
        uniform = np.full((len(inks), 10), 0.1)
        return uniform, 1 - np.exp(log_probs), log_probs, np.full(len(inks), multi_digit_logit)

    return predict


def line(*digits, centers=(), steps=60):
    """Return a stand-in for the transcriber: these digits at these columns."""
    answers = torch.full((steps, NO_DIGIT_CLASS + 1), -9.0)
    answers[:, NO_DIGIT_CLASS] = 0
    for k, digit in enumerate(digits):
        answers[10 + 20 * k] = -9.0
        answers[10 + 20 * k, digit] = 0
    return lambda segment: LinePrediction(answers, {digits: centers})


def test_a_bar_joins_its_digit_only_if_that_is_more_probable():
    ink = ink_in(page(*standing(100, 200, 300), [(310, 40), (345, 40)]))
    for alone, joined in ((-3.0, 0.0), (0.0, -3.0)):
        upright = lambda wider, a=alone, j=joined: a if wider < -16 else j  # noqa: E731
        (row,) = find_rows(ink, predict_by(upright, multi_digit_logit=-1), line())
        assert len(row) == 3 and (row[-1].glyph.box[2] > 340) == (joined > alone)


@pytest.mark.parametrize("gap, joins", [(20, True), (90, False)])
def test_a_bar_joins_only_a_digit_close_to_it(gap, joins):
    ink = ink_in(page(*standing(50, 120), [(120 + gap, 40), (155 + gap, 40)]))
    wide = predict_by(lambda wider: -3.0 if wider < -16 else 0.0, multi_digit_logit=-1)
    (row,) = find_rows(ink, wide, line())
    assert any(d.glyph.box[2] > 140 + gap for d in row) == joins


@pytest.mark.parametrize("apart", [25, 40, 90])
def test_upright_strokes_beside_one_another_are_ones(apart):
    ink = ink_in(page(*standing(100, 100 + apart, 100 + 2 * apart)))
    no_number = predict_by(lambda wider: 0.0 if wider < -17 else -3.0, multi_digit_logit=-9)
    assert len(find_rows(ink, no_number, line())[0]) == 3


def test_a_digit_of_a_number_may_have_four_strokes():
    ink = ink_in(page(*standing(100, 112, 124, 136), *standing(250, 262, 274, 286)))
    four = predict_by(lambda wider: 0.0 if wider > -62 else -5.0)
    assert boxes_of(find_rows(ink, four, line(4, 4, centers=(22, 172)))) == [[96, 246]]


def test_a_dot_may_be_left_out_but_a_digit_may_not():
    paper = page(*standing(50, 250))
    cv2.circle(paper, (150, 145), 6, 0, -1)
    upright = predict_by(lambda wider: -0.1 if wider < -5 else -5.0)
    assert boxes_of(find_rows(ink_in(paper), upright, line())) == [[46, 246]]


def rings() -> np.ndarray:
    """Draw two rings that touch."""
    paper = np.full((120, 220), 255, np.uint8)
    for middle in (60, 146):
        cv2.circle(paper, (middle, 60), 40, 0, 8)
    return paper


def test_cuts_go_between_two_digits_and_one_where_they_touch():
    (glyph,) = segments(rings())
    sides = find_cuts(glyph.ink, before=40, after=126)
    at = [int(side[glyph.height // 2].argmax()) + glyph.box[0] for side in sides]
    assert all(60 < x < 146 for x in at) and min(abs(x - 103) for x in at) <= 8


@pytest.mark.parametrize("centers", [(103, 103, 103), (0, 0, 1), (140, 400, 420)])
def test_several_digits_in_one_place_are_not_cut_apart(centers):
    (glyph,) = segments(rings())
    score = SegmentScorer(predict_by(lambda wider: 0.0))
    pieces = LineCutter(glyph, score).cut((0, 0, 0), centers)
    assert all(d.glyph.box[2] > d.glyph.box[0] for d in pieces)


@pytest.mark.parametrize(
    "round_one, other, several, glyphs",
    [(0.0, -5.0, 1, 2), (0.0, -5.0, -20, 1)],
    ids=["better apart", "no number"],
)
def test_two_that_touch_are_cut_only_if_they_are_better_apart(round_one, other, several, glyphs):
    as_if = predict_by(lambda wider: round_one if abs(wider) < 3 else other, several)
    two = line(0, 0, centers=(40, 126))
    assert len(find_rows(ink_in(rings()), as_if, two)[0]) == glyphs
    assert len(find_rows(ink_in(rings()), as_if, line())[0]) == 1


def test_a_line_is_as_likely_as_its_digits():
    three = line(4, 1, 1)(None)
    assert three.log_likelihood([4, 1, 1]) == pytest.approx(0, abs=0.05)
    assert three.log_likelihood([4, 1]) < -5 > three.log_likelihood([4, 1, 7])
    posteriors = three.digit_posteriors([4, 1, 1])
    assert posteriors.shape == (3, 11) and np.allclose(posteriors.sum(axis=1), 1)
    assert posteriors.argmax(axis=1).tolist() == [4, 1, 1]


@pytest.mark.parametrize("scale", [1, 0.5])
def test_a_line_s_digits_stand_where_they_are_read(scale):
    paper = np.concatenate([sketch(4), sketch(7)], axis=1)
    small = ink_in(cv2.resize(paper, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    whole = crop_segment(small.coverage)
    transcripts = make_transcriber(paper / np.float32(255), small)(whole).transcripts
    text, places = next(iter(transcripts.items()))
    assert text == (4, 7)
    centers = (np.array(places) + whole.box[0]) / scale
    assert centers == pytest.approx((140, 420), abs=25)  # px; the digits are 193 tall


def test_soft_edges_stay_with_their_stroke():
    ink = ink_in(cv2.GaussianBlur(page(*standing(100, 160)), (0, 0), 2))
    assert sum(p.area for p in extract_segments(ink)) == pytest.approx(ink.coverage.sum(), rel=0.02)
