"""Strokes are rasterised as the pad shows them, and no payload is trusted."""

import math

import cv2
import numpy as np
import pytest
from conftest import pad_payload
from hypothesis import given
from hypothesis import strategies as st

from inkling.imaging.sketch import SKETCH_SIDE_PX, Sketch

ROW = {"points": [1, 2, 3, 4], "width": 79, "erases": False}


def payload(*rows, size=1000):
    """Return what a pad sends for these rows."""
    return {"request_id": 1, "size": size, "strokes": list(rows)}


def draw(*strokes, size=1000):
    """Return the picture (H, W) of strokes (points, width, erases) on a pad of this size."""
    rows = [{"points": p, "width": w, "erases": e} for p, w, e in strokes]
    return np.asarray(Sketch.from_json(payload(*rows, size=size)).picture())


@pytest.mark.parametrize("digit", range(10))
def test_a_digit_stands_where_it_was_drawn_except_for_its_rounded_corners(digit):
    sent = pad_payload(digit)
    points = np.concatenate([row["points"] for row in sent["strokes"]]).reshape(-1, 2)
    low, high = 0.28 * points.min(axis=0) - 11, 0.28 * points.max(axis=0) + 11
    picture = np.asarray(Sketch.from_json(sent).picture())
    left, top, width, height = cv2.boundingRect((picture < 128).astype(np.uint8))
    assert np.abs([left, top] - low).max() < 5
    assert np.abs([left + width, top + height] - high).max() < 5


def test_a_line_is_as_wide_as_its_pen_and_its_ends_are_round():
    paper = draw(([300, 500, 700, 500], 100, False))
    assert (paper < 128).sum(axis=0)[SKETCH_SIDE_PX // 2] == 28
    assert (paper < 128).sum(axis=1)[SKETCH_SIDE_PX // 2] == 0.4 * SKETCH_SIDE_PX + 28


def test_a_picture_does_not_depend_on_the_pad_s_unit():
    points = [100, 200, 300, 900, 800, 400]
    small = draw((points, 80, False))
    large = draw(([10 * v for v in points], 800, False), size=10_000)
    assert np.abs(small.astype(int) - large).max() <= 2


def test_an_eraser_removes_earlier_strokes_only():
    points = [100, 500, 900, 500]
    line, eraser = (points, 80, False), (points, 120, True)
    assert draw(line, eraser).min() == 255
    assert (draw(line, eraser, line) == draw(line)).all()


def test_a_tap_is_a_dot():
    assert (draw(([500, 500], 100, False)) < 128).sum() == pytest.approx(math.pi * 14**2, rel=0.03)


@pytest.mark.parametrize("strokes", [[[5, 5]], [[5, 5, 20, 20], [500, 500]]])
def test_a_sketch_of_taps_only_is_dots(strokes):
    taps = [ROW | {"points": points} for points in strokes]
    assert Sketch.from_json(payload(*taps)).is_dots
    line = ROW | {"points": [5, 5, 300, 5]}
    assert not Sketch.from_json(payload(*taps, line)).is_dots and not Sketch().is_dots


BAD_POINTS = [[], [1], [1, 2, 3], ["a", 2], [None, 2], [math.nan, 2], [math.inf, 2], "12", {}, 7]
BAD_WIDTHS = [0, -1, 1e9, math.nan, "a", None]
BAD_ROWS = [{"points": p} for p in BAD_POINTS] + [{"width": w} for w in BAD_WIDTHS]
BAD_FIELDS = [{"size": 0}, {"size": "a"}, {"size": -5}, {"request_id": "one"}]
BAD_PAYLOADS = [None, "", 7, ["data"], {}, {"request_id": 1}, "data:image/png;base64,"]
BAD_PAYLOADS += [payload(ROW | change) for change in BAD_ROWS]
BAD_PAYLOADS += [payload(ROW) | change for change in BAD_FIELDS]


@pytest.mark.parametrize("invalid", BAD_PAYLOADS, ids=repr)
def test_an_invalid_payload_is_an_empty_pad(invalid):
    assert Sketch.from_json(invalid).strokes == ()


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
def test_any_payload_gives_a_picture(sent):
    assert Sketch.from_json(sent).picture().size == (SKETCH_SIDE_PX, SKETCH_SIDE_PX)


def test_a_pad_has_a_maximum_of_points():
    rows = [ROW | {"points": [1, 2] * 200}] * 400
    counts = [len(Sketch.from_json(payload(*rows[:count])).strokes) for count in (100, 400)]
    assert counts == [100, 0]
