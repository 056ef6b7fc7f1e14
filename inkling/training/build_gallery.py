"""Digits that a network has been scored on become its gallery: chosen, and laid out on a map."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from inkling.datasets.mnist import Digits
from inkling.explanation.gallery import Gallery
from model import DigitCNN, fuse_batch_norm

OF_EACH_LABEL = 40  # digits, evenly taken
MOST_MISREAD = 150  # misread digits, the surest first; the shipped network has 37
LEAST_SURE = 24  # of the digits read right
GALLERY_BATCH = 500  # digits judged at once
PERPLEXITY = 25  # how many neighbours a digit has on the map, about
LATE_PULL = 0.5  # of what is near: at 1 groups are knots in which digits hide one another
MAP_MARGIN = 0.03  # of the map, left free along its edges


@torch.inference_mode()
def make_gallery(model: DigitCNN, test: Digits) -> Gallery:
    """Choose digits to show, and lay them out on a map."""
    model = fuse_batch_norm(model)
    judged = [model.predict(batch).probabilities for batch in test.ink.split(GALLERY_BATCH)]
    confidence, answers = torch.cat(judged).max(dim=1)
    chosen = choose(test.labels, answers, confidence)
    ink = test.ink[chosen]
    features = F.normalize(model.features(ink).float())
    return Gallery(
        ink=(255 * ink[:, 0]).round().byte(),
        labels=test.labels[chosen].byte(),
        answers=answers[chosen].byte(),
        confidence=confidence[chosen].half(),
        features=features.half(),
        places=place_on_map(features).half(),
    )


def choose(labels: Tensor, answers: Tensor, confidence: Tensor) -> Tensor:
    """Return indices, rising: some of each label, the misread, and the least sure of the right."""
    by_label = [(labels == label).nonzero()[:, 0] for label in range(10)]
    evenly = [
        which[torch.linspace(0, len(which) - 1, min(OF_EACH_LABEL, len(which))).long()]
        for which in by_label
    ]
    rising = confidence.argsort(stable=True)
    right = (labels == answers)[rising]
    misread = rising[~right].flip(0)[:MOST_MISREAD]
    return torch.cat([*evenly, misread, rising[right][:LEAST_SURE]]).unique()


def place_on_map(features: Tensor) -> Tensor:
    """Return places (N, 2), 0 to 1, that show which features (N, z) are near each other.

    t-SNE (van der Maaten and Hinton 2008, JMLR 9) that ends with what is near pulled less than its
    rule asks for. It starts from the principal components, so it can be repeated.
    """
    from openTSNE import TSNE  # takes two seconds to import

    layout = TSNE(
        perplexity=min(PERPLEXITY, (len(features) - 1) / 3),
        initialization="pca",
        exaggeration=LATE_PULL,
        neighbors="exact",
        random_state=0,
    )
    places = torch.from_numpy(layout.fit(features.numpy()).astype(np.float32))
    low, high = places.amin(dim=0), places.amax(dim=0)
    return MAP_MARGIN + (1 - 2 * MAP_MARGIN) * (places - low) / (high - low).clamp(min=1e-9)
