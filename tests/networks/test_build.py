"""The page networks learn, are saved and loaded, and generalize to held-out digits."""

import numpy as np
import pytest
import torch

from data.networks import build
from data.networks.crops import CropComposer, make_paper
from data.networks.lines import SIGN, GlyphBank
from data.networks.pages import compose_page
from inkling.recognition.ink_finder import standardize_page
from inkling.recognition.line_net import transcribe_line
from inkling.recognition.page_networks import ink_net, line_net, load_network
from model import InkNet, LineNet


@pytest.fixture(scope="module")
def glyphs(mnist):
    return GlyphBank(mnist.held_out, drawn=100, seed=1)


@pytest.mark.parametrize("name", ["ink", "line"])
def test_a_network_learns_and_is_saved(name, glyphs, monkeypatch, tmp_path):
    losses = []
    backward = torch.Tensor.backward
    monkeypatch.setattr(
        torch.Tensor, "backward", lambda loss: (losses.append(loss.item()), backward(loss))
    )
    for module in ("data.networks.build", "inkling.recognition.page_networks"):
        monkeypatch.setattr(f"{module}.NETWORKS", tmp_path)
    monkeypatch.setattr(build, "GlyphBank", lambda *_: glyphs)
    monkeypatch.setattr(build, "PAPER_COUNT", 5)
    monkeypatch.setitem(build.TRAINING_STEPS, name, 30)
    monkeypatch.setattr(build, "WARM_UP_STEPS", 1)
    monkeypatch.setattr("sys.argv", ["build", name])
    build.main()
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:3])
    kept = load_network(InkNet() if name == "ink" else LineNet(), name)
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in kept.modules())


def test_the_line_network_reads_lines_of_held_out_digits(glyphs):
    rng = np.random.default_rng(2)
    composer = CropComposer(glyphs, [make_paper(rng) for _ in range(20)], seed=2)
    crops = [composer.compose_crop() for _ in range(150)]
    right = 0
    for crop in crops:
        transcripts = transcribe_line(crop.gray / np.float32(255), line_net()).transcripts
        text, centers = next(iter(transcripts.items()))
        digits = tuple(label for label in crop.labels if label != SIGN)
        if text == digits:
            right += 1
            spans = [s for label, s in zip(crop.labels, crop.spans, strict=True) if label != SIGN]
            for center, (left, last) in zip(centers, spans, strict=True):
                assert left - 6 < center < last + 6
    assert right / len(crops) > 0.6


@torch.inference_mode()
def test_the_ink_network_finds_ink_of_held_out_digits(glyphs):
    rng = np.random.default_rng(3)
    pages = [compose_page(glyphs, rng) for _ in range(80)]
    found = [
        ink_net()(torch.from_numpy(standardize_page(gray))[None])[0, 0] > 0 for gray, _ in pages
    ]
    inks = [ink > 0.5 for _, ink in pages]
    both, either = (
        sum(int(way(f.numpy(), ink).sum()) for f, ink in zip(found, inks, strict=True))
        for way in (np.logical_and, np.logical_or)
    )
    assert both > 0.7 * either
