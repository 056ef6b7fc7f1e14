"""Framed ink becomes what each layer of the network holds, and what a map of a layer looks for."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn

from inkling.imaging.mnist_frame import FRAME
from model import NON_DIGIT_CLASS, DigitCNN, normalize_ink

SHOWN = 12  # maps of a layer, at most
EXCITING = 6  # test digits shown of those that excite a map most
KERNELS = 8  # of a map's kernels that are shown: it has one for each map of the layer before


class Step(NamedTuple):
    """How places of one layer are made of places of the one before, along each side."""

    size: int = 1  # places that one is made of
    stride: int = 1  # places from one to the next
    padding: int = 0  # places beyond the edge


class Stage(NamedTuple):
    """What one layer holds for one glyph."""

    maps: np.ndarray  # (K, H, W) float32, 0 to 1 of the layer's most
    shown: tuple[int, ...]  # which of the layer's maps these are, the strongest first
    total: int  # how many of them the layer has
    step: Step  # from the layer before, or from the ink


class Inside(NamedTuple):
    """What the network holds for one glyph, from its ink to its scores."""

    stages: tuple[Stage, ...]
    features: np.ndarray  # (z,) float32, from 0
    scores: np.ndarray  # (10,) float32, logits
    speaks: np.ndarray  # (10, z) float32: what each feature adds to each digit's score


class Opened(NamedTuple):
    """What a map of a layer looks for."""

    kernels: np.ndarray  # (K, h, w) float32, -1 to 1: above 0, what is there excites it
    sources: tuple[int, ...]  # maps of the layer before that they look at; none: at the ink
    digits: tuple[int, ...]  # indices of the digits that excite it most, the most first
    boxes: tuple[tuple[int, int, int, int], ...]  # where in each: left, top, right, bottom in px


def blocks(model: DigitCNN) -> Iterator[tuple[list[nn.Module], nn.Conv2d, Step]]:
    """Yield the network's layers, block by block: its modules, its convolution, and its step."""
    modules: list[nn.Module] = []
    convolution, size, stride, padding = None, 1, 1, 0
    for layer in model.layers:
        modules.append(layer)
        if isinstance(layer, nn.PixelUnshuffle):
            size, stride = layer.downscale_factor, layer.downscale_factor
        elif isinstance(layer, nn.Conv2d):
            convolution = layer
            size += (layer.kernel_size[0] - 1) * stride
            padding = int(layer.padding[0])
        elif isinstance(layer, nn.MaxPool2d):
            pool = cast(int, layer.kernel_size)  # and its stride
            size, stride = size + (pool - 1) * stride, stride * pool
        elif isinstance(layer, nn.ReLU) and convolution:
            yield modules, convolution, Step(size, stride, padding)
            modules, convolution, size, stride, padding = [], None, 1, 1, 0


@torch.inference_mode()
def inside(model: DigitCNN, ink: np.ndarray) -> Inside:
    """Return what each layer holds for framed ink (28, 28), from one pass through the network.

    It must be in inference mode.
    """
    torch.set_num_threads(1)
    values = normalize_ink(torch.from_numpy(np.ascontiguousarray(ink, np.float32))[None, None])
    stages: list[Stage] = []
    for modules, _, step in blocks(model):
        values = nn.Sequential(*modules)(values)
        maps = values[0].numpy()  # (C, H, W)
        shown = np.argsort(-maps.sum(axis=(1, 2)), kind="stable")[:SHOWN]
        part = maps[shown] / max(maps[shown].max(), 1e-6)
        stages.append(Stage(part, tuple(shown.tolist()), len(maps), step))
    features = values.flatten()  # (z,)
    class_logits = model.layers[-1](features[None])
    digits = torch.stack([class_logits[0, :10], class_logits[0, 10:NON_DIGIT_CLASS]]).softmax(
        dim=0
    )  # (2, 10)
    weights = (
        cast(nn.Linear, model.layers[-1]).weight[:NON_DIGIT_CLASS].view(2, 10, -1)
    )  # (2, 10, z)
    speaks = (digits[..., None] * weights).sum(dim=0) * features  # (10, z)
    scores = model.digit_logits(class_logits)[0]
    return Inside(tuple(stages[:-1]), features.numpy(), scores.numpy(), speaks.numpy())


def opened(model: DigitCNN, layer: int, number: int, inks: Tensor) -> Opened:
    """Say what a map looks for: the `number`th of a layer, both from 0.

    `inks` (N, 28, 28), uint8, are digits to choose those from that excite it most.
    """
    weight = list(blocks(model))[layer][1].weight[number].detach()  # (C, 3, 3)
    sources: tuple[int, ...] = ()
    if layer == 0:  # each channel holds one of four pixels: put together, they are a stencil
        side = round(len(weight) ** 0.5)
        stencil = weight.view(side, side, 3, 3).permute(2, 0, 3, 1)
        kernels = stencil.reshape(1, 3 * side, 3 * side)
    else:
        order = weight.square().sum(dim=(1, 2)).argsort(descending=True)[:KERNELS]
        kernels, sources = weight[order], tuple(order.tolist())
    most, places = peaks(model, layer, inks)
    best = most[:, number].argsort(descending=True)[:EXCITING]
    boxes = tuple(in_ink(model, layer, int(places[k, number])) for k in best)
    scaled = (kernels / kernels.abs().max()).numpy()
    return Opened(scaled, sources, tuple(best.tolist()), boxes)


@lru_cache(maxsize=8)
@torch.inference_mode()
def peaks(model: DigitCNN, layer: int, inks: Tensor) -> tuple[Tensor, Tensor]:
    """Return how much each map of a layer responds to inks at most, and where: (N, C) each."""
    torch.set_num_threads(1)
    values = normalize_ink(inks[:, None].float() / 255)
    for modules, _, _ in list(blocks(model))[: layer + 1]:
        values = nn.Sequential(*modules)(values)
    return values.flatten(2).max(dim=2)


def in_ink(model: DigitCNN, layer: int, place: int) -> tuple[int, int, int, int]:
    """Return what part of the ink a place of a layer sees: left, top, right, bottom in px."""
    steps = [step for _, _, step in blocks(model)][: layer + 1]
    width = FRAME
    for step in steps:
        width = (width + 2 * step.padding - step.size) // step.stride + 1
    bounds = []
    for at in (place % width, place // width):
        low = high = at
        for step in reversed(steps):
            low = low * step.stride - step.padding
            high = high * step.stride - step.padding + step.size - 1
        bounds.append((max(0, low), min(FRAME, high + 1)))
    (left, right), (top, bottom) = bounds
    return left, top, right, bottom
