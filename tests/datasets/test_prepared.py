"""Pre-rendered pictures equal those that would be drawn now."""

import pytest
import torch
from PIL import Image

from data.prepared import build
from inkling.datasets import prepared
from inkling.datasets.pen_digits import draw_digits
from inkling.training.recipes import QUICK
from model import MULTI_DIGIT_CLASS, NON_DIGIT_CLASS


@pytest.mark.parametrize("name", ["digits", "held_out", "none", "several"])
def test_no_sheet_is_older_than_its_sources(name):
    with Image.open(prepared.PREPARED_DIR / f"{name}.png") as sheet:
        digest = sheet.info["drawn by"]
    assert digest == build.compute_digest(), "run python -m data.prepared.build"


def test_there_are_as_many_as_the_quick_recipe_needs():
    drawn, outliers = prepared.load_training_tiles()
    assert (len(drawn.labels), len(outliers.labels)) == (QUICK.drawn, QUICK.outliers)
    assert drawn.labels.bincount().tolist() == [QUICK.drawn // 10] * 10
    assert set(outliers.labels.tolist()) == {NON_DIGIT_CLASS, MULTI_DIGIT_CLASS}
    assert len(prepared.load_held_out_tiles().labels) == build.HELD_OUT_TILES


def test_digits_match_their_labels():
    drawn, _ = prepared.load_training_tiles()
    now = draw_digits(500, seed=1)
    means = torch.stack([now.ink[now.labels == digit].mean(dim=0) for digit in range(10)])
    for digit in range(10):
        mean = drawn.ink[drawn.labels == digit].mean(dim=0)
        assert (means - mean).abs().mean(dim=(1, 2, 3)).argmin() == digit


def test_a_written_sheet_is_read_back(tmp_path, monkeypatch):
    monkeypatch.setattr(prepared, "PREPARED_DIR", tmp_path)
    ink = draw_digits(130, seed=0).ink  # an incomplete second row
    build.write_sheet(tmp_path / "sheet.png", ink)
    assert (prepared.read_sheet("sheet") - ink).abs().max() <= 0.51 / (prepared.GRAY_LEVELS - 1)


def test_held_out_digits_are_not_in_the_training_tiles():
    learned = {ink.numpy().tobytes() for ink in prepared.load_training_tiles()[0].ink}
    held_out = prepared.load_held_out_tiles().ink
    assert not any(ink.numpy().tobytes() in learned for ink in held_out)
