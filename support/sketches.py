"""Sketches of each digit, drawn from code."""

import cv2
import numpy as np

# One way to draw each digit: strokes of points in a square from (0, 0) to (1, 1), y downwards.
STROKES = {
    0: [[(0.5, 0), (0.15, 0.2), (0.1, 0.7), (0.5, 1), (0.88, 0.7), (0.85, 0.2), (0.5, 0)]],
    1: [[(0.25, 0.25), (0.55, 0), (0.55, 1)]],
    2: [[(0.1, 0.25), (0.4, 0), (0.8, 0.15), (0.75, 0.45), (0.1, 1), (0.9, 1)]],
    3: [[(0.1, 0.1), (0.5, 0), (0.8, 0.2), (0.4, 0.47), (0.85, 0.7), (0.5, 1), (0.1, 0.9)]],
    4: [[(0.45, 0), (0.05, 0.65), (0.95, 0.65)], [(0.7, 0.3), (0.7, 1)]],
    5: [[(0.85, 0), (0.25, 0), (0.2, 0.45), (0.6, 0.4), (0.85, 0.7), (0.55, 1), (0.1, 0.9)]],
    6: [[(0.7, 0), (0.25, 0.4), (0.15, 0.75), (0.45, 1), (0.8, 0.75), (0.5, 0.5), (0.2, 0.7)]],
    7: [[(0.1, 0.05), (0.9, 0.05), (0.4, 1)]],
    8: [
        [(0.5, 0.45), (0.2, 0.22), (0.5, 0), (0.8, 0.22), (0.5, 0.45), (0.15, 0.75), (0.5, 1)]
        + [(0.85, 0.75), (0.5, 0.45)]
    ],
    9: [[(0.8, 0.2), (0.45, 0), (0.15, 0.25), (0.45, 0.5), (0.8, 0.2), (0.75, 0.6), (0.6, 1)]],
}


def sketch(digit: int, size=280, extent=170, at=(0, 0), brush=22) -> np.ndarray:
    """Draw a digit: (size, size) uint8, black on white, moved by `at` px from the middle."""
    scale = 4  # drawn larger and reduced, for soft edges
    paper = np.full((size * scale, size * scale), 255, np.uint8)
    corner = (size - extent) / 2 + np.array(at)
    for stroke in STROKES[digit]:
        points = ((np.array(stroke) * extent + corner) * scale).astype(np.int32)
        cv2.polylines(paper, [points], False, 0, round(brush * scale), cv2.LINE_AA)
        for point in points:
            cv2.circle(paper, point.tolist(), round(brush * scale / 2), 0, -1, cv2.LINE_AA)
    return cv2.resize(paper, (size, size), interpolation=cv2.INTER_AREA)
