"""Lines say what they show, where they show it; pages know where their ink is."""

import numpy as np
import pytest

from data.networks.lines import Hands, Line, worn
from data.networks.pages import LAYERS, on_a_table, page


@pytest.fixture(scope="module")
def hands(mnist):
    return Hands(mnist.held_out, drawn=20, seed=0)


def lines(hands, count, seed=0):
    rng = np.random.default_rng(seed)
    return [hands.line(int(rng.integers(1, 8)), rng) for _ in range(count)]


def test_a_line_knows_where_its_digits_stand(hands):
    for line in lines(hands, 60):
        assert len(line.digits) == len(line.middles) and {*line.digits} <= {*range(10)}
        assert list(line.middles) == sorted(line.middles)
        for middle in line.middles:
            near = line.ink[:, max(0, round(middle) - 25) : round(middle) + 25]
            assert near.max() > 0.5


def test_lines_of_no_digits_say_nothing(hands):
    empty = [line for line in lines(hands, 200) if not line.digits]
    assert 10 < len(empty) < 60 and all(line.ink.any() for line in empty)


def test_wear_leaves_a_line_what_it_says_and_where(hands):
    rng = np.random.default_rng(0)
    for line in lines(hands, 60):
        old = worn(line, rng)
        assert old.digits == line.digits and old.ink.min() >= 0 and old.ink.max() <= 1
        places = np.array(line.middles) / line.ink.shape[1]
        assert np.abs(np.array(old.middles) / old.ink.shape[1] - places).max(initial=0) < 0.2


def test_wear_moves_a_digit_s_place_with_its_ink():
    ink = np.zeros((64, 120), np.float32)
    ink[:, 70:80] = 1
    for seed in range(20):
        old = worn(Line(ink, (1,), (75.0,)), np.random.default_rng(seed))
        assert old.ink[:, round(old.middles[0])].max() > 0.15


def test_beyond_a_page_s_edge_there_is_no_ink():
    full = np.ones((96, 96), np.float32)
    for seed in range(9):
        light, ink = on_a_table(full, full, np.random.default_rng(seed))
        assert (light[ink > 0] == 1).all() and (ink[light < 1] == 0).all() and (light < 1).any()


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.__name__)
def test_each_layer_darkens_or_lightens_paper_within_reason(layer):
    darkness = layer(96, np.random.default_rng(0))
    assert darkness.shape == (96, 96) and np.isfinite(darkness).all()
    assert 0 < np.ptp(darkness) < 3


def test_pages_are_the_same_for_the_same_seed_and_some_are_blank(hands):
    pages = [page(hands, np.random.default_rng(seed)) for seed in range(60)]
    for light, ink in pages:
        assert light.shape == ink.shape and light.dtype == ink.dtype == np.float32
        assert 0 <= light.min() <= light.max() <= 1 and 0 <= ink.min() <= ink.max() <= 1
    again = page(hands, np.random.default_rng(7))
    assert all(np.array_equal(one, other) for one, other in zip(pages[7], again, strict=True))
    assert 2 <= sum(not ink.any() for _, ink in pages) <= 25
