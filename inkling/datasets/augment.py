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
    n, _, height, width = pixels.shape
    offsets = torch.randint(0, 2 * max_px + 1, (2, n, 1), generator=generator).to(pixels.device)
    rows = offsets[0] + torch.arange(height, device=pixels.device)  # (N, 28)
    columns = offsets[1] + torch.arange(width, device=pixels.device)  # (N, 28)
    picture = torch.arange(n, device=pixels.device)[:, None, None]
    padded = F.pad(pixels, (max_px, max_px, max_px, max_px))  # new border is paper
    return padded[picture, 0, rows[:, :, None], columns[:, None, :]].unsqueeze(1)


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
    return (255 * ink).round().byte()


def to_ink(pixels: Tensor) -> Tensor:
    """Return uint8 pixels as ink."""
    return pixels.float() / 255
