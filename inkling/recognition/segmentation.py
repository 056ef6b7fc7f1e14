"""Ink becomes glyphs in reading order, joined and cut where the network reads them best.

A digit may be drawn in several strokes, and several digits in one; so strokes are joined and cut in
every likely way, the network judges all candidates in one batch, and the likeliest row is taken.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import combinations

import cv2
import numpy as np

from inkling.imaging.binarize import Ink
from inkling.imaging.mnist_frame import framed, ink_box, main_strokes, thicken

MOST_PARTS = 300  # of a picture: a photograph of leaves has thousands, and no digits
JOINED = 4  # strokes that one digit may have
GAP = 0.4  # of a digit's height: the widest between a bar, dot or dash and the digit it belongs to
TALL_GAP = 0.15  # the widest between others that may be one digit
LOW, STACK, SHARED_WIDTH, STACK_GAP = 0.8, 1.35, 0.4, 0.15  # of strokes above one another that
# are one digit: the tallest one's height, both together, the narrower one's width, the gap
WIDEST = 1.5  # times its height
USUAL = 0.7  # share of the ink that stands lower than the usual height
SMALL = 0.45  # of a digit's height: lower strokes are bars, dots and dashes
SAME_LINE = 0.35  # of the lower one's height that two digits side by side share
DROP = 1.0  # cost of taking a small stroke for a dot or dash, in shares of the ink
WORST = 6.0  # cost of the least plausible glyph, in natural logarithms of its probability
A_GLYPH = 0.2  # cost of one glyph more
DOUBTFUL = -0.7  # plausibility below which a glyph may be several
WIDE = 1.15  # times its height: a glyph wider than this may be several
LOWEST = 0.35  # of a glyph's height: the least that a piece of it has
ROW = 2.2  # times its height: a glyph wider than this is no single thing
LIKELY_SEVERAL = -2.0  # logit of being several digits: below it, ink is taken for none
SURE = -1.0  # the least plausibility of each piece of a glyph that is cut
MOST_CUT = 16  # glyphs of a picture, the costliest: a texture has hundreds, at 20 ms each
CUT_HEIGHT = 120  # px: taller glyphs are reduced to this before they are cut
CUTS = 12  # places to cut one glyph
CUT_REACH = 0.06  # of the height: the least between two cuts
WAIST = 1.0  # cost of a cut for each row from the first ink in it to the last
LEANING = 0.02  # cost of a cut's slope
CUT_SLOPES = (-0.4, -0.2, 0.0, 0.2, 0.4)  # of a cut, px to the left for each px down
CUTTING = 0.35  # cost by which a cut row must be better than the glyph left whole

# Ink (N, 28, 28) to the four arrays of a `model.Judgement`.
Judge = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]


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
    box = ink_box(ink)
    if box is None:
        return None
    x, y, right, bottom = box
    place = (left + x, top + y, left + right, top + bottom)
    return Part(np.ascontiguousarray(ink[y:bottom, x:right]), place)


def parts_of(ink: Ink) -> list[Part]:
    """Return the strokes that are not connected, each with its soft edges; the largest ones."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(ink.mask)
    if count == 2:
        return [part_in(ink.depth)]
    parts = []
    largest = np.argsort(-stats[1:, cv2.CC_STAT_AREA])[:MOST_PARTS] + 1
    for k in largest.tolist():
        left, top, width, height = stats[k, :4].tolist()
        rows = slice(max(0, top - 2), top + height + 2)
        columns = slice(max(0, left - 2), left + width + 2)
        near = cv2.dilate((labels[rows, columns] == k).astype(np.uint8), np.ones((5, 5), np.uint8))
        part = part_in(ink.depth[rows, columns] * near, columns.start, rows.start)
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


@dataclass(frozen=True, eq=False)
class Judged:
    """A part as a glyph, and what the network makes of it."""

    part: Part
    ink: np.ndarray  # (28, 28) float32, framed: what the network saw
    thickened: bool  # whether its strokes were too thin for the frame
    probabilities: tuple[float, ...]  # of the ten digits
    not_a_digit: float  # 0 to 1
    plausible: float  # log-probability of being a digit, and the likeliest one
    several: float  # logit of being several digits rather than none

    @property
    def cost(self) -> float:
        """How much it adds to a row's cost: more for more ink."""
        return min(-self.plausible, WORST) * self.part.area


def judged(parts: list[Part], judge: Judge) -> list[Judged]:
    """Have the network judge parts, all in one batch."""
    thick = [thicken(p.ink) for p in parts]
    inks = np.stack([framed(ink) for ink in thick])
    thickened = [ink is not p.ink for ink, p in zip(thick, parts, strict=True)]
    judgement = (field.tolist() for field in judge(inks))
    return [Judged(*j) for j in zip(parts, inks, thickened, *judgement, strict=True)]


def best_row(
    length: int, candidates: dict[tuple[int, int], Judged], spare: dict[int, float]
) -> list[Judged]:
    """Choose the candidates that cover places 0 to `length` and cost least together.

    A candidate (i, j) covers places i to j - 1; a place in `spare` may be left out at that cost.
    Nothing is chosen if they cannot be covered.
    """
    a_glyph = A_GLYPH * max(c.part.area for c in candidates.values())
    best: list[tuple[float, list[Judged]]] = [(0.0, [])]
    for end in range(1, length + 1):
        ways = [
            (best[i][0] + c.cost + a_glyph, [*best[i][1], c])
            for (i, j), c in candidates.items()
            if j == end
        ]
        if end - 1 in spare:
            ways.append((best[end - 1][0] + spare[end - 1], best[end - 1][1]))
        best.append(min(ways, key=lambda way: way[0], default=(np.inf, [])))
    return best[-1][1]


def read_line(parts: list[Part], judge: Judge) -> list[Judged]:
    """Join the strokes of a line into glyphs, or all of them if they are no row of digits."""
    if 1 < len(parts) <= JOINED + 1:
        (whole,) = judged([reduce(Part.joined, parts)], judge)
        if not may_be_several(whole):
            return [whole]
    height = usual_height(parts)
    groups: dict[tuple[int, int], Part] = {}
    for i in range(len(parts)):
        group = parts[i]
        groups[i, i + 1] = group
        for j in range(i + 1, min(i + JOINED, len(parts))):
            low = min(group.height, parts[j].height) < SMALL * height
            if distance(group, parts[j]) > (GAP if low else TALL_GAP) * height:
                break
            group = group.joined(parts[j])
            if group.width > WIDEST * max(height, group.height):
                break
            groups[i, j + 1] = group
    spare = {
        k: DROP * p.area
        for k, p in enumerate(parts)
        if p.height < SMALL * height and p.width < 0.8 * height and len(parts) > 1
    }
    candidates = dict(zip(groups, judged(list(groups.values()), judge), strict=True))
    return best_row(len(parts), candidates, spare)


def may_be_several(whole: Judged) -> bool:
    """Tell whether ink may be several digits: it is wide as a row is, or judged to be likely."""
    return whole.several > LIKELY_SEVERAL or whole.part.width > ROW * whole.part.height


def worth_cutting(whole: Judged) -> bool:
    """Tell whether a glyph may be several digits in one, and is hardly a single one."""
    wide = whole.part.width > WIDE * whole.part.height
    return may_be_several(whole) and (wide or whole.plausible < DOUBTFUL)


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
    better = scale**2 * sum(p.cost for p in row) + CUTTING * glyph.area < whole.cost
    return row if better else [whole]


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


def find_rows(ink: Ink, judge: Judge) -> list[list[Judged]]:
    """Return the glyphs of a picture line by line, in reading order."""
    parts = parts_of(ink)
    if len(parts) <= JOINED + 1:  # most often one digit, in however many strokes
        (whole,) = judged([part_in(ink.depth)], judge)
        if len(parts) == 1:
            return [cut_up(whole, judge) if worth_cutting(whole) else [whole]]
        if whole.plausible > DOUBTFUL and whole.part.width < WIDEST * whole.part.height:
            return [[whole]]
    rows = [read_line(line, judge) for line in lines_of(stacked(parts))]
    doubtful = [glyph for row in rows for glyph in row if worth_cutting(glyph)]
    cut = set(sorted(doubtful, key=lambda glyph: -glyph.cost)[:MOST_CUT])
    pieces = [[cut_up(g, judge) if g in cut else [g] for g in row] for row in rows if row]
    return [[piece for glyph in row for piece in glyph] for row in pieces]
