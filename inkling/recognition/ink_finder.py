"""A picture becomes a few hypotheses of what in it is ink, the likeliest first."""

import cv2
import numpy as np
import torch
from PIL import Image

from inkling.imaging.binarize import Ink, inked, two_level_ink
from inkling.imaging.grayscale import brightness
from inkling.imaging.illumination import evenly_lit
from inkling.recognition.ink_net import COARSEST, standardised
from inkling.recognition.page_networks import ink_net

SIDES = (128, 256)  # px, longest sides at which the network looks at a picture
ENLARGED = 3  # times, the most: a digit of a few pixels is no clearer larger
# Low writing is looked at again, closer.
TALL = 45  # px, height that it gets: the middle of what the network has learned from
CLOSEST = 512  # px, longest side of what is looked at
CLOSER = 1.3  # times larger than it was, or it is not worth the time
MARGIN = 0.5  # of its height, paper around it
# What is surely one drawing, which two levels show as well as it can be.
FEW = 5  # strokes
WIDEST = 0.18  # of the picture: no stroke is wider, but a dark box is
EVEN = 0.3  # unevenness of paper up to which what is read surely is all there is
STAINED = 0.5  # unevenness above which ink at the edge may be a shadow: clean scans stay below 0.41
SPOTLESS = 0.06  # unevenness of paper up to which two levels leave no doubt


def find_ink(picture: Image.Image) -> Ink | None:
    """Tell ink from paper in a picture of any mode and size, with nobody to read it."""
    light = brightness(picture)
    first = two_level_ink(light)
    return first if first is not None and is_even(first) else learned_ink(light, SIDES[-1])


def two_level_inks(light: np.ndarray) -> list[Ink | None]:
    """Return what two levels say is ink in brightness (H, W), and its inverse if ink is all around.

    A digit that fills its picture may well be along most of its edges.
    """
    first = two_level_ink(light)
    if first is None or not all_around(first.mask):
        return [first]
    return [first, two_level_ink(light, dark=not first.dark)]


def learned_inks(light: np.ndarray) -> list[Ink | None]:
    """Return what the network says is ink in brightness (H, W), from afar and from nearer."""
    most = ENLARGED * max(light.shape)
    return [learned_ink(light, side) for side in sorted({min(side, most) for side in SIDES})]


def evenly_lit_ink(light: np.ndarray) -> Ink | None:
    """Return what two levels say is ink in brightness (H, W), once the light on it is divided out.

    It is looked at from afar, as the network does: of a large picture a closing takes long.
    """
    scale = min(1.0, SIDES[-1] / max(light.shape))
    size = max(1, round(light.shape[1] * scale)), max(1, round(light.shape[0] * scale))
    return two_level_ink(evenly_lit(cv2.resize(light, size, interpolation=cv2.INTER_AREA)))


def is_even(ink: Ink) -> bool:
    """Tell whether there is hardly other ink, as paper is even, and no rule or shadow among it."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink.mask)
    sizes = stats[1:, [cv2.CC_STAT_HEIGHT, cv2.CC_STAT_WIDTH]]
    return ink.unevenness < EVEN and not (sizes == ink.mask.shape).any()


def is_drawing(ink: Ink) -> bool:
    """Tell whether all ink is surely one drawing on even paper: in a few strokes."""
    strokes = cv2.connectedComponents(ink.mask)[0] - 1
    if not is_even(ink) or ink.unevenness > SPOTLESS or strokes > FEW:
        return False
    thickest = 2 * cv2.distanceTransform(ink.mask, cv2.DIST_L2, 3).max()
    return strokes == 1 or bool(thickest < WIDEST * max(ink.mask.shape))


def small_part(ink: Ink | None, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Return the box of a small part of a picture that has all ink, if looking closer shows more.

    The picture has a (width, height), and its ink was found when it was reduced.
    """
    if ink is None or (unit := max(size) / max(ink.mask.shape)) < CLOSER or not is_even(ink):
        return None
    left, top, width, height = cv2.boundingRect(ink.mask)
    margin = max(width, height)  # so that there is paper to compare with
    if 3 * margin * CLOSER > max(ink.mask.shape):
        return None
    box = (left - margin, top - margin, left + width + margin, top + height + margin)
    left, top, right, bottom = (round(edge * unit) for edge in box)
    return max(0, left), max(0, top), min(size[0], right), min(size[1], bottom)


def all_around(mask: np.ndarray) -> bool:
    """Tell whether there is ink along all four edges of a picture (H, W)."""
    return all(edge.any() for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))


def learned_ink(light: np.ndarray, side: int) -> Ink | None:
    """Tell ink from paper as the network has learned to, at a longest side in px."""
    chances = looked_at_closer(light, ink_chances(light, side))
    mask = (chances > 0.5).astype(np.uint8)
    if not mask.any():
        return None
    small = cv2.resize(light, chances.shape[::-1], interpolation=cv2.INTER_AREA)
    around = cv2.dilate(mask, np.ones((7, 7), np.uint8)) > mask
    dark = not around.any() or bool(small[mask > 0].mean() < small[around].mean())
    return inked(chances, mask, dark, ("ink told from uneven or patterned paper",))


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
    more = [-length % COARSEST for length in size]
    filled = cv2.copyMakeBorder(small, 0, more[1], 0, more[0], cv2.BORDER_REFLECT)
    logits = ink_net()(torch.from_numpy(standardised(filled))[None])
    return logits.sigmoid()[0, 0, : size[1], : size[0]].numpy()
