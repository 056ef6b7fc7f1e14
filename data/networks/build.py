"""Composed pages and lines become the two networks that find ink and read lines.

python -m data.networks.build ink    half an hour on one core
python -m data.networks.build line   three quarters of one

Both learn from what `data.networks.pages` and `data.networks.lines` compose, no picture
twice, and are written to `data/networks/` with half the bytes of each weight.
"""

import argparse
from collections.abc import Iterator

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn
from tqdm import tqdm

from data.networks.lines import Hands, worn
from data.networks.pages import page
from inkling.datasets.mnist import load_mnist
from inkling.recognition.ink_net import InkNet, standardised
from inkling.recognition.line_net import BLANK, LINE, STEP, LineNet, framed_line, framed_place
from inkling.recognition.page_networks import NETWORKS

STEPS = {"ink": 10_000, "line": 14_000}  # batches
PAGES, LINES = 16, 32  # of a batch
DRAWN = 2_500  # digits with each pen
PEAK = {"ink": 4e-3, "line": 3e-3}  # learning rates of AdamW, after a warm-up of 200 steps
WARM_UP, LAST = 200, 0.003  # steps, and of the peak
LENGTHS = (0.12, 0.25, 0.15, 0.15, 0.13, 0.1, 0.06, 0.04)  # shares of lines of 1 to 8 digits
NEAR = 7  # px of a framed line: a digit is to be answered no farther from its middle
FORBIDDEN = -9.0  # log-probability added elsewhere
OVERLAP = 0.1  # weight of the loss that counts how much of the ink is found, beside each place's
SOFT = 20  # px of ink added to this count: of blank pages everything found is wrong


def train_ink(hands: Hands, rng: np.random.Generator) -> InkNet:
    """Train the network that finds ink."""
    network = InkNet()
    for _ in stepping(network, "ink"):
        pages = [page(hands, rng) for _ in range(PAGES)]
        pictures = torch.from_numpy(np.stack([standardised(light) for light, _ in pages]))
        ink = torch.from_numpy(np.stack([ink for _, ink in pages])[:, None])
        logits = network(pictures)
        chances = logits.sigmoid()
        both = (chances * ink).sum((1, 2, 3))
        overlap = (2 * both + SOFT) / (chances.sum((1, 2, 3)) + ink.sum((1, 2, 3)) + SOFT)
        loss = F.binary_cross_entropy_with_logits(logits, ink) + OVERLAP * (1 - overlap).mean()
        loss.backward()
    return network


def train_line(hands: Hands, rng: np.random.Generator) -> LineNet:
    """Train the network that reads lines."""
    network, lines = LineNet(), line_batches(hands, rng)
    for _ in stepping(network, "line"):
        ink, digits, middles = next(lines)
        answers = network(ink)
        far = torch.full_like(answers, FORBIDDEN)
        far[:, :, BLANK] = 0
        places = (torch.arange(answers.shape[1]) + 0.5) * STEP
        for k, (says, where) in enumerate(zip(digits, middles, strict=True)):
            for digit, middle in zip(says, where, strict=True):
                far[k, (places - middle).abs() < NEAR, digit] = 0
        lengths = torch.tensor([len(says) for says in digits])
        text = torch.tensor([digit for says in digits for digit in says], dtype=torch.long)
        wide = torch.full((len(digits),), answers.shape[1])
        loss = F.ctc_loss(
            (answers + far).transpose(0, 1), text, wide, lengths, BLANK, "sum", zero_infinity=True
        )
        (loss / len(digits)).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    return network


def line_batches(
    hands: Hands, rng: np.random.Generator
) -> Iterator[tuple[Tensor, list[tuple[int, ...]], list[list[float]]]]:
    """Yield lines of about one length: ink (N, 1, 32, W), what they say, and where."""
    while True:
        lines = []
        for _ in range(8 * LINES):
            line = worn(hands.line(1 + rng.choice(len(LENGTHS), p=LENGTHS), rng), rng)
            lines.append((framed_line(line.ink), line))
        lines.sort(key=lambda pair: pair[0].shape[1])
        for k in rng.permutation(len(lines) // LINES).tolist():
            some = lines[k * LINES : (k + 1) * LINES]
            ink = np.zeros((LINES, 1, LINE, max(framed.shape[1] for framed, _ in some)), np.float32)
            for row, (framed, _) in zip(ink, some, strict=True):
                row[0, :, : framed.shape[1]] = framed
            where = [
                [framed_place(m, line.ink, framed) for m in line.middles] for framed, line in some
            ]
            yield torch.from_numpy(ink), [line.digits for _, line in some], where


def stepping(network: nn.Module, name: str) -> Iterator[None]:
    """Step a network's weights after each gradient; the rate rises and falls once."""
    optimizer = torch.optim.AdamW(network.parameters(), PEAK[name], weight_decay=1e-3)
    steps = STEPS[name]

    def rate(step: int) -> float:
        fall = 0.5 * (1 + np.cos(np.pi * step / steps))
        return min(1, (step + 1) / WARM_UP) * max(fall, LAST)

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    for _ in tqdm(range(steps), name):
        optimizer.zero_grad()
        yield
        optimizer.step()
        schedule.step()


def main() -> None:
    """Train one of the networks and write it."""
    parser = argparse.ArgumentParser(description="Train a network that finds ink, or reads lines.")
    parser.add_argument("network", choices=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.manual_seed(options.seed)
    hands = Hands(load_mnist().train, DRAWN, options.seed)
    train = train_ink if options.network == "ink" else train_line
    network = train(hands, np.random.default_rng(options.seed + 1))
    tensors = {
        key: (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
        for key, tensor in network.state_dict().items()
    }
    NETWORKS.mkdir(parents=True, exist_ok=True)
    save_file(tensors, NETWORKS / f"{options.network}.safetensors")


if __name__ == "__main__":
    main()
