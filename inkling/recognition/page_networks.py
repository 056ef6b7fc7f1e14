"""Load the networks that `python -m data.networks.build` trains, and standardize their inputs."""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors.torch import load_file

from model import InkNet, LineNet, Network, fuse_batch_norm

NETWORKS = Path(__file__).parents[2] / "data" / "networks"
MIN_SPREAD = 1e-4  # standard deviation of brightness: below it a picture is uniform
MAX_DEVIATION = 6.0  # standard deviations


@cache
@torch.inference_mode(False)  # its tensors cannot be traced by an exporter, nor used after it
def ink_net() -> InkNet:
    """Load the ink network, once."""
    return load_network(InkNet(), "ink")


@cache
@torch.inference_mode(False)
def line_net() -> LineNet:
    """Load the line network, once."""
    return load_network(LineNet(), "line")


def load_network(network: Network, name: str) -> Network:
    """Load the weights of a network from its file, for inference."""
    tensors = load_file(NETWORKS / f"{name}.safetensors")
    network.load_state_dict({key: tensor.float() for key, tensor in tensors.items()})
    return fuse_batch_norm(network)


def standardize(gray: np.ndarray, window_px: int) -> np.ndarray:
    """Standardize brightness (H, W), globally and in a local window: (2, H, W) float32."""
    gray = gray.astype(np.float32)
    spread = float(gray.std())
    overall = (gray - float(gray.mean())) / max(spread, MIN_SPREAD)
    window = (window_px, window_px)
    mean, square = cv2.blur(gray, window), cv2.blur(gray * gray, window)
    local = (gray - mean) / np.sqrt((square - mean * mean).clip(0) + (0.1 * spread) ** 2 + 1e-8)
    return np.stack([overall, local]).clip(-MAX_DEVIATION, MAX_DEVIATION)
