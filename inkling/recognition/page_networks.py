"""The ink network and the line network: loaded when first needed, and what they take.

`python -m data.networks.build` trains them. They do not depend on the checkpoint: what ink looks
like on paper, and where in a line digits stand, does not change with it.
"""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from safetensors.torch import load_file

from model import InkNet, LineNet, Network, fuse_batch_norm

NETWORKS = Path(__file__).parents[2] / "data" / "networks"
MIN_SPREAD = 1e-4  # standard deviation of brightness: below it there is nothing to see
MAX_DEVIATION = 6.0  # standard deviations


@cache
def ink_net() -> InkNet:
    """Return the network that finds ink."""
    return load_network(InkNet(), "ink")


@cache
def line_net() -> LineNet:
    """Return the network that reads lines."""
    return load_network(LineNet(), "line")


def load_network(network: Network, name: str) -> Network:
    """Return a network for reading alone, with the weights of a file."""
    tensors = load_file(NETWORKS / f"{name}.safetensors")
    network.load_state_dict({key: tensor.float() for key, tensor in tensors.items()})
    return fuse_batch_norm(network)


def standardize(light: np.ndarray, window_px: int) -> np.ndarray:
    """Return brightness (H, W) as a network takes it, (2, H, W) float32.

    Once against the whole picture, and once against a window around each place.
    """
    light = light.astype(np.float32)
    spread = float(light.std())
    overall = (light - float(light.mean())) / max(spread, MIN_SPREAD)
    window = (window_px, window_px)
    mean, square = cv2.blur(light, window), cv2.blur(light * light, window)
    local = (light - mean) / np.sqrt((square - mean * mean).clip(0) + (0.1 * spread) ** 2 + 1e-8)
    return np.stack([overall, local]).clip(-MAX_DEVIATION, MAX_DEVIATION)
