"""Find the smallest change that makes the network read another digit (counterfactual).

The search is greedy over cells, as in Goyal et al. 2019 (arXiv 1904.07451): cells of an example of
the other digit are copied until the answer flips. Here there are several examples, the nearest, and
a cell can also be erased. Each step tries the changes that the gradient ranks highest, and keeps
the best. If none helps, cells of one example are copied in the order of their gradients.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from inkling.explanation.occlusion import (
    REGIONS,
    STROKE_EDGE,
    box_corner,
    pen_coverage,
    segment_distance,
)
from inkling.imaging.mnist_frame import DIGIT
from model import NON_DIGIT_CLASS, DigitCNN

CELLS_PER_SIDE = 10  # of the digit's box: a stroke is two cells wide
CELL_RADIUS_PX = 2.4  # px: with 3 a change took a quarter more ink, on 60 held-out digits
SOURCE_EXAMPLES = 4  # with 6 the search took a quarter longer and no less ink
TRIED_CHANGES = 12  # in each step; not tuned
MAX_EDITS = 6  # 30 ms; with 5 a change took 1.5 times as much ink
TRIED_PREFIXES = 10  # numbers of copied cells; not tuned
SIZE_EXPONENT = 0.5  # penalty: with 0 a change took 1.5 times as much ink, with 1 the search stuck
MIN_CHANGE = 0.3  # of a pixel, 0 to 1: smaller differences are invisible
MIN_LOOP_PX = 4  # pixels of enclosed paper that count as a loop
NAMED_PART_SHARE = 0.4  # of the largest part's size: smaller parts are not named


@dataclass(frozen=True, eq=False)
class Change:
    """A changed glyph that the network reads as another digit."""

    ink: np.ndarray  # (28, 28) float32, 0 to 1
    words: str  # instruction: "close the top"


def counterfactual(
    model: DigitCNN,
    ink: np.ndarray,
    digit: int,
    examples: np.ndarray | None = None,
    lead: float = 0.0,
) -> Change | None:
    """Return the smallest change of framed ink (28, 28) that is read as `digit`, or None.

    `examples` (N, 28, 28) are inks that the network reads as this digit; without them the search
    can fail. The digit's logit must lead those of all other classes together by `lead`. The
    network must be in inference mode.
    """
    examples = np.empty((0, *ink.shape), np.float32) if examples is None else examples
    margin = Margin(model, digit, lead)
    if not (ink > STROKE_EDGE).any():
        return None
    torch.set_num_threads(1)  # of this thread, as `Reader.predict_glyphs`
    distances = np.abs(examples - ink).sum(axis=(1, 2))
    nearest = examples[np.argsort(distances)[:SOURCE_EXAMPLES]]
    centres = compute_cell_centres(ink)
    cells = pen_coverage(segment_distance(centres, centres), CELL_RADIUS_PX)
    cells = cells.astype(np.float32)  # (P, 28, 28)
    changed, used = search_greedily(margin, ink, cells, nearest)
    if margin(changed[None])[0] > 0:
        changed = revert_unneeded(margin, ink, changed, cells[used])
    elif len(nearest):
        changed = copy_cells(margin, ink, cells, nearest)
    if margin(changed[None])[0] <= 0:
        return None
    return Change(changed, describe_change(ink, changed))


def compute_cell_centres(ink: np.ndarray) -> np.ndarray:
    """Return centres (P, 2) of a grid of cells over the digit's box: y and x in px."""
    pitch = DIGIT / CELLS_PER_SIDE
    steps = np.mgrid[:CELLS_PER_SIDE, :CELLS_PER_SIDE].reshape(2, -1).T
    return (box_corner(ink) + (steps + 0.5) * pitch).astype(np.float32)


class Margin:
    """A digit's logit less the logsumexp of all others, and less a lead: positive if it is read."""

    def __init__(self, model: DigitCNN, digit: int, lead: float):
        """Store the network, the digit and the lead."""
        self.model, self.digit, self.lead = model, digit, lead

    def compute(self, ink: Tensor) -> Tensor:
        """Return the margins (N,), without the lead, of ink (N, 1, 28, 28)."""
        class_logits = self.model.class_logits(ink)
        digits, k = self.model.digit_logits(class_logits), self.digit
        others = [digits[:, :k], digits[:, k + 1 :], class_logits[:, NON_DIGIT_CLASS:]]
        return digits[:, k] - torch.cat(others, dim=1).logsumexp(dim=1)

    @torch.inference_mode()
    def __call__(self, inks: np.ndarray) -> np.ndarray:
        """Return the margins (N,) of inks (N, 28, 28)."""
        tensor = torch.from_numpy(np.ascontiguousarray(inks, np.float32)).unsqueeze(1)
        return self.compute(tensor).numpy() - self.lead

    def gradient(self, ink: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the margin of ink (28, 28), and its gradient (28, 28)."""
        tensor = torch.from_numpy(ink)[None, None].requires_grad_()
        value = self.compute(tensor) - self.lead
        (gradient,) = torch.autograd.grad(value.sum(), tensor)
        return value.item(), gradient[0, 0].numpy()


def search_greedily(
    margin: Margin, ink: np.ndarray, cells: np.ndarray, nearest: np.ndarray
) -> tuple[np.ndarray, list[int]]:
    """Change the cell with the largest gain for its size until the answer flips.

    Return the changed ink, and the indices of the changed cells.
    """
    changed, used = ink, []
    sources = np.concatenate([np.zeros_like(ink)[None], nearest])  # blank paper erases
    flat = cells.reshape(len(cells), -1)
    for _ in range(MAX_EDITS):
        before, gradient = margin.gradient(changed)
        if before > 0:
            break
        difference = (sources - changed).reshape(len(sources), -1).T  # (784, S)
        size_weight = np.maximum(flat @ np.abs(difference), 1) ** -SIZE_EXPONENT  # (P, S)
        promise = flat @ (difference * gradient.reshape(-1, 1)) * size_weight
        where, which = np.unravel_index(
            np.argsort(-promise, axis=None)[:TRIED_CHANGES], promise.shape
        )
        tries = changed + cells[where] * (sources[which] - changed)
        gains = (margin(tries) - before) * size_weight[where, which]
        best = int(gains.argmax())
        if gains[best] <= 0:
            break
        changed = tries[best]
        used.append(int(where[best]))
    return changed, used


def copy_cells(
    margin: Margin, ink: np.ndarray, cells: np.ndarray, nearest: np.ndarray
) -> np.ndarray:
    """Copy as few cells as flip the answer from one of the nearest examples."""
    _, gradient = margin.gradient(ink)
    tries: list[np.ndarray] = list(nearest)
    for example in nearest:
        order = np.argsort(-np.tensordot(cells, gradient * (example - ink), 2))
        masks = np.maximum.accumulate(cells[order])  # (P, 28, 28)
        for mask in masks[:: len(cells) // TRIED_PREFIXES]:
            tries.append(ink * (1 - mask) + example * mask)
    flipped = margin(np.stack(tries)) > 0
    sizes = np.abs(np.stack(tries) - ink).sum(axis=(1, 2))
    return tries[np.where(flipped, sizes, np.inf).argmin()].astype(np.float32)


def revert_unneeded(
    margin: Margin, ink: np.ndarray, changed: np.ndarray, cells: np.ndarray
) -> np.ndarray:
    """Revert changed cells (U, 28, 28) without which the answer stays flipped."""
    while len(cells):
        back = changed * (1 - cells) + ink * cells
        left = margin(back)
        one = int(left.argmax())
        if left[one] <= 0:
            break
        changed, cells = back[one].astype(np.float32), np.delete(cells, one, axis=0)
    return changed


def describe_change(ink: np.ndarray, changed: np.ndarray) -> str:
    """Describe a change as an instruction: "close the top, erase the middle"."""
    loops = count_loops(changed) - count_loops(ink)
    added = find_parts(changed - ink, ink, "close" if loops > 0 else "ink", "ink")
    taken = find_parts(ink - changed, ink, "open" if loops < 0 else "erase", "erase")
    most = max((size for size, _, _ in added + taken), default=0)
    regions: dict[str, list[str]] = {}
    for size, verb, place in added + taken:
        if size >= NAMED_PART_SHARE * most and place not in regions.setdefault(verb, []):
            regions[verb].append(place)
    return ", ".join(f"{verb} {' and '.join(places)}" for verb, places in regions.items())


def find_parts(difference: np.ndarray, ink: np.ndarray, first: str, verb: str) -> list[tuple]:
    """Return size in px, verb and region of each part of a difference (28, 28), largest first."""
    seen = (difference > MIN_CHANGE).astype(np.uint8)
    count, _, stats, middles = cv2.connectedComponentsWithStats(seen)
    sizes = stats[:, cv2.CC_STAT_AREA]
    order = np.argsort(-sizes[1:]) + 1
    rows, columns = ((middles[order, ::-1] - box_corner(ink)) * 3 // DIGIT).clip(0, 2).T.astype(int)
    names = [REGIONS[k].split(" ", 1)[1] for k in 3 * rows + columns]
    return list(zip(sizes[order], [first, *count * [verb]], names, strict=False))


def count_loops(ink: np.ndarray) -> int:
    """Return the number of loops: areas of paper enclosed by ink."""
    paper = np.pad((ink < MIN_CHANGE).astype(np.uint8), 1, constant_values=1)
    _, _, stats, _ = cv2.connectedComponentsWithStats(paper, connectivity=4)
    return int((stats[2:, cv2.CC_STAT_AREA] >= MIN_LOOP_PX).sum())
