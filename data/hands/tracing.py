"""Trace the strokes of a pen from ink by skeletonisation, and format them as text."""

from itertools import combinations

import cv2
import networkx
import numpy as np
import sknw
from scipy.ndimage import gaussian_filter1d
from skimage.measure import approximate_polygon
from skimage.morphology import skeletonize

# Lengths in radii: multiples of the half width of the ink at that place.
MAX_MERGED_RADII = 1.5  # nearer crossings are one
MAX_SPUR_RADII = 0.5  # beyond the crossing's disc: a shorter end is a bump of the edge
CROSSING_RADII = 0.9  # around a crossing, where the skeleton bends but the pen went straight
DIRECTION_RADII = 2.6  # over which a stroke's direction at a crossing is measured
MAX_STRAIGHT_COSINE = -0.3  # between two arms: the pen continued from one to the other
RESAMPLE_STEP_PX = 1.0  # between the points of a resampled stroke
SMOOTHING_RADII = 0.3  # standard deviation along the stroke
# Lengths in percent of the height.
POLYGON_TOLERANCE = 2.0  # distance of omitted points
MAX_POINT_SPACING = 40  # between two points: limits the bending of long lines by varied points
CORNER_ARM = 7  # length of both sides of a corner
MIN_CORNER_DEG = 65  # change of direction


class Arm:
    """A part of the skeleton between two crossings or ends: its points (M, 2), x and y in px."""

    def __init__(self, points: np.ndarray, ends: list[int]):
        self.points = points
        self.ends = ends

    def length(self) -> float:
        """Return its length in px."""
        return float(np.hypot(*np.diff(self.points, axis=0).T).sum())

    def from_end(self, side: int) -> np.ndarray:
        """Return the points in order from an end: 0 the first, 1 the last."""
        return self.points[::-1] if side else self.points


def trace_strokes(ink: np.ndarray) -> tuple[list[np.ndarray], float]:
    """Trace ink (H, W), bool: strokes, each (M, 2), x and y in px, and the ink's half width."""
    radius = cv2.distanceTransform(np.pad(ink, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    skeleton = skeletonize(ink)
    graph = sknw.build_sknw(skeleton, multi=True, iso=True, ring=True, full=True)
    centres = {n: graph.nodes[n]["o"][::-1].astype(float) for n in graph.nodes}
    radii = {n: float(radius[tuple(p[::-1].round().astype(int))]) for n, p in centres.items()}
    arms = []
    for a, b, data in graph.edges(data=True):
        points = data["pts"][:, ::-1].astype(float)
        turned = np.hypot(*(points[0] - centres[a])) > np.hypot(*(points[0] - centres[b]))
        arms.append(Arm(points, [b, a] if turned else [a, b]))
    half = float(np.median(radius[skeleton]))
    dots = [
        p + np.array([[0, 0], [0.6 * half, 0.3 * half]])
        for n, p in centres.items()
        if graph.degree(n) == 0
    ]
    arms = prune_spurs(merge_crossings(arms, centres, radii), radii)
    return join_arms(arms, centres, radii) + dots, half


def arms_by_node(arms: list[Arm]) -> dict[int, list[tuple[Arm, int]]]:
    """Return for each node the arms that meet there, each with the index of its end."""
    meeting: dict[int, list[tuple[Arm, int]]] = {}
    for arm in arms:
        for side in (0, 1):
            meeting.setdefault(arm.ends[side], []).append((arm, side))
    return meeting


def merge_crossings(arms: list[Arm], centres: dict, radii: dict) -> list[Arm]:
    """Merge crossings that the skeleton splits; updates `centres` and `radii`."""
    meeting, kept, same = arms_by_node(arms), [], networkx.utils.UnionFind(centres)
    for arm in arms:
        a, b = arm.ends
        short = arm.length() < MAX_MERGED_RADII * (radii[a] + radii[b]) / 2
        if a != b and short and len(meeting[a]) > 2 and len(meeting[b]) > 2:
            same.union(a, b)
        else:
            kept.append(arm)
    for group in list(same.to_sets()):
        root = same[next(iter(group))]
        centres[root] = np.mean([centres[n] for n in group], axis=0)
        radii[root] = max(radii[n] for n in group)
    for arm in kept:
        arm.ends = [same[n] for n in arm.ends]
    return kept


def prune_spurs(arms: list[Arm], radii: dict) -> list[Arm]:
    """Remove short ends and tiny loops of the skeleton, caused by bumps of the edge."""
    for arm in sorted(arms, key=Arm.length):
        meeting = arms_by_node(arms)
        a, b = arm.ends
        if a == b:
            bump = len(meeting[a]) > 2 and arm.length() < 2 * MAX_MERGED_RADII * radii[a]
        else:
            tip, base = (a, b) if len(meeting[a]) == 1 else (b, a)
            is_end = len(meeting[tip]) == 1 and len(meeting[base]) > 2
            bump = is_end and arm.length() + radii[tip] < (1 + MAX_SPUR_RADII) * radii[base]
        if bump:
            arms = [other for other in arms if other is not arm]
    return arms


def join_arms(arms: list[Arm], centres: dict, radii: dict) -> list[np.ndarray]:
    """Join arms into strokes that continue straight through the crossings."""
    following: dict[tuple[int, int], tuple[Arm, int]] = {}
    cut: dict[tuple[int, int], int] = {}
    for node, meeting in arms_by_node(arms).items():
        directions = []
        for arm, side in meeting:
            points = arm.from_end(side)
            far = np.hypot(*(points - centres[node]).T)
            first = int((far > CROSSING_RADII * radii[node]).argmax()) if len(meeting) > 2 else 0
            cut[id(arm), side] = min(first, max(0, len(points) // 2 - 1))
            last = int((far > DIRECTION_RADII * radii[node]).argmax()) or len(points) - 1
            way = points[last] - points[min(first, last - 1)]
            directions.append(way / (np.hypot(*way) + 1e-6))
        pairs = sorted(
            (float(directions[i] @ directions[j]), i, j)
            for i, j in combinations(range(len(meeting)), 2)
        )
        taken: set[int] = set()
        for cosine, i, j in pairs:
            if taken.isdisjoint((i, j)) and (cosine < MAX_STRAIGHT_COSINE or len(meeting) == 2):
                taken |= {i, j}
                for one, other in ((i, j), (j, i)):
                    arm, side = meeting[one]
                    following[id(arm), side] = meeting[other]
    done: set[int] = set()

    def run(arm: Arm, side: int) -> np.ndarray:
        parts = []
        if (id(arm), side) not in following:
            parts.append(centres[arm.ends[side]][None])
        while id(arm) not in done:
            done.add(id(arm))
            points = arm.from_end(side)
            parts.append(points[cut[id(arm), side] : len(points) - cut[id(arm), 1 - side]])
            here = arm, 1 - side
            if (id(arm), 1 - side) not in following:
                parts.append(centres[arm.ends[1 - side]][None])
                break
            arm, side = following[id(here[0]), here[1]]
        else:
            parts.append(parts[0][:1])  # once around
        return np.concatenate(parts)

    strokes = [
        run(arm, side)
        for arm in arms
        for side in (0, 1)
        if (id(arm), side) not in following and id(arm) not in done
    ]
    return strokes + [run(arm, 0) for arm in arms if id(arm) not in done]


def order_strokes(strokes: list[np.ndarray]) -> list[np.ndarray]:
    """Order strokes as most people write: from the top left, rings counterclockwise."""

    def late(point: np.ndarray) -> float:
        return float(point[1] + 0.35 * point[0])

    turned = []
    for stroke in strokes:
        if np.hypot(*(stroke[0] - stroke[-1])) < 4 and len(stroke) > 20:
            top = int((stroke[:-1] @ [-0.3, 1]).argmin())
            stroke = np.roll(stroke[:-1], -top, axis=0)
            stroke = np.concatenate([stroke, stroke[:1]])
            if stroke[len(stroke) // 4, 0] > stroke[-len(stroke) // 4, 0]:
                stroke = stroke[::-1]
        elif late(stroke[-1]) < late(stroke[0]):
            stroke = stroke[::-1]
        turned.append(stroke)
    return sorted(turned, key=lambda stroke: late(stroke[0]))


def resample(stroke: np.ndarray, width: float) -> np.ndarray:
    """Return the stroke (M, 2) smoothed, with points `RESAMPLE_STEP_PX` apart."""
    moved = np.r_[True, np.abs(np.diff(stroke, axis=0)).sum(axis=1) > 0]
    stroke = stroke[moved]
    along = np.r_[0, np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))]
    at = np.linspace(0, along[-1], max(3, int(along[-1] / RESAMPLE_STEP_PX)))
    even = np.stack([np.interp(at, along, stroke[:, i]) for i in (0, 1)], axis=1)
    pad = min(len(even) - 1, int(3 * width / RESAMPLE_STEP_PX) + 1)
    wide = np.pad(even, ((pad, pad), (0, 0)), mode="reflect", reflect_type="odd")
    return gaussian_filter1d(wide, width / RESAMPLE_STEP_PX, axis=0)[pad:-pad]


def format_path(strokes: list[np.ndarray], half: float = 0) -> str:
    """Format strokes, each (M, 2) in any unit, as a path in percent of the height.

    The height is at least a third of the width, for flat shapes such as dashes.
    """
    everything = np.concatenate(strokes)
    low, size = everything.min(axis=0), np.ptp(everything, axis=0)
    scale = 100 / max(size[1], 0.35 * size[0], 1e-6)
    return " / ".join(
        words
        for stroke in strokes
        if (
            words := format_stroke((stroke - low) * scale, max(0.8, SMOOTHING_RADII * half * scale))
        )
    )


def format_stroke(stroke: np.ndarray, width: float) -> str:
    """Format one stroke in percent: a word for each point."""
    if len(stroke) < 2 or np.ptp(stroke, axis=0).max() < 0.5:
        return ""
    stroke = resample(stroke, width)
    along = np.r_[0, np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))]
    left = approximate_polygon(stroke, POLYGON_TOLERANCE)
    places = [0]
    for point in left[1:]:
        same = np.flatnonzero((stroke[places[-1] + 1 :] == point).all(axis=1))
        place = int(same[0]) + places[-1] + 1
        parts = int((along[place] - along[places[-1]]) // MAX_POINT_SPACING) + 1
        between = np.linspace(along[places[-1]], along[place], parts + 1)[1:-1]
        places += [*np.searchsorted(along, between).tolist(), place]
    words: list[str] = []
    for place in places:
        x, y = stroke[place].round().astype(int).tolist()
        word = f"{x},{y}"
        if words and words[-1].rstrip("!") == word:
            continue
        words.append(word + "!" * (0 < place < len(stroke) - 1 and is_corner(stroke, along, place)))
    if len(words) == 1:  # a dot
        x, y = map(int, words[0].rstrip("!").split(","))
        words = [f"{x},{y}", f"{x + 3},{y + 2}"]
    return " ".join(words)


def is_corner(stroke: np.ndarray, along: np.ndarray, place: int) -> bool:
    """Return whether the pen makes a sharp corner at this point."""
    before, after = np.searchsorted(along, [along[place] - CORNER_ARM, along[place] + CORNER_ARM])
    come = stroke[place] - stroke[before]
    go = stroke[min(after, len(stroke) - 1)] - stroke[place]
    cosine = come @ go / (np.hypot(*come) * np.hypot(*go) + 1e-6)
    return bool(np.degrees(np.arccos(np.clip(cosine, -1, 1))) > MIN_CORNER_DEG)
