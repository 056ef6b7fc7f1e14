"""What is held out is drawn whole, as its font has it, and of no training."""

import torch

from inkling.datasets.hands import BY_FAMILY, characters, font_digits
from inkling.datasets.held_out_hands import (
    OF_A_SCRIPT,
    PENS_EACH,
    held_out_characters,
    held_out_digits,
)


def test_every_digit_of_every_held_out_hand_is_drawn():
    digits = held_out_digits()
    each = [PENS_EACH * len(paths) for paths in font_digits(held_out=True).values()]
    assert digits.labels.bincount().tolist() == each
    assert digits.ink.shape == (sum(each), 1, 28, 28) and digits.ink.dtype == torch.float32
    assert (digits.ink.amax(dim=(1, 2, 3)) > 0.9).all() and digits.ink.min() == 0


def test_letters_and_scripts_are_told_apart():
    held_out = characters(held_out=True)
    letters, scripts = held_out_characters().values()
    of_families = sum(len(held_out.get(script, [])) for script in BY_FAMILY)
    assert len(letters) == of_families
    others = [min(len(held_out[script]), OF_A_SCRIPT) for script in held_out.keys() - {*BY_FAMILY}]
    assert len(scripts) == sum(others) > 200


def test_they_are_drawn_alike_each_time():
    assert torch.equal(held_out_digits().ink, held_out_digits().ink)
