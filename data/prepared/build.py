"""Render the pictures of training and evaluation: sheets of 28 x 28 px tiles with labels.

python -m data.prepared.build           the repository's, after a change of how anything is drawn
python -m data.prepared.build --large   four sets for the default recipe: minutes, 26 MB, not in git

Each sheet stores a digest of the files that determine it.
"""

import argparse
import hashlib
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from safetensors.numpy import save

from data import drawing
from data.drawing.handwriting_fonts import STROKES_FILE
from data.drawing.held_out_handwriting import make_held_out_characters, make_held_out_digits
from data.drawing.non_digits import draw_each_kind, draw_outliers, recapture
from data.drawing.pen_digits import HELD_OUT_SEED, Seed, draw_digits
from data.drawing.pen_strokes import STROKE_STYLES, Style
from data.drawing.styles import draw_style, sample_paths
from inkling.datasets.mnist import Digits, join, load_mnist
from inkling.datasets.prepared import (
    GRAY_LEVELS,
    LARGE_DIR,
    PREPARED_DIR,
    STYLES_DIR,
    TILE_COLUMNS,
)
from inkling.imaging.mnist_frame import FRAME
from inkling.training.recipes import DEFAULT, QUICK, Recipe
from model import NON_DIGIT_CLASS

HELD_OUT_TILES = 2_000
OUTLIERS_PER_KIND = 200
LARGE_SETS = 4  # the default recipe's 12 epochs use each of them once


def write_sheet(path: Path, tiles: Digits, names: Iterable[str] = ()) -> None:
    """Write labelled ink (N, 1, 28, 28) as a sheet of tiles."""
    rows = -(-len(tiles.ink) // TILE_COLUMNS)
    levels = np.zeros((rows * TILE_COLUMNS, FRAME, FRAME), np.uint8)
    levels[: len(tiles.ink)] = (tiles.ink[:, 0].numpy() * (GRAY_LEVELS - 1)).round()
    pixels = levels.reshape(rows, TILE_COLUMNS, FRAME, FRAME).swapaxes(1, 2)
    pixels = np.ascontiguousarray(pixels.reshape(rows * FRAME, TILE_COLUMNS * FRAME))
    sheet = Image.fromarray(pixels)
    sheet.putpalette([255 - 17 * gray for gray in range(GRAY_LEVELS) for _ in "rgb"])
    metadata = PngInfo()
    metadata.add_text("labels", ",".join(map(str, tiles.labels.tolist())), zip=True)
    metadata.add_text("names", "\n".join(names))
    metadata.add_text("drawn by", compute_digest())
    sheet.save(path, bits=4, optimize=True, pnginfo=metadata)


def compute_digest() -> str:
    """Return the SHA-256 of all files that determine the pictures."""
    programs = sorted(Path(drawing.__path__[0]).glob("*.py"))
    files = [STYLES_DIR / "stroke_styles.txt", STROKES_FILE, *programs, Path(__file__)]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def draw_training_set(recipe: Recipe, share: float, seed: Seed) -> dict[str, Digits]:
    """Draw what an epoch of a recipe has beside MNIST, or a share of it, by sheet."""
    train = load_mnist().train
    drawn, outliers, again = (
        round(share * count) for count in (recipe.drawn, recipe.outliers, recipe.again)
    )
    digits = draw_digits(drawn, seed)
    others = draw_outliers(outliers, join(train, digits), seed)
    is_none = others.labels == NON_DIGIT_CLASS
    chosen = np.random.default_rng(seed).permutation(len(train.labels))[:again]
    return {
        "digits": digits,
        "none": Digits(others.ink[is_none], others.labels[is_none]),
        "several": Digits(others.ink[~is_none], others.labels[~is_none]),
        "recaptured": Digits(recapture(train.ink[chosen], seed), train.labels[chosen]),
    }


def label_kinds(kinds: dict[str, torch.Tensor]) -> tuple[Digits, list[str]]:
    """Return the ink of all kinds, labelled with places in the list of their names."""
    places = [torch.full((len(ink),), k) for k, ink in enumerate(kinds.values())]
    return Digits(torch.cat([*kinds.values()]), torch.cat(places)), [*kinds]


def render_shipped(folder: Path = PREPARED_DIR) -> None:
    """Render the sheets of the repository."""
    held_out = load_mnist().held_out
    kinds = draw_each_kind(OUTLIERS_PER_KIND, held_out, HELD_OUT_SEED)
    sheets = draw_training_set(QUICK, 1, 0) | {
        "held_out": draw_digits(HELD_OUT_TILES, HELD_OUT_SEED),
        "held_out_writers": make_held_out_digits(),
    }
    for name, tiles in sheets.items():
        write_sheet(folder / f"{name}.png", tiles)
    write_sheet(folder / "held_out_characters.png", *label_kinds(make_held_out_characters()))
    write_sheet(folder / "outlier_kinds.png", *label_kinds(kinds))


def render_styles(folder: Path = STYLES_DIR) -> None:
    """Render the styles that the page shows, and sample their pen paths."""
    rows = [(digit, *style) for digit, styles in STROKE_STYLES.items() for style in styles.items()]
    digits, names, lines = zip(*rows, strict=True)
    styles = [Style(line) for line in lines]
    ink = torch.from_numpy(np.stack([*map(draw_style, styles)]))[:, None]
    write_sheet(folder / "styles.png", Digits(ink, torch.tensor(digits)), names)
    arrays = sample_paths(styles)._asdict() | {"digits": np.array(digits)}
    content = save(arrays, {"drawn by": compute_digest()})
    (folder / "styles.safetensors").write_bytes(content)


def render_set(share: float, folder: Path, number: int) -> None:
    """Render a set of the default recipe, or a share of it, to a numbered folder."""
    folder = folder / str(number)
    folder.mkdir(parents=True, exist_ok=True)
    for name, tiles in draw_training_set(DEFAULT, share, number).items():
        write_sheet(folder / f"{name}.png", tiles)


def main() -> None:
    """Render the sheets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--large", nargs="?", type=int, const=LARGE_SETS, metavar="SETS", help="default: 4 sets")
    add("--share", type=float, default=1, help="of the default recipe's pictures, for a trial")
    options = parser.parse_args()
    if not options.large:
        render_shipped()
        render_styles()
        return
    with ProcessPoolExecutor() as processes:  # seeds from 1: the quick recipe's is 0
        render = partial(render_set, options.share, LARGE_DIR)
        for _ in processes.map(render, range(1, options.large + 1)):
            pass


if __name__ == "__main__":
    main()
