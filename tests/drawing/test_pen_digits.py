"""Drawn digits: every style is drawn, drawings differ, all are framed like MNIST."""

from pathlib import Path

import numpy as np
import pytest
import torch

from data.drawing import pen_digits, pen_strokes
from data.drawing.pen_digits import draw_digits
from data.drawing.pen_strokes import STROKE_STYLES, Style
from data.drawing.pen_variation import draw_strokes, vary
from data.prepared import contact_sheets

PATHS = {(digit, name): path for digit in range(10) for name, path in STROKE_STYLES[digit].items()}


@pytest.fixture(scope="module")
def digits():
    return draw_digits(2_000, seed=0)


def test_every_digit_has_many_styles_and_every_line_of_the_file_is_one():
    assert sorted(STROKE_STYLES) == list(range(10))
    assert min(map(len, STROKE_STYLES.values())) >= 10
    lines = (
        Path(pen_strokes.__file__).with_name("stroke_styles.txt").read_text("utf-8").splitlines()
    )
    assert len([line for line in lines if line and not line.startswith("#")]) == len(PATHS)


def test_digits_are_framed_like_mnist(digits):
    assert digits.ink.dtype == torch.float32 and digits.ink.shape == (2_000, 1, 28, 28)
    assert digits.ink.min() == 0 and digits.ink.max() == 1
    on = digits.ink[:, 0] > 0
    sides = torch.stack([on.any(dim=1).sum(dim=1), on.any(dim=2).sum(dim=1)]).amax(dim=0)
    assert (sides == 20).float().mean() > 0.99
    middle = torch.arange(28.0) + 0.5
    for axis in (1, 2):
        mass = digits.ink[:, 0].sum(dim=axis)
        centre = (mass * middle).sum(dim=1) / mass.sum(dim=1)
        assert ((centre - 14.5).abs() <= 0.51).float().mean() > 0.97  # the frame limits a few


def test_all_digits_are_equally_frequent_and_no_two_alike_and_pens_differ(digits):
    assert digits.labels.bincount().tolist() == [200] * 10
    assert len(digits.ink.flatten(1).unique(dim=0)) == 2_000
    covered = (digits.ink > 0.5).float().mean(dim=(1, 2, 3))
    assert covered.quantile(0.95) > 2.5 * covered.quantile(0.05)


def test_the_same_seed_draws_the_same(digits):
    assert torch.equal(draw_digits(2_000, seed=0).ink, digits.ink)
    assert not torch.equal(draw_digits(2_000, seed=1).ink, digits.ink)


def test_digits_have_slips(monkeypatch):
    usual = draw_digits(100, seed=0)
    monkeypatch.setattr(pen_digits, "add_slips", lambda strokes, rng: strokes)
    assert not torch.equal(draw_digits(100, seed=0).ink, usual.ink)


@pytest.mark.parametrize("share", [0, 0.8])
def test_a_share_of_the_digits_is_in_styles_of_fonts(share, monkeypatch):
    usual, from_fonts = draw_digits(100, seed=0), []

    class RecordedStyle(Style):
        def __init__(self, path):
            super().__init__(path)
            self.is_of_font = path not in PATHS.values()

    def record(style, count, rng):
        from_fonts.extend([style.is_of_font] * count)
        return vary(style, count, rng)

    monkeypatch.setattr(pen_digits, "Style", RecordedStyle)
    monkeypatch.setattr(pen_digits, "vary", record)
    monkeypatch.setattr(pen_digits, "FONT_SHARE", share)
    others = draw_digits(100, seed=0)
    assert others.labels.bincount().tolist() == [10] * 10
    assert np.mean(from_fonts) == share and not torch.equal(others.ink, usual.ink)


def test_the_contact_sheet_shows_every_style():
    sheet = np.asarray(contact_sheets.draw_styles(variations=2))
    assert (sheet < 128).any(axis=1).sum() > 0
    assert sheet.size >= len(PATHS) * 2 * contact_sheets.STYLE_TILE_PX**2


def test_the_network_learns_every_style(reader):
    rng = np.random.default_rng(5)
    accuracy = {}
    for (digit, name), path in PATHS.items():
        varied = zip(*vary(Style(path), 20, rng), strict=True)
        ink = [pen_digits.frame_glyph(draw_strokes(list(strokes), rng)) for strokes in varied]
        predicted = reader.model.predict(torch.from_numpy(np.stack(ink))[:, None]).probabilities
        accuracy[digit, name] = (predicted.argmax(dim=1) == digit).float().mean().item()
    assert np.mean(list(accuracy.values())) > 0.95
    assert {style: share for style, share in accuracy.items() if share < 0.3} == {}
