"""The steps from logits to the page's figures are those that produce the figures."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from data.drawing.pen_digits import draw_digits
from inkling.imaging.mnist_frame import Glyph
from inkling.imaging.open_image import open_picture
from inkling.recognition.corrections import Corrections
from inkling.recognition.reading import Digit
from inkling.ui.decision import explain_decision
from inkling.ui.inside_views import render_decision
from inkling.ui.session import SessionState
from model import LABEL_ERROR_RATE
from support.sketches import sketch
from tests.pages import NUMBER


def same(decision, digit):
    """Return whether a decision ends in a digit's figures."""
    last = decision.stages[-1][1]
    figures = ((*one.probabilities, one.not_a_digit) for one in (last, digit))
    return np.allclose(*figures, rtol=0, atol=1e-5)


def test_the_steps_end_in_what_the_network_predicts(model):
    inks = torch.cat([draw_digits(40, seed=5).ink, torch.rand(10, 1, 28, 28)])
    with torch.inference_mode():
        logits, predicted = model.class_logits(inks).numpy(), model.predict(inks)
    for k in range(len(inks)):
        probabilities = tuple(predicted.probabilities[k].tolist())
        digit = Digit(
            Glyph(inks[k, 0].numpy(), (0, 0, 9, 9)), probabilities, float(predicted[1][k])
        )
        found = explain_decision(model, logits[k], digit, digit)
        assert [name for name, _ in found.stages] == ["network"] and same(found, digit)
        step = {name: np.array(values) for name, values in found.digits.items()}
        mnist, drawn = logits[k, :20].reshape(2, 10)
        assert np.allclose(step["both"], np.logaddexp(mnist, drawn), atol=1e-5)
        temperature, other, digits, ceiling, scale, excess = found.rejection
        assert np.allclose(step["÷ T"], step["both"] / temperature, atol=1e-5)
        assert np.allclose(step["exp"], np.exp(step["÷ T"] - step["÷ T"].max()), atol=1e-5)
        assert np.allclose(step["share"], step["exp"] / step["exp"].sum(), atol=1e-5)
        noisy = step["share"] + LABEL_ERROR_RATE * (0.1 - step["share"])
        assert np.allclose(noisy, probabilities, atol=1e-5)
        assert excess == pytest.approx((other - digits - ceiling) / scale, abs=1e-5)
        assert 1 / (1 + np.exp(-excess)) == pytest.approx(digit.not_a_digit, abs=1e-5)


@pytest.fixture(scope="module")
def number(shipped):
    return SessionState(shipped.read(*open_picture(NUMBER)), expanded=frozenset({"inside"}))


@pytest.mark.parametrize("chosen", range(4))
def test_the_line_network_and_corrections_are_steps_of_their_own(shipped, number, chosen):
    ink = number.network_reading.digits[chosen].glyph.ink
    corrected = replace(number, corrections=Corrections().add(ink, 9))
    for state in (number, corrected):
        findings = replace(state, chosen=chosen).compute_findings(shipped)
        assert same(findings.decision, findings.reading.digits[chosen])
        names = [name for name, _ in findings.decision.stages]
        assert names[:2] == ["network", "line network"]
        assert ("corrections" in names) == (state is corrected)
        percents = [
            f"{math.floor(100 * p + 0.5)}%" for p in findings.reading.digits[chosen].probabilities
        ]
        assert re.findall(r"<td>(\d+%)</td>", render_decision(findings)) == percents


def test_a_refused_glyph_has_empty_bars_and_says_so(shipped):
    state = SessionState(shipped.read(np.flip(sketch(4), 0)), expanded=frozenset({"inside"}))
    findings = state.compute_findings(shipped)
    assert findings.reading.digits[0].digit is None
    page = render_decision(findings)
    assert re.findall(r"<td>(\d+%)</td>", page) == ["0%"] * 10
    assert "The glyph is refused" in page and "<td>refused</td>" in page
