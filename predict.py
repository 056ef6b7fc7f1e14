"""A picture becomes a reading: its digits, how sure each one is, and where it stands.

python predict.py sketch.png photos/          one line a picture
python predict.py --json photos/ > out.jsonl  one JSON object a line
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from model import CHECKPOINT, CheckpointError, DigitCNN, fused, load_checkpoint
from picture import FORMATS, PictureError, open_picture
from preprocess import Glyph, find_glyphs

BATCH = 64  # pictures read by the network at once
BLANK = "Nothing drawn: the picture is blank, or its ink is too faint to tell from the paper."


@dataclass(frozen=True)
class Digit:
    """What the network makes of one glyph."""

    glyph: Glyph  # where it stands in the picture, and the ink that the network saw
    probabilities: tuple[float, ...]  # ten, calibrated; they sum to 1
    not_a_digit: float  # 0 to 1

    @property
    def best(self) -> int:
        """The likeliest digit, whether it is one at all or not."""
        return int(np.argmax(self.probabilities))

    @property
    def digit(self) -> int | None:
        """The digit, or None if this is probably no digit."""
        return None if self.not_a_digit > 0.5 else self.best


@dataclass(frozen=True)
class Reading:
    """The answer for a whole picture."""

    digits: tuple[Digit, ...] = ()
    note: str = ""  # why nothing was read, in words

    @property
    def text(self) -> str:
        """The digits in reading order, as one text."""
        return "".join(str(d.digit) for d in self.digits if d.digit is not None)

    @property
    def glyphs(self) -> list[Glyph]:
        """What was found in the picture, to be read again."""
        return [d.glyph for d in self.digits]

    def as_dict(self) -> dict:
        """Return the reading as the object that the command line and the endpoint give."""
        return {
            "text": self.text,
            "note": self.note,
            "digits": [
                {
                    "digit": d.digit,
                    "confidence": max(d.probabilities),
                    "probabilities": list(d.probabilities),
                    "not_a_digit": d.not_a_digit,
                    "box": list(d.glyph.box),
                }
                for d in self.digits
            ],
        }


class Reader:
    """A network that is ready to read pictures."""

    def __init__(self, model: DigitCNN, description: dict | None = None):
        """Take a trained network and its description; `Reader.load` has both from a checkpoint."""
        self.model = fused(model)
        self.description = description or {}

    @classmethod
    def load(cls, path: Path = CHECKPOINT) -> "Reader":
        """Read a checkpoint; raises what `model.load_checkpoint` raises."""
        return cls(*load_checkpoint(path))

    def read(self, picture: Image.Image | np.ndarray) -> Reading:
        """Read one picture: of Pillow, or an array (H, W), (H, W, 3) or (H, W, 4) of uint8."""
        return self.read_glyphs([find_glyphs(as_picture(picture))])[0]

    def read_many(self, pictures: Iterable[Image.Image | np.ndarray]) -> Iterator[Reading]:
        """Read pictures in batches, as they are asked for."""
        remaining = (find_glyphs(as_picture(p)) for p in pictures)
        while batch := list(islice(remaining, BATCH)):
            yield from self.read_glyphs(batch)

    def read_files(self, paths: Iterable[Path]) -> Iterator[Reading]:
        """Read picture files in batches; one that cannot be read has a note "error: ..."."""
        remaining = iter(paths)
        while batch := list(islice(remaining, BATCH)):
            found = [glyphs_in_file(path) for path in batch]
            read = iter(self.read_glyphs([f for f in found if isinstance(f, list)]))
            for f in found:
                yield next(read) if isinstance(f, list) else Reading(note=f"error: {f}")

    @torch.inference_mode()
    def read_glyphs(self, pages: list[list[Glyph]]) -> list[Reading]:
        """Read pictures whose glyphs are found already, by one pass of the network."""
        torch.set_num_threads(1)  # of this thread: on batches this small a second one costs time
        glyphs = [glyph for page in pages for glyph in page]
        if not glyphs:
            return [Reading(note=BLANK) for _ in pages]
        ink = torch.from_numpy(np.stack([g.ink for g in glyphs])).unsqueeze(1)  # (N, 1, 28, 28)
        probabilities, not_a_digit = self.model.judge(ink)
        digits = iter(
            Digit(g, tuple(p), n)
            for g, p, n in zip(glyphs, probabilities.tolist(), not_a_digit.tolist(), strict=True)
        )
        return [Reading(tuple(islice(digits, len(p))), "" if p else BLANK) for p in pages]


def as_picture(picture: Image.Image | np.ndarray) -> Image.Image:
    """Return an array as a picture of Pillow's; raises `PictureError` if it is none."""
    if isinstance(picture, Image.Image):
        return picture
    try:
        return Image.fromarray(picture)
    except (TypeError, ValueError, AttributeError) as error:
        raise PictureError("an array must be (H, W), (H, W, 3) or (H, W, 4) of uint8.") from error


def glyphs_in_file(path: Path) -> list[Glyph] | PictureError:
    """Find the glyphs in a picture file, or say why it cannot be read."""
    try:
        return find_glyphs(*open_picture(path))
    except PictureError as error:
        return error


def pictures_in(paths: list[Path]) -> list[Path]:
    """Replace each folder by the pictures in it, by name; files stay as they are."""
    endings = {e for e, name in Image.registered_extensions().items() if name in FORMATS}
    found = []
    for path in paths:
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
        found += [p for p in inside if p == path or p.suffix.lower() in endings]
    return found


def main() -> int:
    """Read the pictures named on the command line; the status is 1 if one cannot be read."""
    parser = argparse.ArgumentParser(
        description="Read the handwritten digit in each picture.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="FILE_OR_FOLDER")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="network to read with")
    options = parser.parse_args()
    try:
        reader = Reader.load(options.checkpoint)
    except FileNotFoundError:
        sys.exit(
            f"There is no checkpoint {options.checkpoint}: make one by python train.py --quick"
        )
    except (CheckpointError, OSError) as error:
        sys.exit(f"The checkpoint {options.checkpoint} cannot be used: {error}")
    paths = pictures_in(options.paths)
    failed = False
    with tqdm(total=len(paths), unit="picture", disable=None, leave=False) as bar:
        for path, reading in zip(paths, reader.read_files(paths), strict=True):
            failed |= reading.note.startswith("error: ")
            bar.update()
            if options.json:
                line = json.dumps({"file": str(path), **reading.as_dict()})
            else:
                sure = " ".join(f"{max(d.probabilities):.1%}" for d in reading.digits)
                line = f"{path}: {reading.text} {sure} {reading.note}".rstrip()
            print(line, flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
