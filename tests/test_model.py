"""The network is as its docstrings say."""

import pytest
import torch

from inkling.training.recipes import DEFAULT, QUICK, SIZES
from model import MULTI_DIGIT_CLASS, DigitCNN, fuse_batch_norm


def test_a_fused_network_gives_the_same_answers(mnist):
    torch.manual_seed(0)
    model = DigitCNN((8, 8, 16, 16))
    model(mnist.train.ink[:500])  # in training mode: gives the normalisations something to fold
    with torch.inference_mode():
        plain = model.eval()(mnist.test.ink[:200])
        quicker = fuse_batch_norm(model)(mnist.test.ink[:200])
    assert len(fuse_batch_norm(model).layers) < len(model.layers)
    assert (plain - quicker).abs().max() < 1e-4


def test_the_network_is_small_and_gives_ten_finite_logits():
    for recipe in (QUICK, DEFAULT):
        model = DigitCNN(recipe.widths).eval()
        assert sum(p.numel() for p in model.parameters()) < 1_000_000
        logits = model(torch.rand(3, 1, 28, 28))
        assert logits.shape == (3, 10) and logits.isfinite().all()


@pytest.mark.parametrize("weights, widths", SIZES.items())
def test_a_size_is_the_network_s_number_of_weights(weights, widths):
    count = sum(p.numel() for p in DigitCNN(widths).parameters())
    assert count == pytest.approx(weights, rel=0.05)


def test_the_logit_of_several_rises_with_that_of_its_class():
    model, ink = DigitCNN((4, 4, 4, 8)).eval(), torch.rand(5, 1, 28, 28)
    before = model.predict(ink).multi_digit_logit
    with torch.no_grad():
        model.layers[-1].bias[MULTI_DIGIT_CLASS] += 3
    torch.testing.assert_close(model.predict(ink).multi_digit_logit, before + 3)


def test_probabilities_sum_to_one():
    predicted = DigitCNN((4, 4, 4, 8)).eval().predict(torch.rand(5, 1, 28, 28))
    probabilities, not_a_digit, best_log_prob, _ = predicted
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(5))
    assert ((not_a_digit >= 0) & (not_a_digit <= 1)).all() and (best_log_prob <= 0).all()
