"""Things that are no digits are drawn in every kind, framed like digits, never blank."""

import numpy as np
import pytest
import torch

from inkling.datasets.non_digits import KINDS, OF_DIGITS, cut_off, draw_one, outliers, seen_again
from model import MULTI_DIGIT_CLASS, NON_DIGIT_CLASS


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_draws_ink_and_no_two_alike(kind, mnist):
    rng = np.random.default_rng(0)
    drawn = [draw_one(kind, rng, mnist.train) for _ in range(12)]
    assert all(ink.ndim == 2 and ink.min() >= 0 and ink.max() <= 1 for ink in drawn)
    assert len({ink.tobytes() for ink in drawn}) > 9


def test_outliers_are_framed_like_digits(mnist):
    ink, labels = outliers(200, mnist.train, seed=0)
    assert sorted(labels.unique().tolist()) == [NON_DIGIT_CLASS, MULTI_DIGIT_CLASS]
    assert ink.shape == (200, 1, 28, 28) and ink.dtype == torch.float32
    assert ink.min() == 0 and (ink.amax(dim=(1, 2, 3)) == 1).all()


@pytest.mark.parametrize("kind", OF_DIGITS, ids=lambda kind: kind.__name__)
def test_digits_in_rows_are_several_and_others_none(kind, mnist):
    kinds = dict.fromkeys(KINDS, 0) | {kind: 1}
    label = MULTI_DIGIT_CLASS if kind.__name__ in ("side_by_side", "piled") else NON_DIGIT_CLASS
    assert set(outliers(3, mnist.train, seed=0, kinds=kinds).labels.tolist()) == {label}


def test_the_same_seed_draws_the_same(mnist):
    first, again, other = (outliers(50, mnist.train, seed).ink for seed in (3, 3, 4))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_digits_seen_again_are_still_themselves(mnist, reader):
    again = seen_again(mnist.held_out.ink[:500], seed=1)
    right = reader.model.predict(again).probabilities.argmax(dim=1) == mnist.held_out.labels[:500]
    assert right.float().mean() > 0.95
    assert not torch.equal(again, mnist.held_out.ink[:500])


def test_a_digit_cut_off_from_another_keeps_most_of_its_ink():
    rng = np.random.default_rng(0)
    block = np.ones((60, 40), np.float32)
    kept = [cut_off(block, block, rng).sum() / block.sum() for _ in range(50)]
    assert 0.7 < np.mean(kept) < 1.1


def test_most_outliers_are_refused_and_hardly_any_digit(mnist, reader):
    none = reader.model.predict(outliers(1_000, mnist.held_out, seed=99).ink).not_a_digit
    digits = reader.model.predict(mnist.test.ink[:3_000]).not_a_digit
    assert (none > 0.5).float().mean() > 0.7
    assert (digits > 0.5).float().mean() < 0.007
