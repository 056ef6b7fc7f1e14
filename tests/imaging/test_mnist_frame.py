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
CHANGES = {  # name: change of a picture, limit of the ink's change
    "shifted": (lambda picture: np.roll(picture, (-37, 41), (0, 1)), 0.01),
    "enlarged": (lambda picture: picture.repeat(3, 0).repeat(3, 1), 0.05),
    "light on dark": (lambda picture: 255 - picture, 0.02),
    "wide margins": (lambda p: np.pad(p, ((10, 90), (200, 0)), constant_values=255), 0.01),
}


def test_mnist_digits_are_unchanged(mnist):
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


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("digit", DIGITS)
def test_a_changed_picture_gives_the_same_ink(digit, change):
    picture = sketch(digit)
    changed, limit = CHANGES[change]
    assert distance(ink_of(picture), ink_of(changed(picture))) < limit


@pytest.mark.parametrize("brush", [1.5, 3, 5])
def test_a_thin_pen_is_thickened_to_the_frame(brush):
    thin, usual = ink_of(sketch(3, extent=220, brush=brush)), ink_of(sketch(3, extent=220))
    assert thin.sum() > 0.55 * usual.sum()


def test_dust_does_not_move_the_frame():
    dusty = sketch(6)
    dusty[5:7, 5:7] = dusty[270:272, 9:11] = 0
    assert distance(ink_of(sketch(6)), ink_of(dusty)) < 0.01


def test_a_picture_of_dots_has_ink():
    dots = np.full((280, 280), 255, np.uint8)
    dots[5::20, 5::20] = dots[6::20, 5::20] = 0  # 196 dots, each less than 2 % of the ink
    assert ink_in(dots).mask.any()


def test_grain_of_the_paper_is_no_ink():
    grain = np.random.default_rng(0).normal(200, 6, (280, 280)).clip(0, 255)
    drawn = np.minimum(grain, sketch(5) + 20.0)
    assert ink_in(grain.astype(np.uint8)) is None
    assert distance(ink_of(sketch(5)), ink_of(drawn.astype(np.uint8))) < 0.15


@pytest.mark.parametrize("shade", [0, 1, 128, 255])
@pytest.mark.parametrize("shape", [(280, 280), (1, 1), (1, 500), (500, 1)])
def test_a_uniform_picture_has_no_ink(shade, shape):
    assert ink_in(np.full(shape, shade, np.uint8)) is None


def test_transparent_paper_has_no_ink():
    assert ink_in(Image.new("RGBA", (280, 280), (9, 9, 9, 0))) is None


@settings(max_examples=300)
@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_any_picture_gives_ink_in_range_or_none(picture):
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
