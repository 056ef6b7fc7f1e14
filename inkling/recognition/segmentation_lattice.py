"""Score segments with the digit network, and find the cheapest path through a lattice of them."""

from collections.abc import Callable

import numpy as np

from inkling.imaging.mnist_frame import Glyph, fit_to_frame, thicken
from inkling.recognition.connected_components import Segment
from inkling.recognition.reading import Digit, make_digits

MAX_GLYPH_COST = 6.0  # of the least probable glyph, natural logarithm

# Ink (N, 28, 28) to the four arrays of a `model.Prediction`.
PredictGlyphs = Callable[[np.ndarray], tuple[np.ndarray, ...]]
Span = tuple[int, int]  # places i to j - 1 of a line


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


def find_cheapest_path(
    length: int, costs: dict[Span, float], skip_costs: dict[int, float]
) -> list[Span]:
    """Return the spans that cover places 0 to `length` and cost least together.

    A place in `skip_costs` may be left out at that cost. Without a cover the list is empty.
    """
    best: list[tuple[float, list[Span]]] = [(0.0, [])]
    for end in range(1, length + 1):
        paths = [
            (best[span[0]][0] + cost, [*best[span[0]][1], span])
            for span, cost in costs.items()
            if span[1] == end
        ]
        if end - 1 in skip_costs:
            paths.append((best[end - 1][0] + skip_costs[end - 1], best[end - 1][1]))
        best.append(min(paths, key=lambda path: path[0], default=(np.inf, [])))
    return best[-1][1]
