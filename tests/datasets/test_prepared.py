"""Pictures drawn beforehand are those that would be drawn now."""

import pytest
import torch
from PIL import Image

from inkling.datasets import prepared
from inkling.datasets.pen_digits import drawn_digits
from inkling.datasets.prepared import (
    GREYS,
    PREPARED,
    digest,
    held_out_pictures,
    read_sheet,
    training_pictures,
    write_sheet,
)
from inkling.training.recipes import QUICK
from model import MULTI_DIGIT_CLASS, NON_DIGIT_CLASS

SHEETS = ("digits", "held_out", "none", "several")


@pytest.mark.parametrize("name", SHEETS)
def test_no_sheet_is_older_than_what_it_was_drawn_by(name):
    with Image.open(PREPARED / f"{name}.png") as sheet:
        drawn_by = sheet.info["drawn by"]
    assert drawn_by == digest(), "run python -m inkling.datasets.prepared"


def test_there_are_as_many_as_the_quick_recipe_learns_from():
    drawn, others = training_pictures()
    assert (len(drawn.labels), len(others.labels)) == (QUICK.drawn, QUICK.outliers)
    assert drawn.labels.bincount().tolist() == [QUICK.drawn // 10] * 10
    assert set(others.labels.tolist()) == {NON_DIGIT_CLASS, MULTI_DIGIT_CLASS}
    assert len(held_out_pictures().labels) == prepared.HELD_OUT


def test_digits_are_those_of_their_labels():
    drawn, _ = training_pictures()
    now = drawn_digits(500, seed=1)
    for digit in range(10):
        before = drawn.ink[drawn.labels == digit].mean(dim=0)
        means = torch.stack([now.ink[now.labels == d].mean(dim=0) for d in range(10)])
        assert (means - before).abs().mean(dim=(1, 2, 3)).argmin() == digit


def test_a_sheet_gives_back_what_was_written(tmp_path, monkeypatch):
    monkeypatch.setattr(prepared, "PREPARED", tmp_path)
    ink = drawn_digits(130, seed=0).ink  # more than a row, and not a whole one
    write_sheet("some", ink)
    assert (read_sheet("some") - ink).abs().max() <= 0.51 / (GREYS - 1)


def test_held_out_digits_are_not_among_those_learned_from():
    learned = {ink.numpy().tobytes() for ink in training_pictures()[0].ink}
    assert not any(ink.numpy().tobytes() in learned for ink in held_out_pictures().ink)
