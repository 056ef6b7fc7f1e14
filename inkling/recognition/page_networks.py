"""The two networks that find ink and read lines: read from their files when they are first needed.

`python -m data.networks.build` trains them. They know nothing of your checkpoint:
what ink looks like on paper, and where in a line digits stand, does not change with it.
"""

from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from inkling.recognition.ink_net import InkNet
from inkling.recognition.line_net import LineNet

NETWORKS = Path(__file__).parents[2] / "data" / "networks"
Network = TypeVar("Network", bound=nn.Module)


@cache
def ink_net() -> InkNet:
    """Return the network that finds ink."""
    return ready(InkNet(), "ink")


@cache
def line_net() -> LineNet:
    """Return the network that reads lines."""
    return ready(LineNet(), "line")


def ready(network: Network, name: str) -> Network:
    """Return a network with the weights of a file, normalisations folded into convolutions."""
    tensors = load_file(NETWORKS / f"{name}.safetensors")
    network.load_state_dict({key: tensor.float() for key, tensor in tensors.items()})
    network.eval()
    for block in network.modules():
        for k, (layer, following) in enumerate(pairwise(block.children())):
            if isinstance(layer, nn.Conv2d) and isinstance(following, nn.BatchNorm2d):
                block.set_submodule(str(k), fuse_conv_bn_eval(layer, following))
                block.set_submodule(str(k + 1), nn.Identity())
    return network.to(memory_format=torch.channels_last)
