"""Remove uneven illumination by flat-field correction: divide gray by the paper's gray."""

import cv2
import numpy as np

MEDIAN_SIDE_PX = 5  # px: removes a camera's bright grains, which would count as paper
CLOSING_SIDE_SHARE = 0.18  # of the picture: no stroke is wider, and few shadows are narrower
MIN_PAPER_GRAY = 1 / 255  # avoids a division by zero


def flatten_illumination(gray: np.ndarray) -> np.ndarray:
    """Return gray (H, W), 0 to 1, as in even light: paper 1, dark ink less.

    A closing estimates the paper, with the edges of areas wider than `CLOSING_SIDE_SHARE`.
    """
    side = round(CLOSING_SIDE_SHARE * max(gray.shape)) | 1
    smooth = cv2.medianBlur(gray.astype(np.float32), MEDIAN_SIDE_PX)
    paper = cv2.morphologyEx(smooth, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    return np.clip(gray / np.maximum(paper, MIN_PAPER_GRAY), 0, 1).astype(np.float32)
