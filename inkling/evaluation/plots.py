"""Compute the points and ticks of plots for `plot.html`."""

import math
from collections.abc import Iterable
from pathlib import Path

TEMPLATES = Path(__file__).parent / "templates"  # the page uses plot.html and confusion.html
STYLESHEET = TEMPLATES / "plot.css"
MIN_BIN_COUNT = 10  # readings: smaller bins are not plotted
MISREAD_SCALE = (0.001, 1.0)  # bottom and top of the axis


def build_learning_curve(held_out: Iterable[tuple[int, float]], end: int, x_label: str) -> dict:
    """Return the share of held-out digits misread, on a logarithmic scale, as a plot."""
    low, high = (math.log(v) for v in MISREAD_SCALE)
    points = [
        (x / end, (math.log(min(max(1 - right, MISREAD_SCALE[0]), 1)) - low) / (high - low))
        for x, right in held_out
    ]
    ticks = (0.001, 0.01, 0.1, 1.0)
    return {
        "lines": [{"kind": "data", "points": points}],
        "x_ticks": [(0, 0), (0.5, f"{end / 2:g}"), (1, end)],
        "y_ticks": [((math.log(v) - low) / (high - low), f"{100 * v:g} %") for v in ticks],
        "x_label": x_label,
        "y_label": "held-out digits misread",
    }


def build_calibration_plot(bins: Iterable[tuple[float, float, int]]) -> dict:
    """Return the share read right against confidence, as a plot."""
    points = [(sure, right) for sure, right, count in bins if count >= MIN_BIN_COUNT]
    ticks = [(v, f"{100 * v:.0f} %") for v in (0, 0.25, 0.5, 0.75, 1)]
    return {
        "lines": [
            {"kind": "ideal", "points": [(0, 0), (1, 1)]},
            {"kind": "data", "points": points},
        ],
        "x_ticks": ticks,
        "y_ticks": ticks,
        "x_label": "confidence",
    }
