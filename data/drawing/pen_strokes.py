"""Parse and interpolate the pen paths of characters."""

import re
from pathlib import Path

import numpy as np

POINTS_PER_SPAN = 8  # points of a path from one control point to the next

T = np.arange(POINTS_PER_SPAN) / POINTS_PER_SPAN
# Cubic Hermite basis at T: factors of a span's start, its slope there, its end, its slope there.
HERMITE_BASIS = np.stack(
    [(1 + 2 * T) * (1 - T) ** 2, T * (1 - T) ** 2, T**2 * (3 - 2 * T), T**2 * (T - 1)], axis=1
)  # (POINTS_PER_SPAN, 4)


class Style:
    """One way of writing a character: the control points of its pen paths."""

    def __init__(self, line: str):
        """Parse a path of `stroke_styles.txt`; raises `ValueError` if it is invalid."""
        strokes = [stroke.split() for stroke in line.split("/")]
        words = [word for stroke in strokes for word in stroke]
        lengths = np.array([len(stroke) for stroke in strokes])
        try:
            points = [[float(number) for number in word.rstrip("!").split(",")] for word in words]
            self.control = np.array(points).reshape(len(words), 2) / 100  # (K, 2), x and y
            self.last = np.cumsum(lengths) - 1  # (S,) indices of the strokes' last points
            self.first = self.last - lengths + 1
            still = (np.diff(self.control, axis=0) == 0).all(axis=1)
            still[self.last[:-1]] = False
            if min(lengths) < 2 or still.any():
                raise ValueError("a stroke needs two points, and no point twice in a row")
        except ValueError as error:
            raise ValueError(f"{line!r} is no style ({error}): see stroke_styles.txt") from error
        self.corner = np.array([word.endswith("!") for word in words])  # (K,) bool

    def trace(self) -> list[np.ndarray]:
        """Return the path of each stroke, (M, 2), without variation."""
        smoothness = 1.0 - self.corner
        smoothness[self.first] = smoothness[self.last] = 0
        return self.split(interpolate_path(self.control, smoothness))

    def split(self, path: np.ndarray) -> list[np.ndarray]:
        """Split a path (..., M, 2) that includes pen lifts into its strokes."""
        ends = zip(self.first * POINTS_PER_SPAN, self.last * POINTS_PER_SPAN + 1, strict=True)
        return [path[..., first:last, :] for first, last in ends]


def interpolate_path(control: np.ndarray, smoothness: np.ndarray | float) -> np.ndarray:
    """Return paths (..., M, 2) through control points (..., K, 2), where M = 8 (K - 1) + 1.

    A path is a cubic Hermite spline over the chords' lengths. `smoothness`, (..., K) or one for
    all, is 1 where the pen passes a point smoothly and 0 at a sharp corner.
    """
    step = np.diff(control, axis=-2)  # (..., K - 1, 2)
    length = np.linalg.norm(step, axis=-1, keepdims=True) + 1e-9
    chord = step / length  # unit vectors
    before, after = length[..., :-1, :], length[..., 1:, :]
    through = (before * chord[..., 1:, :] + after * chord[..., :-1, :]) / (before + after)
    smooth = np.broadcast_to(smoothness, control.shape[:-1])[..., 1:-1, None]
    leaving, arriving = chord.copy(), chord.copy()
    leaving[..., 1:, :] += smooth * (through - chord[..., 1:, :])
    arriving[..., :-1, :] += smooth * (through - chord[..., :-1, :])
    ends = [control[..., :-1, :], leaving * length, control[..., 1:, :], arriving * length]
    path = HERMITE_BASIS @ np.stack(ends, axis=-2)  # (..., K - 1, POINTS_PER_SPAN, 2)
    path = path.reshape(*control.shape[:-2], -1, 2)
    return np.concatenate([path, control[..., -1:, :]], axis=-2)


def parse_styles(path: Path) -> dict[int, dict[str, str]]:
    """Return the pen paths of each digit in a file, by style name."""
    styles: dict[int, dict[str, str]] = {digit: {} for digit in range(10)}
    for line in path.read_text("utf-8").splitlines():
        if style := re.fullmatch(r"(\d) ([^:]+): (.+)", line):
            styles[int(style[1])][style[2]] = style[3]
    return styles


STROKE_STYLES = parse_styles(Path(__file__).with_name("stroke_styles.txt"))
