"""Recipes: everything that decides what a training gives, apart from the seed."""

from dataclasses import dataclass


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
    drawn: int = 18_000  # digits of the drawn styles, beside MNIST's 55,000
    drawn_bonus: float = 0  # added to drawn digits' logits in use, where they come more often
    separate: bool = True  # learn drawn digits as classes of their own
    outliers: int = 14_000  # things that are no single digit, as classes of their own
    again: int = 10_000  # of MNIST's digits, taken from a picture once more
    redraw: int = 3  # epochs after which other digits are drawn
    averaging: float = 0  # share of the averaged weights that a step keeps; 0: no averaging


QUICK = Recipe(
    "quick", epochs=5, widths=(16, 32, 64, 128), drawn=8_000, outliers=6_000, again=1_000, redraw=5
)
DEFAULT = Recipe(
    "default",
    epochs=14,
    widths=(36, 56, 112, 144, 200),
    distorted=0.8,
    drawn_bonus=0.5,
    averaging=0.998,
)
