"""Read hands, scripts and pictures that no training saw, by the full reader.

    python -m bench.held_out                     what is held out of data/hands
    python -m bench.held_out --pictures FOLDER   also your own pictures: a folder of each kind in
                                                  it, each file named by what it says: 7_a.png,
                                                  42_b.jpg, or none_c.png if that is no digit

Prints the share read wholly right, the share of which nothing was read, and the mean log loss in
thousandths: -log of the chance that the reading gave to the truth, 0.005 at least. Then how much of
each kind is refused at which share of refused digits: the ceiling of doubt moves along this curve.
"""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from inkling.datasets.held_out_handwriting import draw_held_out_characters, draw_held_out_digits
from inkling.evaluation.robustness import on_paper
from inkling.recognition.checkpoint import CHECKPOINT
from inkling.recognition.reader import Reader
from inkling.recognition.reading import Reading

FLOOR = 0.005  # the least chance that a reading is taken to have given the truth
NONE = "none"  # what the name of a picture's file begins with, if it shows no digit
SHARES = (0.001, 0.002, 0.003, 0.005, 0.01, 0.02)  # of digits that are refused

Picture = tuple[str, np.ndarray | Path]  # what it says, "" if no digit, and the picture or its file


@dataclass(frozen=True)
class Outcome:
    """What the reader made of pictures of one kind."""

    digits: bool  # whether they show digits
    right: np.ndarray  # (N,) bool: read wholly right
    refused: np.ndarray  # (N,) bool: nothing was read
    doubt: np.ndarray  # (N,) the doubt of the least doubtful glyph, in logits
    log_loss: float  # mean of -log of the chance that each reading gave to the truth

    def __str__(self) -> str:
        """Write the outcome as a cell of a table."""
        losses = f"({1000 * self.log_loss:4.0f})"
        return f"{self.right.mean():7.2%} {self.refused.mean():6.2%} {losses}"


def kinds_of_pictures(folder: Path | None) -> dict[str, list[Picture]]:
    """Return all pictures by kind: what is held out, and the folder's."""
    kinds: dict[str, list[Picture]] = {
        "held-out hands": [(str(digit), on_paper(ink)) for digit, ink in draw_held_out_digits()],
        "held-out letters": [
            ("", on_paper(ink)) for ink in draw_held_out_characters(of_families=True)
        ],
        "held-out scripts": [
            ("", on_paper(ink)) for ink in draw_held_out_characters(of_families=False)
        ],
    }
    for kind in sorted(folder.iterdir()) if folder else []:
        if kind.is_dir():
            kinds[kind.name] = list(pictures_in(kind))
    return kinds


def pictures_in(folder: Path) -> Iterator[Picture]:
    """Yield the pictures of a folder; a name up to the first underscore is what one says."""
    for file in sorted(folder.iterdir()):
        says = file.name.split("_")[0]
        yield "" if says == NONE else says, file


def outcome(name: str, reader: Reader, pictures: Iterable[Picture]) -> Outcome:
    """Have the reader read pictures of one kind."""
    rows = []
    for says, picture in tqdm(pictures, name, leave=False, disable=None):
        reading = reader.read_file(picture) if isinstance(picture, Path) else reader.read(picture)
        right, refused = reading.text == says, reading.text == ""
        rows.append((says != "", right, refused, least_doubt(reading), chance(reading, says)))
    digits, right, refused, doubt, chances = map(np.array, zip(*rows, strict=True))
    return Outcome(bool(digits.any()), right, refused, doubt, mean_log_loss(chances))


def least_doubt(reading: Reading) -> float:
    """Return the doubt of the glyph that is most likely a digit, in logits; infinite if none is."""
    none = np.array([digit.not_a_digit for digit in reading.digits])
    return float(in_logits(none).min(initial=np.inf))


def in_logits(none: np.ndarray) -> np.ndarray:
    """Return `not_a_digit` (N,) in logits; 0 and 1 stay finite."""
    return np.log((none + 1e-12) / (1 - none + 1e-12))


def mean_log_loss(chances: np.ndarray) -> float:
    """Return the mean of -log of the chances (N,) that were given to the truth."""
    return float(-np.log(chances.clip(FLOOR, 1)).mean())


def chance(reading: Reading, says: str) -> float:
    """Return the chance that a reading gives to what a picture says, 0 to 1."""
    none = np.array([digit.not_a_digit for digit in reading.digits])
    if not says:
        return float(none.prod())
    if len(none) != len(says):
        return 0.0
    told = [d.probabilities[int(digit)] for d, digit in zip(reading.digits, says, strict=True)]
    return float(np.prod(np.array(told) * (1 - none)))


def one_number(outcomes: Iterable[Outcome]) -> float:
    """Return the mean of the kinds' log losses: what recipes are chosen by."""
    return float(np.mean([one.log_loss for one in outcomes]))


def main() -> None:
    """Print a row for each kind, and the curve of refusal."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="network to score")
    parser.add_argument("--pictures", type=Path, help="folder with a folder of each kind")
    options = parser.parse_args()
    reader = Reader.load(options.checkpoint)
    kinds = kinds_of_pictures(options.pictures)
    outcomes = {name: outcome(name, reader, pictures) for name, pictures in kinds.items()}
    print(f"{'':24s} pictures  right   refused (log loss)")
    for name, one in outcomes.items():
        print(f"{name:24s} {len(one.right):7d}  {one}")
    print(f"mean log loss {1000 * one_number(outcomes.values()):.0f}\n")
    digits = np.concatenate([one.doubt for one in outcomes.values() if one.digits])
    others = {name: one.doubt for name, one in outcomes.items() if not one.digits}
    print("digits refused   of which what is no digit is refused")
    for share in SHARES:
        ceiling = np.quantile(digits, 1 - share)
        cells = [f"{name} {(doubt > ceiling).mean():.1%}" for name, doubt in others.items()]
        print(f"{share:14.1%}   {', '.join(cells)}")


if __name__ == "__main__":
    main()
