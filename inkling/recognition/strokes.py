"""Ink becomes strokes: what is connected, put together where it belongs together, line by line."""

from dataclasses import dataclass

import cv2
import numpy as np

from inkling.imaging.binarize import Ink
from inkling.imaging.mnist_frame import find_ink_box

MOST_PARTS = 300  # of a picture: a photograph of leaves has thousands, and no digits
USUAL = 0.7  # share of the ink that stands lower than the usual height
SMALL = 0.45  # of a digit's height: lower strokes are bars, dots and dashes
SAME_LINE = 0.35  # of the lower one's height that two digits side by side share
# Strokes above one another that are one digit, in heights of a digit: the tallest one's height,
# both together, the narrower one's width that they share, the gap.
LOW, STACK, SHARED_WIDTH, STACK_GAP = 0.8, 1.35, 0.4, 0.15


@dataclass(frozen=True, eq=False)
class Part:
    """Ink that belongs together: a stroke, or several, or a piece of one."""

    ink: np.ndarray  # (H, W) float32, cropped
    box: tuple[int, int, int, int]  # left, top, right, bottom in px of the whole ink

    @property
    def width(self) -> int:
        """From left to right, px."""
        return self.box[2] - self.box[0]

    @property
    def height(self) -> int:
        """From top to bottom, px."""
        return self.box[3] - self.box[1]

    @property
    def middle(self) -> float:
        """Where it stands in its line, px."""
        return (self.box[0] + self.box[2]) / 2

    @property
    def area(self) -> float:
        """How much ink it has."""
        return float(self.ink.sum())

    def joined(self, other: "Part") -> "Part":
        """Return both as one."""
        left, top = np.minimum(self.box[:2], other.box[:2]).tolist()
        right, bottom = np.maximum(self.box[2:], other.box[2:]).tolist()
        ink = np.zeros((bottom - top, right - left), np.float32)
        for part in (self, other):
            x, y = part.box[0] - left, part.box[1] - top
            place = ink[y : y + part.height, x : x + part.width]
            np.maximum(place, part.ink, out=place)
        return Part(ink, (left, top, right, bottom))


def part_in(ink: np.ndarray, left: int = 0, top: int = 0) -> Part | None:
    """Return all ink of a picture (H, W) as one part; the picture's corner is at (left, top)."""
    if (box := find_ink_box(ink)) is None:
        return None
    x, y, right, bottom = box
    place = (left + x, top + y, left + right, top + bottom)
    return Part(np.ascontiguousarray(ink[y:bottom, x:right]), place)


def parts_of(ink: Ink) -> list[Part]:
    """Return the strokes that are not connected, each with its soft edges; the largest ones."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(ink.mask)
    if count == 2:
        whole = part_in(ink.coverage)
        return [whole] if whole else []
    parts = []
    largest = np.argsort(-stats[1:, cv2.CC_STAT_AREA])[:MOST_PARTS] + 1
    for k in largest.tolist():
        left, top, width, height = stats[k, :4].tolist()
        rows = slice(max(0, top - 2), top + height + 2)
        columns = slice(max(0, left - 2), left + width + 2)
        near = cv2.dilate((labels[rows, columns] == k).astype(np.uint8), np.ones((5, 5), np.uint8))
        part = part_in(ink.coverage[rows, columns] * near, columns.start, rows.start)
        if part:
            parts.append(part)
    return parts


def stacked(parts: list[Part]) -> list[Part]:
    """Join strokes that stand above one another and are too low to be digits by themselves."""
    height = usual_height(parts)
    parts = sorted(parts, key=lambda p: p.box[1])
    joined: list[Part] = []
    for part in parts:
        for k, above in enumerate(joined):
            shared = min(above.box[2], part.box[2]) - max(above.box[0], part.box[0])
            if (
                max(above.height, part.height) < LOW * height
                and max(above.box[3], part.box[3]) - above.box[1] <= STACK * height
                and shared >= SHARED_WIDTH * min(above.width, part.width)
                and distance(above, part) < STACK_GAP * height
            ):
                joined[k] = above.joined(part)
                break
        else:
            joined.append(part)
    return joined


def usual_height(parts: list[Part]) -> float:
    """Return the height that most ink does not exceed: that of digits, not of their pieces."""
    heights = np.array([p.height for p in parts])
    order = np.argsort(heights)
    share = np.cumsum(np.array([p.area for p in parts])[order])
    return float(heights[order][np.searchsorted(share, USUAL * share[-1])])


def lines_of(parts: list[Part]) -> list[list[Part]]:
    """Return the strokes line by line, each from left to right."""
    height = usual_height(parts)
    tall = [p for p in parts if p.height >= SMALL * height]
    small = [p for p in parts if p.height < SMALL * height]
    lines: list[list[Part]] = []
    for part in sorted(tall, key=lambda p: p.middle):
        best = max(lines, key=lambda line: shared_height(line[-1], part), default=None)
        if best and shared_height(best[-1], part) >= SAME_LINE:
            best.append(part)
        else:
            lines.append([part])
    for part in small:
        nearest = min(tall, key=lambda p: distance(p, part))
        next(line for line in lines if nearest in line).append(part)
    lines.sort(key=lambda line: np.median([p.box[1] + p.box[3] for p in line]))
    return [sorted(line, key=lambda p: p.middle) for line in lines]


def shared_height(a: Part, b: Part) -> float:
    """Return how much of the lower one's height both have in common, 0 to 1, or less if none."""
    shared = min(a.box[3], b.box[3]) - max(a.box[1], b.box[1])
    return shared / max(1, min(a.height, b.height))


def distance(a: Part, b: Part) -> float:
    """Return how far apart two boxes are, in px."""
    dx = max(a.box[0], b.box[0]) - min(a.box[2], b.box[2])
    dy = max(a.box[1], b.box[1]) - min(a.box[3], b.box[3])
    return float(np.hypot(max(dx, 0), max(dy, 0)))
