"""A batch of digits is moved and distorted as far as asked, and no farther."""

import pytest
import torch

from inkling.datasets.augment import Distortion, distort, shift

NONE = Distortion(shift=0, turn=0, stretch=0, slant=0)


def test_shifting_moves_whole_pictures_by_whole_pixels():
    ink = torch.zeros(200, 1, 28, 28)
    ink[:, 0, 14, 14] = 1
    shifted = shift(ink, 2, torch.Generator().manual_seed(0))
    place = shifted.flatten(1).argmax(dim=1)
    rows, columns = place // 28, place % 28
    assert torch.equal(shifted.sum(dim=(1, 2, 3)), torch.ones(200))
    assert set(rows.tolist()) == set(columns.tolist()) == {12, 13, 14, 15, 16}


def test_distorting_by_nothing_changes_nothing(mnist):
    ink = mnist.test.ink[:50]
    same = distort(ink, NONE, torch.Generator().manual_seed(0))
    assert (same - ink).abs().max() < 1e-4


@pytest.mark.parametrize("most, share", [({"turn": 30}, 3**-0.5), ({"slant": 0.4}, 0.4)])
def test_distorting_leans_both_ways_as_far_as_allowed(most, share):
    ink = torch.zeros(500, 1, 28, 28)
    ink[:, 0, 4:24, 13:15] = 1  # sticks
    leaning = distort(ink, NONE._replace(**most), torch.Generator().manual_seed(0))
    assert leaning.min() >= 0 and leaning.max() <= 1
    columns = torch.arange(28.0)
    tip = leaning[:, 0, 5:8].sum(dim=1)
    away = (tip * columns).sum(dim=1) / tip.sum(dim=1) - 13.5
    reach = 7.5 * share
    assert -1.2 * reach < away.min() < -0.8 * reach and 0.8 * reach < away.max() < 1.2 * reach
