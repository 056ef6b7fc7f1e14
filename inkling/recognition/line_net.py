"""Transcribe a line of handwriting from its brightness, by CTC and beam search."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from inkling.recognition.page_networks import standardize
from model import COLUMN_STRIDE_PX, LINE_HEIGHT_PX, LINE_MULTIPLE_PX, merge_non_digits

MAX_LINE_WIDTH_PX = 1200  # at height 32: longer lines are squeezed
LOCAL_WINDOW_PX = 25  # for local standardization
NO_DIGIT_CLASS = 10  # class of a prediction: a sign, or blank
MAX_TRANSCRIPTS = 6  # 283 of 300 held-out touching pairs are read, with 4 282, with 1 279
BEAM_WIDTH = 12  # paths
MIN_LOG_PROB = -6.0  # of a class in a column: below it, the search prunes it


def standardize_line(gray: np.ndarray) -> np.ndarray:
    """Convert brightness (32, W), 0 to 1, to the line network's input, (2, 32, W) float32."""
    return standardize(gray, LOCAL_WINDOW_PX)


def resize_line(gray: np.ndarray, width: int) -> np.ndarray:
    """Resize a line's brightness (H, W) to (32, width)."""
    method = cv2.INTER_AREA if len(gray) > LINE_HEIGHT_PX else cv2.INTER_CUBIC
    return cv2.resize(gray, (width, LINE_HEIGHT_PX), interpolation=method)


class LinePrediction(NamedTuple):
    """The line network's output for a line."""

    log_probs: Tensor  # (T, 11) of the ten digits and `NO_DIGIT_CLASS`, in each column
    # Digits, and the places of their centers, px of the crop; the most probable ones first.
    transcripts: dict[tuple[int, ...], tuple[float, ...]]

    def log_likelihood(self, digits: Sequence[int]) -> float:
        """Return the log-likelihood of these digits and no others."""
        return float(self.log_likelihoods([digits])[0])

    def log_likelihoods(self, texts: Sequence[Sequence[int]]) -> np.ndarray:
        """Return the CTC log-likelihoods of N texts, (N,) (Graves et al. 2006)."""
        flat = torch.tensor([digit for text in texts for digit in text], dtype=torch.long)
        lengths = torch.tensor([len(text) for text in texts])
        log_probs = self.log_probs[:, None].expand(-1, len(texts), -1)
        columns = torch.full_like(lengths, len(self.log_probs))
        return -F.ctc_loss(log_probs, flat, columns, lengths, NO_DIGIT_CLASS, "none").numpy()

    def digit_posteriors(self, digits: Sequence[int]) -> np.ndarray:
        """Return probabilities (N, 11) of each digit or none, all others fixed; rows sum to 1."""
        texts = [
            [*digits[:k], *([digit] if digit != NO_DIGIT_CLASS else []), *digits[k + 1 :]]
            for k in range(len(digits))
            for digit in range(NO_DIGIT_CLASS + 1)
        ]
        logs = self.log_likelihoods(texts).reshape(len(digits), NO_DIGIT_CLASS + 1)
        probs = np.exp(logs - logs.max(axis=1, keepdims=True))
        return probs / probs.sum(axis=1, keepdims=True)


@torch.inference_mode()
def transcribe_line(gray: np.ndarray, net: Callable[[Tensor], Tensor]) -> LinePrediction:
    """Transcribe a line's brightness (H, W), 0 to 1, cropped to its writing."""
    torch.set_num_threads(1)  # of this thread: for lines this small a second one costs time
    width = min(MAX_LINE_WIDTH_PX, max(8, round(gray.shape[1] * LINE_HEIGHT_PX / len(gray))))
    crop = standardize_line(resize_line(gray.astype(np.float32), width))
    crop = np.pad(crop, ((0, 0), (0, 0), (0, -width % LINE_MULTIPLE_PX)))
    log_probs = merge_non_digits(net(torch.from_numpy(crop)[None]))[0]  # (T, 11)
    unit = gray.shape[1] / width
    transcripts = {
        digits: tuple((c + 0.5) * COLUMN_STRIDE_PX * unit for c in columns)
        for digits, columns in beam_search(log_probs.numpy())
    }
    return LinePrediction(log_probs, transcripts)


def beam_search(log_probs: np.ndarray) -> list[tuple[tuple[int, ...], tuple[float, ...]]]:
    """Return the most probable texts of log-probabilities (T, 11), and their digits' columns.

    A text has the score of its best path: the sum over all paths would have no columns.
    """
    # Text and last class: log-probability, first and last column of each digit.
    paths: dict[tuple, tuple[float, tuple[tuple[int, int], ...]]] = {
        ((), NO_DIGIT_CLASS): (0.0, ())
    }
    for t, column in enumerate(log_probs):
        extended: dict[tuple, tuple[float, tuple[tuple[int, int], ...]]] = {}
        for (digits, last), (score, spans) in paths.items():
            for label in np.flatnonzero(column > MIN_LOG_PROB).tolist():
                path = score + column[label], spans
                if label == NO_DIGIT_CLASS:
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
    return list(texts.items())[:MAX_TRANSCRIPTS]
