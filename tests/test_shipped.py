"""The checkpoint in the repository is what it says it is."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from drawn import HELD_OUT_SEED, drawn_digits
from learn import DEFAULT, HELD_OUT_DRAWN, Recipe, accuracy
from model import CHECKPOINT, load_checkpoint
from outliers import outliers
from predict import Reader
from score import refusals, score, without_doubtful


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
    assert without_doubtful(mnist_test).accuracy > 0.9965
    assert mnist_test.calibration_error < 0.01


def test_it_reads_drawn_digits_and_is_as_sure_as_it_is_right(shipped):
    drawn = score("drawn", shipped[0], drawn_digits(2_000, HELD_OUT_SEED + 1))
    assert drawn.accuracy > 0.98 and drawn.by_digit.min() > 0.95
    assert drawn.calibration_error < 0.015


def test_hardly_any_digit_is_refused(shipped, mnist_test):
    drawn = score("drawn", shipped[0], drawn_digits(2_000, HELD_OUT_SEED + 1))
    assert mnist_test.refused < 0.007 and drawn.refused < 0.007


def test_what_is_no_digit_is_refused(shipped, mnist):
    drawn = outliers(2_000, mnist.test, HELD_OUT_SEED).ink
    (refusal,) = refusals(shipped[0], mnist.test, {"all kinds": drawn})
    assert refusal.flagged > 0.9 and refusal.auroc > 0.99


def test_letters_of_a_font_that_it_has_never_seen_are_refused(shipped):
    reader, font = Reader(*shipped), ImageFont.load_default(120)
    refused = []
    for letter in "ACEFHJKLMNPRTUVWXYacdefhkmnprtuvwx":
        page = Image.new("L", (280, 280), 255)
        ImageDraw.Draw(page).text((100, 70), letter, 0, font)
        refused.append(reader.read(page).text == "")
    assert np.mean(refused) > 0.9


def test_no_reading_is_surer_than_the_labels_it_learned_from(shipped, mnist):
    both = (mnist.test.ink[mnist.test.labels == a][:800] for a in (4, 9))
    torn = torch.stack(list(both)).mean(dim=0)  # a 4 and a 9 in one place
    for ink in (mnist.test.ink, drawn_digits(1_000, 0).ink, torn):
        with torch.inference_mode():
            assert shipped[0].judge(ink)[0].max() < 0.999
