"""A picture becomes a reading: its digits, how sure each one is, and where it stands."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from inkling.imaging.binarize import Ink
from inkling.imaging.grayscale import brightness
from inkling.imaging.mnist_frame import Glyph
from inkling.imaging.open_image import PictureError, open_picture
from inkling.recognition.checkpoint import CHECKPOINT, load_checkpoint
from inkling.recognition.ink_finder import (
    SPOTLESS,
    STAINED,
    evenly_lit_ink,
    is_drawing,
    is_even,
    learned_inks,
    small_part,
    two_level_inks,
)
from inkling.recognition.likeliest_row import Judged
from inkling.recognition.line_net import Line, read_line
from inkling.recognition.page_networks import line_net
from inkling.recognition.reading import (
    BLANK,
    Digit,
    Reading,
    best_of,
    in_its_line,
    read_together,
    runs_over,
    shifted,
    turned_back,
    without_cut_off,
)
from inkling.recognition.segmentation import find_rows
from model import DigitCNN, fused

TURNED = ("", "turned to the left", "turned upside down", "turned to the right")


class Unreachable(RuntimeError):
    """No reader answers: those that are elsewhere have too much to do, or are gone."""


class Reader:
    """A network that is ready to read pictures."""

    def __init__(
        self,
        model: DigitCNN,
        description: dict | None = None,
        gallery: dict[str, Tensor] | None = None,
    ):
        """Take a trained network and what belongs to it; `Reader.load` has all of a checkpoint."""
        self.model = fused(model)
        self.description = description or {}
        self.gallery = gallery

    @classmethod
    def load(cls, path: Path = CHECKPOINT) -> "Reader":
        """Read a checkpoint; raises what `load_checkpoint` raises."""
        return cls(*load_checkpoint(path))

    def ask(self, function: Callable, *values: Any) -> Any:
        """Return `function(*values, reader)`, computed where the reader is: here.

        `inkling.scale.serving` has readers that are elsewhere; what they are asked travels there.
        """
        return function(*values, self)

    def read(
        self, picture: Image.Image | np.ndarray, size: tuple[int, int] | None = None
    ) -> Reading:
        """Read one picture: of Pillow, or an array (H, W), (H, W, 3) or (H, W, 4) of uint8.

        Boxes are given in its pixels, or in those of a (width, height) that it was reduced from.
        """
        picture = as_picture(picture)
        size = size or picture.size
        light = brightness(picture)
        inks = two_level_inks(light)
        if (box := small_part(inks[0], picture.size)) is not None:
            return shifted(self.read(picture.crop(box)), box, np.array(size) / picture.size)
        best = best_of(self.read_ink(ink, size) for ink in inks)
        if is_enough(inks[0], best):
            return without_cut_off(best, size)
        lit_ink = evenly_lit_ink(light)
        stained = inks[0] is not None and inks[0].unevenness > STAINED and runs_over(best, size)
        if lit_ink and (is_even(lit_ink) or (best.is_sure and not stained)):
            lit = self.read_ink(lit_ink, size)
            one = lit.is_sure and len(lit.digits) == 1  # of several, rules may hide some
            if one and (is_even(lit_ink) or lit.text == best.text):
                return without_cut_off(lit, size)
        learned = learned_inks(light)
        others = [self.read_ink(ink, size) for ink in learned]
        best = best_of(others if stained else [best, *others])
        if not best.is_sure:
            best = best_of([best, *self.read_turned(light, learned, size)])
        return without_cut_off(best, size)

    def read_turned(
        self, light: np.ndarray, inks: list[Ink | None], size: tuple[int, int]
    ) -> Iterator[Reading]:
        """Read a picture's brightness (H, W) on its side and upside down, if it is a number so.

        Which ways are worth it is told by its ink as it was found: a 1 that lies looks like a rule.
        """
        for quarters in (1, 2, 3):
            turned = size[::-1] if quarters % 2 else size
            found = (self.read_ink(turned_ink(ink, quarters), turned) for ink in inks if ink)
            if any(reading.is_sure and len(reading.text) > 1 for reading in found):
                for ink in learned_inks(np.rot90(light, quarters).copy()):
                    reading = self.read_ink(ink, turned)
                    if reading.is_sure and len(reading.text) > 1:
                        digits = tuple(turned_back(d, quarters, size) for d in reading.digits)
                        seen = (*reading.seen, TURNED[quarters])
                        yield replace(reading, digits=digits, seen=seen)

    def read_many(self, pictures: Iterable[Image.Image | np.ndarray]) -> Iterator[Reading]:
        """Read pictures, as they are asked for."""
        return map(self.read, pictures)

    def read_file(self, path: Path) -> Reading:
        """Read a picture file; of one that cannot be read there is only an `error`."""
        try:
            return self.read(*open_picture(path))
        except PictureError as error:
            return Reading(error=str(error))

    def read_ink(self, ink: Ink | None, size: tuple[int, int]) -> Reading:
        """Read the ink of a picture; boxes are given in pixels of its (width, height)."""
        if ink is None:
            return Reading(note=BLANK)
        unit = np.array(size) / ink.depth.shape[::-1]
        rows = find_rows(ink, self.judge, self.read_line)
        digits = [as_digit(glyph, unit, k) for k, row in enumerate(rows) for glyph in row]
        seen = ink.notes
        if len(digits) > 1:
            seen += (f"{len(digits)} glyphs on {len(rows)} line{'s' * (len(rows) > 1)}",)
        return read_together(digits, seen)

    def read_glyphs(self, glyphs: list[Glyph], seen: tuple[str, ...] = ()) -> Reading:
        """Read glyphs that are found already: at least one."""
        probabilities, not_a_digit, *_ = self.judge(np.stack([g.ink for g in glyphs]))
        answers = zip(glyphs, probabilities.tolist(), not_a_digit.tolist(), strict=True)
        return read_together([in_its_line(Digit(g, tuple(p), n)) for g, p, n in answers], seen)

    def read_line(self, ink: np.ndarray) -> Line:
        """Read a line of ink (H, W), cropped."""
        return read_line(ink, line_net())

    @torch.inference_mode()
    def features(self, ink: np.ndarray) -> Tensor:
        """Return what the network's last layer weighs up, (z,), for framed ink (28, 28)."""
        torch.set_num_threads(1)
        return self.model.features(torch.from_numpy(ink)[None, None])[0]

    @torch.inference_mode()
    def judge(self, inks: np.ndarray) -> tuple[np.ndarray, ...]:
        """Judge framed ink (N, 28, 28); returns the arrays of a `Judgement`."""
        torch.set_num_threads(1)  # of this thread: on batches this small a second one costs time
        judgement = self.model.judge(torch.from_numpy(inks).unsqueeze(1))
        return tuple(field.numpy() for field in judgement)


def turned_ink(ink: Ink, quarters: int) -> Ink:
    """Return ink turned to the left by so many quarters."""
    depth, mask = (np.rot90(layer, quarters).copy() for layer in (ink.depth, ink.mask))
    return replace(ink, depth=depth, mask=mask)


def is_enough(ink: Ink | None, reading: Reading) -> bool:
    """Return whether ink of two levels, and its reading, need no comparison with other ink."""
    if ink is None:
        return False
    is_read = bool(reading.digits) and all(d.digit is not None for d in reading.digits)
    even_and_sure = is_even(ink) and reading.is_sure
    return (ink.unevenness < SPOTLESS and is_read) or even_and_sure or is_drawing(ink)


def as_digit(judged: Judged, unit: np.ndarray, line: int) -> Digit:
    """Return the answer for a part of a line; its box is multiplied by `unit` (2,), px in one."""
    left, top = np.floor(judged.part.box[:2] * unit).astype(int).tolist()
    right, bottom = np.ceil(judged.part.box[2:] * unit).astype(int).tolist()
    glyph = Glyph(judged.ink, (left, top, right, bottom), judged.thickened, judged.in_line, line)
    return in_its_line(Digit(glyph, tuple(judged.probabilities), judged.not_a_digit))


def as_picture(picture: Image.Image | np.ndarray) -> Image.Image:
    """Return an array as a picture of Pillow's; raises `PictureError` if it is none."""
    if not isinstance(picture, Image.Image):
        shape: tuple[int, ...] = getattr(picture, "shape", ())
        flat = len(shape) == 2 or (len(shape) == 3 and shape[2] in (3, 4))
        if not flat or getattr(picture, "dtype", None) != np.uint8:
            raise PictureError("an array must be (H, W), (H, W, 3) or (H, W, 4) of uint8.")
        picture = Image.fromarray(np.asarray(picture))
    if not picture.width or not picture.height:
        raise PictureError("the picture has no pixels.")
    return picture
