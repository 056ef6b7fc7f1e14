"""Time the quick recipe beside the plain recipe of apps of this kind, in one run.

    python -m bench.training                  both, three seeds of ours, one of the plain recipe
    python -m bench.training --plain-epochs 1 the plain recipe's time from one of its 8 epochs
    python -m bench.training --beside 1       our steps' time alone, and beside a busy process

The plain recipe: three 3x3 convolutions of 32, 64 and 128 channels, each with batch normalisation,
ReLU and pooling, dense layers of 256, 128 and 10 with dropout, float32, a DataLoader with batches
of 64, Adam at 1e-3, 8 epochs.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as `train.py` and `app.py`

import torch
from torch import nn
from torchvision import datasets, transforms

from inkling.datasets.mnist import ARCHIVES, MNIST_ROOT, archive_path, load_mnist
from inkling.training.device import training_threads
from inkling.training.loop import accuracy, train
from inkling.training.recipes import QUICK

PLAIN_EPOCHS = 8
ROUNDS = 3  # of reports timed alone and beside others, in turn


def plain_network() -> nn.Sequential:
    """Return the network of the plain recipe."""
    layers: list[nn.Module] = []
    for channels_in, channels_out in [(1, 32), (32, 64), (64, 128)]:
        convolution = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        layers += [convolution, nn.BatchNorm2d(channels_out), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Flatten(), nn.Linear(128 * 3 * 3, 256), nn.ReLU(), nn.Dropout(0.5)]
    layers += [nn.Linear(256, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10)]
    return nn.Sequential(*layers)


def plain_training(root: Path, epochs: int) -> tuple[float, float]:
    """Train by the plain recipe; return the seconds it took and its accuracy on the test images."""
    start = time.perf_counter()
    transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))]
    )
    train_set = datasets.MNIST(str(root), train=True, download=True, transform=transform)
    test_set = datasets.MNIST(str(root), train=False, transform=transform)
    batches = torch.utils.data.DataLoader(train_set, batch_size=64, shuffle=True)
    torch.manual_seed(0)
    network = plain_network()
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


def quick_training(seed: int) -> tuple[float, float]:
    """Train by the quick recipe; return the seconds, reading MNIST included, and the accuracy."""
    start = time.perf_counter()
    mnist = load_mnist()
    *_, last = train(QUICK, mnist, seed)
    return time.perf_counter() - start, accuracy(last.model, mnist.test)


def report_beside(count: int) -> None:
    """Print how long the quick recipe's steps take alone and beside busy processes, in turn."""
    reports, seconds = train(QUICK, load_mnist()), {False: [], True: []}
    command, done = [sys.executable, "-c", "while True: pass"], next(reports).step
    for busy in [False, True] * ROUNDS:
        others = [subprocess.Popen(command) for _ in range(count * busy)]
        start, step = time.perf_counter(), next(reports).step  # it trains while it is asked to
        seconds[busy].append((time.perf_counter() - start) / (step - done))
        done = step
        for other in others:
            other.kill()
            other.wait()
    alone, beside = (statistics.median(seconds[busy]) for busy in (False, True))
    share = max(1, (training_threads() + count) / len(os.sched_getaffinity(0)))
    print(
        f"a step alone {1_000 * alone:.0f} ms, beside {count} busy {1_000 * beside:.0f} ms: ",
        end="",
    )
    print(f"{beside / alone:.2f} times as long; the share of the cores explains {share:.2f}")


def main() -> None:
    """Run both recipes and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="trainings by the quick recipe")
    parser.add_argument("--plain-epochs", type=int, default=PLAIN_EPOCHS)
    parser.add_argument("--beside", type=int, metavar="N", help="busy processes")
    options = parser.parse_args()
    if options.beside:
        return report_beside(options.beside)
    with tempfile.TemporaryDirectory() as folder:
        for name in ARCHIVES:  # torchvision unpacks beside the archives
            target = archive_path(Path(folder), name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive_path(MNIST_ROOT, name).read_bytes())
        quick = [quick_training(0)]
        plain_seconds, plain_accuracy = plain_training(Path(folder), options.plain_epochs)
        quick += [quick_training(seed) for seed in range(1, options.seeds)]
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
