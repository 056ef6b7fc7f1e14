"""Parse the pad's strokes and rasterise them.

Pen paths have a tenth of a picture's size, and some browsers return no canvas pixels or noisy ones.
"""

from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from PIL import Image

SKETCH_SIDE_PX = 280  # px of the picture
SUPERSAMPLING = 3  # drawn larger and reduced: soft edges, as in a browser
SUBPIXEL_BITS = 4  # fractional bits of the coordinates given to OpenCV
CORNER_PX = 6.0  # px of a line that a rounded corner takes, as in `ui/static/sketchpad.js`
CORNER_SHARES = np.linspace(0, 1, 5)[:, None, None]  # positions along a rounded corner
MAX_SKETCH_STROKES = 2_000
MAX_SKETCH_POINTS = 60_000  # the largest request body has 40,000
MAX_DOT_SHARE = 0.6  # of the pen's width: a shorter stroke is a tap


@dataclass(frozen=True, eq=False)
class Stroke:
    """The path of a pen or an eraser from touching the pad to lifting."""

    points: np.ndarray  # (N, 2) float, x and y in px of the picture
    width: float  # px of the picture
    erases: bool

    @property
    def is_dot(self) -> bool:
        """Whether this is a tap: the pen hardly moved."""
        return bool(np.ptp(self.points, axis=0).max() < MAX_DOT_SHARE * self.width)

    def path(self) -> np.ndarray:
        """Return the points of its line with slightly rounded corners: (M, 2), px."""
        before, corner = self.points[:-1], self.points[1:]
        after = np.concatenate([self.points[2:], self.points[-1:]])[: len(corner)]
        start, end = point_toward(corner, before), point_toward(corner, after)
        t = CORNER_SHARES  # of a quadratic Bezier curve
        curves = (1 - t) ** 2 * start + 2 * t * (1 - t) * corner + t**2 * end
        return np.concatenate([self.points[:1], curves.swapaxes(0, 1).reshape(-1, 2)])


@dataclass(frozen=True, eq=False)
class Sketch:
    """The strokes on a pad."""

    strokes: tuple[Stroke, ...] = ()
    request_id: int = 0  # number of the pad's request

    @classmethod
    def from_json(cls, payload: Any) -> Self:
        """Parse a pad's payload; return an empty sketch if it is invalid.

        A payload is `{"request_id": 1, "size": 1000, "strokes": [{"width": 79, "erases": false,
        "points": [x, y, x, y, …]}]}`. The unit of length is the pad's side divided by `size`.
        """
        try:
            size, request_id = float(payload["size"]), int(payload.get("request_id", 0))
            rows = payload["strokes"][:MAX_SKETCH_STROKES]
            points = sum(len(row["points"]) for row in rows) / 2
            if points > MAX_SKETCH_POINTS or not 1 <= size < 1e5:
                return cls()
            return cls(tuple(parse_stroke(row, SKETCH_SIDE_PX / size) for row in rows), request_id)
        except (TypeError, ValueError, LookupError, AttributeError, OverflowError):
            return cls()

    @property
    def is_dots(self) -> bool:
        """Whether the pen only tapped."""
        drawn = [s for s in self.strokes if not s.erases]
        return bool(drawn) and all(s.is_dot for s in drawn)

    def to_json(self) -> dict:
        """Return the payload that `from_json` parses."""
        strokes = [
            {"width": s.width, "erases": s.erases, "points": s.points.ravel().tolist()}
            for s in self.strokes
        ]
        return {"request_id": self.request_id, "size": SKETCH_SIDE_PX, "strokes": strokes}

    def picture(self, side: int = SKETCH_SIDE_PX) -> Image.Image:
        """Return the drawing, black on white: (side, side) of mode L."""
        scale = SUPERSAMPLING * side / SKETCH_SIDE_PX
        paper = np.full((side * SUPERSAMPLING,) * 2, 255, np.uint8)
        for stroke in self.strokes:
            path = (stroke.path() * scale - 0.5) * 2**SUBPIXEL_BITS
            width, color = max(1, round(stroke.width * scale)), 255 if stroke.erases else 0
            line = np.rint(path).astype(np.int32)
            cv2.polylines(paper, [line], False, color, width, shift=SUBPIXEL_BITS)
            radius = round(stroke.width * scale / 2 * 2**SUBPIXEL_BITS)
            for end in (line[0], line[-1]):  # round ends; the dot of a tap
                cv2.circle(paper, end.tolist(), radius, color, -1, shift=SUBPIXEL_BITS)
        return Image.fromarray(cv2.resize(paper, (side, side), interpolation=cv2.INTER_AREA))


def parse_stroke(payload: dict, unit: float) -> Stroke:
    """Parse a stroke in lengths of `unit` px; raises any exception if it is invalid."""
    points = np.array(payload["points"], float).reshape(-1, 2) * unit
    width = float(payload["width"]) * unit
    if not len(points) or not np.isfinite(points).all() or not 0 < width <= SKETCH_SIDE_PX:
        raise ValueError("invalid points or width")
    points = points.clip(-SKETCH_SIDE_PX, 2 * SKETCH_SIDE_PX)
    return Stroke(points, width, bool(payload["erases"]))


def point_toward(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return points on the way from points (N, 2) to others: half of it, at most `CORNER_PX`."""
    way = others - points
    length = np.hypot(way[:, :1], way[:, 1:])
    return points + way * np.minimum(0.5, CORNER_PX / np.maximum(length, 1e-6))
