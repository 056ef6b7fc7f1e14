"""Choose a gallery of test digits, and place them on a map by t-SNE."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from inkling.datasets.mnist import Digits
from inkling.explanation.gallery import Gallery
from model import DigitCNN, fuse_batch_norm

DIGITS_PER_LABEL = 40  # at even intervals
MAX_MISREAD = 150  # misread digits, the most confident first; the shipped network has 37
LEAST_CONFIDENT = 24  # of the correctly read digits
GALLERY_BATCH = 500  # digits
PERPLEXITY = 25  # t-SNE: about the number of neighbours of a digit
EXAGGERATION = 0.5  # t-SNE: at 1 groups are so dense that digits hide each other
MAP_MARGIN = 0.03  # of the map, along its edges


@torch.inference_mode()
def make_gallery(model: DigitCNN, test: Digits) -> Gallery:
    """Return digits of the test set, as the network reads them, with places on a map."""
    model = fuse_batch_norm(model)
    batches = test.ink.split(GALLERY_BATCH)
    probabilities = torch.cat([model.predict(batch).probabilities for batch in batches])
    confidence, answers = probabilities.max(dim=1)
    chosen = choose_digits(test.labels, answers, confidence)
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


def choose_digits(labels: Tensor, answers: Tensor, confidence: Tensor) -> Tensor:
    """Return sorted indices: some of each label, misread ones, and correct but unsure ones."""
    by_label = [(labels == label).nonzero()[:, 0] for label in range(10)]
    evenly = [
        group[torch.linspace(0, len(group) - 1, min(DIGITS_PER_LABEL, len(group))).long()]
        for group in by_label
    ]
    rising = confidence.argsort(stable=True)
    right = (labels == answers)[rising]
    misread = rising[~right].flip(0)[:MAX_MISREAD]
    return torch.cat([*evenly, misread, rising[right][:LEAST_CONFIDENT]]).unique()


def place_on_map(features: Tensor) -> Tensor:
    """Return places (N, 2), 0 to 1, where similar features (N, z) are close together.

    t-SNE (van der Maaten and Hinton 2008, JMLR 9), from the principal components: reproducible.
    """
    from openTSNE import TSNE  # takes two seconds to import

    layout = TSNE(
        perplexity=min(PERPLEXITY, (len(features) - 1) / 3),
        initialization="pca",
        exaggeration=EXAGGERATION,
        neighbors="exact",
        random_state=0,
    )
    places = torch.from_numpy(layout.fit(features.numpy()).astype(np.float32))
    low, high = places.amin(dim=0), places.amax(dim=0)
    return MAP_MARGIN + (1 - 2 * MAP_MARGIN) * (places - low) / (high - low).clamp(min=1e-9)
