"""Separate ink from paper of any kind: a U-Net, where two levels do not do."""

import cv2
import numpy as np
import torch
from PIL import Image

from inkling.imaging.binarize import Ink, make_ink, otsu_ink
from inkling.imaging.grayscale import to_grayscale
from inkling.recognition.page_networks import ink_net, standardize
from model import INK_NET_MULTIPLE_PX

LEARNED_SIDES_PX = (128, 256)  # longest sides at which the network looks at a picture
# Low writing is looked at again, closer.
TALL = 45  # px, height that it gets: the middle of what the network has learned from
CLOSEST = 512  # px, longest side of what is looked at
CLOSER = 1.3  # times larger than it was, or it is not worth the time
MARGIN = 0.5  # of its height, paper around it
MAX_EVEN = (
    0.3  # background_variation of paper up to which two levels show all ink, and nothing else
)


def find_ink(picture: Image.Image) -> Ink | None:
    """Tell ink from paper in a picture of any mode and size, with nobody to read it."""
    light = to_grayscale(picture)
    first = otsu_ink(light)
    return (
        first if first is not None and is_even(first) else learned_ink(light, LEARNED_SIDES_PX[-1])
    )


def is_even(ink: Ink) -> bool:
    """Return whether paper is even, and no rule or shadow runs along the ink's edge."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink.mask)
    sizes = stats[1:, [cv2.CC_STAT_HEIGHT, cv2.CC_STAT_WIDTH]]
    return ink.background_variation < MAX_EVEN and not (sizes == ink.mask.shape).any()


def learned_ink(light: np.ndarray, side: int) -> Ink | None:
    """Tell ink from paper as the network has learned to, at a longest side in px."""
    chances = looked_at_closer(light, ink_chances(light, side))
    mask = (chances > 0.5).astype(np.uint8)
    if not mask.any():
        return None
    small = cv2.resize(light, chances.shape[::-1], interpolation=cv2.INTER_AREA)
    around = cv2.dilate(mask, np.ones((7, 7), np.uint8)) > mask
    dark = not around.any() or bool(small[mask > 0].mean() < small[around].mean())
    return make_ink(chances, mask, dark, ("ink told from uneven or patterned paper",))


def looked_at_closer(light: np.ndarray, chances: np.ndarray) -> np.ndarray:
    """Return chances of ink as they are, or of a closer look at a small part with low writing."""
    mask = (chances > 0.5).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    unit = max(light.shape) / max(chances.shape)  # px of the picture in one of these
    if len(stats) == 1 or unit < CLOSER:
        return chances
    height = np.average(stats[1:, cv2.CC_STAT_HEIGHT], weights=stats[1:, cv2.CC_STAT_AREA])
    left, top, width, height_of_all = (round(edge * unit) for edge in cv2.boundingRect(mask))
    margin = round(MARGIN * height * unit)
    rows = slice(max(0, top - margin), top + height_of_all + margin)
    columns = slice(max(0, left - margin), left + width + margin)
    part = light[rows, columns]
    scale = min(1.0, TALL / height / unit, CLOSEST / max(part.shape))
    if scale * unit < CLOSER:
        return chances
    size = round(light.shape[0] * scale), round(light.shape[1] * scale)
    closer = np.zeros(size, np.float32)
    y, x = round(rows.start * scale), round(columns.start * scale)
    found = ink_chances(part, round(max(part.shape) * scale))[: size[0] - y, : size[1] - x]
    closer[y : y + found.shape[0], x : x + found.shape[1]] = found
    return closer


@torch.inference_mode()
def ink_chances(light: np.ndarray, side: int) -> np.ndarray:
    """Return how likely each place of brightness is ink, 0 to 1, at a longest side in px."""
    torch.set_num_threads(1)  # of this thread
    scale = side / max(light.shape)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    size = max(2, round(light.shape[1] * scale)), max(2, round(light.shape[0] * scale))
    small = cv2.resize(light, size, interpolation=method)
    more = [-length % INK_NET_MULTIPLE_PX for length in size]
    filled = cv2.copyMakeBorder(small, 0, more[1], 0, more[0], cv2.BORDER_REFLECT)
    logits = ink_net()(torch.from_numpy(standardize_page(filled))[None])
    return logits.sigmoid()[0, 0, : size[1], : size[0]].numpy()


def standardize_page(light: np.ndarray) -> np.ndarray:
    """Return brightness (H, W) as the ink network takes it, (2, H, W) float32."""
    return standardize(light, (max(light.shape) // 8) | 1)
