"""The networks that find ink and read lines learn, are kept whole, and do what they are for."""

import numpy as np
import pytest
import torch

from data.networks import build
from data.networks.lines import Hands
from data.networks.pages import page
from inkling.recognition.ink_net import InkNet, standardised
from inkling.recognition.line_net import LineNet, framed_line, read_line
from inkling.recognition.page_networks import ink_net, line_net, ready


@pytest.fixture(scope="module")
def hands(mnist):
    return Hands(mnist.held_out, drawn=20, seed=1)


@pytest.mark.parametrize("name", ["ink", "line"])
def test_a_network_learns_and_is_kept(name, hands, monkeypatch, tmp_path):
    losses = []
    backward = torch.Tensor.backward
    monkeypatch.setattr(
        torch.Tensor, "backward", lambda loss: (losses.append(loss.item()), backward(loss))
    )
    for module in ("data.networks.build", "inkling.recognition.page_networks"):
        monkeypatch.setattr(f"{module}.NETWORKS", tmp_path)
    monkeypatch.setattr(build, "Hands", lambda *_: hands)
    monkeypatch.setitem(build.STEPS, name, 30)
    monkeypatch.setattr(build, "WARM_UP", 1)
    monkeypatch.setattr("sys.argv", ["build", name])
    build.main()
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:3])
    kept = ready(InkNet() if name == "ink" else LineNet(), name)
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in kept.modules())


def test_the_line_network_reads_lines_that_it_has_not_seen(hands):
    rng = np.random.default_rng(2)
    lines = [hands.line(int(rng.integers(1, 6)), rng) for _ in range(150)]
    read = [read_line(line.ink, line_net()).texts[0] for line in lines]
    right = [r.digits == line.digits for r, line in zip(read, lines, strict=True)]
    assert np.mean(right) > 0.75
    for one, line in zip(read, lines, strict=True):
        if one.digits == line.digits:
            off = np.array(one.middles) - np.array(line.middles)
            assert np.abs(off).max(initial=0) < 0.6 * len(line.ink)


def test_a_frame_keeps_a_line_s_shape():
    framed = framed_line(np.ones((56, 100), np.float32))
    assert framed.shape == (32, 66) and framed[:2].max() == framed[-2:].max() == 0


@torch.inference_mode()
def test_the_ink_network_finds_ink_that_it_has_not_seen(hands):
    rng = np.random.default_rng(3)
    pages = [page(hands, rng) for _ in range(80)]
    found = [ink_net()(torch.from_numpy(standardised(light))[None])[0, 0] > 0 for light, _ in pages]
    inks = [ink > 0.5 for _, ink in pages]
    both, either = (
        sum(int(way(f.numpy(), ink).sum()) for f, ink in zip(found, inks, strict=True))
        for way in (np.logical_and, np.logical_or)
    )
    assert both > 0.7 * either
