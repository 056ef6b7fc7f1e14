"""A glyph that is several digits in one is cut where the pieces are read best."""

from collections.abc import Iterator
from itertools import combinations

import cv2
import numpy as np

from inkling.imaging.mnist_frame import main_strokes
from inkling.recognition.likeliest_row import Judge, Judged, best_row, judged
from inkling.recognition.strokes import Part, part_in

# When a glyph may be several digits.
HARDLY_ONE = -0.7  # plausibility below which a glyph may be several
WIDE = 1.15  # times its height: a glyph wider than this may be several
ROW = 2.2  # times its height: a glyph wider than this is no single thing
LIKELY_SEVERAL = -2.0  # logit of being several digits: below it, ink is taken for none
# Where it is cut.
CUT_HEIGHT = 120  # px: taller glyphs are reduced to this before they are cut
CUTS = 12  # places to cut one glyph
CUT_REACH = 0.06  # of the height: the least between two cuts
CUT_SLOPES = (-0.4, -0.2, 0.0, 0.2, 0.4)  # of a cut, px to the left for each px down
WAIST = 1.0  # cost of a cut for each row from the first ink in it to the last
LEANING = 0.02  # cost of a cut's slope
# Which pieces are taken.
WIDEST = 1.5  # times its height
LOWEST = 0.35  # of a glyph's height: the least that a piece of it has
SURE = -1.0  # the least plausibility of each piece of a glyph that is cut
CUTTING = 0.35  # cost by which a cut row must be better than the glyph left whole
# What a row's cost, a pixel of its ink, takes from the logit of being several digits: of 36 letters
# and characters of held-out scripts that were cut, 21 are left whole with it, and of touching pairs
# of MNIST's held-out digits 1.3 in 100.
COST_OF_SEVERAL = 4.0


def may_be_several(whole: Judged) -> bool:
    """Tell whether ink may be several digits: it is wide as a row is, or judged to be likely."""
    return whole.several > LIKELY_SEVERAL or whole.part.width > ROW * whole.part.height


def worth_cutting(whole: Judged) -> bool:
    """Tell whether a glyph may be several digits in one, and is hardly a single one."""
    wide = whole.part.width > WIDE * whole.part.height
    return whole.several > LIKELY_SEVERAL and (wide or whole.plausible < HARDLY_ONE)


def cut_up(whole: Judged, judge: Judge) -> list[Judged]:
    """Return the pieces of a glyph that is several digits in one, or itself if it is one."""
    glyph = whole.part
    scale = max(1.0, glyph.height / CUT_HEIGHT)
    ink = cv2.resize(glyph.ink, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA)
    everything = np.full(ink.shape, True)
    borders = [everything, *cut_lines(ink), ~everything]  # what lies to the right of each cut
    pieces: dict[tuple[int, int], Part] = {}
    for i, j in combinations(range(len(borders)), 2):
        kept = main_strokes(ink * (borders[i] & ~borders[j]))
        piece = part_in(kept) if j - i < len(borders) - 1 else None
        if piece and piece.width < WIDEST * len(ink) and piece.height > LOWEST * len(ink):
            corners = np.tile(glyph.box[:2], 2) + np.array(piece.box) * scale
            pieces[i, j] = Part(piece.ink, tuple(corners.round().astype(int).tolist()))
    if not pieces:
        return [whole]
    candidates = dict(zip(pieces, judged(list(pieces.values()), judge), strict=True))
    row = best_row(len(borders) - 1, candidates, {})
    if len(row) < 2 or min(p.plausible for p in row) < SURE:
        return [whole]
    cost = scale**2 * sum(p.cost for p in row)
    likely = whole.several - COST_OF_SEVERAL * cost / glyph.area > LIKELY_SEVERAL
    better = cost + CUTTING * glyph.area < whole.cost
    return row if better and likely else [whole]


def cut_lines(drawing: np.ndarray) -> Iterator[np.ndarray]:
    """Yield, from left to right, what lies to the right of each place to cut ink (H, W), bool.

    Cuts are straight, upright or slanted, where they meet little ink and the glyph is low: two
    digits that touch have a waist.
    """
    height, width = drawing.shape
    y, x = np.arange(height)[:, None] - height // 2, np.arange(width)
    reach = max(2, round(CUT_REACH * height))
    found = []
    for slope in CUT_SLOPES:
        lean = np.rint(slope * y).astype(int)
        leant = np.pad(drawing, ((0, 0), (height, height)))[y + height // 2, x - lean + height]
        ink = leant > 0.3
        tall = np.where(ink.any(axis=0), height - ink.argmax(axis=0) - ink[::-1].argmax(axis=0), 0)
        cost = leant.sum(axis=0) + WAIST * tall + LEANING * height * abs(slope)
        least = cv2.erode(cost[None].astype(np.float32), np.ones((1, 2 * reach + 1)))[0]
        found += [
            (cost[at], int(at), x >= at - lean)
            for at in np.flatnonzero(cost <= least + 1e-4)
            if reach < at < width - reach
        ]
    found.sort(key=lambda f: f[0])
    chosen: list[tuple[int, np.ndarray]] = []
    for _, at, side in found:
        if len(chosen) < CUTS and all(abs(at - other) >= reach for other, _ in chosen):
            chosen.append((at, side))
    for _, side in sorted(chosen, key=lambda c: c[0]):
        yield side
