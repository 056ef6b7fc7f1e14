"""Training recipes: all hyperparameters except the seed."""

from dataclasses import dataclass, replace
from typing import Any, Self

from inkling.datasets.augment import Distortion

DATA_LEVELS = {  # what a network learns from: each level with all of those before it
    "mnist": "MNIST alone",
    "hands": "with other hands",
    "all": "with what is no digit",
    "corrections": "with corrections",
}


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of a training."""

    name: str
    epochs: float
    widths: tuple[int, ...]  # channels of the network's blocks
    batch_size: int = 256
    peak_learning_rate: float = 0.3
    warm_up: float = 0.25  # share of all steps before the peak learning rate
    momentum: float = 0.9
    weight_decay: float = 5e-4
    label_smoothing: float = 0.1
    shift: int = 2  # px, maximum
    distorted: float = 0  # share of digits that are distorted; the others are only shifted
    turn: float = 12  # degrees, maximum rotation
    stretch: float = 0.1  # of the width and of the height, maximum
    slant: float = 0.2  # of the height, maximum shear
    drawn: int = 26_000  # drawn digits, beside MNIST's 55,000
    outliers: int = 29_000  # non-digits and several digits, as classes of their own
    again: int = 10_000  # recaptured MNIST digits
    prepared: bool = False  # use the repository's sheets; otherwise the large ones
    redraw: int = 3  # epochs before other pictures are used
    teachers: int = 0  # networks trained first; the mean of their outputs is the target
    teachers_epochs: float = 6  # with more, teachers memorise non-digits that look like digits
    taught: float = 0.8  # share of the loss from the teachers; the rest is from the labels
    averaging: float = 0  # share of the averaged weights kept in a step; 0: no averaging

    @property
    def distortion(self) -> Distortion:
        """The limits of distortion."""
        return Distortion(self.shift, self.turn, self.stretch, self.slant)

    def choose(self, data: str = "all", size: int = 0, epochs: float | None = None) -> Self:
        """Return the recipe with other data, a size of `SIZES` or length, named after these."""
        left_out = {"mnist": ("drawn", "outliers", "again"), "hands": ("outliers",)}.get(data, ())
        counts: dict[str, Any] = dict.fromkeys(left_out, 0)
        widths, length = SIZES.get(size, self.widths), epochs or self.epochs
        words = [self.name, DATA_LEVELS[data]] if data != "all" else [self.name]
        words += [f"{length:g} epochs"] if length != self.epochs else []
        return replace(self, name=", ".join(words), widths=widths, epochs=length, **counts)


QUICK = Recipe(
    "quick",
    epochs=4.8,
    widths=(16, 32, 64, 128),
    batch_size=512,
    peak_learning_rate=0.5,
    drawn=8_000,
    outliers=6_000,
    again=1_000,
    redraw=5,
    prepared=True,
)
DEFAULT = Recipe(
    "default", epochs=12, widths=(48, 64, 128, 160, 224), distorted=0.8, averaging=0.998, teachers=2
)
SIZES = {  # weights, about: widths of the best network found with the quick recipe's budget
    700: (2, 4, 4, 6),
    5_000: (8, 10, 12, 20),
    50_000: (16, 32, 44, 72),
    620_000: DEFAULT.widths,
}
