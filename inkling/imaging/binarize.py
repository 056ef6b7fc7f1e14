"""Any picture becomes ink: strokes are told from paper, whatever the light and the paper.

In stages: brightness, two levels, panels (paper of another brightness, each a picture of its own),
uneven light, ruled lines and specks. What is done to a picture is said in words, for people.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from inkling.imaging.grayscale import brightness
from inkling.imaging.illumination import against_paper, is_uneven
from inkling.imaging.mnist_frame import EDGE
from inkling.imaging.panels import Panel, find_panels, outside, spread, within
from inkling.imaging.ruled_lines import without_rules

# Two levels.
MIN_CONTRAST = 0.08  # of white to black: fainter ink is not told from paper
MIN_CONTRAST_TO_NOISE = 6.0  # a blank sheet with grain stays below this
NOISE_FLOOR = 4.0  # standard deviations of the paper's grain that count as paper
# Strokes in uneven light.
FAINT_END = 0.7  # of what ink must have: what its strokes may fade to
FAINT = 0.25  # of the strongest ink: the least that a stroke may have
# What is no stroke.
SLIVER = 0.04  # of the picture: thinner ink along its edge has been cut off
SPECK = 0.03  # of a usual stroke's area: smaller spots are dust


@dataclass(frozen=True)
class Ink:
    """What was found on the paper."""

    depth: np.ndarray  # (H, W) float32, 0 = paper, 1 = full ink, edges soft
    mask: np.ndarray  # (H, W) uint8, 1 where a stroke is
    dark: bool  # whether it is darker than the paper
    notes: tuple[str, ...] = ()  # what was done to the picture


def find_ink(picture: Image.Image) -> Ink | None:
    """Tell ink from paper in a picture of any mode and size; None if there is no ink.

    The longest side is reduced to `grayscale.WORK_SIDE`.
    """
    return ink_in(brightness(picture))


def ink_in(light: np.ndarray, has_panels: bool = True) -> Ink | None:
    """Tell ink from paper by brightness (H, W), 0 = black, 1 = white; None if there is no ink."""
    levels = two_levels(light)
    if levels is None:
        return None
    mask, paper_is_bright = levels
    if has_panels:
        inks = [
            (panel, ink)
            for panel in find_panels(mask)
            if (ink := ink_in(spread(light[panel.place], panel.inside), has_panels=False))
            and ink.dark != paper_is_bright
        ]
        if inks and paper_is_bright:
            around = ink_in(spread(light, outside(light.shape, [p for p, _ in inks])), False)
            return with_panels(light.shape, around, inks)
        if inks:
            return on_pages(ink_in_uneven_light(light, dark=True), [p for p, _ in inks])
    paper_light = light[mask == 0]
    paper = float(np.median(paper_light))
    depth = (paper - light) if paper_is_bright else (light - paper)
    strong = float(np.percentile(depth[mask > 0], 98))
    if is_uneven(depth, mask, strong) and (ink := ink_in_uneven_light(light)):
        return ink
    noise = 1.4826 * float(np.median(np.abs(paper_light - paper)))  # of a normal grain
    if strong < max(MIN_CONTRAST, MIN_CONTRAST_TO_NOISE * noise):
        return None
    return cleaned(depth, mask, strong, NOISE_FLOOR * noise, paper_is_bright)


def two_levels(light: np.ndarray) -> tuple[np.ndarray, bool] | None:
    """Split brightness (H, W) in two; return where paper is not, uint8, and if paper is the bright.

    None if it is all alike. What most of the picture's border is, is paper; or most of the picture.
    """
    levels = (light * 255).round().astype(np.uint8)
    _, bright = cv2.threshold(levels, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    if bright.all() or not bright.any():
        return None
    border = np.concatenate([bright[0], bright[-1], bright[1:-1, 0], bright[1:-1, -1]])
    share = border.mean()
    paper_is_bright = bool(bright.mean() > 0.5 if 0.35 < share < 0.65 else share > 0.5)
    return (bright != paper_is_bright).astype(np.uint8), paper_is_bright


def with_panels(shape: tuple[int, int], around: Ink | None, inks: list[tuple[Panel, Ink]]) -> Ink:
    """Return the ink on dark panels, and that on the bright paper around them, as one."""
    depth = around.depth if around else np.zeros(shape, np.float32)
    mask = around.mask if around else np.zeros(shape, np.uint8)
    for panel, ink in inks:
        depth[panel.place] = np.maximum(depth[panel.place], ink.depth)
        mask[panel.place] |= ink.mask
    return Ink(depth, mask, around.dark if around else False, ("light ink in dark boxes",))


def on_pages(ink: Ink | None, pages: list[Panel]) -> Ink | None:
    """Leave out what is around bright pages, unless they may be lit parts of one page.

    A lit part goes on beyond the edge of the picture; a page on a table mostly ends within it.
    """
    if ink is None or not all(page.ends_within(ink.mask.shape) for page in pages):
        return ink
    inside = within(ink.mask.shape, pages)
    kept = ink.mask * inside
    if not kept.any():
        return ink
    return Ink(ink.depth * inside, kept, ink.dark, ("page found", *ink.notes))


def ink_in_uneven_light(light: np.ndarray, dark: bool | None = None) -> Ink | None:
    """Tell ink from paper where light falls off, or shadows lie; `dark` if it is known to be."""
    depth, dark = against_paper(light, dark)
    noise = 1.4826 * float(np.median(np.abs(depth)))
    depth = np.maximum(depth, 0)
    significant = depth > max(MIN_CONTRAST_TO_NOISE * noise, MIN_CONTRAST)
    if not significant.any():
        return None
    strong = float(np.percentile(depth[significant], 95))
    levels = (255 * (depth[significant] / strong).clip(0, 1)).astype(np.uint8)
    threshold, _ = cv2.threshold(levels, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    limit = strong * min(max(threshold / 255, FAINT), 0.6)
    mask = connected_to(depth > limit, depth > FAINT_END * limit)
    return cleaned(depth, mask, strong, NOISE_FLOOR * noise, dark, ("uneven light: evened out",))


def connected_to(strong: np.ndarray, weak: np.ndarray) -> np.ndarray:
    """Return the weak places (H, W) that are connected to strong ones, as uint8."""
    count, labels = cv2.connectedComponents(weak.astype(np.uint8))
    kept = np.zeros(count, np.uint8)
    kept[labels[strong]] = 1
    kept[0] = 0  # what is neither
    return kept[labels]


def cleaned(
    depth: np.ndarray,
    mask: np.ndarray,
    strong: float,
    floor: float,
    dark: bool,
    notes: tuple[str, ...] = (),
) -> Ink | None:
    """Return the ink without rules, specks and what else is no stroke."""
    if not dark:
        notes += ("light ink on dark: inverted",)
    kept, ruled = without_rules(mask)
    kept, specks = without_specks(kept)
    if not kept.any():
        return None
    soft = np.clip((depth - floor) / max(strong - floor, 1e-6), 0, 1).astype(np.float32)
    if ruled:
        soft[(mask > 0) & (kept == 0)] = 0
        notes += ("ruled paper: lines wiped off",)
    if specks:
        notes += ("specks ignored",)
    soft *= cv2.dilate(kept, np.ones((5, 5), np.uint8))  # soft edges lie around the strokes
    return Ink(soft, kept, dark, notes) if (soft > EDGE).any() else None


def without_specks(mask: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return the mask (H, W) uint8 without specks and slivers, and if there were any.

    A sliver is what is left of a rule or a neighbour when a picture is cropped.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count <= 2:  # the paper and one stroke
        return mask, False
    left, top, width, height, area = stats.T
    at_side = (left == 0) | (left + width == mask.shape[1])
    at_end = (top == 0) | (top + height == mask.shape[0])
    thin = SLIVER * max(mask.shape)
    sliver = (at_side & (width < thin) & (height > width)) | (
        at_end & (height < thin) & (width > height)
    )
    inside = ~(at_side | at_end)  # what runs over the edge may be a shadow, or the table
    sizes = np.sort(area[inside] if inside[1:].any() else area[1:])
    usual = sizes[np.searchsorted(sizes.cumsum(), sizes.sum() / 2)]  # half of the ink is in larger
    keep = (area >= SPECK * usual) & ~sliver
    if not keep[1:].any():
        keep = area >= area[1:].max()
    keep[0] = False  # the paper
    return keep[labels].astype(np.uint8), bool(not keep[1:].all())
