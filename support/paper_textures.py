"""Sheets of paper of twelve kinds, with nothing written on them."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont

WORDS = ["Name", "Date", "of", "birth", "Postal", "code", "Amount", "Signature"]
WORDS += ["Please", "use", "capital", "letters", "Branch"]


def places(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return y and x of each pixel of a (height, width), px."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    return y.astype(np.float32), x.astype(np.float32)


def clouds(shape: tuple[int, int], size: float, rng: np.random.Generator) -> np.ndarray:
    """Return smooth chance (H, W) of standard deviation 1, whose grain has this size, px."""
    noise = rng.normal(0, 1, shape).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), size)
    return noise / max(float(noise.std()), 1e-6)


def plain(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return a spotless sheet."""
    return np.full(shape, rng.uniform(120, 255), np.float32)


def grainy(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return a sheet as a camera sees it in bad light."""
    return plain(shape, rng) + rng.normal(0, rng.uniform(2, 15), shape)


def mottled(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return recycled paper."""
    return plain(shape, rng) + rng.uniform(3, 12) * clouds(shape, rng.uniform(1, 5), rng)


def folded(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return a sheet with two folds, each with a lit and a dark side."""
    y, x = places(shape)
    fold = rng.uniform(0.3, 0.7, 2) * shape
    sheet = plain(shape, rng)
    for off in ((y - fold[0]), (x - fold[1])):
        sheet += rng.uniform(8, 30) * np.tanh(off / 3) * np.exp(-np.abs(off) / rng.uniform(4, 40))
    return sheet


def crumpled(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return a sheet that was crumpled and smoothed again."""
    heights = clouds(shape, rng.uniform(8, 20), rng)
    slopes = cv2.Sobel(heights, cv2.CV_32F, 1, 1, ksize=5)
    return plain(shape, rng) + rng.uniform(150, 500) * slopes / 48


def shadowed(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return a sheet on which a hand's shadow lies."""
    y, x = places(shape)
    middle = rng.uniform(0, 1, 2) * shape
    away = np.hypot(y - middle[0], x - middle[1]) / max(shape) - rng.uniform(0.1, 0.4)
    dark = 1 / (1 + np.exp(away * rng.uniform(10, 120)))
    return plain(shape, rng) * (1 - rng.uniform(0.2, 0.6) * dark)


def lamplit(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return a sheet with a lamp at one side."""
    y, x = places(shape)
    toward = rng.uniform(0, 2 * np.pi)
    light = x / shape[1] * np.cos(toward) + y / shape[0] * np.sin(toward)
    return plain(shape, rng) * (1 - rng.uniform(0.3, 0.7) * (light - light.min()) / np.ptp(light))


def ruled(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return ruled paper."""
    sheet, pitch = plain(shape, rng), rng.uniform(20, 60)
    for y in np.arange(rng.uniform(0, pitch), shape[0], pitch):
        ends = (0, round(y)), (shape[1], round(y + rng.uniform(-2, 2)))
        cv2.line(sheet, *ends, rng.uniform(40, 110), int(rng.integers(1, 3)), cv2.LINE_AA)
    return sheet


def squared(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return squared paper."""
    sheet = ruled(shape, rng)
    across = ruled(shape[::-1], rng).T
    return np.minimum(sheet, across + sheet.max() - across.max())


def waves(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return a cheque's paper: two families of fine waves."""
    y, x = places(shape)
    sheet = rng.uniform(170, 235) + np.zeros(shape, np.float32)
    for turn in rng.uniform(0, np.pi, 2):
        u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
        wave = v + rng.uniform(1, 4) * np.sin(u / rng.uniform(5, 20))
        sheet -= rng.uniform(8, 35) * (np.cos(2 * np.pi * wave / rng.uniform(4, 9)) > 0.4)
    return cv2.GaussianBlur(sheet, (0, 0), 0.7)


def form(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return a form: words above empty boxes."""
    sheet = Image.fromarray(np.full(shape, rng.uniform(225, 255)).astype(np.uint8))
    pen, size = ImageDraw.Draw(sheet), int(rng.integers(9, 14))
    height = round(rng.uniform(2.5, 5) * size)
    for y in range(int(rng.integers(2, height)), shape[0], height + 2 * size):
        for x in range(int(rng.integers(2, 40)), shape[1], 10 * size):
            word, dark = str(rng.choice(WORDS)), int(rng.integers(0, 90))
            pen.text((x, y - size - 2), word, dark, type_of(size))
            box = (x, y, x + 8 * size, y + height - size)
            pen.rectangle(box, outline=int(rng.integers(40, 120)))
    return np.asarray(sheet, np.float32)


def draw_box(
    paper: np.ndarray, ink: np.ndarray, height: float, scale: int, rng: np.random.Generator
) -> None:
    """Print a box around ink of a height, with a word above it and one before it."""
    left, top, w, h = cv2.boundingRect((ink > 0.3).astype(np.uint8))
    margin = round(rng.uniform(0.12, 0.3) * height)
    corner, colour = (left - margin, top - margin), (rng.uniform(20, 120),) * 3
    thick = scale * int(rng.integers(1, 3))
    cv2.rectangle(paper, corner, (left + w + margin, top + h + margin), colour, thick)
    print_on = Image.fromarray(paper.astype(np.uint8))
    pen, size = ImageDraw.Draw(print_on), round(rng.uniform(0.2, 0.35) * height)
    above, before = rng.choice(WORDS, 2).tolist()
    font, fill = type_of(size), (round(colour[0]),) * 3
    pen.text((corner[0], corner[1] - 1.4 * size), above, fill, font)
    at = corner[0] - font.getlength(before) - 0.3 * size, top + h / 2
    pen.text(at, before, fill, font)
    paper[:] = np.asarray(print_on)


@cache
def type_of(size: int) -> ImageFont.FreeTypeFont:
    """Return a font for print, of a size in px."""
    return ImageFont.truetype(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)


def dirty(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return a sheet with specks, and the ring of a cup."""
    sheet = plain(shape, rng)
    for _ in range(rng.integers(5, 40)):
        at = [int(rng.integers(0, side)) for side in shape[::-1]]
        cv2.circle(sheet, at, int(rng.integers(0, 2)), rng.uniform(60, 160), -1, cv2.LINE_AA)
    stain = np.abs(clouds(shape, min(shape) / 6, rng)) < 0.05
    return sheet - rng.uniform(5, 25) * cv2.GaussianBlur(stain.astype(np.float32), (0, 0), 2)


SHEETS: dict[str, Callable[[tuple[int, int], np.random.Generator], np.ndarray]] = {
    kind.__name__: kind
    for kind in (
        *(plain, grainy, mottled, folded, crumpled, shadowed),
        *(lamplit, ruled, squared, waves, form, dirty),
    )
}
