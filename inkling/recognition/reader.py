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
from inkling.imaging.mnist_frame import Glyph
from inkling.imaging.open_image import PictureError, open_picture
from inkling.recognition.checkpoint import CHECKPOINT, load_checkpoint
from inkling.recognition.hypotheses import TURNED, Hypothesis, compute_log_odds, hypotheses
from inkling.recognition.likeliest_row import Judged
from inkling.recognition.line_net import Line, Text, read_line
from inkling.recognition.page_networks import line_net
from inkling.recognition.reading import (
    BLANK,
    Digit,
    Reading,
    enlarged,
    in_its_line,
    read_together,
    without_cut_off,
)
from inkling.recognition.segmentation import ReadLine, find_rows
from inkling.recognition.strokes import Part
from model import DigitCNN, fuse_batch_norm

LINE_MARGIN = 0.2  # heights of a line: paper around it
CONFIDENT = 2.6  # log-odds of being right (93 %) with which no other hypothesis is made


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
        self.model = fuse_batch_norm(model)
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
        best: Reading | None = None
        for hypothesis in hypotheses(picture):
            reading = self.read_hypothesis(hypothesis)
            if best is None or reading.log_odds > best.log_odds:
                best = reading
            if best.log_odds > CONFIDENT:
                break
        assert best is not None
        best = without_cut_off(best, picture.size)
        return enlarged(best, np.array(size) / picture.size) if size else best

    def read_many(self, pictures: Iterable[Image.Image | np.ndarray]) -> Iterator[Reading]:
        """Read pictures, as they are asked for."""
        return map(self.read, pictures)

    def read_file(self, path: Path) -> Reading:
        """Read a picture file; of one that cannot be read there is only an `error`."""
        try:
            return self.read(*open_picture(path))
        except PictureError as error:
            return Reading(error=str(error))

    def read_hypothesis(self, hypothesis: Hypothesis) -> Reading:
        """Read the ink that a picture may have."""
        ink = hypothesis.ink
        if ink is None:
            odds = compute_log_odds(hypothesis, [], "")
            return Reading(note=BLANK, log_odds=odds)
        rows = find_rows(ink, self.predict_glyphs, line_reader(hypothesis.light, ink))
        digits = [as_digit(glyph, hypothesis, k) for k, row in enumerate(rows) for glyph in row]
        seen = ink.notes
        if len(digits) > 1:
            seen += (f"{len(digits)} glyphs on {len(rows)} line{'s' * (len(rows) > 1)}",)
        if hypothesis.quarters:
            seen += (TURNED[hypothesis.quarters],)
        reading = read_together(digits, seen)
        odds = compute_log_odds(hypothesis, reading.digits, reading.text)
        return replace(reading, log_odds=odds)

    def read_glyphs(self, glyphs: list[Glyph], seen: tuple[str, ...] = ()) -> Reading:
        """Read glyphs that are found already: at least one."""
        probabilities, not_a_digit, *_ = self.predict_glyphs(np.stack([g.ink for g in glyphs]))
        answers = zip(glyphs, probabilities.tolist(), not_a_digit.tolist(), strict=True)
        return read_together([in_its_line(Digit(g, tuple(p), n)) for g, p, n in answers], seen)

    @torch.inference_mode()
    def features(self, ink: np.ndarray) -> Tensor:
        """Return what the network's last layer weighs up, (z,), for framed ink (28, 28)."""
        torch.set_num_threads(1)
        return self.model.features(torch.from_numpy(ink)[None, None])[0]

    @torch.inference_mode()
    def predict_glyphs(self, inks: np.ndarray) -> tuple[np.ndarray, ...]:
        """Judge framed ink (N, 28, 28); returns the arrays of a `Prediction`."""
        torch.set_num_threads(1)  # of this thread: on batches this small a second one costs time
        judgement = self.model.predict(torch.from_numpy(inks).unsqueeze(1))
        return tuple(field.numpy() for field in judgement)


def line_reader(light: np.ndarray, ink: Ink) -> ReadLine:
    """Return a function that transcribes a part of ink from brightness (H, W) of any size."""
    unit = np.array(light.shape[::-1]) / ink.coverage.shape[::-1]

    def read(part: Part) -> Line:
        margin = LINE_MARGIN * part.height
        left, top = np.floor((np.array(part.box[:2]) - margin) * unit).astype(int).clip(0)
        right, bottom = np.ceil((np.array(part.box[2:]) + margin) * unit).astype(int)
        line = read_line(light[top:bottom, left:right], line_net())
        texts = [
            Text(t.digits, tuple((left + m) / unit[0] - part.box[0] for m in t.middles))
            for t in line.texts
        ]
        return Line(line.log_probs, texts)

    return read


def as_digit(judged: Judged, hypothesis: Hypothesis, line: int) -> Digit:
    """Return a part of a line as a digit of the picture."""
    box = hypothesis.in_picture(judged.part.box)
    glyph = Glyph(judged.ink, box, judged.thickened, judged.line_probs, line)
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
