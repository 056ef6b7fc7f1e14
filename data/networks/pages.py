"""Compose pages with their ink masks: writing on many papers, under many lights.

python -m data.networks.pages sheet.png   a contact sheet: pictures and their ink
"""

import argparse
import io
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from data.drawing.random_shapes import render_text
from data.networks.lines import GlyphBank
from inkling.datasets.mnist import load_mnist

PAGE_SIDE_PX = 128  # of a picture
PRINT_CHARACTERS = "abcdefghijklmnoprstuvwxyzABCDEFGHIJKLMNOPRSTUVW .:,"  # what is printed on forms
BLANK_PAGE_SHARE = 0.14  # share of pictures without writing
EDGE_TO_EDGE_SHARE = 0.1  # share of pictures that one digit fills
LINE_PAGE_SHARE = 0.5  # share of the others with lines of digits; in the rest things stand anywhere
CONTRAST = (0.03, 1.0)  # of white to black, between pen and paper


def compose_page(
    glyphs: GlyphBank, rng: np.random.Generator, side: int = PAGE_SIDE_PX
) -> tuple[np.ndarray, np.ndarray]:
    """Return a picture (side, side), 0 to 1, and its ink (side, side), 0 to 1: both float32."""
    ink = compose_ink(glyphs, rng, side)
    contrast = np.exp(rng.uniform(*np.log(CONTRAST)))
    paper = np.zeros((side, side), np.float32)  # how much darker than plain paper, 1 = as ink is
    for layer, share in LAYERS.items():
        if rng.random() < share:
            darkness = layer(side, rng)
            paper = np.maximum(paper, darkness) if layer in LINE_LAYERS else paper + darkness
    boxes = rng.random() < 0.06
    flip = draw_box_mask(side, rng) if boxes else 0.0
    pressed = 1 + rng.uniform(0, 0.35) * smooth_noise(side, rng.uniform(1, 4), rng)
    cover = (ink * rng.uniform(0.8, 1) * pressed.clip(0.4, 1)).clip(0, 1)
    darkness = paper * (1 - cover) + cover
    darkness = np.abs(flip - darkness) if boxes else darkness
    low = rng.uniform(0, 1 - contrast)  # the darkest: ink
    return photograph(low + contrast * (1 - darkness), ink, contrast, rng)


def photograph(
    gray: np.ndarray, ink: np.ndarray, contrast: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return a page and its ink, both (side, side), as a camera in some light shows them."""
    side = len(gray)
    if rng.random() < 0.08:
        gray, ink = lay_on_table(gray, ink, rng)
    if rng.random() < 0.2:
        gray, ink = bend_page(gray, ink, rng)
    if rng.random() < 0.3:
        gray = gray * draw_lamp(side, rng)
    if rng.random() < 0.15:
        gray = gray * draw_shadow(side, rng)
    if rng.random() < 0.6:
        gray = cv2.GaussianBlur(gray, (0, 0), rng.uniform(0.3, 1.2))
    if rng.random() < 0.6:
        grain = contrast * np.exp(rng.uniform(np.log(0.01), np.log(0.25)))
        gray = gray + rng.normal(0, grain, gray.shape)
    if rng.random() < 0.35:
        gray = 1 - gray
    gray = (255 * gray.clip(0, 1)).round().astype(np.uint8)
    if rng.random() < 0.25:
        file = io.BytesIO()
        Image.fromarray(gray).save(file, "jpeg", quality=int(rng.integers(30, 95)))
        gray = np.asarray(Image.open(file))
    if rng.random() < 0.25:  # enlarged
        part = rng.uniform(0.15, 0.7)
        few = cv2.resize(gray, None, fx=part, fy=part, interpolation=cv2.INTER_AREA)
        how = cv2.INTER_CUBIC if rng.random() < 0.7 else cv2.INTER_NEAREST
        gray = cv2.resize(few, (side, side), interpolation=how)
    return gray.astype(np.float32) / 255, ink.clip(0, 1)


def compose_ink(glyphs: GlyphBank, rng: np.random.Generator, side: int) -> np.ndarray:
    """Write sample_glyph, or nothing: ink (side, side), 0 to 1."""
    ink = np.zeros((side, side), np.float32)
    kind = rng.random()
    if kind < BLANK_PAGE_SHARE:
        return ink
    if kind < BLANK_PAGE_SHARE + EDGE_TO_EDGE_SHARE:
        one = sample_glyph(glyphs, rng)
        tall = max(2, round(side * (1 if rng.random() < 0.6 else rng.uniform(0.6, 1.1))))
        wide = tall if rng.random() < 0.4 else round(min(side, tall * one.shape[1] / len(one)))
        paste_ink(ink, one, tall, max(2, wide), (side - wide) // 2, (side - tall) // 2)
        return ink
    height = side * np.exp(rng.uniform(np.log(0.1), np.log(0.8)))
    if kind < BLANK_PAGE_SHARE + EDGE_TO_EDGE_SHARE + LINE_PAGE_SHARE:
        y = rng.uniform(-0.3, 0.6) * height
        while y < side - 0.5 * height:
            count = int(rng.integers(1, 2 + max(1, min(7, side / height * 1.5))))
            line = glyphs.compose_line(count, rng).ink
            tall = round(height * rng.uniform(0.8, 1.2))
            wide = max(1, round(line.shape[1] * tall / len(line)))
            paste_ink(ink, line, tall, wide, round(rng.uniform(-0.2, 0.4) * side), round(y))
            y += height * rng.uniform(1.1, 2.5)
            if rng.random() < 0.5:
                break
    else:
        for _ in range(rng.integers(1, 1 + max(2, min(6, side / height)))):
            one = sample_glyph(glyphs, rng)
            tall = max(4, round(height * rng.uniform(0.6, 1.3)))
            wide = max(2, round(one.shape[1] * tall / len(one)))
            x, y = (round(rng.uniform(-0.1, 1) * (side - s / 2)) for s in (wide, tall))
            paste_ink(ink, one, tall, wide, x, y)
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), rng.normal(0, 4), 1)
    return cv2.warpAffine(ink, turn, (side, side)) if rng.random() < 0.5 else ink


def sample_glyph(glyphs: GlyphBank, rng: np.random.Generator) -> np.ndarray:
    """Return the ink of a digit or a character, (H, W)."""
    if rng.random() < 0.3:
        return glyphs.sample_letter(int(rng.integers(len(glyphs.letters))), rng)
    if rng.random() < 0.5:
        return glyphs.sample_mnist(rng)[1]
    return glyphs.sample_drawn(int(rng.integers(len(glyphs.drawn))), rng)[1]


def paste_ink(canvas: np.ndarray, ink: np.ndarray, tall: int, wide: int, x: int, y: int) -> None:
    """Paste resized ink with its corner at (x, y), clipped to the canvas."""
    ink = cv2.resize(ink, (wide, tall), interpolation=cv2.INTER_AREA)
    left, top = max(0, -x), max(0, -y)
    ink = ink[top : canvas.shape[0] - y, left : canvas.shape[1] - x]
    part = canvas[y + top : y + top + ink.shape[0], x + left : x + left + ink.shape[1]]
    if ink.size:
        np.maximum(part, ink, out=part)


def smooth_noise(side: int, grain: float, rng: np.random.Generator) -> np.ndarray:
    """Return smooth noise (side, side), about -1 to 1, with a grain in px."""
    few = max(2, round(side / grain))
    noise = rng.normal(0, 0.5, (few, few)).astype(np.float32)
    return cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC)


def draw_texture(side: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the texture of paper: darkness (side, side)."""
    return rng.uniform(0.05, 0.35) * smooth_noise(side, np.exp(rng.uniform(0, 3)), rng)


def draw_stain(side: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a wide stain with a soft or hard edge: darkness (side, side)."""
    blot = smooth_noise(side, side / rng.uniform(2, 4), rng) - 0.3
    return rng.uniform(0.1, 0.6) / (1 + np.exp(-blot * np.exp(rng.uniform(1, 4))))


def draw_guilloche(side: int, rng: np.random.Generator) -> np.ndarray:
    """Draw families of fine waves, as on cheques: darkness (side, side)."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    pattern = np.zeros((side, side), np.float32)
    for _ in range(rng.integers(1, 4)):
        turn, period = rng.uniform(0, np.pi), rng.uniform(2.5, 14)
        along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
        swing, length = rng.uniform(0, 1.2) * period, rng.uniform(3, 20) * period
        wave = across + swing * np.sin(2 * np.pi * along / length + rng.uniform(0, 6))
        wave += rng.choice([0, 1]) * side * 0.1 * smooth_noise(side, side / 2, rng)
        thin = rng.uniform(0, 0.8)
        lines = (np.cos(2 * np.pi * wave / period) - thin) / (1 - thin)
        pattern = np.maximum(pattern, rng.uniform(0.1, 0.75) * lines.clip(0, 1))
    return pattern


def draw_dots(side: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a grid of dots or small signs: darkness (side, side)."""
    period, turn = rng.uniform(3, 12), rng.uniform(0, np.pi / 2)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    waves = np.cos(2 * np.pi * u / period) * np.cos(2 * np.pi * v / period * rng.choice([1, 1, 2]))
    edge = rng.uniform(-0.3, 0.6)
    return rng.uniform(0.1, 0.6) * ((waves - edge) * 4).clip(0, 1)


def draw_rules(side: int, rng: np.random.Generator) -> np.ndarray:
    """Return the lines of ruled or squared paper, a little bend_page: darkness (side, side)."""
    lines = np.zeros((side, side), np.uint8)
    pitch = side * rng.uniform(0.08, 0.8)
    thick = int(rng.integers(1, 2 + max(1, side // 60)))
    lean, bend = rng.normal(0, 0.03), rng.choice([0, 1]) * rng.normal(0, 0.04) * side
    x = np.linspace(-4, side + 4, 20)
    for axis in range(rng.choice([1, 2], p=[0.65, 0.35])):
        for at in np.arange(rng.uniform(0, pitch) - pitch, side + pitch, pitch):
            y = at + lean * x + bend * np.sin(np.pi * x / side)
            points = np.stack([x, y][:: 1 - 2 * axis], -1).round().astype(np.int32)
            cv2.polylines(lines, [points], False, 255, thick, cv2.LINE_AA)
    return rng.uniform(0.15, 1) * lines.astype(np.float32) / 255


def draw_form(side: int, rng: np.random.Generator) -> np.ndarray:
    """Draw printed boxes and small words: darkness (side, side)."""
    lines = np.zeros((side, side), np.uint8)
    thick = int(rng.integers(1, 3))
    width, height = (int(side * s) for s in rng.uniform((0.1, 0.15), (0.9, 0.9)))
    x, y = (int(s) for s in rng.uniform(-0.2, 0.9, 2) * side)
    for k in range(rng.integers(1, 7)):
        left = x + k * round(width * rng.choice([1, 1.2]))
        cv2.rectangle(lines, (left, y), (left + width, y + height), 255, thick)
    darkness = lines.astype(np.float32) / 255
    for _ in range(rng.integers(0, 5)):
        ink = render_text(
            "x" + "".join(rng.choice(list(PRINT_CHARACTERS), rng.integers(1, 11))), rng
        )
        tall = int(rng.uniform(5, 0.09 * side + 3))
        wide = max(2, round(ink.shape[1] * tall / len(ink)))
        paste_ink(darkness, ink, tall, wide, *(int(s) for s in rng.uniform(-0.1, 0.9, 2) * side))
    return rng.uniform(0.3, 1) * darkness


def draw_folds(side: int, rng: np.random.Generator) -> np.ndarray:
    """Draw creases, lighter on one side and darker on the other: darkness (side, side)."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) - side / 2
    crease = np.zeros((side, side), np.float32)
    for _ in range(rng.integers(1, 3)):
        turn = rng.uniform(0, np.pi)
        off = x * np.cos(turn) + y * np.sin(turn) + rng.uniform(-0.4, 0.4) * side
        off /= rng.uniform(1, 12)
        crease += rng.uniform(-0.4, 0.4) * np.tanh(off) * np.exp(-np.abs(off) / rng.uniform(1, 6))
    return crease


def draw_dirt(side: int, rng: np.random.Generator) -> np.ndarray:
    """Draw specks: darkness (side, side)."""
    specks = np.zeros((side, side), np.uint8)
    for _ in range(rng.integers(1, 30)):
        at = rng.integers(0, side, 2).tolist()
        cv2.circle(specks, at, int(rng.integers(0, 3)), int(rng.integers(80, 255)), -1)
    return specks.astype(np.float32) / 255


LINE_LAYERS = {
    draw_rules: 0.25,
    draw_form: 0.12,
    draw_dirt: 0.08,
}  # shares of pages with lines and the like,
NOISE_LAYERS = {
    draw_texture: 0.25,
    draw_stain: 0.08,
    draw_guilloche: 0.25,
    draw_dots: 0.08,
    draw_folds: 0.06,
}
LAYERS = NOISE_LAYERS | LINE_LAYERS


def draw_box_mask(side: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a mask (side, side) of a box in which dark and light are swapped."""
    box = np.zeros((side, side), np.float32)
    x, y = rng.uniform(-0.2, 0.5, 2) * side
    size = (side * rng.uniform(0.4, 1.0), side * rng.uniform(0.3, 0.9))
    corners = cv2.boxPoints(((x + size[0] / 2, y + size[1] / 2), size, rng.normal(0, 4)))
    return cv2.fillPoly(box, [corners.astype(np.int32)], 1.0)


def lay_on_table(
    gray: np.ndarray, ink: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Rotate a page and lay it on a table; ink beyond its edge is removed."""
    side = len(gray)
    size = side * rng.uniform(0.5, 1.3, 2)
    middle = side * rng.uniform(0.3, 0.7, 2)
    corners = cv2.boxPoints((tuple(middle), tuple(size), rng.normal(0, 8)))
    on_page = cv2.fillPoly(np.zeros((side, side), np.float32), [corners.astype(np.int32)], 1.0)
    ground = rng.uniform(0, 1) + rng.uniform(0, 0.2) * smooth_noise(side, rng.uniform(1, 30), rng)
    return np.where(on_page > 0, gray, ground.clip(0, 1)), ink * on_page


def bend_page(
    gray: np.ndarray, ink: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Bend a page, and view it in perspective."""
    side = len(gray)
    corners = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float32)
    moved = (corners + rng.normal(0, 0.08 * side, corners.shape)).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(moved, corners)
    x, y = np.meshgrid(*(np.arange(side, dtype=np.float32),) * 2)
    bulge = rng.normal(0, 0.05) * side * np.sin(np.pi * x / side * rng.uniform(0.7, 1.5))
    seen = cv2.perspectiveTransform(np.stack([x, y + bulge], -1).reshape(1, -1, 2), matrix)
    seen_x, seen_y = np.moveaxis(seen.reshape(side, side, 2).astype(np.float32), -1, 0)
    gray, ink = (
        cv2.remap(layer, seen_x, seen_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        for layer in (gray, ink)
    )
    return gray, ink


def draw_lamp(side: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a lamp's light that falls off across the picture, 0 to 1."""
    y, x = np.mgrid[0:side, 0:side] / side - 0.5
    toward = rng.uniform(0, 2 * np.pi)
    fall = x * np.cos(toward) + y * np.sin(toward) + 0.7
    return 1 - rng.uniform(0.1, 0.7) * fall.clip(0, 1.3) / 1.4


def draw_shadow(side: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the light that remains under a shadow with a soft or hard edge, 0 to 1."""
    edge = smooth_noise(side, side / rng.uniform(1, 3), rng) + rng.uniform(-0.4, 0.4)
    return 1 - rng.uniform(0.1, 0.6) / (1 + np.exp(-edge * np.exp(rng.uniform(1.5, 4.5))))


def main() -> None:
    """Write the contact sheet."""
    parser = argparse.ArgumentParser(description="Compose pages.")
    parser.add_argument("sheet", type=Path, help="picture to write")
    glyphs, rng = GlyphBank(load_mnist().train, 200, 0), np.random.default_rng(0)
    rows = []
    for _ in range(6):
        pairs = [compose_page(glyphs, rng) for _ in range(10)]
        rows += [np.hstack([gray for gray, _ in pairs]), 1 - np.hstack([ink for _, ink in pairs])]
    sheet = (255 * np.vstack(rows).clip(0, 1)).astype(np.uint8)
    Image.fromarray(sheet).save(parser.parse_args().sheet)


if __name__ == "__main__":
    main()
