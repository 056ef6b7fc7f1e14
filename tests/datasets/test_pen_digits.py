"""Drawn digits: every style is drawn, each hand differs, all are framed like MNIST."""

from pathlib import Path

import numpy as np
import pytest
import torch

from inkling.datasets import pen_digits, stroke_styles
from inkling.datasets.pen_digits import Hands, drawn_digits
from inkling.datasets.pen_strokes import Style, draw
from inkling.datasets.stroke_styles import STYLES

LINES = [(digit, name, line) for digit, styles in STYLES.items() for name, line in styles.items()]
OWN = {line for _, _, line in LINES}


@pytest.fixture(scope="module")
def digits():
    return drawn_digits(2_000, seed=0)


def test_every_digit_has_many_styles():
    assert sorted(STYLES) == list(range(10))
    assert min(len(styles) for styles in STYLES.values()) >= 10


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
        assert ((centre - 14.5).abs() <= 0.51).float().mean() > 0.97  # the frame holds a few back


def test_all_digits_come_equally_often_and_no_two_are_alike(digits):
    assert digits.labels.bincount().tolist() == [200] * 10
    assert len(digits.ink.flatten(1).unique(dim=0)) == 2_000


def test_pens_differ_as_on_canvases(digits):
    covered = (digits.ink > 0.5).float().mean(dim=(1, 2, 3))
    assert covered.quantile(0.95) > 2.5 * covered.quantile(0.05)


def test_the_same_seed_draws_the_same(digits):
    assert torch.equal(drawn_digits(2_000, seed=0).ink, digits.ink)
    assert not torch.equal(drawn_digits(2_000, seed=1).ink, digits.ink)


@pytest.mark.parametrize("hands", [Hands(of_fonts=0), Hands(of_fonts=0.8), Hands(slips=False)])
def test_hands_are_careful_or_careless_and_as_many_of_fonts_as_they_should(hands, monkeypatch):
    usual, of_fonts = drawn_digits(100, seed=0), []

    def noted(path):
        style = Style(path)
        vary = style.vary
        style.vary = lambda count, rng: (
            of_fonts.extend([path not in OWN] * count) or vary(count, rng)
        )
        return style

    monkeypatch.setattr(pen_digits, "Style", noted)
    others = drawn_digits(100, seed=0, hands=hands)
    assert others.labels.bincount().tolist() == [10] * 10
    assert np.mean(of_fonts) == hands.of_fonts and not torch.equal(others.ink, usual.ink)


def test_the_contact_sheet_shows_every_style(tmp_path):
    sheet = np.asarray(pen_digits.contact_sheet(hands=2))
    rows = sum(len(styles) for styles in STYLES.values())
    assert (sheet < 128).any(axis=1).sum() > 0
    assert sheet.size >= rows * 2 * pen_digits.TILE**2


def test_the_reader_learns_every_style(reader):
    rng = np.random.default_rng(5)
    read = {}
    for digit, name, line in LINES:
        strokes = Style(line).vary(20, rng)
        ink = [pen_digits.frame_glyph(draw([s[k] for s in strokes], rng)) for k in range(20)]
        judged = reader.model.predict(torch.from_numpy(np.stack(ink))[:, None])
        read[digit, name] = (judged.probabilities.argmax(dim=1) == digit).float().mean().item()
    assert np.mean(list(read.values())) > 0.95
    assert {style: share for style, share in read.items() if share < 0.3} == {}


def test_every_line_of_the_styles_is_a_style_or_a_comment():
    lines = Path(stroke_styles.__file__).with_suffix(".txt").read_text("utf-8").splitlines()
    told = [line for line in lines if line and not line.startswith("#")]
    assert len(told) == len(LINES)
