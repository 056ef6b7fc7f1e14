"""Slips of the pen: a stroke remains a path of whole spans, near its original place."""

import numpy as np
import pytest

from data.drawing import pen_slips
from data.drawing.pen_strokes import POINTS_PER_SPAN, STROKE_STYLES, Style
from data.drawing.pen_variation import vary

SEVEN = Style(STROKE_STYLES[7]["crossed"])
EIGHT = Style(STROKE_STYLES[8]["s first"])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def has_whole_spans(strokes):
    return all(
        len(stroke) > POINTS_PER_SPAN and len(stroke) % POINTS_PER_SPAN == 1 for stroke in strokes
    )


@pytest.mark.parametrize("style", [SEVEN, EIGHT], ids=["two strokes", "one stroke"])
def test_slips_leave_connected_paths_of_whole_spans(style, rng):
    for _ in range(200):
        strokes = pen_slips.add_slips([paths[0] for paths in vary(style, 1, rng)], rng)
        assert has_whole_spans(strokes)
        for stroke in strokes:
            assert np.hypot(*np.diff(stroke, axis=0).T).max() < 0.5


def test_most_drawings_have_slips(rng):
    meant = SEVEN.trace()
    drawn = [pen_slips.add_slips(meant, rng) for _ in range(200)]
    same = [len(strokes) == 2 and all(map(np.array_equal, strokes, meant)) for strokes in drawn]
    assert 0.1 < np.mean(same) < 0.6


def test_connecting_strokes_keeps_their_points(rng):
    first, second = SEVEN.trace()
    (joined,) = pen_slips.connect_strokes([first, second], rng, share=1)
    assert has_whole_spans([joined])
    assert (joined[: len(first)] == first).all() and (joined[-len(second) :] == second).all()
    assert len(pen_slips.connect_strokes([first, second], rng, share=0)) == 2


def test_a_connection_leads_from_one_stroke_to_the_next(rng):
    first, second = SEVEN.trace()
    path = pen_slips.draw_connection(first, second, rng)
    assert path[0] == pytest.approx(first[-1]) and path[-1] == pytest.approx(second[0])


def test_a_hook_is_short_and_leads_to_the_stroke(monkeypatch):
    monkeypatch.setattr(pen_slips, "HOOKED_START_SHARE", 1)
    monkeypatch.setattr(pen_slips, "HOOKED_END_SHARE", 0)
    (eight,) = EIGHT.trace()
    shortest, longest = pen_slips.HOOK_LENGTHS
    for seed in range(50):
        hooked = pen_slips.add_hooks(eight, np.random.default_rng(seed))
        assert (hooked[POINTS_PER_SPAN:] == eight).all()
        distance = np.hypot(*(hooked[0] - eight[0]))
        assert shortest * 0.99 <= distance <= longest * np.ptp(eight, axis=0).max()


def test_a_pinch_moves_some_points_but_none_far():
    (eight,) = EIGHT.trace()
    (moved,) = pen_slips.pinch_part([eight], np.random.default_rng(1))
    assert 0.01 < np.hypot(*(moved - eight).T).max() < 0.5


def test_a_gap_removes_a_little_of_a_long_stroke_and_nothing_of_a_short_one(rng):
    (eight,) = EIGHT.trace()
    for seed in range(20):
        pieces = pen_slips.cut_gap(eight, np.random.default_rng(seed))
        assert has_whole_spans(pieces)
        assert 0.8 * len(eight) < sum(map(len, pieces)) < len(eight)
    short = SEVEN.trace()[1]
    assert pen_slips.cut_gap(short, rng)[0] is short
