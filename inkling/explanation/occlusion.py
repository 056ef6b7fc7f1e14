"""Framed ink becomes what speaks for its digit rather than for a rival.

Evidence is by occlusion (Zeiler and Fergus 2014, arXiv 1311.2901): change one place, and see what
that does to the answer. Ours asks "why this rather than that" (as Prabhushankar et al. 2020, arXiv
2008.00178, do of gradients), of the difference of two logits. What is absent counts as well (as in
Dhurandhar et al. 2018, arXiv 1802.07623): ink is erased, and on empty paper a pen draws.
"""

from dataclasses import dataclass

import numpy as np
import torch

from inkling.imaging.mnist_frame import DIGIT, FRAME
from model import DigitCNN

GRID = 6  # places along a side of the digit's box: 5 lose what makes a 3 no 8; 7 cost a third more
STROKE_EDGE = 0.3  # darker is stroke
INKED = 0.4  # share of ink from which a place counts as ink rather than empty
BLOT, LINE = (
    2.4,
    1.5,
)  # px, radii of what is erased or drawn, and of the line that joins strokes
FAR = 12  # px, the longest way from a place to a stroke that it can be joined to
OPPOSITE = -0.3  # cosine: strokes on both sides of a place are seen at a wider angle
BLUR_OF_PLACE = 1.4  # px, standard deviation of what a place says about its surroundings
WEAK_EVIDENCE = 0.1  # of a place's weight: farther than that from all places, evidence fades
CLEAR = 0.2  # logits: what moves the margin less is not worth telling
NAMED_EVIDENCE = 1 / 4  # share of a region's places with ink from which it cannot be called empty
ALSO = 1 / 3  # of the first reason's weight, from which a second one is told
Y, X = np.mgrid[:FRAME, :FRAME].astype(np.float32)
REGIONS = (  # of the digit's box
    "in the upper left", "at the top", "in the upper right",
    "on the left side", "in the middle", "on the right side",
    "in the lower left", "at the bottom", "in the lower right",
)  # fmt: skip


@dataclass(frozen=True)
class Evidence:
    """What speaks for a digit rather than for its rival."""

    answer: int
    rival: int
    map: np.ndarray  # (28, 28) float32, -1 to 1: above 0, what is here or is not, is for the answer
    margin: float  # logit of the answer less the rival's
    because: str  # ends "a 4 rather than a 9 because ..."; "" if nothing clearly does


@torch.inference_mode()
def evidence(model: DigitCNN, ink: np.ndarray, answer: int, rival: int) -> Evidence:
    """Say what in framed ink (28, 28), float32, 0 = paper, 1 = ink, is for `answer`, not `rival`.

    The network is asked in one batch; it must be in inference mode.
    """
    torch.set_num_threads(1)  # of this thread, as `Reader.predict_glyphs`
    ink = np.ascontiguousarray(ink, np.float32)
    if not (ink > STROKE_EDGE).any():
        logits = model(torch.from_numpy(ink)[None, None])[0]
        margin = float(logits[answer] - logits[rival])
        return Evidence(answer, rival, np.zeros_like(ink), margin, "")
    corner = box_corner(ink)
    places, inked = layout(ink, corner)
    changed = np.where(inked[:, None, None], *change(ink, places))
    logits = model(torch.from_numpy(np.concatenate([ink[None], changed])).unsqueeze(1)).numpy()
    margins = logits[:, answer] - logits[:, rival]
    drop = margins[0] - margins[1:]  # (P,)
    # A stray blot unsettles any digit a little: it counts for what it does beyond the usual.
    excess = np.abs(drop) - np.median(np.abs(drop[~inked])) if not inked.all() else drop
    drop = np.where(inked, drop, np.sign(drop) * excess.clip(0))
    # Ink answers for ink and paper for paper, so that strokes and gaps have crisp edges.
    own = np.where(inked[:, None, None], ink, 1 - ink)
    weight = np.exp(-(line(places, places) ** 2) / (2 * BLUR_OF_PLACE**2)) * own  # (P, 28, 28)
    field = np.tensordot(drop, weight, 1) / (weight.sum(axis=0) + WEAK_EVIDENCE)
    field = (field / max(np.abs(field).max(), 1e-6)).astype(np.float32)
    region = ((places - corner) * 3 // DIGIT).clip(0, 2).astype(int) @ [3, 1]
    return Evidence(answer, rival, field, float(margins[0]), because(drop, inked, region))


def box_corner(ink: np.ndarray) -> np.ndarray:
    """Return top and left of the square, `DIGIT` px wide, around framed ink; px, within it."""
    ends = [np.flatnonzero((ink > STROKE_EDGE).any(axis=axis))[[0, -1]] for axis in (1, 0)]
    return (np.mean(ends, axis=1) - DIGIT / 2).clip(-0.5, FRAME - DIGIT - 0.5)


def layout(ink: np.ndarray, corner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return places, (P, 2) float32, y and x in px, and which of them hold ink, (P,).

    Each one has a cell of a grid, and lies in the middle of the ink, or of the paper, in its cell.
    """
    pitch = DIGIT / GRID
    centres = corner[:, None, None] + (np.arange(GRID)[:, None] + 0.5) * pitch  # (2, GRID, 1)
    share = (pitch / 2 + 0.5 - np.abs(centres - np.arange(FRAME))).clip(0, 1)  # of each px in one
    cells = np.einsum("iy,jx->ijyx", *share).reshape(-1, FRAME, FRAME).astype(np.float32)
    inked = (cells * ink).sum(axis=(1, 2)) > INKED * cells.sum(axis=(1, 2))
    cells *= np.where(inked[:, None, None], ink, 1 - ink)
    moments = np.stack([(cells * Y).sum(axis=(1, 2)), (cells * X).sum(axis=(1, 2))], axis=1)
    return moments / cells.sum(axis=(1, 2))[:, None], inked


def change(ink: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return ink with each place erased, and with each one drawn on, both (P, 28, 28).

    A hand would not leave a blot between two strokes: there the pen joins them.
    """
    blot = soft(line(places, places), BLOT)
    near, other = (soft(line(places, end), LINE) for end in strokes_beside(ink, places))
    drawn = np.maximum.reduce([np.broadcast_to(ink, blot.shape), blot, near, other])
    return ink * (1 - blot), drawn


def strokes_beside(ink: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each place (P, 2) the nearest stroke on one side and on the other, (P, 2) each.

    A place that does not lie between two strokes is returned itself.
    """
    strokes = np.argwhere(ink > STROKE_EDGE).astype(np.float32)  # (S, 2)
    way = strokes - places[:, None]  # (P, S, 2)
    length = np.hypot(way[..., 0], way[..., 1]) + 1e-6
    nearest = length.argmin(axis=1)[:, None]
    towards = np.take_along_axis(way, nearest[..., None], axis=1)[:, 0]  # (P, 2)
    cosine = np.einsum("psk,pk->ps", way, towards) / length
    cosine /= np.take_along_axis(length, nearest, axis=1)
    other = np.where((cosine < OPPOSITE) & (length < FAR), length, np.inf)
    between = np.isfinite(other.min(axis=1))[:, None]
    ends = strokes[nearest[:, 0]], strokes[other.argmin(axis=1)]
    return np.where(between, ends[0], places), np.where(between, ends[1], places)


def line(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return each pixel's distance in px, (P, 28, 28), from lines between points (P, 2)."""
    (sy, sx), (vy, vx) = start.T[..., None, None], (end - start).T[..., None, None]
    y, x = Y - sy, X - sx
    if start is not end:
        along = ((y * vy + x * vx) / np.maximum(vy**2 + vx**2, 1e-6)).clip(0, 1)
        y, x = y - along * vy, x - along * vx
    return np.sqrt(y**2 + x**2)


def soft(distance: np.ndarray, radius: float) -> np.ndarray:
    """Return what a pen of this radius in px covers, 0 to 1, by the distance from its path."""
    return (radius + 0.5 - distance).clip(0, 1)


def because(drop: np.ndarray, inked: np.ndarray, region: np.ndarray) -> str:
    """Say where ink, and where its absence, costs the margin most.

    Each place costs it `drop`, (P,), is `inked` or empty, and lies in one of `REGIONS`.
    """
    kind = region + len(REGIONS) * inked
    count = np.bincount(kind, minlength=2 * len(REGIONS)).reshape(2, -1)
    cost = np.bincount(kind, drop, count.size).reshape(2, -1) / (count + 1)  # a lone one: half
    clear = max(CLEAR, -cost.min(), ALSO * cost.max())
    as_ink = (cost[1] >= cost[0]) | (count[1] > NAMED_EVIDENCE * count.sum(axis=0))
    cost = np.where([~as_ink, as_ink], cost, 0)  # no region is called both
    phrases = []
    for k in np.argsort(-cost.max(axis=1), kind="stable"):
        where = REGIONS[cost[k].argmax()]
        if cost[k].max() >= clear:
            phrases.append(f"there is ink {where}" if k else f"{where[3:]} is empty")
    return ", and ".join(phrases)
