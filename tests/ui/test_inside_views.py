"""The map shows each digit at its position; a cell's sum is small, and computed on request."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from inkling.explanation.gallery import Gallery, Neighbourhood
from inkling.ui.images import MAP_SIDE_PX, draw_digit_map
from inkling.ui.inside_views import render_cell_sum, render_neighbours
from inkling.ui.session import Findings, SessionState
from support.sketches import sketch

MAX_CELL_BYTES = 20_000  # to the browser


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


@pytest.fixture
def state(shipped):
    return replace(SessionState(shipped.read(sketch(8))), expanded=frozenset({"inside"}))


@pytest.mark.parametrize("stage", range(7))
@pytest.mark.parametrize("exact", [False, True])
def test_a_cell_s_sum_is_small(shipped, state, stage, exact):
    for number in (0, 3, 21 if stage else 0):
        pick = {"trail": [f"{stage}-{number if stage else 0}-0-0"], "at": 0, "exact": exact}
        page = render_cell_sum(shipped, state, pick)
        assert 500 < len(json.dumps(page)) <= MAX_CELL_BYTES
        assert page.count("<li>") == stage + 1


def test_only_a_valid_cell_of_an_expanded_view_has_a_sum(shipped, state):
    pick = {"trail": ["2-5-1-1"], "at": 0}
    assert "Layer 2, map 6, row 2, column 2" in render_cell_sum(shipped, state, pick)
    for other in (SessionState(expanded=state.expanded), replace(state, expanded=frozenset())):
        assert render_cell_sum(shipped, other, pick) == ""
    for trail in (None, 5, "2-5-1-1", [], [None], ["2-5-5-1"], ["7-0-0-0"], [[2]]):
        assert render_cell_sum(shipped, state, {"trail": trail, "at": 0}) == ""
    for at in (1, -1, None, "x", [0]):
        assert render_cell_sum(shipped, state, pick | {"at": at}) == ""
    assert render_cell_sum(shipped, state, "2-5-1-1") == render_cell_sum(shipped, state, None) == ""
