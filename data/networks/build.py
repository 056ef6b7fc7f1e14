"""Train the ink network or the line network on composed pages or lines.

python -m data.networks.build ink    half an hour on one core
python -m data.networks.build line   70 minutes on two

No picture repeats. Weights are written to `data/networks/` in half precision.
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
from data.networks.pages import compose_page
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

TRAINING_STEPS = {"ink": 10_000, "line": 42_000}  # batches
PAGES_PER_BATCH, LINES_PER_BATCH = 16, 48
LINE_WORKERS = 1  # processes that compose lines: one keeps up with one core of training
SORTED_BATCHES = 16  # composed together and sorted by width, so that batches need little padding
WARM_UP_CROPS = 150_000  # the share of hard crops rises linearly until here
DRAWN_PER_PEN = {"ink": 2_500, "line": 6_000}  # digits drawn with each pen
PEAK_RATES = {"ink": 4e-3, "line": 2.5e-3}  # of AdamW, after the warm-up
WARM_UP_STEPS, FINAL_RATE_SHARE = 200, 0.003  # the share is of the peak rate
STEPS_PER_SAVE = 1_000
BATCH_NORM_MOMENTUM = 0.02  # of the line network: its batches are small and noisy
MISPLACED_LOG_PROB = -9.0  # added to a label's log-probability outside of its span
DICE_WEIGHT = 0.1  # of the Dice loss, beside the cross-entropy
DICE_SMOOTHING_PX = 20  # of ink: without ink on a page, every false positive counts fully


def train_ink(glyphs: GlyphBank, rng: np.random.Generator) -> InkNet:
    """Train the ink network."""
    network = InkNet()
    for _ in optimizer_steps(network, "ink"):
        pages = [compose_page(glyphs, rng) for _ in range(PAGES_PER_BATCH)]
        pictures = torch.from_numpy(np.stack([standardize_page(gray) for gray, _ in pages]))
        ink = torch.from_numpy(np.stack([ink for _, ink in pages])[:, None])
        logits = network(pictures)
        probs = logits.sigmoid()
        both = (probs * ink).sum((1, 2, 3))
        total = probs.sum((1, 2, 3)) + ink.sum((1, 2, 3))
        overlap = (2 * both + DICE_SMOOTHING_PX) / (total + DICE_SMOOTHING_PX)
        loss = F.binary_cross_entropy_with_logits(logits, ink) + DICE_WEIGHT * (1 - overlap).mean()
        loss.backward()
    return network


def train_line(glyphs: GlyphBank, seed: int) -> LineNet:
    """Train the line network with CTC loss.

    A label's log-probability is lowered outside of its span, so that its position is learned.
    """
    network = LineNet().to(memory_format=torch.channels_last)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = BATCH_NORM_MOMENTUM
    precision = torch.bfloat16 if has_bfloat16() else torch.float32
    batches = iter(
        DataLoader(
            LineBatches(glyphs, seed),
            None,
            num_workers=LINE_WORKERS,
            prefetch_factor=SORTED_BATCHES,
        )
    )
    for _ in optimizer_steps(network, "line"):
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
    """Infinite batches of crops of similar width; each worker has its own random numbers."""

    def __init__(self, glyphs: GlyphBank, seed: int):
        """Compose the sheets of paper."""
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
            composer.hardness = min(1.0, 0.1 + made / WARM_UP_CROPS)
            crops = sorted(
                (composer.compose_crop() for _ in range(SORTED_BATCHES * LINES_PER_BATCH)),
                key=lambda crop: crop.gray.shape[1],
            )
            made += len(crops)
            for k in composer.rng.permutation(SORTED_BATCHES).tolist():
                yield collate(crops[k * LINES_PER_BATCH : (k + 1) * LINES_PER_BATCH])


def collate(crops: list[Crop]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Pad crops to one batch of `LineBatches`."""
    multiple = LINE_MULTIPLE_PX
    width = -(-max(crop.gray.shape[1] for crop in crops) // multiple) * multiple
    pictures = np.zeros((len(crops), 2, LINE_HEIGHT_PX, width), np.float32)
    penalties = np.full((len(crops), width // COLUMN_STRIDE_PX, CTC_BLANK + 1), MISPLACED_LOG_PROB)
    penalties[:, :, CTC_BLANK] = 0
    for picture, penalty, crop in zip(pictures, penalties, crops, strict=True):
        picture[:, :, : crop.gray.shape[1]] = standardize_line(crop.gray / np.float32(255))
        for label, (left, right) in zip(crop.labels, crop.spans, strict=True):
            first = max(0, int(left / COLUMN_STRIDE_PX))
            last = max(first + 3, int(np.ceil(right / COLUMN_STRIDE_PX)))
            penalty[first:last, label] = 0
    labels = torch.tensor([label for crop in crops for label in crop.labels], dtype=torch.long)
    lengths = torch.tensor([len(crop.labels) for crop in crops])
    return torch.from_numpy(pictures), torch.from_numpy(penalties).float(), labels, lengths


def optimizer_steps(network: nn.Module, name: str) -> Iterator[None]:
    """Yield before each optimizer step; the learning rate follows one cosine after a warm-up."""
    optimizer = torch.optim.AdamW(network.parameters(), PEAK_RATES[name], weight_decay=1e-3)
    steps = TRAINING_STEPS[name]

    def rate(step: int) -> float:
        fall = 0.5 * (1 + np.cos(np.pi * step / steps))
        return min(1, (step + 1) / WARM_UP_STEPS) * max(fall, FINAL_RATE_SHARE)

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    for step in tqdm(range(steps), name):
        optimizer.zero_grad()
        yield
        optimizer.step()
        schedule.step()
        if step % STEPS_PER_SAVE == 0 or step + 1 == steps:
            save(network, name)


def save(network: nn.Module, name: str) -> None:
    """Write a network's weights in half precision."""
    tensors = {
        key: (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
        for key, tensor in network.state_dict().items()
    }
    NETWORKS.mkdir(parents=True, exist_ok=True)
    save_file(tensors, NETWORKS / f"{name}.safetensors")


def main() -> None:
    """Train and write one of the networks."""
    parser = argparse.ArgumentParser(description="Train the ink network or the line network.")
    parser.add_argument("network", choices=TRAINING_STEPS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.manual_seed(options.seed)
    glyphs = GlyphBank(load_mnist().train, DRAWN_PER_PEN[options.network], options.seed)
    if options.network == "ink":
        train_ink(glyphs, np.random.default_rng(options.seed + 1))
    else:
        train_line(glyphs, options.seed)


if __name__ == "__main__":
    main()
