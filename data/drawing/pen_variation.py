"""Vary the pen paths of characters, and rasterise them."""

import cv2
import numpy as np

from data.drawing.pen_strokes import POINTS_PER_SPAN, Style, interpolate_path
from inkling.imaging.mnist_frame import DIGIT

DRAWING_SCALE = 5  # px of the drawing per px of the frame
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


def vary(style: Style, count: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Return `count` random variations: the paths of each stroke, (count, M, 2)."""

    def normal(scale: float, *shape: int) -> np.ndarray:
        return rng.normal(0, scale, (count, *shape))

    count_of_strokes = len(style.first)
    control = style.control + normal(POINT_SD, *style.control.shape)  # (count, K, 2)
    if count_of_strokes > 1:
        moved = normal(STROKE_SD, count_of_strokes, 2)
        control += np.repeat(moved, style.last - style.first + 1, axis=1)
    run_on = rng.random((2, count, count_of_strokes, 1)) < OVERSHOOT_SHARE
    far = np.where(
        run_on,
        rng.uniform(*OVERSHOOT_LENGTHS, run_on.shape),
        rng.normal(0, END_SD, run_on.shape),
    )
    control[:, style.first] += far[0] * (control[:, style.first] - control[:, style.first + 1])
    control[:, style.last] += far[1] * (control[:, style.last] - control[:, style.last - 1])
    smoothness = np.where(style.corner, rng.uniform(0, MAX_ROUNDING, (count, 1)), 1)  # (count, K)
    smoothness[:, style.first] = smoothness[:, style.last] = 0
    path = interpolate_path(control, smoothness)  # (count, M, 2), including pen lifts
    along = np.arange(path.shape[1])[:, None] / POINTS_PER_SPAN  # in control points
    for waves in (0.5, 1.5):
        phase = rng.uniform(0, 2 * np.pi, (count, 1, 2))
        path += normal(WAVE_SD, 1, 2) * np.sin(2 * np.pi * waves * along + phase)
    path += rng.uniform(0, MAX_TREMOR_SD, (count, 1, 1)) * rng.normal(size=path.shape)
    x, y = np.split(path - style.control.mean(axis=0), 2, axis=2)
    y = y + normal(BALANCE_SD, 1, 1) * np.cos(np.pi * y)
    x = x * (1 + normal(TOP_SPREAD_SD, 1, 1) * y) * np.exp(normal(ASPECT_SD, 1, 1))
    x = x - (MEAN_SHEAR + normal(DIGIT_SHEAR_SD, 1, 1)) * y
    turn = normal(ROTATION_SD, 1, 1)
    path[:] = np.concatenate(
        [x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)], axis=2
    )
    return style.split(path)


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
