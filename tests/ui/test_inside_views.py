"""The map of digits shows each digit at its position."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from inkling.explanation.gallery import Gallery, Neighbourhood
from inkling.ui.images import MAP_SIDE_PX, draw_digit_map
from inkling.ui.inside_views import render_neighbours
from inkling.ui.session import Findings


@pytest.mark.parametrize("place", [(0.0, 0.0), (0.25, 0.75), (1.0, 0.5)])
def test_a_digit_of_the_map_is_at_its_marker(place):
    black, one = torch.full((1, 28, 28), 255, dtype=torch.uint8), torch.ones(1)
    gallery = Gallery(black, one.byte(), one.byte(), one, one[:, None], torch.tensor([place]))
    rows, columns = np.nonzero(np.asarray(draw_digit_map(gallery).convert("L")) < 128)
    middle = [(ends.min() + ends.max() + 1) / 2 / MAP_SIDE_PX for ends in (columns, rows)]
    digit = SimpleNamespace(glyph=SimpleNamespace(ink=np.eye(28)))
    around = Neighbourhood(place, 8, black, gallery.labels, one)
    shown = render_neighbours(Findings(SimpleNamespace(digits=[digit]), neighbourhood=around))
    marker = [float(value) for value in re.findall(r"--[xy]: ([\d.]+)", shown)]
    assert marker == pytest.approx(middle, abs=0.001)
