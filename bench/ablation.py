"""Take one ingredient of the default recipe away at a time, to see what each buys.

    python -m bench.ablation                      one seed, a third of the epochs
    python -m bench.ablation --pictures FOLDER    also read your own pictures, in subfolders 0 to 9

Prints the share read right of MNIST's held-out digits and of drawn digits, and how surely (mean
negative log-likelihood, in thousandths: smaller is better, and less noisy than the share). MNIST's
test images are not opened: recipes are chosen here.
"""

import argparse
import statistics
from dataclasses import replace
from pathlib import Path

import numpy as np

from inkling.datasets.mnist import load_mnist
from inkling.datasets.pen_digits import HELD_OUT_SEED, drawn_digits
from inkling.evaluation.metrics import Score, score, score_pictures
from inkling.recognition.reader import Reader
from inkling.training.loop import train
from inkling.training.recipes import DEFAULT

DRAWN = 5_000
WITHOUT = {  # ingredient: the recipe's fields without it
    "the default recipe": {},
    "no drawn styles": {"drawn": 0, "separate": False},
    "drawn styles not told from MNIST": {"separate": False},
    "nothing that is no digit": {"outliers": 0},
    "no digits seen again": {"again": 0},
    "no turning, stretching, slanting": {"distorted": 0},
    "no averaging of weights": {"averaging": 0},
    "no label smoothing": {"label_smoothing": 0},
    "two layers fewer": {"widths": DEFAULT.widths[:2] + DEFAULT.widths[-2:]},
    "half the channels": {"widths": tuple(w // 2 for w in DEFAULT.widths)},
}


def log_loss(one: Score) -> float:
    """Return the mean negative log-likelihood of the labels."""
    return float(-np.log(one.probabilities[np.arange(len(one.labels)), one.labels]).mean())


def main() -> None:
    """Train each variant, and print a row for it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=float, default=DEFAULT.epochs / 3)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--pictures", type=Path, help="folder with your own, in subfolders 0 to 9")
    options = parser.parse_args()
    mnist = load_mnist()
    drawn = drawn_digits(DRAWN, HELD_OUT_SEED)
    print(f"{options.epochs:g} epochs, {options.seeds} seeds")
    print(f"{'':34s}  MNIST held out     drawn            pictures         seconds")
    for name, without in WITHOUT.items():
        recipe = replace(DEFAULT, epochs=options.epochs, **without)
        rows, seconds = [], []
        for seed in range(options.seeds):
            *_, last = train(recipe, mnist, seed)
            seconds.append(last.history[-1]["seconds"])
            rows.append([score("", last.model, mnist.held_out), score("", last.model, drawn)])
            if options.pictures:
                rows[-1].append(score_pictures(Reader(last.model), options.pictures))
        cells = [
            f"{statistics.mean(s.accuracy for s in column):7.2%} "
            f"({1000 * statistics.mean(map(log_loss, column)):4.1f})"
            for column in zip(*rows, strict=True)
        ]
        print(f"{name:34s}  {'  '.join(cells)}   {statistics.mean(seconds):5.0f}", flush=True)


if __name__ == "__main__":
    main()
