"""What an epoch learns from, made anew every few epochs and varied in every batch."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from inkling.datasets.augment import distort, shift
from inkling.datasets.mnist import Digits, join
from inkling.datasets.non_digits import outliers, seen_again
from inkling.datasets.pen_digits import drawn_digits
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
        between: Callable[[], None],
    ):
        """Remember what goes in; `between` is called often while digits are drawn."""
        self.recipe, self.mnist, self.added = recipe, mnist, added
        self.seed, self.between = seed, between
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
                    ink, labels = (part.to(device) for part in self.make(epoch))
                order = torch.randperm(len(labels), generator=self.generator).to(device)
            batch = order[place * size : (place + 1) * size]
            yield augment(ink[batch], self.recipe, self.generator), labels[batch]

    def make(self, epoch: int) -> Digits:
        """Draw and gather what the epochs from this one on learn from."""
        recipe, seed = self.recipe, (self.seed, epoch)
        drawn = drawn_digits(recipe.drawn, seed, self.between)
        others = outliers(recipe.outliers, join(self.mnist, drawn), seed, self.between)
        if self.added:
            own = variants(self.added, self.added_count, recipe, self.generator)
            drawn = join(drawn, own)
        drawn = drawn._replace(labels=drawn.labels + 10 * recipe.separate)
        everything = join(self.mnist, drawn, others)
        order = torch.randperm(len(self.mnist.labels), generator=self.generator)
        again = order[: recipe.again]  # of MNIST's digits, which come first
        everything.ink[again] = seen_again(self.mnist.ink[again], seed)
        return everything


def variants(digits: Digits, count: int, recipe: Recipe, generator: torch.Generator) -> Digits:
    """Return `count` digits, each of these as often as the others, and each a little different."""
    order = torch.randperm(len(digits.labels), generator=generator)
    chosen = order[torch.arange(count) % len(order)]
    how = recipe.shift, recipe.turn, recipe.stretch, recipe.slant
    return Digits(distort(digits.ink[chosen], *how, generator), digits.labels[chosen])


def augment(ink: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Return the batch of ink varied as the recipe says."""
    varied = shift(ink, recipe.shift, generator)
    if recipe.distorted:  # the others keep their fine grain, which distorting blurs
        chosen = torch.rand(len(ink), generator=generator) < recipe.distorted
        how = recipe.shift, recipe.turn, recipe.stretch, recipe.slant
        varied[chosen] = distort(ink[chosen], *how, generator)
    return varied
