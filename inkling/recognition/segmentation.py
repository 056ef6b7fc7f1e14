"""Split ink into glyphs in reading order.

A digit may have several strokes, and one stroke may hold several digits. `DigitCNN` scores the
connected components of a line. If one is doubtful, `LineNet` transcribes the line, which is cut
where its digits stand. The segmentation with the higher log-likelihood wins.
"""

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
from inkling.recognition.segment_scorer import PredictGlyphs, SegmentScorer
from inkling.recognition.touching_digits import LineCutter

MAX_DIGIT_STROKES = 5  # of one digit
MAX_SMALL_WIDTH, MAX_SMALL_GAP = 0.8, 0.4  # of a digit's height: of a bar, and beside its digit
MAX_BAR_ASPECT = 0.4  # width / height: narrower segments side by side are ones
MAX_SINGLE_ASPECT = 2.2  # width / height: wider ink is more than one thing
MIN_MULTI_DIGIT_LOGIT = -2.0  # of few segments: below it, they are one non-digit
# Weight of `multi_digit_logit` against cutting one glyph: with 2.5, 37 of 40 held-out touching
# pairs are read instead of 39; with 0.5, 2 of 200 held-out letters are cut instead of 1.
SINGLE_GLYPH_WEIGHT = 1.25
MAX_CERTAIN_ASPECT = 1.15  # width / height: a wider glyph may be several
DOUBTFUL_LOG_PROB = -0.2  # of a glyph: below it, it may be several, or a fragment
MAX_TRANSCRIBED_LINES = 8  # of a picture, those with the most ink: a texture has many
MAX_LINE_ASPECT = 40  # width / height
Transcribe = Callable[[Segment], LinePrediction]


def find_rows(ink: Ink, predict: PredictGlyphs, transcribe: Transcribe) -> list[list[Digit]]:
    """Return the glyphs of each line in reading order, with boxes in px of the ink."""
    segments, everything = extract_segments(ink), crop_segment(ink.coverage)
    score = SegmentScorer(predict)
    if everything and len(segments) <= MAX_DIGIT_STROKES:  # most often one digit
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
        row = segment_row(line, score)
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
    line, cutter, is_single = transcribe(whole), LineCutter(whole, score), len(row) == 1
    text = [glyph.best for glyph in row if glyph.digit is not None]
    best = GLYPH_WEIGHT * sum(glyph.decision_log_prob for glyph in row) + line.log_likelihood(text)
    first = row[0]
    if not is_single and tuple(text) == next(iter(line.transcripts)):
        return add_line_probs(row, line, text) if text else row
    if is_single:
        best -= SINGLE_GLYPH_WEIGHT * min(0.0, first.multi_digit_logit)
    scores = line.log_likelihoods([*line.transcripts]).tolist()
    scored = sorted(
        zip(line.transcripts, scores, strict=True),
        key=lambda pair: (len(pair[0]) > 1, -pair[1]),  # the whole as one digit first
    )
    for digits, line_score in scored:
        if not digits or line_score < best:  # scores of glyphs are at most 0
            continue
        if is_single and len(digits) == 1:  # the same ink as another digit
            best = max(best, line_score + GLYPH_WEIGHT * first.log_prob(digits[0]))
            continue
        pieces = cutter.cut(digits, line.transcripts[digits])
        pairs = zip(pieces, digits, strict=False)
        both = line_score + GLYPH_WEIGHT * sum(glyph.log_prob(digit) for glyph, digit in pairs)
        if pieces and both > best:
            row, best = add_line_probs(pieces, line, digits), both
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


def segment_row(segments: list[Segment], score: SegmentScorer) -> list[Digit]:
    """Return a line's segments as glyphs, or as one if they are no row of digits.

    A small one joins its neighbour if that is then more probably a digit; otherwise it is a dot.
    """
    if 1 < len(segments) <= MAX_DIGIT_STROKES:
        whole = reduce(Segment.merge, segments)
        (single,) = score([whole])
        may_be_row = all(map(is_bar, segments)) or whole.width > MAX_SINGLE_ASPECT * whole.height
        if not may_be_row and single.multi_digit_logit < MIN_MULTI_DIGIT_LOGIT:
            return [single]
    height = typical_height(segments)
    row = [s for s in segments if not is_small(s, height)]
    joins = []  # of a place in the row and the small segment beside it
    for small in (s for s in segments if is_small(s, height)):
        gaps = [box_distance(s, small) for s in row]
        if min(gaps) < MAX_SMALL_GAP * height:
            joins.append((gaps.index(min(gaps)), small))
    glyphs = score([*row, *(row[k].merge(small) for k, small in joins)])
    for (k, small), joined in zip(joins, glyphs[len(row) :], strict=True):
        if joined.best_log_prob > glyphs[k].best_log_prob:
            row[k] = row[k].merge(small)
    return score(row)


def is_small(segment: Segment, height: float) -> bool:
    """Return whether a segment is a bar, dot or dash among digits of this height, px."""
    is_low = segment.height < SMALL_HEIGHT_SHARE * height
    return is_low and segment.width < MAX_SMALL_WIDTH * height
