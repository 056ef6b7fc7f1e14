"""Scores become a report: one HTML page that needs no other file."""

import base64
import io
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

from inkling.datasets.mnist import Digits
from inkling.evaluation.metrics import DOUBTFUL, Refusal, Score
from inkling.evaluation.robustness import Sweep
from inkling.rendering import render

FEW = 10  # readings in a bin that are too few to plot


def plot_sweeps(sweeps: list[Sweep]) -> Figure:
    """Plot the share read right against each difficulty."""
    figure = Figure(figsize=(10, 5.4), layout="constrained")
    for axes, one in zip(figure.subplots(2, 3).flat, sweeps, strict=False):
        axes.plot([str(level) for level in one.levels], 100 * np.array(one.shares), "o-")
        axes.set(xlabel=one.name, ylim=(min(79, 100 * min(one.shares) - 2), 101))
        axes.set_ylabel("% read right")
        axes.tick_params("x", labelsize=7)
        axes.grid(alpha=0.3)
    figure.axes[-1].remove()
    return figure


def plot_confusion(mnist_test: Score) -> Figure:
    """Plot how often each digit was read as each other one."""
    figure = Figure(figsize=(4.8, 4.4), layout="constrained")
    axes = figure.subplots()
    counts = mnist_test.confusion
    wrong = counts - np.diag(counts.diagonal())
    axes.imshow(wrong, cmap="Blues")
    for (row, column), count in np.ndenumerate(counts):
        shade = "white" if wrong[row, column] > wrong.max() / 2 else "black"
        axes.text(column, row, count or "", ha="center", va="center", color=shade, fontsize=8)
    axes.set(xlabel="read as", ylabel="digit", xticks=range(10), yticks=range(10))
    return figure


def plot_calibration(scores: list[Score]) -> Figure:
    """Plot the share of right readings against confidence: on the diagonal it is honest."""
    figure = Figure(figsize=(4.8, 4.4), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 100], [0, 100], color="grey", lw=1)
    for one, marker in zip(scores, "osD", strict=False):
        sure, right = np.array([(s, r) for s, r, n in one.calibration() if n >= FEW]).T
        axes.plot(100 * sure, 100 * right, marker + "-", label=one.name, alpha=0.8)
    axes.set(xlabel="confidence, %", ylabel="% read right", xlim=(0, 102), ylim=(0, 102))
    axes.legend(fontsize=7)
    return figure


def plot_history(history: list[dict]) -> Figure:
    """Plot the share of held-out digits misread after each epoch of the training."""
    figure = Figure(figsize=(4.8, 3), layout="constrained")
    axes = figure.subplots()
    epochs = [row["epoch"] for row in history]
    axes.semilogy(epochs, [100 * (1 - row["held_out"]) for row in history], "o-", ms=3)
    axes.set(xlabel="epoch", ylabel="% of held-out digits misread")
    axes.grid(alpha=0.3, which="both")
    return figure


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


def figure_url(drawing: Figure | Image.Image) -> str:
    """Return a plot or a picture as a URL that holds it."""
    file = io.BytesIO()
    if isinstance(drawing, Figure):
        drawing.savefig(file, format="svg", transparent=True, metadata={"Date": None})
        kind = "svg+xml"
    else:
        drawing.save(file, "png", optimize=True)
        kind = "png"
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"


def write_report(
    path: Path,
    description: dict,
    scores: list[Score],
    refused: list[Refusal],
    sweeps: list[Sweep],
    misread: Image.Image,
) -> None:
    """Write everything to one HTML page that needs no other file."""
    plots: dict[str, Figure | Image.Image] = {
        "confusion": plot_confusion(scores[0]),
        "calibration": plot_calibration(scores),
        "difficulties": plot_sweeps(sweeps),
        "history": plot_history(description["history"]),
        "misread": misread,
    }
    page = render(
        "report.html",
        description=description,
        scores=scores,
        refused=refused,
        **{name: figure_url(p) for name, p in plots.items()},
    )
    path.write_text(page)
