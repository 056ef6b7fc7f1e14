"""Fit the weights of `inkling.recognition.hypotheses`: how likely a reading is right.

python -m data.networks.fit_score   some minutes on one core; prints the weights

The hypotheses of composed pages, drawings, scans and non-digits are read up to the first confident
one; a logistic regression separates entirely right readings from the others. As the weights
decide what is confident, it is run again with the new ones until they stay. All digits, fonts and
scripts are held out.
"""

import argparse
from collections.abc import Iterator
from itertools import islice

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from tqdm import tqdm

from data.drawing.held_out_handwriting import draw_held_out_characters, draw_held_out_digits
from inkling.datasets.mnist import load_mnist
from inkling.imaging.mnist_frame import crop_to_ink
from inkling.recognition.hypotheses import SOURCE_WEIGHTS, compute_features, hypotheses
from inkling.recognition.reader import CONFIDENT_LOG_ODDS, Reader
from inkling.recognition.reading import Reading
from support.composed_pages import PAGE_KINDS, compose_page, draw_blank_sheets

PAGE_COUNT = 40  # of each kind
FIRST_SEED, FIRST_SHEET = 10_000, 1_000  # of pages and blank sheets: `bench.pages` counts from 0
DECAY = 1e-4  # of the squares of the weights


def compose_pages(count: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield what pages say, and their pictures."""
    digits = load_mnist().held_out
    for kind, page in enumerate(PAGE_KINDS.values()):
        for k in range(count):
            yield compose_page(page, digits, np.random.default_rng((FIRST_SEED, kind, k)))


def compose_drawings(count: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield what drawings of held-out fonts and scripts say, and their pictures."""
    rng = np.random.default_rng(FIRST_SEED)
    digits = [(str(digit), ink) for digit, ink in draw_held_out_digits()]
    letters = [("", ink) for kind in (True, False) for ink in draw_held_out_characters(kind)]
    for drawings in (digits, letters):
        for k in rng.permutation(len(drawings))[:count].tolist():
            text, ink = drawings[k]
            border = round(rng.uniform(0.1, 1) * len(ink))
            light = np.clip(1 - rng.uniform(0.5, 1) * np.pad(ink, border), 0, 1)
            yield text, (255 * light).astype(np.uint8)


def compose_scans(count: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield what scans of few pixels say whose digit fills them, and the scans."""
    rng, digits = np.random.default_rng(FIRST_SEED), load_mnist().held_out
    for k in rng.choice(len(digits.labels), count, replace=False).tolist():
        ink = crop_to_ink(digits.ink[k, 0].numpy())
        ink = np.pad(ink, [(side, side) for side in (max(ink.shape) - np.array(ink.shape)) // 2])
        ink = np.pad(ink, int(rng.integers(0, 3)))
        rows = int(rng.integers(14, 29))
        scan = cv2.resize(ink, (rows, rows), interpolation=cv2.INTER_AREA)
        if rng.random() < 0.3:
            scan = (scan > scan.max() / 2).astype(np.float32)
        scan = cv2.resize(scan, None, fx=4, fy=4, interpolation=int(rng.choice([0, 1, 2])))
        scan = (255 * scan / scan.max()).clip(0, 255).astype(np.uint8)
        yield str(int(digits.labels[k])), scan if rng.random() < 0.5 else 255 - scan


def fit(features: np.ndarray, sources: list[str], is_right: list[bool]) -> list[np.ndarray]:
    """Return the weights (5,) of each source, and (6,) of all."""
    own = [
        np.where(np.array(sources)[:, None] == name, features[:, :5], 0) for name in SOURCE_WEIGHTS
    ]
    values = torch.tensor(np.hstack([*own, features[:, 5:]]))
    labels = torch.tensor(is_right).double()
    weights = torch.zeros(values.shape[1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=500, line_search_fn="strong_wolfe")

    def loss() -> float:
        optimizer.zero_grad()
        cost = F.binary_cross_entropy_with_logits(values @ weights, labels)
        cost = cost + DECAY * (weights**2).sum()
        cost.backward()
        return cost.item()

    optimizer.step(loss)
    return np.split(weights.detach().numpy(), 5 * np.arange(1, 1 + len(SOURCE_WEIGHTS)))


def main() -> None:
    """Print the weights."""
    parser = argparse.ArgumentParser(description="Fit how likely a reading is right.")
    parser.add_argument("--count", type=int, default=PAGE_COUNT, help="pages of each kind")
    options = parser.parse_args()
    reader = Reader.load()
    features: list[np.ndarray] = []
    sources: list[str] = []
    is_right: list[bool] = []
    pictures = [
        *compose_pages(options.count),
        *islice(draw_blank_sheets(FIRST_SHEET + 6 * options.count), FIRST_SHEET, None),
    ]
    pictures += [*compose_drawings(6 * options.count), *compose_scans(6 * options.count)]
    for text, picture in tqdm(pictures):
        best = Reading(log_odds=-np.inf)
        for hypothesis in hypotheses(Image.fromarray(picture)):
            reading = reader.read_hypothesis(hypothesis)
            # no text in a rotated picture matters only if it would replace a text
            if hypothesis.source != "rotated" or reading.text or best.text:
                features.append(compute_features(hypothesis, reading.digits, reading.text))
                sources.append(hypothesis.source)
                is_right.append(reading.text == text)
            best = max(best, reading, key=lambda r: r.log_odds)
            if reading.log_odds > CONFIDENT_LOG_ODDS:
                break
    weights = fit(np.stack(features), sources, is_right)
    for name, row in zip([*SOURCE_WEIGHTS, "all"], weights, strict=True):
        print(f"{name}: {', '.join(f'{weight:.2f}' for weight in row)}")


if __name__ == "__main__":
    main()
