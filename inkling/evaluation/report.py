"""Write the evaluation report, one self-contained HTML page."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from inkling.datasets.mnist import Digits
from inkling.evaluation import plots
from inkling.evaluation.metrics import MISLABELED_INDICES, Refusal, Score
from inkling.rendering import make_renderer, to_data_url

MISREAD_SIDE_PX = 84  # px of a misread digit
render = make_renderer(plots.TEMPLATES)


def draw_misread_sheet(mnist_test: Score, test: Digits) -> Image.Image:
    """Draw the misread test digits with label and answer, the most confident first."""
    side, columns = MISREAD_SIDE_PX, 9
    wrong = np.flatnonzero(~mnist_test.right)
    wrong = wrong[np.argsort(-mnist_test.confidence[wrong])]
    rows = -(-max(1, len(wrong)) // columns)
    page = Image.new("L", (columns * (side + 8), rows * (side + 40)), 255)
    pen = ImageDraw.Draw(page)
    for k, index in enumerate(wrong):
        x, y = k % columns * (side + 8), k // columns * (side + 40)
        ink = Image.fromarray(255 - (255 * test.ink[index, 0].numpy()).astype(np.uint8))
        page.paste(ink.resize((side, side), Image.Resampling.NEAREST), (x, y))
        mark = " *" if index in MISLABELED_INDICES else ""
        sure = f"{mnist_test.confidence[index]:.1%}"
        pen.text((x + 2, y + side + 2), f"{mnist_test.labels[index]}{mark}, read", fill=0)
        pen.text((x + 2, y + side + 16), f"{mnist_test.answers[index]} at {sure}", fill=0)
    return page


def write_report(
    path: Path,
    description: dict,
    scores: list[Score],
    refused: list[Refusal],
    misread: Image.Image,
) -> None:
    """Write the report as one self-contained HTML page."""
    history = [(row["epoch"], row["held_out"]) for row in description["history"]]
    page = render(
        "report.html",
        description=description,
        scores=scores,
        refused=refused,
        calibrations=[plots.build_calibration_plot(one.calibration()) for one in scores],
        learned=plots.build_learning_curve(history, history[-1][0], "epoch"),
        misread=to_data_url(misread),
    )
    path.write_text(page, encoding="utf-8")
