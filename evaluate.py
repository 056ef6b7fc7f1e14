"""Score a checkpoint: print a table, and write a report as one HTML page.

python evaluate.py                      the shipped checkpoint
python evaluate.py --pictures FOLDER    also on your own pictures, in subfolders named 0 to 9
"""

from pathlib import Path

import torch

from inkling.datasets.mnist import load_mnist
from inkling.datasets.prepared import load_digits, load_kinds
from inkling.evaluation import metrics
from inkling.evaluation.report import draw_misread_sheet, write_report
from inkling.recognition.checkpoint import CHECKPOINT, load_checkpoint
from inkling.recognition.reader import Reader
from inkling.terminal import make_parser, printable, run


def evaluate(
    checkpoint: Path, pictures: Path | None, report: Path
) -> tuple[list[metrics.Score], list[metrics.Refusal]]:
    """Score a checkpoint, write the report, and return the scores, MNIST's test images first."""
    model, description, _ = load_checkpoint(checkpoint)
    test = load_mnist().test
    mnist_test = metrics.score("MNIST's test images", model, test)
    drawn = metrics.score("drawn digits, not trained on", model, load_digits("held_out"))
    writers = load_digits("held_out_writers")
    held_out = metrics.score("digits of held-out handwriting", model, writers)
    scores = [mnist_test, metrics.drop_mislabeled(mnist_test), drawn, held_out]
    if pictures:
        scores.append(metrics.score_pictures(Reader(model, description), pictures))
    characters, others = load_kinds("held_out_characters"), load_kinds("outlier_kinds")
    kinds = characters | {"all kinds": torch.cat(list(others.values()))} | others
    refused = metrics.score_refusals(model, test, kinds)
    sheet = draw_misread_sheet(mnist_test, test)
    write_report(report, description, scores, refused, sheet)
    return scores, refused


def main() -> None:
    """Score a checkpoint, print the table, and write the report."""
    parser = make_parser("Score a checkpoint, and write a report on it.")
    add = parser.add_argument
    add("--checkpoint", type=Path, default=CHECKPOINT, help="network to score")
    add("--pictures", type=Path, help="folder with your own, in subfolders 0 to 9")
    add("--report", type=Path, default=Path("evaluation.html"), help="page to write")
    options = parser.parse_args()
    scores, refused = evaluate(options.checkpoint, options.pictures, options.report)
    print(
        f"{'':38s} {'digits':>6s} {'right':>8s}  {'95 % interval':17s} {'ECE':>6s} "
        f"{'refused':>8s}   by digit, %"
    )
    for one in scores:
        low, high = one.interval
        each = " ".join(f"{k}:{100 * share:.1f}" for k, share in enumerate(one.by_digit))
        print(
            f"{one.name:38s} {len(one.labels):6d} {one.accuracy:8.2%}  {low:.2%} to {high:.2%}  "
            f"{one.calibration_error:6.2%} {one.refused:8.2%}   {each}"
        )
    print("\nNon-digits refused (AUROC against MNIST's test images):")
    for kind in refused:
        print(f"{kind.name:20s} {kind.flagged:6.1%}  ({kind.auroc:.4f})")
    print(f"The report is {printable(options.report)}.")


if __name__ == "__main__":
    run(main)
