"""Time the quick recipe and a plain PyTorch training in one run.

    python -m bench.training                  three seeds of the quick recipe, one of the plain
    python -m bench.training --plain-epochs 1 extrapolate the plain recipe from one epoch

The plain recipe: three 3x3 convolutions of 32, 64 and 128 channels, each with batch normalisation,
ReLU and pooling, dense layers of 256, 128 and 10 with dropout, float32, a DataLoader with batches
of 64, Adam at 1e-3, 8 epochs.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as `train.py` and `app.py`

import torch
from torch import nn
from torchvision import datasets, transforms

from inkling.datasets.mnist import MNIST_ROOT, load_mnist
from inkling.training.loop import accuracy, train
from inkling.training.recipes import QUICK

PLAIN_EPOCHS = 8


def build_plain_network() -> nn.Sequential:
    """Return the network of the plain recipe."""
    layers: list[nn.Module] = []
    for channels_in, channels_out in [(1, 32), (32, 64), (64, 128)]:
        convolution = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        layers += [convolution, nn.BatchNorm2d(channels_out), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Flatten(), nn.Linear(128 * 3 * 3, 256), nn.ReLU(), nn.Dropout(0.5)]
    layers += [nn.Linear(256, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10)]
    return nn.Sequential(*layers)


def train_plain(root: Path, epochs: int) -> tuple[float, float]:
    """Train by the plain recipe; return the seconds and the accuracy on the test images."""
    start = time.perf_counter()
    transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))]
    )
    train_set = datasets.MNIST(str(root), train=True, download=True, transform=transform)
    test_set = datasets.MNIST(str(root), train=False, transform=transform)
    batches = torch.utils.data.DataLoader(train_set, batch_size=64, shuffle=True)
    torch.manual_seed(0)
    network = build_plain_network()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(epochs):
        for pictures, labels in batches:
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(pictures), labels).backward()
            optimizer.step()
    seconds = time.perf_counter() - start
    network.eval()
    right = 0
    with torch.inference_mode():
        for pictures, labels in torch.utils.data.DataLoader(test_set, batch_size=500):
            right += (network(pictures).argmax(dim=1) == labels).sum().item()
    return seconds, right / len(test_set)


def train_quick(seed: int) -> tuple[float, float]:
    """Train by the quick recipe; return the seconds, with loading MNIST, and the accuracy."""
    start = time.perf_counter()
    mnist = load_mnist()
    *_, last = train(QUICK, mnist, seed)
    return time.perf_counter() - start, accuracy(last.model, mnist.test)


def main() -> None:
    """Run both recipes and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="trainings by the quick recipe")
    parser.add_argument("--plain-epochs", type=int, default=PLAIN_EPOCHS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        # torchvision unpacks the archives in their folder
        shutil.copytree(MNIST_ROOT / "MNIST", Path(folder) / "MNIST")
        quick = [train_quick(0)]
        plain_seconds, plain_accuracy = train_plain(Path(folder), options.plain_epochs)
        quick += [train_quick(seed) for seed in range(1, options.seeds)]
    plain_seconds *= PLAIN_EPOCHS / options.plain_epochs
    seconds = statistics.median(s for s, _ in quick)
    accuracies = [a for _, a in quick]
    each = ", ".join(f"{a:.2%}" for a in accuracies)
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    print(
        f"quick recipe, {len(quick)} seeds   {seconds:7.1f} s   "
        f"{statistics.mean(accuracies):.2%} of MNIST's test images ({each})"
    )
    print(
        f"plain recipe, {options.plain_epochs} of {PLAIN_EPOCHS} epochs   {plain_seconds:7.1f} s"
        f"   {plain_accuracy:.2%}"
    )
    print(f"ratio of seconds {plain_seconds / seconds:.1f}")


if __name__ == "__main__":
    main()
