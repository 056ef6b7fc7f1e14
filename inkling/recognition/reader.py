"""A picture becomes a reading: its digits, how sure each one is, and where it stands."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from inkling.imaging.binarize import Ink, find_ink
from inkling.imaging.mnist_frame import Glyph
from inkling.imaging.open_image import PictureError, open_picture
from inkling.recognition.checkpoint import CHECKPOINT, load_checkpoint
from inkling.recognition.likeliest_row import Judged
from inkling.recognition.segmentation import find_rows
from model import DigitCNN, fused

COMPANY = 1.5  # of what the others' mean says, in logits of `not_a_digit`
NO_DIGIT = "That does not look like a digit."
BLANK = "Nothing drawn: the picture is blank, or its ink is too faint to tell from the paper."


@dataclass(frozen=True)
class Digit:
    """What the network makes of one glyph."""

    glyph: Glyph  # where it stands in the picture, and the ink that the network saw
    probabilities: tuple[float, ...]  # ten, calibrated; they sum to 1
    not_a_digit: float  # 0 to 1

    @property
    def ranking(self) -> list[int]:
        """The ten digits, the likeliest first."""
        return np.argsort(self.probabilities, stable=True)[::-1].tolist()

    @property
    def best(self) -> int:
        """The likeliest digit, whether it is one at all or not."""
        return self.ranking[0]

    @property
    def confidence(self) -> float:
        """The probability of the likeliest digit, 0 to 1."""
        return max(self.probabilities)

    @property
    def digit(self) -> int | None:
        """The digit, or None if this is probably no digit."""
        return None if self.not_a_digit > 0.5 else self.best


@dataclass(frozen=True)
class Reading:
    """The answer for a whole picture."""

    digits: tuple[Digit, ...] = ()
    note: str = ""  # why nothing was read, in words
    seen: tuple[str, ...] = ()  # what was done to the picture, and found in it, in words
    error: str = ""  # why there was no picture to read, and what to do, in words

    @property
    def remark(self) -> str:
        """What there is to say in one line: the error, marked as one, or the note."""
        return f"error: {self.error}" if self.error else self.note

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
            "note": self.remark,
            "seen": "; ".join(self.seen),
            "digits": [
                {
                    "digit": d.digit,
                    "confidence": d.confidence,
                    "probabilities": list(d.probabilities),
                    "not_a_digit": d.not_a_digit,
                    "box": list(d.glyph.box),
                }
                for d in self.digits
            ],
        }


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

    def read(
        self, picture: Image.Image | np.ndarray, size: tuple[int, int] | None = None
    ) -> Reading:
        """Read one picture: of Pillow, or an array (H, W), (H, W, 3) or (H, W, 4) of uint8.

        Boxes are given in its pixels, or in those of a (width, height) that it was reduced from.
        """
        picture = as_picture(picture)
        return self.read_ink(find_ink(picture), size or picture.size)

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
        unit = np.tile(np.array(size) / ink.depth.shape[::-1], 2)
        rows = find_rows(ink, self.judge)
        digits = [as_digit(glyph, unit) for row in rows for glyph in row]
        seen = ink.notes
        if len(digits) > 1:
            seen += (f"{len(digits)} glyphs on {len(rows)} line{'s' * (len(rows) > 1)}",)
        return without_cut_off(read_together(digits, seen), size)

    def read_glyphs(self, glyphs: list[Glyph], seen: tuple[str, ...] = ()) -> Reading:
        """Read glyphs that are found already."""
        if not glyphs:
            return Reading(note=BLANK)
        probabilities, not_a_digit, *_ = self.judge(np.stack([g.ink for g in glyphs]))
        answers = zip(glyphs, probabilities.tolist(), not_a_digit.tolist(), strict=True)
        return read_together([Digit(g, tuple(p), n) for g, p, n in answers], seen)

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


def as_digit(judged: Judged, unit: np.ndarray) -> Digit:
    """Return a part's answer; its box is multiplied by `unit` (4,), px of the picture in a part's.

    The answer is that of the glyph alone.
    """
    box = tuple(np.rint(judged.part.box * unit).astype(int).tolist())
    glyph = Glyph(judged.ink, box, judged.thickened)
    return Digit(glyph, tuple(judged.probabilities), judged.not_a_digit)


def read_together(digits: list[Digit], seen: tuple[str, ...]) -> Reading:
    """Return the reading of a picture from what each of its glyphs is alone."""
    if not digits:
        return Reading(note=BLANK)
    scores = in_company(np.array([d.not_a_digit for d in digits])).tolist()
    digits = [replace(d, not_a_digit=score) for d, score in zip(digits, scores, strict=True)]
    none = all(d.digit is None for d in digits)
    return Reading(tuple(digits), NO_DIGIT if none else "", seen)


def in_company(not_a_digit: np.ndarray) -> np.ndarray:
    """Return `not_a_digit` (N,) with the others on the page in view: digits stand among digits."""
    if len(not_a_digit) == 1:
        return not_a_digit
    lean = 2 * not_a_digit - 1  # -1: surely a digit, 1: surely none
    others = (lean.sum() - lean) / (len(lean) - 1)
    alone = not_a_digit.clip(1e-6, 1 - 1e-6)
    return 1 / (1 + np.exp(-COMPANY * others) * (1 - alone) / alone)


def without_cut_off(reading: Reading, size: tuple[int, int]) -> Reading:
    """Leave out what is no digit and runs over the edge of the picture, if there are digits."""
    kept = tuple(d for d in reading.digits if d.digit is not None or not at_edge(d.glyph, size))
    if not reading.text or len(kept) == len(reading.digits):
        return reading
    return replace(reading, digits=kept, seen=(*reading.seen, "pieces at the edge ignored"))


def at_edge(glyph: Glyph, size: tuple[int, int]) -> bool:
    """Tell whether a glyph touches the edge of a picture of this (width, height)."""
    left, top, right, bottom = glyph.box
    return left <= 0 or top <= 0 or right >= size[0] or bottom >= size[1]


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
