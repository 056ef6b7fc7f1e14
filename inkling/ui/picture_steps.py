"""Record how a picture is read: its ink, its lines, and the hypotheses that compete."""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from torch import Tensor

from inkling.imaging.grayscale import to_grayscale
from inkling.recognition.hypotheses import Hypothesis, is_drawing
from inkling.recognition.ink_finder import UNET_SIDES_PX, ink_prob_map
from inkling.recognition.page_networks import line_net
from inkling.recognition.reader import Reader, make_transcriber
from inkling.recognition.reading import Reading
from inkling.recognition.segmentation import find_rows
from inkling.training.live_reader import PlaceholderReader
from inkling.ui.images import Thumbnail, encode_ink, make_thumbnail


@dataclass(frozen=True)
class TracedPicture(Thumbnail):
    """A reduced picture, and how it was read; other pictures are data URLs, black for 1."""

    readings: tuple[tuple[str, str, float], ...] = ()  # source, text, log-odds, as they were read
    # Of each transcribed line: gray (32, 2 T), probabilities (12, T), best class of each column.
    lines: tuple[tuple[str, str, list[int]], ...] = ()
    ink: str = ""  # probability of ink; "" if Otsu's threshold is certain to do


class TracingReader(Reader):
    """A reader that records what it reads."""

    def __init__(self, reader: Reader):
        """Read with the same network."""
        self.model = reader.model
        self.tried: list[tuple[Reading, Hypothesis]] = []

    def read_hypothesis(self, hypothesis: Hypothesis) -> Reading:
        """Read the ink of one hypothesis."""
        self.tried.append((super().read_hypothesis(hypothesis), hypothesis))
        return self.tried[-1][0]


def read_picture(
    reader: Reader | PlaceholderReader, image: Image.Image, size: tuple[int, int], is_traced: bool
) -> tuple[Reading, Thumbnail]:
    """Read a picture, whose boxes refer to `size`, px; if it `is_traced`, record the steps."""
    small = make_thumbnail(image, size)
    if not is_traced or isinstance(reader, PlaceholderReader):
        return reader.read(image, size), small
    tracer = TracingReader(reader)
    reading, first = tracer.read(image, size), tracer.tried[0][1]
    is_simple = first.ink is not None and first.is_uniform and is_drawing(first.ink)
    ink = "" if is_simple else encode_ink(ink_prob_map(to_grayscale(image), UNET_SIDES_PX[-1]))
    lines = trace_lines(reader, max(tracer.tried, key=lambda pair: pair[0].log_odds)[1])
    tried = tuple((h.source, r.text, r.log_odds) for r, h in tracer.tried)
    return reading, TracedPicture(small.data, small.size, tried, lines, ink)


def trace_lines(reader: Reader, hypothesis: Hypothesis) -> tuple[tuple[str, str, list[int]], ...]:
    """Return the lines of a hypothesis that the line network transcribes."""
    lines = []

    def record(crops: Tensor) -> Tensor:
        log_probs, gray = line_net()(crops), crops[0, 0].numpy()
        probs, dark = log_probs[0].exp().numpy(), (gray.max() - gray) / max(np.ptp(gray), 1e-6)
        lines.append((encode_ink(dark), encode_ink(probs.T), probs.argmax(axis=1).tolist()))
        return log_probs

    if hypothesis.ink:
        transcribe = make_transcriber(hypothesis.gray, hypothesis.ink, record)
        find_rows(hypothesis.ink, reader.predict_glyphs, transcribe)
    return tuple(lines)
