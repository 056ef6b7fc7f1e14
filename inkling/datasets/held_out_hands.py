"""Hands and scripts that no training sees, drawn as their fonts have them.

The digits show how well strangers' hands are read; the characters, how well what looks like none of
our digits is refused.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from inkling.datasets.hands import BY_FAMILY, characters, font_digits
from inkling.datasets.mnist import Digits
from inkling.datasets.pen_digits import HELD_OUT_SEED
from inkling.datasets.pen_strokes import Style, draw
from inkling.imaging.mnist_frame import frame_glyph

PENS_EACH = 4  # drawings of each digit of a family, each with another pen
OF_A_SCRIPT = 60  # characters, so that kanji, of which there are hundreds, do not decide
PENS = (1.2, 3.2)  # px of the frame, widths that leave every character legible


def draw_plainly(path: str, rng: np.random.Generator) -> np.ndarray:
    """Draw a character as its font has it, with some pen: ink (H, W)."""
    return draw(Style(path).plain(), rng, rng.uniform(*PENS))


def digit_drawings() -> Iterator[tuple[int, np.ndarray]]:
    """Yield each digit of each held-out family `PENS_EACH` times: the digit, and ink (H, W)."""
    rng = np.random.default_rng(HELD_OUT_SEED)
    for digit, paths in font_digits(held_out=True).items():
        for path in PENS_EACH * paths:
            yield digit, draw_plainly(path, rng)


def character_drawings(of_families: bool) -> Iterator[np.ndarray]:
    """Yield ink (H, W) of what is held out and no digit.

    These are all letters and signs of the held-out families, or else at most `OF_A_SCRIPT`
    characters of each of the held-out scripts.
    """
    rng = np.random.default_rng(HELD_OUT_SEED)
    for script, held_out in characters(held_out=True).items():
        if (script in BY_FAMILY) == of_families:
            most = len(held_out) if of_families else OF_A_SCRIPT
            for k in rng.permutation(len(held_out))[:most]:
                yield draw_plainly(held_out[k].path, rng)


def held_out_digits() -> Digits:
    """Draw the digits of the held-out families, and frame them."""
    labels, drawn = zip(*digit_drawings(), strict=True)
    return Digits(framed_all(drawn), torch.tensor(labels))


def held_out_characters() -> dict[str, Tensor]:
    """Draw what is held out and is no digit, and frame it: ink (N, 1, 28, 28) by its kind."""
    return {
        "held-out letters": framed_all(character_drawings(of_families=True)),
        "held-out scripts": framed_all(character_drawings(of_families=False)),
    }


def framed_all(drawings: Iterator[np.ndarray] | tuple[np.ndarray, ...]) -> Tensor:
    """Return drawings as the network sees them: ink (N, 1, 28, 28)."""
    return torch.from_numpy(np.stack([frame_glyph(ink) for ink in drawings]))[:, None]
