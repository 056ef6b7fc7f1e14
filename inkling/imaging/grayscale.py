"""A picture of any mode becomes brightness in which ink and paper differ most."""

from collections.abc import Iterator

import cv2
import numpy as np
from PIL import Image

from inkling.imaging.open_image import in_bytes

WORK_SIDE = 1024  # px: larger pictures are reduced to this before anything else
SLIGHT = 10  # of 255: alpha that differs less than this shows no shape; screenshots have 250 to 255
STRIP = 256  # rows that are copied at once: 1 MB of a picture 4,000 px wide
# Colours are compared where ink and paper are equally bright.
SAMPLED = 200  # px: the colours of a picture are compared in about so many rows and columns
LIGHTNESS = np.array([0.299, 0.587, 0.114])  # of red, green and blue: ITU-R BT.601
CHROMA = 0.25  # share of the contrast that is of lightness: below it colours are compared
# Whether what is not transparent is a sheet of paper, or was drawn.
EVEN = 0.04  # darkness: ink under transparent paper of one colour varies less than this
SHEET_CONTRAST = 0.08  # of white to black: colours of a sheet that differ less hold no ink


def brightness(picture: Image.Image) -> np.ndarray:
    """Return the picture as brightness (H, W), float32, 0 = black, 1 = white.

    The longest side is reduced to `WORK_SIDE`; transparent places take a colour that the ink stands
    out from.
    """
    scale = min(1.0, WORK_SIDE / max(picture.size))
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    picture = in_bytes(picture)
    if picture.has_transparency_data:
        picture = picture if picture.mode in ("LA", "RGBA") else picture.convert("RGBA")
        cover = channel(picture, "A")
        low, high = int(cover.min()), int(cover.max())
        if high - low > SLIGHT or low <= SLIGHT:
            return brightness_of_layers(picture, size)
    if picture.mode in ("P", "PA"):
        picture = picture.convert("RGB")
    if picture.mode in ("RGB", "RGBA"):
        step = max(1, max(picture.size) // SAMPLED)
        sample = np.stack([band[::step, ::step] for band in bands(picture)], -1)
        if (axis := colour_axis(sample)) is not None:
            return along(axis, np.stack([reduced(band, size) for band in bands(picture)], -1))
    return reduced(np.asarray(picture.convert("L")), size)


def colour_axis(sample: np.ndarray) -> np.ndarray | None:
    """Return the colour, (3,) float32, in which a sample of a picture (H, W, 3) differs most.

    None if it differs in its lightness as well, which is then as good a measure.
    """
    sample = sample.reshape(-1, 3)
    if len(sample) < 2:
        return None
    spread = np.cov(sample.T.astype(np.float32))
    sizes, axes = np.linalg.eigh(np.atleast_2d(spread))
    if 3 * LIGHTNESS @ spread @ LIGHTNESS >= CHROMA * sizes[-1]:
        return None
    return axes[:, -1].astype(np.float32)


def along(axis: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Return how far each of the colours (H, W, 3) is along an axis of theirs, 0 to 1: (H, W)."""
    shade = colours @ axis
    return (shade - shade.min()) / max(np.ptp(shade), 1e-6)


def bands(picture: Image.Image) -> Iterator[np.ndarray]:
    """Return the channels (H, W) of a picture but its alpha, one by one: all are much to hold."""
    return (channel(picture, band) for band in picture.getbands() if band != "A")


def channel(picture: Image.Image, band: str) -> np.ndarray:
    """Return a channel (H, W) of a picture, copied in strips: Pillow needs three times its size."""
    whole = np.empty((picture.height, picture.width), np.uint8)
    for top in range(0, picture.height, STRIP):
        strip = picture.crop((0, top, picture.width, min(top + STRIP, picture.height)))
        whole[top : top + STRIP] = np.asarray(strip.getchannel(band))
    return whole


def reduced(channel: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a channel, uint8, reduced to a (width, height): (H, W) float32, 0 to 1."""
    return cv2.resize(channel, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def brightness_of_layers(picture: Image.Image, size: tuple[int, int]) -> np.ndarray:
    """Return the brightness (H, W) of a picture that is transparent here and there, LA or RGBA.

    Either its alpha is what was drawn, or it is a sheet of paper with clear surroundings.
    """
    cover = channel(picture, "A")
    alpha = reduced(cover, size)
    covered = (cv2.multiply(band, cover, scale=1 / 255) for band in bands(picture))
    colours = np.stack([reduced(band, size) for band in covered], -1)
    weights = LIGHTNESS if colours.shape[-1] == 3 else np.ones(1)
    solid = alpha > 0.5
    if not solid.any() or not is_sheet(colours / np.maximum(alpha, 0.5)[..., None], solid, weights):
        return 1 - alpha  # whatever the colour is
    paper = np.median(colours[solid] / alpha[solid, None], axis=0)
    colours += (1 - alpha)[..., None] * paper
    if len(weights) == 3 and (axis := colour_axis(colours)) is not None:
        return along(axis, colours)
    return (colours @ weights).astype(np.float32)


def is_sheet(colours: np.ndarray, solid: np.ndarray, weights: np.ndarray) -> bool:
    """Tell whether there is ink among the solid colours (H, W, C), 0 to 1, of a picture.

    On a sheet that fills most of the picture there may be very little of it, or pale ink; but edges
    of what was drawn have odd colours, so that those are left out.
    """
    if solid.mean() <= 0.5:
        return bool((colours[solid] @ weights).std() >= EVEN)
    inner = cv2.erode(solid.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    return bool(inner.any() and np.ptp(colours[inner], axis=0).max() >= SHEET_CONTRAST)
