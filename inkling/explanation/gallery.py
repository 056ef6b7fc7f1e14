"""Compare a glyph with the checkpoint's gallery: nearest digits, and its place on a 2-D map.

The gallery holds MNIST test images, which no training has seen, and is built after a training.
"""

from typing import NamedTuple

import numpy as np
import torch.nn.functional as F
from torch import Tensor

WEIGHT_POWER = 6  # exponent, chosen from 4 to 8: a blend of a 4 and a 9 moved most evenly
MIN_DISTANCE = 1e-3  # 1 - cosine: the resolution of float16


class Neighbourhood(NamedTuple):
    """A glyph's place on the map, and the K most similar digits of the gallery."""

    place: tuple[float, float]  # x and y on the map, 0 to 1
    features: int  # number of features compared
    ink: Tensor  # (K, 28, 28) uint8, 0 = paper, 255 = ink
    labels: Tensor  # (K,) uint8, 0 to 9
    similarities: Tensor  # (K,) float, 0 to 1, the largest first


class Gallery(NamedTuple):
    """N digits with their features, in the test images' order; see `checkpoint.GALLERY`."""

    ink: Tensor  # (N, 28, 28) uint8, 0 = paper, 255 = ink
    labels: Tensor  # (N,) uint8, 0 to 9
    answers: Tensor  # (N,) uint8, 0 to 9: of the network
    confidence: Tensor  # (N,) float16, the answer's probability, 0 to 1
    features: Tensor  # (N, z) float16, `DigitCNN.features` of length 1
    places: Tensor  # (N, 2) float16, x and y on the map, 0 to 1

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor] | None) -> "Gallery | None":
        """Return a checkpoint's gallery, or None."""
        return cls(**tensors) if tensors else None

    def similarities(self, features: Tensor) -> Tensor:
        """Return the cosine similarity of each digit with features (z,): (N,), 0 to 1."""
        return self.features.float() @ F.normalize(features.float(), dim=0)

    def neighbours(self, features: Tensor, count: int = 5) -> tuple[Tensor, Tensor]:
        """Return the digits most like features (z,): indices and similarities, (count,) each."""
        similarities, indices = self.similarities(features).topk(min(count, len(self.labels)))
        return indices, similarities

    def nearest(self, features: Tensor, digit: int) -> np.ndarray:
        """Return the ink of the example of a digit nearest to features (z,): (28, 28), 0 to 1."""
        similarities = self.similarities(features).where(self.labels == digit, -1)
        return self.ink[similarities.argmax()].numpy().astype(np.float32) / 255

    def locate(self, features: Tensor) -> Neighbourhood:
        """Return the place and the neighbours of features (z,)."""
        k, similarities = self.neighbours(features)
        place, size = self.place(features), len(features)
        return Neighbourhood(place, size, self.ink[k], self.labels[k], similarities)

    def place(self, features: Tensor) -> tuple[float, float]:
        """Return the position of features (z,) on the map: x and y, 0 to 1.

        It is the mean of all positions by inverse distance weighting (Shepard 1968). A digit of the
        gallery keeps its position; a glyph similar to two groups lies between them.
        """
        distances = 1 - self.similarities(features)  # half the squared Euclidean ones
        weights = distances.clamp(min=MIN_DISTANCE) ** -WEIGHT_POWER
        x, y = (weights @ self.places.float() / weights.sum()).tolist()
        return x, y
