"""Leave one source or ingredient out of the default recipe at a time, to see what each buys.

    python -m bench.ablation                      one seed, a third of the epochs, no teachers
    python -m bench.ablation --pictures FOLDER    also by pictures of yours: see bench.held_out

Prints for MNIST's held-out digits and for each kind of picture that no training saw, read by the
full reader: the share read wholly right, the share refused, and the mean log loss in thousandths;
and the mean of these losses over all kinds, by which recipes are chosen. MNIST's test images are
not opened.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.held_out import (
    Outcome,
    in_logits,
    kinds_of_pictures,
    mean_log_loss,
    one_number,
    outcome,
)
from inkling.datasets.mnist import Digits, load_mnist
from inkling.evaluation.metrics import score
from inkling.recognition.reader import Reader
from inkling.training.loop import train
from inkling.training.recipes import DEFAULT
from model import DigitCNN

WITHOUT = {  # source or ingredient: the recipe's fields without it
    "all sources": {},
    "no drawn digits": {"drawn": 0},
    "no digits of fonts": {"of_fonts": 0},
    "no slips of the pen": {"slips": False},
    "nothing that is no digit": {"outliers": 0},
    "no characters": {"characters": False},
    "no digits seen again": {"again": 0},
    "no distortion": {"distorted": 0},
    "drawn not told from MNIST": {"separate": False},
    "no averaging of weights": {"averaging": 0},
    "half the channels": {"widths": tuple(w // 2 for w in DEFAULT.widths)},
}


def mnist_outcome(model: DigitCNN, digits: Digits) -> Outcome:
    """Have the network judge MNIST's digits, which are framed already."""
    judged = score("MNIST held out", model, digits)
    none = judged.not_a_digit
    chances = judged.probabilities[np.arange(len(none)), judged.labels] * (1 - none)
    right = judged.right & (none <= 0.5)
    return Outcome(True, right, none > 0.5, in_logits(none), mean_log_loss(chances))


def main() -> None:
    """Train each variant, and print a row for it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=float, default=DEFAULT.epochs / 3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", help="this variant alone")
    parser.add_argument("--pictures", type=Path, help="folder with a folder of each kind")
    options = parser.parse_args()
    mnist, kinds = load_mnist(), kinds_of_pictures(options.pictures)
    print(f"{options.epochs:g} epochs, seed {options.seed}; right, refused (log loss)")
    names = ["MNIST held out", *kinds]
    print(f"{'':26s} {' '.join(f'{name:>21s}' for name in names)}   mean seconds")
    for name, without in WITHOUT.items():
        if options.only and name not in options.only:
            continue
        recipe = replace(DEFAULT, epochs=options.epochs, teachers=0, **without)
        *_, last = train(recipe, mnist, options.seed)
        reader = Reader(last.model)
        found = [mnist_outcome(last.model, mnist.held_out)]
        found += [outcome(kind, reader, pictures) for kind, pictures in kinds.items()]
        print(
            f"{name:26s} {' '.join(map(str, found))}  {1000 * one_number(found):5.0f} "
            f"{last.history[-1]['seconds']:7.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
