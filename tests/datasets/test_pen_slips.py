"""Slips of the pen: a stroke stays a path of whole parts, near to where it was."""

import numpy as np
import pytest

from inkling.datasets import pen_slips
from inkling.datasets.pen_slips import carelessly, dragged, hooked, pinched, swing, with_gap
from inkling.datasets.pen_strokes import STEPS, Style
from inkling.datasets.stroke_styles import STYLES

SEVEN = Style(STYLES[7]["crossed"])
EIGHT = Style(STYLES[8]["s first"])


def whole_parts(strokes):
    return all(len(stroke) > STEPS and len(stroke) % STEPS == 1 for stroke in strokes)


@pytest.mark.parametrize("style", [SEVEN, EIGHT], ids=["two strokes", "one stroke"])
def test_slips_leave_paths_of_whole_parts_that_run_on(style):
    rng = np.random.default_rng(0)
    for _ in range(200):
        strokes = carelessly([paths[0] for paths in style.vary(1, rng)], rng)
        assert whole_parts(strokes)
        for stroke in strokes:
            assert np.hypot(*np.diff(stroke, axis=0).T).max() < 0.5


def test_most_drawings_differ_from_what_was_meant():
    rng = np.random.default_rng(0)
    meant = SEVEN.plain()
    done = [carelessly(meant, rng) for _ in range(200)]
    same = [
        len(strokes) == 2
        and all(np.array_equal(*pair) for pair in zip(strokes, meant, strict=True))
        for strokes in done
    ]
    assert 0.1 < np.mean(same) < 0.6


def test_a_dragged_pen_is_not_lifted():
    rng = np.random.default_rng(0)
    (joined,) = dragged(SEVEN.plain(), rng, share=1)
    assert whole_parts([joined])
    first, second = SEVEN.plain()
    assert (joined[: len(first)] == first).all() and (joined[-len(second) :] == second).all()
    assert len(dragged(SEVEN.plain(), rng, share=0)) == 2


def test_a_swing_leads_from_one_stroke_to_the_next():
    first, second = SEVEN.plain()
    way = swing(first, second, np.random.default_rng(0))
    assert way[0] == pytest.approx(first[-1]) and way[-1] == pytest.approx(second[0])


def test_a_hook_is_short_and_leads_to_the_stroke(monkeypatch):
    monkeypatch.setattr(pen_slips, "HOOKED_STARTS", 1)
    monkeypatch.setattr(pen_slips, "HOOKED_ENDS", 0)
    (eight,) = EIGHT.plain()
    for seed in range(50):
        hooked_eight = hooked(eight, np.random.default_rng(seed))
        assert (hooked_eight[STEPS:] == eight).all()
        off = np.hypot(*(hooked_eight[0] - eight[0]))
        assert pen_slips.HOOK[0] * 0.99 <= off <= pen_slips.HOOK[1] * np.ptp(eight, axis=0).max()


def test_a_pinch_moves_no_point_far_and_some_a_little():
    (eight,) = EIGHT.plain()
    (moved,) = pinched([eight], np.random.default_rng(1))
    off = np.hypot(*(moved - eight).T)
    assert 0.01 < off.max() < 0.5


def test_a_gap_takes_a_little_of_a_long_stroke_and_nothing_of_a_short_one():
    (eight,) = EIGHT.plain()
    for seed in range(20):
        pieces = with_gap(eight, np.random.default_rng(seed))
        assert whole_parts(pieces)
        assert 0.8 * len(eight) < sum(map(len, pieces)) < len(eight)
    short = SEVEN.plain()[1]
    assert with_gap(short, np.random.default_rng(0))[0] is short
