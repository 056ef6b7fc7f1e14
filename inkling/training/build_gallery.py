"""Digits that a network has been scored on become its gallery: chosen, and laid out on a map."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from inkling.datasets.mnist import Digits
from inkling.explanation.gallery import Gallery
from model import DigitCNN, fused

OF_EACH_LABEL = 40  # digits, evenly taken
MOST_MISREAD = 150  # misread digits, the surest first; the shipped network has 37
LEAST_SURE = 24  # of the digits read right
BATCH = 500  # digits judged at once
PERPLEXITY = 25  # how many neighbours a digit has on the map, about
STEPS, EARLY_STEPS = 600, 150  # of laying out the map; in the early ones groups find each other
EARLY_PULL, LATE_PULL = 12.0, 0.5  # of what is near; below 1 groups fill the map, and can be read
MARGIN = 0.03  # of the map, left free along its edges


@torch.inference_mode()
def make_gallery(model: DigitCNN, test: Digits) -> Gallery:
    """Choose digits to show, and lay them out on a map."""
    model = fused(model)
    judged = [model.judge(batch).probabilities for batch in test.ink.split(BATCH)]
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
        places=lay_out(features).half(),
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


def lay_out(features: Tensor) -> Tensor:
    """Return places (N, 2), 0 to 1, that show which features (N, z) are near each other.

    t-SNE of van der Maaten and Hinton 2008 (JMLR 9), which it follows but for the learning rate,
    that of Belkina et al. 2019. It starts from the principal components, so it can be repeated.
    """
    near = nearness(torch.cdist(features, features).square())
    centred = features - features.mean(dim=0)
    places = centred @ torch.linalg.svd(centred, full_matrices=False).Vh[:2].T  # (N, 2)
    places = 1e-4 * places / places.std()
    speed, gain = torch.zeros_like(places), torch.ones_like(places)
    rate = len(features) / EARLY_PULL / 4
    for step in range(STEPS):
        early = step < EARLY_STEPS
        kernel = 1 / (1 + torch.cdist(places, places).square()).fill_diagonal_(math.inf)
        pull = (near * (EARLY_PULL if early else LATE_PULL) - kernel / kernel.sum()) * kernel
        slope = 4 * (pull.sum(dim=1, keepdim=True) * places - pull @ places)
        gain = torch.where(slope * speed < 0, gain + 0.2, gain * 0.8).clamp(min=0.01)
        speed = (0.5 if early else 0.8) * speed - rate * gain * slope
        places = places + speed
    low, high = places.amin(dim=0), places.amax(dim=0)
    return MARGIN + (1 - 2 * MARGIN) * (places - low) / (high - low).clamp(min=1e-9)


def nearness(distances: Tensor) -> Tensor:
    """Return how near each two are, (N, N), summing to 1, for squared distances (N, N).

    Each row is a normal density, as wide as gives it `PERPLEXITY` neighbours: found by bisection.
    """
    count = len(distances)
    distances = distances.clone().fill_diagonal_(math.inf)
    wanted = math.log(min(PERPLEXITY, (count - 1) / 3))
    low, high = torch.full((count, 1), -20.0), torch.full((count, 1), 20.0)  # log of 1 / width
    for _ in range(40):
        middle = (low + high) / 2
        shares = (-distances * middle.exp()).softmax(dim=1)  # (N, N)
        too_wide = torch.special.entr(shares).sum(dim=1, keepdim=True) > wanted
        low, high = torch.where(too_wide, middle, low), torch.where(too_wide, high, middle)
    return (shares + shares.T) / (2 * count)
