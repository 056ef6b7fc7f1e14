"""Ink is told from paper in any light, on any paper; what is no stroke is left out."""

import cv2
import numpy as np
import pytest
from conftest import sketch
from PIL import Image

from paper import find_ink
from preprocess import frame
from segment import cropped, parts_of

SIDE = 280
y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE


def ink_of(pixels) -> np.ndarray:
    """Return all ink of a picture as one glyph's."""
    return frame(cropped(find_ink(Image.fromarray(pixels)).depth, 0, 0).ink)


def distance(a, b) -> float:
    """Return the mean difference of two inks, in shares of the ink."""
    return float(np.abs(a - b).sum() / a.sum())


def photograph(light, noise=4.0, digit=4) -> np.ndarray:
    """Draw a digit on paper in a light (H, W)."""
    drawn = (40 + 190 * (sketch(digit) / 255.0)) * light
    grain = np.random.default_rng(0).normal(0, noise, drawn.shape)
    return (drawn + grain).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "light",
    [1 - 0.6 * x, 1 - 0.6 * y, 1 - 0.5 / (1 + np.exp(-60 * (x - 0.5))), 1 - 0.5 * (x + y > 0.9)],
    ids=["lamp at the left", "lamp above", "soft shadow", "hard shadow"],
)
def test_light_does_not_matter(light):
    assert distance(ink_of(sketch(4)), ink_of(photograph(light))) < 0.3


def test_chalk_on_a_dark_board_in_uneven_light():
    chalk = (30 + 180 * (1 - sketch(4) / 255.0)) * (1 - 0.4 * x)
    ink = find_ink(Image.fromarray(chalk.astype(np.uint8)))
    assert not ink.dark and "light ink on dark: inverted" in ink.notes
    assert distance(ink_of(sketch(4)), frame(cropped(ink.depth, 0, 0).ink)) < 0.3


@pytest.mark.parametrize("shade", [190, 120, 30])
@pytest.mark.parametrize("slope", [0, 0.03])
@pytest.mark.parametrize("squared", [False, True])
def test_rules_are_wiped_off(shade, slope, squared):
    page = np.full((SIDE, SIDE), 255, np.uint8)
    for at in range(20, SIDE, 48):
        cv2.line(page, (0, at), (SIDE, at + round(slope * SIDE)), shade, 2)
        if squared:
            cv2.line(page, (at, 0), (at - round(slope * SIDE), SIDE), shade, 2)
    ink = find_ink(Image.fromarray(np.minimum(page, sketch(4))))
    assert ("ruled paper: lines wiped off" in ink.notes) or shade == 190  # too faint for ink
    assert distance(ink_of(sketch(4)), frame(cropped(ink.depth, 0, 0).ink)) < 0.35


def test_a_stroke_as_long_as_a_rule_but_thick_is_kept():
    page = np.full((SIDE, SIDE), 255, np.uint8)
    cv2.line(page, (0, 140), (SIDE, 140), 0, 30)
    assert find_ink(Image.fromarray(page)).mask.sum() > 0.9 * 30 * SIDE


def test_a_blot_on_even_paper_is_ink_and_no_shadow():
    page = np.full((SIDE, SIDE), 255, np.uint8)
    cv2.circle(page, (140, 140), 60, 0, -1)
    ink = find_ink(Image.fromarray(page))
    assert ink.notes == () and ink.mask.sum() == (page < 128).sum()


def test_a_page_on_a_table_is_read_as_the_page():
    photo = np.full((500, 560), 70, np.uint8)
    photo[100:380, 140:420] = photograph(np.ones((SIDE, SIDE)))
    assert distance(ink_of(sketch(4)), ink_of(photo)) < 0.3


def test_light_ink_in_a_dark_box_beside_dark_ink():
    page = np.concatenate([sketch(4), 255 - sketch(7)], axis=1)
    page = np.pad(page, 30, constant_values=255)
    left, right = sorted(parts_of(find_ink(Image.fromarray(page))), key=lambda p: p.middle)
    assert distance(ink_of(sketch(4)), frame(left.ink)) < 0.1
    assert distance(ink_of(sketch(7)), frame(right.ink)) < 0.1


@pytest.mark.parametrize(
    "paper, pen",
    [
        ((255, 255, 255), (255, 250, 0)),
        ((90, 160, 90), (230, 95, 90)),
        ((200, 30, 60), (20, 110, 40)),
    ],
    ids=["yellow on white", "red on green", "green on red"],
)
def test_ink_may_differ_by_its_colour_alone(paper, pen):
    share = sketch(4)[..., None] / 255.0
    page = (share * paper + (1 - share) * pen).astype(np.uint8)
    assert distance(ink_of(sketch(4)), ink_of(page)) < 0.15
