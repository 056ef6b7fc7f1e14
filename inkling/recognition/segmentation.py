"""Ink becomes glyphs in reading order, joined and cut where the network reads them best.

A digit may be drawn in several strokes, and several digits in one; so strokes are joined and cut in
every likely way, the network judges all candidates in one batch, and the likeliest row is taken.
"""

from functools import reduce

from inkling.imaging.binarize import Ink
from inkling.recognition.likeliest_row import Judge, Judged, best_row, judged
from inkling.recognition.strokes import (
    SMALL,
    Part,
    distance,
    lines_of,
    part_in,
    parts_of,
    stacked,
    usual_height,
)
from inkling.recognition.touching_digits import (
    HARDLY_ONE,
    WIDEST,
    cut_up,
    may_be_several,
    worth_cutting,
)

JOINED = 4  # strokes that one digit may have
GAP = 0.4  # of a digit's height: the widest between a bar, dot or dash and the digit it belongs to
TALL_GAP = 0.15  # the widest between others that may be one digit
BAR = 0.4  # of its height: narrower strokes beside one another are ones, whatever they look like
DROP = 1.0  # cost of taking a small stroke for a dot or dash, in shares of the ink
MOST_CUT = 16  # glyphs of a picture, the costliest: a texture has hundreds, at 20 ms each


def find_rows(ink: Ink, judge: Judge) -> list[list[Judged]]:
    """Return the glyphs of a picture line by line, in reading order."""
    parts, everything = parts_of(ink), part_in(ink.depth)
    if everything and len(parts) <= JOINED + 1:  # most often one digit, in however many strokes
        (whole,) = judged([everything], judge)
        if len(parts) == 1:
            return [cut_up(whole, judge) if worth_cutting(whole) else [whole]]
        if whole.plausible > HARDLY_ONE and whole.part.width < WIDEST * whole.part.height:
            return [[whole]]
    rows = [read_line(line, judge) for line in lines_of(stacked(parts))]
    doubtful = [glyph for row in rows for glyph in row if worth_cutting(glyph)]
    cut = set(sorted(doubtful, key=lambda glyph: -glyph.cost)[:MOST_CUT])
    pieces = [[cut_up(g, judge) if g in cut else [g] for g in row] for row in rows if row]
    return [[piece for glyph in row for piece in glyph] for row in pieces]


def read_line(parts: list[Part], judge: Judge) -> list[Judged]:
    """Join the strokes of a line into glyphs, or all of them if they are no row of digits."""
    if 1 < len(parts) <= JOINED + 1:
        (whole,) = judged([reduce(Part.joined, parts)], judge)
        bars = all(part.width < BAR * part.height for part in parts)
        if not bars and not may_be_several(whole):
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
