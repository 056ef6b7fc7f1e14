"""Score segments with the digit network, each once."""

from collections.abc import Callable

import numpy as np

from inkling.imaging.mnist_frame import Glyph, fit_to_frame, thicken
from inkling.recognition.connected_components import Segment
from inkling.recognition.reading import Digit, make_digits

MAX_GLYPH_COST = 6.0  # of the least probable glyph, natural logarithm

# Ink (N, 28, 28) to the four arrays of a `model.Prediction`.
PredictGlyphs = Callable[[np.ndarray], tuple[np.ndarray, ...]]


class SegmentScorer:
    """Predicts segments as one digit each; equal ones once: transcripts share most pieces."""

    def __init__(self, predict: PredictGlyphs):
        """Store what predicts a batch of glyphs."""
        self.predict = predict
        self.known: dict[tuple[tuple[int, ...], bytes], Digit] = {}

    def __call__(self, segments: list[Segment]) -> list[Digit]:
        """Return each segment as one digit, all predicted in one batch; boxes in px of the ink."""
        keys = [(s.box, s.ink.tobytes()) for s in segments]
        if new := {k: s for k, s in zip(keys, segments, strict=True) if k not in self.known}:
            thick = [thicken(s.ink) for s in new.values()]
            inks = np.stack([fit_to_frame(ink) for ink in thick])
            found = zip(new.values(), thick, inks, strict=True)
            glyphs = [Glyph(ink, s.box, thickened=wide is not s.ink) for s, wide, ink in found]
            self.known |= zip(new, make_digits(glyphs, self.predict(inks)), strict=True)
        return [self.known[k] for k in keys]
