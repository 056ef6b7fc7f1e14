"""Every variation of a pen path differs, and its drawing is legible."""

import numpy as np
import pytest

from data.drawing.pen_strokes import STROKE_STYLES, Style, interpolate_path
from data.drawing.pen_variation import MAX_INK, draw_strokes, vary


@pytest.mark.parametrize("digit", range(10))
def test_every_variation_differs_and_has_all_strokes(digit):
    for line in STROKE_STYLES[digit].values():
        strokes = vary(Style(line), 5, np.random.default_rng(0))
        assert [len(paths) for paths in strokes] == [5] * (line.count("/") + 1)
        variations = {np.concatenate(paths).tobytes() for paths in zip(*strokes, strict=True)}
        assert len(variations) == 5


def test_most_variations_slant_to_the_right():
    (paths,) = vary(Style("50,0 50,100"), 200, np.random.default_rng(0))
    assert (paths[:, 0, 0] > paths[:, -1, 0]).mean() > 0.6


def test_a_long_path_gets_a_pen_that_leaves_paper_between_its_lines():
    rows = [np.array([[0, y], [1, y]]) for y in np.linspace(0, 1, 9)]
    strokes = [interpolate_path(row, 0) for row in rows]
    for seed in range(30):
        ink = draw_strokes(strokes, np.random.default_rng(seed))
        assert ink.mean() < 1.3 * MAX_INK / 20
