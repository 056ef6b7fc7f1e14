"""The same drawing gives the same ink, however its picture was made."""

import numpy as np
import pytest
from conftest import distance, ink_in, ink_of, sketch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from inkling.imaging.mnist_frame import crop_to_ink, frame_glyph

DIGITS = range(10)


def test_mnist_digits_come_back_as_they_are(mnist):
    ink = mnist.test.ink[:300, 0].numpy()
    again = np.stack([ink_of((k * 255).round().astype(np.uint8)) for k in ink])
    largest = np.abs(again - ink).max(axis=(1, 2))
    assert np.mean(largest <= 6 / 255) > 0.97  # Otsu's threshold may drop a faint edge


@pytest.mark.parametrize("digit", DIGITS)
def test_the_frame_is_that_of_mnist(digit):
    ink = ink_of(sketch(digit))
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20, 21)
    mass = np.array([ink.sum(axis=1), ink.sum(axis=0)]) @ (np.arange(28) + 0.5) / ink.sum()
    assert np.abs(mass - 14).max() <= 1
    assert ink.dtype == np.float32 and ink.min() == 0 and ink.max() == 1


@pytest.mark.parametrize("digit", DIGITS)
def test_a_shifted_drawing_gives_the_same_ink(digit):
    assert distance(ink_of(sketch(digit)), ink_of(sketch(digit, at=(41, -37)))) < 0.01


@pytest.mark.parametrize("digit", DIGITS)
def test_an_enlarged_picture_gives_the_same_ink(digit):
    picture = sketch(digit)
    assert distance(ink_of(picture), ink_of(picture.repeat(3, 0).repeat(3, 1))) < 0.05


@pytest.mark.parametrize("digit", DIGITS)
def test_light_on_dark_gives_the_same_ink(digit):
    picture = sketch(digit)
    assert distance(ink_of(picture), ink_of(255 - picture)) < 0.02


@pytest.mark.parametrize("digit", DIGITS)
def test_margins_do_not_matter(digit):
    picture = sketch(digit)
    wide = np.pad(picture, ((10, 90), (200, 0)), constant_values=255)
    assert distance(ink_of(picture), ink_of(wide)) < 0.01


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "I", "F", "I;16"]
)
def test_the_mode_of_the_picture_does_not_matter(mode):
    picture = Image.fromarray(sketch(7))
    converted = {
        "I": lambda: Image.fromarray(np.asarray(picture, np.int32) * 257),
        "F": lambda: Image.fromarray(np.asarray(picture, np.float32) / 3 + 7),
        "I;16": lambda: Image.fromarray(np.asarray(picture, np.uint16) * 257),
        "PA": lambda: picture.convert("P").convert("PA"),
    }.get(mode, lambda: picture.convert(mode))()
    assert converted.mode == mode
    assert distance(ink_of(picture), ink_of(converted)) < 0.1


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 30, 30), (250, 240, 60)])
def test_ink_on_transparent_paper_is_its_alpha(colour):
    picture = sketch(4)
    ink = Image.new("RGBA", (280, 280), colour)
    ink.putalpha(Image.fromarray(255 - picture))
    assert distance(ink_of(picture), ink_of(ink)) < 0.02


def test_a_sheet_with_clear_surroundings_is_read_as_the_sheet():
    sheet = Image.fromarray(sketch(4)).convert("RGBA")
    page = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    page.paste(sheet, (60, 60))
    assert distance(ink_of(sketch(4)), ink_of(page)) < 0.02


@pytest.mark.parametrize("brush", [1.5, 3, 5])
def test_a_thin_pen_is_thickened_to_the_frame(brush):
    thin, usual = ink_of(sketch(3, extent=220, brush=brush)), ink_of(sketch(3, extent=220))
    assert thin.sum() > 0.55 * usual.sum()


def test_dust_does_not_move_the_frame():
    dusty = sketch(6)
    dusty[5:7, 5:7] = dusty[270:272, 9:11] = 0
    assert distance(ink_of(sketch(6)), ink_of(dusty)) < 0.01


def test_a_picture_of_dots_alone_is_no_failure():
    dots = np.full((280, 280), 255, np.uint8)
    dots[5::20, 5::20] = dots[6::20, 5::20] = 0  # 196 dots, each less than 2 % of the ink
    assert ink_in(dots).mask.any()


def test_grain_on_the_paper_is_no_ink():
    grain = np.random.default_rng(0).normal(200, 6, (280, 280)).clip(0, 255)
    drawn = np.minimum(grain, sketch(5) + 20.0)
    assert ink_in(grain.astype(np.uint8)) is None
    assert distance(ink_of(sketch(5)), ink_of(drawn.astype(np.uint8))) < 0.15


@pytest.mark.parametrize("shade", [0, 1, 128, 255])
@pytest.mark.parametrize("shape", [(280, 280), (1, 1), (1, 500), (500, 1)])
def test_an_even_picture_has_no_glyph(shade, shape):
    assert ink_in(np.full(shape, shade, np.uint8)) is None


def test_clear_paper_has_no_glyph():
    assert ink_in(Image.new("RGBA", (280, 280), (9, 9, 9, 0))) is None


pixels = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=40))


@settings(max_examples=300)
@given(pixels)
def test_any_picture_gives_ink_within_its_range_or_none(picture):
    ink = ink_in(picture)
    if ink is not None:
        assert ink.coverage.shape == ink.mask.shape == picture.shape
        assert ink.coverage.min() >= 0 and 0 < ink.coverage.max() <= 1 and ink.mask.any()


@example(np.full((9, 7), -3e38, np.float32))
@settings(max_examples=100)
@given(
    arrays(np.float32, (9, 7), elements=st.floats(width=32, allow_nan=True, allow_infinity=True))
)
def test_any_floats_give_finite_ink(picture):
    ink = ink_in(picture)
    assert ink is None or np.isfinite(frame_glyph(crop_to_ink(ink.coverage))).all()
