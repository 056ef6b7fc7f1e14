"""Recipes: everything that decides what a training gives, apart from the seed."""

from dataclasses import dataclass

from inkling.datasets.augment import Distortion


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a training gives, apart from the seed."""

    name: str
    epochs: float
    widths: tuple[int, ...]  # channels of the network's blocks
    batch_size: int = 256
    peak_learning_rate: float = 0.3
    warm_up: float = 0.25  # share of all steps until the learning rate's peak
    momentum: float = 0.9
    weight_decay: float = 5e-4
    label_smoothing: float = 0.1
    shift: int = 2  # px, the farthest that a digit is moved
    distorted: float = 0  # share of the digits that are also turned, stretched and slanted
    turn: float = 12  # degrees, the farthest
    stretch: float = 0.1  # of its width and of its height, the farthest
    slant: float = 0.2  # of its height, the farthest
    drawn: int = 26_000  # digits of the drawn styles, beside MNIST's 55,000
    of_fonts: float = 0.5  # share of those that handwriting fonts show how to write
    slips: bool = True  # whether the hands that draw them are careless
    separate: bool = True  # learn drawn digits as classes of their own
    outliers: int = 29_000  # things that are no single digit, as classes of their own
    characters: bool = True  # whether characters of many scripts are among them
    again: int = 10_000  # of MNIST's digits, taken from a picture once more
    prepared: bool = False  # learn from pictures that were drawn beforehand, which takes no time
    redraw: int = 3  # epochs after which other digits are drawn
    teachers: int = 0  # networks, trained first, whose mean answer this one learns from
    teachers_epochs: float = 6  # later they learn by heart what looks like a digit and is none
    taught: float = 0.8  # share of the loss that is the teachers'; the rest is the labels'
    averaging: float = 0  # share of the averaged weights that a step keeps; 0: no averaging

    @property
    def distortion(self) -> Distortion:
        """How far a digit is distorted."""
        return Distortion(self.shift, self.turn, self.stretch, self.slant)


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
    "default",
    epochs=12,
    widths=(48, 64, 128, 160, 224),
    distorted=0.8,
    averaging=0.998,
    teachers=2,
)
