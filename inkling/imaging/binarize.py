"""Any picture becomes ink: light evened out, rules wiped off, and strokes told from paper.

A photograph's light falls off, its paper is ruled, its page lies on a table; a sketch has none of
that. What is done to a picture is said in words, for people to read.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from inkling.imaging.mnist_frame import EDGE
from inkling.imaging.open_image import in_bytes
from inkling.imaging.ruled_lines import without_rules

WORK_SIDE = 1024  # px: larger pictures are reduced to this before anything else
EVEN = 0.04  # darkness: ink under transparent paper of one colour varies less than this
SLIGHT = 10  # of 255: alpha that differs less than this shows no shape; screenshots have 250 to 255
SAMPLED = 200  # px: the colours of a picture are compared in about so many rows and columns
LIGHTNESS = np.array([0.299, 0.587, 0.114])  # of red, green and blue: ITU-R BT.601
CHROMA = 0.25  # share of the contrast that is of lightness: below it colours are compared
MIN_CONTRAST = 0.08  # of white to black: fainter ink is not told from paper
MIN_CONTRAST_TO_NOISE = 6.0  # a blank sheet with grain stays below this
NOISE_FLOOR = 4.0  # standard deviations of the paper's grain that count as paper
SMALLEST_PHOTO = 64  # px: smaller pictures have been reduced by others
SHADOW = 0.8  # of the ink's depth: the most that a shadow has
UNEVEN = 0.25  # of the contrast: paper that varies more than this lies in uneven light
LIGHT_SIDE = 512  # px: the light on the paper is estimated at this size
LIGHT_BLUR = 1.0  # px of that size
LIGHT_WINDOW = 0.4  # of the picture: wider than a digit's strokes stand close together
WIDEST_STROKE = 0.16  # of the picture: what is thinner is ink, what is thicker a shadow
DARKEST = 0.15  # of white: in darker places ink is not measured as a share of the light
FAINT_END = 0.7  # of what ink must have: what its strokes may fade to
FAINT = 0.25  # of the strongest ink: the least that a stroke may have
SLIVER = 0.04  # of the picture: thinner ink along its edge has been cut off
SPECK = 0.03  # of a usual stroke's area: smaller spots are dust
BOARD = 0.06  # of the picture: the least that a page or a board in it covers
RIM = 0.02  # of its length: what is left out along a board's edge
BOARD_SIDE = 24  # px
SOLID = 0.55  # of a board: the least that is not ink
BOX_SHAPED = 0.9  # of the smallest box around it: the least that a board covers; a disc has 0.79


@dataclass(frozen=True)
class Ink:
    """What was found on the paper."""

    depth: np.ndarray  # (H, W) float32, 0 = paper, 1 = full ink, edges soft
    mask: np.ndarray  # (H, W) uint8, 1 where a stroke is
    dark: bool  # whether it is darker than the paper
    notes: tuple[str, ...] = ()  # what was done to the picture


def find_ink(picture: Image.Image) -> Ink | None:
    """Tell ink from paper in a picture of any mode and size; None if there is no ink.

    The longest side is reduced to `WORK_SIDE`.
    """
    return ink_in(brightness(picture), level=1)


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


def ink_in(light: np.ndarray, level: int) -> Ink | None:
    """Tell ink from paper by brightness (H, W), 0 = black, 1 = white; None if there is no ink.

    Pages and boards are looked for in it, and in these again, `level` times.
    """
    bytes_ = (light * 255).round().astype(np.uint8)
    _, bright = cv2.threshold(bytes_, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    if bright.all() or not bright.any():
        return None
    border = np.concatenate([bright[0], bright[-1], bright[1:-1, 0], bright[1:-1, -1]])
    share = border.mean()
    paper_is_bright = bool(bright.mean() > 0.5 if 0.35 < share < 0.65 else share > 0.5)
    mask = (bright != paper_is_bright).astype(np.uint8)
    paper_light = light[mask == 0]
    paper = float(np.median(paper_light))
    depth = (paper - light) if paper_is_bright else (light - paper)
    strong = float(np.percentile(depth[mask > 0], 98))
    if level:
        found = boards(light, mask, paper_is_bright, level)
        if found and paper_is_bright:
            return ink_with_boards(light, found)
        if found:
            return ink_on_pages(light, [outline for outline, _ in found])
    if is_uneven(depth, mask, strong) and (ink := ink_in_uneven_light(light)):
        return ink
    noise = 1.4826 * float(np.median(np.abs(paper_light - paper)))  # of a normal grain
    if strong < max(MIN_CONTRAST, MIN_CONTRAST_TO_NOISE * noise):
        return None
    return cleaned(depth, mask, strong, NOISE_FLOOR * noise, paper_is_bright)


def boards(
    light: np.ndarray, mask: np.ndarray, dark: bool, level: int
) -> list[tuple[np.ndarray, Ink]]:
    """Return the outlines (K, 2) of what is paper of its own, and the ink on each.

    That is a page on a table, a blackboard on a wall, a filled box in a form: shaped like a box, on
    paper that is the brighter if the board is `dark`, and its ink has the other's brightness again.
    """
    found = []
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    for outline in outlines:
        box = cv2.minAreaRect(outline)
        size = box[1][0] * box[1][1]
        if min(box[1]) < BOARD_SIDE or size < BOARD * mask.size:
            continue
        hull = cv2.convexHull(outline)
        left, top, width, height = cv2.boundingRect(hull)
        place = slice(top, top + height), slice(left, left + width)
        inside = cv2.fillPoly(np.zeros((height, width), np.uint8), [hull - (left, top)], 1)
        area = cv2.contourArea(hull)
        if area < BOX_SHAPED * size or cv2.contourArea(outline) < BOX_SHAPED * area:
            continue
        if mask[place][inside > 0].mean() < SOLID:
            continue
        rim = max(3, round(RIM * max(inside.shape)))
        inside = cv2.copyMakeBorder(inside, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
        inside = cv2.erode(inside, np.ones((2 * rim + 1,) * 2, np.uint8))[1:-1, 1:-1]
        ink = ink_in(spread(light[place], inside), level - 1) if inside.any() else None
        if ink and ink.dark != dark:
            found.append((hull, ink))
    return found


def ink_with_boards(light: np.ndarray, found: list[tuple[np.ndarray, Ink]]) -> Ink:
    """Return the ink on boards and on the paper around them."""
    outside = np.ones(light.shape, np.uint8)
    for outline, _ in found:
        cv2.fillPoly(outside, [outline], 0)
    outside = cv2.erode(outside, np.ones((9, 9), np.uint8))
    around = ink_in(spread(light, outside), 0)
    depth = around.depth if around else np.zeros_like(light)
    mask = around.mask if around else np.zeros(light.shape, np.uint8)
    for outline, ink in found:
        left, top, width, height = cv2.boundingRect(outline)
        place = slice(top, top + height), slice(left, left + width)
        depth[place] = np.maximum(depth[place], ink.depth)
        mask[place] |= ink.mask
    return Ink(depth, mask, around.dark if around else False, ("light ink in dark boxes",))


def ink_on_pages(light: np.ndarray, outlines: list[np.ndarray]) -> Ink | None:
    """Return the ink on bright pages, and around them too if they may be lit parts of one page.

    A lit part goes on beyond the edge of the picture; a page on a table mostly ends within it.
    """
    height, width = light.shape
    ink = ink_in_uneven_light(light, dark=True)
    inside = np.zeros(light.shape, np.uint8)
    for outline in outlines:
        left, top, w, h = cv2.boundingRect(outline)
        if ink is None or left <= 1 or top <= 1 or left + w >= width - 1 or top + h >= height - 1:
            return ink
        cv2.fillPoly(inside, [outline], 1)
    rim = round(RIM * max(light.shape)) + 2
    inside = cv2.erode(inside, np.ones((2 * rim + 1,) * 2, np.uint8))
    kept = ink.mask * inside
    if not kept.any():
        return ink
    return Ink(ink.depth * inside, kept, ink.dark, ("page found", *ink.notes))


def spread(light: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Return the light (H, W) with what is not inside replaced by what is near."""
    reach = max(light.shape) / 6
    near = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), reach)
    mean = cv2.GaussianBlur(light * inside, (0, 0), reach) / near.clip(1e-4)
    return np.where(inside > 0, light, mean)


def is_uneven(depth: np.ndarray, mask: np.ndarray, strong: float) -> bool:
    """Tell whether the paper, away from the ink, varies much, or some of the ink is a shadow.

    A shadow is wider than strokes, and not as deep as ink, or it runs over the picture's edge.
    """
    if min(depth.shape) < SMALLEST_PHOTO:  # too small to have paper away from the ink
        return False
    wide = round(WIDEST_STROKE * max(mask.shape) / 4) | 1
    blots = cv2.erode(mask[::4, ::4], np.ones((wide, wide), np.uint8)) > 0
    if blots.any():
        edge = np.concatenate([blots[0], blots[-1], blots[:, 0], blots[:, -1]])
        if edge.any() or np.median(depth[::4, ::4][blots]) < SHADOW * strong:
            return True
    away = cv2.dilate(mask, np.ones((9, 9), np.uint8))[::4, ::4] == 0
    paper = cv2.blur(depth, (5, 5))[::4, ::4][away]
    if len(paper) < 0.05 * away.size:
        return False
    low, high = np.percentile(paper, (2, 98))
    return bool(high - low > UNEVEN * strong)


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


def against_paper(light: np.ndarray, dark: bool | None) -> tuple[np.ndarray, bool]:
    """Return how far each place is from the paper around it, and whether the ink is the darker.

    The paper's light is what is left when strokes are closed, which keeps the edges of shadows.
    Dark ink is measured as a share of that light, as shadows are; light ink as a difference.
    """
    scale = min(1.0, LIGHT_SIDE / max(light.shape))
    small = cv2.resize(light, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), LIGHT_BLUR)
    dark = ink_is_dark(small) if dark is None else dark
    stroke = round(WIDEST_STROKE * max(small.shape)) | 1
    beyond = [min(stroke, side - 1) for side in small.shape]  # light falls off beyond the edge too
    wide = np.pad(small, [(b, b) for b in beyond], "reflect", reflect_type="odd")
    way = cv2.MORPH_CLOSE if dark else cv2.MORPH_OPEN
    paper = cv2.morphologyEx(wide, way, np.ones((stroke, stroke), np.uint8))
    paper = paper[beyond[0] : -beyond[0], beyond[1] : -beyond[1]]
    paper = cv2.resize(paper, light.shape[::-1], interpolation=cv2.INTER_LINEAR)
    depth = (paper - light) / paper.clip(DARKEST) if dark else light - paper
    return depth - float(np.median(depth)), dark


def ink_is_dark(light: np.ndarray) -> bool:
    """Tell whether more stands out from wide surroundings by being darker than by being lighter."""
    small = cv2.resize(light, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    window = round(LIGHT_WINDOW * max(small.shape)) | 1
    paper = cv2.medianBlur((small * 255).round().astype(np.uint8), window) / np.float32(255)
    off = small / paper.clip(0.02) - 1
    noise = 1.4826 * float(np.median(np.abs(off))) + 0.01
    darker = float(np.square(off[off < -6 * noise]).sum())
    lighter = float(np.square((small - paper)[off > 6 * noise]).sum())
    return darker >= lighter


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


def brightness(picture: Image.Image) -> np.ndarray:
    """Return the picture as brightness (H, W), float32, 0 = black, 1 = white.

    The longest side is reduced to `WORK_SIDE`; transparent places take a colour that the ink stands
    out from.
    """
    scale = min(1.0, WORK_SIDE / max(picture.size))
    size = tuple(max(1, round(side * scale)) for side in picture.size)
    picture = in_bytes(picture)
    if picture.has_transparency_data:
        picture = picture if picture.mode in ("LA", "RGBA") else picture.convert("RGBA")
        low, high = picture.getchannel("A").getextrema()
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


def bands(picture: Image.Image) -> Iterator[np.ndarray]:
    """Yield the channels (H, W) of a picture but its alpha, one by one: all are much to hold."""
    for band in picture.getbands():
        if band != "A":
            yield np.asarray(picture.getchannel(band))


def reduced(channel: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a channel, uint8, reduced to a (width, height): (H, W) float32, 0 to 1."""
    return cv2.resize(channel, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def along(axis: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Return how far each of the colours (H, W, 3) is along an axis of theirs, 0 to 1: (H, W)."""
    shade = colours @ axis
    return (shade - shade.min()) / max(np.ptp(shade), 1e-6)


def brightness_of_layers(picture: Image.Image, size: tuple[int, int]) -> np.ndarray:
    """Return the brightness (H, W) of a picture that is transparent here and there, LA or RGBA.

    Either its alpha is what was drawn, or it is a sheet of paper with clear surroundings.
    """
    cover = np.asarray(picture.getchannel("A"))
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
    return bool(inner.any() and np.ptp(colours[inner], axis=0).max() >= MIN_CONTRAST)
