"""Explain a digit by contrastive occlusion: which ink and blank paper support it over a rival.

Occlusion (Zeiler and Fergus 2014, arXiv 1311.2901) changes one cell and measures the effect. The
effect here is on the difference of two logits, so that the question is "why this digit rather than
that one?" (Prabhushankar et al. 2020, arXiv 2008.00178). Absent ink counts as well (Dhurandhar et
al. 2018, arXiv 1802.07623): inked cells are erased, and blank ones are inked.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from inkling.explanation.strokes import (
    REGIONS,
    STROKE_EDGE,
    Skeleton,
    find_box_corner,
    find_loops,
    find_region,
    name_place,
    name_shape,
)
from inkling.imaging.mnist_frame import DIGIT, FRAME
from model import DigitCNN

EVIDENCE_GRID = 6  # cells a side of the digit's box: 5 lose a 3's gaps; 7 cost a third more
INKED_CELL_SHARE = 0.4  # a cell with a larger share of ink is inked
BLOT_RADIUS_PX = 2.4  # of an erased or inked cell; not tuned
JOIN_RADIUS_PX = 1.5  # of a line that joins strokes; not tuned
MAX_JOIN_PX = 12  # px from a cell to the strokes that it joins
MAX_OPPOSITE_COSINE = -0.3  # strokes at a wider angle lie on both sides of a cell
CELL_BLUR_PX = 1.4  # px: standard deviation of the weight of a cell
MIN_CELL_WEIGHT = 0.1  # the map fades where all cells weigh less
MIN_REASON_LOGITS = 0.2  # smaller effects on the margin are not named
MAX_EMPTY_INK_SHARE = 1 / 4  # a region with a larger share of inked cells is not called empty
PART_RADIUS_PX = 6  # px around a cell: the piece of its stroke that is named
MIN_GAP_PX = 12  # px of paper that a stroke across a gap encloses, to be called open; not tuned
SECOND_REASON_SHARE = 1 / 3  # of the first reason's effect: a second one is named from here on
Y, X = np.mgrid[:FRAME, :FRAME].astype(np.float32)


class Part(NamedTuple):
    """A part of a drawing that supports the answer."""

    words: str  # "the top is open"
    place: np.ndarray  # (2,) of its mark: y and x in px


@dataclass(frozen=True)
class Evidence:
    """Support for a digit over a rival."""

    answer: int
    rival: int
    map: np.ndarray  # (28, 28) float32, -1 to 1: positive supports the answer
    margin: float  # difference of their logits
    parts: tuple[Part, ...] = ()  # at most 2, the strongest first; empty without a clear reason


@torch.inference_mode()
def evidence(model: DigitCNN, ink: np.ndarray, answer: int, rival: int) -> Evidence:
    """Return what in framed ink (28, 28), float32, supports `answer` over `rival`.

    The network, in inference mode, reads all changed inks in one batch.
    """
    torch.set_num_threads(1)  # of this thread, as `Reader.predict_glyphs`
    ink = np.ascontiguousarray(ink, np.float32)
    if not (ink > STROKE_EDGE).any():
        logits = model(torch.from_numpy(ink)[None, None])[0]
        margin = float(logits[answer] - logits[rival])
        return Evidence(answer, rival, np.zeros_like(ink), margin)
    corner = find_box_corner(ink)
    cells, inked = place_cells(ink, corner)
    changed = np.where(inked[:, None, None], *change_cells(ink, cells))
    logits = model(torch.from_numpy(np.concatenate([ink[None], changed])).unsqueeze(1)).numpy()
    margins = logits[:, answer] - logits[:, rival]
    drop = margins[0] - margins[1:]  # (P,)
    # Any blot lowers the margin a little: only an effect above the median counts.
    excess = np.abs(drop) - np.median(np.abs(drop[~inked])) if not inked.all() else drop
    drop = np.where(inked, drop, np.sign(drop) * excess.clip(0))
    # Inked cells weigh ink, blank ones paper: strokes and gaps keep sharp edges.
    own = np.where(inked[:, None, None], ink, 1 - ink)
    squares = segment_distance(cells, cells) ** 2  # (P, 28, 28)
    weight = np.exp(-squares / (2 * CELL_BLUR_PX**2)) * own
    field = np.tensordot(drop, weight, 1) / (weight.sum(axis=0) + MIN_CELL_WEIGHT)
    field = (field / max(np.abs(field).max(), 1e-6)).astype(np.float32)
    chosen = choose_cells(drop, inked, find_region(cells, corner))
    parts = tuple(name_part(ink, cells[k], bool(inked[k]), changed[k]) for k in chosen)
    return Evidence(answer, rival, field, float(margins[0]), parts)


def place_cells(ink: np.ndarray, corner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return positions (P, 2) of the grid's cells, y and x in px, and which are inked (P,).

    A position is the centroid of the ink in an inked cell, or of the paper in a blank one.
    """
    pitch = DIGIT / EVIDENCE_GRID
    steps = np.arange(EVIDENCE_GRID)[:, None] + 0.5
    centres = corner[:, None, None] + steps * pitch  # (2, EVIDENCE_GRID, 1)
    share = (pitch / 2 + 0.5 - np.abs(centres - np.arange(FRAME))).clip(0, 1)  # of each pixel
    cells = np.einsum("iy,jx->ijyx", *share).reshape(-1, FRAME, FRAME).astype(np.float32)
    inked = (cells * ink).sum(axis=(1, 2)) > INKED_CELL_SHARE * cells.sum(axis=(1, 2))
    cells *= np.where(inked[:, None, None], ink, 1 - ink)
    moments = np.stack([(cells * Y).sum(axis=(1, 2)), (cells * X).sum(axis=(1, 2))], axis=1)
    return moments / cells.sum(axis=(1, 2))[:, None], inked


def change_cells(ink: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return ink with each cell erased, and with each cell inked, both (P, 28, 28).

    A cell between two strokes is inked by joining them, as a writer would.
    """
    blot = pen_coverage(segment_distance(cells, cells), BLOT_RADIUS_PX)
    near, other = (
        pen_coverage(segment_distance(cells, end), JOIN_RADIUS_PX)
        for end in find_strokes_beside(ink, cells)
    )
    drawn = np.maximum.reduce([np.broadcast_to(ink, blot.shape), blot, near, other])
    return ink * (1 - blot), drawn


def find_strokes_beside(ink: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest stroke points on both sides of each cell (P, 2), (P, 2) each.

    For a cell that does not lie between two strokes both are the cell itself.
    """
    strokes = np.argwhere(ink > STROKE_EDGE).astype(np.float32)  # (S, 2)
    offset = strokes - cells[:, None]  # (P, S, 2)
    length = np.hypot(offset[..., 0], offset[..., 1]) + 1e-6
    nearest = length.argmin(axis=1)[:, None]
    towards = np.take_along_axis(offset, nearest[..., None], axis=1)[:, 0]  # (P, 2)
    cosine = np.einsum("psk,pk->ps", offset, towards) / length
    cosine /= np.take_along_axis(length, nearest, axis=1)
    other = np.where((cosine < MAX_OPPOSITE_COSINE) & (length < MAX_JOIN_PX), length, np.inf)
    between = np.isfinite(other.min(axis=1))[:, None]
    ends = strokes[nearest[:, 0]], strokes[other.argmin(axis=1)]
    return np.where(between, ends[0], cells), np.where(between, ends[1], cells)


def segment_distance(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return each pixel's distance (P, 28, 28) from segments between points (P, 2), px."""
    (sy, sx), (vy, vx) = start.T[..., None, None], (end - start).T[..., None, None]
    y, x = Y - sy, X - sx
    if start is not end:
        along = ((y * vy + x * vx) / np.maximum(vy**2 + vx**2, 1e-6)).clip(0, 1)
        y, x = y - along * vy, x - along * vx
    return np.sqrt(y**2 + x**2)


def pen_coverage(distance: np.ndarray, radius: float) -> np.ndarray:
    """Return the share of each pixel that a pen covers, by the distance from its path, px."""
    return (radius + 0.5 - distance).clip(0, 1)


def choose_cells(drop: np.ndarray, inked: np.ndarray, region: np.ndarray) -> list[int]:
    """Return a cell of the region whose ink supports the margin most, and of the emptiest one.

    Changing a cell lowers the margin by `drop` (P,). `inked` says which cells hold ink, and
    `region` indexes `REGIONS`. The stronger comes first; an unclear effect is left out.
    """
    kind = region + len(REGIONS) * inked
    count = np.bincount(kind, minlength=2 * len(REGIONS)).reshape(2, -1)
    # A single cell counts half.
    cost = np.bincount(kind, drop, count.size).reshape(2, -1) / (count + 1)
    clear = max(MIN_REASON_LOGITS, -cost.min(), SECOND_REASON_SHARE * cost.max())
    as_ink = (cost[1] >= cost[0]) | (count[1] > MAX_EMPTY_INK_SHARE * count.sum(axis=0))
    cost = np.where([~as_ink, as_ink], cost, 0)  # each region is named once
    best = [k for k in np.argsort(-cost.max(axis=1), kind="stable") if cost[k].max() >= clear]
    kinds = [len(REGIONS) * k + cost[k].argmax() for k in best]
    return [int(np.where(kind == k, drop, -np.inf).argmax()) for k in kinds]


def name_part(ink: np.ndarray, cell: np.ndarray, is_inked: bool, changed: np.ndarray) -> Part:
    """Name the part of ink (28, 28) at a cell (2,).

    `changed` (28, 28) is the ink after the change of this cell, which can open or close a loop.
    """
    loops, after = ([np.argwhere(loop) for loop in find_loops(part)] for part in (ink, changed))
    gaps = [np.linalg.norm(loop - cell, axis=1).min() for loop in loops]
    where = name_place(loops[int(np.argmin(gaps))], ink) if loops else ""
    ring = "the loop" if where == "in the middle" else f"the loop {where}"
    if is_inked and len(after) < len(loops):
        return Part(f"{ring} is closed", cell)
    if is_inked:
        skeleton = Skeleton(ink)
        branch = skeleton.find_branch(cell, PART_RADIUS_PX)
        middle = branch[np.linalg.norm(branch - branch.mean(axis=0), axis=1).argmin()]
        shape = name_shape(branch)
        if shape == "curve" and skeleton.is_end[tuple(branch.astype(int).T)].any():
            shape = "hook"
        return Part(f"there is a {shape} {name_place(middle[None], ink)}", middle)
    if min(gaps, default=FRAME) < 1:
        return Part(f"{ring} is empty", cell)
    is_open = sum(map(len, after)) >= sum(map(len, loops)) + MIN_GAP_PX
    return Part(f"{name_place(cell[None], ink)[3:]} is {'open' if is_open else 'empty'}", cell)
