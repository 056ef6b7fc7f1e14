"""A picture becomes the chance of ink at each of its places: a small network that knows paper."""

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDTHS = (16, 24, 32, 48, 48)  # channels at a half of the picture's size, a quarter, and so on
COARSEST = 2 ** len(WIDTHS)  # px: sides are filled up to a multiple of this


def block(channels_in: int, channels_out: int) -> nn.Sequential:
    """Return a 3 x 3 convolution with what follows it."""
    convolution = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels_out), nn.ReLU())


class InkNet(nn.Module):
    """A U-Net of 129,000 weights: pictures (N, 2, H, W) to logits of ink (N, 1, H, W)."""

    def __init__(self) -> None:
        """Build the network with random weights."""
        super().__init__()
        self.down = nn.ModuleList(map(block, (8, *WIDTHS[:-1]), WIDTHS))
        joined = [wide + fine for wide, fine in zip(WIDTHS[:0:-1], WIDTHS[-2::-1], strict=True)]
        self.up = nn.ModuleList(map(block, joined, WIDTHS[-2::-1]))
        self.ink = nn.Conv2d(WIDTHS[0], 4, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return logits of ink; sides must be multiples of `COARSEST`."""
        values = F.pixel_unshuffle(pictures, 2)
        kept: list[Tensor] = []
        for layer in self.down:
            values = layer(F.max_pool2d(values, 2) if kept else values)
            kept.append(values)
        kept.pop()
        for layer in self.up:
            values = F.interpolate(values, scale_factor=2.0)
            values = layer(torch.cat([values, kept.pop()], dim=1))
        return F.pixel_shuffle(self.ink(values), 2)


def standardised(light: np.ndarray) -> np.ndarray:
    """Return brightness (H, W) as the network sees it, (2, H, W) float32.

    Once against the whole picture, and once against what is around each place.
    """
    light = light.astype(np.float32)
    spread = float(light.std())
    overall = (light - float(light.mean())) / max(spread, 1e-4)
    window = (max(light.shape) // 8) | 1
    mean, square = cv2.blur(light, (window, window)), cv2.blur(light * light, (window, window))
    local = (light - mean) / np.sqrt((square - mean * mean).clip(0) + (0.1 * spread) ** 2 + 1e-8)
    return np.stack([overall.clip(-6, 6), local.clip(-6, 6)])
