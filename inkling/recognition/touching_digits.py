"""A line that says several digits is cut where the pieces are read as these digits best."""

from itertools import pairwise, product

import cv2
import numpy as np

from inkling.imaging.mnist_frame import remove_splinters
from inkling.recognition.likeliest_row import WORST, Judge, Judged, judged
from inkling.recognition.line_net import Text
from inkling.recognition.strokes import Part, part_in

CUT_HEIGHT = 64  # px: taller lines are cut at this size
# Cuts are drawn towards these places between two digits, at these slopes; so there are straight
# ones, which the strokes bend, beside the one that goes through the least ink.
TOWARDS, SLOPES = (0.3, 0.5, 0.7), (-0.3, 0.0, 0.3)
PULL = 1.0  # cost in a row of being as far from there as the digits are from each other
WEAK = 0.05  # the same for the one through the least ink
SIDEWAYS = 0.02  # cost of a step to the side
FREE = 0.5  # px of ink: a cut through less leaves both digits whole


def pieces_of(part: Part, text: Text, judge: Judge) -> list[Judged]:
    """Return the glyphs of a part that may say a text.

    Of all cuts between each two of them, those are taken that make the network likeliest say the
    same digits as the line.
    """
    ink, everything = part.ink, np.ones(part.ink.shape, bool)
    borders = [[everything], *(cuts_between(ink, *two) for two in pairwise(text.middles))]
    borders.append([~everything])
    left, top = part.box[:2]
    found: dict[tuple[int, int, int], Part] = {}
    for k, (befores, afters) in enumerate(pairwise(borders)):
        near = slice(*reach(befores, afters))
        if near.start == near.stop:  # two digits in one place
            return []
        for (a, before), (b, after) in product(enumerate(befores), enumerate(afters)):
            kept = remove_splinters(ink[:, near] * (before[:, near] & ~after[:, near]))
            if piece := part_in(kept, left + near.start, top):
                found[k, a, b] = piece
    if not found:
        return []
    candidates = dict(zip(found, judged(list(found.values()), judge), strict=True))
    best: dict[int, tuple[float, list[Judged]]] = {0: (0.0, [])}
    for k, digit in enumerate(text.digits):
        ways: dict[int, list[tuple[float, list[Judged]]]] = {}
        for (at, a, b), glyph in candidates.items():
            if at == k and a in best:
                cost = best[a][0] + min(WORST, -glyph.likelihood(digit))
                ways.setdefault(b, []).append((cost, [*best[a][1], glyph]))
        best = {b: min(some, key=lambda way: way[0]) for b, some in ways.items()}
    return best[0][1] if best else []


def reach(befores: list[np.ndarray], afters: list[np.ndarray]) -> tuple[int, int]:
    """Return the first column right of any of these cuts, and the last left of any of those."""
    inside = np.any(befores, axis=(0, 1)) & ~np.all(afters, axis=(0, 1))
    columns = np.flatnonzero(inside)
    return (int(columns[0]), int(columns[-1]) + 1) if len(columns) else (0, 0)


def cuts_between(ink: np.ndarray, before: float, after: float) -> list[np.ndarray]:
    """Return what lies to the right of each likely cut between two columns of ink (H, W), bool.

    A cut runs from top to bottom, a place to the side in a row at most.
    """
    scale = min(1.0, CUT_HEIGHT / len(ink))
    width, height = max(1, round(ink.shape[1] * scale)), max(1, round(len(ink) * scale))
    small = cv2.resize(ink, (width, height), interpolation=cv2.INTER_AREA)
    first = int(np.clip(before * scale, 0, width - 1))
    between = small[:, first : max(first + 1, int(after * scale) + 1)]
    columns = between.shape[1]
    across = np.linspace(0, 1, columns)
    down = (np.arange(height)[:, None] - height / 2) / columns
    lines = [(WEAK, 0.5, 0.0), *product([PULL], TOWARDS, SLOPES)]
    pulls = [pull * np.abs(across - toward - slope * down) for pull, toward, slope in lines]
    paths = cheapest_paths(between + np.stack(pulls))
    through = np.take_along_axis(between[None], paths[..., None], axis=2)[..., 0].sum(axis=1)
    if through[0] < FREE:
        paths = paths[:1]
    sides: list[np.ndarray] = []
    for path in paths:
        side = np.arange(width) > (first + path)[:, None]
        if not any((side == other)[small > 0.1].all() for other in sides):
            sides.append(side)
    wide = ink.shape[::-1]
    return [
        cv2.resize(s.astype(np.uint8), wide, interpolation=cv2.INTER_NEAREST) > 0 for s in sides
    ]


def cheapest_paths(costs: np.ndarray) -> np.ndarray:
    """Return the columns (N, H) of the paths from top to bottom that cost (N, H, W) least."""
    count, height, _ = costs.shape
    total, ways = costs[:, 0], np.zeros(costs.shape, int)
    for y in range(1, height):
        beside = np.pad(total, ((0, 0), (1, 1)), constant_values=np.inf) + SIDEWAYS
        around = np.stack([beside[:, :-2], total, beside[:, 2:]])
        ways[:, y] = around.argmin(axis=0) - 1
        total = costs[:, y] + around.min(axis=0)
    paths = np.zeros((count, height), int)
    paths[:, -1] = total.argmin(axis=1)
    for y in range(height - 1, 0, -1):
        paths[:, y - 1] = paths[:, y] + ways[np.arange(count), y, paths[:, y]]
    return paths
