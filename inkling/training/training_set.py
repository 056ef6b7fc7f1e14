"""What an epoch learns from, made anew every few epochs and varied in every batch."""

from collections.abc import Iterator

import torch
from torch import Tensor

from inkling.datasets.augment import distort, shift
from inkling.datasets.mnist import Digits, join
from inkling.datasets.non_digits import KINDS, WITHOUT_CHARACTERS, outliers, seen_again
from inkling.datasets.pen_digits import Hands, drawn_digits
from inkling.datasets.prepared import training_pictures
from inkling.training.recipes import Recipe

ADDED_TIMES = 20  # how often each digit that is added comes in an epoch, each time another way
MOST_ADDED = 0.25  # of MNIST's digits: the most that come, added, in an epoch


class TrainingSet:
    """MNIST's digits, drawn ones, what is no digit, and digits of your own."""

    def __init__(
        self,
        recipe: Recipe,
        mnist: Digits,
        added: Digits | None,
        seed: int,
    ):
        """Remember what goes in."""
        self.recipe, self.mnist, self.added = recipe, mnist, added
        self.seed = seed
        self.generator = torch.Generator().manual_seed(seed)
        most = int(MOST_ADDED * len(mnist.labels))
        self.added_count = min(ADDED_TIMES * len(added.labels), most) if added else 0
        count = len(mnist.labels) + recipe.drawn + recipe.outliers + self.added_count
        self.steps_an_epoch = count // recipe.batch_size

    def batches(self, steps: int, device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield `steps` batches: ink (B, 1, 28, 28), and labels (B,) from 0 to 21."""
        size = self.recipe.batch_size
        for step in range(steps):
            epoch, place = divmod(step, self.steps_an_epoch)
            if place == 0:
                if epoch % self.recipe.redraw == 0:
                    ink, labels = self.make(epoch)
                    pixels, labels = as_bytes(ink).to(device), labels.to(device)
                order = torch.randperm(len(labels), generator=self.generator).to(device)
            batch = order[place * size : (place + 1) * size]
            yield augment(pixels[batch], self.recipe, self.generator), labels[batch]

    def make(self, epoch: int) -> Digits:
        """Draw and gather what the epochs from this one on learn from."""
        recipe, seed = self.recipe, (self.seed, epoch)
        drawn, others = training_pictures() if recipe.prepared else self.draw(seed)
        if self.added:
            own = variants(self.added, self.added_count, recipe, self.generator)
            drawn = join(drawn, own)
        drawn = drawn._replace(labels=drawn.labels + 10 * recipe.separate)
        everything = join(self.mnist, drawn, others)
        order = torch.randperm(len(self.mnist.labels), generator=self.generator)
        again = order[: recipe.again]  # of MNIST's digits, which come first
        everything.ink[again] = seen_again(self.mnist.ink[again], seed)
        return everything

    def draw(self, seed: tuple[int, ...]) -> tuple[Digits, Digits]:
        """Draw digits, and what is no digit."""
        recipe = self.recipe
        hands = Hands(recipe.of_fonts, recipe.slips)
        drawn = drawn_digits(recipe.drawn, seed, hands)
        kinds = KINDS if recipe.characters else WITHOUT_CHARACTERS
        both = join(self.mnist, drawn)
        return drawn, outliers(recipe.outliers, both, seed, kinds)


def variants(digits: Digits, count: int, recipe: Recipe, generator: torch.Generator) -> Digits:
    """Return `count` digits, each of these as often as the others, and each a little different."""
    order = torch.randperm(len(digits.labels), generator=generator)
    chosen = order[torch.arange(count) % len(order)]
    return Digits(distort(digits.ink[chosen], recipe.distortion, generator), digits.labels[chosen])


def augment(pixels: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Return a batch of pixels (B, 1, 28, 28), uint8, as ink that is varied as the recipe says."""
    varied = as_ink(shift(pixels, recipe.shift, generator))
    if recipe.distorted:  # the others keep their fine grain, which distorting blurs
        chosen = torch.rand(len(pixels), generator=generator) < recipe.distorted
        varied[chosen] = distort(as_ink(pixels[chosen]), recipe.distortion, generator)
    return varied


def as_bytes(ink: Tensor) -> Tensor:
    """Return ink as pixels, 0 to 255, of which memory holds four times as many."""
    return (255 * ink).round().byte()


def as_ink(pixels: Tensor) -> Tensor:
    """Return pixels, uint8, as ink."""
    return pixels.float() / 255
