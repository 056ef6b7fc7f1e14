"""A line of pen movements becomes ink: each time as another hand and another pen would draw it."""

import cv2
import numpy as np

from inkling.imaging.mnist_frame import DIGIT

UNIT = 5  # px of the drawing in one px of the frame
STEPS = 8  # points of a path from one control point to the next
PATH_BITS = 3  # bits of a pixel in the points given to OpenCV
THINNEST, THICKEST = 1.0, 4.8  # px of the frame, widths of pens
MOST_INK = 14  # px of the pen times the path's length in heights: with more, nobody could read it
# How far hands differ. Lengths are in heights of the digit, angles in radians; where nothing else
# is said, a standard deviation.
CONTROL = 0.026  # of every point that the pen passes
STROKE = 0.026  # of a whole stroke's place, if there are several
END = 0.12  # of a stroke's first and last part, in its own length: gaps and overshoot
OVERSHOOT, OVERSHOT = 0.12, (0.1, 0.5)  # share of the ends that run on, and how far, in the same
WOBBLE = 0.006  # of the path, in waves
TREMOR = 0.01  # of every point of the path, at most
ROUNDING = 0.6  # the most that haste turns a corner into a curve: 0 not at all, 1 wholly
BALANCE = 0.05  # of how high the middle lies: small loops, long tails
TOP_SPREAD = 0.13  # of how much wider the top is than the bottom
ASPECT = 0.17  # of the width's logarithm
SLANT, MEAN_SLANT = 0.17, 0.12  # of the shear; most people lean to the right
TURN = 0.1  # of the rotation
TAPER = 0.08  # of the pen's width, from the start of the digit to its end
# Every so many-th point is what a slow tablet or a fast hand leaves, and how often each comes: with
# 8 there are straight lines alone from one control point to the next.
SAMPLING, SAMPLED = (1, 2, 4, 8), (0.3, 0.3, 0.3, 0.1)
SQUARE_PENS, BROAD_PENS = 0.08, 0.08  # shares; the others are round, and the same in all directions
BROAD_NIB = 0.4  # of its width that a broad pen loses along its edge

T = np.arange(STEPS) / STEPS
# The cubic Hermite basis: values of a spline at T from its start, its slope there, its end, and its
# slope there.
HERMITE = np.stack(
    [(1 + 2 * T) * (1 - T) ** 2, T * (1 - T) ** 2, T**2 * (3 - 2 * T), T**2 * (T - 1)], axis=1
)  # (STEPS, 4)


class Style:
    """One way of writing a character: control points, and how a pen's path follows from them."""

    def __init__(self, line: str):
        """Read a path as `stroke_styles.txt` has them; raises `ValueError` if it is none."""
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
        """Return the style as `count` hands write it: for each stroke its paths, (count, M, 2)."""

        def normal(scale: float, *shape: int) -> np.ndarray:
            return rng.normal(0, scale, (count, *shape))

        count_of_strokes = len(self.first)
        control = self.control + normal(CONTROL, *self.control.shape)  # (count, K, 2)
        if count_of_strokes > 1:
            moved = normal(STROKE, count_of_strokes, 2)
            control += np.repeat(moved, self.last - self.first + 1, axis=1)
        run_on = rng.random((2, count, count_of_strokes, 1)) < OVERSHOOT
        far = np.where(
            run_on, rng.uniform(*OVERSHOT, run_on.shape), rng.normal(0, END, run_on.shape)
        )
        control[:, self.first] += far[0] * (control[:, self.first] - control[:, self.first + 1])
        control[:, self.last] += far[1] * (control[:, self.last] - control[:, self.last - 1])
        smoothness = np.where(self.corner, rng.uniform(0, ROUNDING, (count, 1)), 1)  # (count, K)
        smoothness[:, self.first] = smoothness[:, self.last] = 0
        path = pen_path(control, smoothness)  # (count, M, 2), from stroke to stroke as well
        along = np.arange(path.shape[1])[:, None] / STEPS  # in control points
        for waves in (0.5, 1.5):
            phase = rng.uniform(0, 2 * np.pi, (count, 1, 2))
            path += normal(WOBBLE, 1, 2) * np.sin(2 * np.pi * waves * along + phase)
        path += rng.uniform(0, TREMOR, (count, 1, 1)) * rng.normal(size=path.shape)
        x, y = np.split(path - self.control.mean(axis=0), 2, axis=2)
        y = y + normal(BALANCE, 1, 1) * np.cos(np.pi * y)
        x = x * (1 + normal(TOP_SPREAD, 1, 1) * y) * np.exp(normal(ASPECT, 1, 1))
        x = x - (MEAN_SLANT + normal(SLANT, 1, 1)) * y
        turn = normal(TURN, 1, 1)
        path[:] = np.concatenate(
            [x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)], axis=2
        )
        return self.cut(path)

    def plain(self) -> list[np.ndarray]:
        """Return the style as it stands: for each stroke its path, (M, 2)."""
        smoothness = 1.0 - self.corner
        smoothness[self.first] = smoothness[self.last] = 0
        return self.cut(pen_path(self.control, smoothness))

    def cut(self, path: np.ndarray) -> list[np.ndarray]:
        """Return the strokes of a path (..., M, 2) that runs on where the pen is lifted."""
        ends = zip(self.first * STEPS, self.last * STEPS + 1, strict=True)
        return [path[..., first:last, :] for first, last in ends]


def pen_path(control: np.ndarray, smoothness: np.ndarray | float) -> np.ndarray:
    """Return paths (..., M, 2) of a pen that passes control points (..., K, 2): M = 8 (K - 1) + 1.

    A path is a cubic Hermite spline over the chords' lengths. `smoothness`, (..., K) or one for
    all, is 1 where the pen runs smoothly through a point, and 0 where it turns sharply.
    """
    step = np.diff(control, axis=-2)  # (..., K - 1, 2)
    length = np.linalg.norm(step, axis=-1, keepdims=True) + 1e-9
    chord = step / length  # the slope from point to point
    before, after = length[..., :-1, :], length[..., 1:, :]
    through = (before * chord[..., 1:, :] + after * chord[..., :-1, :]) / (before + after)
    smooth = np.broadcast_to(smoothness, control.shape[:-1])[..., 1:-1, None]
    leaving, arriving = chord.copy(), chord.copy()
    leaving[..., 1:, :] += smooth * (through - chord[..., 1:, :])
    arriving[..., :-1, :] += smooth * (through - chord[..., :-1, :])
    ends = [control[..., :-1, :], leaving * length, control[..., 1:, :], arriving * length]
    path = HERMITE @ np.stack(ends, axis=-2)  # (..., K - 1, STEPS, 2)
    path = path.reshape(*control.shape[:-2], -1, 2)
    return np.concatenate([path, control[..., -1:, :]], axis=-2)


def draw(
    strokes: list[np.ndarray], rng: np.random.Generator, pen: float | None = None
) -> np.ndarray:
    """Draw strokes, each (M, 2): ink of one glyph (H, W), float32, 0 or 1, `UNIT` px a frame's px.

    `pen` is the line's width in px of the frame; without it a hand takes any.
    """
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    size = (high - low).max()
    if pen is None:
        length = sum(np.hypot(*np.diff(stroke, axis=0).T).sum() for stroke in strokes) / size
        thickest = min(max(MOST_INK / length, THINNEST), THICKEST)
        pen = np.exp(rng.uniform(np.log(THINNEST), np.log(thickest)))
    scale = (DIGIT - pen) * UNIT / size
    border = 2 * pen * UNIT
    points = (points - low) * scale + border
    width, height = np.ceil((high - low) * scale + 2 * border).astype(int).tolist()
    canvas = np.zeros((height, width), np.uint8)
    ends = np.cumsum([len(stroke) for stroke in strokes])
    starts = np.concatenate(
        [np.arange(e - len(s), e - 1, STEPS) for e, s in zip(ends, strokes, strict=True)]
    )
    square, broad = rng.random(2) < (SQUARE_PENS, BROAD_PENS)
    widths = pen * UNIT * (1 + rng.normal(0, TAPER) * np.linspace(-1, 1, len(starts)))
    if broad:  # thin along the nib's edge, full across it
        x, y = (points[starts + STEPS] - points[starts]).T
        widths *= 1 - BROAD_NIB * np.cos(np.arctan2(y, x) - rng.uniform(0, np.pi)) ** 2
    if square:
        widths[:] = 1
    every = rng.choice(SAMPLING, p=SAMPLED)
    fixed = np.rint(points * 2**PATH_BITS).astype(np.int32)
    parts = fixed[starts[:, None] + np.arange(0, STEPS + 1, every)]  # (P, points, 2)
    thickness = widths.round().clip(1).astype(int)
    for one in np.unique(thickness).tolist():
        cv2.polylines(canvas, list(parts[thickness == one]), False, 1, one, shift=PATH_BITS)
    if square:
        canvas = cv2.dilate(canvas, np.ones((round(pen * UNIT),) * 2, np.uint8))
    left, top, width, height = cv2.boundingRect(canvas)
    return canvas[top : top + height, left : left + width].astype(np.float32)
