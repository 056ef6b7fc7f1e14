"""Training takes the fastest way that this machine has, and never one that it lacks."""

import pytest
import torch

import device
from model import DigitCNN


@pytest.fixture
def model():
    return DigitCNN((4, 4, 4, 4))


def test_bfloat16_is_not_even_tried_where_the_processor_lacks_it(monkeypatch, model):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": False})
    monkeypatch.setattr(device, "trial", pytest.fail)
    assert device.best_precision(model, 8) == torch.float32


@pytest.mark.parametrize("faster", [torch.bfloat16, torch.float32])
def test_the_faster_type_is_taken_where_both_work(monkeypatch, model, faster):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    monkeypatch.setattr(device, "trial", lambda _, __, precision: precision != faster)
    assert device.best_precision(model, 8) == faster


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float32])
def test_a_trial_leaves_the_network_as_it_was(model, precision):
    before = {name: t.clone() for name, t in model.state_dict().items()}
    assert device.trial(model, 4, precision) > 0
    assert all(torch.equal(before[name], t) for name, t in model.state_dict().items())
