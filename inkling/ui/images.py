"""Ink, evidence and maps become pictures, and pictures become URLs that hold them."""

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from inkling.explanation.gallery import Gallery
from inkling.rendering import data_url

MAX_THUMBNAIL_PX = 360  # px: longest side of a picture as the page shows it
FOR_COLOR, AGAINST_COLOR = (0, 114, 178), (213, 94, 0)  # Okabe and Ito's blue and vermilion
NEUTRAL_COLOR = (238, 240, 246)  # a place of a layer's map that does not respond
MAP_SIDE_PX, MAP_DIGIT_PX = 880, 26  # px
MAP_COLORS = (  # of the ten digits, dark enough on white: Tol's muted scheme, and black
    (51, 34, 136), (0, 0, 0), (17, 119, 51), (68, 130, 180), (136, 34, 85),
    (150, 110, 20), (204, 102, 119), (20, 130, 120), (170, 68, 153), (190, 60, 10),
)  # fmt: skip


@dataclass(frozen=True)
class Thumbnail:
    """A picture as the page shows it."""

    data: str = ""  # as a URL
    size: tuple[int, int] = (1, 1)  # of the picture that the boxes belong to, px


def make_thumbnail(picture: Image.Image, size: tuple[int, int]) -> Thumbnail:
    """Return a picture, reduced; boxes belong to one of `size` px, width and height."""
    scale = min(1, MAX_THUMBNAIL_PX / max(picture.size))
    small = picture.resize([max(1, round(scale * side)) for side in picture.size])
    if small.has_transparency_data:
        layers = small.convert("RGBA")
        small = Image.alpha_composite(Image.new("RGBA", layers.size, "white"), layers)
    return Thumbnail(data_url(small.convert("RGB"), "jpeg"), size)


def encode_ink(ink: np.ndarray) -> str:
    """Return ink (H, W), 0 = paper, 1 = ink, as a URL of a picture, dark on light."""
    return data_url(Image.fromarray((255 * (1 - ink)).round().astype(np.uint8)))


def draw_heat_map(evidence: np.ndarray, ink: np.ndarray) -> Image.Image:
    """Picture signed evidence (28, 28), -1 to 1, over ink (28, 28), 0 to 1: (28, 28) RGB."""
    strength = np.abs(evidence)[..., None] ** 0.7
    hue = np.where(evidence[..., None] > 0, FOR_COLOR, AGAINST_COLOR)
    paper = 255 * (1 - strength) + hue * strength
    return Image.fromarray((paper * (1 - 0.55 * ink[..., None])).round().astype(np.uint8))


def draw_change(ink: np.ndarray, changed: np.ndarray) -> Image.Image:
    """Picture what changes of ink (28, 28), 0 to 1: what comes in blue, what goes in vermilion."""
    come, go = (changed - ink).clip(0)[..., None], (ink - changed).clip(0)[..., None]
    stays = np.minimum(ink, changed)[..., None]
    paper = 255 * (1 - come - go - stays).clip(0)
    pixels = paper + come * np.array(FOR_COLOR) + go * np.array(AGAINST_COLOR)
    return Image.fromarray(pixels.clip(0, 255).round().astype(np.uint8))


def draw_signed_map(values: np.ndarray) -> Image.Image:
    """Picture signed values (H, W), -1 to 1: above 0 in blue, below in vermilion."""
    hue = np.where(values[..., None] > 0, FOR_COLOR, AGAINST_COLOR)
    strength = np.abs(values[..., None])
    pixels = (1 - strength) * np.array(NEUTRAL_COLOR) + strength * hue
    return Image.fromarray(pixels.round().astype(np.uint8))


def draw_digit_map(gallery: Gallery) -> Image.Image:
    """Picture digit space: each digit of the gallery small, at its place."""
    side = MAP_SIDE_PX - MAP_DIGIT_PX
    picture = np.full((MAP_SIDE_PX, MAP_SIDE_PX, 3), 255.0)
    colours = np.array(MAP_COLORS)
    order = np.argsort(-gallery.confidence.float().numpy())  # the least sure on top
    for k in order:
        x, y = (gallery.places[k].float().numpy() * side).round().astype(int)
        ink = cv2.resize(
            gallery.ink[k].numpy(), (MAP_DIGIT_PX, MAP_DIGIT_PX), interpolation=cv2.INTER_AREA
        )
        ink = ink[..., None] / 255
        part = picture[y : y + MAP_DIGIT_PX, x : x + MAP_DIGIT_PX]
        part[:] = part * (1 - ink) + colours[gallery.labels[k]] * ink
    return Image.fromarray(picture.astype(np.uint8)).quantize(64)
