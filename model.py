"""Every network: the digit network, the ink network and the line network.

`DigitCNN` maps the ink of a glyph to logits and calibrated probabilities. Ink is float32, shape
(N, 1, 28, 28), range 0 to 1: 0 = paper, 1 = ink, framed as MNIST frames its digits. Mean and
standard deviation are constants of the model. `InkNet` and `LineNet` take
brightness that `inkling.recognition.page_networks` standardizes.
"""

import copy
from collections.abc import Sequence
from itertools import chain, pairwise
from typing import NamedTuple, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

NON_DIGIT_CLASS, MULTI_DIGIT_CLASS = 20, 21  # after MNIST's ten digits and ten drawn ones
INK_MEAN, INK_STD = 0.1307, 0.3081  # of MNIST's 60,000 training images
INK_NET_WIDTHS = (16, 24, 32, 48, 48)  # channels at 1/2 of the picture's size, 1/4, and so on
INK_NET_MULTIPLE_PX = 2 ** len(INK_NET_WIDTHS)  # sides of its pictures are multiples of this
LINE_NET_WIDTHS = (24, 48, 80, 192)  # channels
LINE_HEIGHT_PX = 32  # of a line as the network sees it
COLUMN_STRIDE_PX = 2  # from one column of the network's output to the next
LINE_MULTIPLE_PX = 4  # widths of lines are multiples of this
CTC_SIGN, CTC_BLANK = 10, 11  # classes after the ten digits: writing that is no digit, nothing
LABEL_ERROR_RATE = 0.0015  # of MNIST's test labels: `evaluation.metrics` lists the images


class Prediction(NamedTuple):
    """The output of `DigitCNN.predict` for ink (N, 1, 28, 28)."""

    probabilities: Tensor  # (N, 10), calibrated, rows summing to 1
    not_a_digit: Tensor  # (N,), 0 to 1; above 0.5 it is refused
    best_log_prob: Tensor  # (N,), of being a digit, and the most probable one
    multi_digit_logit: Tensor  # (N,), of several digits against no digit


def normalize_ink(ink: Tensor) -> Tensor:
    """Scale ink to about mean 0 and standard deviation 1."""
    return (ink - INK_MEAN) / INK_STD


def conv_block(
    channels_in: int,
    channels_out: int,
    kernel: tuple[int, int] = (3, 3),
    padding: tuple[int, int] = (0, 0),
    dilation: int = 1,
    pool: bool = False,
) -> list[nn.Module]:
    """Build a convolution, optional max pooling by 2, batch normalization and ReLU."""
    convolution = nn.Conv2d(
        channels_in, channels_out, kernel, padding=padding, dilation=(1, dilation), bias=False
    )
    pooling = [nn.MaxPool2d(2)] if pool else []
    return [convolution, *pooling, nn.BatchNorm2d(channels_out), nn.ReLU()]


class WholeConv2d(nn.Conv2d):
    """A convolution whose kernel covers all of its input (N, C, k, k): trained as one product.

    In bfloat16 the product's gradients are 5 times as fast as the convolution's.
    """

    def forward(self, values: Tensor) -> Tensor:
        """Return the output (N, channels, 1, 1)."""
        if not self.training:
            return super().forward(values)
        flat, weight = (x.permute(0, 2, 3, 1).flatten(1) for x in (values, self.weight))
        return F.linear(flat, weight)[:, :, None, None]


class DigitCNN(nn.Module):
    """A small convolutional network: ink (N, 1, 28, 28) to logits (N, 10)."""

    def __init__(self, widths: Sequence[int]):
        """Build the network with random weights; `widths` are its 4 or more blocks' channels."""
        super().__init__()
        self.widths = tuple(widths)
        a, b, *middle, y, z = self.widths
        self.layers = nn.Sequential(
            nn.PixelUnshuffle(2),  # (N, 4, 14, 14): each place holds 2 x 2 px, on a quarter the map
            *conv_block(4, a),  # (N, a, 12, 12)
            *conv_block(a, b, pool=True),  # (N, b, 5, 5)
            *chain.from_iterable(  # (N, c, 5, 5) each
                conv_block(c, d, padding=(1, 1)) for c, d in pairwise([b, *middle])
            ),
            *conv_block(self.widths[-3], y),  # (N, y, 3, 3)
            WholeConv2d(y, z, 3, bias=False),  # (N, z, 1, 1)
            nn.BatchNorm2d(z),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(z, 22),  # (N, 22)
        )
        # Fitted on held-out digits after training. The temperature makes probabilities honest (Guo
        # et al. 2017, arXiv 1706.04599); for a few digits doubt is above the ceiling.
        self.temperature = nn.Buffer(torch.ones(()))
        self.doubt_ceiling = nn.Buffer(torch.full((), 100.0))
        self.doubt_scale = nn.Buffer(torch.ones(()))

    def features(self, ink: Tensor) -> Tensor:
        """Compute the inputs of the last layer, (N, widths[-1]), for ink (N, 1, 28, 28)."""
        values = normalize_ink(ink)
        for layer in list(self.layers)[:-1]:  # a slice would build a new module each time
            values = layer(values)
        return values

    def class_logits(self, ink: Tensor) -> Tensor:
        """Return class logits (N, 22) for ink (N, 1, 28, 28).

        Classes: MNIST digits, drawn digits, `NON_DIGIT_CLASS`, `MULTI_DIGIT_CLASS`. Scanned and
        drawn digits are separate classes: one shape can be a 7 in MNIST and a flagged 1 elsewhere.
        Mostly the line quality separates drawings from scans.
        """
        return self.layers[-1](self.features(ink))

    def forward(self, ink: Tensor) -> Tensor:
        """Return digit logits (N, 10) for ink (N, 1, 28, 28)."""
        return self.digit_logits(self.class_logits(ink))

    def digit_logits(self, class_logits: Tensor) -> Tensor:
        """Sum the probabilities of a digit's two classes: logits (N, 22) to (N, 10)."""
        return class_logits[:, :NON_DIGIT_CLASS].unflatten(1, (2, 10)).logsumexp(dim=1)

    def predict(self, ink: Tensor) -> Prediction:
        """Predict digits and rejections for ink (N, 1, 28, 28)."""
        logits = self.class_logits(ink).float()
        probabilities = calibrated_softmax(self.digit_logits(logits), self.temperature)
        rejection = rejection_logit(logits)
        excess = (rejection - self.doubt_ceiling) / self.doubt_scale
        best_log_prob = probabilities.amax(dim=1).log() - F.softplus(rejection)
        multi_digit_logit = logits[:, MULTI_DIGIT_CLASS] - logits[:, NON_DIGIT_CLASS]
        return Prediction(probabilities, excess.sigmoid(), best_log_prob, multi_digit_logit)


def rejection_logit(class_logits: Tensor) -> Tensor:
    """Return the logit of not being one digit, (N,), for class logits (N, 22)."""
    digits, others = class_logits.split(NON_DIGIT_CLASS, dim=1)
    return others.logsumexp(dim=1) - digits.logsumexp(dim=1)


def calibrated_softmax(logits: Tensor, temperature: Tensor) -> Tensor:
    """Return probabilities (N, 10) for digit logits (N, 10), capped by MNIST's label noise."""
    return (1 - LABEL_ERROR_RATE) * (logits / temperature).softmax(dim=1) + LABEL_ERROR_RATE / 10


class InkNet(nn.Module):
    """A U-Net of 129,000 weights: pictures (N, 2, H, W) to logits of ink (N, 1, H, W)."""

    def __init__(self) -> None:
        super().__init__()
        widths = INK_NET_WIDTHS
        joined = [wide + fine for wide, fine in zip(widths[:0:-1], widths[-2::-1], strict=True)]

        def blocks(channels_in: Sequence[int], channels_out: Sequence[int]) -> nn.ModuleList:
            pairs = zip(channels_in, channels_out, strict=True)
            return nn.ModuleList(nn.Sequential(*conv_block(*p, padding=(1, 1))) for p in pairs)

        self.down = blocks((8, *widths[:-1]), widths)
        self.up = blocks(joined, widths[-2::-1])
        self.ink = nn.Conv2d(widths[0], 4, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return logits of ink; sides must be multiples of `INK_NET_MULTIPLE_PX`."""
        values = F.pixel_unshuffle(pictures, 2)  # (N, 8, H / 2, W / 2)
        kept: list[Tensor] = []
        for layer in self.down:
            values = layer(F.max_pool2d(values, 2) if kept else values)
            kept.append(values)
        kept.pop()
        for layer in self.up:
            values = F.interpolate(values, scale_factor=2.0)
            values = layer(torch.cat([values, kept.pop()], dim=1))
        return F.pixel_shuffle(self.ink(values), 2)


class Residual(nn.Module):
    """A convolution whose output is added to its input, (N, C, H, W)."""

    def __init__(self, channels: int, kernel: tuple[int, int], dilation: int = 1):
        super().__init__()
        padding = kernel[0] // 2, dilation * (kernel[1] // 2)
        self.layers = nn.Sequential(*conv_block(channels, channels, kernel, padding, dilation))

    def forward(self, values: Tensor) -> Tensor:
        """Return the sum."""
        return values + self.layers(values)


class LineNet(nn.Module):
    """A CTC network of 627,000 weights: lines (N, 2, 32, W), W a multiple of 4, to columns."""

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d = LINE_NET_WIDTHS
        self.layers = nn.Sequential(
            nn.PixelUnshuffle(2),  # (N, 8, 16, W / 2)
            *conv_block(8, a, padding=(1, 1)),
            nn.MaxPool2d((2, 1)),  # (N, a, 8, W / 2)
            *conv_block(a, b, padding=(1, 1)),
            nn.MaxPool2d(2),  # (N, b, 4, W / 4)
            *conv_block(b, c, padding=(1, 1)),
            Residual(c, (3, 3)),
            *conv_block(c, d, (4, 3), (0, 1)),  # (N, d, 1, W / 4)
            *(Residual(d, (1, 3), dilation) for dilation in (1, 2, 4)),
            nn.Dropout2d(0.1),
            nn.Conv2d(d, 2 * (CTC_BLANK + 1), 1),  # of two columns
        )

    def forward(self, lines: Tensor) -> Tensor:
        """Return log-probabilities (N, W / 2, 12): ten digits, a sign, nothing."""
        logits = self.layers(lines)[:, :, 0]  # (N, 24, W / 4)
        pairs = logits.unflatten(1, (2, CTC_BLANK + 1)).permute(0, 3, 1, 2)  # (N, W / 4, 2, 12)
        return pairs.flatten(1, 2).float().log_softmax(dim=2)


def merge_non_digits(log_probs: Tensor) -> Tensor:
    """Merge a sign and blank to none: log-probabilities (N, W / 2, 12) to (N, W / 2, 11)."""
    none = log_probs[:, :, CTC_SIGN:].logsumexp(dim=2, keepdim=True)
    return torch.cat([log_probs[:, :, :CTC_SIGN], none], dim=2)


Network = TypeVar("Network", bound=nn.Module)


def fuse_batch_norm(model: Network) -> Network:
    """Return a copy for inference, batch normalization in the convolutions: an eighth faster."""
    model = copy.deepcopy(model).eval()
    for name, block in reversed([*model.named_modules()]):  # inner blocks first
        if isinstance(block, nn.Sequential):
            layers: list[nn.Module] = []
            for layer in block:
                last = layers[-1] if layers else None
                if isinstance(layer, nn.BatchNorm2d) and isinstance(last, nn.Conv2d):
                    layers[-1] = fuse_conv_bn_eval(last, layer)
                else:
                    layers.append(layer)
            model.set_submodule(name, nn.Sequential(*layers))
    return model.to(memory_format=torch.channels_last)
