"""Ink is separated from paper in any light and on any paper, and a blank sheet stays blank."""

import cv2
import numpy as np
import pytest
import torch
from conftest import sketch

from inkling.imaging.binarize import MARKS_NOTE
from inkling.imaging.mnist_frame import crop_to_ink
from inkling.recognition.ink_finder import unet_ink
from inkling.recognition.page_networks import ink_net, line_net
from support.composed_pages import draw_blank_sheets

SIDE = 280
y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE


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
def test_light_does_not_matter(light, reader):
    read = [reader.read(photograph(light, digit=d)).text for d in range(10)]
    assert read == list("0123456789")


def test_chalk_on_a_dark_board_in_uneven_light(reader):
    chalk = (30 + 180 * (1 - sketch(4) / 255.0)) * (1 - 0.4 * x)
    reading = reader.read(chalk.astype(np.uint8))
    assert reading.text == "4" and "light ink on dark: inverted" in reading.seen


@pytest.mark.parametrize("shade", [190, 120, 30])
@pytest.mark.parametrize("slope", [0, 0.03])
@pytest.mark.parametrize("squared", [False, True])
def test_rules_are_no_ink(shade, slope, squared, reader):
    page = np.full((SIDE, SIDE), 255, np.uint8)
    for at in range(20, SIDE, 48):
        cv2.line(page, (0, at), (SIDE, at + round(slope * SIDE)), shade, 2)
        if squared:
            cv2.line(page, (at, 0), (at - round(slope * SIDE), SIDE), shade, 2)
    assert reader.read(np.minimum(page, sketch(4))).text == "4"


def test_a_page_on_a_table_is_read_as_the_page(reader):
    photo = np.full((500, 560), 70, np.uint8)
    photo[100:380, 140:420] = photograph(np.ones((SIDE, SIDE)))
    assert reader.read(photo).text == "4"


def test_light_ink_in_a_dark_box_beside_dark_ink(reader):
    page = np.concatenate([sketch(4), 255 - sketch(7)], axis=1)
    assert reader.read(np.pad(page, 30, constant_values=255)).text == "47"


def test_a_digit_that_fills_its_picture_is_not_inverted(reader):
    for digit in (3, 8):
        drawn = sketch(digit)
        rows, columns = (np.flatnonzero((drawn < 128).any(axis=axis)) for axis in (1, 0))
        filled = drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert [reader.read(p).text for p in (filled, 255 - filled)] == [str(digit)] * 2


@pytest.mark.parametrize("method", [cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC])
def test_a_scan_without_paper_around_its_digit_is_read(method, mnist, shipped):
    right = 0
    for ink, label in zip(mnist.held_out.ink[:40, 0].numpy(), mnist.held_out.labels, strict=False):
        digit = crop_to_ink(ink)
        gap = (max(digit.shape) - np.array(digit.shape)) // 2
        square = np.pad(digit, [(side, side) for side in gap])
        scan = cv2.resize(square, (16, 16), interpolation=cv2.INTER_AREA)
        large = cv2.resize(
            (255 * scan / scan.max()).astype(np.uint8), (64, 64), interpolation=method
        )
        right += sum(shipped.read(picture).text == str(int(label)) for picture in (large, ~large))
    assert right >= 76  # of 80; about 41 where what runs over an edge was discarded


@pytest.mark.parametrize("label", [(344, 284, 394, 296), (4, 4, 44, 16), (180, 286, 220, 296)])
def test_a_label_at_the_rim_is_ignored_and_named(label, reader):
    left, top, right, bottom = label
    for digit in range(10):
        drawn = np.full((300, 400, 3), 255, np.uint8)
        drawn[10:290, 60:340] = sketch(digit, brush=5)[..., None]
        marked = drawn.copy()
        marked[top:bottom, left:right] = (30, 110, 210)
        plain, reading = reader.read(drawn), reader.read(marked)
        assert [d.glyph.box for d in reading.digits] == [d.glyph.box for d in plain.digits]
        assert reading.text == plain.text and MARKS_NOTE in reading.seen


@pytest.mark.parametrize("dark", [True, False])
def test_the_network_s_ink_is_dark_or_light(dark):
    light = sketch(4).astype(np.float32) / 255
    assert unet_ink(light if dark else 1 - light, 256).dark == dark


def test_low_writing_on_a_large_page_is_read(reader):
    page = np.full((2400, 1700), 255, np.uint8)
    page[1200:1220, 800:820] = cv2.resize(sketch(7), (20, 20), interpolation=cv2.INTER_AREA)
    reading = reader.read(page)
    (digit,) = reading.digits
    left, top, right, bottom = digit.glyph.box
    assert reading.text == "7" and 800 <= left < right <= 820 and 1200 <= top < bottom <= 1220


def test_a_blank_sheet_of_any_kind_stays_blank(shipped):
    read = [shipped.read(picture).text for _, picture in draw_blank_sheets(60)]
    assert sum(text == "" for text in read) >= 57


@pytest.mark.parametrize("load", [ink_net, line_net])
def test_networks_that_a_reading_loads_can_be_exported(load):
    with torch.inference_mode():  # as while a picture is read
        network = load.__wrapped__()
    assert not any(parameter.is_inference() for parameter in network.parameters())
