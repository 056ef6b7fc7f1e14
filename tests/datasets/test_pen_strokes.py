"""A pen's path: it passes its points, turns where it is told to, and each hand differs."""

import numpy as np
import pytest

from inkling.datasets.pen_strokes import MOST_INK, STEPS, Style, draw, pen_path
from inkling.datasets.stroke_styles import STYLES

LINES = [(digit, name, line) for digit, styles in STYLES.items() for name, line in styles.items()]


@pytest.mark.parametrize("digit, name, line", LINES, ids=[f"{d} {n}" for d, n, _ in LINES])
def test_a_path_passes_its_points(digit, name, line):
    style = Style(line)
    passed = np.concatenate([path[::STEPS] for path in style.plain()])
    assert passed == pytest.approx(style.control)


def test_a_corner_is_sharp_only_where_it_is_marked():
    def sharpest_turn(line):
        (path,) = Style(line).plain()
        steps = np.diff(path, axis=0)
        return np.abs(np.diff(np.unwrap(np.arctan2(steps[:, 1], steps[:, 0])))).max()

    assert sharpest_turn("0,0 50,0! 50,100") == pytest.approx(np.pi / 2)
    assert sharpest_turn("0,0 50,0 50,100") < np.pi / 4


def test_a_path_that_turns_sharply_everywhere_is_straight_between():
    corners = np.array([[0, 0], [3, 1], [3, 5], [0, 2.0]])
    path = pen_path(corners, 0).reshape(-1, 2)
    for k, (a, b) in enumerate(zip(corners[:-1], corners[1:], strict=True)):
        part = path[k * STEPS : (k + 1) * STEPS + 1]
        (x, y), (dx, dy) = (part - a).T, b - a
        assert x * dy == pytest.approx(y * dx)


def test_many_hands_drawn_at_once_are_those_drawn_alone():
    rng = np.random.default_rng(0)
    control = rng.random((5, 7, 2))
    smoothness = rng.random((5, 7))
    alone = [pen_path(*one) for one in zip(control, smoothness, strict=True)]
    assert pen_path(control, smoothness) == pytest.approx(np.stack(alone))


@pytest.mark.parametrize("digit", range(10))
def test_every_hand_differs(digit):
    for line in STYLES[digit].values():
        strokes = Style(line).vary(5, np.random.default_rng(0))
        assert [len(paths) for paths in strokes] == [5] * (line.count("/") + 1)
        assert len({np.concatenate(one).tobytes() for one in zip(*strokes, strict=True)}) == 5


def test_most_hands_lean_to_the_right():
    (paths,) = Style("50,0 50,100").vary(200, np.random.default_rng(0))
    assert (paths[:, 0, 0] > paths[:, -1, 0]).mean() > 0.6


@pytest.mark.parametrize("line", ["", "1,2", "0,0 1,1 / 3,3", "0,0 a,b", "0,0 1", "0,0 0,0 1,1"])
def test_a_line_that_is_no_style_is_told_of(line):
    with pytest.raises(ValueError, match="is no style"):
        Style(line)


def test_a_long_path_is_drawn_with_a_pen_that_leaves_paper_between():
    rows = [np.array([[0, y], [1, y]]) for y in np.linspace(0, 1, 9)]
    strokes = [pen_path(row, 0) for row in rows]
    for seed in range(30):
        ink = draw(strokes, np.random.default_rng(seed))
        assert ink.mean() < 1.3 * MOST_INK / 20
