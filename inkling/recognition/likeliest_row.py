"""Of all ways to take strokes for glyphs, the one that the network finds likeliest."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from inkling.imaging.mnist_frame import fit_to_frame, thicken
from inkling.recognition.strokes import Part

WORST = 6.0  # cost of the least plausible glyph, in natural logarithms of its probability
A_GLYPH = 0.2  # cost of one glyph more

# Ink (N, 28, 28) to the four arrays of a `model.Prediction`.
Judge = Callable[[np.ndarray], tuple[np.ndarray, ...]]


@dataclass(frozen=True, eq=False)
class Judged:
    """A part as a glyph, and what the network makes of it."""

    part: Part
    ink: np.ndarray  # (28, 28) float32, framed: what the network saw
    thickened: bool  # whether its strokes were too thin for the frame
    probabilities: tuple[float, ...]  # of the ten digits
    not_a_digit: float  # 0 to 1
    plausible: float  # log-probability of being a digit, and the likeliest one
    several: float  # logit of being several digits rather than none
    line_probs: tuple[float, ...] = ()  # shares of ten digits and none: what its line says it is

    @property
    def cost(self) -> float:
        """How much it adds to a row's cost: more for more ink."""
        return min(-self.plausible, WORST) * self.part.area

    @property
    def best(self) -> int:
        """The likeliest digit."""
        return int(np.argmax(self.probabilities))

    @property
    def is_digit(self) -> bool:
        """Whether it is taken for a digit."""
        return self.not_a_digit < 0.5

    @property
    def sureness(self) -> float:
        """The logarithm of how likely it is what it is taken for: its digit, or no digit."""
        return self.plausible if self.is_digit else math.log(self.not_a_digit)

    def likelihood(self, digit: int) -> float:
        """Return the logarithm of how likely it is this digit."""
        return self.plausible + math.log(self.probabilities[digit] / max(self.probabilities))


def judged(parts: list[Part], judge: Judge) -> list[Judged]:
    """Have the network judge parts, all in one batch."""
    thick = [thicken(p.ink) for p in parts]
    inks = np.stack([fit_to_frame(ink) for ink in thick])
    thickened = [ink is not p.ink for ink, p in zip(thick, parts, strict=True)]
    judgement = (field.tolist() for field in judge(inks))
    return [Judged(*j) for j in zip(parts, inks, thickened, *judgement, strict=True)]


def best_row(
    length: int, candidates: dict[tuple[int, int], Judged], spare: dict[int, float]
) -> list[Judged]:
    """Choose the candidates that cover places 0 to `length` and cost least together.

    A candidate (i, j) covers places i to j - 1; a place in `spare` may be left out at that cost.
    Nothing is chosen if they cannot be covered.
    """
    a_glyph = A_GLYPH * max(c.part.area for c in candidates.values())
    best: list[tuple[float, list[Judged]]] = [(0.0, [])]
    for end in range(1, length + 1):
        ways = [
            (best[i][0] + c.cost + a_glyph, [*best[i][1], c])
            for (i, j), c in candidates.items()
            if j == end
        ]
        if end - 1 in spare:
            ways.append((best[end - 1][0] + spare[end - 1], best[end - 1][1]))
        best.append(min(ways, key=lambda way: way[0], default=(np.inf, [])))
    return best[-1][1]
