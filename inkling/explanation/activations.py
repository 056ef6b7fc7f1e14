"""Feature maps of the digit network, their receptive fields, and the digits that excite them."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn

from inkling.imaging.mnist_frame import FRAME
from model import NON_DIGIT_CLASS, DigitCNN, normalize_ink

MAX_MAPS = 12  # of a layer
TOP_DIGITS = 6  # shown for a feature map


class Step(NamedTuple):
    """Geometry of a layer: which cells of the layer before a cell is computed from, per side."""

    size: int = 1  # cells of the layer before
    stride: int = 1  # cells between two neighbours
    padding: int = 0  # cells beyond the edge


class Stage(NamedTuple):
    """One layer's strongest feature maps for one glyph."""

    maps: np.ndarray  # (K, H, W) float32, 0 to 1: relative to the layer's maximum
    shown: tuple[int, ...]  # their indices in the layer, the strongest first
    total: int  # number of maps in the layer
    step: Step  # from the layer before, or from the ink


class LayerActivations(NamedTuple):
    """Activations of the network for one glyph, from its ink to its logits."""

    stages: tuple[Stage, ...]
    features: np.ndarray  # (z,) float32, from 0
    class_logits: np.ndarray  # (22,) float32
    scores: np.ndarray  # (10,) float32, logits of the digits
    contributions: np.ndarray  # (10, z) float32: of each feature to each logit


def iterate_blocks(model: DigitCNN) -> Iterator[tuple[list[nn.Module], Step]]:
    """Yield each block's modules and geometry."""
    modules, step = [], Step()
    for layer in model.layers:
        modules.append(layer)
        if isinstance(layer, nn.PixelUnshuffle):
            step = Step(layer.downscale_factor, layer.downscale_factor)
        elif isinstance(layer, nn.Conv2d):
            size = step.size + (layer.kernel_size[0] - 1) * step.stride
            step = Step(size, step.stride, int(layer.padding[0]))
        elif isinstance(layer, nn.MaxPool2d):
            pool = cast(int, layer.kernel_size)  # also its stride
            size = step.size + (pool - 1) * step.stride
            step = Step(size, step.stride * pool, step.padding)
        elif isinstance(layer, nn.ReLU):
            yield modules, step
            modules, step = [], Step()


@torch.inference_mode()
def compute_stages(model: DigitCNN, ink: np.ndarray) -> list[Tensor]:
    """Return all stages for framed ink (28, 28): normalized ink, each layer, class logits.

    Each is (C, H, W) float32; the features and the logits have one cell a map.
    """
    torch.set_num_threads(1)
    values = normalize_ink(torch.from_numpy(np.ascontiguousarray(ink, np.float32))[None, None])
    stages = [values[0]]
    for modules, _ in iterate_blocks(model):
        values = nn.Sequential(*modules)(values)
        stages.append(values[0])
    return [*stages, model.layers[-1](values.flatten(1))[0, :, None, None]]


@torch.inference_mode()
def compute_activations(model: DigitCNN, ink: np.ndarray) -> LayerActivations:
    """Return the activations for framed ink (28, 28), from one forward pass in inference mode."""
    _, *outputs, logits = compute_stages(model, ink)
    stages: list[Stage] = []
    for values, (_, step) in zip(outputs, iterate_blocks(model), strict=True):
        maps = values.numpy()  # (C, H, W)
        shown = np.argsort(-maps.sum(axis=(1, 2)), kind="stable")[:MAX_MAPS]
        part = maps[shown] / max(maps[shown].max(), 1e-6)
        stages.append(Stage(part, tuple(shown.tolist()), len(maps), step))
    features, class_logits = outputs[-1].flatten(), logits.view(1, -1)  # (z,), (1, 22)
    digits = class_logits[0, :NON_DIGIT_CLASS].view(2, 10).softmax(dim=0)  # (2, 10)
    weights = cast(nn.Linear, model.layers[-1]).weight[:NON_DIGIT_CLASS].view(2, 10, -1)
    contributions = (digits[..., None] * weights).sum(dim=0) * features  # (10, z)
    scores = model.digit_logits(class_logits)[0]
    arrays = [v.numpy() for v in (features, class_logits[0], scores, contributions)]
    return LayerActivations(tuple(stages[:-1]), *arrays)


def find_top_digits(
    model: DigitCNN, layer: int, number: int, inks: Tensor
) -> list[tuple[int, tuple[int, int, int, int]]]:
    """Return the inks that excite map `number` of a layer most, and where.

    `inks` (N, 28, 28) are uint8, layers and maps count from 0. Each is an index, the strongest
    response first, and the response's receptive field.
    """
    most, places = find_peaks(model, layer, inks)
    best = most[:, number].argsort(descending=True)[:TOP_DIGITS].tolist()
    return [(k, receptive_field(model, layer, int(places[k, number]))) for k in best]


@lru_cache(maxsize=8)
@torch.inference_mode()
def find_peaks(model: DigitCNN, layer: int, inks: Tensor) -> tuple[Tensor, Tensor]:
    """Return the maximum response of each map of a layer to inks, and its cell: (N, C) each."""
    torch.set_num_threads(1)
    values = normalize_ink(inks[:, None].float() / 255)
    for modules, _ in list(iterate_blocks(model))[: layer + 1]:
        values = nn.Sequential(*modules)(values)
    return values.flatten(2).max(dim=2)


def receptive_field(model: DigitCNN, layer: int, place: int) -> tuple[int, int, int, int]:
    """Return the receptive field of a cell of a layer: left, top, right, bottom in px."""
    steps = [step for _, step in iterate_blocks(model)][: layer + 1]
    width = FRAME
    for step in steps:
        width = (width + 2 * step.padding - step.size) // step.stride + 1
    low = high = np.array((place % width, place // width))
    for step in reversed(steps):
        low = low * step.stride - step.padding
        high = high * step.stride - step.padding + step.size - 1
    (left, top), (right, bottom) = low.clip(0).tolist(), (high + 1).clip(max=FRAME).tolist()
    return left, top, right, bottom
