"""Draw every style as on the pad, and sample its pen paths: examples of the page."""

from collections.abc import Iterable

import numpy as np

from data.drawing.pen_strokes import Style
from inkling.explanation.strokes import PenPaths
from inkling.imaging.mnist_frame import DIGIT, crop_to_ink, frame_glyph
from inkling.imaging.sketch import Sketch, Stroke

STYLE_PEN_PX = 2.4  # px of the frame: MNIST's median stroke
STYLE_SIDE_PX = 200  # px: longest side of a drawn style
PATH_POINTS = 48  # of a sampled digit: about one a px


def draw_style(style: Style) -> np.ndarray:
    """Return framed ink (28, 28) of a style, drawn as on the pad."""
    paths = style.trace()
    low, size = np.min(np.concatenate(paths), axis=0), np.ptp(np.concatenate(paths), axis=0).max()
    unit = STYLE_SIDE_PX / DIGIT  # px of the drawing in one px of the frame
    scale = (DIGIT - STYLE_PEN_PX) * unit / size
    corner = STYLE_SIDE_PX / 5  # px of paper
    strokes = [Stroke((path - low) * scale + corner, STYLE_PEN_PX * unit, False) for path in paths]
    gray = np.asarray(Sketch(tuple(strokes)).picture(), np.float32)
    return frame_glyph(crop_to_ink(1 - gray / 255))


def sample_paths(styles: Iterable[Style]) -> PenPaths:
    """Sample the strokes of each style at equal steps."""
    rows, strokes = [], []
    for paths in map(Style.trace, styles):
        points = np.concatenate(paths)[:, ::-1]
        stroke = np.repeat(np.arange(len(paths)), [len(path) for path in paths])
        steps = np.hypot(*np.diff(points, axis=0).T) * (np.diff(stroke) == 0)
        along = np.r_[0, np.cumsum(steps)]
        chosen = np.searchsorted(along, np.linspace(0, along[-1], PATH_POINTS))
        rows.append(points[chosen])
        strokes.append(stroke[chosen])
    points = np.stack(rows).astype(np.float32)
    size = np.ptp(points, axis=1).clip(1e-3)
    box = (points - points.min(axis=1, keepdims=True)) / size[:, None]
    return PenPaths(box, size[:, 1] / size[:, 0], np.stack(strokes).astype(np.int16))
