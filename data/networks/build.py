"""Train the ink network and the line network on composed pages and lines.

python -m data.networks.build ink    half an hour on one core
python -m data.networks.build line   an hour on two

No picture comes twice. The weights are written to `data/networks/`, two bytes each.
"""

import argparse
from collections.abc import Iterator

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info
from tqdm import tqdm

from data.networks.crops import PAPER_COUNT, Crop, CropComposer, make_paper
from data.networks.lines import GlyphBank
from data.networks.pages import page
from inkling.datasets.mnist import load_mnist
from inkling.recognition.ink_finder import standardize_page
from inkling.recognition.line_net import standardize_line
from inkling.recognition.page_networks import NETWORKS
from inkling.training.device import has_bfloat16
from model import (
    COLUMN_STRIDE_PX,
    CTC_BLANK,
    LINE_HEIGHT_PX,
    LINE_MULTIPLE_PX,
    InkNet,
    LineNet,
)

STEPS = {"ink": 10_000, "line": 42_000}  # batches
PAGES_PER_BATCH, LINES_PER_BATCH = 16, 48
LINE_WORKERS = 1  # processes that compose lines: one keeps up with a core that learns
GROUP = 16  # batches that are composed, sorted by width and sent at once
EASY_CROPS = 150_000  # until all crops are as hard as paper can be
DRAWN = {"ink": 2_500, "line": 6_000}  # digits with each pen
PEAK = {"ink": 4e-3, "line": 2.5e-3}  # learning rates of AdamW, after a warm-up
WARM_UP_STEPS, LAST_RATE = 200, 0.003  # the second: of the peak
SAVING_STEPS = 1_000  # from one copy on disk to the next
MOMENTUM = 0.02  # of the line network's running means: batches of few lines are noisy
FORBIDDEN = -9.0  # log-probability added to labels where they do not stand
OVERLAP = 0.1  # weight of the loss that counts how much of the ink is found, beside each place's
SOFT = 20  # px of ink added to this count: of blank pages everything found is wrong


def train_ink(glyphs: GlyphBank, rng: np.random.Generator) -> InkNet:
    """Train the network that finds ink."""
    network = InkNet()
    for _ in stepping(network, "ink"):
        pages = [page(glyphs, rng) for _ in range(PAGES_PER_BATCH)]
        pictures = torch.from_numpy(np.stack([standardize_page(light) for light, _ in pages]))
        ink = torch.from_numpy(np.stack([ink for _, ink in pages])[:, None])
        logits = network(pictures)
        chances = logits.sigmoid()
        both = (chances * ink).sum((1, 2, 3))
        overlap = (2 * both + SOFT) / (chances.sum((1, 2, 3)) + ink.sum((1, 2, 3)) + SOFT)
        loss = F.binary_cross_entropy_with_logits(logits, ink) + OVERLAP * (1 - overlap).mean()
        loss.backward()
    return network


def train_line(glyphs: GlyphBank, seed: int) -> LineNet:
    """Train the network that reads lines, by connectionist temporal classification.

    A label may be read only where it stands: elsewhere its log-probability is lowered.
    """
    network = LineNet().to(memory_format=torch.channels_last)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = MOMENTUM
    precision = torch.bfloat16 if has_bfloat16() else torch.float32
    batches = iter(
        DataLoader(LineBatches(glyphs, seed), None, num_workers=LINE_WORKERS, prefetch_factor=GROUP)
    )
    for _ in stepping(network, "line"):
        crops, penalties, labels, lengths = next(batches)
        with torch.autocast("cpu", precision, enabled=precision != torch.float32):
            answers = network(crops.to(memory_format=torch.channels_last))
        times = torch.full((len(lengths),), answers.shape[1])
        scores = (answers + penalties).transpose(0, 1)
        loss = F.ctc_loss(scores, labels, times, lengths, CTC_BLANK, "sum", zero_infinity=True)
        (loss / len(lengths)).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    return network


class LineBatches(IterableDataset):
    """Batches of crops of about one width, without end; each worker has its own."""

    def __init__(self, glyphs: GlyphBank, seed: int):
        """Make the sheets of paper."""
        rng = np.random.default_rng((seed, 0))
        self.glyphs, self.seed = glyphs, seed
        self.papers = [make_paper(rng) for _ in range(PAPER_COUNT)]

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
        """Yield crops (N, 2, 32, W), penalties (N, W / 2, 12), labels (M,) and lengths (N,)."""
        cv2.setNumThreads(1)
        worker = get_worker_info()
        composer = CropComposer(
            self.glyphs, self.papers, (self.seed, 1 + (worker.id if worker else 0))
        )
        made = 0
        while True:
            composer.hardness = min(1.0, 0.1 + made / EASY_CROPS)
            crops = sorted(
                (composer.crop() for _ in range(GROUP * LINES_PER_BATCH)),
                key=lambda crop: crop.light.shape[1],
            )
            made += len(crops)
            for k in composer.rng.permutation(GROUP).tolist():
                yield collate(crops[k * LINES_PER_BATCH : (k + 1) * LINES_PER_BATCH])


def collate(crops: list[Crop]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return crops as a batch: see `LineBatches`."""
    multiple = LINE_MULTIPLE_PX
    width = -(-max(crop.light.shape[1] for crop in crops) // multiple) * multiple
    pictures = np.zeros((len(crops), 2, LINE_HEIGHT_PX, width), np.float32)
    penalties = np.full((len(crops), width // COLUMN_STRIDE_PX, CTC_BLANK + 1), FORBIDDEN)
    penalties[:, :, CTC_BLANK] = 0
    for picture, penalty, crop in zip(pictures, penalties, crops, strict=True):
        picture[:, :, : crop.light.shape[1]] = standardize_line(crop.light / np.float32(255))
        for label, (left, right) in zip(crop.labels, crop.spans, strict=True):
            first = max(0, int(left / COLUMN_STRIDE_PX))
            last = max(first + 3, int(np.ceil(right / COLUMN_STRIDE_PX)))
            penalty[first:last, label] = 0
    labels = torch.tensor([label for crop in crops for label in crop.labels], dtype=torch.long)
    lengths = torch.tensor([len(crop.labels) for crop in crops])
    return torch.from_numpy(pictures), torch.from_numpy(penalties).float(), labels, lengths


def stepping(network: nn.Module, name: str) -> Iterator[None]:
    """Step a network's weights after each gradient; the rate rises and falls once."""
    optimizer = torch.optim.AdamW(network.parameters(), PEAK[name], weight_decay=1e-3)
    steps = STEPS[name]

    def rate(step: int) -> float:
        fall = 0.5 * (1 + np.cos(np.pi * step / steps))
        return min(1, (step + 1) / WARM_UP_STEPS) * max(fall, LAST_RATE)

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    for step in tqdm(range(steps), name):
        optimizer.zero_grad()
        yield
        optimizer.step()
        schedule.step()
        if step % SAVING_STEPS == 0 or step + 1 == steps:
            save(network, name)


def save(network: nn.Module, name: str) -> None:
    """Write a network's weights, two bytes each."""
    tensors = {
        key: (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
        for key, tensor in network.state_dict().items()
    }
    NETWORKS.mkdir(parents=True, exist_ok=True)
    save_file(tensors, NETWORKS / f"{name}.safetensors")


def main() -> None:
    """Train one of the networks and write it."""
    parser = argparse.ArgumentParser(description="Train a network that finds ink, or reads lines.")
    parser.add_argument("network", choices=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.manual_seed(options.seed)
    glyphs = GlyphBank(load_mnist().train, DRAWN[options.network], options.seed)
    if options.network == "ink":
        train_ink(glyphs, np.random.default_rng(options.seed + 1))
    else:
        train_line(glyphs, options.seed)


if __name__ == "__main__":
    main()
