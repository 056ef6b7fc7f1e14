"""Parse, vary and rasterise the pen paths of characters."""

import re
from pathlib import Path

import cv2
import numpy as np

from inkling.imaging.mnist_frame import DIGIT

DRAWING_SCALE = 5  # px of the drawing per px of the frame
POINTS_PER_SPAN = 8  # points of a path from one control point to the next
PATH_BITS = 3  # fractional bits of the coordinates given to OpenCV
MIN_PEN_PX, MAX_PEN_PX = 1.0, 4.8  # px of the frame
MAX_INK = 14  # px of the pen times the path's length in heights: more is illegible
# Variation between drawings. Lengths are in heights of the digit, angles in radians. `_SD` is a
# standard deviation.
POINT_SD = 0.026  # of control points
STROKE_SD = 0.026  # of whole strokes, if there are several
END_SD = 0.12  # of the ends, in lengths of the first and last span: gaps and overshoot
OVERSHOOT_SHARE = 0.12  # of the ends run on
OVERSHOOT_LENGTHS = (0.1, 0.5)  # in lengths of that span
WAVE_SD = 0.006  # of waves along the path
MAX_TREMOR_SD = 0.01  # of the path's points
MAX_ROUNDING = 0.6  # of corners by haste: 0 = sharp, 1 = a smooth curve
BALANCE_SD = 0.05  # of the middle's height: small loops, long tails
TOP_SPREAD_SD = 0.13  # of the top's width compared with the bottom's
ASPECT_SD = 0.17  # of the width's logarithm
DIGIT_SHEAR_SD, MEAN_SHEAR = 0.17, 0.12  # most people slant to the right
ROTATION_SD = 0.1
TAPER_SD = 0.08  # of the pen's width, from the start of the digit to its end
# Keep every k-th point, with these shares: imitates slow tablets and fast writing. With 8, control
# points are joined by straight lines.
SAMPLING_STRIDES, SAMPLING_SHARES = (1, 2, 4, 8), (0.3, 0.3, 0.3, 0.1)
SQUARE_PEN_SHARE, BROAD_PEN_SHARE = 0.08, 0.08  # the other pens are round
NIB_THINNING = 0.4  # of its width that a broad pen loses along its edge

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

    def vary(self, count: int, rng: np.random.Generator) -> list[np.ndarray]:
        """Return `count` random variations: the paths of each stroke, (count, M, 2)."""

        def normal(scale: float, *shape: int) -> np.ndarray:
            return rng.normal(0, scale, (count, *shape))

        count_of_strokes = len(self.first)
        control = self.control + normal(POINT_SD, *self.control.shape)  # (count, K, 2)
        if count_of_strokes > 1:
            moved = normal(STROKE_SD, count_of_strokes, 2)
            control += np.repeat(moved, self.last - self.first + 1, axis=1)
        run_on = rng.random((2, count, count_of_strokes, 1)) < OVERSHOOT_SHARE
        far = np.where(
            run_on,
            rng.uniform(*OVERSHOOT_LENGTHS, run_on.shape),
            rng.normal(0, END_SD, run_on.shape),
        )
        control[:, self.first] += far[0] * (control[:, self.first] - control[:, self.first + 1])
        control[:, self.last] += far[1] * (control[:, self.last] - control[:, self.last - 1])
        smoothness = np.where(
            self.corner, rng.uniform(0, MAX_ROUNDING, (count, 1)), 1
        )  # (count, K)
        smoothness[:, self.first] = smoothness[:, self.last] = 0
        path = interpolate_path(control, smoothness)  # (count, M, 2), including pen lifts
        along = np.arange(path.shape[1])[:, None] / POINTS_PER_SPAN  # in control points
        for waves in (0.5, 1.5):
            phase = rng.uniform(0, 2 * np.pi, (count, 1, 2))
            path += normal(WAVE_SD, 1, 2) * np.sin(2 * np.pi * waves * along + phase)
        path += rng.uniform(0, MAX_TREMOR_SD, (count, 1, 1)) * rng.normal(size=path.shape)
        x, y = np.split(path - self.control.mean(axis=0), 2, axis=2)
        y = y + normal(BALANCE_SD, 1, 1) * np.cos(np.pi * y)
        x = x * (1 + normal(TOP_SPREAD_SD, 1, 1) * y) * np.exp(normal(ASPECT_SD, 1, 1))
        x = x - (MEAN_SHEAR + normal(DIGIT_SHEAR_SD, 1, 1)) * y
        turn = normal(ROTATION_SD, 1, 1)
        path[:] = np.concatenate(
            [x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)], axis=2
        )
        return self.split(path)

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


def draw_strokes(
    strokes: list[np.ndarray], rng: np.random.Generator, pen: float | None = None
) -> np.ndarray:
    """Rasterise strokes (M, 2), with a pen in px of the frame: ink (H, W), float32, 0 or 1."""
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    size = (high - low).max()
    if pen is None:
        length = sum(np.hypot(*np.diff(stroke, axis=0).T).sum() for stroke in strokes) / size
        thickest = min(max(MAX_INK / length, MIN_PEN_PX), MAX_PEN_PX)
        pen = np.exp(rng.uniform(np.log(MIN_PEN_PX), np.log(thickest)))
    scale = (DIGIT - pen) * DRAWING_SCALE / size
    border = 2 * pen * DRAWING_SCALE
    points = (points - low) * scale + border
    width, height = np.ceil((high - low) * scale + 2 * border).astype(int).tolist()
    canvas = np.zeros((height, width), np.uint8)
    ends = np.cumsum([len(stroke) for stroke in strokes])
    starts = np.concatenate(
        [np.arange(e - len(s), e - 1, POINTS_PER_SPAN) for e, s in zip(ends, strokes, strict=True)]
    )
    square, broad = rng.random(2) < (SQUARE_PEN_SHARE, BROAD_PEN_SHARE)
    widths = pen * DRAWING_SCALE * (1 + rng.normal(0, TAPER_SD) * np.linspace(-1, 1, len(starts)))
    if broad:  # thin along the nib's edge
        x, y = (points[starts + POINTS_PER_SPAN] - points[starts]).T
        widths *= 1 - NIB_THINNING * np.cos(np.arctan2(y, x) - rng.uniform(0, np.pi)) ** 2
    if square:
        widths[:] = 1
    stride = rng.choice(SAMPLING_STRIDES, p=SAMPLING_SHARES)
    fixed = np.rint(points * 2**PATH_BITS).astype(np.int32)
    parts = fixed[starts[:, None] + np.arange(0, POINTS_PER_SPAN + 1, stride)]  # (P, points, 2)
    thickness = widths.round().clip(1).astype(int)
    for width in np.unique(thickness).tolist():
        cv2.polylines(canvas, list(parts[thickness == width]), False, 1, width, shift=PATH_BITS)
    if square:
        canvas = cv2.dilate(canvas, np.ones((round(pen * DRAWING_SCALE),) * 2, np.uint8))
    left, top, width, height = cv2.boundingRect(canvas)
    return canvas[top : top + height, left : left + width].astype(np.float32)


def parse_styles(path: Path) -> dict[int, dict[str, str]]:
    """Return the pen paths of each digit in a file, by style name."""
    styles: dict[int, dict[str, str]] = {digit: {} for digit in range(10)}
    for line in path.read_text("utf-8").splitlines():
        if style := re.fullmatch(r"(\d) ([^:]+): (.+)", line):
            styles[int(style[1])][style[2]] = style[3]
    return styles


STROKE_STYLES = parse_styles(Path(__file__).with_name("stroke_styles.txt"))
