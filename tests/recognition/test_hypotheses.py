"""Hypotheses come likely to unlikely, are made when asked for, and know their place."""

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

LIGHT = np.ones((40, 80), np.float32)
STAINED = 1 - 0.6 * np.linspace(0, 1, 280) * np.linspace(0, 1, 280)[:, None]


def ink(mask: np.ndarray) -> Ink:
    return Ink(mask.astype(np.float32), mask.astype(np.uint8), True)


@pytest.mark.parametrize("quarters", range(4))
def test_a_box_of_turned_ink_is_given_as_the_picture_stands(quarters):
    picture = np.zeros((40, 80), bool)
    picture[4:12, 60:72] = True
    turned = ink(np.rot90(picture, quarters))
    rows, columns = (np.flatnonzero(turned.mask.any(axis=axis)) for axis in (1, 0))
    box = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    hypothesis = Hypothesis("turned", turned, LIGHT, (100, 200, 260, 280), True, quarters)
    assert hypothesis.in_picture(box) == (220, 208, 244, 224)  # two px of the picture each


def test_the_ink_network_is_asked_only_for_uneven_paper(monkeypatch):
    looked: list[int] = []
    monkeypatch.setattr(module, "learned_ink", lambda light, side: looked.append(side))
    assert next(hypotheses(Image.fromarray(sketch(4)))).source == "two levels" and not looked
    stained = Image.fromarray((sketch(4) * STAINED).astype(np.uint8))
    sources = [hypothesis.source for hypothesis in hypotheses(stained)]
    assert len(looked) == 2 and sources.index("learned") < sources.index("two levels")


@pytest.mark.parametrize("odds, best", [([1, 5, 9], 5), ([1, -1, 2], 2), ([2, 1, 0], 2)])
def test_the_first_confident_reading_is_taken_or_else_the_likeliest(
    odds, best, reader, monkeypatch
):
    made = iter(odds)
    monkeypatch.setattr(reader_module, "hypotheses", lambda picture: iter(range(len(odds))))
    monkeypatch.setattr(
        type(reader), "read_hypothesis", lambda self, _: Reading(log_odds=float(next(made)))
    )
    assert reader.read(sketch(4)).log_odds == best
    assert [*made] == ([9] if best == 5 else [])


def digit(likelihood: float, not_a_digit: float = 0.01, left: int = 10) -> Digit:
    glyph = Glyph(np.ones((28, 28), np.float32), (left, 10, left + 10, 30))
    probabilities = [(1 - likelihood) / 9] * 9 + [likelihood]
    return Digit(glyph, tuple(probabilities), not_a_digit)


def odds(*digits: Digit, source: str = "two levels", is_even: bool = True) -> float:
    found = Hypothesis(source, ink(np.eye(40, 80)), LIGHT, (0, 0, 80, 40), is_even)
    reading = Reading.of(digits)
    return compute_log_odds(found, reading.digits, reading.text)


def test_a_reading_is_likelier_right_the_surer_and_the_less_is_refused():
    sure = digit(0.99)
    assert odds(sure) > odds(digit(0.6))
    assert odds(sure, sure) > odds(sure, digit(0.6))
    assert odds(sure) > odds(sure, digit(0.5, not_a_digit=0.9, left=30))
    assert odds(sure, source="learned") > odds(sure, source="learned", is_even=False)


def test_a_picture_as_it_stands_is_likelier_right_than_turned():
    sure = digit(0.99)
    assert odds(sure, sure, is_even=False) > odds(sure, sure, source="turned", is_even=False)
