"""Switch off parts of the digit network, and measure what an answer loses without each.

A map that is switched off is 0 after its ReLU. Weights are pruned by magnitude (Han et al. 2015,
arXiv 1506.02626), over all layers together: `python -m bench.pruning`.
"""

import copy
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from inkling.explanation.activations import iterate_blocks
from inkling.imaging.mnist_frame import FRAME
from model import DigitCNN, normalize_ink

KEPT_STEPS = (20, 5, 1)  # % of the weights: from one tried share to the next; not tuned


class Ablation(NamedTuple):
    """The parts of the digit network that are switched off."""

    off: frozenset[tuple[int, int]] = frozenset()  # layer and map, from 0; the last: features
    kept: int = 100  # % of the weights: the largest


WHOLE = Ablation()


@lru_cache(maxsize=2)
def rank_weights(model: DigitCNN) -> list[Tensor]:
    """Return each weight's rank by magnitude, from 0 for the largest, in the weights' shapes."""
    weights = [weight.detach() for weight in model.parameters() if weight.dim() > 1]
    flat = torch.cat([weight.flatten() for weight in weights])
    ranks = flat.abs().argsort(descending=True).argsort().split([*map(Tensor.numel, weights)])
    return [rank.view(weight.shape) for rank, weight in zip(ranks, weights, strict=True)]


@torch.no_grad()
def ablate(model: DigitCNN, ablation: Ablation) -> DigitCNN:
    """Return a copy of a network in inference mode; maps that it does not have are ignored."""
    ranks, model = rank_weights(model), copy.deepcopy(model)
    count = round(sum(map(Tensor.numel, ranks)) * ablation.kept / 100)
    weights = [weight for weight in model.parameters() if weight.dim() > 1]
    for weight, rank in zip(weights, ranks, strict=True):
        weight.mul_(rank < count)
    last = [[m for m in part if [*m.parameters()]][-1] for part, _ in iterate_blocks(model)]
    for layer, number in ablation.off:
        if layer < len(last) and number < model.widths[layer]:
            for parameter in last[layer].parameters():
                parameter[number] = 0
    return model


@lru_cache(maxsize=32)
@torch.inference_mode()
def find_smallest_kept(model: DigitCNN, ink: bytes) -> int:
    """Return the smallest share of the weights, %, that reads framed ink (28, 28) the same.

    The ink is float32. All larger shares that `KEPT_STEPS` try read it the same as well.
    """
    batch = torch.frombuffer(bytearray(ink), dtype=torch.float32).view(1, 1, FRAME, FRAME)

    def read(kept: int) -> tuple[int, bool]:
        prediction = ablate(model, Ablation(kept=kept)).predict(batch)
        return int(prediction.probabilities.argmax()), bool(prediction.not_a_digit > 0.5)

    kept, answer = 100, read(100)
    for step in KEPT_STEPS:
        while kept >= step and read(kept - step) == answer:
            kept -= step
    return kept


@torch.inference_mode()
def compute_drops(model: DigitCNN, ink: np.ndarray, best: int, rival: int) -> list[np.ndarray]:
    """Return the drop of a margin without each map: an array (C,), float32, for each layer.

    The margin is the logit of `best` minus the rival's, for framed ink (28, 28).
    """
    torch.set_num_threads(1)  # of this thread, as `Reader.predict_glyphs`
    blocks = [nn.Sequential(*modules) for modules, _ in iterate_blocks(model)]
    maps, drops = normalize_ink(torch.from_numpy(ink)[None, None]), []
    for layer, block in enumerate(blocks):
        maps = block(maps)  # (1, C, H, W)
        one = torch.eye(maps.shape[1] + 1)[:, 1:, None, None]  # the first row keeps all maps
        values = maps * (1 - one)  # (1 + C, C, H, W)
        for later in blocks[layer + 1 :]:
            values = later(values)
        logits = model.digit_logits(model.layers[-1](values.flatten(1)))  # (1 + C, 10)
        margins = logits[:, best] - logits[:, rival]
        drops.append((margins[0] - margins[1:]).numpy())
    return drops
