"""A checkpoint becomes its figures: a table in the terminal, and a report, one HTML page.

python evaluate.py                      the checkpoint that is there
python evaluate.py --pictures FOLDER    also on your own pictures, in subfolders named 0 to 9
"""

import argparse
import sys
from pathlib import Path

from data import DataError, load_mnist
from drawn import HELD_OUT_SEED, drawn_digits
from model import CHECKPOINT, CheckpointError, load_checkpoint
from predict import Reader
from report import misread_sheet, write_report
from score import Score, score, score_pictures, sweep, without_doubtful

DRAWN = 5_000  # digits of the drawn styles, none of which a training has seen


def evaluate(checkpoint: Path, pictures: Path | None, report: Path) -> list[Score]:
    """Score a checkpoint, write the report, and return the scores, MNIST's test images first."""
    model, description = load_checkpoint(checkpoint)
    reader = Reader(model, description)
    test = load_mnist().test
    mnist_test = score("MNIST's test images", model, test)
    drawn = score("drawn digits, never trained on", model, drawn_digits(DRAWN, HELD_OUT_SEED))
    scores = [mnist_test, without_doubtful(mnist_test), drawn]
    if pictures:
        scores.append(score_pictures(reader, pictures))
    write_report(report, description, scores, sweep(reader, test), misread_sheet(mnist_test, test))
    return scores


def main() -> None:
    """Score a checkpoint, print the table, and say where the report is."""
    parser = argparse.ArgumentParser(
        description="Score a checkpoint, and write a report on it.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="network to score")
    parser.add_argument("--pictures", type=Path, help="folder with your own, in subfolders 0 to 9")
    parser.add_argument(
        "--report", type=Path, default=Path("evaluation.html"), help="page to write"
    )
    options = parser.parse_args()
    try:
        scores = evaluate(options.checkpoint, options.pictures, options.report)
    except CheckpointError as error:
        sys.exit(f"The checkpoint {options.checkpoint} cannot be used: {error}")
    except (DataError, OSError) as error:
        sys.exit(str(error))
    print(f"{'':38s} {'digits':>6s} {'right':>8s}  {'95 % interval':17s} {'ECE':>6s}   by digit, %")
    for one in scores:
        low, high = one.interval
        each = " ".join(f"{k}:{100 * share:.1f}" for k, share in enumerate(one.by_digit))
        print(
            f"{one.name:38s} {len(one.labels):6d} {one.accuracy:8.2%}  {low:.2%} to {high:.2%}  "
            f"{one.calibration_error:6.2%}   {each}"
        )
    print(f"The report is {options.report}.")


if __name__ == "__main__":
    main()
