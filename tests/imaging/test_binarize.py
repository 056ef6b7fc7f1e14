"""Ink is told from even paper in pictures of any mode; what is no stroke is left out."""

import cv2
import numpy as np
import pytest
from conftest import distance, ink_in, ink_of, sketch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from inkling.imaging.grayscale import to_grayscale

SIDE = 280


def test_a_blot_on_even_paper_is_ink_and_no_shadow():
    page = np.full((SIDE, SIDE), 255, np.uint8)
    cv2.circle(page, (140, 140), 60, 0, -1)
    ink = ink_in(page)
    assert ink.notes == () and ink.mask.sum() == (page < 128).sum()


@pytest.mark.parametrize("edge", [np.s_[:, :6], np.s_[-6:]], ids=["left", "below"])
def test_a_sliver_along_an_edge_is_no_ink(edge):
    page = sketch(4)
    page[edge] = 0
    assert distance(ink_of(sketch(4)), ink_of(page)) < 0.01


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
    assert np.abs(to_grayscale(OPAQUE[name](plain)) - to_grayscale(plain)).max() < 0.02
    assert distance(ink_of(np.asarray(plain)), ink_of(OPAQUE[name](plain))) < 0.1


@pytest.mark.parametrize(
    "paper, pen", [(255, 250), (255, 246), (0, 9), (128, 132)], ids=lambda value: str(value)
)
def test_ink_may_be_faint_on_spotless_paper(paper, pen):
    share = sketch(4) / 255.0
    faint = (share * paper + (1 - share) * pen).round().astype(np.uint8)
    assert distance(ink_of(sketch(4)), ink_of(faint)) < 0.15


@settings(max_examples=50)
@given(arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20), st.just(3))))
def test_an_alpha_of_255_says_nothing(pixels):
    plain = Image.fromarray(pixels)
    assert np.array_equal(to_grayscale(plain.convert("RGBA")), to_grayscale(plain))


@pytest.mark.parametrize("colour", ["black", "white", (200, 30, 60)])
@pytest.mark.parametrize("brush", [3, 34])
def test_ink_on_clear_paper_is_in_the_alpha(colour, brush):
    drawn = sketch(4, brush=brush)
    clear = with_alpha(Image.new("RGB", (SIDE, SIDE), colour), 255 - drawn)
    assert distance(ink_of(drawn), ink_of(clear)) < 0.05


@pytest.mark.parametrize(
    "paper, pen", [((90, 160, 90), (230, 95, 90)), ((255,) * 3, (255, 250, 0))]
)
@pytest.mark.parametrize("mode", ["RGBA", "palette", "rounded"])
def test_ink_may_differ_by_its_colour_alone_in_any_mode(paper, pen, mode):
    share = np.pad(sketch(4), ((60, 60), (110, 110)), constant_values=255)[..., None] / 255.0
    page = Image.fromarray((share * paper + (1 - share) * pen).astype(np.uint8))
    changed = {"palette": page.quantize(64), "rounded": with_alpha(page, rounded())}.get(mode)
    changed = changed or page.convert(mode)
    assert distance(ink_of(sketch(4)), ink_of(changed)) < 0.15
