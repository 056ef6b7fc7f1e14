"""Print the share of composed pages that is read wholly right, for each kind of page.

python -m bench.pages                                            500 pages of each kind
python -m bench.pages --only "ruled paper" --sheet misread.png   a picture of the misread ones

The pages are composed of MNIST's test digits, which no training has seen.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps
from tqdm import tqdm

from inkling.datasets.mnist import load_mnist
from inkling.recognition.reader import Reader
from support.composed_pages import PAGE_KINDS, compose_pages, draw_blank_sheets

BLANK_SHEETS = "blank sheets"
MAX_SHOWN = 120  # misread pages on the sheet


def draw_sheet(misread: list[tuple[np.ndarray, str, str]]) -> Image.Image:
    """Draw misread pages in rows of six, each with its number and the reading."""
    width, height = 220, 130
    sheet = Image.new("RGB", (6 * width, height * max(1, -(-len(misread) // 6))), "white")
    pen = ImageDraw.Draw(sheet)
    for k, (picture, text, read) in enumerate(misread):
        x, y = k % 6 * width, k // 6 * height
        sheet.paste(ImageOps.contain(Image.fromarray(picture), (width - 6, height - 22)), (x, y))
        pen.text((x + 2, y + height - 18), f"{text}, read {read or 'nothing'}", fill="black")
    return sheet


def main() -> None:
    """Print a row for each kind of page."""
    kinds = [*PAGE_KINDS, BLANK_SHEETS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=500, help="pages of each kind")
    parser.add_argument("--only", action="append", choices=kinds, help="this kind alone")
    parser.add_argument("--held-out", action="store_true", help="use training's held-out digits")
    parser.add_argument("--sheet", type=Path, help="picture of the misread pages to write")
    options = parser.parse_args()
    reader, mnist, count, misread = Reader.load(), load_mnist(), options.count, []
    digits = mnist.held_out if options.held_out else mnist.test
    for name in options.only or kinds:
        if name == BLANK_SHEETS:
            pages = draw_blank_sheets(count)
        else:
            pages = compose_pages(PAGE_KINDS[name], digits, count)
        bar = tqdm(pages, name, count, leave=False, disable=None)
        pairs = [(text, reader.read(page).text, page) for text, page in bar]
        wrong = [(page, text, read) for text, read, page in pairs if read != text]
        length = sum(len(text) == len(read) for text, read, _ in pairs)
        right = f"{1 - len(wrong) / count:6.1%} read right"
        print(f"{name:26s} {right}, {length / count:6.1%} of the right length", flush=True)
        misread += wrong
    if options.sheet:
        draw_sheet(misread[:MAX_SHOWN]).save(options.sheet)


if __name__ == "__main__":
    main()
