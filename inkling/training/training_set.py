"""Training data of an epoch: MNIST, drawn digits, outliers and added digits, in batches."""

from collections.abc import Iterator

import torch
from torch import Tensor

from inkling.datasets.augment import augment, repeat_distorted, to_pixels
from inkling.datasets.mnist import Digits, join
from inkling.datasets.prepared import Sheet, find_sets, load_training_sheets
from inkling.training.recipes import Recipe

ADDED_REPEATS = 20  # copies of each added digit in an epoch, each distorted
FIRST_DRAWN_CLASS = 10  # drawn digits are classes of their own: see `DigitCNN.class_logits`
MAX_ADDED_SHARE = 0.25  # of MNIST's digits: limits the added copies in an epoch


class TrainingSet:
    """Gathers the training data, again after every few epochs, and yields batches."""

    def __init__(self, recipe: Recipe, mnist: Digits, added: Digits | None, seed: int):
        self.recipe, self.mnist, self.added, self.seed = recipe, mnist, added, seed
        self.generator = torch.Generator().manual_seed(seed)
        self.sets = find_sets(large=not recipe.prepared)
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
        recipe, mnist = self.recipe, self.mnist
        chosen = (self.seed + epoch // recipe.redraw) % len(self.sets)
        drawn_sheet, outliers, recaptured = load_training_sheets(self.sets[chosen])
        drawn = self.sample(drawn_sheet, recipe.drawn)
        if self.added:
            count, limits = self.added_count, recipe.distortion
            drawn = join(drawn, repeat_distorted(self.added, count, limits, self.generator))
        drawn = drawn._replace(labels=drawn.labels + FIRST_DRAWN_CLASS)
        everything = join(mnist, drawn, self.sample(outliers, recipe.outliers))
        again = torch.randperm(len(mnist.labels), generator=self.generator)[: recipe.again]
        # in place of as many of MNIST
        everything.ink[again], everything.labels[again] = self.sample(recaptured, len(again))
        return everything

    def sample(self, sheet: Sheet, count: int) -> Digits:
        """Return `count` tiles, some of them repeatedly if there are fewer."""
        order = torch.randperm(len(sheet.labels), generator=self.generator)
        return sheet.select(order[torch.arange(count) % len(order)])
