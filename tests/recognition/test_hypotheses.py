"""Hypotheses come cheap to expensive, are computed on request, and map boxes to the picture."""

from types import SimpleNamespace

import numpy as np
import pytest
from conftest import sketch
from PIL import Image

from inkling.imaging.binarize import Ink
from inkling.imaging.mnist_frame import Glyph
from inkling.recognition import hypotheses as module
from inkling.recognition import reader as reader_module
from inkling.recognition.hypotheses import Hypothesis, compute_log_odds, hypotheses
from inkling.recognition.reading import Digit, Reading

GRAY = np.ones((40, 80), np.float32)
STAINED = 1 - 0.6 * np.linspace(0, 1, 280) * np.linspace(0, 1, 280)[:, None]


def ink(mask: np.ndarray) -> Ink:
    return Ink(mask.astype(np.float32), mask.astype(np.uint8), True)


@pytest.mark.parametrize("quarters", range(4))
def test_a_box_of_rotated_ink_is_in_px_of_the_upright_picture(quarters):
    picture = np.zeros((40, 80), bool)
    picture[4:12, 60:72] = True
    turned = ink(np.rot90(picture, quarters))
    rows, columns = (np.flatnonzero(turned.mask.any(axis=axis)) for axis in (1, 0))
    box = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    hypothesis = Hypothesis("rotated", turned, GRAY, (100, 200, 260, 280), True, quarters)
    assert hypothesis.in_picture(box) == (220, 208, 244, 224)  # two px of the picture each


def test_the_ink_network_runs_only_for_uneven_paper(monkeypatch):
    sides: list[int] = []
    monkeypatch.setattr(module, "unet_ink", lambda gray, side: sides.append(side))
    assert [h.source for h in hypotheses(Image.fromarray(sketch(4)))] == ["otsu"] and not sides
    stained = Image.fromarray((sketch(4) * STAINED).astype(np.uint8))
    sources = [hypothesis.source for hypothesis in hypotheses(stained)]
    assert len(sides) == 2 and sources.index("unet") < sources.index("otsu")


@pytest.mark.parametrize("odds, best", [([1, 5, 9], 5), ([1, -1, 2], 2), ([2, 1, 0], 2)])
def test_the_first_confident_reading_is_returned_or_else_the_best(odds, best, reader, monkeypatch):
    made = iter(odds)
    made_of = [SimpleNamespace(max_log_odds=9.0)] * len(odds)
    monkeypatch.setattr(reader_module, "hypotheses", lambda *_: iter(made_of))
    monkeypatch.setattr(
        type(reader), "read_hypothesis", lambda self, _: Reading(log_odds=float(next(made)))
    )
    assert reader.read(sketch(4)).log_odds == best
    assert [*made] == ([9] if best == 5 else [])


def digit(prob: float, not_a_digit: float = 0.01, left: int = 10) -> Digit:
    glyph = Glyph(np.ones((28, 28), np.float32), (left, 10, left + 10, 30))
    probabilities = [(1 - prob) / 9] * 9 + [prob]
    return Digit(glyph, tuple(probabilities), not_a_digit)


def odds(*digits: Digit, source: str = "otsu", is_uniform: bool = True) -> float:
    found = Hypothesis(source, ink(np.eye(40, 80)), GRAY, (0, 0, 80, 40), is_uniform)
    reading = Reading.of(digits)
    return compute_log_odds(found, reading.digits, reading.text)


def test_the_score_rises_with_confidence_and_falls_with_refused_glyphs():
    sure = digit(0.99)
    assert odds(sure) > odds(digit(0.6))
    assert odds(sure, sure) > odds(sure, digit(0.6))
    assert odds(sure) > odds(sure, digit(0.5, not_a_digit=0.9, left=30))
    assert odds(sure, source="unet") > odds(sure, source="unet", is_uniform=False)
    # and an upright picture scores higher than a rotated one
    assert odds(sure, sure, is_uniform=False) > odds(sure, sure, source="rotated", is_uniform=False)


def test_no_text_in_a_rotated_line_is_less_probable_than_an_upright_number():
    line = [digit(0.99, left=left) for left in (10, 30, 50)]
    refused = [digit(0.5, not_a_digit=0.9, left=left) for left in (10, 30, 50)]
    assert odds(*refused, source="rotated") < odds(*line[:2], refused[2], source="unet")
    assert odds(*refused, source="rotated") < 0
