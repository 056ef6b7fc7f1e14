"""Prune the digit network by magnitude, and print the accuracy on MNIST's held-out digits.

    python -m bench.pruning

The page's slider prunes over all layers together; the other column prunes each layer by the share.
"""

import copy

import torch
from tqdm import tqdm

from inkling.datasets.mnist import Digits, load_mnist
from inkling.explanation.ablation import Ablation, ablate
from inkling.recognition.reader import Reader
from model import DigitCNN

KEPT = (100, 60, 50, 40, 30, 25, 20, 15, 10)  # % of the weights


@torch.no_grad()
def prune_layers(model: DigitCNN, kept: int) -> DigitCNN:
    """Return a copy that keeps the largest share of the weights, %, of each layer."""
    model = copy.deepcopy(model)
    for weight in (weight for weight in model.parameters() if weight.dim() > 1):
        count = round(weight.numel() * kept / 100)
        weight[weight.abs() < weight.abs().flatten().topk(count).values[-1]] = 0
    return model


@torch.inference_mode()
def measure_accuracy(model: DigitCNN, digits: Digits) -> float:
    """Return the share of digits that are read right."""
    answers = torch.cat([model(batch).argmax(dim=1) for batch in digits.ink.split(500)])
    return float((answers == digits.labels).float().mean())


def main() -> None:
    """Print a row for each share."""
    model, digits = Reader.load().model, load_mnist().held_out
    print("kept   over all layers   of each layer")
    for kept in tqdm(KEPT, disable=None):
        networks = ablate(model, Ablation(kept=kept)), prune_layers(model, kept)
        over_all, of_each = (100 * measure_accuracy(network, digits) for network in networks)
        print(f"{kept:3} %   {over_all:13.2f} %   {of_each:11.2f} %")


if __name__ == "__main__":
    main()
