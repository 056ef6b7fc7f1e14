"""Write out the sum behind a cell of the digit network, and follow it back to the ink."""

from typing import NamedTuple, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inkling.explanation.activations import Step, compute_stages, iterate_blocks
from model import DigitCNN

MAX_TERMS = 6  # written out of a cell's sum, which has one for each map of the stage before


class Cell(NamedTuple):
    """A cell of a stage: 0 is the normalized ink, then come the layers, the last are the logits."""

    stage: int
    map: int
    row: int
    column: int


class Term(NamedTuple):
    """What one map of the stage before adds to a cell's sum: products of a patch and a kernel."""

    source: Cell  # the map's cell with the largest product
    patch: np.ndarray  # (k, k) float64; 0 beyond the map's edge
    kernel: np.ndarray  # (k, k) float64, with the scale of batch normalization
    total: float


class CellSum(NamedTuple):
    """The computation of a cell before ReLU: all terms and the bias add up to `pooled[kept]`."""

    terms: list[Term]  # the largest by their absolute total, in this order
    maps: int  # of the stage before: number of all terms
    rest: float  # total of the terms that are not written out
    bias: float  # with the shift of batch normalization
    pooled: list[float]  # sums of which max pooling keeps one; a single one without pooling
    kept: int  # its index: of the largest sum before normalization, whose scale may be negative


class GlyphSums:
    """The network's stages for one glyph, (C, H, W) float32 each, whose sums are written out."""

    def __init__(self, model: DigitCNN, ink: np.ndarray):
        """Compute the stages of framed ink (28, 28)."""
        self.stages = compute_stages(model, ink)
        self.blocks = [(modules[:-1], step) for modules, step in iterate_blocks(model)]
        logits = [nn.Flatten(), model.layers[-1], nn.Unflatten(1, (-1, 1, 1))]
        self.blocks.append((logits, Step()))

    def has(self, *numbers: int) -> bool:
        """Return whether there is a cell of these numbers, which are at least 0."""
        if len(numbers) != len(Cell._fields) or numbers[0] >= len(self.stages):
            return False
        return all(k < n for k, n in zip(numbers[1:], self.stages[numbers[0]].shape, strict=True))

    def write_out(self, cell: Cell) -> CellSum:
        """Return the computation of a cell behind the ink.

        Without pooling and ReLU a layer is linear: its gradient is the kernel, in which batch
        normalization and the rearrangement of pixels are folded, and its value for 0 is the bias.
        """
        modules, step = self.blocks[cell.stage - 1]
        at = next((k for k, m in enumerate(modules) if isinstance(m, nn.MaxPool2d)), len(modules))
        convolve, normalize = nn.Sequential(*modules[:at]), nn.Sequential(*modules[at + 1 :])
        pool = cast(int, modules[at].kernel_size) if at < len(modules) else 1
        stride = step.stride // pool
        size = step.size - step.stride + stride

        def cut(values: Tensor, y: int, x: int) -> Tensor:  # (C, size, size), the input of a sum
            padded = F.pad(values.detach().double(), [step.padding] * 4)
            return padded[:, y * stride : y * stride + size, x * stride : x * stride + size]

        before = self.stages[cell.stage - 1].clone().requires_grad_()
        raw = convolve(before[None])  # (1, D, H, W)
        sums = normalize(raw)[0, cell.map]
        window = tuple(slice(k * pool, (k + 1) * pool) for k in cell[2:])
        kept = int(raw[0, cell.map][window].argmax())
        place = cell.row * pool + kept // pool, cell.column * pool + kept % pool
        middle = sums.shape[0] // 2, sums.shape[1] // 2  # whose input has no padding
        kernels = cut(torch.autograd.grad(sums[middle], before)[0], *middle)
        bias = normalize(convolve(torch.zeros_like(before[None])))[0, cell.map][middle].item()
        patches = cut(before, *place)
        totals = (patches * kernels).sum(dim=(1, 2))
        order = totals.abs().argsort(descending=True, stable=True).tolist()
        terms = []
        for k in order[:MAX_TERMS]:
            patch, kernel = patches[k].numpy(), kernels[k].numpy()
            strongest = divmod(int(np.abs(patch * kernel).argmax()), size)
            corner = np.multiply(place, stride) + strongest - step.padding
            source = Cell(cell.stage - 1, k, *corner.clip(0, before.shape[-1] - 1).tolist())
            terms.append(Term(source, patch, kernel, totals[k].item()))
        rest = totals[order[MAX_TERMS:]].sum().item()
        return CellSum(terms, len(order), rest, bias, sums[window].flatten().tolist(), kept)

    def follow(self, cell: Cell) -> list[Cell]:
        """Return the cells along the strongest terms from a cell to a pixel of the ink."""
        if not cell.stage:
            return []
        source = self.write_out(cell).terms[0].source
        return [source, *self.follow(source)]
