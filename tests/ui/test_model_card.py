"""The model's card says what the checkpoint says."""

import re

import numpy as np
import pytest

from inkling.evaluation.plots import calibration_plot, learning_curve
from inkling.explanation.gallery import Gallery
from inkling.training.live_reader import PlaceholderReader
from inkling.ui import model_card


def test_the_card_shows_the_figures_of_the_checkpoint(shipped):
    above, matrix, _, below = model_card.render_card(shipped)
    evaluation = shipped.description["evaluation"]
    assert f"{100 * evaluation['accuracy']:.2f} %" in above
    assert f"{shipped.description['weights']:,} weights" in above
    assert f"{100 * shipped.description['strangers']['right']:.1f} %" in above
    told = [int(n) for n in re.findall(r">(\d+)</button>", matrix)]
    assert sum(told) == evaluation["digits"]
    assert below.count("<polyline") == 3  # calibration and its ideal, learning


def test_every_cell_opens_its_digits_and_an_invalid_cell_none(shipped):
    confusion = shipped.description["evaluation"]["confusion"]
    for label, row in enumerate(confusion):
        for answer, count in enumerate(row):
            shown = model_card.render_cell(shipped, f"{label}-{answer}").count("<img")
            assert shown == (count if label != answer else model_card.MAX_CELL_DIGITS)
    for told in ("", "x-y", "4", "4-11", None, "1-2-3"):
        assert "<img" not in model_card.render_cell(shipped, told)


def test_the_margins_show_the_accuracy_of_rows_and_columns(shipped):
    confusion = np.array(shipped.description["evaluation"]["confusion"])
    told = re.findall(r'class="sum">([\d.]+)<', model_card.render_card(shipped)[1])
    rows, columns = (100 * confusion.diagonal() / confusion.sum(axis=axis) for axis in (1, 0))
    assert [float(n) for n in told] == [round(n, 1) for n in (*rows.tolist(), *columns.tolist())]


def test_the_worst_confusion_is_open_at_first(shipped):
    label, answer = model_card.find_worst_confusion(
        shipped.description["evaluation"]["confusion"]
    ).split("-")
    assert f"{label} read as {answer}" in model_card.render_card(shipped)[2] and label != answer


def test_the_hardest_digits_are_sorted_by_confidence(shipped):
    gallery = Gallery.of(shipped.gallery)
    wrong = model_card.find_misread(gallery)
    sure = gallery.confidence[wrong].tolist()
    assert wrong and sure == sorted(sure, reverse=True)


def test_a_card_without_a_network_says_so():
    assert "no checkpoint yet" in model_card.render_card(PlaceholderReader("wait"))[0]


def test_a_bin_of_fewer_than_ten_readings_is_not_plotted():
    _, data = calibration_plot([(0.5, 0.4, 10), (0.7, 0.9, 9)])["lines"]
    assert data["points"] == [(0.5, 0.4)]


@pytest.mark.parametrize("right", [0.0, 0.5, 0.9995, 1.0])
def test_a_learning_curve_stays_within_its_plot(right):
    ((_, y),) = learning_curve([(10, right)], 20, "step")["lines"][0]["points"]
    assert 0 <= y <= 1


def test_a_learning_network_has_a_falling_curve():
    points = learning_curve([(1, 0.5), (2, 0.9), (3, 0.99)], 3, "epoch")["lines"][0]["points"]
    assert [x for x, _ in points] == [1 / 3, 2 / 3, 1]
    assert points[0][1] > points[1][1] > points[2][1]
