"""Train the default recipe without one source or ingredient at a time, and print the effect.

    python -m data.prepared.build --large
    python -m bench.ablation     one seed, a third of the epochs, no teachers

Columns: MNIST's held-out digits and the kinds of `bench.held_out`, each with the share read right,
the share refused and the mean log loss in thousandths. The mean of the log losses chooses recipes.
"""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import numpy as np

from bench.held_out import Outcome, load_kinds, mean_log_loss, read_kind, to_logits
from data.drawing import pen_digits
from data.drawing.non_digits import NON_DIGIT_KINDS, draw_character, draw_cursive, draw_outliers
from data.prepared import build
from inkling.datasets import prepared
from inkling.datasets.mnist import Digits, load_mnist
from inkling.evaluation.metrics import score
from inkling.recognition.reader import Reader
from inkling.training import training_set
from inkling.training.loop import train
from inkling.training.recipes import DEFAULT
from model import DigitCNN

OTHER_KINDS = tuple(k for k in NON_DIGIT_KINDS if k.draw not in (draw_character, draw_cursive))


@contextmanager
def rendered_with(module: ModuleType, name: str, value: object) -> Iterator[None]:
    """Train on pictures that are drawn with another value in a module."""
    with tempfile.TemporaryDirectory() as folder, patch.object(module, name, value):
        for number in (1, 2):  # a third of the epochs uses two sets
            build.render_set(1, Path(folder), number)
        with patch.object(prepared, "LARGE_DIR", Path(folder)):
            yield


OTHER_OUTLIERS = partial(draw_outliers, kinds=OTHER_KINDS)
ABLATIONS = {  # name: changed fields of the recipe, or a context to train in
    "all sources": {},
    "no drawn digits": {"drawn": 0},
    "no digits of fonts": rendered_with(pen_digits, "FONT_SHARE", 0),
    "no slips of the pen": rendered_with(pen_digits, "add_slips", lambda strokes, _: strokes),
    "no non-digits": {"outliers": 0},
    "no characters": rendered_with(build, "draw_outliers", OTHER_OUTLIERS),
    "no recaptured digits": {"again": 0},
    "no distortion": {"distorted": 0},
    "one class for MNIST and drawn": patch.object(training_set, "FIRST_DRAWN_CLASS", 0),
    "no weight averaging": {"averaging": 0},
    "half the channels": {"widths": tuple(w // 2 for w in DEFAULT.widths)},
}


def score_mnist(model: DigitCNN, digits: Digits) -> Outcome:
    """Score MNIST's digits, which are framed already, by the network alone."""
    scores = score("MNIST held out", model, digits)
    none = scores.not_a_digit
    probs = scores.probabilities[np.arange(len(none)), scores.labels] * (1 - none)
    right = scores.right & (none <= 0.5)
    return Outcome(True, right, none > 0.5, to_logits(none), mean_log_loss(probs))


def main() -> None:
    """Train each variant, and print its row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=float, default=DEFAULT.epochs / 3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", choices=ABLATIONS, help="this variant alone")
    options = parser.parse_args()
    mnist, kinds = load_mnist(), load_kinds()
    print(f"{options.epochs:g} epochs, seed {options.seed}; right, refused (log loss)")
    print(f"{'':30s} {' '.join(f'{name:>21s}' for name in ['MNIST held out', *kinds])}   mean  s")
    for name in options.only or ABLATIONS:
        change = ABLATIONS[name]
        fields = change if isinstance(change, dict) else {}
        recipe = replace(DEFAULT, epochs=options.epochs, teachers=0, **fields)
        with nullcontext() if isinstance(change, dict) else change:
            *_, last = train(recipe, mnist, options.seed)
        reader = Reader(last.model)
        outcomes = [score_mnist(last.model, mnist.held_out)]
        outcomes += [read_kind(kind, reader, pictures) for kind, pictures in kinds.items()]
        loss = 1000 * np.mean([one.log_loss for one in outcomes])
        seconds = last.history[-1]["seconds"]
        print(f"{name:30s} {' '.join(map(str, outcomes))}  {loss:5.0f} {seconds:5.0f}", flush=True)


if __name__ == "__main__":
    main()
