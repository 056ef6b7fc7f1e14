"""Digits that a network has been scored on become a gallery: what a new drawing is compared with.

The gallery is made once, at the end of a training, and lies in the checkpoint's file. Its digits
are MNIST's test images, which no network has learned from. They show which digits a drawing is
like, where it stands among them on a map, and what lies behind a network's confusions.
"""

from typing import NamedTuple

import numpy as np
import torch.nn.functional as F
from torch import Tensor

NEARNESS_POWER = 6  # of 4 to 8 the one where a blend of a 4 and a 9 moved most evenly between
LEAST_DISTANCE = 1e-3  # 1 - cosine: nearer is the same, in float16


class Neighbourhood(NamedTuple):
    """Where a drawing lies among a gallery's digits, and the K that are most like it."""

    place: tuple[float, float]  # x and y on the map, 0 to 1
    features: int  # by how many it was compared
    ink: Tensor  # (K, 28, 28) uint8, 0 = paper, 255 = ink
    labels: Tensor  # (K,) uint8, 0 to 9
    likenesses: Tensor  # (K,) float, 0 to 1, the largest first


class Gallery(NamedTuple):
    """N digits as the network sees them, in the test images' order; see `checkpoint.GALLERY`."""

    ink: Tensor  # (N, 28, 28) uint8, 0 = paper, 255 = ink
    labels: Tensor  # (N,) uint8, 0 to 9
    answers: Tensor  # (N,) uint8, 0 to 9: what the network reads
    confidence: Tensor  # (N,) float16, the answer's probability, 0 to 1
    features: Tensor  # (N, z) float16, `DigitCNN.features` of length 1
    places: Tensor  # (N, 2) float16, x and y on the map, 0 to 1

    @classmethod
    def of(cls, tensors: dict[str, Tensor] | None) -> "Gallery | None":
        """Return a checkpoint's gallery; None if it has none."""
        return cls(**tensors) if tensors else None

    def likenesses(self, features: Tensor) -> Tensor:
        """Return how like each digit is, (N,): the cosine with features (z,), 0 to 1."""
        return self.features.float() @ F.normalize(features.float(), dim=0)

    def neighbours(self, features: Tensor, count: int = 5) -> tuple[Tensor, Tensor]:
        """Return the digits most like features (z,): indices and likenesses, (count,) each."""
        likenesses, indices = self.likenesses(features).topk(min(count, len(self.labels)))
        return indices, likenesses

    def read_as(self, digit: int) -> np.ndarray:
        """Return the inks of a digit that the network reads right, (N, 28, 28) float32, 0 to 1."""
        right = (self.labels == digit) & (self.answers == digit)
        return self.ink[right].numpy().astype(np.float32) / 255

    def nearest(self, features: Tensor, digit: int) -> np.ndarray:
        """Return the ink of a digit's most like features (z,), (28, 28) float32, 0 to 1."""
        alike = self.likenesses(features).where(self.labels == digit, -1)
        return self.ink[alike.argmax()].numpy().astype(np.float32) / 255

    def around(self, features: Tensor) -> Neighbourhood:
        """Return what lies around features (z,)."""
        indices, likenesses = self.neighbours(features)
        place = self.place(features)
        return Neighbourhood(
            place, len(features), self.ink[indices], self.labels[indices], likenesses
        )

    def place(self, features: Tensor) -> tuple[float, float]:
        """Return where features (z,) belong on the map: x and y, 0 to 1.

        That is the mean of all places, each weighed by a power of how near its digit is (Shepard
        1968): a digit of the gallery stands where it stands, and what is as like two groups, and
        unlike the others, stands between them.
        """
        distances = 1 - self.likenesses(features)  # half the squared ones
        weights = distances.clamp(min=LEAST_DISTANCE) ** -NEARNESS_POWER
        x, y = (weights @ self.places.float() / weights.sum()).tolist()
        return x, y
