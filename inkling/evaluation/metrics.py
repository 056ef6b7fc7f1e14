"""Compute accuracy, confusion, calibration and refusals of a network."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, roc_auc_score
from torch import Tensor
from tqdm import tqdm

from inkling.datasets.image_folder import find_labelled_pictures
from inkling.datasets.mnist import Digits
from inkling.datasets.prepared import load_digits, load_kinds
from inkling.recognition.reader import Reader
from model import DigitCNN, fuse_batch_norm

# MNIST test images whose label fewer than 3 of 5 people confirmed.
# Source: `mturk/mnist_mturk.json` of cleanlab/label-errors (Northcutt et al. 2021, 2103.14749).
MISLABELED_INDICES = (
    947, 1621, 1901, 2130, 2462, 2597, 2654, 3520, 3558, 5937, 6651, 6783, 8527, 9679, 9729,
)  # fmt: skip
SCORE_BATCH = 500  # digits
TIMED_DIGITS = 100  # digits
RESAMPLES = 2_000  # of writers, for an interval
CALIBRATION_BINS = 15  # as in Guo et al. 2017, arXiv 1706.04599


class Score(NamedTuple):
    """Predictions of a network for labelled digits."""

    name: str
    labels: np.ndarray  # (N,) int
    probabilities: np.ndarray  # (N, 10) float, rows summing to 1
    not_a_digit: np.ndarray  # (N,) float, 0 to 1

    @property
    def answers(self) -> np.ndarray:
        """The most probable digits, (N,)."""
        return self.probabilities.argmax(axis=1)

    @property
    def confidence(self) -> np.ndarray:
        """The probabilities of the answers, (N,)."""
        return self.probabilities.max(axis=1)

    @property
    def right(self) -> np.ndarray:
        """Whether the answers equal the labels, (N,) bool."""
        return self.answers == self.labels

    @property
    def accuracy(self) -> float:
        """The share of right answers, 0 to 1."""
        return float(self.right.mean())

    @property
    def refused(self) -> float:
        """The share classified as no digit, 0 to 1."""
        return float((self.not_a_digit > 0.5).mean())

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the accuracy."""
        right = binomtest(int(self.right.sum()), len(self.labels))
        low, high = right.proportion_ci(0.95, method="wilson")
        return float(low), float(high)

    @property
    def by_digit(self) -> np.ndarray:
        """The share of right answers for each digit, (10,); NaN where there is none."""
        confusion = self.confusion
        with np.errstate(invalid="ignore"):
            return confusion.diagonal() / confusion.sum(axis=1)

    @property
    def confusion(self) -> np.ndarray:
        """The confusion matrix, (10, 10) int: rows are labels, columns answers."""
        return confusion_matrix(self.labels, self.answers, labels=range(10))

    def calibration(self) -> Iterator[tuple[float, float, int]]:
        """Yield mean confidence, share right and count of each non-empty bin."""
        edges = np.linspace(0, 1, CALIBRATION_BINS + 1)
        bins = np.digitize(self.confidence, edges[1:-1])
        for inside in (bins == k for k in range(CALIBRATION_BINS)):
            if inside.any():
                yield self.confidence[inside].mean(), self.right[inside].mean(), inside.sum()

    @property
    def calibration_error(self) -> float:
        """The expected calibration error, 0 to 1."""
        gaps = [abs(sure - right) * n for sure, right, n in self.calibration()]
        return float(sum(gaps) / len(self.labels))


@torch.inference_mode()
def score(name: str, model: DigitCNN, digits: Digits) -> Score:
    """Score a network on digits."""
    predictions = [model.predict(batch)[:2] for batch in digits.ink.split(SCORE_BATCH)]
    outputs = (torch.cat(parts).numpy() for parts in zip(*predictions, strict=True))
    return Score(name, digits.labels.numpy(), *outputs)


def gain_interval(before: Score, after: Score, writers: np.ndarray) -> tuple[float, float]:
    """Return a 95 % interval of the gain in accuracy on the same digits of `writers` (N,).

    It spans two: Newcombe's of paired shares (1998, method 10), which takes the digits as
    independent, and the bootstrap over writers, which counts that a writer's digits are alike.
    """
    gain = after.right.astype(float) - before.right
    varied = before.right.std() * after.right.std() > 0
    phi = float(np.corrcoef(before.right, after.right)[0, 1]) if varied else 0.0
    (old_low, old_high), (new_low, new_high) = before.interval, after.interval
    down = after.accuracy - new_low, old_high - before.accuracy
    up = new_high - after.accuracy, before.accuracy - old_low
    reach = [float(np.sqrt(a * a - 2 * phi * a * b + b * b)) for a, b in (down, up)]
    sums, counts = np.bincount(writers, gain), np.bincount(writers)
    picks = np.random.default_rng(0).integers(0, len(sums), (RESAMPLES, len(sums)))
    means = sums[picks].sum(axis=1) / counts[picks].sum(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    mean = float(gain.mean())
    return min(mean - reach[0], float(low)), max(mean + reach[1], float(high))


def compare_networks(
    before: DigitCNN, after: DigitCNN, sets: dict[str, Digits], writers: np.ndarray
) -> tuple[list[dict], tuple[float, float]]:
    """Return shares read right and refused for each set, and `gain_interval` of the first."""
    pairs = [
        {"before": score(name, before, digits), "after": score(name, after, digits)}
        for name, digits in sets.items()
    ]
    rows = [
        {k: {"right": s.accuracy, "refused": s.refused} for k, s in pair.items()}
        | {"name": pair["after"].name, "count": len(pair["after"].labels)}
        for pair in pairs
    ]
    return rows, gain_interval(**pairs[0], writers=writers)


def to_summary(one: Score) -> dict:
    """Return a score's figures as JSON values, None for NaN."""
    return {
        "digits": len(one.labels),
        "accuracy": one.accuracy,
        "interval": [float(end) for end in one.interval],
        "ece": one.calibration_error,
        "refused": one.refused,
        "by_digit": [None if np.isnan(share) else float(share) for share in one.by_digit],
        "confusion": one.confusion.tolist(),
        "calibration": [[float(s), float(r), int(n)] for s, r, n in one.calibration()],
    }


@torch.inference_mode()
def time_prediction_ms(model: DigitCNN, digits: Digits) -> float:
    """Return the median time of one prediction on one thread, ms."""
    model, threads = fuse_batch_norm(model), torch.get_num_threads()
    torch.set_num_threads(1)  # as `Reader`
    seconds = []
    for ink in digits.ink[:TIMED_DIGITS].split(1):
        start = time.perf_counter()
        model.predict(ink)
        seconds.append(time.perf_counter() - start)
    torch.set_num_threads(threads)
    return round(1000 * float(np.median(seconds)), 3)


class Refusal(NamedTuple):
    """How well a kind of non-digit is separated from digits."""

    name: str
    flagged: float  # share classified as no digit, 0 to 1
    auroc: float  # area under the ROC curve, 0 to 1


@torch.inference_mode()
def compute_rejection_probs(model: DigitCNN, ink: Tensor) -> np.ndarray:
    """Return `not_a_digit` (N,) of inks (N, 1, 28, 28)."""
    return torch.cat([model.predict(batch).not_a_digit for batch in ink.split(SCORE_BATCH)]).numpy()


def score_refusals(model: DigitCNN, digits: Digits, others: dict[str, Tensor]) -> list[Refusal]:
    """Score a network on inks (N, 1, 28, 28) of each kind of non-digit."""
    of_digits = compute_rejection_probs(model, digits.ink)
    found = []
    for name, ink in others.items():
        of_others = compute_rejection_probs(model, ink)
        is_other = np.repeat([0, 1], [len(of_digits), len(of_others)])
        auroc = roc_auc_score(is_other, np.concatenate([of_digits, of_others]))
        found.append(Refusal(name, float((of_others > 0.5).mean()), float(auroc)))
    return found


def score_held_out_writers(model: DigitCNN) -> dict[str, float]:
    """Return the shares of held-out digits read right and refused, and of other signs refused."""
    digits, kinds = load_digits("held_out_writers"), load_kinds("held_out_characters")
    found, refusals = score("digits", model, digits), score_refusals(model, digits, kinds)
    refused = {re.sub("[ -]", "_", kind.name): kind.flagged for kind in refusals}
    return {"right": found.accuracy, "digits_refused": found.refused} | refused


def drop_mislabeled(mnist_test: Score) -> Score:
    """Leave out the test images in `MISLABELED_INDICES`."""
    parts = (mnist_test.labels, mnist_test.probabilities, mnist_test.not_a_digit)
    kept = (np.delete(part, MISLABELED_INDICES, axis=0) for part in parts)
    return Score("the same without 15 doubtful labels", *kept)


def score_pictures(reader: Reader, folder: Path) -> Score:
    """Score the reader on pictures in subfolders 0 to 9; without one glyph, all digits get 0.1."""
    labels, files = zip(*find_labelled_pictures(folder), strict=True)
    rows, refused = [], []
    readings = map(reader.read_file, files)
    for reading in tqdm(readings, "your pictures", len(files), leave=False, disable=None):
        digit = reading.digits[0] if len(reading.digits) == 1 else None
        rows.append(digit.probabilities if digit else (0.1,) * 10)
        refused.append(digit.not_a_digit if digit else 1.0)
    return Score("your pictures", np.array(labels), np.array(rows), np.array(refused))
