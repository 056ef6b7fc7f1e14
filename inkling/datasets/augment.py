"""A batch of ink becomes another batch of the same digits, each moved or distorted at random."""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


def shift(ink: Tensor, reach: int, generator: torch.Generator) -> Tensor:
    """Return the batch with every picture moved by -reach to reach whole pixels each way."""
    n, _, height, width = ink.shape
    offsets = torch.randint(0, 2 * reach + 1, (2, n, 1), generator=generator).to(ink.device)
    rows = offsets[0] + torch.arange(height, device=ink.device)  # (N, 28)
    columns = offsets[1] + torch.arange(width, device=ink.device)  # (N, 28)
    picture = torch.arange(n, device=ink.device)[:, None, None]
    padded = F.pad(ink, (reach, reach, reach, reach))  # new border is paper
    return padded[picture, 0, rows[:, :, None], columns[:, None, :]].unsqueeze(1)


class Distortion(NamedTuple):
    """How far a picture is distorted, at most, either way."""

    shift: float  # px
    turn: float  # degrees
    stretch: float  # of its width and of its height
    slant: float  # of its height


def distort(ink: Tensor, most: Distortion, generator: torch.Generator) -> Tensor:
    """Return the batch with every picture moved, turned, stretched and slanted a little."""

    def up_to(limit: float) -> Tensor:
        return (2 * torch.rand(len(ink), generator=generator) - 1) * limit

    angle, lean, wide, high = (
        up_to(math.radians(most.turn)),
        up_to(most.slant),
        *(1 + up_to(most.stretch) for _ in "xy"),
    )
    px = 2 / ink.shape[-1]  # in the grid's unit, which runs from -1 to 1
    x = torch.stack(
        [angle.cos() / wide, (lean - angle.sin()) / wide, up_to(most.shift) * px], dim=1
    )
    y = torch.stack([angle.sin() / high, angle.cos() / high, up_to(most.shift) * px], dim=1)
    where = torch.stack([x, y], dim=1).to(ink.device)  # (N, 2, 3)
    grid = F.affine_grid(where, list(ink.shape), align_corners=False)
    moved = F.grid_sample(ink, grid, mode="bicubic", align_corners=False)  # outside is paper
    return moved.clamp(0, 1)
