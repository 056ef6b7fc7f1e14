"""Draw pictures of one digit, by difficulty: size, position, rotation, pen, look."""

from collections.abc import Callable, Iterable, Iterator

import cv2
import numpy as np

from data.drawing.pen_digits import HELD_OUT_SEED, generate_drawings
from inkling.datasets.mnist import Digits
from inkling.imaging.mnist_frame import DIGIT, FRAME

SWEEP_DIGITS = 500  # for every level of every difficulty
BORDER = 40  # px of paper around a drawing
CANVAS, EXTENT = 280, 120  # px: side of a picture, longest side of the digit in it


def draw_picture(
    ink: np.ndarray, extent: float = EXTENT, turn: float = 0, away: float = 0, toward: float = 0
) -> np.ndarray:
    """Draw ink (28, 28) black on white: (CANVAS, CANVAS) uint8.

    Lengths are in px. It is rotated by `turn` degrees, and moved in direction `toward`, radians.
    """
    matrix = cv2.getRotationMatrix2D((FRAME / 2 - 0.5,) * 2, -turn, extent / DIGIT)
    middle = CANVAS / 2 - FRAME / 2 + away * np.array([np.cos(toward), np.sin(toward)])
    matrix[:, 2] = matrix[:, 2] + middle
    large = cv2.warpAffine(ink, matrix, (CANVAS, CANVAS), flags=cv2.INTER_CUBIC)
    return 255 - (255 * large.clip(0, 1)).round().astype(np.uint8)


def draw_on_paper(ink: np.ndarray) -> np.ndarray:
    """Return drawn ink (H, W), 0 to 1, as a picture, black on white: uint8."""
    return np.pad(255 - (255 * ink).astype(np.uint8), BORDER, constant_values=255)


def make_difficulties(test: Digits) -> dict[str, dict[object, Iterable[tuple[int, np.ndarray]]]]:
    """Return labelled pictures for each level of each difficulty, drawn lazily."""
    step = len(test.labels) // SWEEP_DIGITS
    inks = test.ink[::step, 0].numpy()
    labels = test.labels[::step].tolist()
    directions = np.random.default_rng(0).uniform(0, 2 * np.pi, len(inks))

    def placed(**how: float) -> Iterator[tuple[int, np.ndarray]]:
        for label, ink, toward in zip(labels, inks, directions, strict=True):
            yield label, draw_picture(ink, toward=toward, **how)

    def drawn_with(pen: float) -> Iterator[tuple[int, np.ndarray]]:
        for _, label, ink in generate_drawings(SWEEP_DIGITS, HELD_OUT_SEED, pen):
            yield label, draw_on_paper(ink)

    def looking(change: Callable[[np.ndarray], np.ndarray]) -> Iterator[tuple[int, np.ndarray]]:
        for label, plain in placed():
            yield label, change(plain)

    looks = {
        "dark on light": lambda plain: plain,
        "light on dark": lambda plain: 255 - plain,
        "pale": lambda plain: 225 - (255 - plain) // 5,
        "on clear paper": lambda plain: np.dstack(
            [np.zeros((*plain.shape, 3), np.uint8), 255 - plain]
        ),
    }
    return {
        "longest side, px": {e: placed(extent=e) for e in (12, 20, 40, 80, 160, 260)},
        "distance from the middle, px": {a: placed(extent=60, away=a) for a in (0, 40, 80, 105)},
        "rotation, degrees": {t: placed(turn=t) for t in range(-40, 41, 10)},
        "pen's width, % of the digit's height": {
            round(100 * pen / DIGIT): drawn_with(pen) for pen in (0.4, 1, 2, 3, 4, 5, 6)
        },
        "look": {name: looking(change) for name, change in looks.items()},
    }
