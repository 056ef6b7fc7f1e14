"""A reading says what a picture says, glyph by glyph, and how sure each of them is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import cv2
import numpy as np

from inkling.imaging.mnist_frame import Glyph

GLYPH_WEIGHT = 0.35  # of the digit network's log-probabilities beside the line network's
COMPANY = 1.5  # of what the others' mean says, in logits of `not_a_digit`
# A refused glyph is a hole in its line of digits, unless it is a dot, comma, dash or slash.
HOLE = "?"
MIN_HOLE_SHARE = 0.5  # of the digits' median longest side: commas stay below 0.4
MAX_STRAIGHTNESS = 0.25  # width / length of a dash or slash: MNIST's thickest stroke / its digits
NO_DIGIT = "That does not look like a digit."
BLANK = "Nothing drawn: the picture is blank, or its ink is too faint to tell from the paper."


@dataclass(frozen=True)
class Digit:
    """What the network makes of one glyph."""

    glyph: Glyph  # where it stands in the picture, and the ink that the network saw
    probabilities: tuple[float, ...] = field(repr=False)  # ten, calibrated; they sum to 1
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
    def likelihood(self) -> float:
        """How likely this is a digit, and the one that it is read as, 0 to 1."""
        return self.confidence * (1 - self.not_a_digit)

    @property
    def digit(self) -> int | None:
        """The digit, or None if this is probably no digit."""
        return None if self.not_a_digit > 0.5 else self.best


@dataclass(frozen=True)
class Reading:
    """The answer for a whole picture."""

    digits: tuple[Digit, ...] = field(default=(), repr=False)
    note: str = ""  # what was not read, and why, in words
    seen: tuple[str, ...] = ()  # what was done to the picture, and found in it, in words
    error: str = ""  # why there was no picture to read, and what to do, in words
    log_odds: float = field(default=0.0, repr=False)  # that it is wholly right: see `hypotheses.py`

    @classmethod
    def of(cls, digits: Iterable[Digit], seen: tuple[str, ...] = ()) -> Self:
        """Return the reading of a picture's glyphs, with the note that belongs to it."""
        reading = cls(tuple(digits), seen=seen)
        if not reading.digits:
            return replace(reading, note=BLANK)
        return replace(reading, note=unread_note(reading.text) if reading.text else NO_DIGIT)

    def __repr__(self) -> str:
        """Return the text, and what was said of it: its glyphs are arrays."""
        return f"Reading({self.text!r}, note={self.remark!r}, seen={self.seen!r})"

    @property
    def remark(self) -> str:
        """What there is to say in one line: the error, marked as one, or the note."""
        return f"error: {self.error}" if self.error else self.note

    @property
    def text(self) -> str:
        """The digits in reading order, as one text, with a `HOLE` for each that was not read."""
        return "".join(character(d, self.digits) for d in self.digits)

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


def character(digit: Digit, digits: Sequence[Digit]) -> str:
    """Return what a glyph of a picture adds to its text."""
    if digit.digit is not None:
        return str(digit.digit)
    line = [d for d in digits if d.digit is not None and d.glyph.line == digit.glyph.line]
    if not line or longest_side(digit) < MIN_HOLE_SHARE * np.median([*map(longest_side, line)]):
        return ""
    return "" if is_straight(digit.glyph.ink) else HOLE


def unread_note(text: str) -> str:
    """Return how many of a text's glyphs were not read, in words; "" if all were."""
    holes = text.count(HOLE)
    were = "was" if holes == 1 else "were"
    return f"{holes} of {len(text)} glyphs {were} not read." if holes else ""


def longest_side(digit: Digit) -> int:
    """Return the longer side of a glyph's box, px: its height, however the picture was turned."""
    left, top, right, bottom = digit.glyph.box
    return max(right - left, bottom - top)


def is_straight(ink: np.ndarray) -> bool:
    """Return whether all ink (28, 28) is one straight stroke, as a dash or a slash is."""
    places = np.argwhere(ink > ink.max() / 2).astype(np.float32)  # (N, 2)
    width, length = sorted(cv2.minAreaRect(places)[1])
    return width <= MAX_STRAIGHTNESS * length


def area_of(digit: Digit) -> int:
    """Return the area of a glyph's box, px; what is wider than high has more than a digit in it."""
    left, top, right, bottom = digit.glyph.box
    width, height = right - left, bottom - top
    return height * (width if digit.digit is None else min(width, height))


def in_its_line(digit: Digit) -> Digit:
    """Return a digit with what its line says it is brought in, if it was read in one."""
    if not digit.glyph.line_probs:
        return digit
    alone = np.append(np.array(digit.probabilities) * (1 - digit.not_a_digit), digit.not_a_digit)
    both = alone.clip(1e-6) ** GLYPH_WEIGHT * np.array(digit.glyph.line_probs).clip(1e-6)  # (11,)
    both /= both.sum()
    probabilities = both[:10] / both[:10].sum()
    return Digit(digit.glyph, tuple(probabilities.tolist()), float(both[10]))


def read_together(digits: list[Digit], seen: tuple[str, ...]) -> Reading:
    """Return the reading of a picture from what each of its glyphs is alone."""
    scores = in_company(np.array([d.not_a_digit for d in digits])).tolist()
    both = zip(digits, scores, strict=True)
    return Reading.of((replace(d, not_a_digit=score) for d, score in both), seen)


def in_company(not_a_digit: np.ndarray) -> np.ndarray:
    """Return `not_a_digit` (N,) with the others on the page in view: digits stand among digits."""
    if len(not_a_digit) < 2:
        return not_a_digit
    lean = 2 * not_a_digit - 1  # -1: surely a digit, 1: surely none
    others = (lean.sum() - lean) / (len(lean) - 1)
    alone = not_a_digit.clip(1e-6, 1 - 1e-6)
    return 1 / (1 + np.exp(-COMPANY * others) * (1 - alone) / alone)


def without_cut_off(reading: Reading, size: tuple[int, int]) -> Reading:
    """Leave out what adds nothing to a text and runs over the edge of the picture."""
    digits = reading.digits
    kept = [d for d in digits if character(d, digits) or not is_at_edge(d.glyph, (0, 0, *size))]
    if not reading.text or len(kept) == len(digits):
        return reading
    return replace(reading, digits=tuple(kept), seen=(*reading.seen, "pieces at the edge ignored"))


def is_at_edge(glyph: Glyph, picture: Sequence[float]) -> bool:
    """Return whether a glyph touches the edge of a picture's left, top, right, bottom, px."""
    left, top, right, bottom = glyph.box
    return left <= picture[0] or top <= picture[1] or right >= picture[2] or bottom >= picture[3]


def enlarged(reading: Reading, unit: np.ndarray) -> Reading:
    """Return the reading of a reduced picture with boxes in the whole one: `unit` (2,) px a px."""
    digits = []
    for digit in reading.digits:
        box = np.array(digit.glyph.box).reshape(2, 2) * unit
        whole = tuple(np.concatenate([np.floor(box[0]), np.ceil(box[1])]).astype(int).tolist())
        digits.append(replace(digit, glyph=replace(digit.glyph, box=whole)))
    return replace(reading, digits=tuple(digits))
