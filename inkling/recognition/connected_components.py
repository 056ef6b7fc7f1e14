"""Split ink into connected components, and group these into lines."""

from dataclasses import dataclass

import cv2
import numpy as np

from inkling.imaging.binarize import Ink
from inkling.imaging.mnist_frame import find_ink_box

MAX_SEGMENTS = 300  # of a picture: a photograph of leaves has thousands, and no digits
TYPICAL_HEIGHT_QUANTILE = 0.7  # of the ink, by height
SMALL_HEIGHT_SHARE = 0.45  # of a digit's height: lower segments are bars, dots and dashes
MIN_SHARED_HEIGHT = 0.35  # of the lower of two neighbours in a line
# Segments above one another are merged into one digit; in digits' heights: the taller one's height,
# the height of both, the narrower one's width that they share, the gap.
MAX_STACKED_HEIGHT, MAX_STACK_HEIGHT, MIN_SHARED_WIDTH, MAX_STACK_GAP = 0.8, 1.35, 0.4, 0.15


@dataclass(frozen=True, eq=False)
class Segment:
    """A connected component of the ink, several of them, or a piece of one."""

    ink: np.ndarray  # (H, W) float32, 0 to 1, cropped
    box: tuple[int, int, int, int]  # left, top, right, bottom in px of the whole ink

    @property
    def width(self) -> int:
        """Width, px."""
        return self.box[2] - self.box[0]

    @property
    def height(self) -> int:
        """Height, px."""
        return self.box[3] - self.box[1]

    @property
    def center(self) -> float:
        """Horizontal centre, px."""
        return (self.box[0] + self.box[2]) / 2

    @property
    def area(self) -> float:
        """Sum of the ink, px."""
        return float(self.ink.sum())

    def merge(self, other: "Segment") -> "Segment":
        """Return the union of both."""
        left, top = np.minimum(self.box[:2], other.box[:2]).tolist()
        right, bottom = np.maximum(self.box[2:], other.box[2:]).tolist()
        ink = np.zeros((bottom - top, right - left), np.float32)
        for segment in (self, other):
            x, y = segment.box[0] - left, segment.box[1] - top
            place = ink[y : y + segment.height, x : x + segment.width]
            np.maximum(place, segment.ink, out=place)
        return Segment(ink, (left, top, right, bottom))


def crop_segment(ink: np.ndarray, left: int = 0, top: int = 0) -> Segment | None:
    """Return all of some ink (H, W), whose corner is at (left, top), or None if it is blank."""
    if (box := find_ink_box(ink)) is None:
        return None
    x, y, right, bottom = box
    place = (left + x, top + y, left + right, top + bottom)
    return Segment(np.ascontiguousarray(ink[y:bottom, x:right]), place)


def extract_segments(ink: Ink) -> list[Segment]:
    """Return the largest connected components, each with its soft edges."""
    labels, stats = ink.components
    if len(stats) == 2:
        whole = crop_segment(ink.coverage)
        return [whole] if whole else []
    segments = []
    largest = np.argsort(-stats[1:, cv2.CC_STAT_AREA])[:MAX_SEGMENTS] + 1
    for k in largest.tolist():
        left, top, width, height = stats[k, :4].tolist()
        rows = slice(max(0, top - 2), top + height + 2)
        columns = slice(max(0, left - 2), left + width + 2)
        near = cv2.dilate((labels[rows, columns] == k).astype(np.uint8), np.ones((5, 5), np.uint8))
        segment = crop_segment(ink.coverage[rows, columns] * near, columns.start, rows.start)
        if segment:
            segments.append(segment)
    return segments


def merge_stacked(segments: list[Segment]) -> list[Segment]:
    """Merge segments that stand above one another and are too low to be digits themselves."""
    height = typical_height(segments)
    merged: list[Segment] = []
    for segment in sorted(segments, key=lambda s: s.box[1]):
        for k, above in enumerate(merged):
            shared = min(above.box[2], segment.box[2]) - max(above.box[0], segment.box[0])
            if (
                max(above.height, segment.height) < MAX_STACKED_HEIGHT * height
                and max(above.box[3], segment.box[3]) - above.box[1] <= MAX_STACK_HEIGHT * height
                and shared >= MIN_SHARED_WIDTH * min(above.width, segment.width)
                and box_distance(above, segment) < MAX_STACK_GAP * height
            ):
                merged[k] = above.merge(segment)
                break
        else:
            merged.append(segment)
    return merged


def typical_height(segments: list[Segment]) -> float:
    """Return a quantile of the heights, weighted by ink: the height of digits, not of fragments."""
    heights = np.array([s.height for s in segments])
    order = np.argsort(heights)
    share = np.cumsum(np.array([s.area for s in segments])[order])
    return float(heights[order][np.searchsorted(share, TYPICAL_HEIGHT_QUANTILE * share[-1])])


def group_lines(segments: list[Segment]) -> list[list[Segment]]:
    """Return the lines from top to bottom, each with its segments from left to right."""
    height = typical_height(segments)
    tall = [s for s in segments if s.height >= SMALL_HEIGHT_SHARE * height]
    lines: list[list[Segment]] = []
    for segment in sorted(tall, key=lambda s: s.center):
        best = max(lines, key=lambda line: shared_height(line[-1], segment), default=None)
        if best and shared_height(best[-1], segment) >= MIN_SHARED_HEIGHT:
            best.append(segment)
        else:
            lines.append([segment])
    for segment in (s for s in segments if s.height < SMALL_HEIGHT_SHARE * height):
        nearest = min(tall, key=lambda s: box_distance(s, segment))
        next(line for line in lines if nearest in line).append(segment)
    lines.sort(key=lambda line: np.median([s.box[1] + s.box[3] for s in line]))
    return [sorted(line, key=lambda s: s.center) for line in lines]


def shared_height(a: Segment, b: Segment) -> float:
    """Return the share of the lower one's height that both have in common, negative if none."""
    shared = min(a.box[3], b.box[3]) - max(a.box[1], b.box[1])
    return shared / max(1, min(a.height, b.height))


def box_distance(a: Segment, b: Segment) -> float:
    """Return the distance between two boxes, px."""
    dx = max(a.box[0], b.box[0]) - min(a.box[2], b.box[2])
    dy = max(a.box[1], b.box[1]) - min(a.box[3], b.box[3])
    return float(np.hypot(max(dx, 0), max(dy, 0)))
