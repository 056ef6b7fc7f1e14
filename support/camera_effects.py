"""Rotate, warp, light, blur and compress pictures as cameras and scanners do."""

import io
from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image


def rotate(
    picture: np.ndarray, degrees: float, border_px: int = 0, border_color: Sequence[float] = (0,)
) -> np.ndarray:
    """Rotate a picture about its middle, after adding a border of one colour."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    matrix[:, 2] += border_px
    size = (width + 2 * border_px, height + 2 * border_px)
    return cv2.warpAffine(picture, matrix, size, borderValue=border_color)


def crop_to_mask(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Crop a picture to the bounding box of a mask (H, W)."""
    left, top, w, h = cv2.boundingRect(mask.astype(np.uint8))
    return picture[top : top + h, left : left + w]


def scan_coarsely(picture: np.ndarray, rows: int) -> np.ndarray:
    """Reduce a picture to `rows` rows of black or white pixels, and enlarge it four times."""
    columns = max(2, round(picture.shape[1] * rows / picture.shape[0]))
    scan = cv2.resize(picture.mean(axis=2), (columns, rows), interpolation=cv2.INTER_AREA)
    scan = np.where(scan > (scan.min() + scan.max()) / 2, 255, 0).astype(np.uint8)
    return np.repeat(scan.repeat(4, 0).repeat(4, 1)[..., None], 3, axis=2)


def warp(picture: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Distort a page in perspective and bend it, both by up to a share of its height."""
    height, width = picture.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + rng.uniform(-share, share, (4, 2)).astype(np.float32) * height
    back = cv2.getPerspectiveTransform(moved, corners)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    y = y + rng.uniform(-share, share) * height * np.sin(np.pi * x / width)
    sources = cv2.perspectiveTransform(np.stack([x, y], -1).reshape(1, -1, 2), back)
    sources = sources.reshape(height, width, 2).astype(np.float32)
    return cv2.remap(picture, sources, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def compute_lighting(
    picture: np.ndarray, lamp: float, shadow: float, rng: np.random.Generator
) -> np.ndarray:
    """Return the light (H, W, 1), 0 to 1, that a lamp's fall-off and a shadow's edge leave."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[0:height, 0:width] / np.array([[[height]], [[width]]]) - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    light = 1 - lamp * (x * np.cos(angle) + y * np.sin(angle) + 0.5)
    if shadow:
        angle = rng.uniform(0, 2 * np.pi)
        edge = x * np.cos(angle) + y * np.sin(angle) + rng.uniform(-0.3, 0.3)
        light = light * (1 - shadow / (1 + np.exp(-edge * rng.uniform(15, 80))))
    return light[..., None]


def photograph(
    picture: np.ndarray, blur: float, grain: float, jpeg: int, rng: np.random.Generator
) -> np.ndarray:
    """Blur a picture, add noise, and compress it as a JPEG of this quality; 0 skips a step."""
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
