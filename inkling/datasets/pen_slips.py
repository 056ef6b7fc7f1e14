"""Slips of the pen: what haste and a careless hand do to strokes, whatever they write.

A stroke is the path of a pen that is not lifted, (M, 2), `STEPS` points to each of its parts.
"""

import numpy as np

from inkling.datasets.pen_strokes import STEPS

DRAGGED = (
    0.18  # share of the times that a pen is lifted: it is not, and leaves its way on the paper
)
SWING = 1.4  # times the way: the most that a dragged pen runs on before it turns
HOOKED_ENDS, HOOKED_STARTS = 0.08, 0.22  # shares of the strokes with a hook there
HOOK = (0.04, 0.16)  # heights of the digit that a hook is long
HOOK_TURN = (0.5, 2.6)  # radians between a hook and the stroke
PINCHED = 0.35  # share of the drawings of which a part is smaller or larger than it should be
PINCH = (-0.35, 0.75)  # of its size that such a part loses: loops nearly shut, or swollen
PINCHED_PART = (0.2, 0.45)  # of the pen's way: such a part, mostly one that turns around
GAPS = 0.12  # share of the drawings in which a stroke starts late, ends early or has a gap
LOST = (0.04, 0.12)  # of a stroke: what is not drawn of it
LEAST_WITH_GAP = 6  # parts of a stroke: a shorter one that lost some would be another character


def carelessly(strokes: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Return strokes with some slips, or none."""
    strokes = [hooked(stroke, rng) for stroke in dragged(strokes, rng)]
    if rng.random() < PINCHED:
        strokes = pinched(strokes, rng)
    if rng.random() < GAPS:
        k = rng.integers(len(strokes))
        strokes = [*strokes[:k], *with_gap(strokes[k], rng), *strokes[k + 1 :]]
    return strokes


def dragged(
    strokes: list[np.ndarray], rng: np.random.Generator, share: float = DRAGGED
) -> list[np.ndarray]:
    """Join strokes where the pen is not lifted, but swings from one to the next."""
    joined = [strokes[0]]
    for stroke in strokes[1:]:
        if rng.random() < share:
            joined[-1] = np.concatenate(
                [joined[-1][:-1], swing(joined[-1], stroke, rng), stroke[1:]]
            )
        else:
            joined.append(stroke)
    return joined


def swing(before: np.ndarray, after: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the way (M, 2) from the end of one stroke to the start of the next, with both ends."""
    a, b = before[-1], after[0]
    span = np.hypot(*(b - a))
    leaving, arriving = (
        direction / (np.hypot(*direction) + 1e-6) * span * rng.uniform(0, SWING)
        for direction in (a - before[-STEPS], after[STEPS - 1] - b)
    )
    t = np.linspace(0, 1, 4 * STEPS + 1)[:, None]
    eased = t**2 * (3 - 2 * t)
    return (1 - eased) * a + t * (1 - t) ** 2 * leaving + eased * b - t**2 * (1 - t) * arriving


def hooked(stroke: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a stroke whose pen lands beside its path, or leaves it at the end, or does neither."""
    for share in (HOOKED_ENDS, HOOKED_STARTS):
        stroke = stroke[::-1]
        if rng.random() < share:
            stroke = np.concatenate([hook(stroke, rng), stroke])
    return stroke


def hook(stroke: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the way (STEPS, 2) of a pen that lands beside a stroke's start, up to there."""
    start = stroke[0]
    inwards = stroke[STEPS // 2] - start
    turn = rng.choice([-1, 1]) * rng.uniform(*HOOK_TURN)
    turned = inwards @ [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]
    size = max(np.ptp(stroke, axis=0).max(), 0.4)
    side = turned / (np.hypot(*inwards) + 1e-6) * rng.uniform(*HOOK) * size
    bend = start + 0.2 * side - 0.1 * inwards
    t = np.arange(STEPS)[:, None] / STEPS
    return (1 - t) ** 2 * (start + side) + 2 * t * (1 - t) * bend + t**2 * start


def pinched(strokes: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Return strokes with what lies around a part of them drawn smaller, or larger."""
    points = np.concatenate(strokes)
    length = rng.uniform(*PINCHED_PART)
    first = round(rng.uniform(0, 1 - length) * len(points))
    part = points[first : first + max(2, round(length * len(points)))]
    middle, reach = part.mean(axis=0), part.std(axis=0).max() * rng.uniform(1, 1.8) + 1e-3
    amount = rng.uniform(*PINCH)

    def moved(stroke: np.ndarray) -> np.ndarray:
        away = stroke - middle
        near = np.exp(-(away**2).sum(axis=1, keepdims=True) / (2 * reach**2))
        return middle + away * (1 - amount * near)

    return [moved(stroke) for stroke in strokes]


def with_gap(stroke: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Return a stroke that starts late, ends early, or in two pieces, if it is long enough."""
    parts = (len(stroke) - 1) // STEPS
    if parts < LEAST_WITH_GAP:
        return [stroke]
    lost = max(1, round(parts * rng.uniform(*LOST))) * STEPS
    where = rng.integers(3)
    if where == 0:
        return [stroke[lost:]]
    if where == 1:
        return [stroke[: len(stroke) - lost]]
    at = rng.integers(1, parts - 1) * STEPS
    return [stroke[: at + 1], stroke[at + STEPS :]]
