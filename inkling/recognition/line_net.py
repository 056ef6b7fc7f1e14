"""A line of ink becomes a number: one network slides over it and says which digit stands where."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inkling.imaging.mnist_frame import thicken
from model import standardised

LINE = 32  # px, height of a line as the network sees it
TALL = 28  # px, of the ink in it
MARGIN = 8  # px of paper before and after
STEP = 2  # px from one place at which the network answers to the next
WIDTHS = (24, 32, 48, 72, 96)  # channels; between them the height is halved, but for the first
BLANK = 10  # what it answers between digits
# What a line may say.
TEXTS = 4  # texts: with the first alone 89.5 % of 200 held-out touching pairs were read, now 94 %
BEAM = 12  # ways to them that are followed
UNLIKELY = -6.0  # log-probability below which an answer is not followed


class LineNet(nn.Module):
    """Convolutions along a line: ink (N, 1, 32, W) to log-probabilities (N, W / 2, 11)."""

    def __init__(self) -> None:
        """Build the network with random weights."""
        super().__init__()
        layers: list[nn.Module] = [nn.PixelUnshuffle(STEP)]  # (N, 4, 16, W / 2)
        channels = 4
        for k, width in enumerate(WIDTHS):
            last = k == len(WIDTHS) - 1
            kernel, padding = ((2, 5), (0, 2)) if last else ((3, 3), (1, 1))
            layers.append(nn.Conv2d(channels, width, kernel, padding=padding, bias=False))
            layers += [nn.BatchNorm2d(width), nn.ReLU()]
            layers += [nn.MaxPool2d((2, 1))] if k > 0 and not last else []
            channels = width
        layers.append(nn.Conv2d(channels, 96, (1, 5), padding=(0, 4), dilation=(1, 2), bias=False))
        layers += [nn.BatchNorm2d(96), nn.ReLU(), nn.Dropout2d(0.1), nn.Conv2d(96, BLANK + 1, 1)]
        self.layers = nn.Sequential(*layers)

    def forward(self, ink: Tensor) -> Tensor:
        """Return log-probabilities (N, W / 2, 11) of the ten digits and of none."""
        return self.layers(standardised(ink))[:, :, 0].transpose(1, 2).log_softmax(dim=2)


class Text(NamedTuple):
    """What a line may say."""

    digits: tuple[int, ...]
    middles: tuple[float, ...]  # where each of them stands, px of the ink


class Line(NamedTuple):
    """What the network makes of a line of ink."""

    answers: Tensor  # (T, 11), log-probabilities of the ten digits and of none at each place
    texts: list[Text]  # what it may say, the likeliest first

    def likelihood(self, digits: Sequence[int]) -> float:
        """Return the logarithm of how likely the line says just these digits."""
        return float(self.likelihoods([digits])[0])

    def likelihoods(self, texts: Sequence[Sequence[int]]) -> np.ndarray:
        """Return the logarithms of how likely the line says each of N texts, (N,).

        By connectionist temporal classification (Graves et al. 2006).
        """
        flat = torch.tensor([digit for text in texts for digit in text], dtype=torch.long)
        lengths = torch.tensor([len(text) for text in texts])
        answers = self.answers[:, None].expand(-1, len(texts), -1)
        places = torch.full_like(lengths, len(self.answers))
        return -F.ctc_loss(answers, flat, places, lengths, BLANK, "none").numpy()

    def opinions(self, digits: Sequence[int]) -> np.ndarray:
        """Return how likely each place of a text holds each digit, or none, (N, 11), rows of sum 1.

        The others are taken to be as they are.
        """
        texts = [
            [*digits[:k], *([digit] if digit != BLANK else []), *digits[k + 1 :]]
            for k in range(len(digits))
            for digit in range(BLANK + 1)
        ]
        logs = self.likelihoods(texts).reshape(len(digits), BLANK + 1)
        shares = np.exp(logs - logs.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)


@torch.inference_mode()
def read_line(ink: np.ndarray, net: LineNet) -> Line:
    """Read a line's ink (H, W), cropped."""
    torch.set_num_threads(1)  # of this thread: on lines this small a second one costs time
    framed = framed_line(ink)
    answers = net(torch.from_numpy(framed)[None, None])[0]
    unit = magnified(ink, framed)
    texts = [
        Text(digits, tuple(((t + 0.5) * STEP - MARGIN) / unit for t in places))
        for digits, places in likeliest_texts(answers.numpy())
    ]
    return Line(answers, texts)


def likeliest_texts(answers: np.ndarray) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return what answers (T, 11) may say, and the places of the digits: the likeliest texts first.

    By a beam search for the likeliest way through the answers to each text.
    """
    # Text and last answer: log-probability and places.
    ways: dict[tuple, tuple[float, tuple[int, ...]]] = {((), BLANK): (0.0, ())}
    for t, answer in enumerate(answers):
        further: dict[tuple, tuple[float, tuple[int, ...]]] = {}
        for (digits, last), (score, places) in ways.items():
            for label in np.flatnonzero(answer > UNLIKELY).tolist():
                if label in (BLANK, last):
                    key, way = (digits, label), (score + answer[label], places)
                else:
                    key = ((*digits, label), label)
                    way = score + answer[label], (*places, t)
                if key not in further or way > further[key]:
                    further[key] = way
        ways = dict(sorted(further.items(), key=lambda item: -item[1][0])[:BEAM])
    texts: dict[tuple[int, ...], tuple[int, ...]] = {}
    for (digits, _), (_, places) in ways.items():
        texts.setdefault(digits, places)
    return list(texts.items())[:TEXTS]


def framed_line(ink: np.ndarray) -> np.ndarray:
    """Return a line's ink (H, W), cropped, as the network sees it: (32, an even number) float32."""
    ink = thicken(ink, len(ink))
    scale = TALL / len(ink)
    width = max(2, round(ink.shape[1] * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(ink, (width, TALL), interpolation=method)
    framed = np.zeros((LINE, width + 2 * MARGIN + width % STEP), np.float32)
    above = (LINE - TALL) // 2
    framed[above : above + TALL, MARGIN : MARGIN + width] = small / max(small.max(), 1e-6)
    return framed


def framed_place(column: float, ink: np.ndarray, framed: np.ndarray) -> float:
    """Return where a column of a line's ink stands in the framed line, px."""
    return MARGIN + column * magnified(ink, framed)


def magnified(ink: np.ndarray, framed: np.ndarray) -> float:
    """Return how much wider a framed line is than its ink."""
    return (framed.shape[1] - 2 * MARGIN) / ink.shape[1]
