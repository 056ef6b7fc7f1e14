"""Ink is told from paper in any light, on any paper; what is no stroke is left out."""

import cv2
import numpy as np
import pytest
from conftest import sketch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from inkling.imaging.binarize import find_ink
from inkling.imaging.grayscale import brightness
from inkling.imaging.mnist_frame import cropped, frame
from inkling.recognition.strokes import parts_of

SIDE = 280
y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE


def ink_of(pixels) -> np.ndarray:
    """Return all ink of a picture as one glyph's."""
    return frame(cropped(find_ink(Image.fromarray(pixels)).depth))


def whole(picture: Image.Image) -> np.ndarray:
    """Return all ink of a picture."""
    return cropped(find_ink(picture).depth)


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
    assert distance(ink_of(sketch(4)), frame(cropped(ink.depth))) < 0.3


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
    assert distance(ink_of(sketch(4)), frame(cropped(ink.depth))) < 0.35


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


def screenshot(contrast: float = 1.0, colour=(1.0, 0.8, 0.6)) -> Image.Image:
    """Draw a small thin digit on a large white sheet, of ink that may be pale."""
    share = 1 - sketch(4, size=120, extent=60, brush=3) / 255.0
    page = np.full((400, 500, 3), 255, np.uint8)
    page[150:270, 200:320] -= (255 * contrast * share[..., None] * colour).astype(np.uint8)
    return Image.fromarray(page)


def with_alpha(picture: Image.Image, alpha: np.ndarray | int) -> Image.Image:
    """Return a picture as transparent as an alpha (H, W) says."""
    picture = picture.convert("RGBA")
    picture.putalpha(alpha if isinstance(alpha, int) else Image.fromarray(alpha))
    return picture


def rounded() -> np.ndarray:
    """Return the alpha of a sheet with rounded corners."""
    corner = np.zeros((400, 500), np.uint8)
    cv2.rectangle(corner, (20, 0), (479, 399), 255, -1)
    cv2.rectangle(corner, (0, 20), (499, 379), 255, -1)
    for at in ((20, 20), (479, 20), (20, 379), (479, 379)):
        cv2.circle(corner, at, 20, 255, -1, cv2.LINE_AA)
    return corner


def with_clear_colour(picture: Image.Image, clear: object) -> Image.Image:
    """Return a picture one of whose colours is transparent, as a PNG or a GIF says it."""
    picture.info["transparency"] = clear
    return picture


OPAQUE = {
    "RGBA": lambda p: p.convert("RGBA"),
    "LA": lambda p: p.convert("L").convert("LA"),
    "RGBa": lambda p: p.convert("RGBA").convert("RGBa"),
    "PA": lambda p: p.quantize(64).convert("PA"),
    "palette, a clear colour unused": lambda p: with_clear_colour(p.quantize(64), 255),
    "palette, none of it clear": lambda p: with_clear_colour(p.quantize(64), b"\xff" * 64),
    "RGB, a clear colour unused": lambda p: with_clear_colour(p.copy(), (1, 2, 3)),
    "grey, a clear value unused": lambda p: with_clear_colour(p.convert("L"), 3),
    "CMYK": lambda p: p.convert("CMYK"),
    "alpha 254": lambda p: with_alpha(p, 254),
    "alpha 250": lambda p: with_alpha(p, 250),
    "alpha 250 to 255": lambda p: with_alpha(p, (250 + np.indices((400, 500))[1] % 6).astype("u1")),
    "half transparent all over": lambda p: with_alpha(p, 128),
    "rounded corners": lambda p: with_alpha(p, rounded()),
    "32 bits": lambda p: p.convert("L").convert("I"),
    "16 bits": lambda p: Image.fromarray(np.asarray(p.convert("L")).astype(np.uint16) * 257),
    "floats": lambda p: p.convert("F"),
}


@pytest.mark.parametrize("contrast", [1, 0.15])
@pytest.mark.parametrize("name", OPAQUE)
def test_an_opaque_picture_is_seen_as_the_same_without_alpha(name, contrast):
    plain = screenshot(contrast)
    assert np.abs(brightness(OPAQUE[name](plain)) - brightness(plain)).max() < 0.02
    assert distance(ink_of(np.asarray(plain)), frame(whole(OPAQUE[name](plain)))) < 0.1


@settings(max_examples=50, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20), st.just(3))))
def test_an_alpha_of_255_says_nothing(pixels):
    plain = Image.fromarray(pixels)
    assert np.array_equal(brightness(plain.convert("RGBA")), brightness(plain))


@pytest.mark.parametrize("colour", ["black", "white", (200, 30, 60)])
@pytest.mark.parametrize("brush", [3, 34])
def test_ink_on_clear_paper_is_in_the_alpha(colour, brush):
    drawn = sketch(4, brush=brush)
    clear = with_alpha(Image.new("RGB", (SIDE, SIDE), colour), 255 - drawn)
    assert distance(ink_of(drawn), frame(whole(clear))) < 0.05


@pytest.mark.parametrize(
    "paper, pen", [((90, 160, 90), (230, 95, 90)), ((255,) * 3, (255, 250, 0))]
)
@pytest.mark.parametrize("mode", ["RGBA", "palette", "rounded"])
def test_ink_may_differ_by_its_colour_alone_in_any_mode(paper, pen, mode):
    share = np.pad(sketch(4), ((60, 60), (110, 110)), constant_values=255)[..., None] / 255.0
    page = Image.fromarray((share * paper + (1 - share) * pen).astype(np.uint8))
    changed = {"palette": page.quantize(64), "rounded": with_alpha(page, rounded())}.get(mode)
    changed = changed or page.convert(mode)
    assert distance(ink_of(sketch(4)), frame(whole(changed))) < 0.15
