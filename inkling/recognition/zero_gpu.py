"""What a Space on ZeroGPU demands: the package `spaces` before PyTorch, and a function for its GPU.

The page reads on the processor there, too: a reading takes some milliseconds, less than the way to
a GPU that is shared, and costs visitors none of their minutes. Elsewhere nothing of this happens.
"""

try:
    import spaces  # first: it stands between PyTorch and a GPU that is not there yet
except ImportError:
    spaces = None

import torch


def gpu_name() -> str:
    """Return the name of the Space's GPU: the one function without which a Space does not start."""
    return torch.cuda.get_device_name()


if spaces is not None:
    gpu_name = spaces.GPU(duration=5)(gpu_name)  # seconds, the least that is asked for
