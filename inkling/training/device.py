"""What this machine trains fastest with: its device, its type of numbers, its threads."""

import copy
import os
import time

import torch
from torch import nn

PASSES = 4  # of a trial, the first to warm up: others on the machine may disturb one or two


def training_threads() -> int:
    """Return how many threads train: OMP_NUM_THREADS, or one for each processor that we may use.

    PyTorch's own number is no guide: wherever a picture was read before, a reader has set it to 1.
    """
    told = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    if told.isdecimal() and int(told):
        return int(told)
    if hasattr(os, "sched_getaffinity"):  # Linux, where containers may have but a part of them
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def best_device() -> torch.device:
    """Return an NVIDIA or Apple GPU if there is one, or else the processor.

    On a Space with ZeroGPU there seems to be one, which only functions marked for it may use.
    """
    if os.environ.get("SPACES_ZERO_GPU"):
        return torch.device("cpu")
    return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")


def has_bfloat16() -> bool:
    """Return whether the processor claims to have bfloat16 units; PyTorch 2.8 cannot say."""
    capabilities = getattr(torch.cpu, "get_capabilities", dict[str, bool])()
    return bool(capabilities.get("avx512_bf16"))


def machine() -> str:
    """Describe what trains here: a training's seconds say little without it."""
    if best_device().type != "cpu":
        return best_device().type
    units = f"{torch.backends.cpu.get_cpu_capability()} {'with' if has_bfloat16() else 'without'}"
    return f"{training_threads()} threads, {units} bfloat16"


def best_precision(model: nn.Module, batch_size: int) -> torch.dtype:
    """Return the type in which convolutions train fastest on the model's device.

    With bfloat16 units a processor trains 4.5 times as fast in it; without, 40 to 500 times more
    slowly (both measured). So it is tried, and only where the processor claims to have them.
    """
    device = next(model.parameters()).device
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    if device.type != "cpu" or not has_bfloat16():
        return torch.float32
    return min(
        (torch.bfloat16, torch.float32), key=lambda precision: trial(model, batch_size, precision)
    )


def trial(model: nn.Module, batch_size: int, precision: torch.dtype) -> float:
    """Return the seconds that the fastest pass forth and back takes on the processor."""
    model = copy.deepcopy(model)
    ink = torch.zeros(batch_size, 1, 28, 28).contiguous(memory_format=torch.channels_last)
    seconds = []
    for _ in range(PASSES):
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
            loss = model(ink).float().sum()
        loss.backward()
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])
