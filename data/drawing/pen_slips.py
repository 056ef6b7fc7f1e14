"""Add writing errors to strokes: hooks, ligatures, pinched loops, gaps.

A stroke is the path (M, 2) of a pen, in spans of `POINTS_PER_SPAN` points.
"""

import numpy as np

from data.drawing.pen_strokes import POINTS_PER_SPAN

CONNECTED_SHARE = 0.18  # of pen lifts: the pen stays down and draws its path to the next stroke
MAX_SWING = 1.4  # of the distance: how far a connecting pen runs on before it turns
HOOKED_END_SHARE, HOOKED_START_SHARE = 0.08, 0.22  # of strokes
HOOK_LENGTHS = (0.04, 0.16)  # in heights of the digit
HOOK_ANGLES = (0.5, 2.6)  # radians between hook and stroke
PINCHED_SHARE = 0.35  # of drawings: a part is smaller or larger than meant
PINCH_RANGE = (-0.35, 0.75)  # size that such a part loses: loops swollen, or nearly shut
PINCHED_LENGTHS = (0.2, 0.45)  # of the pen's path: such a part, mostly a turn
GAP_SHARE = 0.12  # of drawings: a stroke starts late, ends early or has a gap
GAP_LENGTHS = (0.04, 0.12)  # of a stroke: the missing part
MIN_SPANS_WITH_GAP = 6  # a shorter stroke with a gap would be another character


def add_slips(strokes: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Return strokes with random slips, or none."""
    strokes = [add_hooks(stroke, rng) for stroke in connect_strokes(strokes, rng)]
    if rng.random() < PINCHED_SHARE:
        strokes = pinch_part(strokes, rng)
    if rng.random() < GAP_SHARE:
        k = rng.integers(len(strokes))
        strokes = [*strokes[:k], *cut_gap(strokes[k], rng), *strokes[k + 1 :]]
    return strokes


def connect_strokes(
    strokes: list[np.ndarray], rng: np.random.Generator, share: float = CONNECTED_SHARE
) -> list[np.ndarray]:
    """Join a share of successive strokes by the path of a pen that is not lifted."""
    joined = [strokes[0]]
    for stroke in strokes[1:]:
        if rng.random() < share:
            connection = draw_connection(joined[-1], stroke, rng)
            joined[-1] = np.concatenate([joined[-1][:-1], connection, stroke[1:]])
        else:
            joined.append(stroke)
    return joined


def draw_connection(before: np.ndarray, after: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the path (M, 2) from the end of one stroke to the start of the next, with both."""
    a, b = before[-1], after[0]
    span = np.hypot(*(b - a))
    leaving, arriving = (
        direction / (np.hypot(*direction) + 1e-6) * span * rng.uniform(0, MAX_SWING)
        for direction in (a - before[-POINTS_PER_SPAN], after[POINTS_PER_SPAN - 1] - b)
    )
    t = np.linspace(0, 1, 4 * POINTS_PER_SPAN + 1)[:, None]
    eased = t**2 * (3 - 2 * t)
    return (1 - eased) * a + t * (1 - t) ** 2 * leaving + eased * b - t**2 * (1 - t) * arriving


def add_hooks(stroke: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a stroke with a hook at its end, at its start, at both or at neither."""
    for share in (HOOKED_END_SHARE, HOOKED_START_SHARE):
        stroke = stroke[::-1]
        if rng.random() < share:
            stroke = np.concatenate([draw_hook(stroke, rng), stroke])
    return stroke


def draw_hook(stroke: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a path (`POINTS_PER_SPAN`, 2) from a point beside a stroke's start to the start."""
    start = stroke[0]
    inwards = stroke[POINTS_PER_SPAN // 2] - start
    angle = rng.choice([-1, 1]) * rng.uniform(*HOOK_ANGLES)
    rotation = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
    size = max(np.ptp(stroke, axis=0).max(), 0.4)
    unit = inwards @ rotation / (np.hypot(*inwards) + 1e-6)
    side = unit * rng.uniform(*HOOK_LENGTHS) * size
    bend = start + 0.2 * side - 0.1 * inwards
    t = np.arange(POINTS_PER_SPAN)[:, None] / POINTS_PER_SPAN
    return (1 - t) ** 2 * (start + side) + 2 * t * (1 - t) * bend + t**2 * start


def pinch_part(strokes: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Return strokes with the surroundings of a random part shrunk or enlarged."""
    points = np.concatenate(strokes)
    length = rng.uniform(*PINCHED_LENGTHS)
    first = round(rng.uniform(0, 1 - length) * len(points))
    part = points[first : first + max(2, round(length * len(points)))]
    middle, reach = part.mean(axis=0), part.std(axis=0).max() * rng.uniform(1, 1.8) + 1e-3
    amount = rng.uniform(*PINCH_RANGE)

    def move(stroke: np.ndarray) -> np.ndarray:
        away = stroke - middle
        near = np.exp(-(away**2).sum(axis=1, keepdims=True) / (2 * reach**2))
        return middle + away * (1 - amount * near)

    return [move(stroke) for stroke in strokes]


def cut_gap(stroke: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Return a stroke that starts late, ends early or has a gap; a short one is unchanged."""
    spans = (len(stroke) - 1) // POINTS_PER_SPAN
    if spans < MIN_SPANS_WITH_GAP:
        return [stroke]
    lost = max(1, round(spans * rng.uniform(*GAP_LENGTHS))) * POINTS_PER_SPAN
    place = rng.integers(3)
    if place == 0:
        return [stroke[lost:]]
    if place == 1:
        return [stroke[: len(stroke) - lost]]
    at = rng.integers(1, spans - 1) * POINTS_PER_SPAN
    return [stroke[: at + 1], stroke[at + POINTS_PER_SPAN :]]
