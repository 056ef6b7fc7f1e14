"""Strokes that a pad tells of become the picture that it shows.

The pad sends where the pen went, not what its canvas holds: some browsers hand out no canvas, or
one with noise in it, and a digit's strokes are a tenth of its picture.
"""

from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from PIL import Image

SIDE = 280  # px of the picture
FINE = 3  # times as large it is drawn, and then reduced: soft edges, as a browser draws them
SUBPIXEL_BITS = 4  # bits of a pixel in the points given to OpenCV
ROUNDED = 6.0  # px: how much of a line corners may take, as in `ui/static/sketchpad.js`
BEND = np.linspace(0, 1, 5)[:, None, None]  # places along a rounded corner
MOST_STROKES, MOST_POINTS = 2_000, 60_000  # of a sketch: a body of the largest size has 40,000
DOT = 0.6  # of the pen's width: a stroke that goes no farther is a tap


@dataclass(frozen=True, eq=False)
class Stroke:
    """Where a pen, or an eraser, went while it was down."""

    points: np.ndarray  # (N, 2) float, x and y in px of the picture
    width: float  # px of the picture
    erases: bool

    @property
    def is_dot(self) -> bool:
        """Whether this is a tap: the pen hardly moved."""
        return bool(np.ptp(self.points, axis=0).max() < DOT * self.width)

    def path(self) -> np.ndarray:
        """Return the points of its line, corners rounded a little: (M, 2), px."""
        before, corner = self.points[:-1], self.points[1:]
        after = np.concatenate([self.points[2:], self.points[-1:]])[: len(corner)]
        start, end = toward(corner, before), toward(corner, after)
        curves = (1 - BEND) ** 2 * start + 2 * BEND * (1 - BEND) * corner + BEND**2 * end
        return np.concatenate([self.points[:1], curves.swapaxes(0, 1).reshape(-1, 2)])


@dataclass(frozen=True, eq=False)
class Sketch:
    """What stands on a pad."""

    strokes: tuple[Stroke, ...] = ()
    asked: int = 0  # which of the pad's questions this is

    @classmethod
    def from_json(cls, told: Any) -> Self:
        """Return the sketch that a pad tells of; an empty one if no pad would tell so.

        A pad tells `{"asked": 1, "size": 1000, "strokes": [{"width": 79, "erases": false, "points":
        [x, y, x, y, …]}]}`; lengths are in parts of the pad's side, of which it has `size`.
        """
        try:
            size, asked = float(told["size"]), int(told.get("asked", 0))
            rows = told["strokes"][:MOST_STROKES]
            if sum(len(row["points"]) for row in rows) > 2 * MOST_POINTS or not 1 <= size < 1e5:
                return cls()
            return cls(tuple(stroke(row, SIDE / size) for row in rows), asked)
        except (TypeError, ValueError, LookupError, AttributeError, OverflowError):
            return cls()

    @property
    def is_dots(self) -> bool:
        """Whether there are taps of the pen, and nothing else."""
        drawn = [s for s in self.strokes if not s.erases]
        return bool(drawn) and all(s.is_dot for s in drawn)

    def to_json(self) -> dict:
        """Return what a pad shows, and `from_json` takes."""
        strokes = [
            {"width": s.width, "erases": s.erases, "points": s.points.ravel().tolist()}
            for s in self.strokes
        ]
        return {"asked": self.asked, "size": SIDE, "strokes": strokes}

    def picture(self, side: int = SIDE) -> Image.Image:
        """Draw it black on white: (side, side) of mode L."""
        fine = FINE * side / SIDE
        paper = np.full((side * FINE, side * FINE), 255, np.uint8)
        for one in self.strokes:
            path = (one.path() * fine - 0.5) * 2**SUBPIXEL_BITS
            width, colour = max(1, round(one.width * fine)), 255 if one.erases else 0
            line = np.rint(path).astype(np.int32)
            cv2.polylines(paper, [line], False, colour, width, shift=SUBPIXEL_BITS)
            for end in (line[0], line[-1]):  # round ends, and a tap leaves a dot
                radius = round(one.width * fine / 2 * 2**SUBPIXEL_BITS)
                cv2.circle(paper, end.tolist(), radius, colour, -1, shift=SUBPIXEL_BITS)
        return Image.fromarray(cv2.resize(paper, (side, side), interpolation=cv2.INTER_AREA))


def stroke(told: dict, unit: float) -> Stroke:
    """Return a stroke as a pad tells it, whose lengths are `unit` px; raises as it likes."""
    points = np.array(told["points"], float).reshape(-1, 2) * unit
    width = float(told["width"]) * unit
    if not len(points) or not np.isfinite(points).all() or not 0 < width <= SIDE:
        raise ValueError("no pad draws so")
    return Stroke(points.clip(-SIDE, 2 * SIDE), width, bool(told["erases"]))


def toward(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return what lies on the way from points (N, 2) to others: half of it, or `ROUNDED` px."""
    way = others - points
    length = np.hypot(way[:, :1], way[:, 1:])
    return points + way * np.minimum(0.5, ROUNDED / np.maximum(length, 1e-6))
