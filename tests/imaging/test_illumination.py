"""Uneven light is removed: paper is white and ink stays dark, even at the edge of a shadow."""

import numpy as np
import pytest
from conftest import sketch

from inkling.imaging.illumination import flatten_illumination

SIDE = 280
y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
LIGHTS = {"lamp": 1 - 0.6 * x, "hard shadow": 1 - 0.5 * (x + y > 0.9), "dusk": 0.2 + 0 * x}


@pytest.mark.parametrize("light", LIGHTS.values(), ids=LIGHTS)
def test_paper_is_white_and_ink_as_dark_in_any_light(light):
    written = sketch(7) / 255 * 0.8 + 0.2
    error = np.abs(flatten_illumination((written * light).astype(np.float32)) - written)
    assert np.quantile(error, 0.99) < 0.15  # corners of a shadow are rounded


def test_a_broad_stroke_in_a_wide_picture_stays_ink():
    gray = np.ones((60, 400), np.float32)
    gray[:, 190:210] = 0.2
    assert flatten_illumination(gray)[:, 195:205].max() < 0.3


def test_a_black_picture_stays_black():
    assert not flatten_illumination(np.zeros((30, 40), np.float32)).any()
