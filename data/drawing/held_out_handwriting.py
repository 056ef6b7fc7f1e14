"""Drawings of held-out handwriting and scripts, for writer-independent tests."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from data.drawing.handwriting_fonts import FONT_SCRIPTS, select_characters, select_digit_paths
from data.drawing.pen_digits import HELD_OUT_SEED, frame_all
from data.drawing.pen_strokes import Style
from data.drawing.pen_variation import draw_strokes
from inkling.datasets.mnist import Digits

PENS_PER_DIGIT = 4  # drawings of each digit of a family, each with another pen
MAX_PER_SCRIPT = 60  # characters: otherwise the hundreds of kanji would dominate
PEN_RANGE_PX = (1.2, 3.2)  # px of the frame: widths that keep every character legible


def draw_unvaried(path: str, rng: np.random.Generator) -> np.ndarray:
    """Draw a character exactly as in its font, with a random pen: ink (H, W)."""
    return draw_strokes(Style(path).trace(), rng, rng.uniform(*PEN_RANGE_PX))


def draw_held_out_digits() -> Iterator[tuple[int, np.ndarray]]:
    """Yield each digit of each held-out family `PENS_PER_DIGIT` times: the digit, ink (H, W)."""
    rng = np.random.default_rng(HELD_OUT_SEED)
    for digit, paths in select_digit_paths(held_out=True).items():
        for path in PENS_PER_DIGIT * paths:
            yield digit, draw_unvaried(path, rng)


def draw_held_out_characters(of_families: bool) -> Iterator[np.ndarray]:
    """Yield ink (H, W) of all signs of held-out families, or of some of each held-out script."""
    rng = np.random.default_rng(HELD_OUT_SEED)
    for script, characters in select_characters(held_out=True).items():
        if (script in FONT_SCRIPTS) == of_families:
            count = len(characters) if of_families else MAX_PER_SCRIPT
            for k in rng.permutation(len(characters))[:count]:
                yield draw_unvaried(characters[k].path, rng)


def make_held_out_digits() -> Digits:
    """Return the framed digits of the held-out families."""
    labels, drawings = zip(*draw_held_out_digits(), strict=True)
    return Digits(frame_all(drawings), torch.tensor(labels))


def make_held_out_characters() -> dict[str, Tensor]:
    """Return framed held-out non-digits, by kind: ink (N, 1, 28, 28)."""
    return {
        "held-out letters": frame_all(draw_held_out_characters(of_families=True)),
        "held-out scripts": frame_all(draw_held_out_characters(of_families=False)),
    }
