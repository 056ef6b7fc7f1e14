"""Held-out handwriting is drawn completely and reproducibly."""

import torch

from data.drawing.handwriting_fonts import FONT_SCRIPTS, select_characters, select_digit_paths
from data.drawing.held_out_handwriting import (
    MAX_PER_SCRIPT,
    PENS_PER_DIGIT,
    make_held_out_characters,
    make_held_out_digits,
)


def test_every_digit_of_every_held_out_family_is_drawn_in_the_same_way_each_time():
    digits = make_held_out_digits()
    counts = [PENS_PER_DIGIT * len(paths) for paths in select_digit_paths(held_out=True).values()]
    assert digits.labels.bincount().tolist() == counts
    assert digits.ink.shape == (sum(counts), 1, 28, 28) and digits.ink.dtype == torch.float32
    assert (digits.ink.amax(dim=(1, 2, 3)) > 0.9).all() and digits.ink.min() == 0
    assert torch.equal(digits.ink, make_held_out_digits().ink)


def test_letters_of_families_and_scripts_are_drawn_separately():
    held_out = select_characters(held_out=True)
    letters, scripts = make_held_out_characters().values()
    assert len(letters) == sum(len(held_out.get(script, [])) for script in FONT_SCRIPTS)
    counts = [min(len(held_out[s]), MAX_PER_SCRIPT) for s in held_out.keys() - {*FONT_SCRIPTS}]
    assert len(scripts) == sum(counts) > 200
