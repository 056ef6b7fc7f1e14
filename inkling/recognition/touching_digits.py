"""Cut a line into the digits of its transcript, where the digit network confirms them best."""

from collections.abc import Sequence
from functools import cache, partial
from itertools import product

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


class LineCutter:
    """Cuts a line into the digits of its transcripts, which share most cuts and pieces."""

    def __init__(self, line: Segment, score: SegmentScorer):
        """Store the line, and what scores its pieces."""
        self.line, self.score = line, score
        self.find_cuts = cache(partial(find_cuts, line.ink))
        self.find_pieces = cache(self.extract_pieces)

    def cut(self, digits: Sequence[int], centers: Sequence[float]) -> list[Digit]:
        """Return the glyphs that digits at these centers, px of the line, fit best, or none."""
        places = zip((None, *centers[:-1]), centers, (*centers[1:], None), strict=True)
        pieces = [self.find_pieces(*three) for three in places]
        if not all(pieces):
            return []
        glyphs = iter(self.score([piece for cuts in pieces for piece in cuts.values()]))
        best: dict[int, tuple[float, list[Digit]]] = {0: (0.0, [])}
        for digit, cuts in zip(digits, pieces, strict=True):
            paths: dict[int, list[tuple[float, list[Digit]]]] = {}
            for (a, b), glyph in zip(cuts, glyphs, strict=False):
                if a in best:
                    cost = best[a][0] + min(MAX_GLYPH_COST, -glyph.log_prob(digit))
                    paths.setdefault(b, []).append((cost, [*best[a][1], glyph]))
            best = {b: min(ends, key=lambda path: path[0]) for b, ends in paths.items()}
        return best[0][1] if best else []

    def extract_pieces(
        self, before: float | None, center: float, after: float | None
    ) -> dict[tuple[int, int], Segment]:
        """Return the digit at a center between its neighbours', for each pair of cuts by index."""
        pieces: dict[tuple[int, int], Segment] = {}
        cuts = self.find_cuts(before, center), self.find_cuts(center, after)
        near = slice(*find_columns(*cuts))
        if near.start == near.stop:  # two digits in one place
            return pieces
        for (a, left), (b, right) in product(*map(enumerate, cuts)):
            kept = remove_splinters(self.line.ink[:, near] * (left[:, near] & ~right[:, near]))
            x, y = self.line.box[:2]
            if piece := crop_segment(kept, x + near.start, y):
                pieces[a, b] = piece
        return pieces


def find_columns(befores: list[np.ndarray], afters: list[np.ndarray]) -> tuple[int, int]:
    """Return the columns, first and end, right of any of some cuts and left of any of others."""
    inside = np.any(befores, axis=(0, 1)) & ~np.all(afters, axis=(0, 1))
    columns = np.flatnonzero(inside)
    return (int(columns[0]), int(columns[-1]) + 1) if len(columns) else (0, 0)


def find_cuts(ink: np.ndarray, before: float | None, after: float | None) -> list[np.ndarray]:
    """Return the mask to the right of each plausible cut between two columns of ink (H, W).

    Without a column before or after, the cut is at that end of the line.
    """
    if before is None or after is None:
        return [np.full(ink.shape, before is None)]
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
    count, height, width = costs.shape
    totals = np.full((height, count, width + 2), np.inf)  # no path leaves at the sides
    totals[0, :, 1:-1] = costs[:, 0]
    for y in range(1, height):
        above = totals[y - 1]
        beside = np.minimum(above[:, :-2], above[:, 2:]) + SIDE_STEP_COST
        totals[y, :, 1:-1] = costs[:, y] + np.minimum(above[:, 1:-1], beside)
    paths = np.zeros((count, height), int)
    paths[:, -1] = totals[-1, :, 1:-1].argmin(axis=1)
    for y in range(height - 1, 0, -1):
        around = np.arange(count)[:, None], paths[:, y, None] + np.arange(3)
        costs_above = totals[y - 1][around] + (SIDE_STEP_COST, 0, SIDE_STEP_COST)
        paths[:, y - 1] = paths[:, y] + costs_above.argmin(axis=1) - 1
    return paths
