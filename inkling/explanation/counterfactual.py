"""Framed ink becomes the smallest change with which the network would take it for another digit.

The search is greedy, place by place, as that of Goyal et al. 2019 (arXiv 1904.07451): places of a
digit of the other class are copied until the answer flips. Here there are several such digits, the
nearest, and a place may be erased as well; the changes of which the gradient promises most are
tried, the best one is kept, and so on. Where none helps any more, places of one digit are copied in
the order of their promise: in the end that digit stands there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
import torch
from torch import Tensor

from inkling.explanation.occlusion import REGIONS, STROKE_EDGE, box_corner, line, soft
from inkling.imaging.mnist_frame import DIGIT
from model import NON_DIGIT_CLASS, DigitCNN

ALONG = 10  # places along a side of the digit's box: a stroke is as wide as two
RADIUS = 2.4  # px of a place: with 3 it took a quarter more ink, on 60 held-out digits
NEAREST = 4  # digits that places are copied from: with 6 it took a quarter longer, for no less ink
TRIED = 12  # changes in each step, those of the largest promise
STEPS = 6  # at most: they take 30 ms; with 5 it took half as much ink again
PREFIXES = 10  # numbers of copied places that are tried
COST = 0.5  # power of a change's size: with 0 it took half as much ink again, with 1 it stuck
PART = 0.3  # of ink: less is no change that one sees
HOLE = 4  # px: less paper within ink is no loop
NAMED = 0.4  # of the largest part's size, from which the words name another

Margins = Callable[[np.ndarray], np.ndarray]  # of inks (N, 28, 28): above 0, it is the digit
Slope = Callable[[np.ndarray], tuple[float, np.ndarray]]  # of ink (28, 28): that, and its gradient


@dataclass(frozen=True, eq=False)
class Change:
    """What makes another digit of a glyph."""

    ink: np.ndarray  # (28, 28) float32, 0 to 1: the changed glyph
    words: str  # what to do, in words: "close the top"


def counterfactual(
    model: DigitCNN,
    ink: np.ndarray,
    digit: int,
    examples: np.ndarray | None = None,
    lead: float = 0.0,
) -> Change | None:
    """Say how little makes framed ink (28, 28), float32, 0 = paper, 1 = ink, the other `digit`.

    `examples` (N, 28, 28) are inks that the network reads as it; without them there may be no
    answer, None. It shall `lead` all other answers together by so many logits. The network must be
    in inference mode.
    """
    examples = np.empty((0, *ink.shape), np.float32) if examples is None else examples
    ahead: Margins = partial(margins, model, digit, lead)
    steep: Slope = partial(slope, model, digit, lead)
    if not (ink > STROKE_EDGE).any():
        return None
    torch.set_num_threads(1)  # of this thread, as `Reader.predict_glyphs`
    distances = np.abs(examples - ink).sum(axis=(1, 2))
    nearest = examples[np.argsort(distances)[:NEAREST]]
    places = soft(line(centres(ink), centres(ink)), RADIUS).astype(np.float32)  # (P, 28, 28)
    changed, used = greedy(ahead, steep, ink, places, nearest)
    if ahead(changed[None])[0] > 0:
        changed = pruned(ahead, ink, changed, places[used])
    elif len(nearest):
        changed = copied(ahead, steep, ink, places, nearest)
    if ahead(changed[None])[0] <= 0:
        return None
    return Change(changed, in_words(ink, changed))


def centres(ink: np.ndarray) -> np.ndarray:
    """Return the places' centres, (P, 2) float32: y and x in px, a grid over the digit's box."""
    pitch = DIGIT / ALONG
    steps = np.mgrid[:ALONG, :ALONG].reshape(2, -1).T
    return (box_corner(ink) + (steps + 0.5) * pitch).astype(np.float32)


def margin(model: DigitCNN, ink: Tensor, digit: int) -> Tensor:
    """Return by how much a digit leads all other answers together, (N,), for ink (N, 1, 28, 28)."""
    class_logits = model.class_logits(ink)
    digits = model.digit_logits(class_logits)
    others = torch.cat(
        [digits[:, :digit], digits[:, digit + 1 :], class_logits[:, NON_DIGIT_CLASS:]], dim=1
    )
    return digits[:, digit] - others.logsumexp(dim=1)


@torch.inference_mode()
def margins(model: DigitCNN, digit: int, lead: float, inks: np.ndarray) -> np.ndarray:
    """Return by how much inks (N, 28, 28) are more than enough for a digit, (N,)."""
    tensor = torch.from_numpy(np.ascontiguousarray(inks, np.float32)).unsqueeze(1)
    return margin(model, tensor, digit).numpy() - lead


def slope(model: DigitCNN, digit: int, lead: float, ink: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the same of ink (28, 28), and its gradient by each pixel."""
    tensor = torch.from_numpy(ink)[None, None].requires_grad_()
    value = margin(model, tensor, digit) - lead
    (gradient,) = torch.autograd.grad(value.sum(), tensor)
    return value.item(), gradient[0, 0].numpy()


def greedy(
    ahead: Margins, steep: Slope, ink: np.ndarray, places: np.ndarray, nearest: np.ndarray
) -> tuple[np.ndarray, list[int]]:
    """Change the place that helps most for its size, again and again, until the answer flips.

    Returns the changed ink, and the places that were changed.
    """
    changed, used = ink, []
    sources = np.concatenate([np.zeros_like(ink)[None], nearest])  # to copy empty paper is to erase
    flat = places.reshape(len(places), -1)
    for _ in range(STEPS):
        before, gradient = steep(changed)
        if before > 0:
            break
        difference = (sources - changed).reshape(len(sources), -1).T  # (784, S)
        worth = np.maximum(flat @ np.abs(difference), 1) ** -COST  # (P, S)
        promise = flat @ (difference * gradient.reshape(-1, 1)) * worth
        where, which = np.unravel_index(np.argsort(-promise, axis=None)[:TRIED], promise.shape)
        tries = changed + places[where] * (sources[which] - changed)
        gains = (ahead(tries) - before) * worth[where, which]
        best = int(gains.argmax())
        if gains[best] <= 0:
            break
        changed = tries[best]
        used.append(int(where[best]))
    return changed, used


def copied(
    ahead: Margins, steep: Slope, ink: np.ndarray, places: np.ndarray, nearest: np.ndarray
) -> np.ndarray:
    """Copy places of one of the nearest digits, no more of them than flip the answer."""
    _, gradient = steep(ink)
    tries: list[np.ndarray] = list(nearest)
    for example in nearest:
        order = np.argsort(-np.tensordot(places, gradient * (example - ink), 2))
        masks = np.maximum.accumulate(places[order])  # (P, 28, 28)
        for mask in masks[:: len(places) // PREFIXES]:
            tries.append(ink * (1 - mask) + example * mask)
    flipped = ahead(np.stack(tries)) > 0
    sizes = np.abs(np.stack(tries) - ink).sum(axis=(1, 2))
    return tries[np.where(flipped, sizes, np.inf).argmin()].astype(np.float32)


def pruned(ahead: Margins, ink: np.ndarray, changed: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Take back what is not needed: places (U, 28, 28) without which the answer stays flipped."""
    while len(places):
        back = changed * (1 - places) + ink * places
        left = ahead(back)
        one = int(left.argmax())
        if left[one] <= 0:
            break
        changed, places = back[one].astype(np.float32), np.delete(places, one, axis=0)
    return changed


def in_words(ink: np.ndarray, changed: np.ndarray) -> str:
    """Say what was inked and erased, and where: "close the top, erase the middle"."""
    loops = holes(changed) - holes(ink)
    added = parts(changed - ink, ink, "close" if loops > 0 else "ink", "ink")
    taken = parts(ink - changed, ink, "open" if loops < 0 else "erase", "erase")
    most = max((size for size, _, _ in added + taken), default=0)
    places: dict[str, list[str]] = {}
    for size, verb, place in added + taken:
        if size >= NAMED * most and place not in places.setdefault(verb, []):
            places[verb].append(place)
    return ", ".join(f"{verb} {' and '.join(where)}" for verb, where in places.items())


def parts(difference: np.ndarray, ink: np.ndarray, first: str, verb: str) -> list[tuple]:
    """Return the parts of a difference (28, 28), the largest first: size in px, verb, and place."""
    seen = (difference > PART).astype(np.uint8)
    count, _, stats, middles = cv2.connectedComponentsWithStats(seen)
    sizes = stats[:, cv2.CC_STAT_AREA]
    order = np.argsort(-sizes[1:]) + 1
    rows, columns = ((middles[order, ::-1] - box_corner(ink)) * 3 // DIGIT).clip(0, 2).T.astype(int)
    names = [REGIONS[k].split(" ", 1)[1] for k in 3 * rows + columns]
    return list(zip(sizes[order], [first, *count * [verb]], names, strict=False))


def holes(ink: np.ndarray) -> int:
    """Return how many loops ink has: places of paper that it closes off."""
    paper = np.pad((ink < PART).astype(np.uint8), 1, constant_values=1)
    _, _, stats, _ = cv2.connectedComponentsWithStats(paper, connectivity=4)
    return int((stats[2:, cv2.CC_STAT_AREA] >= HOLE).sum())
