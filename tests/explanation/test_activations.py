"""What the layers hold is what a plain pass holds, and what is said to see a place does."""

import numpy as np
import pytest
import torch

from data.drawing.pen_digits import draw_digits
from inkling.explanation.activations import (
    MAX_MAPS,
    TOP_DIGITS,
    compute_activations,
    find_peaks,
    find_top_digits,
    iterate_blocks,
    receptive_field,
)
from model import DigitCNN


@pytest.fixture(scope="module")
def inks():
    return draw_digits(20, seed=11).ink[:, 0]


def after(model, layer, ink):
    """Return what stands behind a block, (C, H, W), for ink (28, 28), by a hook."""
    seen = []
    relus = [one for one in model.layers if isinstance(one, torch.nn.ReLU)]
    handle = relus[layer].register_forward_hook(lambda _, __, out: seen.append(out[0].clone()))
    try:
        with torch.inference_mode():
            model(ink[None, None])
    finally:
        handle.remove()
    return seen[0]


def test_a_fused_network_holds_the_same_and_its_steps_lead_to_the_features(model, unfused, inks):
    one, other = (compute_activations(m, inks[3].numpy()) for m in (model, unfused))
    for a, b in zip(one.stages, other.stages, strict=True):
        assert a.step == b.step and np.allclose(a.maps, b.maps, atol=1e-3)
    assert np.allclose(one.contributions, other.contributions, atol=1e-3)
    side = 28
    for _, step in iterate_blocks(model):
        side = (side + 2 * step.padding - step.size) // step.stride + 1
    assert side == 1  # the features


@pytest.mark.parametrize("widths", [None, (8, 8, 16, 16), (8, 24, 8, 8, 8, 16)])
def test_stages_are_those_of_a_plain_pass(model, inks, widths):
    network = model if widths is None else DigitCNN(widths).eval()
    found = compute_activations(network, inks[4].numpy())
    with torch.inference_mode():
        batch = inks[4][None, None]
        assert np.allclose(found.scores, network(batch)[0], atol=1e-4)
        assert np.allclose(found.features, network.features(batch)[0], atol=1e-4)
    sides = [12, 5, *[5] * (len(network.widths) - 4), 3]
    assert [stage.maps.shape[1:] for stage in found.stages] == [(side, side) for side in sides]
    assert [stage.total for stage in found.stages] == list(network.widths[:-1])


def test_stages_show_the_maps_that_respond_most(model, inks):
    truth, stage = after(model, 0, inks[5]), compute_activations(model, inks[5].numpy()).stages[0]
    assert set(stage.shown) == set(truth.sum(dim=(1, 2)).topk(MAX_MAPS).indices.tolist())
    truth = truth[list(stage.shown)].numpy()
    assert stage.maps.max() == 1 and np.allclose(stage.maps, truth / truth.max(), atol=1e-5)


def test_what_features_say_is_what_taking_them_away_does_to_a_score(model, inks):
    found = compute_activations(model, inks[6].numpy())
    features = torch.from_numpy(found.features)
    best = int(found.scores.argmax())
    for k in np.argsort(-np.abs(found.contributions[best]))[:5].tolist():
        less = features.clone()
        less[k] *= 0.99
        with torch.inference_mode():
            class_logits = model.layers[-1](torch.stack([features, less]))
            lost = torch.diff(-model.digit_logits(class_logits)[:, best])
        assert lost.item() == pytest.approx(0.01 * found.contributions[best, k], rel=0.05, abs=1e-4)


@pytest.mark.parametrize("layer", [0, 1, 2, 3])
@pytest.mark.parametrize("row, column", [(1 / 2, 1 / 2), (1 / 2, 0.99), (1 / 3, 2 / 3)])
def test_a_place_sees_its_box_of_the_ink_and_nothing_else(model, inks, layer, row, column):
    ink = inks[7].clone()
    before = after(model, layer, ink)
    width = before.shape[-1]
    place = width * int(width * row) + int(width * column)
    left, top, right, bottom = receptive_field(model, layer, place)
    box = torch.zeros(28, 28, dtype=torch.bool)
    box[top:bottom, left:right] = True
    noise = torch.rand(28, 28, generator=torch.Generator().manual_seed(0))
    outside = after(model, layer, torch.where(box, ink, noise)).flatten(1)[:, place]
    assert torch.allclose(outside, before.flatten(1)[:, place], atol=1e-5)
    edge = ink.clone()
    edge[top, left:right] = edge[bottom - 1, left:right] = 1 - edge[top, left:right]
    assert not torch.allclose(
        after(model, layer, edge).flatten(1)[:, place], before.flatten(1)[:, place]
    )


@pytest.mark.parametrize("layer", [0, 2])
def test_the_digits_that_excite_a_map_most_are_found(model, inks, layer):
    bytes_ = (255 * inks).round().to(torch.uint8)
    found = find_top_digits(model, layer, 3, bytes_)
    truth = [after(model, layer, ink.float() / 255)[3].max().item() for ink in bytes_]
    assert [k for k, _ in found] == np.argsort(truth)[::-1][:TOP_DIGITS].tolist()
    most, places = find_peaks(model, layer, bytes_)
    assert np.allclose(most[:, 3], truth, atol=1e-4)
    for k, box in found:
        assert box == receptive_field(model, layer, int(places[k, 3]))
