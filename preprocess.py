"""Any picture becomes glyphs: each one's ink, framed as MNIST frames its digits, and its box.

The frame is that of MNIST's makers, as reconstructed by Bottou for QMNIST: the ink's box, reduced
by area until its longest side is 20 px, greys kept, and moved by whole pixels until the centre of
mass is in the middle of 28 x 28.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

FRAME, DIGIT = 28, 20  # px, sides of the frame and of the digit in it
WORK_SIDE = 1024  # px: larger pictures are reduced to this before anything else
EVEN = 0.04  # darkness: ink under transparent paper of one colour varies less than this
MIN_CONTRAST = 0.08  # of white to black: fainter ink is not told from paper
MIN_CONTRAST_TO_NOISE = 6.0  # a blank sheet with grain stays below this
NOISE_FLOOR = 4.0  # standard deviations of the paper's grain that count as paper
EDGE = 0.03  # ink above this belongs to the box
SPECK = 0.02  # of all ink's area: smaller spots are dust
# Stroke widths in the frame, px. MNIST's run from 1.4 (1 %) to 4.6 (99 %), median 2.4; a thin pen
# on a large pad comes out at 0.5, a grey whisper, unless it is thickened before it is reduced.
MIN_STROKE, THIN_STROKE_BECOMES = 1.5, 2.0


@dataclass(frozen=True)
class Glyph:
    """One reading unit: its ink and where it stands in the picture."""

    ink: np.ndarray  # (28, 28) float32, 0 = paper, 1 = ink
    box: tuple[int, int, int, int]  # left, top, right, bottom in px; right and bottom are outside


def find_glyphs(picture: Image.Image, full_size: tuple[int, int] | None = None) -> list[Glyph]:
    """Find the ink in a picture of any mode and size; nothing drawn gives an empty list.

    `full_size` (width, height) says in which pixels boxes are given: those of the file, if
    `picture` was decoded at a fraction of it.
    """
    ink = find_ink(brightness(picture))
    if ink is None:
        return []
    top, bottom = np.flatnonzero((ink > EDGE).any(axis=1))[[0, -1]] + (0, 1)
    left, right = np.flatnonzero((ink > EDGE).any(axis=0))[[0, -1]] + (0, 1)
    width, height = full_size or picture.size
    unit = np.array([width / ink.shape[1], height / ink.shape[0]] * 2)
    box = np.rint(np.array([left, top, right, bottom]) * unit).astype(int)
    return [Glyph(frame(ink[top:bottom, left:right]), tuple(box.tolist()))]


def brightness(picture: Image.Image) -> np.ndarray:
    """Return the picture as brightness (H, W), float32, 0 = black, 1 = white.

    The longest side is reduced to `WORK_SIDE`; transparent places take a colour that the ink stands
    out from.
    """
    scale = min(1.0, WORK_SIDE / max(picture.size))
    size = tuple(max(1, round(side * scale)) for side in picture.size)
    if picture.mode in ("I", "F") or picture.mode.startswith("I;"):  # more than 8 bits a pixel
        values = np.nan_to_num(np.asarray(picture, np.float32), posinf=0, neginf=0)
        low, high = float(values.min()), float(values.max())
        if picture.mode != "F":
            low, high = min(0.0, low), 65535.0 if high > 255 else 255.0
        grey = (values - low) / max(high - low, 1e-6)
        return cv2.resize(grey, size, interpolation=cv2.INTER_AREA).clip(0, 1)
    if not picture.has_transparency_data:
        grey = np.asarray(picture.convert("L"))
        return cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    layers = np.asarray(picture.convert("LA").convert("La"))  # brightness times alpha, alpha
    layers = cv2.resize(layers, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    shade, alpha = layers[..., 0], layers[..., 1]
    if not alpha.any():
        return np.ones_like(alpha)
    solid = alpha > 0.5
    colour = shade[solid] / alpha[solid]
    if not solid.any() or colour.std() < EVEN:  # the shape is in the alpha, whatever the colour is
        return 1 - alpha
    return shade + (1 - alpha) * np.median(colour)  # a sheet of paper with clear surroundings


def find_ink(light: np.ndarray) -> np.ndarray | None:
    """Tell ink from paper by brightness (H, W): ink of the same shape, or None if there is none.

    Dark ink on light paper and light on dark both give 0 = paper, 1 = ink. The threshold is
    Otsu's; the paper is the side that most of the picture's border lies on.
    """
    bytes_ = (light * 255).round().astype(np.uint8)
    threshold, bright = cv2.threshold(bytes_, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    bright = bright.astype(bool)
    if bright.all() or not bright.any():
        return None
    border = np.concatenate([bright[0], bright[-1], bright[1:-1, 0], bright[1:-1, -1]])
    share = border.mean()
    paper_is_bright = bright.mean() > 0.5 if 0.35 < share < 0.65 else share > 0.5
    mask = bright != paper_is_bright
    paper = float(np.median(light[~mask]))
    depth = (paper - light) if paper_is_bright else (light - paper)
    strong = float(np.percentile(depth[mask], 98))
    noise = 1.4826 * float(np.median(np.abs(depth[~mask])))  # of a normal grain
    if strong < max(MIN_CONTRAST, MIN_CONTRAST_TO_NOISE * noise):
        return None
    floor = NOISE_FLOOR * noise
    ink = np.clip((depth - floor) / (strong - floor), 0, 1).astype(np.float32)
    kept = drop_specks(mask)
    near = cv2.dilate(kept, np.ones((5, 5), np.uint8))  # soft edges lie around the strokes
    ink *= near
    return ink if (ink > EDGE).any() else None


def drop_specks(mask: np.ndarray) -> np.ndarray:
    """Return the mask (H, W) as uint8 without the spots that are tiny beside all the rest."""
    mask = mask.astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count == 2:  # the paper and one stroke
        return mask
    area = stats[:, cv2.CC_STAT_AREA]
    keep = area >= min(SPECK * area[1:].sum(), area[1:].max())  # of dots alone, the largest stay
    keep[0] = False  # the paper
    return keep[labels].astype(np.uint8)


def frame(ink: np.ndarray) -> np.ndarray:
    """Frame the ink of one glyph, (H, W) float32, as MNIST does: (28, 28) float32.

    Source: `making_qmnist/xnist.lsh` in the QMNIST repository (Yadav and Bottou, 2019). Ours adds
    that strokes thinner than MNIST's are thickened first.
    """
    ink = thicken(ink)
    height, width = ink.shape
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    square = cv2.copyMakeBorder(
        ink, top, side - height - top, left, side - width - left, cv2.BORDER_CONSTANT, value=0
    )
    method = cv2.INTER_AREA if side >= DIGIT else cv2.INTER_LINEAR
    small = cv2.resize(square, (DIGIT, DIGIT), interpolation=method)
    small /= small.max()
    centres = np.arange(DIGIT) + 0.5
    middle = np.array([small.sum(axis=1), small.sum(axis=0)]) @ centres / small.sum()
    corner = np.floor(FRAME / 2 + 1 - middle).astype(int).clip(0, FRAME - DIGIT)
    framed = np.zeros((FRAME, FRAME), np.float32)
    framed[corner[0] : corner[0] + DIGIT, corner[1] : corner[1] + DIGIT] = small
    return framed


def thicken(ink: np.ndarray) -> np.ndarray:
    """Widen strokes that the frame would make thinner than MNIST's; others stay as they are."""
    mask = (ink > 0.5).astype(np.uint8)
    if not mask.any():
        return ink
    distance = cv2.distanceTransform(cv2.copyMakeBorder(mask, 1, 1, 1, 1, 0), cv2.DIST_L2, 3)
    stroke = 4 * (float(distance.sum()) / float(mask.sum()) - 0.5)  # px: mean distance = width / 4
    unit = max(ink.shape) / DIGIT  # px of the picture in one px of the frame
    reach = round((THIN_STROKE_BECOMES * unit - stroke) / 2)
    if stroke >= MIN_STROKE * unit or reach < 1:
        return ink
    pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    ink = cv2.copyMakeBorder(ink, reach, reach, reach, reach, cv2.BORDER_CONSTANT, value=0)
    return cv2.dilate(ink, pen)
