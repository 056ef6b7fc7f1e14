"""Separate ink from even paper by Otsu's threshold, and remove specks."""

from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

from inkling.imaging.mnist_frame import BOX_INK_THRESHOLD

MIN_CONTRAST_LEVELS = 3  # of 255: fainter ink cannot be separated from rounding to 8 bits
MIN_CONTRAST_TO_NOISE = 6.0  # a blank sheet with grain stays below this
NOISE_FLOOR_SD = 4.0  # standard deviations of the paper's grain that count as paper
MAX_QUANTILE_SAMPLES = 10_000  # values: a median's error is 1 % of a standard deviation
MAX_SLIVER_SHARE = 0.04  # of the picture: thinner ink along its edge was cut off
MAX_SPECK_SHARE = 0.03  # of a usual stroke's area: smaller spots are dust
EDGE_ZONE_SHARE = 0.04  # of the picture: drawing programs put labels here; drawings stay clear
MAX_MARK_HEIGHT_SHARE = 0.45  # of the highest stroke's height: labels are lower
MARKS_NOTE = "marks at the rim ignored"


@dataclass(frozen=True)
class Ink:
    """Ink of a picture, separated from its paper."""

    coverage: np.ndarray  # (H, W) float32, 0 = paper, 1 = full ink, edges soft
    mask: np.ndarray  # (H, W) uint8, 1 on a stroke
    dark: bool  # whether it is darker than the paper
    notes: tuple[str, ...] = ()  # processing steps, for people
    background_variation: float = 1.0  # range of the paper's gray, in shares of the ink's contrast

    @cached_property
    def components(self) -> tuple[np.ndarray, np.ndarray]:
        """The connected components of the mask, as `find_components` returns them."""
        return find_components(self.mask)


def find_components(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the connected components of a mask (H, W): labels (H, W) int32 and statistics (N, 5).

    Statistics are left, top, width, height and area, px; the first component is the paper.
    """
    left, top, width, height = cv2.boundingRect(mask)
    labels: np.ndarray = np.zeros(mask.shape, np.int32)
    stats: np.ndarray = np.zeros((1, 5), np.int32)
    if width:  # the ink's box alone: for a drawing, a third of the whole picture's time
        inside = slice(top, top + height), slice(left, left + width)
        labels[inside], stats = cv2.connectedComponentsWithStats(mask[inside])[1:3]
        stats[:, :2] += left, top
    return labels, stats


def otsu_ink(gray: np.ndarray, dark: bool | None = None) -> Ink | None:
    """Separate ink from paper in gray (H, W), 0 = black, 1 = white; None if it is uniform.

    Without `dark`, paper is the majority of the border, or else of the picture.
    """
    levels = (gray * 255).round().astype(np.uint8)
    _, bright = cv2.threshold(levels, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    if bright.all() or not bright.any():
        return None
    if dark is None:
        edges = (bright[0], bright[-1], bright[1:-1, 0], bright[1:-1, -1])
        share = np.concatenate(edges).mean()
        dark = bool(bright.mean() > 0.5 if 0.35 < share < 0.65 else share > 0.5)
    mask = (bright != dark).astype(np.uint8)
    paper_samples = subsample(gray[mask == 0])
    paper = float(np.median(paper_samples))
    contrast = (paper - gray) if dark else (gray - paper)
    strong = float(np.percentile(subsample(contrast[mask > 0]), 98))
    noise = 1.4826 * float(np.median(np.abs(paper_samples - paper)))  # SD of a normal grain
    if strong < max(MIN_CONTRAST_LEVELS / 255, MIN_CONTRAST_TO_NOISE * noise):
        return None
    away = cv2.dilate(mask, np.ones((5, 5), np.uint8)) == 0
    samples = subsample(contrast[away])
    low, high = np.percentile(samples, (0.5, 99.5)) if len(samples) else (0.0, 0.0)
    floor = NOISE_FLOOR_SD * noise
    coverage = np.clip((contrast - floor) / (strong - floor), 0, 1)
    return clean_ink(Ink(coverage, mask, dark, (), float(high - low) / strong))


def subsample(values: np.ndarray) -> np.ndarray:
    """Return at most about `MAX_QUANTILE_SAMPLES` of the values (N,), evenly spaced."""
    return values[:: max(1, len(values) // MAX_QUANTILE_SAMPLES)]


def clean_ink(ink: Ink) -> Ink | None:
    """Return ink without specks; None if nothing is left."""
    mask, speck_notes = remove_specks(ink)
    notes = (() if ink.dark else ("light ink on dark: inverted",)) + ink.notes + speck_notes
    near = cv2.dilate(mask, np.ones((5, 5), np.uint8))  # keeps soft edges
    coverage = ink.coverage.astype(np.float32) * near
    is_blank = not (coverage > BOX_INK_THRESHOLD).any()
    return None if is_blank else replace(ink, coverage=coverage, mask=mask, notes=notes)


def remove_specks(ink: Ink) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the mask (H, W) uint8 without specks, slivers and edge marks, and notes on these."""
    mask, (labels, stats) = ink.mask, ink.components
    if len(stats) <= 2:  # the paper and one stroke
        return mask, ()
    left, top, width, height, area = stats.T
    at_side = (left == 0) | (left + width == mask.shape[1])
    at_end = (top == 0) | (top + height == mask.shape[0])
    thin = np.minimum(width, height) < MAX_SLIVER_SHARE * max(mask.shape)
    sliver = thin & np.where(height > width, at_side, at_end)
    sizes = np.sort(area[1:])
    usual = sizes[np.searchsorted(sizes.cumsum(), sizes.sum() / 2)]  # half of the ink is in larger
    keep = (area >= MAX_SPECK_SHARE * usual) & ~sliver
    if not keep[1:].any():
        keep = area >= area[1:].max()
    mark = keep & find_edge_marks(stats, mask.shape)
    found = {"specks ignored": not keep[1:].all(), MARKS_NOTE: mark.any()}
    keep &= ~mark
    keep[0] = False  # the paper
    return keep[labels].astype(np.uint8), tuple(note for note in found if found[note])


def find_edge_marks(stats: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return which components (N,) are low and nearer to the edge than to the highest stroke."""
    left, top, width, height = stats[:, :4].T
    right, bottom = left + width, top + height
    to_edge = np.min([left, top, shape[1] - right, shape[0] - bottom], axis=0)
    main = 1 + height[1:].argmax()
    across = np.maximum(left, left[main]) - np.minimum(right, right[main])
    down = np.maximum(top, top[main]) - np.minimum(bottom, bottom[main])
    zone = EDGE_ZONE_SHARE * max(shape)
    near = (to_edge < zone) & (to_edge < np.maximum(across, down))
    return near & (height < MAX_MARK_HEIGHT_SHARE * height[main]) & (to_edge[main] >= zone)
