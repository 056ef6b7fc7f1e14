"""DigitCNN turns ink into logits, and logits into calibrated probabilities.

Ink is float32, shape (N, 1, 28, 28), range 0 to 1: 0 = paper, 1 = ink, framed as MNIST frames its
digits. Mean and standard deviation live in the model, so no other file knows them.
"""

import copy
from collections.abc import Sequence
from itertools import chain, pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

NONE, SEVERAL = 20, 21  # classes beside MNIST's ten digits and ten drawn ones
INK_MEAN, INK_STD = 0.1307, 0.3081  # of MNIST's 60,000 training images
LABEL_DOUBT = (
    0.0015  # share of MNIST's test labels that most people reject: evaluation.metrics.DOUBTFUL
)


class Judgement(NamedTuple):
    """What a network makes of ink (N, 1, 28, 28)."""

    probabilities: Tensor  # (N, 10), calibrated, rows summing to 1
    not_a_digit: Tensor  # (N,), 0 to 1; above 0.5 it is refused
    plausible: Tensor  # (N,), log-probability of being a digit, and the likeliest one
    several: Tensor  # (N,), logit of being several digits rather than none


def standardised(ink: Tensor) -> Tensor:
    """Return ink as the first layer takes it, with about mean 0 and standard deviation 1."""
    return (ink - INK_MEAN) / INK_STD


def block(
    channels_in: int, channels_out: int, padding: int = 0, pool: bool = False
) -> list[nn.Module]:
    """Return a 3 x 3 convolution, pooling by 2 if asked for, and what follows them."""
    convolution = nn.Conv2d(channels_in, channels_out, 3, padding=padding, bias=False)
    pooling = [nn.MaxPool2d(2)] if pool else []
    return [convolution, *pooling, nn.BatchNorm2d(channels_out), nn.ReLU()]


class DigitCNN(nn.Module):
    """A small convolutional network: ink (N, 1, 28, 28) to logits (N, 10)."""

    def __init__(self, widths: Sequence[int]):
        """Build the network with random weights; `widths` are its 4 or more blocks' channels."""
        super().__init__()
        self.widths = tuple(widths)
        a, b, *middle, y, z = self.widths
        self.layers = nn.Sequential(
            nn.PixelUnshuffle(2),  # (N, 4, 14, 14): each place holds 2 x 2 px, on a quarter the map
            *block(4, a),  # (N, a, 12, 12)
            *block(a, b, pool=True),  # (N, b, 5, 5)
            *chain.from_iterable(  # (N, c, 5, 5) each
                block(c, d, padding=1) for c, d in pairwise([b, *middle])
            ),
            *block(self.widths[-3], y),  # (N, y, 3, 3)
            *block(y, z),  # (N, z, 1, 1)
            nn.Flatten(),
            nn.Linear(z, 22),  # (N, 22)
        )
        # Fitted on held-out digits after training. The temperature makes probabilities honest (Guo
        # et al. 2017, arXiv 1706.04599); for a few digits doubt is above the ceiling.
        self.temperature: Tensor
        self.doubt_ceiling: Tensor
        self.doubt_scale: Tensor
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("doubt_ceiling", torch.full((), 100.0))
        self.register_buffer("doubt_scale", torch.ones(()))

    def features(self, ink: Tensor) -> Tensor:
        """Return what the last layer weighs up, (N, widths[-1]), for ink (N, 1, 28, 28)."""
        values = standardised(ink)
        for layer in list(self.layers)[:-1]:  # a slice would be built anew each time
            values = layer(values)
        return values

    def by_kind(self, ink: Tensor) -> Tensor:
        """Return logits (N, 22) for ink (N, 1, 28, 28): ten digits of MNIST, ten drawn, and others.

        The same shape may be a 7 in MNIST and a 1 with a flag elsewhere, so the two are learned
        as classes of their own; a drawing is mostly told from a scan by the run of its lines. The
        others are `NONE`, what is no digit at all, and `SEVERAL`, digits in rows.
        """
        return self.layers[-1](self.features(ink))

    def forward(self, ink: Tensor) -> Tensor:
        """Return logits (N, 10) for ink (N, 1, 28, 28): each digit's, of whichever kind it is."""
        return self.of_digits(self.by_kind(ink))

    def of_digits(self, by_kind: Tensor) -> Tensor:
        """Return logits (N, 10) of the digits, whichever kind they are, for logits (N, 22)."""
        return by_kind[:, :NONE].unflatten(1, (2, 10)).logsumexp(dim=1)

    def judge(self, ink: Tensor) -> Judgement:
        """Judge ink (N, 1, 28, 28)."""
        logits = self.by_kind(ink).float()
        probabilities = calibrated(self.of_digits(logits), self.temperature)
        doubts = doubt(logits)
        excess = (doubts - self.doubt_ceiling) / self.doubt_scale
        plausible = probabilities.amax(dim=1).log() - F.softplus(doubts)
        several = logits[:, SEVERAL] - logits[:, NONE]
        return Judgement(probabilities, excess.sigmoid(), plausible, several)


def doubt(by_kind: Tensor) -> Tensor:
    """Return how much more speaks for no single digit than for any, (N,), for logits (N, 22)."""
    return by_kind[:, NONE:].logsumexp(dim=1) - by_kind[:, :NONE].logsumexp(dim=1)


def calibrated(logits: Tensor, temperature: Tensor) -> Tensor:
    """Return probabilities (N, 10) for logits (N, 10); none is surer than MNIST's labels are."""
    return (1 - LABEL_DOUBT) * (logits / temperature).softmax(dim=1) + LABEL_DOUBT / 10


def fused(model: DigitCNN) -> DigitCNN:
    """Return the network for reading alone: the same answers, an eighth of the time saved.

    Where a normalisation follows a convolution directly, it is folded into its weights.
    """
    model = copy.deepcopy(model).eval()
    layers: list[nn.Module] = []
    for layer in model.layers:
        if isinstance(layer, nn.BatchNorm2d) and isinstance(layers[-1], nn.Conv2d):
            layers[-1] = fuse_conv_bn_eval(layers[-1], layer)
        else:
            layers.append(layer)
    model.layers = nn.Sequential(*layers)
    return model.to(memory_format=torch.channels_last)
