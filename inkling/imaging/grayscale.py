"""Convert a picture of any mode to grayscale, along the color axis of most contrast."""

from collections.abc import Iterator

import cv2
import numpy as np
from PIL import Image

from inkling.imaging.open_image import Size, to_8bit

MAX_WORK_SIDE_PX = 1024  # px: larger pictures are reduced first
MIN_ALPHA_RANGE = 10  # of 255: screenshots have alpha from 250 to 255, without a shape in it
STRIP_ROWS = 256  # rows copied at once: 1 MB of a picture 4,000 px wide
COLOR_SAMPLE_SIDE_PX = 200  # px: rows and columns whose colours are compared, about
LUMA_WEIGHTS = np.array([0.299, 0.587, 0.114])  # of red, green and blue: ITU-R BT.601
MIN_LUMA_SHARE = 0.25  # of the colours' variance: below it the main color axis replaces luma
FLAT_COLOR_SD = 0.04  # of white to black: ink in one colour on transparent paper varies less
MIN_SHEET_CONTRAST = 0.08  # of white to black: a sheet whose colours vary less holds no ink


def to_grayscale(picture: Image.Image) -> np.ndarray:
    """Return the picture as gray (H, W), float32, 0 = black, 1 = white.

    The longest side is reduced to `MAX_WORK_SIDE_PX`. Transparent areas contrast with the ink.
    """
    scale = min(1.0, MAX_WORK_SIDE_PX / max(picture.size))
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    picture = to_8bit(picture)
    if picture.has_transparency_data:
        picture = picture if picture.mode in ("LA", "RGBA") else picture.convert("RGBA")
        alpha = copy_channel(picture, "A")
        low, high = int(alpha.min()), int(alpha.max())
        if high - low > MIN_ALPHA_RANGE or low <= MIN_ALPHA_RANGE:
            return flatten_transparency(picture, alpha, size)
    if picture.mode in ("P", "PA"):
        picture = picture.convert("RGB")
    if picture.mode in ("RGB", "RGBA"):
        step = max(1, max(picture.size) // COLOR_SAMPLE_SIDE_PX)
        sample = np.stack([band[::step, ::step] for band in color_channels(picture)], -1)
        if (axis := find_color_axis(sample)) is not None:
            channels = [resize_area(band, size) for band in color_channels(picture)]
            return project_on_axis(axis, np.stack(channels, -1))
    return resize_area(np.asarray(picture.convert("L")), size)


def find_color_axis(colors: np.ndarray) -> np.ndarray | None:
    """Return the axis (3,) float32 of most variance in colours (H, W, 3); None if luma will do."""
    colors = colors.reshape(-1, 3)
    if len(colors) < 2:
        return None
    covariance = np.cov(colors.T.astype(np.float32))
    variances, axes = np.linalg.eigh(np.atleast_2d(covariance))
    if 3 * LUMA_WEIGHTS @ covariance @ LUMA_WEIGHTS >= MIN_LUMA_SHARE * variances[-1]:
        return None
    return axes[:, -1].astype(np.float32)


def project_on_axis(axis: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Return positions (H, W), 0 to 1, of colours (H, W, 3) along an axis."""
    shade = colors @ axis
    return (shade - shade.min()) / max(np.ptp(shade), 1e-6)


def color_channels(picture: Image.Image) -> Iterator[np.ndarray]:
    """Yield the channels (H, W) except alpha, one at a time to save memory."""
    return (copy_channel(picture, band) for band in picture.getbands() if band != "A")


def copy_channel(picture: Image.Image, band: str) -> np.ndarray:
    """Return a channel (H, W), copied in strips: Pillow needs three times its size at once."""
    whole = np.empty((picture.height, picture.width), np.uint8)
    for top in range(0, picture.height, STRIP_ROWS):
        strip = picture.crop((0, top, picture.width, min(top + STRIP_ROWS, picture.height)))
        whole[top : top + STRIP_ROWS] = np.asarray(strip.getchannel(band))
    return whole


def resize_area(channel: np.ndarray, size: Size) -> np.ndarray:
    """Return a uint8 channel reduced to (width, height): (H, W) float32, 0 to 1."""
    return cv2.resize(channel, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def flatten_transparency(picture: Image.Image, alpha: np.ndarray, size: Size) -> np.ndarray:
    """Return gray (H, W) of a partly transparent picture, LA or RGBA, and its alpha channel.

    Either the alpha holds the drawing, or the picture is a sheet with transparent surroundings.
    """
    premultiplied = (cv2.multiply(band, alpha, scale=1 / 255) for band in color_channels(picture))
    colors = np.stack([resize_area(band, size) for band in premultiplied], -1)
    opacity = resize_area(alpha, size)
    weights = LUMA_WEIGHTS if colors.shape[-1] == 3 else np.ones(1)
    solid = opacity > 0.5
    plain = colors / np.maximum(opacity, 0.5)[..., None]
    if not solid.any() or not is_paper_sheet(plain, solid, weights):
        return 1 - opacity
    paper = np.median(colors[solid] / opacity[solid, None], axis=0)
    colors += (1 - opacity)[..., None] * paper
    if len(weights) == 3 and (axis := find_color_axis(colors)) is not None:
        return project_on_axis(axis, colors)
    return (colors @ weights).astype(np.float32)


def is_paper_sheet(colors: np.ndarray, solid: np.ndarray, weights: np.ndarray) -> bool:
    """Return whether the solid part (H, W) of colours (H, W, C), 0 to 1, holds paper and ink."""
    if solid.mean() <= 0.5:
        return bool((colors[solid] @ weights).std() >= FLAT_COLOR_SD)
    # A sheet that fills most of the picture may have little or pale ink: its extremes decide, but
    # not at edges, which have odd colours.
    inner = cv2.erode(solid.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    return bool(inner.any() and np.ptp(colors[inner], axis=0).max() >= MIN_SHEET_CONTRAST)
