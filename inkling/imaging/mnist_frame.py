"""Crop, thicken and frame the ink of one glyph as MNIST frames its digits.

The frame is that of MNIST's makers, as reconstructed by Bottou for QMNIST. The ink's box is reduced
by area until its longest side is 20 px; greys are kept. It is moved by whole pixels until its
centre of mass is in the middle of 28 x 28.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np

FRAME, DIGIT = 28, 20  # px, sides of the frame and of the digit in it
# Stroke widths in the frame, px. MNIST's are 1.4 (1 %) to 4.6 (99 %), median 2.4. A thin pen on a
# large pad gives 0.5, a pale gray, unless it is thickened before the reduction.
MIN_STROKE_PX, THICKENED_STROKE_PX = 1.5, 2.0
BOX_INK_THRESHOLD = 0.03  # ink above this belongs to the box
MAX_DILATION_PX = 8  # px of the picture: `cv2.dilate` costs grow with the kernel's area


@dataclass(frozen=True)
class Glyph:
    """One symbol of a picture: its framed ink and its place."""

    ink: np.ndarray = field(repr=False)  # (28, 28) float32, 0 = paper, 1 = ink
    box: tuple[int, int, int, int]  # left, top, right, bottom in px; right and bottom are outside
    thickened: bool = False  # whether its strokes were too thin for the frame
    line_probs: tuple[float, ...] = ()  # of ten digits and none, by the line network
    line: int = 0  # index of its line in the picture


def find_ink_box(ink: np.ndarray) -> tuple[int, int, int, int] | None:
    """Return left, top, right, bottom of the ink in a picture (H, W), px; None if it is blank."""
    left, top, width, height = cv2.boundingRect((ink > BOX_INK_THRESHOLD).astype(np.uint8))
    return (left, top, left + width, top + height) if width else None


def crop_to_ink(ink: np.ndarray) -> np.ndarray:
    """Return the part of (H, W) that has ink; raises `ValueError` if it is blank."""
    box = find_ink_box(ink)
    if box is None:
        raise ValueError("there is no ink to crop to")
    left, top, right, bottom = box
    return ink[top:bottom, left:right]


def frame_glyph(ink: np.ndarray) -> np.ndarray:
    """Frame the ink of one glyph, (H, W) float32, thin strokes thickened: (28, 28) float32."""
    return fit_to_frame(thicken(ink))


def fit_to_frame(ink: np.ndarray) -> np.ndarray:
    """Frame ink (H, W) float32 exactly as MNIST does: (28, 28) float32.

    Source: `making_qmnist/xnist.lsh` in the QMNIST repository (Yadav and Bottou, 2019).
    """
    height, width = ink.shape
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    square = cv2.copyMakeBorder(
        ink, top, side - height - top, left, side - width - left, cv2.BORDER_CONSTANT, value=0
    )
    method = cv2.INTER_AREA if side >= DIGIT else cv2.INTER_LINEAR
    small = cv2.resize(square, (DIGIT, DIGIT), interpolation=method)
    small = small / small.max()
    centres = np.arange(DIGIT) + 0.5
    middle = np.array([small.sum(axis=1), small.sum(axis=0)]) @ centres / small.sum()
    top, left = np.floor(FRAME / 2 + 1 - middle).astype(int).clip(0, FRAME - DIGIT)
    picture = np.zeros((FRAME, FRAME), np.float32)
    picture[top : top + DIGIT, left : left + DIGIT] = small
    return picture


def thicken(ink: np.ndarray, size: int | None = None) -> np.ndarray:
    """Widen strokes that are thinner than MNIST's where the longest side, `size` px, is 20 px."""
    mask = (ink > 0.5).astype(np.uint8)
    if not mask.any():
        return ink
    distance = cv2.distanceTransform(cv2.copyMakeBorder(mask, 1, 1, 1, 1, 0), cv2.DIST_L2, 3)
    stroke = 4 * (float(distance.sum()) / float(mask.sum()) - 0.5)  # px: mean distance = width / 4
    unit = (size or max(ink.shape)) / DIGIT  # px of the picture in one px of the frame
    reach = round((THICKENED_STROKE_PX * unit - stroke) / 2)
    if stroke >= MIN_STROKE_PX * unit or reach < 1:
        return ink
    ink = cv2.copyMakeBorder(ink, reach, reach, reach, reach, cv2.BORDER_CONSTANT, value=0)
    if reach > MAX_DILATION_PX:
        distance = cv2.distanceTransform((ink <= 0.5).astype(np.uint8), cv2.DIST_L2, 5)
        return np.maximum(ink, (distance <= reach).astype(np.float32))
    pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return cv2.dilate(ink, pen)


def remove_splinters(ink: np.ndarray) -> np.ndarray:
    """Return the ink without the small components that a cut left behind."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((ink > 0.3).astype(np.uint8))
    if count <= 2:
        return ink
    areas = stats[1:, cv2.CC_STAT_AREA]
    small = np.r_[False, areas < 0.12 * areas.max()]
    return np.where(cv2.dilate(small[labels].astype(np.uint8), np.ones((3, 3))) > 0, 0, ink)
