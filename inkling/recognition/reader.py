"""Read pictures: the loop over ink hypotheses."""

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
from inkling.recognition.connected_components import Segment
from inkling.recognition.hypotheses import ROTATED, Hypothesis, compute_log_odds, hypotheses
from inkling.recognition.line_net import LinePrediction, transcribe_line
from inkling.recognition.page_networks import line_net
from inkling.recognition.reading import (
    BLANK,
    Digit,
    Reading,
    assemble_reading,
    drop_edge_fragments,
    make_digits,
)
from inkling.recognition.segmentation import Transcribe, find_rows
from model import DigitCNN, fuse_batch_norm

LINE_MARGIN_SHARE = 0.2  # of a line's height: paper around it in its crop
CONFIDENT_LOG_ODDS = 2.6  # of being right (93 %): no other hypothesis is tried

Picture = Image.Image | np.ndarray


class ReaderUnavailable(RuntimeError):
    """A remote reader is overloaded or gone."""


class Reader:
    """A trained network that reads pictures."""

    def __init__(
        self, model: DigitCNN, description: dict | None = None, gallery: dict | None = None
    ):
        self.title = ""  # of a network that a user chose in place of the page's
        self.model = fuse_batch_norm(model)
        self.description = description or {}
        self.gallery = gallery

    @classmethod
    def load(cls, path: Path = CHECKPOINT) -> "Reader":
        """Load a checkpoint; raises what `load_checkpoint` raises."""
        return cls(*load_checkpoint(path))

    def call(self, function: Callable, *args: Any) -> Any:
        """Return `function(*args, self)`; `scale.serving.RemoteReader` computes it in a replica."""
        return function(*args, self)

    def read(self, picture: Picture, size: tuple[int, int] | None = None) -> Reading:
        """Read a Pillow picture, or an array (H, W), (H, W, 3) or (H, W, 4) of uint8.

        Boxes are in its pixels, or in those of the (width, height) that it was reduced from.
        """
        picture = as_picture(picture)
        size, best = size or picture.size, Reading(log_odds=-np.inf)
        for hypothesis in hypotheses(picture, (0, 0, *size)):
            if hypothesis.max_log_odds > best.log_odds:
                best = max(best, self.read_hypothesis(hypothesis), key=lambda r: r.log_odds)
            if best.log_odds > CONFIDENT_LOG_ODDS:
                break
        return drop_edge_fragments(best, size)

    def read_many(self, pictures: Iterable[Picture]) -> Iterator[Reading]:
        """Read pictures lazily."""
        return map(self.read, pictures)

    def read_file(self, path: Path) -> Reading:
        """Read a picture file; if it cannot be opened, the reading has an `error`."""
        try:
            return self.read(*open_picture(path))
        except PictureError as error:
            return Reading(error=str(error))

    def read_hypothesis(self, hypothesis: Hypothesis) -> Reading:
        """Read the ink of one hypothesis."""
        ink = hypothesis.ink
        if ink is None:
            return Reading(note=BLANK, log_odds=compute_log_odds(hypothesis, [], ""))
        rows = find_rows(ink, self.predict_glyphs, make_transcriber(hypothesis.gray, ink))
        digits = [place_in_picture(d, hypothesis, k) for k, row in enumerate(rows) for d in row]
        seen = ink.notes
        if len(digits) > 1:
            seen += (f"{len(digits)} glyphs on {len(rows)} line{'s' * (len(rows) > 1)}",)
        if hypothesis.quarters:
            seen += (ROTATED[hypothesis.quarters],)
        reading = assemble_reading(digits, seen)
        log_odds = compute_log_odds(hypothesis, reading.digits, reading.text)
        return replace(reading, log_odds=log_odds)

    def read_glyphs(self, glyphs: list[Glyph], seen: tuple[str, ...] = ()) -> Reading:
        """Read glyphs that are already segmented: at least one."""
        prediction = self.predict_glyphs(np.stack([glyph.ink for glyph in glyphs]))
        return assemble_reading(make_digits(glyphs, prediction), seen)

    @torch.inference_mode()
    def features(self, ink: np.ndarray) -> Tensor:
        """Compute the inputs of the digit network's last layer, (z,), for framed ink (28, 28)."""
        torch.set_num_threads(1)
        return self.model.features(torch.from_numpy(ink)[None, None])[0]

    @torch.inference_mode()
    def predict_glyphs(self, inks: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return the arrays of a `model.Prediction` for framed ink (N, 28, 28)."""
        torch.set_num_threads(1)  # of this thread: for batches this small a second one costs time
        prediction = self.model.predict(torch.from_numpy(inks).unsqueeze(1))
        return tuple(field.numpy() for field in prediction)


def make_transcriber(gray: np.ndarray, ink: Ink, net: Callable | None = None) -> Transcribe:
    """Return a function that transcribes a segment of ink from brightness (H, W) of any size."""
    unit = np.array(gray.shape[::-1]) / ink.coverage.shape[::-1]

    def transcribe(line: Segment) -> LinePrediction:
        margin = LINE_MARGIN_SHARE * line.height
        left, top = np.floor((np.array(line.box[:2]) - margin) * unit).astype(int).clip(0)
        right, bottom = np.ceil((np.array(line.box[2:]) + margin) * unit).astype(int)
        prediction = transcribe_line(gray[top:bottom, left:right], net or line_net())
        transcripts = {
            digits: tuple((left + x) / unit[0] - line.box[0] for x in centers)
            for digits, centers in prediction.transcripts.items()
        }
        return prediction._replace(transcripts=transcripts)

    return transcribe


def place_in_picture(digit: Digit, hypothesis: Hypothesis, line: int) -> Digit:
    """Return a digit of the hypothesis's ink with its box in px of the picture, and its line."""
    box = hypothesis.in_picture(digit.glyph.box)
    return replace(digit, glyph=replace(digit.glyph, box=box, line=line))


def as_picture(picture: Picture) -> Image.Image:
    """Convert an array to a Pillow picture; raises `PictureError` if it has another shape."""
    if not isinstance(picture, Image.Image):
        shape: tuple[int, ...] = getattr(picture, "shape", ())
        flat = len(shape) == 2 or (len(shape) == 3 and shape[2] in (3, 4))
        if not flat or getattr(picture, "dtype", None) != np.uint8:
            raise PictureError("an array must be (H, W), (H, W, 3) or (H, W, 4) of uint8.")
        picture = Image.fromarray(np.asarray(picture))
    if not picture.width or not picture.height:
        raise PictureError("the picture has no pixels.")
    return picture
