"""Drawn digits: random variations of pen paths, framed and degraded like pictures."""

from collections.abc import Iterable, Iterator

import cv2
import numpy as np
import torch

from data.drawing.handwriting_fonts import select_digit_paths
from data.drawing.pen_slips import add_slips
from data.drawing.pen_strokes import STROKE_STYLES, Style
from data.drawing.pen_variation import draw_strokes, vary
from inkling.datasets.mnist import Digits
from inkling.imaging.mnist_frame import FRAME, crop_to_ink, frame_glyph

Seed = int | tuple[int, ...]
HELD_OUT_SEED = 2**32  # of drawings that no training uses
FONT_SHARE = 0.5  # of the digits: in styles of handwriting fonts, the others in our own
# Degradation of drawings as in scans and photographs.
JAGGED_SHARE, JAGGED_SIDES_PX = 0.1, (12, 40)  # drawings on canvases of few pixels
SQUARED_SHARE = 0.25  # of these are stretched to a square, as by old scanners
JAGGED_THRESHOLDS = (0.15, 0.5)  # of the darkest ink: darker pixels are black
SHARP_SHARE = 0.8  # of the others are unchanged
BLURRED_SIDES_PX = (14, 60)  # longest side of the rest
BLUR_SDS_PX = (0.3, 1.1)
GAINS = (1, 1.6)  # of the darkest ink: overexposure


def generate_drawings(
    count: int, seed: Seed, pen: float | None = None
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Yield index, digit and ink (H, W) of `count` drawings; the digit is the index modulo 10."""
    rng = np.random.default_rng(seed)
    for digit, styles in STROKE_STYLES.items():
        own, fonts = list(styles.values()), rng.permutation(select_digit_paths()[digit])
        indices = rng.permutation(np.arange(digit, count, 10))
        of_own, of_fonts = np.split(indices, [round(len(indices) * (1 - FONT_SHARE))])
        groups = [*np.array_split(of_own, len(own)), *np.array_split(of_fonts, len(fonts))]
        for path, group in zip([*own, *fonts.tolist()], groups, strict=True):
            varied = vary(Style(path), len(group), rng) if len(group) else []
            for k, index in enumerate(group):
                strokes = add_slips([paths[k] for paths in varied], rng)
                yield index, digit, draw_strokes(strokes, rng, pen)


def degrade_scan(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return ink (H, W) as in a picture: often small, slightly blurred or overexposed."""
    if rng.random() < JAGGED_SHARE:
        return binarize_coarsely(ink, rng)
    if rng.random() < SHARP_SHARE:
        return ink
    border = 3
    size = reduce_size(ink, rng.uniform(*BLURRED_SIDES_PX))
    ink = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
    ink = cv2.copyMakeBorder(ink, border, border, border, border, cv2.BORDER_CONSTANT, value=0)
    ink = cv2.GaussianBlur(ink, (0, 0), rng.uniform(*BLUR_SDS_PX))
    ink = (ink * rng.uniform(*GAINS) / ink.max()).clip(0, 1)
    return crop_to_ink(ink)


def binarize_coarsely(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return ink (H, W) as on a canvas of few pixels, each of them black or white."""
    size = reduce_size(ink, rng.uniform(*JAGGED_SIDES_PX))
    if rng.random() < SQUARED_SHARE:
        size = max(size), max(size)
    small = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
    threshold = rng.uniform(*JAGGED_THRESHOLDS) * small.max()
    return crop_to_ink((small > threshold).astype(np.float32))


def reduce_size(ink: np.ndarray, longest_px: float) -> tuple[int, int]:
    """Return the width and height of ink (H, W), reduced to this longest side in px."""
    shrink = min(1, longest_px / max(ink.shape))
    return max(2, round(ink.shape[1] * shrink)), max(2, round(ink.shape[0] * shrink))


def frame_all(drawings: Iterable[np.ndarray]) -> torch.Tensor:
    """Return framed drawings: ink (N, 1, 28, 28)."""
    return torch.from_numpy(np.stack([frame_glyph(ink) for ink in drawings]))[:, None]


def draw_digits(count: int, seed: Seed) -> Digits:
    """Draw, degrade and frame `count` digits."""
    ink = torch.empty(count, 1, FRAME, FRAME)
    rng = np.random.default_rng(seed)
    for index, _, drawing in generate_drawings(count, seed):
        ink[index, 0] = torch.from_numpy(frame_glyph(degrade_scan(drawing, rng)))
    return Digits(ink, torch.arange(count) % 10)
