"""Cut a line into the digits of its transcript, where the digit network confirms them best."""

from collections.abc import Sequence
from itertools import pairwise, product

import cv2
import numpy as np

from inkling.imaging.mnist_frame import remove_splinters
from inkling.recognition.connected_components import Segment, crop_segment
from inkling.recognition.reading import Digit
from inkling.recognition.segment_scorer import MAX_GLYPH_COST, SegmentScorer

MAX_SEAM_HEIGHT = 64  # px: taller lines are reduced before seams are searched
# Seams are drawn to lines through these places between two digits, at these slopes: straight cuts,
# which the strokes bend, beside the one seam through the least ink.
PLACES, SLOPES = (0.3, 0.5, 0.7), (-0.3, 0.0, 0.3)
STRAIGHT_COST = 1.0  # per row of a straight cut, at one distance between the digits from its line
FREE_COST = 0.05  # the same of the seam through the least ink
SIDE_STEP_COST = 0.02  # of a step to the side
MAX_CLEAR_INK = 0.5  # px: a seam through less ink leaves both digits whole


def cut_into_digits(
    line: Segment, digits: Sequence[int], centers: Sequence[float], score: SegmentScorer
) -> list[Digit]:
    """Return the glyphs of a line that digits at these centers, px, fit best, or none."""
    ink, everything = line.ink, np.ones(line.ink.shape, bool)
    borders = [[everything], *(find_cuts(ink, *two) for two in pairwise(centers))]
    borders.append([~everything])
    left, top = line.box[:2]
    pieces: dict[tuple[int, int, int], Segment] = {}
    for k, (befores, afters) in enumerate(pairwise(borders)):
        near = slice(*find_columns(befores, afters))
        if near.start == near.stop:  # two digits in one place
            return []
        for (a, before), (b, after) in product(enumerate(befores), enumerate(afters)):
            kept = remove_splinters(ink[:, near] * (before[:, near] & ~after[:, near]))
            if piece := crop_segment(kept, left + near.start, top):
                pieces[k, a, b] = piece
    if not pieces:
        return []
    candidates = dict(zip(pieces, score([*pieces.values()]), strict=True))
    best: dict[int, tuple[float, list[Digit]]] = {0: (0.0, [])}
    for k, digit in enumerate(digits):
        paths: dict[int, list[tuple[float, list[Digit]]]] = {}
        for (at, a, b), glyph in candidates.items():
            if at == k and a in best:
                cost = best[a][0] + min(MAX_GLYPH_COST, -glyph.log_prob(digit))
                paths.setdefault(b, []).append((cost, [*best[a][1], glyph]))
        best = {b: min(ends, key=lambda path: path[0]) for b, ends in paths.items()}
    return best[0][1] if best else []


def find_columns(befores: list[np.ndarray], afters: list[np.ndarray]) -> tuple[int, int]:
    """Return the columns, first and end, right of any of some cuts and left of any of others."""
    inside = np.any(befores, axis=(0, 1)) & ~np.all(afters, axis=(0, 1))
    columns = np.flatnonzero(inside)
    return (int(columns[0]), int(columns[-1]) + 1) if len(columns) else (0, 0)


def find_cuts(ink: np.ndarray, before: float, after: float) -> list[np.ndarray]:
    """Return the mask to the right of each plausible cut between two columns of ink (H, W)."""
    scale = min(1.0, MAX_SEAM_HEIGHT / len(ink))
    width, height = max(1, round(ink.shape[1] * scale)), max(1, round(len(ink) * scale))
    small = cv2.resize(ink, (width, height), interpolation=cv2.INTER_AREA)
    first = int(np.clip(before * scale, 0, width - 1))
    between = small[:, first : max(first + 1, int(after * scale) + 1)]
    columns = between.shape[1]
    across = np.linspace(0, 1, columns)
    down = (np.arange(height)[:, None] - height / 2) / columns
    lines = [(FREE_COST, 0.5, 0.0), *product([STRAIGHT_COST], PLACES, SLOPES)]
    costs = [cost * np.abs(across - place - slope * down) for cost, place, slope in lines]
    seams = find_seams(between + np.stack(costs))
    through = np.take_along_axis(between[None], seams[..., None], axis=2)[..., 0].sum(axis=1)
    if through[0] < MAX_CLEAR_INK:
        seams = seams[:1]
    masks: list[np.ndarray] = []
    for seam in seams:
        mask = np.arange(width) > (first + seam)[:, None]
        if not any((mask == other)[small > 0.1].all() for other in masks):
            masks.append(mask)
    size = ink.shape[::-1]
    return [
        cv2.resize(m.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0 for m in masks
    ]


def find_seams(costs: np.ndarray) -> np.ndarray:
    """Return the columns (N, H) of the cheapest paths from top to bottom of costs (N, H, W).

    Seam carving (Avidan and Shamir 2007): a path moves at most one column to the side per row.
    """
    count, height, _ = costs.shape
    total, steps = costs[:, 0], np.zeros(costs.shape, int)
    for y in range(1, height):
        beside = np.pad(total, ((0, 0), (1, 1)), constant_values=np.inf) + SIDE_STEP_COST
        around = np.stack([beside[:, :-2], total, beside[:, 2:]])
        steps[:, y] = around.argmin(axis=0) - 1
        total = costs[:, y] + around.min(axis=0)
    paths = np.zeros((count, height), int)
    paths[:, -1] = total.argmin(axis=1)
    for y in range(height - 1, 0, -1):
        paths[:, y - 1] = paths[:, y] + steps[np.arange(count), y, paths[:, y]]
    return paths
