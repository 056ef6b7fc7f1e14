"""Split ink into glyphs in reading order, by merging and cutting its connected components.

A digit may have several strokes, and one stroke may hold several digits. `DigitCNN` scores all
plausible merges of segments in one batch. If a glyph is doubtful, `LineNet` transcribes the line,
and the line is cut where its digits stand. The segmentation with the higher log-likelihood wins.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce

from inkling.imaging.binarize import Ink
from inkling.recognition.connected_components import (
    SMALL_HEIGHT_SHARE,
    Segment,
    box_distance,
    crop_segment,
    extract_segments,
    group_lines,
    merge_stacked,
    typical_height,
)
from inkling.recognition.line_net import LinePrediction
from inkling.recognition.reading import GLYPH_WEIGHT, Digit
from inkling.recognition.segment_scorer import MAX_GLYPH_COST, PredictGlyphs, SegmentScorer
from inkling.recognition.touching_digits import cut_into_digits

MAX_MERGED_SEGMENTS = 4  # strokes of one digit
# In digits' heights: gap between a bar, dot or dash and its digit, and between other segments.
MAX_SMALL_GAP, MAX_TALL_GAP = 0.4, 0.15
MAX_BAR_ASPECT = 0.4  # width / height: narrower segments side by side are ones
SKIP_COST = 1.0  # of a small segment that is taken for a dot or dash, per px of its ink
MIN_GLYPH_COST = 0.2  # of each glyph, per px of the largest one's ink
MAX_DIGIT_ASPECT = 1.5  # width / height
MAX_SINGLE_ASPECT = 2.2  # width / height: wider ink is more than one thing
MIN_MULTI_DIGIT_LOGIT = -2.0  # of few segments: below it, they are one non-digit
# Weight of `multi_digit_logit` against cutting one glyph: with 2.5, 37 of 40 held-out touching
# pairs are read instead of 39; with 0.5, 2 of 200 held-out letters are cut instead of 1.
SINGLE_GLYPH_WEIGHT = 1.25
MAX_CERTAIN_ASPECT = 1.15  # width / height: a wider glyph may be several
DOUBTFUL_LOG_PROB = -0.2  # of a glyph: below it, it may be several, or a fragment
MAX_TRANSCRIBED_LINES = 8  # of a picture, those with the most ink: a texture has many
MAX_LINE_ASPECT = 40  # width / height
Span = tuple[int, int]  # segments i to j - 1 of a line
Transcribe = Callable[[Segment], LinePrediction]


def find_rows(ink: Ink, predict: PredictGlyphs, transcribe: Transcribe) -> list[list[Digit]]:
    """Return the glyphs of each line in reading order, with boxes in px of the ink."""
    segments, everything = extract_segments(ink), crop_segment(ink.coverage)
    score = SegmentScorer(predict)
    if everything and len(segments) <= MAX_MERGED_SEGMENTS + 1:  # most often one digit
        (whole,) = score([everything])
        bars = len(segments) > 1 and all(map(is_bar, segments))
        if not is_doubtful(whole) and not bars:
            return [[whole]]
        if len(segments) == 1:
            return [choose_segmentation([whole], everything, score, transcribe)]
    lines = group_lines(merge_stacked(segments))
    largest = sorted(lines, key=lambda line: -sum(s.area for s in line))[:MAX_TRANSCRIBED_LINES]
    rows = []
    for line in lines:
        row = merge_row(line, score)
        if line in largest and (len(row) > 1 or any(map(is_doubtful, row))):
            row = choose_segmentation(row, reduce(Segment.merge, line), score, transcribe)
        rows.append(row)
    return [row for row in rows if row]


def is_bar(segment: Segment) -> bool:
    """Return whether a segment is as narrow as a 1."""
    return segment.width < MAX_BAR_ASPECT * segment.height


def is_doubtful(glyph: Digit) -> bool:
    """Return whether a glyph may be several digits, or a fragment of one."""
    left, top, right, bottom = glyph.glyph.box
    is_wide = right - left > MAX_CERTAIN_ASPECT * (bottom - top)
    return glyph.best_log_prob < DOUBTFUL_LOG_PROB or is_wide


def choose_segmentation(
    row: list[Digit], whole: Segment, score: SegmentScorer, transcribe: Transcribe
) -> list[Digit]:
    """Return a line's glyphs, or the pieces of a transcript if their log-likelihood is higher."""
    if whole.width > MAX_LINE_ASPECT * whole.height:
        return row
    line, is_single = transcribe(whole), len(row) == 1
    text = [glyph.best for glyph in row if glyph.digit is not None]
    best = GLYPH_WEIGHT * sum(glyph.decision_log_prob for glyph in row) + line.log_likelihood(text)
    first = row[0]
    if not is_single and tuple(text) == line.transcripts[0].digits:
        return add_line_probs(row, line, text) if text else row
    if is_single:
        best -= SINGLE_GLYPH_WEIGHT * min(0.0, first.multi_digit_logit)
    scores = line.log_likelihoods([t.digits for t in line.transcripts]).tolist()
    scored = sorted(
        zip(line.transcripts, scores, strict=True),
        key=lambda pair: (len(pair[0].digits) > 1, -pair[1]),  # the whole as one digit first
    )
    for transcript, line_score in scored:
        if not transcript.digits or line_score < best:  # scores of glyphs are at most 0
            continue
        if is_single and len(transcript.digits) == 1:  # the same ink as another digit
            best = max(best, line_score + GLYPH_WEIGHT * first.log_prob(transcript.digits[0]))
            continue
        pieces = cut_into_digits(whole, transcript, score)
        pairs = zip(pieces, transcript.digits, strict=False)
        both = line_score + GLYPH_WEIGHT * sum(glyph.log_prob(digit) for glyph, digit in pairs)
        if pieces and both > best:
            row, best = add_line_probs(pieces, line, transcript.digits), both
    return row


def add_line_probs(row: list[Digit], line: LinePrediction, digits: Sequence[int]) -> list[Digit]:
    """Return a row whose digits carry the line network's posteriors; non-digits have none."""
    posteriors = iter(line.digit_posteriors(digits).tolist())
    return [
        replace(d, glyph=replace(d.glyph, line_probs=tuple(next(posteriors))))
        if len(row) == len(digits) or d.digit is not None
        else d
        for d in row
    ]


def merge_row(segments: list[Segment], score: SegmentScorer) -> list[Digit]:
    """Merge the segments of a line into glyphs, or into one if they are no row of digits."""
    if 1 < len(segments) <= MAX_MERGED_SEGMENTS + 1:
        whole = reduce(Segment.merge, segments)
        (single,) = score([whole])
        may_be_row = all(map(is_bar, segments)) or whole.width > MAX_SINGLE_ASPECT * whole.height
        if not may_be_row and single.multi_digit_logit < MIN_MULTI_DIGIT_LOGIT:
            return [single]
    height = typical_height(segments)
    merged = find_merges(segments, height)
    skip_costs = {
        k: SKIP_COST * s.area
        for k, s in enumerate(segments)
        if s.height < SMALL_HEIGHT_SHARE * height and s.width < 0.8 * height and len(segments) > 1
    }
    glyphs = dict(zip(merged, score([*merged.values()]), strict=True))
    constant = MIN_GLYPH_COST * max(s.area for s in merged.values())
    costs = {
        span: constant + s.area * min(-glyphs[span].best_log_prob, MAX_GLYPH_COST)
        for span, s in merged.items()
    }
    return [glyphs[span] for span in find_cheapest_path(len(segments), costs, skip_costs)]


def find_merges(segments: list[Segment], height: float) -> dict[Span, Segment]:
    """Return all neighbours of a line that may be one digit, merged; digits have this height."""
    merged: dict[Span, Segment] = {}
    for i in range(len(segments)):
        group = segments[i]
        merged[i, i + 1] = group
        for j in range(i + 1, min(i + MAX_MERGED_SEGMENTS, len(segments))):
            is_small = min(group.height, segments[j].height) < SMALL_HEIGHT_SHARE * height
            gap = MAX_SMALL_GAP if is_small else MAX_TALL_GAP
            if box_distance(group, segments[j]) > gap * height:
                break
            group = group.merge(segments[j])
            if group.width > MAX_DIGIT_ASPECT * max(height, group.height):
                break
            merged[i, j + 1] = group
    return merged


def find_cheapest_path(
    length: int, costs: dict[Span, float], skip_costs: dict[int, float]
) -> list[Span]:
    """Return the spans that cover places 0 to `length` and cost least together.

    A place in `skip_costs` may be left out at that cost. Without a cover the list is empty.
    """
    best: list[tuple[float, list[Span]]] = [(0.0, [])]
    for end in range(1, length + 1):
        paths = [
            (best[span[0]][0] + cost, [*best[span[0]][1], span])
            for span, cost in costs.items()
            if span[1] == end
        ]
        if end - 1 in skip_costs:
            paths.append((best[end - 1][0] + skip_costs[end - 1], best[end - 1][1]))
        best.append(min(paths, key=lambda path: path[0], default=(math.inf, [])))
    return best[-1][1]
