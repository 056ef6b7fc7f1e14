"""Training data of an epoch: MNIST, drawn digits, outliers and added digits, in batches."""

from collections.abc import Iterator

import torch
from torch import Tensor

from inkling.datasets.augment import augment, repeat_distorted, to_pixels
from inkling.datasets.mnist import Digits, join
from inkling.datasets.non_digits import draw_outliers, recapture
from inkling.datasets.pen_digits import draw_digits
from inkling.datasets.prepared import load_training_tiles
from inkling.training.recipes import Recipe

ADDED_REPEATS = 20  # copies of each added digit in an epoch, each distorted
FIRST_DRAWN_CLASS = 10  # drawn digits are classes of their own: see `DigitCNN.class_logits`
MAX_ADDED_SHARE = 0.25  # of MNIST's digits: limits the added copies in an epoch


class TrainingSet:
    """Draws the training data, again after every few epochs, and yields batches."""

    def __init__(self, recipe: Recipe, mnist: Digits, added: Digits | None, seed: int):
        self.recipe, self.mnist, self.added, self.seed = recipe, mnist, added, seed
        self.generator = torch.Generator().manual_seed(seed)
        limit = int(MAX_ADDED_SHARE * len(mnist.labels))
        self.added_count = min(ADDED_REPEATS * len(added.labels), limit) if added else 0
        count = len(mnist.labels) + recipe.drawn + recipe.outliers + self.added_count
        self.steps_per_epoch = count // recipe.batch_size

    def batches(self, steps: int, device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield `steps` batches: ink (B, 1, 28, 28), and labels (B,) from 0 to 21."""
        recipe, size = self.recipe, self.recipe.batch_size
        for step in range(steps):
            epoch, index = divmod(step, self.steps_per_epoch)
            if index == 0:
                if epoch % recipe.redraw == 0:
                    ink, labels = self.make(epoch)
                    pixels, labels = to_pixels(ink).to(device), labels.to(device)
                order = torch.randperm(len(labels), generator=self.generator).to(device)
            batch = order[index * size : (index + 1) * size]
            varied = augment(pixels[batch], recipe.distortion, recipe.distorted, self.generator)
            yield varied, labels[batch]

    def make(self, epoch: int) -> Digits:
        """Gather the data for the epochs from this one on."""
        recipe, seed = self.recipe, (self.seed, epoch)
        if recipe.prepared:
            drawn, outliers = load_training_tiles()
        else:
            drawn = draw_digits(recipe.drawn, seed)
            outliers = draw_outliers(recipe.outliers, join(self.mnist, drawn), seed)
        if self.added:
            count, limits = self.added_count, recipe.distortion
            drawn = join(drawn, repeat_distorted(self.added, count, limits, self.generator))
        drawn = drawn._replace(labels=drawn.labels + FIRST_DRAWN_CLASS)
        everything = join(self.mnist, drawn, outliers)
        order = torch.randperm(len(self.mnist.labels), generator=self.generator)
        again = order[: recipe.again]  # indices of MNIST's digits, which come first
        everything.ink[again] = recapture(self.mnist.ink[again], seed)
        return everything
