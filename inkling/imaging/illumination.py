"""Uneven light and shadows are told from ink, and evened out."""

import cv2
import numpy as np

SMALLEST_PHOTO = 64  # px: smaller pictures have been reduced by others
SHADOW = 0.8  # of the ink's depth: the most that a shadow has
UNEVEN = 0.25  # of the contrast: paper that varies more than this lies in uneven light
WIDEST_STROKE = 0.16  # of the picture: what is thinner is ink, what is thicker a shadow
# How the light on the paper is estimated.
LIGHT_SIDE = 512  # px: the light on the paper is estimated at this size
LIGHT_BLUR = 1.0  # px of that size
LIGHT_WINDOW = 0.4  # of the picture: wider than a digit's strokes stand close together
DARKEST = 0.15  # of white: in darker places ink is not measured as a share of the light


def is_uneven(depth: np.ndarray, mask: np.ndarray, strong: float) -> bool:
    """Tell whether the paper, away from the ink, varies much, or some of the ink is a shadow.

    A shadow is wider than strokes, and not as deep as ink, or it runs over the picture's edge.
    """
    if min(depth.shape) < SMALLEST_PHOTO:  # too small to have paper away from the ink
        return False
    wide = round(WIDEST_STROKE * max(mask.shape) / 4) | 1
    blots = cv2.erode(mask[::4, ::4], np.ones((wide, wide), np.uint8)) > 0
    if blots.any():
        edge = np.concatenate([blots[0], blots[-1], blots[:, 0], blots[:, -1]])
        if edge.any() or np.median(depth[::4, ::4][blots]) < SHADOW * strong:
            return True
    away = cv2.dilate(mask, np.ones((9, 9), np.uint8))[::4, ::4] == 0
    paper = cv2.blur(depth, (5, 5))[::4, ::4][away]
    if len(paper) < 0.05 * away.size:
        return False
    low, high = np.percentile(paper, (2, 98))
    return bool(high - low > UNEVEN * strong)


def against_paper(light: np.ndarray, dark: bool | None) -> tuple[np.ndarray, bool]:
    """Return how far each place is from the paper around it, and whether the ink is the darker.

    The paper's light is what is left when strokes are closed, which keeps the edges of shadows.
    Dark ink is measured as a share of that light, as shadows are; light ink as a difference.
    """
    scale = min(1.0, LIGHT_SIDE / max(light.shape))
    small = cv2.resize(light, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), LIGHT_BLUR)
    dark = ink_is_dark(small) if dark is None else dark
    stroke = round(WIDEST_STROKE * max(small.shape)) | 1
    beyond = [min(stroke, side - 1) for side in small.shape]  # light falls off beyond the edge too
    wide = np.pad(small, [(b, b) for b in beyond], "reflect", reflect_type="odd")
    way = cv2.MORPH_CLOSE if dark else cv2.MORPH_OPEN
    paper = cv2.morphologyEx(wide, way, np.ones((stroke, stroke), np.uint8))
    paper = paper[beyond[0] : -beyond[0], beyond[1] : -beyond[1]]
    paper = cv2.resize(paper, light.shape[::-1], interpolation=cv2.INTER_LINEAR)
    depth = (paper - light) / paper.clip(DARKEST) if dark else light - paper
    return depth - float(np.median(depth)), dark


def ink_is_dark(light: np.ndarray) -> bool:
    """Tell whether more stands out from wide surroundings by being darker than by being lighter."""
    small = cv2.resize(light, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    window = round(LIGHT_WINDOW * max(small.shape)) | 1
    paper = cv2.medianBlur((small * 255).round().astype(np.uint8), window) / np.float32(255)
    off = small / paper.clip(0.02) - 1
    noise = 1.4826 * float(np.median(np.abs(off))) + 0.01
    darker = float(np.square(off[off < -6 * noise]).sum())
    lighter = float(np.square((small - paper)[off > 6 * noise]).sum())
    return darker >= lighter
