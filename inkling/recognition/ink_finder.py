"""Find ink on uneven or patterned paper with a U-Net."""

import cv2
import numpy as np
import torch
from PIL import Image

from inkling.imaging.binarize import Ink, clean_ink, find_components, otsu_ink
from inkling.imaging.grayscale import to_grayscale
from inkling.recognition.page_networks import ink_net, standardize
from model import INK_NET_MULTIPLE_PX

UNET_SIDES_PX = (128, 256)  # longest sides at which the network sees a picture
# Small text is searched again in an enlarged crop.
ZOOMED_TEXT_PX = 45  # height of the text in it: the middle of the training data's
MAX_CROP_PX = 512  # longest side of the crop
MIN_ZOOM = 1.3  # below it the second search is skipped, to save time
CROP_MARGIN_SHARE = 0.5  # of the text's height, paper around it
MAX_UNIFORM_VARIATION = 0.3  # background variation up to which Otsu's threshold finds all ink


def find_ink(picture: Image.Image) -> Ink | None:
    """Find the ink of a picture of any mode and size, without reading it."""
    gray = to_grayscale(picture)
    first = otsu_ink(gray)
    if first is not None and is_uniform_background(first):
        return first
    return unet_ink(gray, UNET_SIDES_PX[-1])


def is_uniform_background(ink: Ink) -> bool:
    """Return whether the paper varies little, and no component spans the picture."""
    sizes = ink.components[1][1:, [cv2.CC_STAT_HEIGHT, cv2.CC_STAT_WIDTH]]
    return ink.background_variation < MAX_UNIFORM_VARIATION and not (sizes == ink.mask.shape).any()


def unet_ink(gray: np.ndarray, side: int) -> Ink | None:
    """Find ink with the network, which sees brightness (H, W) at a longest side in px."""
    probs = refine_small_text(gray, ink_prob_map(gray, side))
    mask = (probs > 0.5).astype(np.uint8)
    if not mask.any():
        return None
    small = cv2.resize(gray, probs.shape[::-1], interpolation=cv2.INTER_AREA)
    around = cv2.dilate(mask, np.ones((7, 7), np.uint8)) > mask
    dark = not around.any() or bool(small[mask > 0].mean() < small[around].mean())
    return clean_ink(Ink(probs, mask, dark, ("ink on uneven or patterned paper",)))


def refine_small_text(gray: np.ndarray, probs: np.ndarray) -> np.ndarray:
    """Compute a probability map again in an enlarged crop, if its text is small."""
    mask = (probs > 0.5).astype(np.uint8)
    stats = find_components(mask)[1]
    unit = max(gray.shape) / max(probs.shape)  # px of the picture per px of the map
    if len(stats) == 1 or unit < MIN_ZOOM:
        return probs
    height = np.average(stats[1:, cv2.CC_STAT_HEIGHT], weights=stats[1:, cv2.CC_STAT_AREA])
    left, top, width, height_of_all = (round(edge * unit) for edge in cv2.boundingRect(mask))
    margin = round(CROP_MARGIN_SHARE * height * unit)
    rows = slice(max(0, top - margin), top + height_of_all + margin)
    columns = slice(max(0, left - margin), left + width + margin)
    part = gray[rows, columns]
    scale = min(1.0, ZOOMED_TEXT_PX / height / unit, MAX_CROP_PX / max(part.shape))
    if scale * unit < MIN_ZOOM:
        return probs
    size = round(gray.shape[0] * scale), round(gray.shape[1] * scale)
    closer = np.zeros(size, np.float32)
    y, x = round(rows.start * scale), round(columns.start * scale)
    found = ink_prob_map(part, round(max(part.shape) * scale))[: size[0] - y, : size[1] - x]
    closer[y : y + found.shape[0], x : x + found.shape[1]] = found
    return closer


@torch.inference_mode()
def ink_prob_map(gray: np.ndarray, side: int) -> np.ndarray:
    """Return each pixel's probability of ink, for brightness (H, W) at a longest side in px."""
    torch.set_num_threads(1)  # of this thread
    scale = side / max(gray.shape)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    size = max(2, round(gray.shape[1] * scale)), max(2, round(gray.shape[0] * scale))
    small = cv2.resize(gray, size, interpolation=method)
    more = [-length % INK_NET_MULTIPLE_PX for length in size]
    filled = cv2.copyMakeBorder(small, 0, more[1], 0, more[0], cv2.BORDER_REFLECT)
    logits = ink_net()(torch.from_numpy(standardize_page(filled))[None])
    return logits.sigmoid()[0, 0, : size[1], : size[0]].numpy()


def standardize_page(gray: np.ndarray) -> np.ndarray:
    """Convert brightness (H, W) to the ink network's input, (2, H, W) float32."""
    return standardize(gray, (max(gray.shape) // 8) | 1)
