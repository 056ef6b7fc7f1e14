"""Random shapes and printed letters that are no digits: ink (H, W), 0 to 1.

Shapes that digits can have, such as the letters O, I, Z and S, are left out.
"""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from matplotlib import get_data_path
from PIL import ImageFont

from data.drawing.pen_strokes import interpolate_path
from data.drawing.pen_variation import draw_strokes

PRINTED_LETTERS = "ACEFHJKLMNPRTUVWXYacdefhkmnprtuvwx@#%*+=<>"
STROKE_FONTS = range(8)  # OpenCV's Hershey fonts
OUTLINE_FONTS = (  # Matplotlib's
    *("DejaVuSans", "DejaVuSans-Oblique", "DejaVuSans-Bold", "DejaVuSansMono", "DejaVuSerif"),
    *("DejaVuSerif-Italic", "STIXGeneral", "STIXGeneralItalic", "cmr10", "cmss10", "cmtt10"),
    "cmti10",
)
LETTER_HEIGHT_PX = 90
CANVAS_SHAPE = (120, 120)  # px
ROW_PENS_PX = (0.7, 2.0)  # px of the frame: pens that keep a row of letters legible
WARP_SHARE = 0.06  # of the side: standard deviation of a letter's bending


def draw_curves(
    points: list[np.ndarray], rng: np.random.Generator, smooth: bool = True
) -> np.ndarray:
    """Draw pen strokes through points, each (K, 2)."""
    return draw_strokes([interpolate_path(p, float(smooth)) for p in points], rng)


def draw_polyline(rng: np.random.Generator) -> np.ndarray:
    """Draw one to four strokes of straight lines."""
    count = rng.integers(1, 5)
    least = 5 if count == 1 else 2
    points = [rng.uniform(0, 1, (rng.integers(least, least + 4), 2)) for _ in range(count)]
    return draw_curves(points, rng, smooth=False)


def draw_scrawl(rng: np.random.Generator) -> np.ndarray:
    """Draw one to four curved strokes."""
    count = rng.integers(1, 5)
    least = 6 if count == 1 else 3
    points = [
        rng.uniform(0, 1, 2) + rng.uniform(0, 0.8, (rng.integers(least, least + 5), 2))
        for _ in range(count)
    ]
    return draw_curves(points, rng)


def draw_zigzag(rng: np.random.Generator) -> np.ndarray:
    """Draw waves, like illegible handwriting."""
    count = rng.integers(5, 16)
    across = np.linspace(0, 1, count) + rng.normal(0, 0.03, count)
    up_down = np.arange(count) % 2 * rng.uniform(0.1, 0.8) + rng.normal(0, 0.06, count)
    points = np.stack([across, up_down], axis=1)
    if rng.random() < 0.3:
        points = points[:, ::-1]
    return draw_curves([points], rng, smooth=rng.random() < 0.6)


def draw_polygon(rng: np.random.Generator) -> np.ndarray:
    """Draw one to three closed shapes of three to five corners, regular or not."""
    shapes = []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        corners = rng.choice([3, 3, 3, 4, 4, 4, 5])
        around = np.arange(corners) + rng.uniform(0, 1) + rng.normal(0, 0.12, corners)
        around = around * 2 * np.pi / corners
        outline = np.stack([np.cos(around), np.sin(around)], axis=1)
        outline *= np.exp(rng.normal(0, 0.35, 2)) * rng.uniform(0.3, 1)
        outline = outline + rng.uniform(-0.7, 0.7, 2)
        shapes.append(np.concatenate([outline, outline[:1] + rng.normal(0, 0.03, 2)]))
    return draw_curves(shapes, rng, smooth=False)


def draw_rectangle(rng: np.random.Generator) -> np.ndarray:
    """Draw a box, perhaps with a second one or a line in it."""
    wide = np.exp(rng.uniform(-1.3, 1.3))
    outline = np.array([[0, 0], [wide, 0], [wide, 1], [0, 1], [0, 0]])
    strokes = [outline + rng.normal(0, 0.04, (5, 2))]
    if rng.random() < 0.3:
        strokes.append(outline * rng.uniform(0.3, 0.8) + rng.uniform(-0.2, 0.4, 2))
    if rng.random() < 0.3:
        strokes.append(rng.uniform(0, 1, (2, 2)) * [wide, 1])
    return draw_curves(strokes, rng, smooth=False)


def draw_loops(rng: np.random.Generator) -> np.ndarray:
    """Draw a row of loops in one stroke, like e or l in cursive writing."""
    turns = rng.uniform(2.2, 7)
    t = np.linspace(0, turns, round(9 * turns))
    around = rng.choice([-1, 1]) * 2 * np.pi * t + rng.uniform(0, 2 * np.pi)
    heights = np.interp(t, np.arange(9), rng.uniform(0.3, 1, 9))
    x = rng.uniform(0.4, 1.6) * t + 0.5 * heights * np.cos(around)
    y = heights * np.sin(around) + rng.normal(0, 0.2) * t
    points = np.stack([x, y], axis=1) + rng.normal(0, 0.03, (len(t), 2))
    return draw_strokes([interpolate_path(points, 1)], rng, rng.uniform(*ROW_PENS_PX))


def draw_spiral(rng: np.random.Generator) -> np.ndarray:
    """Draw a spiral with more turns than a 6."""
    turns = rng.uniform(1.7, 4)
    t = np.linspace(0.05, 1, 24)
    around = rng.uniform(0, 2 * np.pi) + rng.choice([-1, 1]) * 2 * np.pi * turns * t
    points = (t * np.stack([np.cos(around), np.sin(around)])).T * np.exp(rng.normal(0, 0.2, 2))
    return draw_curves([points + rng.normal(0, 0.015, points.shape)], rng)


def draw_arcs(rng: np.random.Generator) -> np.ndarray:
    """Draw concentric arcs, like a rainbow or a moon, open below or to a side."""
    middle = rng.choice([-0.5, -0.5, 0.5]) * np.pi + rng.normal(0, 0.3)
    reach = rng.uniform(0.35, 0.6) * np.pi
    strokes = []
    for radius in np.linspace(1, rng.uniform(0.4, 0.8), rng.integers(1, 5)):
        around = np.linspace(middle - reach, middle + reach, 9)
        strokes.append(radius * np.stack([np.cos(around), rng.uniform(0.6, 1) * np.sin(around)]).T)
    return draw_curves(strokes, rng)


def draw_sticks(rng: np.random.Generator) -> np.ndarray:
    """Draw two to six lines: crosses, grids, tally marks, equals signs."""
    count = rng.integers(2, 7)
    turn = rng.uniform(0, np.pi, count)
    if rng.random() < 0.5:
        turn = rng.uniform(0, np.pi) + rng.choice([0, np.pi / 2], count) + rng.normal(0, 0.1, count)
    half = rng.uniform(0.3, 0.6, (count, 1)) * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    middle = rng.uniform(-0.4, 0.4, (count, 2))
    ends = np.stack([middle - half, middle + half], axis=1)
    return draw_curves(list(ends), rng, smooth=False)


def draw_dash(rng: np.random.Generator) -> np.ndarray:
    """Draw a nearly horizontal line."""
    turn = rng.uniform(-0.55, 0.55)
    end = np.array([np.cos(turn), np.sin(turn)])
    return draw_curves([np.stack([-end, rng.normal(0, 0.1, 2), end])], rng)


def draw_stars(rng: np.random.Generator) -> np.ndarray:
    """Draw rings with lines: faces, flowers, suns, lollipops, wheels."""
    around = np.linspace(0, 2 * np.pi, 13)
    ring = np.stack([np.cos(around), np.sin(around)], axis=1) * np.exp(rng.normal(0, 0.2, 2))
    strokes = [ring + rng.normal(0, 0.03, ring.shape)]
    for _ in range(rng.integers(3, 8)):
        angle, near, far = rng.uniform(0, 2 * np.pi), *rng.uniform(0, 1.8, 2)
        ray = np.array([np.cos(angle), np.sin(angle)])
        strokes.append(np.stack([ray * near, ray * (far + 0.2) + rng.normal(0, 0.2, 2)]))
    return draw_curves(strokes, rng, smooth=rng.random() < 0.5)


def draw_lollipop(rng: np.random.Generator) -> np.ndarray:
    """Draw a ring, a spiral or a blot on a stem below its middle; a 9 has its stem at a side."""
    turns = rng.choice([1.05, 1.05, rng.uniform(1.5, 3.5)])
    t = np.linspace(0, 1, 20)
    around = rng.uniform(0, 2 * np.pi) + 2 * np.pi * turns * t
    radius = 1 - t * (turns > 1.1)
    ring = (radius * np.stack([np.cos(around), np.sin(around) * rng.uniform(0.7, 1.2)])).T
    x = rng.normal(0, 0.15)
    foot = np.array([x + rng.normal(0, 0.25), rng.uniform(2, 4.5)])
    stem = np.stack([[x, rng.uniform(0.7, 1.1)], (foot + [x, 1]) / 2, foot])
    ways = [[ring + rng.normal(0, 0.03, ring.shape), stem], [ring * 0.3, ring * 0.7, ring, stem]]
    strokes = ways[rng.random() < 0.2]
    if rng.random() < 0.2:  # upside down
        strokes = [s * [1, -1] for s in strokes]
    return draw_curves(strokes, rng)


def draw_closed(rng: np.random.Generator) -> np.ndarray:
    """Draw a closed outline with one or two sharp corners: a heart or a moon."""
    if rng.random() < 0.5:  # heart
        x = np.array([0, 0.3, 0.7, 0.95, 0.8, 0, -0.8, -0.95, -0.7, -0.3, 0])
        y = np.array([-0.4, -0.8, -0.85, -0.4, 0.1, 1, 0.1, -0.4, -0.85, -0.8, -0.4])
        corner = np.isin(np.arange(11), (5,))
    else:  # moon: two arcs between the same tips
        t = np.linspace(-1, 1, 7)
        bulges = rng.uniform(0.6, 1.2), rng.uniform(-0.2, 0.6)
        x = np.concatenate([bulges[0] * (1 - t**2), bulges[1] * (1 - t[::-1][1:] ** 2)])
        y = np.concatenate([t, t[::-1][1:]])
        corner = np.arange(13) == 6
        if rng.random() < 0.5:
            x = -x
    outline = np.stack([x, y], axis=1)
    outline = outline + rng.normal(0, 0.05, outline.shape)
    turn = rng.normal(0, 0.4)
    turned = outline @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return draw_strokes([interpolate_path(turned, 1.0 - corner)], rng)


def draw_solid(rng: np.random.Generator) -> np.ndarray:
    """Draw a cylinder or a box as seen from above."""
    wide, high = rng.uniform(0.3, 1), rng.uniform(0.3, 1.2)
    if rng.random() < 0.5:
        around = np.linspace(0, 2 * np.pi, 13)
        top = np.stack([wide * np.cos(around), 0.3 * wide * np.sin(around)], axis=1)
        body = np.concatenate([[[wide, 0]], top[:7] + [0, high], [[-wide, 0]]])
        return draw_curves([top, body], rng)
    back = rng.uniform(0.15, 0.4, 2) * [rng.choice([-1, 1]), -1]
    front = np.array([[0, 0], [wide, 0], [wide, high], [0, high], [0, 0]])
    strokes = [front, front + back, *(np.stack([c, c + back]) for c in front[:4])]
    return draw_curves(strokes[: rng.integers(4, 7)], rng, smooth=False)


def draw_blot(rng: np.random.Generator) -> np.ndarray:
    """Draw a filled shape: a blot, a moon, a box, a dot."""
    corners = rng.integers(3, 12)
    around = np.sort(rng.uniform(0, 2 * np.pi, corners))
    radius = rng.uniform(0.4, 1, corners) if rng.random() < 0.7 else np.ones(corners)
    outline = 50 * radius * np.stack([np.cos(around), np.sin(around) * rng.uniform(0.5, 1)])
    canvas = np.zeros(CANVAS_SHAPE, np.uint8)
    cv2.fillPoly(canvas, [(60 + outline.T).astype(np.int32)], 1)
    if rng.random() < 0.4:
        size = int(rng.integers(5, 30)) * 2 + 1
        canvas = (cv2.GaussianBlur(canvas * 255, (size, size), 0) > 127).astype(np.uint8)
    return canvas.astype(np.float32)


def draw_noise(rng: np.random.Generator) -> np.ndarray:
    """Draw flecks."""
    field = cv2.GaussianBlur(rng.normal(size=CANVAS_SHAPE), (0, 0), rng.uniform(1.5, 9))
    return (field > np.quantile(field, rng.uniform(0.6, 0.95))).astype(np.float32)


def draw_letter(rng: np.random.Generator) -> np.ndarray:
    """Print a distorted letter or sign."""
    return warp(render_text(rng.choice(list(PRINTED_LETTERS)), rng), rng)


def render_text(words: str, rng: np.random.Generator) -> np.ndarray:
    """Render words in a random font: ink (H, W)."""
    if rng.random() < 0.6:
        font, pen = int(rng.choice(STROKE_FONTS)), int(rng.integers(4, 17))
        (width, height), below = cv2.getTextSize(words, font, LETTER_HEIGHT_PX / 22, pen)
        canvas = np.zeros((height + below + 2 * pen, width + 2 * pen), np.uint8)
        cv2.putText(canvas, words, (pen, height + pen), font, LETTER_HEIGHT_PX / 22, 1, pen)
        return canvas.astype(np.float32)
    shape = load_outline_font(str(rng.choice(OUTLINE_FONTS))).getmask(words, mode="L")
    return (np.array(shape).reshape(shape.size[::-1]) > 127).astype(np.float32)


@cache
def load_outline_font(name: str) -> ImageFont.FreeTypeFont:
    """Open one of `OUTLINE_FONTS`."""
    file = Path(get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"
    return ImageFont.truetype(file, LETTER_HEIGHT_PX)


def warp(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rotate, shear, stretch and bend ink."""
    height, width = ink.shape
    side = max(height, width)
    border = side // 3
    ink = cv2.copyMakeBorder(ink, border, border, border, border, cv2.BORDER_CONSTANT, value=0)
    bend = rng.normal(0, WARP_SHARE * side, (2, 4, 4)).astype(np.float32)
    x, y = np.meshgrid(*(np.arange(s, dtype=np.float32) for s in ink.shape[::-1]))
    dx, dy = (cv2.resize(b, ink.shape[::-1], interpolation=cv2.INTER_CUBIC) for b in bend)
    rotation, shear = rng.normal(0, (0.12, 0.15))
    cx, cy = x - ink.shape[1] / 2, y - ink.shape[0] / 2
    fx = cx * np.cos(rotation) + cy * (shear - np.sin(rotation)) + ink.shape[1] / 2 + dx
    fy = (cx * np.sin(rotation) + cy * np.cos(rotation)) * np.exp(rng.normal(0, 0.15))
    fy += ink.shape[0] / 2 + dy
    return cv2.remap(ink, fx.astype(np.float32), fy.astype(np.float32), cv2.INTER_LINEAR)
