"""Draw thumbnails, heat maps and the map of digits; encode them as data URLs."""

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from inkling.explanation.gallery import Gallery
from inkling.rendering import to_data_url

MAX_THUMBNAIL_PX = 360  # px: longest side of a picture on the page
FOR_COLOR, AGAINST_COLOR = (0, 114, 178), (213, 94, 0)  # Okabe and Ito's blue and vermilion
MAP_SIDE_PX, MAP_DIGIT_PX = 880, 26
MAP_COLORS = (  # of the ten digits, dark enough on white: Tol's muted scheme, and black
    (51, 34, 136), (0, 0, 0), (17, 119, 51), (68, 130, 180), (136, 34, 85),
    (150, 110, 20), (204, 102, 119), (20, 130, 120), (170, 68, 153), (190, 60, 10),
)  # fmt: skip


@dataclass(frozen=True)
class Thumbnail:
    """A reduced picture as a data URL."""

    data: str = ""
    size: tuple[int, int] = (1, 1)  # px: width and height of the picture that boxes refer to


def make_thumbnail(picture: Image.Image, size: tuple[int, int]) -> Thumbnail:
    """Return a picture, reduced; `size` is the size that boxes refer to, px."""
    scale = min(1, MAX_THUMBNAIL_PX / max(picture.size))
    small = picture.resize([max(1, round(scale * side)) for side in picture.size])
    if small.has_transparency_data:
        layers = small.convert("RGBA")
        small = Image.alpha_composite(Image.new("RGBA", layers.size, "white"), layers)
    return Thumbnail(to_data_url(small.convert("RGB"), "jpeg"), size)


def encode_ink(ink: np.ndarray) -> str:
    """Return ink (H, W), 0 to 1, as a data URL of a picture, dark on light."""
    return to_data_url(Image.fromarray((255 * (1 - ink)).round().astype(np.uint8)))


def draw_heat_map(evidence: np.ndarray, ink: np.ndarray) -> Image.Image:
    """Draw signed evidence (28, 28), -1 to 1, over ink (28, 28), 0 to 1: (28, 28) RGB."""
    strength = np.abs(evidence)[..., None] ** 0.7
    hue = np.where(evidence[..., None] > 0, FOR_COLOR, AGAINST_COLOR)
    paper = 255 * (1 - strength) + hue * strength
    return Image.fromarray((paper * (1 - 0.55 * ink[..., None])).round().astype(np.uint8))


def draw_change(ink: np.ndarray, changed: np.ndarray) -> Image.Image:
    """Draw the change of ink (28, 28), 0 to 1: added ink in blue, removed ink in vermilion."""
    added, removed = (changed - ink).clip(0)[..., None], (ink - changed).clip(0)[..., None]
    kept = np.minimum(ink, changed)[..., None]
    paper = 255 * (1 - added - removed - kept).clip(0)
    pixels = paper + added * np.array(FOR_COLOR) + removed * np.array(AGAINST_COLOR)
    return Image.fromarray(pixels.clip(0, 255).round().astype(np.uint8))


def draw_digit_map(gallery: Gallery) -> Image.Image:
    """Draw the map of digits: each of the gallery's digits at its position."""
    side = MAP_SIDE_PX - MAP_DIGIT_PX
    picture = np.full((MAP_SIDE_PX, MAP_SIDE_PX, 3), 255.0)
    colors = np.array(MAP_COLORS)
    order = np.argsort(-gallery.confidence.float().numpy())  # the least confident on top
    for k in order:
        x, y = (gallery.places[k].float().numpy() * side).round().astype(int)
        ink = gallery.ink[k].numpy()
        ink = cv2.resize(ink, (MAP_DIGIT_PX, MAP_DIGIT_PX), interpolation=cv2.INTER_AREA)
        ink = ink[..., None] / 255
        area = picture[y : y + MAP_DIGIT_PX, x : x + MAP_DIGIT_PX]
        area[:] = area * (1 - ink) + colors[gallery.labels[k]] * ink
    return Image.fromarray(picture.astype(np.uint8)).quantize(64)
