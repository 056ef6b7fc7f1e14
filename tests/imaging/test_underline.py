"""Lines under a number are erased, and nothing else is."""

import cv2
import numpy as np
import pytest
from conftest import sketch
from PIL import Image, ImageDraw, ImageFont

from inkling.imaging.binarize import Ink, otsu_ink
from inkling.imaging.underline import erase_underlines


def ink_of_page(page: np.ndarray) -> Ink:
    return otsu_ink(page.astype(np.float32) / 255)


def compose(text: str) -> np.ndarray:
    """Return digits side by side on a page: (H, W) uint8."""
    row = np.concatenate([sketch(int(k))[40:240, 40:240] for k in text], axis=1)
    return np.pad(row, 80, constant_values=255)


def underline(page: np.ndarray, rise: int, lines: int, gap: int) -> np.ndarray:
    rows = np.flatnonzero((page < 128).any(axis=1))
    columns = np.flatnonzero((page < 128).any(axis=0))
    drawn = page.copy()
    for k in range(lines):
        y = int(rows[-1]) + gap + 4 + 24 * k
        ends = (int(columns[0]) - 10, y), (int(columns[-1]) + 5, y + rise)
        cv2.line(drawn, *ends, 0, 9, cv2.LINE_AA)
    return drawn


@pytest.mark.parametrize("text", ["47", "603", "29158"])
@pytest.mark.parametrize("rise, lines", [(0, 1), (0, 2), (12, 1), (12, 2), (-12, 1)])
@pytest.mark.parametrize("gap", [0, 15])
def test_lines_are_erased_and_the_digits_kept(text, rise, lines, gap):
    page = compose(text)
    gap += 12 * (rise < 0)  # the line's right end is higher: below all digits as well
    plain, found = ink_of_page(page), ink_of_page(underline(page, rise, lines, gap))
    erased = erase_underlines(found)
    assert "underline ignored" in erased.notes
    digits, lined = plain.coverage > 0.5, (found.coverage > 0.5) & (plain.coverage < 0.1)
    assert (erased.coverage[digits] > 0.5).mean() > 0.97
    assert (erased.coverage[lined] > 0.5).mean() < 0.01


@pytest.mark.parametrize("digit", range(10))
def test_a_single_digit_is_kept_even_if_it_stands_on_a_line(digit):
    assert erase_underlines(ink_of_page(sketch(digit))) is None
    assert erase_underlines(ink_of_page(underline(sketch(digit), 0, 1, 0)[:, 30:250])) is None


@pytest.mark.parametrize("text", ["47", "603", "22222", "11", "0000"])
def test_numbers_without_a_line_are_kept(text):
    assert erase_underlines(ink_of_page(compose(text))) is None


def test_a_line_above_or_through_a_number_and_a_dark_bar_are_kept():
    for y, thickness in ((70, 9), (180, 9), (300, 90)):
        page = compose("603")
        cv2.line(page, (70, y), (page.shape[1] - 70, y), 0, thickness)
        assert erase_underlines(ink_of_page(page)) is None


def test_printed_words_are_kept():
    font = ImageFont.load_default(60)
    for word in ("ELZEL", "Inkling", "Zebra", "LLL", "___", "- - -"):
        page = Image.new("L", (400, 120), 255)
        ImageDraw.Draw(page).text((60, 20), word, 0, font)
        assert erase_underlines(ink_of_page(np.asarray(page))) is None, word


@pytest.mark.parametrize("text", ["47", "603", "815"])
@pytest.mark.parametrize("lines", [1, 2])
def test_an_underlined_number_is_read_as_without_the_line(text, lines, shipped):
    page = underline(compose(text), 4, lines, 0)
    assert shipped.read(page).text == text == shipped.read(compose(text)).text


def test_specks_and_blank_masks_have_no_line():
    for points in ([], [(10, 10)], [(0, 0), (30, 90)], [(0, 0), (5, 50), (30, 90)]):
        mask = np.zeros((40, 100), np.uint8)
        for row, column in points:
            mask[row, column] = 1
        assert erase_underlines(Ink(mask.astype(np.float32), mask, True)) is None
