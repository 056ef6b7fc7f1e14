"""What is switched off has no effect, and what that costs is measured."""

import numpy as np
import pytest
import torch
from torch import nn

from data.drawing.pen_digits import draw_digits
from inkling.explanation.ablation import (
    WHOLE,
    Ablation,
    ablate,
    compute_drops,
    find_smallest_kept,
    rank_weights,
)


@pytest.fixture(scope="module")
def inks():
    return draw_digits(20, seed=11).ink


def read(model, inks):
    with torch.inference_mode():
        return model(inks)


def silence(model, inks, layer, number):
    """Return the logits (N, 10) of a network one of whose maps is set to 0 by a hook."""
    relu = [module for module in model.layers if isinstance(module, nn.ReLU)][layer]
    keep = lambda _, __, out: out * (torch.arange(out.shape[1]) != number)[:, None, None]  # noqa: E731
    handle = relu.register_forward_hook(keep)
    try:
        return read(model, inks)
    finally:
        handle.remove()


@pytest.mark.parametrize("layer", range(5))
def test_a_map_that_is_switched_off_is_zero(model, unfused, inks, layer):
    for network in (model, unfused):
        number = network.widths[layer] - 1
        off = ablate(network, Ablation(frozenset({(layer, number)})))
        expected = silence(network, inks, layer, number)
        assert torch.allclose(read(off, inks), expected, rtol=0, atol=1e-6)
        assert not torch.allclose(read(network, inks), expected, rtol=0, atol=1e-6)


def test_maps_that_a_network_does_not_have_are_ignored(model, inks):
    off = ablate(model, Ablation(frozenset({(5, 0), (0, 48)})))
    assert torch.equal(read(off, inks), read(model, inks))


@pytest.mark.parametrize("kept", [0, 1, 33, 50, 100])
def test_pruning_keeps_exactly_this_share_and_the_largest(model, kept):
    pairs = zip(ablate(model, Ablation(kept=kept)).parameters(), model.parameters(), strict=True)
    weights = [(new.flatten(), old.flatten()) for new, old in pairs if new.dim() > 1]
    new, old = map(torch.cat, zip(*weights, strict=True))
    ranks = torch.cat([rank.flatten() for rank in rank_weights(model)])
    is_kept = ranks < round(len(old) * kept / 100)
    assert is_kept.sum() == round(len(old) * kept / 100)
    assert torch.equal(new, old * is_kept)
    if 0 < kept < 100:
        assert old[is_kept].abs().min() >= old[~is_kept].abs().max()


def test_the_drops_are_those_of_networks_without_each_map(model, inks):
    ink = inks[3:4]
    best, rival = read(model, ink)[0].topk(2).indices.tolist()

    def margin(ablation):
        logits = read(ablate(model, ablation), ink)[0]
        return float(logits[best] - logits[rival])

    drops = compute_drops(model, ink[0, 0].numpy(), best, rival)
    assert [len(layer) for layer in drops] == list(model.widths)
    maps = [(layer, k) for layer, width in enumerate(model.widths) for k in range(width)]
    truth = margin(WHOLE) - np.array([margin(Ablation(frozenset({one}))) for one in maps])
    flat = np.concatenate(drops)
    assert np.allclose(flat, truth, atol=1e-4) and flat.argmax() == truth.argmax()


def test_the_smallest_share_reads_the_same_and_a_smaller_one_does_not(model, inks):
    def answer(kept):
        prediction = ablate(model, Ablation(kept=kept)).predict(ink[None])
        return int(prediction.probabilities.argmax()), bool(prediction.not_a_digit > 0.5)

    for ink in inks[:3]:
        kept = find_smallest_kept(model, ink[0].numpy().tobytes())
        assert answer(kept) == answer(100) != answer(kept - 1)
