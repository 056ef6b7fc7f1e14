"""Register with a Hugging Face Space on ZeroGPU: `spaces` before PyTorch, and one GPU function.

The page reads on the processor there, too: a reading takes less than a call to a shared GPU.
"""

try:
    import spaces  # before PyTorch: it patches CUDA's initialization
except ImportError:
    spaces = None

import torch


def gpu_name() -> str:
    """Return the name of the GPU: a Space on ZeroGPU needs one GPU function to start."""
    return torch.cuda.get_device_name()


if spaces is not None:
    gpu_name = spaces.GPU(duration=5)(gpu_name)  # seconds
