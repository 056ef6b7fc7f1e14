"""Ink on ruled or squared paper becomes the ink that a hand wrote."""

import cv2
import numpy as np

SMALLEST_RULED = 64  # px: smaller pictures have been cropped by others
SPAN = 0.6  # of the picture: what is straight and longer than this is a rule
THICKNESS = 0.03  # of the picture, the most
SPAN_OF_OTHERS = 0.5  # of what is visible: what runs along a rule and is longer is one too
SHORTEST = 0.1  # of the picture: shorter pieces of lines in its corners are left
SEARCH_SIDE = 512  # px: slopes are told apart at this size
SLOPES = np.tan(np.radians(np.arange(-6, 6.1, 0.5)))
FINER = np.tan(np.radians(np.arange(-0.4, 0.41, 0.1)))


def without_rules(mask: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return the mask (H, W) uint8 without lines across the picture, and whether there were any.

    Where a stroke crosses a line, it is kept: there the ink goes on beyond the line's thickness.
    """
    edges = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    if not edges.any() or min(mask.shape) < SMALLEST_RULED:
        return mask, False
    across = rules(mask)
    down = np.ascontiguousarray(rules(np.ascontiguousarray(mask.T)).T)
    found = across | down
    return np.where(found, 0, mask).astype(np.uint8), bool(found.any())


def rules(mask: np.ndarray) -> np.ndarray:
    """Return where lines from left to right are that no stroke crosses, (H, W) bool."""
    height, width = mask.shape
    nothing = np.zeros(mask.shape, bool)
    if not (mask[:, 0].any() or mask[:, -1].any()):
        return nothing
    scale = min(1.0, SEARCH_SIDE / max(mask.shape))
    small = cv2.resize(255 * mask, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    small = (small > 60).astype(np.uint8)
    slope = max(SLOPES, key=lambda s: evenness(small, s))
    slope = max(slope + FINER, key=lambda s: evenness(small, s))
    straight = sheared(mask, slope)
    visible = sheared(np.ones_like(mask), slope).sum(axis=1)
    # A line's edge may lie on two rows; of lines at the picture's edge only a part is visible.
    covered = cv2.dilate(straight, np.ones((3, 1), np.uint8)).sum(axis=1) / visible.clip(1)
    if not (covered[visible > 0.9 * width] > SPAN).any():
        return nothing
    lines = (covered > SPAN_OF_OTHERS) & (visible > SHORTEST * width)
    runs = run_lengths(straight)
    thickness = float(np.quantile(runs[lines][straight[lines] > 0], 0.2))
    if thickness > max(3, THICKNESS * height):
        return nothing
    rows = cv2.dilate(lines[:, None].astype(np.uint8), np.ones((3, 1), np.uint8)) > 0
    wipe = (straight > 0) & (runs <= 1.5 * thickness + 1) & rows
    return sheared(wipe.astype(np.uint8), -slope) > 0


def evenness(mask: np.ndarray, slope: float) -> float:
    """Return how unlike each other the rows are once lines of this slope lie along them."""
    return float(np.square(sheared(mask, slope).mean(axis=1)).sum())


def sheared(mask: np.ndarray, slope: float) -> np.ndarray:
    """Return the mask with each column moved up by `slope` px a column from the middle's."""
    if slope == 0:
        return mask
    matrix = np.array([[1, 0, 0], [-slope, 1, slope * mask.shape[1] / 2]])
    return cv2.warpAffine(mask, matrix, mask.shape[::-1], flags=cv2.INTER_NEAREST)


def run_lengths(mask: np.ndarray) -> np.ndarray:
    """Return for each place of ink how many there are above and below it in a row, (H, W) int."""
    up = np.zeros(mask.shape, np.int32)
    run = np.zeros(mask.shape[1], np.int32)
    for y, row in enumerate(mask):
        run = (run + 1) * row
        up[y] = run
    down = np.zeros(mask.shape, np.int32)
    run[:] = 0
    for y in range(len(mask) - 1, -1, -1):
        run = (run + 1) * mask[y]
        down[y] = run
    return np.where(mask > 0, up + down - 1, 0)
