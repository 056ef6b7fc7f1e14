"""Strokes become the picture that the pad shows, and nothing that a browser tells is trusted."""

import math

import cv2
import numpy as np
import pytest
from conftest import pad_payload
from hypothesis import given
from hypothesis import strategies as st

from inkling.imaging.sketch import SKETCH_SIDE_PX, Sketch


def drawn(*rows, size=1000):
    """Return what a pad of this size would show of these (points, width, erases)."""
    strokes = [{"points": p, "width": w, "erases": e} for p, w, e in rows]
    return np.asarray(
        Sketch.from_json({"request_id": 1, "size": size, "strokes": strokes}).picture()
    )


@pytest.mark.parametrize("digit", range(10))
def test_a_digit_stands_where_it_was_drawn(digit):
    """But for its corners, which are a little round."""
    points = np.concatenate([row["points"] for row in pad_payload(digit)["strokes"]]).reshape(-1, 2)
    low, high = 0.28 * points.min(axis=0) - 11, 0.28 * points.max(axis=0) + 11
    shown = np.asarray(Sketch.from_json(pad_payload(digit)).picture())
    left, top, width, height = cv2.boundingRect((shown < 128).astype(np.uint8))
    assert np.abs([left, top] - low).max() < 5
    assert np.abs([left + width, top + height] - high).max() < 5


def test_a_line_is_as_wide_as_its_pen_and_its_ends_are_round():
    paper = drawn(([300, 500, 700, 500], 100, False))
    assert (paper < 128).sum(axis=0)[SKETCH_SIDE_PX // 2] == 28
    assert (paper < 128).sum(axis=1)[SKETCH_SIDE_PX // 2] == 0.4 * SKETCH_SIDE_PX + 28


def test_a_picture_does_not_depend_on_how_the_pad_counts():
    row = [100, 200, 300, 900, 800, 400]
    small, large = drawn((row, 80, False)), drawn(([10 * v for v in row], 800, False), size=10_000)
    assert np.abs(small.astype(int) - large).max() <= 2


def test_what_is_erased_is_gone_and_what_is_drawn_after_stays():
    row = [100, 500, 900, 500]
    assert drawn((row, 80, False), (row, 120, True)).min() == 255
    again = drawn((row, 80, False), (row, 120, True), (row, 80, False))
    assert (again == drawn((row, 80, False))).all()


def test_a_tap_is_a_dot():
    assert (drawn(([500, 500], 100, False)) < 128).sum() == pytest.approx(math.pi * 14**2, rel=0.03)


@pytest.mark.parametrize(
    "strokes, are",
    [
        ([[5, 5]], True),
        ([[5, 5, 20, 20], [500, 500]], True),
        ([[5, 5], [5, 5, 300, 5]], False),
        ([], False),
    ],
)
def test_dots_are_told_from_strokes(strokes, are):
    rows = [{"points": p, "width": 79, "erases": False} for p in strokes]
    assert Sketch.from_json({"request_id": 1, "size": 1000, "strokes": rows}).is_dots is are


ROW = {"points": [1, 2, 3, 4], "width": 79, "erases": False}
ODD = [[], [1], [1, 2, 3], ["a", 2], [None, 2], [math.nan, 2], [math.inf, 2], "12", {}, 7]


@pytest.mark.parametrize(
    "told", [None, "", 7, ["data"], {}, {"request_id": 1}, "data:image/png;base64,"]
)
def test_what_is_no_sketch_is_an_empty_pad(told):
    assert Sketch.from_json(told).strokes == ()


@pytest.mark.parametrize(
    "change",
    [{"points": points} for points in ODD]
    + [{"width": width} for width in (0, -1, 1e9, math.nan, "a", None)],
)
def test_a_stroke_that_no_pad_draws_makes_it_one_too(change):
    odd = {"request_id": 1, "size": 1000, "strokes": [ROW | change]}
    assert Sketch.from_json(odd).strokes == ()


@pytest.mark.parametrize(
    "change", [{"size": 0}, {"size": "a"}, {"size": -5}, {"request_id": "one"}]
)
def test_so_does_a_pad_that_there_is_not(change):
    assert (
        Sketch.from_json({"request_id": 1, "size": 1000, "strokes": [ROW]} | change).strokes == ()
    )


json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["strokes", "size", "request_id", "points", "width"]), inner
        )
    ),
)


@given(json)
def test_whatever_is_told_gives_a_picture(odd):
    assert Sketch.from_json(odd).picture().size == (SKETCH_SIDE_PX, SKETCH_SIDE_PX)


def test_a_pad_scribbled_full_is_drawn_within_a_moment_and_more_is_refused():
    rows = [{"points": [1, 2] * 200, "width": 79, "erases": False}] * 400
    assert Sketch.from_json({"request_id": 1, "size": 1000, "strokes": rows}).strokes == ()
    assert (
        len(Sketch.from_json({"request_id": 1, "size": 1000, "strokes": rows[:100]}).strokes) == 100
    )
