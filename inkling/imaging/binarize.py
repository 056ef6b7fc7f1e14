"""A picture in two levels becomes ink: strokes are told from paper where both are even."""

from dataclasses import dataclass

import cv2
import numpy as np

from inkling.imaging.mnist_frame import EDGE

LEAST_LEVELS = 3  # of 255: fainter ink is not told from what 8 bits round
CONTRAST_TO_NOISE = 6.0  # a blank sheet with grain stays below this
NOISE_FLOOR = 4.0  # standard deviations of the paper's grain that count as paper
SAMPLED = 10_000  # values of which a median or the like is taken: its error is 1 % of a deviation
SLIVER = 0.04  # of the picture: thinner ink along its edge has been cut off
SPECK = 0.03  # of a usual stroke's area: smaller spots are dust
RIM = 0.04  # of the picture: labels that drawing programs add lie within it, drawings do not
MARKS = "marks at the rim ignored"
MARK = 0.45  # of the highest stroke's height: labels are lower


@dataclass(frozen=True)
class Ink:
    """What was found on the paper."""

    depth: np.ndarray  # (H, W) float32, 0 = paper, 1 = full ink, edges soft
    mask: np.ndarray  # (H, W) uint8, 1 where a stroke is
    dark: bool  # whether it is darker than the paper
    notes: tuple[str, ...] = ()  # what was done to the picture
    unevenness: float = 1.0  # how much the paper differs in itself, in shares of the ink's depth


def two_level_ink(light: np.ndarray, dark: bool | None = None) -> Ink | None:
    """Tell ink from paper by brightness (H, W), 0 = black, 1 = white; None if it is all alike.

    Without `dark`, paper is what most of the picture's border is, or else most of the picture.
    """
    levels = (light * 255).round().astype(np.uint8)
    _, bright = cv2.threshold(levels, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    if bright.all() or not bright.any():
        return None
    if dark is None:
        edges = (bright[0], bright[-1], bright[1:-1, 0], bright[1:-1, -1])
        share = np.concatenate(edges).mean()
        dark = bool(bright.mean() > 0.5 if 0.35 < share < 0.65 else share > 0.5)
    mask = (bright != dark).astype(np.uint8)
    paper_light = some_of(light[mask == 0])
    paper = float(np.median(paper_light))
    depth = (paper - light) if dark else (light - paper)
    strong = float(np.percentile(some_of(depth[mask > 0]), 98))
    noise = 1.4826 * float(np.median(np.abs(paper_light - paper)))  # of a normal grain
    if strong < max(LEAST_LEVELS / 255, CONTRAST_TO_NOISE * noise):
        return None
    away = cv2.dilate(mask, np.ones((5, 5), np.uint8)) == 0
    some = some_of(depth[away])
    low, high = np.percentile(some, (0.5, 99.5)) if len(some) else (0.0, 0.0)
    soft = np.clip((depth - NOISE_FLOOR * noise) / (strong - NOISE_FLOOR * noise), 0, 1)
    return inked(soft, mask, dark, unevenness=float(high - low) / strong)


def some_of(values: np.ndarray) -> np.ndarray:
    """Return values (N,), or some of them, evenly spaced: enough to tell quantiles."""
    return values[:: max(1, len(values) // SAMPLED)]


def inked(
    soft: np.ndarray,
    mask: np.ndarray,
    dark: bool,
    notes: tuple[str, ...] = (),
    unevenness: float = 1.0,
) -> Ink | None:
    """Return ink (H, W), 0 to 1, without specks, where a mask (H, W) uint8 has strokes, or None."""
    kept, ignored = without_specks(mask)
    notes += ignored
    if not dark:
        notes = ("light ink on dark: inverted", *notes)
    soft = soft.astype(np.float32) * cv2.dilate(kept, np.ones((5, 5), np.uint8))  # edges are soft
    return Ink(soft, kept, dark, notes, unevenness) if (soft > EDGE).any() else None


def without_specks(mask: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the mask (H, W) uint8 without specks, slivers and marks, and what was left out.

    A sliver is what is left of a rule or a neighbour when a picture is cropped.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count <= 2:  # the paper and one stroke
        return mask, ()
    left, top, width, height, area = stats.T
    at_side = (left == 0) | (left + width == mask.shape[1])
    at_end = (top == 0) | (top + height == mask.shape[0])
    thin = np.minimum(width, height) < SLIVER * max(mask.shape)
    sliver = thin & np.where(height > width, at_side, at_end)
    sizes = np.sort(area[1:])
    usual = sizes[np.searchsorted(sizes.cumsum(), sizes.sum() / 2)]  # half of the ink is in larger
    keep = (area >= SPECK * usual) & ~sliver
    if not keep[1:].any():
        keep = area >= area[1:].max()
    mark = keep & marks(stats, mask.shape)
    notes = (("specks ignored",) if not keep[1:].all() else ()) + ((MARKS,) if mark.any() else ())
    keep &= ~mark
    keep[0] = False  # the paper
    return keep[labels].astype(np.uint8), notes


def marks(stats: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return which components of a picture (H, W), as OpenCV counts them, are marks at its rim.

    They are low, and nearer to the rim than to the highest stroke, which is clear of it.
    """
    left, top, width, height = stats[:, :4].T
    right, bottom = left + width, top + height
    rim = np.min([left, top, shape[1] - right, shape[0] - bottom], axis=0)
    main = 1 + height[1:].argmax()
    across = np.maximum(left, left[main]) - np.minimum(right, right[main])
    down = np.maximum(top, top[main]) - np.minimum(bottom, bottom[main])
    near = (rim < RIM * max(shape)) & (rim < np.maximum(across, down))
    return near & (height < MARK * height[main]) & (rim[main] >= RIM * max(shape))
