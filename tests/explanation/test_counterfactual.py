"""A counterfactual is another digit to the network, and less of a change than another hand's."""

import numpy as np
from conftest import sketch

from inkling.explanation.counterfactual import Margin, counterfactual, describe_change
from inkling.imaging.mnist_frame import frame_glyph


def examples(reader, digit):
    """Return inks (N, 28, 28) that the network reads as this digit."""
    gallery = reader.gallery
    right = (gallery["labels"] == digit) & (gallery["answers"] == digit)
    return gallery["ink"][right].numpy().astype(np.float32) / 255


def blindly(mnist, count=20):
    """Return so many inks that no network has learned from, and another digit for each."""
    held_out, rng = mnist.held_out, np.random.default_rng(17)
    for k in rng.choice(len(held_out.labels), count, replace=False):
        ink = held_out.ink[k].numpy().reshape(28, 28)
        yield ink, (int(held_out.labels[k]) + int(rng.integers(1, 10))) % 10


def test_a_change_flips_the_answer_and_takes_less_ink_than_the_nearest_digit(shipped, mnist):
    sizes, distances = [], []
    for ink, digit in blindly(mnist):
        known = examples(shipped, digit)
        found = counterfactual(shipped.model, ink, digit, known)
        probabilities, not_a_digit, *_ = shipped.predict_glyphs(found.ink[None])
        assert probabilities[0].argmax() == digit and not_a_digit[0] < 0.5
        assert found.ink.min() >= 0 and found.ink.max() <= 1 and found.words
        sizes.append(np.abs(found.ink - ink).sum())
        distances.append(np.abs(known - ink).sum(axis=(1, 2)).min())
    assert np.median(sizes) < np.median(distances)
    assert (np.array(sizes) <= np.array(distances)).all()


def test_what_is_that_digit_already_is_not_changed_nor_is_empty_paper(shipped):
    ink, sevens = frame_glyph((255 - sketch(7).astype(np.float32)) / 255), examples(shipped, 7)
    found = counterfactual(shipped.model, ink, 7, sevens)
    assert (found.ink == ink).all() and found.words == ""
    assert counterfactual(shipped.model, np.zeros_like(ink), 7, sevens) is None


def test_without_examples_there_is_an_answer_that_flips_or_none(shipped, mnist):
    for ink, digit in blindly(mnist, 5):
        found = counterfactual(shipped.model, ink, digit, np.empty((0, 28, 28), np.float32))
        assert found is None or Margin(shipped.model, digit, 0.0)(found.ink[None])[0] > 0


def ring(gap=False):
    """Return a ring of ink, with a gap at the top or without."""
    y, x = np.mgrid[:28, :28] - 13.5
    ink = (np.abs(np.hypot(y, x) - 8) < 1.5).astype(np.float32)
    ink[:10, 12:17] *= not gap
    return ink


def bar(rows, columns):
    """Return a rectangle of ink."""
    ink = np.zeros((28, 28), np.float32)
    ink[rows, columns] = 1
    return ink


def test_words_say_what_to_ink_and_to_erase_and_whether_a_loop_is_closed_or_opened():
    assert describe_change(ring(gap=True), ring()) == "close the top"
    assert describe_change(ring(), ring(gap=True)) == "open the top"
    upright = bar(slice(4, 24), slice(13, 15))
    foot, head = bar(slice(21, 24), slice(10, 18)), bar(slice(4, 8), slice(13, 15))
    assert describe_change(upright, np.maximum(upright, foot)) == "ink the bottom"
    moved = np.maximum(upright - head, foot)
    assert describe_change(upright, moved) == "ink the bottom, erase the top"
