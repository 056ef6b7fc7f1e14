"""Blank sheets of paper of twelve kinds."""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont

Shape = tuple[int, int]  # height and width, px
FORM_WORDS = ["Name", "Date", "of", "birth", "Postal", "code", "Amount", "Signature"]
FORM_WORDS += ["Please", "use", "capital", "letters", "Branch"]


def pixel_grid(shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """Return y and x of each pixel."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    return y.astype(np.float32), x.astype(np.float32)


def smooth_noise(shape: Shape, grain_px: float, rng: np.random.Generator) -> np.ndarray:
    """Return Gaussian noise (H, W), smoothed to a grain size, of standard deviation 1."""
    noise = rng.normal(0, 1, shape).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), grain_px)
    return noise / max(float(noise.std()), 1e-6)


def draw_plain(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Return a sheet of one brightness."""
    return np.full(shape, rng.uniform(120, 255), np.float32)


def draw_grainy(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Return a sheet with a camera's noise in dim light."""
    return draw_plain(shape, rng) + rng.normal(0, rng.uniform(2, 15), shape)


def draw_mottled(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Return recycled paper."""
    return draw_plain(shape, rng) + rng.uniform(3, 12) * smooth_noise(shape, rng.uniform(1, 5), rng)


def draw_folded(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Return a sheet with two folds, each with a light and a dark side."""
    y, x = pixel_grid(shape)
    fold = rng.uniform(0.3, 0.7, 2) * shape
    sheet = draw_plain(shape, rng)
    for off in ((y - fold[0]), (x - fold[1])):
        sheet += rng.uniform(8, 30) * np.tanh(off / 3) * np.exp(-np.abs(off) / rng.uniform(4, 40))
    return sheet


def draw_crumpled(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Return a sheet that was crumpled and smoothed."""
    heights = smooth_noise(shape, rng.uniform(8, 20), rng)
    slopes = cv2.Sobel(heights, cv2.CV_32F, 1, 1, ksize=5)
    return draw_plain(shape, rng) + rng.uniform(150, 500) * slopes / 48


def draw_shadowed(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Return a sheet in a round shadow."""
    y, x = pixel_grid(shape)
    middle = rng.uniform(0, 1, 2) * shape
    away = np.hypot(y - middle[0], x - middle[1]) / max(shape) - rng.uniform(0.1, 0.4)
    dark = 1 / (1 + np.exp(away * rng.uniform(10, 120)))
    return draw_plain(shape, rng) * (1 - rng.uniform(0.2, 0.6) * dark)


def draw_lamplit(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Return a sheet with a lamp at one side."""
    y, x = pixel_grid(shape)
    angle = rng.uniform(0, 2 * np.pi)
    fall = x / shape[1] * np.cos(angle) + y / shape[0] * np.sin(angle)
    return draw_plain(shape, rng) * (1 - rng.uniform(0.3, 0.7) * (fall - fall.min()) / np.ptp(fall))


def draw_ruled(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Return ruled paper."""
    sheet, pitch = draw_plain(shape, rng), rng.uniform(20, 60)
    for y in np.arange(rng.uniform(0, pitch), shape[0], pitch):
        ends = (0, round(y)), (shape[1], round(y + rng.uniform(-2, 2)))
        cv2.line(sheet, *ends, rng.uniform(40, 110), int(rng.integers(1, 3)), cv2.LINE_AA)
    return sheet


def draw_squared(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Return squared paper."""
    sheet = draw_ruled(shape, rng)
    across = draw_ruled(shape[::-1], rng).T
    return np.minimum(sheet, across + sheet.max() - across.max())


def draw_waves(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Return a cheque's guilloche: two families of fine waves."""
    y, x = pixel_grid(shape)
    sheet = rng.uniform(170, 235) + np.zeros(shape, np.float32)
    for angle in rng.uniform(0, np.pi, 2):
        u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        wave = v + rng.uniform(1, 4) * np.sin(u / rng.uniform(5, 20))
        sheet -= rng.uniform(8, 35) * (np.cos(2 * np.pi * wave / rng.uniform(4, 9)) > 0.4)
    return cv2.GaussianBlur(sheet, (0, 0), 0.7)


def draw_form(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Return a form: words above empty boxes."""
    sheet = Image.fromarray(np.full(shape, rng.uniform(225, 255)).astype(np.uint8))
    pen, size = ImageDraw.Draw(sheet), int(rng.integers(9, 14))
    height = round(rng.uniform(2.5, 5) * size)
    for y in range(int(rng.integers(2, height)), shape[0], height + 2 * size):
        for x in range(int(rng.integers(2, 40)), shape[1], 10 * size):
            word, dark = str(rng.choice(FORM_WORDS)), int(rng.integers(0, 90))
            pen.text((x, y - size - 2), word, dark, load_font(size))
            box = (x, y, x + 8 * size, y + height - size)
            pen.rectangle(box, outline=int(rng.integers(40, 120)))
    return np.asarray(sheet, np.float32)


def draw_dirty(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Return a sheet with specks, and the rim of a stain."""
    sheet = draw_plain(shape, rng)
    for _ in range(rng.integers(5, 40)):
        at = [int(rng.integers(0, side)) for side in shape[::-1]]
        cv2.circle(sheet, at, int(rng.integers(0, 2)), rng.uniform(60, 160), -1, cv2.LINE_AA)
    stain = np.abs(smooth_noise(shape, min(shape) / 6, rng)) < 0.05
    return sheet - rng.uniform(5, 25) * cv2.GaussianBlur(stain.astype(np.float32), (0, 0), 2)


PAPERS = {
    **{"plain": draw_plain, "grainy": draw_grainy, "mottled": draw_mottled},
    **{"folded": draw_folded, "crumpled": draw_crumpled, "shadowed": draw_shadowed},
    **{"lamplit": draw_lamplit, "ruled": draw_ruled, "squared": draw_squared},
    **{"waves": draw_waves, "form": draw_form, "dirty": draw_dirty},
}


def draw_box(
    paper: np.ndarray, ink: np.ndarray, height: float, scale: int, rng: np.random.Generator
) -> None:
    """Print a box around ink of a height, with a word above it and one before it."""
    left, top, w, h = cv2.boundingRect((ink > 0.3).astype(np.uint8))
    margin = round(rng.uniform(0.12, 0.3) * height)
    corner, color = (left - margin, top - margin), (rng.uniform(20, 120),) * 3
    thickness = scale * int(rng.integers(1, 3))
    cv2.rectangle(paper, corner, (left + w + margin, top + h + margin), color, thickness)
    sheet = Image.fromarray(paper.astype(np.uint8))
    pen, size = ImageDraw.Draw(sheet), round(rng.uniform(0.2, 0.35) * height)
    above, before = rng.choice(FORM_WORDS, 2).tolist()
    font, fill = load_font(size), (round(color[0]),) * 3
    pen.text((corner[0], corner[1] - 1.4 * size), above, fill, font)
    at = corner[0] - font.getlength(before) - 0.3 * size, top + h / 2
    pen.text(at, before, fill, font)
    paper[:] = np.asarray(sheet)


@cache
def load_font(size_px: int) -> ImageFont.FreeTypeFont:
    """Return a font for print."""
    return ImageFont.truetype(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size_px)
