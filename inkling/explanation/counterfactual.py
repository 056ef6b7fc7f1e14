"""Find the fewest strokes that make the network read another digit (counterfactual).

Ways to write the other digit are fitted to the drawing, as in coherent point drift (Myronenko and
Song 2010, arXiv 0905.2635): neighbouring points of a path move together, towards the drawing's
strokes. Where a path leaves the drawing a stroke is drawn; strokes far from the path are erased.
The network reads the drawings so changed. The fewest strokes win, then the least ink.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch

from inkling.explanation.strokes import (
    STROKE_EDGE,
    PenPaths,
    Skeleton,
    draw_path,
    find_loops,
    find_parts,
    name_place,
    name_shape,
)
from inkling.imaging.mnist_frame import FRAME
from model import NON_DIGIT_CLASS, DigitCNN

LEAD_LOGITS = 1.4  # over all other classes: a probability of 80 %; people's digits have 2.1
MAX_STRETCH = 1.3  # of a path's width to the drawing's
# Fits of a path, px: the distance within which its points move together, and the distance to the
# strokes that it keeps. A soft path keeps more, a stiff one looks more like the digit.
FITS_PX = ((5.0, 1.8), (12.0, 1.0))
REACH_PX = 2.5  # px: standard deviation of the pull of a stroke
FIT_STEPS = 6
MIN_PULL = 0.3  # weaker pulls move a path less
MIN_KEPT_POINTS, MIN_DRAWN_POINTS = 7, 3  # of a path: about as many px
MIN_ERASED_PX = 3  # px of the skeleton
MAX_STROKES, MAX_PLANNED = 3, 5  # strokes of a change, and before the unneeded are left out
STROKE_COST = 30  # px of ink that weigh as much as one more stroke
MAX_PRUNED = 12  # plans whose strokes are left out in turn
SHORT_END_PX, MAX_GAP_PX = 5, 12  # px: sizes of what is called an end, and of a gap; not tuned


@dataclass(frozen=True, eq=False)
class Edit:
    """One stroke that is drawn or erased."""

    path: np.ndarray  # (M, 2) float32, y and x: of the pen, or the erased skeleton's pixels
    ink: np.ndarray  # (28, 28) float32, 0 to 1
    erases: bool


@dataclass(frozen=True, eq=False)
class Change:
    """A changed glyph that the network reads as another digit."""

    ink: np.ndarray  # (28, 28) float32, 0 to 1
    words: str  # instruction: "close the top"
    edits: tuple[Edit, ...] = ()


@torch.inference_mode()
def compute_margins(model: DigitCNN, inks: np.ndarray, digit: int) -> np.ndarray:
    """Return the digit's logit less the logsumexp of all other classes, for inks (N, 28, 28)."""
    class_logits = model.class_logits(torch.from_numpy(inks).unsqueeze(1))
    digits, k = model.digit_logits(class_logits), digit
    others = [digits[:, :k], digits[:, k + 1 :], class_logits[:, NON_DIGIT_CLASS:]]
    return (digits[:, k] - torch.cat(others, dim=1).logsumexp(dim=1)).numpy()


class Trial:
    """A glyph with some edits."""

    def __init__(self, ink: np.ndarray, edits: tuple[Edit, ...]):
        """Apply the edits to ink (28, 28)."""
        self.edits, kept = edits, ink
        for edit in sorted(edits, key=lambda edit: not edit.erases):
            kept = kept * (1 - edit.ink) if edit.erases else np.maximum(kept, edit.ink)
        self.ink = kept
        areas = [np.sum(edit.ink * ink if edit.erases else edit.ink) for edit in edits]
        self.cost = STROKE_COST * len(edits) + sum(areas)


def counterfactual(model: DigitCNN, ink: np.ndarray, digit: int, paths: PenPaths) -> Change | None:
    """Return the fewest strokes that turn framed ink (28, 28) into `digit`, or None.

    `paths` are ways to write this digit. Its logit leads those of all other classes together by
    `LEAD_LOGITS` if that can be reached. The network must be in inference mode.
    """
    ink = np.ascontiguousarray(ink, np.float32)
    if not (ink > STROKE_EDGE).any():
        return None
    torch.set_num_threads(1)  # of this thread, as `Reader.predict_glyphs`
    if compute_margins(model, ink[None], digit)[0] >= LEAD_LOGITS:
        return Change(ink, "")
    plans = select_clear(model, digit, plan_trials(ink, Skeleton(ink), paths))
    subsets = [
        Trial(ink, edits)
        for plan in plans[:MAX_PRUNED]
        for count in range(1, min(len(plan.edits), MAX_STROKES) + 1)
        for edits in combinations(plan.edits, count)
    ]
    for best in select_clear(model, digit, subsets)[:1]:
        if compute_margins(model, best.ink[None], digit)[0] > 0:
            return Change(best.ink, describe_edits(ink, best.edits), best.edits)
    return None


def plan_trials(ink: np.ndarray, skeleton: Skeleton, paths: PenPaths) -> list[Trial]:
    """Return ink (28, 28), changed to each path that needs few edits."""
    placed = place_paths(skeleton, paths)
    plans = (
        find_edits(skeleton, path, stroke, tolerance_px)
        for stiffness_px, tolerance_px in FITS_PX
        for path, stroke in zip(
            warp_paths(skeleton, placed, stiffness_px), paths.strokes, strict=True
        )
    )
    return [Trial(ink, edits) for edits in plans if 0 < len(edits) <= MAX_PLANNED]


def select_clear(model: DigitCNN, digit: int, trials: list[Trial]) -> list[Trial]:
    """Return the trials with a lead, or the clearest one; those of the least cost first."""
    if not trials:
        return []
    margins = compute_margins(model, np.stack([trial.ink for trial in trials]), digit)
    least = min(LEAD_LOGITS, margins.max())
    clear = [trial for trial, margin in zip(trials, margins, strict=True) if margin >= least]
    return sorted(clear, key=lambda trial: trial.cost)


def place_paths(skeleton: Skeleton, paths: PenPaths) -> np.ndarray:
    """Return the points of all paths in the skeleton's place: (T, P, 2) float32."""
    low, size = skeleton.points.min(axis=0), np.ptp(skeleton.points, axis=0).clip(1)
    height = max(size[0], size[1] / 2)
    natural = paths.aspects * height
    width = np.clip(size[1], natural / MAX_STRETCH, natural * MAX_STRETCH)
    boxes = np.stack([np.full_like(width, height), width], axis=1)[:, None]  # (T, 1, 2)
    points = paths.points * boxes + low + (size - boxes) / 2
    return points.clip(1, FRAME - 2).astype(np.float32)


def warp_paths(skeleton: Skeleton, points: np.ndarray, stiffness_px: float) -> np.ndarray:
    """Move points (T, P, 2) towards the skeleton, near ones together."""
    squares = ((points[:, :, None] - points[:, None]) ** 2).sum(axis=-1)
    coherence = np.exp(-squares / (2 * stiffness_px**2))  # (T, P, P)
    for _ in range(FIT_STEPS):
        step = skeleton.snap(points) - points
        pull = np.exp(-(step**2).sum(axis=-1, keepdims=True) / (2 * REACH_PX**2))
        points = points + coherence @ (pull * step) / (coherence @ pull + MIN_PULL)
    return points.clip(1, FRAME - 2)


def find_edits(
    skeleton: Skeleton, path: np.ndarray, stroke: np.ndarray, tolerance_px: float
) -> tuple[Edit, ...]:
    """Return what changes a skeleton into a path (P, 2) that consists of strokes (P,)."""
    snapped = skeleton.snap(path)
    drawn = np.linalg.norm(snapped - path, axis=1) > tolerance_px
    for kind, least in ((False, MIN_KEPT_POINTS), (True, MIN_DRAWN_POINTS)):
        for i, j in find_runs(drawn, stroke):
            if drawn[i] == kind and j - i < least:
                drawn[i:j] = not kind
    gaps = np.linalg.norm(skeleton.points[:, None] - path[~drawn], axis=-1)
    erased = skeleton.grid.copy()
    erased[skeleton.grid] = gaps.min(axis=1, initial=FRAME) > tolerance_px
    labels, sizes = find_parts(erased)
    parts = [labels == k for k in range(1, len(sizes)) if sizes[k] >= MIN_ERASED_PX]
    edits = [Edit(np.argwhere(part), skeleton.cover(part), True) for part in parts]
    for i, j in find_runs(drawn, stroke):
        if drawn[i]:  # from the kept point before to the one after it
            first, last = np.flatnonzero(stroke == stroke[i])[[0, -1]]
            start, end = max(i - 1, first), min(j + 1, last + 1)
            line = np.concatenate([snapped[start:i], path[i:j], snapped[j:end]])
            edits.append(Edit(line, draw_path(line, skeleton.pen_px), False))
    return tuple(edits)


def find_runs(flags: np.ndarray, stroke: np.ndarray) -> list[tuple[int, int]]:
    """Return first and one past the last index of each run of equal flags in one stroke."""
    cuts = np.flatnonzero((np.diff(flags) != 0) | (np.diff(stroke) != 0)) + 1
    bounds = [0, *cuts.tolist(), len(flags)]
    return [*zip(bounds, bounds[1:], strict=False)]


def describe_edits(ink: np.ndarray, edits: tuple[Edit, ...]) -> str:
    """Describe edits as an instruction: "erase the bar in the middle and close the top"."""
    *first, last = dict.fromkeys(describe_edit(ink, edit) for edit in edits)
    return f"{', '.join(first)} and {last}" if first else last


def describe_edit(ink: np.ndarray, edit: Edit) -> str:
    """Describe one edit of ink (28, 28)."""
    place, size_px = name_place(edit.path, ink), np.ptp(edit.path, axis=0).max()
    more = len(find_loops(Trial(ink, (edit,)).ink)) - len(find_loops(ink))
    if edit.erases and more < 0 and size_px <= MAX_GAP_PX:
        return f"open {place[3:]}"
    if edit.erases and size_px <= SHORT_END_PX:
        return f"erase the {'piece' if place == 'in the middle' else 'end'} {place}"
    returns = not edit.erases and np.ptp(edit.path[[0, -1]], axis=0).max() < size_px / 2
    shape = "loop" if returns or find_loops(edit.ink) else name_shape(edit.path)
    if more > 0 and shape != "loop" and size_px <= MAX_GAP_PX:
        return f"close {place[3:]}"
    return f"{'erase the' if edit.erases else 'draw a'} {shape} {place}"
