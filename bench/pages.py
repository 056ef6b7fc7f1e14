"""Numbers on paper, of known difficulty, become the share read wholly right.

python -m bench.pages                   every difficulty
python -m bench.pages --only ruled --sheet misread.png

Pages are composed of MNIST's test digits: nothing of them has been trained on.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps
from tqdm import tqdm

from inkling.datasets.mnist import load_mnist
from inkling.recognition.reader import Reader
from support.composed_pages import BLANK, PAGES, blank_sheets, pages


def sheet(misread: list[tuple[np.ndarray, str, str]]) -> Image.Image:
    """Lay misread pages out in rows of six, with what they say and what was read."""
    width, height = 220, 130
    sheet = Image.new("RGB", (6 * width, height * max(1, -(-len(misread) // 6))), "white")
    pen = ImageDraw.Draw(sheet)
    for k, (picture, text, read) in enumerate(misread):
        x, y = k % 6 * width, k // 6 * height
        sheet.paste(ImageOps.contain(Image.fromarray(picture), (width - 6, height - 22)), (x, y))
        pen.text((x + 2, y + height - 18), f"{text}, read {read or 'nothing'}", fill="black")
    return sheet


def main() -> None:
    """Print the share read wholly right for every difficulty."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=500, help="pages of each difficulty, or 500")
    parser.add_argument(
        "--only", action="append", choices=[*PAGES, BLANK], help="this difficulty alone"
    )
    parser.add_argument("--held-out", action="store_true", help="of training's held-out digits")
    parser.add_argument("--sheet", type=Path, help="picture to write, of the misread pages")
    options = parser.parse_args()
    reader, mnist = Reader.load(), load_mnist()
    digits = mnist.held_out if options.held_out else mnist.test
    misread = []
    for name in options.only or [*PAGES, BLANK]:
        right, lengths, count = 0, 0, options.count
        made = blank_sheets(count) if name == BLANK else pages(PAGES[name], count, digits)
        for text, picture in tqdm(made, name, count, leave=False, disable=None):
            read = reader.read(picture).text
            right += read == text
            lengths += len(read) == len(text)
            if read != text:
                misread.append((picture, text, read))
        shares = f"{right / count:6.1%} read right, {lengths / count:6.1%} of the right length"
        print(f"{name:26s} {shares}", flush=True)
    if options.sheet:
        sheet(misread[:120]).save(options.sheet)


if __name__ == "__main__":
    main()
