"""Time the quick recipe and a plain PyTorch training in one run.

    python -m bench.training                  three seeds of the quick recipe, one of the plain
    python -m bench.training --plain-epochs 1 extrapolate the plain recipe from one epoch (or 0.1)
    python -m bench.training --record         the record's protocol: see docs/training.md

The clock starts before MNIST is unpacked and stops at the calibrated network; importing PyTorch and
scoring the test images are outside it.

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
from itertools import chain, islice, repeat
from pathlib import Path
from typing import NamedTuple

if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as `train.py` and `app.py`

import numpy as np
import torch
from torch import nn
from torchvision import datasets, transforms

from inkling.datasets.mnist import MNIST_ROOT, load_mnist
from inkling.training.device import describe_machine
from inkling.training.loop import accuracy, train
from inkling.training.recipes import QUICK

PLAIN_EPOCHS = 8
RECORD_ACCURACY = 0.994  # of MNIST's test images, mean of the record's seeds
RECORD_SEEDS, RECORD_PROCESSORS = 5, 2


def build_plain_network() -> nn.Sequential:
    """Return the network of the plain recipe."""
    layers: list[nn.Module] = []
    for channels_in, channels_out in [(1, 32), (32, 64), (64, 128)]:
        convolution = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        layers += [convolution, nn.BatchNorm2d(channels_out), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Flatten(), nn.Linear(128 * 3 * 3, 256), nn.ReLU(), nn.Dropout(0.5)]
    layers += [nn.Linear(256, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10)]
    return nn.Sequential(*layers)


class Run(NamedTuple):
    """A training's cost, and its accuracy on the test images."""

    seconds: float
    processor_seconds: float  # of all threads: other processes disturb it less
    accuracy: float


def read_clocks() -> np.ndarray:
    """Return the seconds of the clock and of this process's threads."""
    return np.array([time.perf_counter(), time.process_time()])


def train_plain(root: Path, epochs: float) -> Run:
    """Train by the plain recipe, or a part of it, which is extrapolated to all epochs."""
    start = read_clocks()
    transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))]
    )
    train_set = datasets.MNIST(str(root), train=True, download=True, transform=transform)
    test_set = datasets.MNIST(str(root), train=False, transform=transform)
    batches = torch.utils.data.DataLoader(train_set, batch_size=64, shuffle=True)
    torch.manual_seed(0)
    network = build_plain_network()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    steps, first_step = round(epochs * len(batches)), read_clocks()
    for pictures, labels in islice(chain.from_iterable(repeat(batches)), steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(pictures), labels).backward()
        optimizer.step()
    cost = first_step - start + (read_clocks() - first_step) * (PLAIN_EPOCHS / epochs)
    network.eval()
    right = 0
    with torch.inference_mode():
        for pictures, labels in torch.utils.data.DataLoader(test_set, batch_size=500):
            right += (network(pictures).argmax(dim=1) == labels).sum().item()
    return Run(*cost, right / len(test_set))


def train_quick(seed: int) -> Run:
    """Train by the quick recipe, with loading MNIST."""
    start = read_clocks()
    mnist = load_mnist()
    *_, last = train(QUICK, mnist, seed)
    cost = read_clocks() - start
    return Run(*cost, accuracy(last.model, mnist.test))


def limit_processors(count: int) -> None:
    """Run this process on some of its processors, and PyTorch on as many threads."""
    os.environ["OMP_NUM_THREADS"] = str(count)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])
    torch.set_num_threads(count)


def main() -> None:
    """Run both recipes and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="trainings by the quick recipe")
    parser.add_argument("--plain-epochs", type=float, default=PLAIN_EPOCHS)
    parser.add_argument("--record", action="store_true", help="five seeds on two processors")
    options = parser.parse_args()
    if options.record:
        options.seeds = RECORD_SEEDS
        limit_processors(RECORD_PROCESSORS)
    with tempfile.TemporaryDirectory() as folder:
        # torchvision unpacks the archives in their folder
        shutil.copytree(MNIST_ROOT / "MNIST", Path(folder) / "MNIST")
        quick = [train_quick(0)]
        plain = train_plain(Path(folder), options.plain_epochs)
        quick += [train_quick(seed) for seed in range(1, options.seeds)]
    seconds, processor_seconds = (statistics.median(run[k] for run in quick) for k in range(2))
    accuracies = [run.accuracy for run in quick]
    each = ", ".join(f"{a:.2%}" for a in accuracies)
    print(f"{describe_machine()}, torch {torch.__version__}")
    print(
        f"quick recipe, seeds 0 to {len(quick) - 1}   {seconds:7.1f} s   "
        f"{statistics.mean(accuracies):.2%} of MNIST's test images ({each})"
    )
    print(
        f"plain recipe, {options.plain_epochs:g} of {PLAIN_EPOCHS} epochs   {plain.seconds:7.1f} s"
        f"   {plain.accuracy:.2%}"
    )
    ratio = plain.processor_seconds / processor_seconds
    print(f"ratio of seconds {plain.seconds / seconds:.1f}, of processor seconds {ratio:.1f}")
    if options.record:
        counts = "counts" if statistics.mean(accuracies) >= RECORD_ACCURACY else "does not count"
        print(f"the record requires {RECORD_ACCURACY:.1%}: this run {counts}")


if __name__ == "__main__":
    main()
