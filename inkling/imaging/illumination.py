"""The light on a picture is divided out: what is left is how dark each place of the paper is."""

import cv2
import numpy as np

GRAIN = 5  # px, median that takes away a camera's grain: its bright grains would count as paper
WIDEST = 0.18  # of the picture: no stroke is wider, and a shadow seldom narrower
DARKEST = 1 / 255  # brightness of paper below which there is nothing to divide by


def evenly_lit(light: np.ndarray) -> np.ndarray:
    """Return brightness (H, W), 0 to 1, as if the paper were lit evenly: paper 1, dark ink less.

    A closing fills whatever is narrower than `WIDEST` with the paper around it and keeps the edges
    of all that is wider, so that the edge of a shadow stays where it is, however hard.
    """
    side = round(WIDEST * max(light.shape)) | 1
    square = np.ones((side, side), np.uint8)
    smooth = cv2.medianBlur(light.astype(np.float32), GRAIN)
    paper = cv2.morphologyEx(smooth, cv2.MORPH_CLOSE, square)
    return np.clip(light / np.maximum(paper, DARKEST), 0, 1).astype(np.float32)
