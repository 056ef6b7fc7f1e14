"""Erase lines under a number, which would change the digits that they touch."""

from dataclasses import replace

import numpy as np

from inkling.imaging.binarize import Ink, clean_ink

MIN_UNDERLINED_ASPECT = 1.1  # width / height: narrower ink is one digit, a 2 or a Z with its base
MIN_UNDERLINED_PARTS = 2  # components above the line: above the base of a wide 2 there is one
MIN_LINE_LENGTH = 0.7  # of the ink's width
MAX_LINE_GAP = 0.02  # of the ink's width: gaps between the bases of twos are wider
MAX_LINE_BEND = 0.012  # of the ink's width, and a pixel: distance of a column's end from the line
MAX_LINE_THICKNESS = 0.25  # of the ink's height
LINE_EDGE_PX = 1  # px: soft edge of a line, erased with it
MAX_UNDERLINES = 2


def erase_underlines(ink: Ink) -> Ink | None:
    """Return ink without straight lines under several parts of it, or None if there are none."""
    mask = ink.mask
    for _ in range(MAX_UNDERLINES):
        mask = mask if (above := find_above_line(mask)) is None else mask * above
    if mask is ink.mask or not mask.any():
        return None
    above = mask[::-1].cumsum(axis=0)[::-1] > 0
    notes = (*ink.notes, "underline ignored")
    erased = clean_ink(replace(ink, coverage=ink.coverage * above, mask=mask, notes=notes))
    return erased if erased and len(erased.components[1]) > MIN_UNDERLINED_PARTS else None


def find_above_line(mask: np.ndarray) -> np.ndarray | None:
    """Return which pixels (H, W) are above the line at which most columns of a mask end."""
    columns, rows = (np.flatnonzero(mask.any(axis=axis)) for axis in (0, 1))
    if len(columns) < 2 or np.ptp(columns) < MIN_UNDERLINED_ASPECT * np.ptp(rows):
        return None
    upward, height = mask[::-1, columns] > 0, np.arange(len(mask))[:, None]  # from the bottom
    ends, half = upward.argmax(axis=0), len(columns) // 2
    # the median of slopes is exact if three in ten columns end elsewhere
    slope = np.median((ends[half:] - ends[:-half]) / (columns[half:] - columns[:-half]))
    start = np.median(ends - slope * columns)
    width = np.ptp(columns)
    on_line = np.abs(ends - slope * columns - start) <= 1 + MAX_LINE_BEND * width
    if on_line.sum() < MIN_LINE_LENGTH * width:
        return None
    gaps = np.flatnonzero(np.diff(columns[on_line]) > 1 + MAX_LINE_GAP * width)
    length = max(map(np.ptp, np.split(columns[on_line], gaps + 1)))
    tops = (upward | (height < ends)).cumprod(axis=0).sum(axis=0)  # of each column's lowest run
    thickness = np.median((tops - ends)[on_line])
    if length < MIN_LINE_LENGTH * width or thickness > MAX_LINE_THICKNESS * np.ptp(rows):
        return None
    top = start + slope * np.arange(mask.shape[1]) + thickness + LINE_EDGE_PX
    return height[::-1] >= top
