"""Turn, bend, light, blur and compress pages as a camera shows them."""

import io
from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image


def turned(
    picture: np.ndarray, degrees: float, border: int = 0, around: Sequence[float] = (0,)
) -> np.ndarray:
    """Turn a picture, in a border px wide of one colour."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    matrix[:, 2] += border
    size = (width + 2 * border, height + 2 * border)
    return cv2.warpAffine(picture, matrix, size, borderValue=around)


def cut(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the part of a picture that a mask (H, W) is in."""
    left, top, w, h = cv2.boundingRect(mask.astype(np.uint8))
    return picture[top : top + h, left : left + w]


def few_pixels(picture: np.ndarray, rows: int) -> np.ndarray:
    """Scan a picture in so many rows, each pixel black or white, and enlarge it four times."""
    columns = max(2, round(picture.shape[1] * rows / picture.shape[0]))
    scan = cv2.resize(picture.mean(axis=2), (columns, rows), interpolation=cv2.INTER_AREA)
    scan = np.where(scan > (scan.min() + scan.max()) / 2, 255, 0).astype(np.uint8)
    return np.repeat(scan.repeat(4, 0).repeat(4, 1)[..., None], 3, axis=2)


def bent(picture: np.ndarray, bend: float, rng: np.random.Generator) -> np.ndarray:
    """Look at a page from one side, and let it bulge."""
    height, width = picture.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + rng.uniform(-bend, bend, (4, 2)).astype(np.float32) * height
    back = cv2.getPerspectiveTransform(moved, corners)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    y = y + rng.uniform(-bend, bend) * height * np.sin(np.pi * x / width)
    where = cv2.perspectiveTransform(np.stack([x, y], -1).reshape(1, -1, 2), back)
    where = where.reshape(height, width, 2).astype(np.float32)
    return cv2.remap(picture, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def light_on(
    picture: np.ndarray, lamp: float, shadow: float, rng: np.random.Generator
) -> np.ndarray:
    """Return the light on each place, (H, W, 1), 0 to 1, less what a lamp and a shadow take."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[0:height, 0:width] / np.array([[[height]], [[width]]]) - 0.5
    toward = rng.uniform(0, 2 * np.pi)
    light = 1 - lamp * (x * np.cos(toward) + y * np.sin(toward) + 0.5)
    if shadow:
        toward = rng.uniform(0, 2 * np.pi)
        edge = x * np.cos(toward) + y * np.sin(toward) + rng.uniform(-0.3, 0.3)
        light = light * (1 - shadow / (1 + np.exp(-edge * rng.uniform(15, 80))))
    return light[..., None]


def photograph(
    picture: np.ndarray, blur: float, grain: float, jpeg: int, rng: np.random.Generator
) -> np.ndarray:
    """Blur, grain and compress a picture, as a camera does."""
    if blur:
        picture = cv2.GaussianBlur(picture, (0, 0), blur)
    if grain:
        picture = picture + rng.normal(0, grain, picture.shape)
    picture = picture.clip(0, 255).astype(np.uint8)
    if jpeg:
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "jpeg", quality=jpeg)
        picture = np.asarray(Image.open(file))
    return picture
