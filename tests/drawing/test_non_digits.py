"""Outliers of every kind are drawn, framed like digits, and never blank."""

import numpy as np
import pytest
import torch

from data.drawing import non_digits
from model import MULTI_DIGIT_CLASS, NON_DIGIT_CLASS


@pytest.mark.parametrize("kind", non_digits.NON_DIGIT_KINDS, ids=lambda kind: kind.name)
def test_every_kind_draws_ink_and_hardly_any_twice(kind, mnist):
    rng = np.random.default_rng(0)
    drawn = [non_digits.draw_kind(kind, rng, mnist.train) for _ in range(12)]
    assert all(ink.ndim == 2 and ink.min() >= 0 and ink.max() <= 1 for ink in drawn)
    assert len({ink.tobytes() for ink in drawn}) > 9


def test_outliers_are_framed_like_digits(mnist):
    ink, labels = non_digits.draw_outliers(200, mnist.train, seed=0)
    assert sorted(labels.unique().tolist()) == [NON_DIGIT_CLASS, MULTI_DIGIT_CLASS]
    assert ink.shape == (200, 1, 28, 28) and ink.dtype == torch.float32
    assert ink.min() == 0 and (ink.amax(dim=(1, 2, 3)) == 1).all()


@pytest.mark.parametrize("kind", non_digits.DIGIT_KINDS, ids=lambda kind: kind.name)
def test_rows_and_stacks_are_several_digits_and_the_others_none(kind, mnist):
    label = MULTI_DIGIT_CLASS if kind.name in ("side by side", "piled") else NON_DIGIT_CLASS
    outliers = non_digits.draw_outliers(3, mnist.train, seed=0, kinds=(kind,))
    assert set(outliers.labels.tolist()) == {label}


def test_the_same_seed_draws_the_same(mnist):
    first, again, other = (
        non_digits.draw_outliers(50, mnist.train, seed).ink for seed in (3, 3, 4)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_recaptured_digits_keep_their_labels(mnist, reader):
    ink, labels = (part[:500] for part in mnist.held_out)
    recaptured = non_digits.recapture(ink, seed=1)
    right = reader.model.predict(recaptured).probabilities.argmax(dim=1) == labels
    assert right.float().mean() > 0.95 and not torch.equal(recaptured, ink)


def test_a_digit_cut_off_from_another_keeps_most_of_its_ink():
    rng = np.random.default_rng(0)
    block = np.ones((60, 40), np.float32)
    kept = [non_digits.cut_off_neighbor(block, block, rng).sum() / block.sum() for _ in range(50)]
    assert 0.7 < np.mean(kept) < 1.1


def test_most_outliers_are_rejected_and_hardly_any_digit(mnist, reader):
    none = reader.model.predict(
        non_digits.draw_outliers(1_000, mnist.held_out, seed=99).ink
    ).not_a_digit
    digits = reader.model.predict(mnist.test.ink[:3_000]).not_a_digit
    assert (none > 0.5).float().mean() > 0.7
    assert (digits > 0.5).float().mean() < 0.007
