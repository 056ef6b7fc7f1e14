"""The checkpoint in the repository is what it says it is."""

from dataclasses import asdict, replace

import pytest
import torch

from drawn import HELD_OUT_SEED, drawn_digits
from learn import DEFAULT, HELD_OUT_DRAWN, Recipe, accuracy
from model import CHECKPOINT, load_checkpoint
from score import score, without_doubtful


@pytest.fixture(scope="module")
def shipped():
    return load_checkpoint(CHECKPOINT)  # checks digest and known answer


@pytest.fixture(scope="module")
def mnist_test(shipped, mnist):
    return score("MNIST", shipped[0], mnist.test)


def test_it_was_made_by_the_default_recipe(shipped):
    told = shipped[1]["recipe"]
    assert asdict(replace(Recipe(**told), widths=tuple(told["widths"]))) == asdict(DEFAULT)
    assert len(shipped[1]["history"]) == DEFAULT.epochs


def test_it_is_small(shipped):
    model, told = shipped
    assert CHECKPOINT.stat().st_size <= 2_000_000
    assert told["weights"] == sum(p.numel() for p in model.parameters()) < 1_000_000


def test_its_figures_are_those_measured_again(shipped, mnist, mnist_test):
    model, told = shipped
    again = {
        "held_out": accuracy(model, mnist.held_out),
        "drawn": accuracy(model, drawn_digits(HELD_OUT_DRAWN, HELD_OUT_SEED)),
        "mnist_test": mnist_test.accuracy,
    }
    assert told["figures"] == pytest.approx(again, abs=0.0005)


def test_it_reads_mnist_and_is_as_sure_as_it_is_right(mnist_test):
    assert mnist_test.accuracy > 0.996
    assert without_doubtful(mnist_test).accuracy > 0.997
    assert mnist_test.calibration_error < 0.01


def test_it_reads_drawn_digits_and_is_as_sure_as_it_is_right(shipped):
    drawn = score("drawn", shipped[0], drawn_digits(2_000, HELD_OUT_SEED + 1))
    assert drawn.accuracy > 0.98 and drawn.by_digit.min() > 0.95
    assert drawn.calibration_error < 0.015


def test_no_reading_is_surer_than_the_labels_it_learned_from(shipped, mnist):
    both = (mnist.test.ink[mnist.test.labels == a][:800] for a in (4, 9))
    torn = torch.stack(list(both)).mean(dim=0)  # a 4 and a 9 in one place
    for ink in (mnist.test.ink, drawn_digits(1_000, 0).ink, torn):
        with torch.inference_mode():
            assert shipped[0].judge(ink)[0].max() < 0.999
