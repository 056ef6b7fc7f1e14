"""The model card shows the checkpoint's figures."""

import re

import numpy as np
import pytest

from inkling.evaluation.plots import build_calibration_plot, build_learning_curve
from inkling.explanation.gallery import Gallery
from inkling.training.live_reader import PlaceholderReader
from inkling.ui import model_card


@pytest.fixture(scope="module")
def confusion(shipped):
    return np.array(shipped.description["evaluation"]["confusion"])


def test_the_card_shows_the_figures_of_the_checkpoint(shipped, confusion):
    summary, matrix, _, details = model_card.render_card(shipped)
    evaluation, held_out = (shipped.description[key] for key in ("evaluation", "strangers"))
    assert f"{100 * evaluation['accuracy']:.2f} %" in summary
    assert f"{shipped.description['weights']:,} weights" in summary
    assert f"{100 * held_out['right']:.1f} %" in summary
    counts = [int(n) for n in re.findall(r">(\d+)</button>", matrix)]
    assert sum(counts) == evaluation["digits"]
    assert details.count("<polyline") == 3  # calibration and its ideal, learning curve
    margins = [float(n) for n in re.findall(r'class="sum">([\d.]+)<', matrix)]
    rows, columns = (100 * confusion.diagonal() / confusion.sum(axis=axis) for axis in (1, 0))
    assert margins == [round(n, 1) for n in (*rows.tolist(), *columns.tolist())]


def test_every_cell_opens_its_digits_and_an_invalid_cell_none(shipped, confusion):
    for (label, answer), count in np.ndenumerate(confusion):
        shown = model_card.render_cell(shipped, f"{label}-{answer}").count("<img")
        assert shown == (count if label != answer else model_card.MAX_CELL_DIGITS)
    for payload in ("", "x-y", "4", "4-11", None, "1-2-3"):
        assert "<img" not in model_card.render_cell(shipped, payload)


def test_the_worst_confusion_is_open_at_first(shipped, confusion):
    label, answer = model_card.find_worst_confusion(confusion.tolist()).split("-")
    assert f"{label} read as {answer}" in model_card.render_card(shipped)[2] and label != answer


def test_the_hardest_digits_are_sorted_by_confidence(shipped):
    gallery = Gallery.from_tensors(shipped.gallery)
    confidences = gallery.confidence[model_card.find_misread(gallery)].tolist()
    assert confidences and confidences == sorted(confidences, reverse=True)


def test_a_card_without_a_network_says_so():
    assert "no checkpoint yet" in model_card.render_card(PlaceholderReader("wait"))[0]


def test_a_bin_of_fewer_than_ten_readings_is_not_plotted():
    _, data = build_calibration_plot([(0.5, 0.4, 10), (0.7, 0.9, 9)])["lines"]
    assert data["points"] == [(0.5, 0.4)]


@pytest.mark.parametrize("accuracy", [0.0, 0.5, 0.9995, 1.0])
def test_a_learning_curve_stays_within_its_plot(accuracy):
    ((_, y),) = build_learning_curve([(10, accuracy)], 20, "step")["lines"][0]["points"]
    assert 0 <= y <= 1


def test_a_learning_network_has_a_falling_curve():
    points = build_learning_curve([(1, 0.5), (2, 0.9), (3, 0.99)], 3, "epoch")["lines"][0]["points"]
    assert [x for x, _ in points] == [1 / 3, 2 / 3, 1]
    assert points[0][1] > points[1][1] > points[2][1]
