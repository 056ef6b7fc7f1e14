"""Scores become a report: one HTML page that needs no other file."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from inkling.datasets.mnist import Digits
from inkling.evaluation.metrics import DOUBTFUL, Refusal, Score
from inkling.evaluation.plots import (
    TEMPLATES,
    calibration_plot,
    difficulty_plot,
    learning_curve,
)
from inkling.evaluation.robustness import Sweep
from inkling.rendering import make_renderer, to_data_url

render = make_renderer(TEMPLATES)


def misread_sheet(mnist_test: Score, test: Digits, side: int = 84, columns: int = 9) -> Image.Image:
    """Picture the misread test digits, the surest first, each with its label and what was read."""
    wrong = np.flatnonzero(~mnist_test.right)
    wrong = wrong[np.argsort(-mnist_test.confidence[wrong])]
    page = Image.new(
        "L", (columns * (side + 8), -(-max(1, len(wrong)) // columns) * (side + 40)), 255
    )
    pen = ImageDraw.Draw(page)
    for k, index in enumerate(wrong):
        x, y = k % columns * (side + 8), k // columns * (side + 40)
        ink = Image.fromarray(255 - (255 * test.ink[index, 0].numpy()).astype(np.uint8))
        page.paste(ink.resize((side, side), Image.Resampling.NEAREST), (x, y))
        mark = " *" if index in DOUBTFUL else ""
        sure = f"{mnist_test.confidence[index]:.1%}"
        pen.text((x + 2, y + side + 2), f"{mnist_test.labels[index]}{mark}, read", fill=0)
        pen.text((x + 2, y + side + 16), f"{mnist_test.answers[index]} at {sure}", fill=0)
    return page


def write_report(
    path: Path,
    description: dict,
    scores: list[Score],
    refused: list[Refusal],
    sweeps: list[Sweep],
    misread: Image.Image,
) -> None:
    """Write everything to one HTML page that needs no other file."""
    history = [(row["epoch"], row["held_out"]) for row in description["history"]]
    page = render(
        "report.html",
        description=description,
        scores=scores,
        refused=refused,
        calibrations=[calibration_plot(one.calibration()) for one in scores],
        difficulties=[difficulty_plot(one.name, one.levels, one.shares) for one in sweeps],
        learned=learning_curve(history, history[-1][0], "epoch"),
        misread=to_data_url(misread),
    )
    path.write_text(page, encoding="utf-8")
