"""What a visitor teaches becomes a better reading of that visitor's hand, at once.

Nothing is trained. Each lesson is remembered by what an early layer of the network makes of it, and
a glyph that is like it leans towards its digit: a cache as in Tip-Adapter (Zhang et al. 2022, arXiv
2111.03930), for which the network's own probabilities are the prior.
"""

import base64
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple, Self

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inkling.imaging.mnist_frame import FRAME
from inkling.recognition.reading import Digit, Reading
from model import LABEL_ERROR_RATE, DigitCNN, normalize_ink

LIMIT = 50  # lessons; the oldest falls out
CODED = 4 * -(-FRAME * FRAME // 3)  # characters of a lesson's ink in base64
# A lesson moves the logit of its digit by LEAN * exp(-FALL * d), where d is 1 - the cosine, and by
# STRESS * exp(-(d / SAME)^2) where it is all but drawn again: that beats a network that is sure.
# All are chosen by what `bench/corrections.py` counts, on digits that 30 people drew with a pen.
LEAN, FALL = 10.0, 7.0
STRESS, SAME = 10.0, 0.05
# Of the rectified maps: the last ones hold which digit it is, so that all that the network takes
# for a 2 is alike there, and lessons spoil more than they mend; these still hold its strokes.
LAYER = -3
MOST_TRACES = 400  # lessons, of all visitors, whose maps are kept: 100 kB each
WAYS = (  # in which a lesson comes back: px to the right and down, degrees, width and height
    (0, 0, 0, 1, 1),
    *((x, y, 0, 1, 1) for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1))),
    *((0, 0, turn, 1, 1) for turn in (9, -9)),
    *((0, 0, 0, width, height) for width, height in ((0.88, 1), (1, 0.88))),
)


class Lesson(NamedTuple):
    """One glyph, and the digit that it is."""

    ink: bytes  # framed, FRAME x FRAME of uint8, 0 = paper, 255 = ink
    digit: int


@dataclass(frozen=True)
class Lessons:
    """What one visitor taught, the oldest first."""

    taught: tuple[Lesson, ...] = ()

    def __len__(self) -> int:
        return len(self.taught)

    def add(self, ink: np.ndarray, digit: int) -> Self:
        """Return these and one more: framed ink (28, 28), 0 = paper, 1 = ink, is this digit.

        What was told of the same ink before is forgotten.
        """
        lesson = Lesson(np.rint(255 * ink.clip(0, 1)).astype(np.uint8).tobytes(), digit)
        others = tuple(old for old in self.taught if old.ink != lesson.ink)
        return replace(self, taught=(*others, lesson)[-LIMIT:])

    def to_json(self) -> list[dict]:
        """Return what a browser can keep, and `from_json` takes."""
        return [{"ink": base64.b64encode(ink).decode(), "digit": d} for ink, d in self.taught]

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Take what a browser kept, and leave out all that is no lesson; this never raises."""
        kept = value[-LIMIT:] if isinstance(value, list) else []
        return cls(tuple(lesson for item in kept if (lesson := as_lesson(item))))


def as_lesson(item: object) -> Lesson | None:
    """Return an item of `Lessons.to_json` as a lesson, or None if it is none."""
    match item:
        case {"ink": str(code), "digit": digit} if type(digit) is int and 0 <= digit <= 9:
            try:
                ink = base64.b64decode(code if len(code) == CODED else "", validate=True)
            except ValueError:
                return None
            return Lesson(ink, digit) if len(ink) == FRAME * FRAME and any(ink) else None
    return None


def adapt(reading: Reading, lessons: Lessons, model: DigitCNN) -> Reading:
    """Return the reading as the lessons have it; without any, the same one."""
    if not lessons or not reading.digits:
        return reading
    return Reading.of(taught_digits(reading.digits, lessons, model), reading.seen)


@torch.inference_mode()
def taught_digits(
    digits: tuple[Digit, ...], lessons: Lessons, model: DigitCNN
) -> tuple[Digit, ...]:
    """Return the digits with probabilities, and doubt, moved by each lesson that they are like."""
    torch.set_num_threads(1)  # of this thread, as `Reader.predict_glyphs`
    seen = traces(model, np.stack([d.glyph.ink for d in digits]))
    cosines = [(seen @ memory(lesson.ink, model).T).amax(dim=1) for lesson in lessons.taught]
    distance = 1 - torch.stack(cosines, dim=1)  # (N, K)
    lean = LEAN * (-FALL * distance).exp() + STRESS * (-((distance / SAME) ** 2)).exp()
    labels = torch.tensor([lesson.digit for lesson in lessons.taught])
    logits = torch.tensor([d.probabilities for d in digits]).log().index_add(1, labels, lean)
    probabilities = logits.softmax(dim=1).clamp_min(
        LABEL_ERROR_RATE / 10
    )  # no surer than the network
    probabilities /= probabilities.sum(dim=1, keepdim=True)
    doubt = torch.tensor([d.not_a_digit for d in digits]).logit(eps=1e-6) - lean.amax(dim=1)
    return tuple(
        replace(d, probabilities=tuple(p), not_a_digit=n)
        for d, p, n in zip(digits, probabilities.tolist(), doubt.sigmoid().tolist(), strict=True)
    )


@lru_cache(maxsize=MOST_TRACES)
def memory(ink: bytes, model: DigitCNN) -> Tensor:
    """Return the traces, (len(WAYS), C), of a lesson's ink in all the ways it may come back."""
    lesson = np.frombuffer(ink, np.uint8).reshape(FRAME, FRAME).astype(np.float32) / 255
    return traces(model, np.stack([varied(lesson, *way) for way in WAYS]))


def varied(
    ink: np.ndarray, right: float, down: float, turn: float, width: float, height: float
) -> np.ndarray:
    """Return ink (28, 28) moved, turned about its middle, and stretched to a share of its size."""
    middle = (FRAME - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), turn, 1)  # (2, 3)
    matrix[:, :2] = matrix[:, :2] * (width, height)
    matrix[:, 2] = middle + np.array([right, down]) - matrix[:, :2].sum(axis=1) * middle
    return cv2.warpAffine(ink, matrix, (FRAME, FRAME))


def traces(model: DigitCNN, inks: np.ndarray) -> Tensor:
    """Return the maps of layer `LAYER` for ink (N, 28, 28), flat and of length 1: (N, C)."""
    end = [k for k, layer in enumerate(model.layers) if isinstance(layer, nn.ReLU)][LAYER]
    maps = model.layers[: end + 1](normalize_ink(torch.from_numpy(inks).unsqueeze(1)))
    return F.normalize(maps.flatten(1), dim=1)
