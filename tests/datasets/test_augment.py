"""Digits are shifted and distorted up to the limits, in both directions."""

import pytest
import torch

from inkling.datasets.augment import Distortion, augment, distort, shift, to_pixels

NONE = Distortion(shift=0, rotation=0, stretch=0, shear=0)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def test_shifting_moves_whole_pictures_by_whole_pixels(generator):
    ink = torch.zeros(200, 1, 28, 28)
    ink[:, 0, 14, 14] = 1
    shifted = shift(ink, 2, generator)
    place = shifted.flatten(1).argmax(dim=1)
    rows, columns = place // 28, place % 28
    assert torch.equal(shifted.sum(dim=(1, 2, 3)), torch.ones(200))
    assert set(rows.tolist()) == set(columns.tolist()) == {12, 13, 14, 15, 16}


def test_distorting_within_zero_limits_changes_nothing(mnist, generator):
    ink = mnist.test.ink[:50]
    assert (distort(ink, NONE, generator) - ink).abs().max() < 1e-4


@pytest.mark.parametrize("limits, share", [({"rotation": 30}, 3**-0.5), ({"shear": 0.4}, 0.4)])
def test_distortion_reaches_its_limits_in_both_directions(limits, share, generator):
    ink = torch.zeros(500, 1, 28, 28)
    ink[:, 0, 4:24, 13:15] = 1  # vertical bars
    leaning = distort(ink, NONE._replace(**limits), generator)
    assert leaning.min() >= 0 and leaning.max() <= 1
    columns = torch.arange(28.0)
    tip = leaning[:, 0, 5:8].sum(dim=1)
    away = (tip * columns).sum(dim=1) / tip.sum(dim=1) - 13.5
    reach = 7.5 * share
    assert -1.2 * reach < away.min() < -0.8 * reach and 0.8 * reach < away.max() < 1.2 * reach


def test_augmenting_distorts_the_given_share(mnist, generator):
    pixels = to_pixels(mnist.train.ink[:1_000])
    varied = augment(pixels, Distortion(0, 12, 0.1, 0.2), 0.7, generator)
    same = (to_pixels(varied) == pixels).flatten(1).all(dim=1).float().mean()
    assert same == pytest.approx(0.3, abs=0.05)
