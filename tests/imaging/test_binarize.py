"""Ink is separated from even paper in pictures of any mode; specks and slivers are removed."""

import cv2
import numpy as np
import pytest
from conftest import distance, ink_in, ink_of, sketch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from inkling.imaging.binarize import find_components
from inkling.imaging.grayscale import to_grayscale

SIDE = 280
COLORS = {  # of paper and pen, equally bright
    "yellow on white": ((255, 255, 255), (255, 250, 0)),
    "red on green": ((90, 160, 90), (230, 95, 90)),
    "green on red": ((200, 30, 60), (20, 110, 40)),
}


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


@given(arrays(np.uint8, (7, 9), elements=st.integers(0, 1)))
def test_components_of_the_ink_s_box_are_those_of_the_whole_mask(mask):
    labels, stats = find_components(mask)
    expected = cv2.connectedComponentsWithStats(mask)[2]
    assert sorted(stats[1:].tolist()) == sorted(expected[1:].tolist())
    assert np.bincount(labels[mask > 0], minlength=len(stats))[1:].tolist() == stats[1:, 4].tolist()


def screenshot(contrast: float = 1.0, color=(1.0, 0.8, 0.6)) -> Image.Image:
    """Draw a small thin digit on a large white sheet, in possibly pale ink."""
    share = 1 - sketch(4, size=120, extent=60, brush=3) / 255.0
    page = np.full((400, 500, 3), 255, np.uint8)
    page[150:270, 200:320] -= (255 * contrast * share[..., None] * color).astype(np.uint8)
    return Image.fromarray(page)


def with_alpha(picture: Image.Image, alpha: np.ndarray | int) -> Image.Image:
    """Return a picture with this alpha (H, W)."""
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


def with_transparent_color(picture: Image.Image, color: object) -> Image.Image:
    """Return a picture with a transparent colour, as in PNG and GIF."""
    picture.info["transparency"] = color
    return picture


def array_of(picture: Image.Image, kind: type, scale: float, offset: float = 0) -> Image.Image:
    """Return a picture of linearly transformed gray values."""
    return Image.fromarray((np.asarray(picture.convert("L"), float) * scale + offset).astype(kind))


OPAQUE = {
    **{mode: lambda p, m=mode: p.convert(m) for mode in ("L", "RGBA", "CMYK", "F")},
    "P": lambda p: p.convert("L").convert("P"),
    "LA": lambda p: p.convert("L").convert("LA"),
    "RGBa": lambda p: p.convert("RGBA").convert("RGBa"),
    "PA": lambda p: p.quantize(64).convert("PA"),
    "palette, a transparent colour unused": lambda p: with_transparent_color(p.quantize(64), 255),
    "palette, all opaque": lambda p: with_transparent_color(p.quantize(64), b"\xff" * 64),
    "RGB, a transparent colour unused": lambda p: with_transparent_color(p.copy(), (1, 2, 3)),
    "gray, a transparent value unused": lambda p: with_transparent_color(p.convert("L"), 3),
    "alpha 254": lambda p: with_alpha(p, 254),
    "alpha 250": lambda p: with_alpha(p, 250),
    "alpha 250 to 255": lambda p: with_alpha(p, (250 + np.indices((400, 500))[1] % 6).astype("u1")),
    "half transparent": lambda p: with_alpha(p, 128),
    "rounded corners": lambda p: with_alpha(p, rounded()),
    "32 bits": lambda p: p.convert("L").convert("I"),
    "16 bits": lambda p: array_of(p, np.uint16, 257),
}


@pytest.mark.parametrize("contrast", [1, 0.15])
@pytest.mark.parametrize("name", OPAQUE)
def test_an_opaque_picture_of_any_mode_equals_its_rgb_version(name, contrast):
    plain = screenshot(contrast)
    assert np.abs(to_grayscale(OPAQUE[name](plain)) - to_grayscale(plain)).max() < 0.02
    assert distance(ink_of(np.asarray(plain)), ink_of(OPAQUE[name](plain))) < 0.1


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.convert("1"),
        lambda p: array_of(p, np.int32, 257),
        lambda p: array_of(p, np.float32, 1 / 3, 7),
    ],
    ids=["one bit", "integers", "floats"],
)
def test_the_range_of_the_values_does_not_matter(change):
    picture = Image.fromarray(sketch(7))
    assert distance(ink_of(picture), ink_of(change(picture))) < 0.1


@pytest.mark.parametrize("paper, pen", [(255, 250), (255, 246), (0, 9), (128, 132)], ids=str)
def test_ink_may_be_faint_on_spotless_paper(paper, pen):
    share = sketch(4) / 255.0
    faint = (share * paper + (1 - share) * pen).round().astype(np.uint8)
    assert distance(ink_of(sketch(4)), ink_of(faint)) < 0.15


@settings(max_examples=50)
@given(arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20), st.just(3))))
def test_an_opaque_alpha_channel_changes_nothing(pixels):
    plain = Image.fromarray(pixels)
    assert np.array_equal(to_grayscale(plain.convert("RGBA")), to_grayscale(plain))


@pytest.mark.parametrize("color", ["black", "white", (200, 30, 60), (250, 240, 60)])
@pytest.mark.parametrize("brush", [3, 34])
def test_ink_on_transparent_paper_is_its_alpha(color, brush):
    drawn = sketch(4, brush=brush)
    on_transparent = with_alpha(Image.new("RGB", (SIDE, SIDE), color), 255 - drawn)
    assert distance(ink_of(drawn), ink_of(on_transparent)) < 0.02


def test_a_sheet_with_transparent_surroundings_is_read_as_the_sheet():
    page = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    page.paste(Image.fromarray(sketch(4)).convert("RGBA"), (60, 60))
    assert distance(ink_of(sketch(4)), ink_of(page)) < 0.02


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "palette", "rounded"])
@pytest.mark.parametrize("colors", COLORS)
def test_ink_may_differ_in_its_colour_alone_in_any_mode(colors, mode):
    paper, pen = COLORS[colors]
    share = np.pad(sketch(4), ((60, 60), (110, 110)), constant_values=255)[..., None] / 255.0
    page = Image.fromarray((share * paper + (1 - share) * pen).astype(np.uint8))
    changed = {"palette": page.quantize(64), "rounded": with_alpha(page, rounded())}.get(mode)
    assert distance(ink_of(sketch(4)), ink_of(changed or page.convert(mode))) < 0.15
