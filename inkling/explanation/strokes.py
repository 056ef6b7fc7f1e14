"""Find the strokes and loops of framed ink; draw them with its pen, and name them.

Points are y and x in px of the frame.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import distance_transform_edt

from inkling.imaging.mnist_frame import DIGIT, FRAME

STROKE_EDGE = 0.3  # pixels with more ink belong to a stroke
PEN_LIMITS_PX = (1.2, 4.2)  # px: widths in MNIST
STEP_PX = 1.15  # px between pixels of a skeleton: in the mean of all slopes
PEN_SCALE, PEN_BITS = 4, 3  # px of the drawing per px; fractional bits given to OpenCV
MIN_LOOP_PX = 4  # px of enclosed paper that count as a loop
MAX_BEND = 0.13  # width of a straight stroke, in lengths; not tuned
MIN_SLOPE = 1.7  # of a stem, and of a bar the other way: 60 degrees
RING_Y, RING_X = (0, 0, 1, 2, 2, 2, 1, 0), (1, 2, 2, 2, 1, 0, 0, 0)  # clockwise from the top
REGIONS = (  # of the digit's box
    "in the upper left", "at the top", "in the upper right",
    "on the left side", "in the middle", "on the right side",
    "in the lower left", "at the bottom", "in the lower right",
)  # fmt: skip


class PenPaths(NamedTuple):
    """T ways to write a digit, sampled at P equal steps along their strokes."""

    points: np.ndarray  # (T, P, 2) float32, 0 to 1 of the digit's box
    aspects: np.ndarray  # (T,) float32, width divided by height
    strokes: np.ndarray  # (T, P) int, index of each point's stroke


class Skeleton:
    """The middle lines of ink's strokes, one pixel wide."""

    def __init__(self, ink: np.ndarray):
        """Thin ink (28, 28) that has a stroke."""
        mask = ink > STROKE_EDGE
        thinned = thin(mask)
        self.grid = thinned if thinned.any() else mask  # (28, 28) bool
        self.points = np.argwhere(self.grid).astype(np.float32)  # (K, 2)
        self.pen_px = float((ink.sum() / (STEP_PX * len(self.points))).clip(*PEN_LIMITS_PX))
        self.nearest = distance_transform_edt(~self.grid, None, False, True)  # (2, 28, 28) int
        _, branches = find_rings(np.pad(self.grid, 1))
        self.is_end, self.is_junction = self.grid & (branches < 2), self.grid & (branches > 2)

    def snap(self, points: np.ndarray) -> np.ndarray:
        """Return the nearest skeleton pixels of points (..., 2): (..., 2) float32."""
        y, x = np.moveaxis(points.round().astype(int).clip(0, FRAME - 1), -1, 0)
        return np.moveaxis(self.nearest[:, y, x], 0, -1).astype(np.float32)

    def cover(self, part: np.ndarray) -> np.ndarray:
        """Return the ink that belongs to a part of the skeleton, (28, 28) float32 of bool."""
        return part[tuple(self.nearest)].astype(np.float32)

    def find_branch(self, point: np.ndarray, radius_px: float) -> np.ndarray:
        """Return the stroke's pixels around a point (2,), from one junction to the next: (K, 2)."""
        apart = np.hypot(*(np.indices(self.grid.shape) - point[:, None, None]))
        labels, _ = find_parts(self.grid & ~self.is_junction & (apart <= radius_px))
        chosen = np.where(labels > 0, apart, FRAME).argmin()
        branch = np.argwhere((labels > 0) & (labels == labels.flat[chosen])).astype(np.float32)
        return branch if len(branch) else self.snap(point)[None]


def find_rings(padded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each pixel's neighbours, clockwise (H, W, 8), and their rises from 0 to 1 (H, W)."""
    ring = sliding_window_view(padded, (3, 3))[..., RING_Y, RING_X]
    return ring, (np.roll(ring, -1, axis=-1) > ring).sum(axis=-1)


def thin(mask: np.ndarray) -> np.ndarray:
    """Thin strokes (H, W) bool to lines one pixel wide (Zhang and Suen 1984)."""
    ink, before = np.pad(mask, 1).astype(np.uint8), -1
    while ink.sum() != before:
        before = ink.sum()
        for turn in (0, 4):
            ring, rises = find_rings(ink)
            count, (n, _, e, _, s, _, w, _) = ring.sum(axis=-1), np.roll(ring.T, turn, axis=0)
            inner = (e & s & (n | w)).T
            ink[1:-1, 1:-1][(count >= 2) & (count <= 6) & (rises == 1) & (inner == 0)] = 0
    return ink[1:-1, 1:-1].astype(bool)


def draw_path(path: np.ndarray, pen_px: float) -> np.ndarray:
    """Draw a path (M, 2) with a round pen: ink (28, 28) float32, 0 to 1."""
    canvas = np.zeros((FRAME * PEN_SCALE,) * 2, np.uint8)
    line = np.rint(((path[:, ::-1] + 0.5) * PEN_SCALE - 0.5) * 2**PEN_BITS).astype(np.int32)
    cv2.polylines(canvas, [line], False, 255, max(1, round(pen_px * PEN_SCALE)), shift=PEN_BITS)
    return cv2.resize(canvas, (FRAME, FRAME), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def find_parts(mask: np.ndarray, connectivity: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Return labels (H, W) of a mask's connected parts, 0 elsewhere, and the labels' areas, px."""
    labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=connectivity)[1]
    return labels, np.bincount(labels.ravel())


def find_loops(ink: np.ndarray) -> list[np.ndarray]:
    """Return the areas of paper that ink (28, 28) encloses, (28, 28) bool each."""
    labels, sizes = find_parts(np.pad(ink <= STROKE_EDGE, 1, constant_values=True), 4)
    inside = [k for k in range(1, len(sizes)) if k != labels[0, 0] and sizes[k] >= MIN_LOOP_PX]
    return [labels[1:-1, 1:-1] == k for k in inside]


def find_box_corner(ink: np.ndarray) -> np.ndarray:
    """Return top and left, px, of the square of `DIGIT` px around framed ink."""
    ends = [np.flatnonzero((ink > STROKE_EDGE).any(axis=axis))[[0, -1]] for axis in (1, 0)]
    return (np.mean(ends, axis=1) - DIGIT / 2).clip(-0.5, FRAME - DIGIT - 0.5)


def find_region(points: np.ndarray, corner: np.ndarray) -> np.ndarray:
    """Return the indices in `REGIONS` of points (..., 2), by the corner of the digit's box."""
    return ((points - corner) * 3 // DIGIT).clip(0, 2).astype(int) @ [3, 1]


def name_place(points: np.ndarray, ink: np.ndarray) -> str:
    """Return where in framed ink (28, 28) the middle of points (M, 2) lies: "at the top"."""
    return REGIONS[int(find_region(points.mean(axis=0), find_box_corner(ink)))]


def name_shape(points: np.ndarray) -> str:
    """Return the name of a stroke by its points (M, 2)."""
    _, size, axes = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    y, x = np.abs(axes[0])
    if len(size) > 1 and size[1] > MAX_BEND * size[0]:
        return "curve"
    return "bar" if x > MIN_SLOPE * y else "stem" if y > MIN_SLOPE * x else "slanted line"
