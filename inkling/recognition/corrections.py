"""Apply a user's corrections to later readings, without training.

An early layer of the digit network embeds each corrected glyph. A similar glyph's probabilities
move towards the corrected digit: a cache model, as in Tip-Adapter (Zhang et al. 2022, arXiv
2111.03930), with the network's probabilities as the prior.
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

MAX_CORRECTIONS = 50  # of one user; the oldest is dropped
BASE64_LENGTH = 4 * -(-FRAME * FRAME // 3)  # characters of a correction's ink
# A correction adds CACHE_ALPHA * exp(-CACHE_BETA * d) to the logit of its digit, where d is 1 - the
# cosine similarity. A glyph that is drawn again almost equally gets more than any logit:
# REPEAT_ALPHA * exp(-(d / REPEAT_DISTANCE)^2). `bench/corrections.py` chose all four, on pen digits
# of 30 writers.
CACHE_ALPHA, CACHE_BETA = 10.0, 7.0
REPEAT_ALPHA, REPEAT_DISTANCE = 10.0, 0.05
# Index into the ReLU outputs. The last ones encode only the class: everything read as a 2 is
# similar there, and corrections cause more errors than they fix. This one still encodes strokes.
EMBEDDING_LAYER = -3
MAX_CACHED_EMBEDDINGS = 400  # corrections of all users: 100 kB each
VARIATIONS = (  # of a corrected glyph: px to the right and down, degrees, width and height
    (0, 0, 0, 1, 1),
    *((x, y, 0, 1, 1) for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1))),
    *((0, 0, turn, 1, 1) for turn in (9, -9)),
    *((0, 0, 0, width, height) for width, height in ((0.88, 1), (1, 0.88))),
)


class Correction(NamedTuple):
    """A glyph and its digit, as the user says."""

    ink: bytes  # framed, FRAME x FRAME of uint8, 0 = paper, 255 = ink
    digit: int


@dataclass(frozen=True)
class Corrections:
    """All corrections of one user, the oldest first."""

    items: tuple[Correction, ...] = ()

    def __len__(self) -> int:
        return len(self.items)

    def add(self, ink: np.ndarray, digit: int) -> Self:
        """Return a copy with one more, of framed ink (28, 28), in place of an earlier one of it."""
        correction = Correction(np.rint(255 * ink.clip(0, 1)).astype(np.uint8).tobytes(), digit)
        others = tuple(old for old in self.items if old.ink != correction.ink)
        return replace(self, items=(*others, correction)[-MAX_CORRECTIONS:])

    def to_json(self) -> list[dict]:
        """Return a list for the browser's storage, which `from_json` parses."""
        return [{"ink": base64.b64encode(ink).decode(), "digit": d} for ink, d in self.items]

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Parse a browser's stored list; invalid items are dropped, nothing is raised."""
        stored = value[-MAX_CORRECTIONS:] if isinstance(value, list) else []
        return cls(tuple(correction for item in stored if (correction := parse_correction(item))))


def parse_correction(item: object) -> Correction | None:
    """Parse an item of `Corrections.to_json`; None if it is invalid."""
    match item:
        case {"ink": str(code), "digit": digit} if type(digit) is int and 0 <= digit <= 9:
            try:
                ink = base64.b64decode(code if len(code) == BASE64_LENGTH else "", validate=True)
            except ValueError:
                return None
            return Correction(ink, digit) if len(ink) == FRAME * FRAME and any(ink) else None
    return None


def apply_corrections(reading: Reading, corrections: Corrections, model: DigitCNN) -> Reading:
    """Return a reading adjusted by corrections; without any, the same object."""
    if not corrections or not reading.digits:
        return reading
    return Reading.of(adjust_digits(reading.digits, corrections, model), reading.seen)


@torch.inference_mode()
def adjust_digits(
    digits: tuple[Digit, ...], corrections: Corrections, model: DigitCNN
) -> tuple[Digit, ...]:
    """Return digits whose probabilities and rejection are moved by similar corrections."""
    torch.set_num_threads(1)  # of this thread, as `Reader.predict_glyphs`
    glyphs = embed(model, np.stack([d.glyph.ink for d in digits]))
    cosines = [(glyphs @ embed_correction(c.ink, model).T).amax(dim=1) for c in corrections.items]
    distance = 1 - torch.stack(cosines, dim=1)  # (N, K)
    similar = CACHE_ALPHA * (-CACHE_BETA * distance).exp()
    shift = similar + REPEAT_ALPHA * (-((distance / REPEAT_DISTANCE) ** 2)).exp()
    labels = torch.tensor([correction.digit for correction in corrections.items])
    logits = torch.tensor([d.probabilities for d in digits]).log().index_add(1, labels, shift)
    probabilities = logits.softmax(dim=1).clamp_min(LABEL_ERROR_RATE / 10)  # as the network's own
    probabilities /= probabilities.sum(dim=1, keepdim=True)
    rejection = torch.tensor([d.not_a_digit for d in digits]).logit(eps=1e-6) - shift.amax(dim=1)
    return tuple(
        replace(d, probabilities=tuple(p), not_a_digit=n)
        for d, p, n in zip(
            digits, probabilities.tolist(), rejection.sigmoid().tolist(), strict=True
        )
    )


@lru_cache(MAX_CACHED_EMBEDDINGS)
def embed_correction(ink: bytes, model: DigitCNN) -> Tensor:
    """Embed a corrected glyph in all `VARIATIONS`, (len(VARIATIONS), C)."""
    glyph = np.frombuffer(ink, np.uint8).reshape(FRAME, FRAME).astype(np.float32) / 255
    return embed(model, np.stack([vary(glyph, *variation) for variation in VARIATIONS]))


def vary(
    ink: np.ndarray, right: float, down: float, turn: float, width: float, height: float
) -> np.ndarray:
    """Shift, rotate and scale ink (28, 28) about its centre."""
    middle = (FRAME - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), turn, 1)  # (2, 3)
    matrix[:, :2] = matrix[:, :2] * (width, height)
    matrix[:, 2] = middle + np.array([right, down]) - matrix[:, :2].sum(axis=1) * middle
    return cv2.warpAffine(ink, matrix, (FRAME, FRAME))


def embed(model: DigitCNN, inks: np.ndarray) -> Tensor:
    """Embed ink (N, 28, 28): the maps of `EMBEDDING_LAYER`, flat, of length 1, (N, C)."""
    relus = [k for k, layer in enumerate(model.layers) if isinstance(layer, nn.ReLU)]
    layers = model.layers[: relus[EMBEDDING_LAYER] + 1]
    maps = layers(normalize_ink(torch.from_numpy(inks).unsqueeze(1)))
    return F.normalize(maps.flatten(1), dim=1)
