"""Transcribe a line of handwriting by its brightness: CTC and beam search."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from inkling.recognition.page_networks import standardize
from model import (
    COLUMN_STRIDE_PX,
    CTC_BLANK,
    CTC_SIGN,
    LINE_HEIGHT_PX,
    LINE_MULTIPLE_PX,
    LineNet,
)

MAX_LINE_WIDTH_PX = 1200  # of a line at height 32: longer ones are squeezed
LOCAL_PX = 25  # side of the window whose brightness a place is compared with
NO_DIGIT = 10  # class that is a sign or nothing, once a line is read
MAX_HYPOTHESES = 4  # texts: 94 % of 200 held-out touching pairs are read, 89.5 % with 1
BEAM_WIDTH = 12  # paths
MIN_LOG_PROB = -6.0  # of a class: below it, no path goes through it


def standardize_line(light: np.ndarray) -> np.ndarray:
    """Return brightness (32, W), 0 to 1, as the line network takes it, (2, 32, W) float32."""
    return standardize(light, LOCAL_PX)


def resize_line(light: np.ndarray, width: int) -> np.ndarray:
    """Resize a line's brightness (H, W) to (32, width)."""
    method = cv2.INTER_AREA if len(light) > LINE_HEIGHT_PX else cv2.INTER_CUBIC
    return cv2.resize(light, (width, LINE_HEIGHT_PX), interpolation=method)


class Text(NamedTuple):
    """A transcription of a line."""

    digits: tuple[int, ...]
    middles: tuple[float, ...]  # where each of them stands, px of the crop


class Line(NamedTuple):
    """The network's output for a line."""

    log_probs: Tensor  # (T, 11) of the ten digits and of none, in each column
    texts: list[Text]  # hypotheses, the likeliest first

    def log_likelihood(self, digits: Sequence[int]) -> float:
        """Return the log-likelihood of just these digits."""
        return float(self.log_likelihoods([digits])[0])

    def log_likelihoods(self, texts: Sequence[Sequence[int]]) -> np.ndarray:
        """Return the log-likelihoods of N texts, (N,).

        By connectionist temporal classification (Graves et al. 2006).
        """
        flat = torch.tensor([digit for text in texts for digit in text], dtype=torch.long)
        lengths = torch.tensor([len(text) for text in texts])
        log_probs = self.log_probs[:, None].expand(-1, len(texts), -1)
        columns = torch.full_like(lengths, len(self.log_probs))
        return -F.ctc_loss(log_probs, flat, columns, lengths, NO_DIGIT, "none").numpy()

    def shares(self, digits: Sequence[int]) -> np.ndarray:
        """Return the probabilities that each place of a text holds each digit, or none, (N, 11).

        The other places are taken to be as they are.
        """
        texts = [
            [*digits[:k], *([digit] if digit != NO_DIGIT else []), *digits[k + 1 :]]
            for k in range(len(digits))
            for digit in range(NO_DIGIT + 1)
        ]
        logs = self.log_likelihoods(texts).reshape(len(digits), NO_DIGIT + 1)
        shares = np.exp(logs - logs.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)


@torch.inference_mode()
def read_line(light: np.ndarray, net: LineNet) -> Line:
    """Transcribe a line's brightness (H, W), 0 to 1, cropped to its writing."""
    torch.set_num_threads(1)  # of this thread: on lines this small a second one costs time
    width = min(MAX_LINE_WIDTH_PX, max(8, round(light.shape[1] * LINE_HEIGHT_PX / len(light))))
    crop = standardize_line(resize_line(light.astype(np.float32), width))
    crop = np.pad(crop, ((0, 0), (0, 0), (0, -width % LINE_MULTIPLE_PX)))
    log_probs = net(torch.from_numpy(crop)[None])[0]  # (T, 12)
    none = torch.logaddexp(log_probs[:, CTC_SIGN], log_probs[:, CTC_BLANK])
    log_probs = torch.cat([log_probs[:, :CTC_SIGN], none[:, None]], dim=1)
    unit = light.shape[1] / width
    texts = [
        Text(digits, tuple((c + 0.5) * COLUMN_STRIDE_PX * unit for c in columns))
        for digits, columns in search_texts(log_probs.numpy())
    ]
    return Line(log_probs, texts)


def search_texts(log_probs: np.ndarray) -> list[tuple[tuple[int, ...], tuple[float, ...]]]:
    """Return texts that a line (T, 11) may say, the likeliest first, and their digits' columns.

    By a beam search for the likeliest path through the columns to each text.
    """
    # Text and last class: log-probability, first and last column of each digit.
    paths: dict[tuple, tuple[float, tuple[tuple[int, int], ...]]] = {((), NO_DIGIT): (0.0, ())}
    for t, column in enumerate(log_probs):
        extended: dict[tuple, tuple[float, tuple[tuple[int, int], ...]]] = {}
        for (digits, last), (score, spans) in paths.items():
            for label in np.flatnonzero(column > MIN_LOG_PROB).tolist():
                path = score + column[label], spans
                if label == NO_DIGIT:
                    key = digits, label
                elif label == last:
                    key, path = (digits, label), (path[0], (*spans[:-1], (spans[-1][0], t)))
                else:
                    key, path = ((*digits, label), label), (path[0], (*spans, (t, t)))
                if key not in extended or path[0] > extended[key][0]:
                    extended[key] = path
        paths = dict(sorted(extended.items(), key=lambda item: -item[1][0])[:BEAM_WIDTH])
    texts: dict[tuple[int, ...], tuple[float, ...]] = {}
    for (digits, _), (_, spans) in paths.items():
        texts.setdefault(digits, tuple((first + last) / 2 for first, last in spans))
    return list(texts.items())[:MAX_HYPOTHESES]
