"""The result of reading a picture: its digits, their probabilities, and the text."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import cv2
import numpy as np

from inkling.imaging.mnist_frame import Glyph

GLYPH_WEIGHT = 0.35  # of `DigitCNN`'s log-probabilities beside `LineNet`'s
CONTEXT_WEIGHT = 1.5  # logits of `not_a_digit`, at the greatest influence of the other glyphs
HOLE = "?"  # a refused glyph in a line of digits, unless it is a dot, comma, dash or slash
MIN_HOLE_SHARE = 0.5  # of the digits' median longest side: commas stay below 0.4
MAX_DASH_ASPECT = 0.25  # width / length of a dash or slash: MNIST's thickest stroke / digit
NO_DIGIT = "That does not look like a digit."
BLANK = "Nothing drawn: the picture is blank, or its ink is too faint to separate from the paper."


@dataclass(frozen=True)
class Digit:
    """A glyph, and what the networks predict for it."""

    glyph: Glyph  # its place in the picture, and its framed ink
    probabilities: tuple[float, ...] = field(repr=False)  # ten, calibrated; they sum to 1
    not_a_digit: float  # 0 to 1
    best_log_prob: float = field(default=0.0, repr=False)  # of being `best`, by its ink alone
    multi_digit_logit: float = field(default=0.0, repr=False)  # several digits against no digit

    @property
    def ranking(self) -> list[int]:
        """The ten digits, the most probable first."""
        return np.argsort(self.probabilities, stable=True)[::-1].tolist()

    @property
    def best(self) -> int:
        """The most probable digit, even if the glyph is refused."""
        return self.ranking[0]

    @property
    def confidence(self) -> float:
        """The probability of the most probable digit, 0 to 1."""
        return max(self.probabilities)

    @property
    def joint_prob(self) -> float:
        """The probability of being a digit, and `best`, 0 to 1."""
        return self.confidence * (1 - self.not_a_digit)

    @property
    def digit(self) -> int | None:
        """The digit, or None if this is probably no digit."""
        return None if self.not_a_digit > 0.5 else self.best

    @property
    def decision_log_prob(self) -> float:
        """The log-probability of `best`, or of no digit, before `fuse_line_probs`."""
        return math.log(self.not_a_digit) if self.digit is None else self.best_log_prob

    def log_prob(self, digit: int) -> float:
        """Return the log-probability of being this digit, before `fuse_line_probs`."""
        return self.best_log_prob + math.log(self.probabilities[digit] / self.confidence)


@dataclass(frozen=True)
class Reading:
    """The result for a whole picture."""

    digits: tuple[Digit, ...] = field(default=(), repr=False)
    note: str = ""  # what was not read and why, for people
    seen: tuple[str, ...] = ()  # how the picture was preprocessed, for people
    error: str = ""  # why the picture could not be opened, and the remedy, for people
    log_odds: float = field(default=0.0, repr=False)  # of being entirely right: `hypotheses.py`

    @classmethod
    def of(cls, digits: Iterable[Digit], seen: tuple[str, ...] = ()) -> Self:
        """Build the reading of a picture's digits, with its note."""
        reading = cls(tuple(digits), seen=seen)
        if not reading.digits:
            return replace(reading, note=BLANK)
        return replace(reading, note=format_note(reading.text) if reading.text else NO_DIGIT)

    def __repr__(self) -> str:
        """Show the text and the notes; glyphs are arrays."""
        return f"Reading({self.text!r}, note={self.note_or_error!r}, seen={self.seen!r})"

    @property
    def note_or_error(self) -> str:
        """The error with its prefix, or else the note."""
        return f"error: {self.error}" if self.error else self.note

    @property
    def text(self) -> str:
        """The digits in reading order, with a `HOLE` for each refused glyph of a digit's size."""
        return "".join(format_digit(d, self.digits) for d in self.digits)

    @property
    def glyphs(self) -> list[Glyph]:
        """The glyphs in the picture."""
        return [d.glyph for d in self.digits]

    def as_dict(self) -> dict:
        """Return the JSON object of the command line and the endpoint."""
        return {
            "text": self.text,
            "note": self.note_or_error,
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


def format_digit(digit: Digit, digits: Sequence[Digit]) -> str:
    """Return the character that a digit adds to the text of all digits, or ""."""
    if digit.digit is not None:
        return str(digit.digit)
    line = [d for d in digits if d.digit is not None and d.glyph.line == digit.glyph.line]
    if not line or longest_side(digit) < MIN_HOLE_SHARE * np.median([*map(longest_side, line)]):
        return ""
    return "" if is_dash(digit.glyph.ink) else HOLE


def format_note(text: str) -> str:
    """Return the note on a text's holes, or ""."""
    holes = text.count(HOLE)
    were = "was" if holes == 1 else "were"
    return f"{holes} of {len(text)} glyphs {were} not read." if holes else ""


def longest_side(digit: Digit) -> int:
    """Return the longer side of a glyph's box, px: its height in any rotation of the picture."""
    left, top, right, bottom = digit.glyph.box
    return max(right - left, bottom - top)


def is_dash(ink: np.ndarray) -> bool:
    """Return whether ink (28, 28) is one straight stroke, like a dash or a slash."""
    points = np.argwhere(ink > ink.max() / 2).astype(np.float32)  # (N, 2)
    width, length = sorted(cv2.minAreaRect(points)[1])
    return width <= MAX_DASH_ASPECT * length


def explained_area(digit: Digit) -> int:
    """Return the area of a glyph's box, square px; a digit's at most that of a square."""
    left, top, right, bottom = digit.glyph.box
    width, height = right - left, bottom - top
    return height * (width if digit.digit is None else min(width, height))


def fuse_line_probs(digit: Digit) -> Digit:
    """Multiply a digit's probabilities by those of its line, if it was transcribed."""
    if not digit.glyph.line_probs:
        return digit
    alone = np.append(np.array(digit.probabilities) * (1 - digit.not_a_digit), digit.not_a_digit)
    both = alone.clip(1e-6) ** GLYPH_WEIGHT * np.array(digit.glyph.line_probs).clip(1e-6)  # (11,)
    both /= both.sum()
    probabilities = both[:10] / both[:10].sum()
    return replace(digit, probabilities=tuple(probabilities.tolist()), not_a_digit=float(both[10]))


def make_digits(glyphs: Sequence[Glyph], prediction: Iterable[np.ndarray]) -> list[Digit]:
    """Combine N glyphs with the arrays of their `model.Prediction`."""
    fields = (field.tolist() for field in prediction)
    return [Digit(g, tuple(p), *scores) for g, p, *scores in zip(glyphs, *fields, strict=True)]


def assemble_reading(digits: list[Digit], seen: tuple[str, ...]) -> Reading:
    """Build the reading of a picture from glyphs that were predicted one by one."""
    digits = [*map(fuse_line_probs, digits)]
    rejections = apply_page_context(np.array([d.not_a_digit for d in digits])).tolist()
    pairs = zip(digits, rejections, strict=True)
    return Reading.of((replace(d, not_a_digit=prob) for d, prob in pairs), seen)


def apply_page_context(not_a_digit: np.ndarray) -> np.ndarray:
    """Shift the logits of `not_a_digit` (N,) by the others' mean score: digits occur together."""
    if len(not_a_digit) < 2:
        return not_a_digit
    score = 2 * not_a_digit - 1  # -1: certainly a digit, 1: certainly none
    others = (score.sum() - score) / (len(score) - 1)
    alone = not_a_digit.clip(1e-6, 1 - 1e-6)
    return 1 / (1 + np.exp(-CONTEXT_WEIGHT * others) * (1 - alone) / alone)


def drop_edge_fragments(reading: Reading, size: tuple[int, int]) -> Reading:
    """Drop glyphs that touch the edge of the picture and add nothing to the text."""
    digits = reading.digits
    kept = [d for d in digits if format_digit(d, digits) or not is_at_edge(d.glyph, (0, 0, *size))]
    if not reading.text or len(kept) == len(digits):
        return reading
    return replace(reading, digits=tuple(kept), seen=(*reading.seen, "pieces at the edge ignored"))


def is_at_edge(glyph: Glyph, picture: Sequence[float]) -> bool:
    """Return whether a glyph touches the edge of a picture's left, top, right, bottom, px."""
    left, top, right, bottom = glyph.box
    return left <= picture[0] or top <= picture[1] or right >= picture[2] or bottom >= picture[3]
