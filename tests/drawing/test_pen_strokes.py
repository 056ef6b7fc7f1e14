"""Pen paths pass their points and turn at marked corners."""

import numpy as np
import pytest

from data.drawing import pen_strokes
from data.drawing.pen_strokes import STROKE_STYLES


@pytest.mark.parametrize("digit", range(10))
def test_paths_pass_their_points(digit):
    for line in STROKE_STYLES[digit].values():
        style = pen_strokes.Style(line)
        passed = np.concatenate([path[:: pen_strokes.POINTS_PER_SPAN] for path in style.trace()])
        assert passed == pytest.approx(style.control)


def test_a_corner_is_sharp_only_where_it_is_marked():
    def sharpest_turn(line):
        (path,) = pen_strokes.Style(line).trace()
        steps = np.diff(path, axis=0)
        return np.abs(np.diff(np.unwrap(np.arctan2(steps[:, 1], steps[:, 0])))).max()

    assert sharpest_turn("0,0 50,0! 50,100") == pytest.approx(np.pi / 2)
    assert sharpest_turn("0,0 50,0 50,100") < np.pi / 4


def test_a_path_with_corners_only_is_straight_between_them():
    corners = np.array([[0, 0], [3, 1], [3, 5], [0, 2.0]])
    path = pen_strokes.interpolate_path(corners, 0).reshape(-1, 2)
    for k, (a, b) in enumerate(zip(corners[:-1], corners[1:], strict=True)):
        span = path[k * pen_strokes.POINTS_PER_SPAN : (k + 1) * pen_strokes.POINTS_PER_SPAN + 1]
        (x, y), (dx, dy) = (span - a).T, b - a
        assert x * dy == pytest.approx(y * dx)


def test_paths_interpolated_in_a_batch_equal_single_ones():
    rng = np.random.default_rng(0)
    control = rng.random((5, 7, 2))
    smoothness = rng.random((5, 7))
    single = [pen_strokes.interpolate_path(*pair) for pair in zip(control, smoothness, strict=True)]
    assert pen_strokes.interpolate_path(control, smoothness) == pytest.approx(np.stack(single))


@pytest.mark.parametrize("line", ["", "1,2", "0,0 1,1 / 3,3", "0,0 a,b", "0,0 1", "0,0 0,0 1,1"])
def test_an_invalid_style_is_an_error(line):
    with pytest.raises(ValueError, match="is no style"):
        pen_strokes.Style(line)
