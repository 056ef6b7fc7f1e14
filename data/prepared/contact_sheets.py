"""Draw contact sheets of the training pictures: every style of every digit, every non-digit.

python -m data.prepared.contact_sheets FOLDER   styles.png and non_digits.png
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from data.drawing.non_digits import draw_each_kind
from data.drawing.pen_strokes import STROKE_STYLES, Style
from data.drawing.pen_variation import draw_strokes, vary
from inkling.datasets.mnist import load_mnist
from inkling.imaging.mnist_frame import FRAME, frame_glyph

STYLE_TILE_PX, STYLE_NAME_PX = 2 * FRAME, 150
SAMPLES_PER_KIND = 40  # non-digits of each kind


def draw_styles(seed: int = 0, variations: int = 8, columns: int = 4) -> Image.Image:
    """Return a picture of each style: its name and several variations."""
    rng = np.random.default_rng(seed)
    rows = [(digit, *style) for digit, styles in STROKE_STYLES.items() for style in styles.items()]
    height, width = -(-len(rows) // columns), STYLE_NAME_PX + variations * STYLE_TILE_PX
    page = Image.new("L", (columns * width, height * STYLE_TILE_PX), 255)
    pen = ImageDraw.Draw(page)
    for k, (digit, name, line) in enumerate(rows):
        x, y = k // height * width, k % height * STYLE_TILE_PX
        pen.text((x + 4, y + STYLE_TILE_PX // 3), f"{digit} {name}", fill=0)
        strokes = vary(Style(line), variations, rng)
        for j in range(variations):
            ink = frame_glyph(draw_strokes([s[j] for s in strokes], rng))
            tile = Image.fromarray(255 - (ink * 255).astype(np.uint8))
            tile = tile.resize((STYLE_TILE_PX, STYLE_TILE_PX))
            page.paste(tile, (x + STYLE_NAME_PX + j * STYLE_TILE_PX, y))
    return page


def draw_non_digits() -> Image.Image:
    """Return a picture of each kind of non-digit, one a row."""
    rows = draw_each_kind(SAMPLES_PER_KIND, load_mnist().train, seed=0).values()
    page = torch.cat([torch.cat(list(ink[:, 0]), dim=1) for ink in rows])
    return Image.fromarray((255 * (1 - page.numpy())).astype(np.uint8))


def main() -> None:
    """Write both sheets."""
    parser = argparse.ArgumentParser(description="Draw every style and every kind of non-digit.")
    parser.add_argument("folder", type=Path, help="folder to write to")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    draw_styles().quantize(8).save(folder / "styles.png", optimize=True)  # 8 gray levels
    draw_non_digits().save(folder / "non_digits.png")


if __name__ == "__main__":
    main()
