"""The checkpoint in the repository is what it says it is."""

from dataclasses import asdict

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from data.drawing import pen_digits
from data.drawing.non_digits import draw_cursive, draw_outliers
from data.drawing.pen_digits import HELD_OUT_SEED, draw_digits
from data.drawing.random_shapes import draw_loops, draw_zigzag
from inkling.datasets.prepared import load_digits
from inkling.evaluation.metrics import (
    drop_mislabeled,
    score,
    score_held_out_writers,
    score_refusals,
    to_summary,
)
from inkling.explanation.gallery import Gallery
from inkling.recognition.checkpoint import CHECKPOINT, load_checkpoint
from inkling.recognition.reader import Reader
from inkling.training.loop import accuracy
from inkling.training.recipes import DEFAULT
from support.digit_pictures import draw_on_paper


@pytest.fixture(scope="module")
def shipped():
    return load_checkpoint(CHECKPOINT)  # checks digest and known answer


@pytest.fixture(scope="module")
def mnist_test(shipped, mnist):
    return score("MNIST", shipped.model, mnist.test)


def test_it_was_made_by_the_default_recipe(shipped):
    fixed = {"of_fonts": 0.5, "slips": True, "separate": True, "characters": True}  # options once
    recipe = shipped.description["recipe"]
    assert recipe | {"widths": tuple(recipe["widths"])} == asdict(DEFAULT) | fixed
    assert len(shipped.description["history"]) == DEFAULT.epochs


def test_it_is_small(shipped):
    model, description, _ = shipped
    assert CHECKPOINT.stat().st_size <= 3_000_000
    assert description["weights"] == sum(p.numel() for p in model.parameters()) < 1_000_000


def test_its_figures_are_those_measured_again(shipped, mnist, mnist_test):
    model, description, _ = shipped
    again = {
        "held_out": accuracy(model, mnist.held_out),
        "drawn": accuracy(model, load_digits("held_out")),
        "mnist_test": mnist_test.accuracy,
    }
    assert description["figures"] == pytest.approx(again, abs=0.0005)


def test_its_evaluation_is_what_is_measured_again(shipped, mnist_test):
    summary = shipped.description["evaluation"]
    assert 0 < summary["milliseconds"] < 50
    again = to_summary(mnist_test)
    assert summary["digits"] == 10_000 and summary["accuracy"] == pytest.approx(
        shipped.description["figures"]["mnist_test"], abs=1e-6
    )
    assert summary.keys() - {"milliseconds"} == again.keys()
    assert np.abs(np.array(summary["confusion"]) - mnist_test.confusion).sum() <= 10
    assert np.array(summary["by_digit"]) == pytest.approx(again["by_digit"], abs=0.002)
    for name in ("accuracy", "interval", "ece", "refused"):
        assert summary[name] == pytest.approx(again[name], abs=0.0005)


def test_its_gallery_is_of_its_own_readings_of_mnist(shipped, mnist, mnist_test):
    gallery = Gallery(**shipped.gallery)
    places = {
        ink.numpy().tobytes(): k for k, ink in enumerate((255 * mnist.test.ink).round().byte())
    }
    shown = [places[ink.numpy().tobytes()] for ink in gallery.ink]
    assert gallery.labels.tolist() == mnist_test.labels[shown].tolist()
    assert (gallery.answers.numpy() == mnist_test.answers[shown]).mean() > 0.98
    off = np.abs(gallery.confidence.float().numpy() - mnist_test.confidence[shown])
    assert off.max() < 0.02
    summary = shipped.description["evaluation"]
    wrong = gallery.labels != gallery.answers
    assert wrong.sum() == 10_000 - round(summary["accuracy"] * 10_000)
    with torch.inference_mode():
        features = shipped.model.features(mnist.test.ink[shown])
    likenesses = torch.cosine_similarity(features, gallery.features.float())
    assert likenesses.min() > 0.99


def test_it_reads_mnist_and_is_as_sure_as_it_is_right(mnist_test):
    assert mnist_test.accuracy > 0.996 and mnist_test.refused < 0.007
    assert drop_mislabeled(mnist_test).accuracy > 0.9965
    assert mnist_test.calibration_error < 0.01


def test_it_reads_drawn_digits_and_is_as_sure_as_it_is_right(shipped, monkeypatch):
    """Of our own list of styles, without slips: no training has seen these."""
    monkeypatch.setattr(pen_digits, "FONT_SHARE", 0)
    monkeypatch.setattr(pen_digits, "add_slips", lambda strokes, rng: strokes)
    digits = draw_digits(2_000, HELD_OUT_SEED + 1)
    drawn = score("drawn", shipped.model, digits)
    assert drawn.refused < 0.007
    assert drawn.accuracy > 0.98 and drawn.by_digit.min() > 0.95
    assert drawn.calibration_error < 0.015


def test_what_is_no_digit_is_refused(shipped, mnist):
    drawn = draw_outliers(2_000, mnist.test, HELD_OUT_SEED).ink
    (refusal,) = score_refusals(shipped.model, mnist.test, {"all kinds": drawn})
    assert refusal.flagged > 0.9 and refusal.auroc > 0.99


def test_it_reads_unknown_handwriting_and_refuses_unknown_scripts(shipped):
    again = score_held_out_writers(shipped.model)
    assert shipped.description["strangers"] == pytest.approx(again, abs=0.005)
    assert again["right"] > 0.985 and again["digits_refused"] <= 0.005
    assert again["held_out_letters"] > 0.9 and again["held_out_scripts"] > 0.85


@pytest.mark.parametrize(
    "kind", [draw_cursive, draw_loops, draw_zigzag], ids=lambda kind: kind.__name__
)
def test_writing_that_runs_on_is_no_number(shipped, kind):
    reader, rng = Reader(shipped.model), np.random.default_rng(HELD_OUT_SEED)
    pages = [draw_on_paper(kind(rng)) for _ in range(100)]
    assert np.mean([reader.read(page).text == "" for page in pages]) > 0.9


def test_letters_of_a_font_that_it_has_never_seen_are_refused(shipped):
    reader, font = Reader(shipped.model), ImageFont.load_default(120)
    refused = []
    for letter in "ACEFHJKLMNPRTUVWXYacdefhkmnprtuvwx":
        page = Image.new("L", (280, 280), 255)
        ImageDraw.Draw(page).text((100, 70), letter, 0, font)
        refused.append(reader.read(page).text == "")
    assert np.mean(refused) > 0.9


def test_no_reading_is_surer_than_the_labels_it_learned_from(shipped, mnist):
    both = (mnist.test.ink[mnist.test.labels == a][:800] for a in (4, 9))
    torn = torch.stack(list(both)).mean(dim=0)  # a 4 and a 9 in one place
    for ink in (mnist.test.ink, draw_digits(1_000, 0).ink, torn):
        with torch.inference_mode():
            assert shipped.model.predict(ink)[0].max() < 0.999
