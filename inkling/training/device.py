"""Choose the device, precision and number of threads for training."""

import copy
import os
import time
from functools import partial

import torch
from torch import nn

TIMED_PASSES = 4  # the first warms up; other processes may disturb one or two


def training_threads() -> int:
    """Return OMP_NUM_THREADS, or the usable processors: readers set PyTorch's own number to 1."""
    value = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    if value.isdecimal() and int(value):
        return int(value)
    if hasattr(os, "sched_getaffinity"):  # Linux, where containers may have only some processors
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def best_device() -> torch.device:
    """Return a GPU, or the CPU; functions of a ZeroGPU Space may not use the GPU it reports."""
    if os.environ.get("SPACES_ZERO_GPU"):
        return torch.device("cpu")
    return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")


def has_bfloat16() -> bool:
    """Return whether the processor reports bfloat16 units; PyTorch 2.8 has no check."""
    capabilities = getattr(torch.cpu, "get_capabilities", dict[str, bool])()
    return bool(capabilities.get("avx512_bf16"))


def describe_machine() -> str:
    """Return the training hardware in words; training times mean little without it."""
    if best_device().type != "cpu":
        return best_device().type
    units = f"{torch.backends.cpu.get_cpu_capability()} {'with' if has_bfloat16() else 'without'}"
    return f"{training_threads()} threads, {units} bfloat16"


def best_precision(model: nn.Module, batch_size: int) -> torch.dtype:
    """Return the type in which convolutions train fastest on the model's device.

    With bfloat16 units it is 4.5 times as fast, without up to 500 times slower: it is timed.
    """
    device = next(model.parameters()).device
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    if device.type != "cpu" or not has_bfloat16():
        return torch.float32
    return min((torch.bfloat16, torch.float32), key=partial(time_training_step, model, batch_size))


def time_training_step(model: nn.Module, batch_size: int, precision: torch.dtype) -> float:
    """Return the seconds of the fastest forward and backward pass on the CPU."""
    model = copy.deepcopy(model)
    ink = torch.zeros(batch_size, 1, 28, 28).contiguous(memory_format=torch.channels_last)
    seconds = []
    for _ in range(TIMED_PASSES):
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
            loss = model(ink).float().sum()
        loss.backward()
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])
