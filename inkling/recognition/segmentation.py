"""Ink becomes glyphs in reading order, joined and cut where the networks read them best.

A digit may be drawn in several strokes, and several digits in one. Strokes are joined in every
likely way, and the network judges all candidates in one batch; where that leaves a doubt, another
network reads the whole line, and the line is cut so that both agree. The likelier row is taken.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce

from inkling.imaging.binarize import Ink
from inkling.recognition.likeliest_row import Judge, Judged, best_row, judged
from inkling.recognition.line_net import Line
from inkling.recognition.reading import GLYPH_WEIGHT
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
from inkling.recognition.touching_digits import pieces_of

JOINED = 4  # strokes that one digit may have
GAP = 0.4  # of a digit's height: the widest between a bar, dot or dash and the digit it belongs to
TALL_GAP = 0.15  # the widest between others that may be one digit
BAR = 0.4  # of its height: narrower strokes beside one another are ones, whatever they look like
DROP = 1.0  # cost of taking a small stroke for a dot or dash, in shares of the ink
WIDEST = 1.5  # times its height: no digit is wider
ROW = 2.2  # times its height: ink wider than this is no single thing
LIKELY_SEVERAL = -2.0  # logit of being several digits: below it, ink is taken for none
# weight of `several` against cutting one glyph: with 2.5, 37 of 40 held-out touching pairs are read
# instead of 39; with 0.5, 2 of 200 held-out letters are cut into digits instead of 1
NOT_SEVERAL_WEIGHT = 1.25
WIDE = 1.15  # times its height: a glyph wider than this may be several
DOUBTFUL = -0.2  # plausibility below which a glyph may be several, or a part of one
MOST_LINES = 8  # of a picture that are read as lines, those with the most ink: a texture has many
LONGEST = 40  # times its height: no number is longer
ReadLine = Callable[[Part], Line]


def find_rows(ink: Ink, judge: Judge, read_line: ReadLine) -> list[list[Judged]]:
    """Return the glyphs of a picture line by line, in reading order."""
    parts, everything = parts_of(ink), part_in(ink.coverage)
    if everything and len(parts) <= JOINED + 1:  # most often one digit, in however many strokes
        (whole,) = judged([everything], judge)
        bars = len(parts) > 1 and all(part.width < BAR * part.height for part in parts)
        if not is_doubtful(whole) and not bars:
            return [[whole]]
        if len(parts) == 1:
            return [likelier([whole], everything, judge, read_line)]
    lines = lines_of(stacked(parts))
    long = sorted(lines, key=lambda line: -sum(part.area for part in line))[:MOST_LINES]
    rows = []
    for line in lines:
        row = joined_row(line, judge)
        if line in long and (len(row) > 1 or any(map(is_doubtful, row))):
            row = likelier(row, reduce(Part.joined, line), judge, read_line)
        rows.append(row)
    return [row for row in rows if row]


def is_doubtful(glyph: Judged) -> bool:
    """Tell whether a glyph may be several digits, or a part of one."""
    return glyph.plausible < DOUBTFUL or glyph.part.width > WIDE * glyph.part.height


def likelier(row: list[Judged], whole: Part, judge: Judge, read_line: ReadLine) -> list[Judged]:
    """Return a row, or what a line's ink is cut to as the line is read, if that is likelier."""
    if whole.width > LONGEST * whole.height:
        return row
    line, alone = read_line(whole), len(row) == 1
    says = [glyph.best for glyph in row if glyph.is_digit]
    best = GLYPH_WEIGHT * sum(glyph.sureness for glyph in row) + line.log_likelihood(says)
    first = row[0]
    if not alone and tuple(says) == line.texts[0].digits:
        return with_shares(row, line, says) if says else row
    if alone:  # one glyph, or several?
        best -= NOT_SEVERAL_WEIGHT * min(0.0, first.several)
    for text in sorted(line.texts, key=lambda text: len(text.digits)):
        by_line = line.log_likelihood(text.digits)
        if not text.digits or by_line < best:  # as pieces cannot add to it
            continue
        if alone and len(text.digits) == 1:  # the same ink, whichever digit it is
            best = max(best, by_line + GLYPH_WEIGHT * first.likelihood(text.digits[0]))
            continue
        pieces = pieces_of(whole, text, judge)
        pairs = zip(pieces, text.digits, strict=False)
        likely = by_line + GLYPH_WEIGHT * sum(glyph.likelihood(d) for glyph, d in pairs)
        if pieces and likely > best:
            row, best = with_shares(pieces, line, text.digits), likely
    return row


def with_shares(row: list[Judged], line: Line, digits: Sequence[int]) -> list[Judged]:
    """Return a row whose digits know what the line network says of them."""
    shares = iter(line.shares(digits).tolist())
    is_read = len(row) == len(digits)  # else there are glyphs between that are no digits
    return [replace(g, line_probs=tuple(next(shares))) if is_read or g.is_digit else g for g in row]


def joined_row(parts: list[Part], judge: Judge) -> list[Judged]:
    """Join the strokes of a line into glyphs, or all of them if they are no row of digits."""
    if 1 < len(parts) <= JOINED + 1:
        (whole,) = judged([reduce(Part.joined, parts)], judge)
        bars = all(part.width < BAR * part.height for part in parts)
        wide = whole.part.width > ROW * whole.part.height
        if not bars and not wide and whole.several < LIKELY_SEVERAL:
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
