"""Print how handwriting, scripts and writers that no training has seen are read.

    python -m bench.held_out [--only KIND]

Kinds: what is held out of `data/hands`, and the digits of other writers in `data/other_writers`.
Columns: the share read right, the share refused, and the mean log loss in thousandths. Below: the
share of non-digits that is refused, by the share of digits that is; calibration chooses a point
of this curve.
"""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from data.drawing.held_out_handwriting import draw_held_out_characters, draw_held_out_digits
from inkling.recognition.checkpoint import CHECKPOINT
from inkling.recognition.reader import Reader
from inkling.recognition.reading import Reading
from support.digit_pictures import draw_on_paper
from support.other_writers import load_pen_digits, load_uji_digits

MIN_PROB = 0.005  # lower probabilities of the truth count as this
REFUSAL_SHARES = (0.001, 0.002, 0.003, 0.005, 0.01, 0.02)  # of digits

LabelledPicture = tuple[str, Image.Image | np.ndarray]  # "" is no digit


@dataclass(frozen=True)
class Outcome:
    """Readings of N pictures of one kind."""

    has_digits: bool
    right: np.ndarray  # (N,) bool
    refused: np.ndarray  # (N,) bool: no digit was read
    rejection_logits: np.ndarray  # (N,) of the glyph that is most likely a digit
    log_loss: float  # mean of -log of the probability of the truth

    def __str__(self) -> str:
        """Return a cell of a table."""
        losses = f"({1000 * self.log_loss:4.0f})"
        return f"{self.right.mean():7.2%} {self.refused.mean():6.2%} {losses}"


def load_kinds() -> dict[str, list[LabelledPicture]]:
    """Return pictures that no training has seen, by kind."""
    letters, scripts = (
        [("", draw_on_paper(ink)) for ink in draw_held_out_characters(of_families)]
        for of_families in (True, False)
    )
    return {
        "held-out handwriting": [
            (str(digit), draw_on_paper(ink)) for digit, ink in draw_held_out_digits()
        ],
        "held-out letters": letters,
        "held-out scripts": scripts,
        "UCI pen digits": [(str(label), picture) for label, picture in load_pen_digits()],
        "UJI pen characters": [(str(label), picture) for label, picture in load_uji_digits()],
    }


def read_kind(name: str, reader: Reader, pictures: Iterable[LabelledPicture]) -> Outcome:
    """Read the pictures of one kind."""
    rows = []
    for text, picture in tqdm(pictures, name, leave=False, disable=None):
        reading = reader.read(picture)
        none = np.array([digit.not_a_digit for digit in reading.digits])
        logit = to_logits(none).min(initial=np.inf)
        right, refused = reading.text == text, reading.text == ""
        rows.append((text != "", right, refused, logit, prob_of(text, reading, none)))
    digits, right, refused, logits, probs = map(np.array, zip(*rows, strict=True))
    return Outcome(bool(digits.any()), right, refused, logits, mean_log_loss(probs))


def prob_of(text: str, reading: Reading, none: np.ndarray) -> float:
    """Return the probability that a reading gives to a text; `none` is its `not_a_digit`."""
    if not text:
        return float(none.prod())
    if len(none) != len(text):
        return 0.0
    pairs = zip(reading.digits, text, strict=True)
    return float(np.prod([d.probabilities[int(label)] for d, label in pairs]) * np.prod(1 - none))


def to_logits(probs: np.ndarray) -> np.ndarray:
    """Return probabilities (N,) as logits; 0 and 1 stay finite."""
    return np.log((probs + 1e-12) / (1 - probs + 1e-12))


def mean_log_loss(probs: np.ndarray) -> float:
    """Return the mean log loss of the truth's probabilities (N,)."""
    return float(-np.log(probs.clip(MIN_PROB, 1)).mean())


def print_refusals(outcomes: dict[str, Outcome]) -> None:
    """Print the share of non-digits that is refused, for each share of refused digits."""
    digits = np.concatenate([one.rejection_logits for one in outcomes.values() if one.has_digits])
    print("\ndigits refused   non-digits refused")
    for share in REFUSAL_SHARES:
        threshold = np.quantile(digits, 1 - share)
        cells = [
            f"{name} {(one.rejection_logits > threshold).mean():.1%}"
            for name, one in outcomes.items()
            if not one.has_digits
        ]
        print(f"{share:14.1%}   {', '.join(cells)}")


def main() -> None:
    """Print a row for each kind, and the curve of refusals."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="network to score")
    parser.add_argument("--only", action="append", help="this kind alone")
    options = parser.parse_args()
    reader = Reader.load(options.checkpoint)
    print(f"{'':24s} pictures  right   refused (log loss)")
    outcomes = {}
    for name, pictures in load_kinds().items():
        if not options.only or name in options.only:
            outcomes[name] = read_kind(name, reader, pictures)
            print(f"{name:24s} {len(pictures):7d}  {outcomes[name]}", flush=True)
    print(f"mean log loss {1000 * np.mean([one.log_loss for one in outcomes.values()]):.0f}")
    if not options.only:
        print_refusals(outcomes)


if __name__ == "__main__":
    main()
