"""Vary batches of digits at random: shifts and affine distortion."""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from inkling.datasets.mnist import Digits


class Distortion(NamedTuple):
    """Limits of a random distortion, in either direction."""

    shift: float  # px
    rotation: float  # degrees
    stretch: float  # of the width and of the height
    shear: float  # of the height


def shift(pixels: Tensor, max_px: int, generator: Generator) -> Tensor:
    """Return the batch (N, 1, H, W) with each picture shifted by whole pixels in x and y."""
    height, width = pixels.shape[2:]
    padded = F.pad(pixels, 4 * (max_px,))  # new border is paper
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # (N, 1, rows, columns, H, W)
    offsets = torch.randint(0, 2 * max_px + 1, (2, len(pixels)), generator=generator)
    rows, columns = offsets.to(pixels.device)
    return windows[torch.arange(len(pixels), device=pixels.device), :, rows, columns]


def distort(ink: Tensor, limits: Distortion, generator: Generator) -> Tensor:
    """Return the batch (N, 1, H, W) with a random affine distortion of each picture."""

    def up_to(limit: float) -> Tensor:
        return (2 * torch.rand(len(ink), generator=generator) - 1) * limit

    angle, shear, width, height = (
        up_to(math.radians(limits.rotation)),
        up_to(limits.shear),
        *(1 + up_to(limits.stretch) for _ in "xy"),
    )
    px = 2 / ink.shape[-1]  # in the grid's unit, which runs from -1 to 1
    x = torch.stack(
        [angle.cos() / width, (shear - angle.sin()) / width, up_to(limits.shift) * px], dim=1
    )
    y = torch.stack([angle.sin() / height, angle.cos() / height, up_to(limits.shift) * px], dim=1)
    matrices = torch.stack([x, y], dim=1).to(ink.device)  # (N, 2, 3)
    grid = F.affine_grid(matrices, list(ink.shape), align_corners=False)
    distorted = F.grid_sample(ink, grid, mode="bicubic", align_corners=False)  # outside is paper
    return distorted.clamp(0, 1)


def augment(pixels: Tensor, limits: Distortion, share: float, generator: Generator) -> Tensor:
    """Shift pixels (N, 1, 28, 28), uint8, or distort a share of them, which blurs: ink."""
    varied = to_ink(shift(pixels, int(limits.shift), generator))
    if share:
        chosen = torch.rand(len(pixels), generator=generator) < share
        varied[chosen] = distort(to_ink(pixels[chosen]), limits, generator)
    return varied


def repeat_distorted(
    digits: Digits, count: int, limits: Distortion, generator: Generator
) -> Digits:
    """Return `count` distorted copies of digits, the same number of each."""
    order = torch.randperm(len(digits.labels), generator=generator)
    chosen = order[torch.arange(count) % len(order)]
    return Digits(distort(digits.ink[chosen], limits, generator), digits.labels[chosen])


def to_pixels(ink: Tensor) -> Tensor:
    """Return ink as uint8, 0 to 255: a quarter of the memory."""
    return (255 * ink).round_().byte()


def to_ink(pixels: Tensor) -> Tensor:
    """Return uint8 pixels as ink."""
    return pixels.float() / 255
