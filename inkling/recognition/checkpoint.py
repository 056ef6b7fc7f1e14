"""Write checkpoint files atomically; load and verify them."""

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as tensor_bytes
from torch import Tensor

from inkling.terminal import UserError
from model import DigitCNN

CHECKPOINT = Path(__file__).parents[2] / "checkpoints" / "digits.safetensors"
FORMAT = 4  # version of the checkpoint's file
MAX_BLOCKS = 16  # of a network; the default recipe has 5
CONVOLUTION_AXES = 4  # of its weights
KNOWN_ANSWER_TOLERANCE = 0.05  # in logits; bf16 and other processors differ by less than 0.01
GALLERY = {  # tensors of a gallery: types, and shapes after the first axis, (N, ...)
    "ink": (torch.uint8, (28, 28)),
    "labels": (torch.uint8, ()),
    "answers": (torch.uint8, ()),
    "confidence": (torch.float16, ()),
    "features": (torch.float16, None),  # as many as channels of the network's last block
    "places": (torch.float16, (2,)),
}
NO_CHECKPOINT = "no such checkpoint: make one by python train.py --quick"
GALLERY_PREFIX = "gallery."  # of these tensors' names in the file; the others are weights


class Checkpoint(NamedTuple):
    """The content of a checkpoint file."""

    model: DigitCNN  # in evaluation mode
    description: dict  # how it was trained, and its figures
    gallery: dict[str, Tensor] | None  # fields of `explanation.gallery.Gallery`


class CheckpointError(UserError):
    """A checkpoint is invalid."""

    def __init__(self, path: Path, reason: str):
        super().__init__(f"The checkpoint {path} cannot be used: {reason}")
        self.reason = reason


def known_ink() -> Tensor:
    """Return eight fixed patterns of ink, (8, 1, 28, 28): a network is verified by their logits."""
    y, x = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    turns = torch.arange(8.0).view(8, 1, 1, 1) * torch.pi / 8
    waves = torch.sin((x * turns.cos() + y * turns.sin()) / 3 + turns)
    disc = ((x - 13.5) ** 2 + (y - 13.5) ** 2 < 100).float()
    return (waves > 0.6).float() * disc


def save_checkpoint(
    model: DigitCNN, path: Path, description: dict, gallery: dict[str, Tensor] | None = None
) -> dict:
    """Write a checkpoint to a file, atomically; return the description of `encode_checkpoint`."""
    content, description = encode_checkpoint(model, description, gallery)
    write_atomically(path, content)
    return description


def encode_checkpoint(
    model: DigitCNN, description: dict, gallery: dict[str, Tensor] | None = None
) -> tuple[bytes, dict]:
    """Return a file's content, and the description with a version, widths and a known answer."""
    model = model.to("cpu").to(memory_format=torch.contiguous_format).eval()
    shown = {GALLERY_PREFIX + name: tensor for name, tensor in (gallery or {}).items()}
    tensors = {name: tensor.contiguous() for name, tensor in (pack(model) | shown).items()}
    with torch.inference_mode():
        answer = model(known_ink()).tolist()
    description = {
        **description,
        "format": FORMAT,
        "architecture": {"name": type(model).__name__, "widths": list(model.widths)},
        "known_answer": [[round(v, 4) for v in row] for row in answer],
    }
    text = json.dumps(description)
    metadata = {"inkling": text, "digest": digest(text, tensors)}
    return tensor_bytes(tensors, metadata), json.loads(text)


def pack(model: DigitCNN) -> dict[str, Tensor]:
    """Return a copy of the model's state with float16 convolutions."""
    # Rounding to 11 bits changes logits by 0.002 at most, and no answer for MNIST's 10,000 test
    # images (measured with the default recipe's widths).
    state = model.state_dict().items()
    return {name: t.half() if t.ndim == CONVOLUTION_AXES else t.clone() for name, t in state}


def unpack(widths: Sequence[int], state: dict[str, Tensor]) -> DigitCNN:
    """Return a model with a packed state; untrusted `widths` get no memory of their own."""
    if len(widths) > MAX_BLOCKS:
        raise ValueError(widths)
    with torch.device("meta"):
        model = DigitCNN(widths)
    floats = {name: t.float() if t.dtype == torch.half else t for name, t in state.items()}
    model.load_state_dict(floats, assign=True)
    return model.eval()


def load_checkpoint(path: Path) -> Checkpoint:
    """Load and verify a checkpoint; raises `FileNotFoundError` or another `OSError`.

    Raises `CheckpointError` if it is damaged, of another version, or computes other logits.
    """
    if path.is_dir():
        raise CheckpointError(path, "it is a folder")
    if not path.exists():
        raise FileNotFoundError(errno.ENOENT, NO_CHECKPOINT, str(path))
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        description = json.loads(metadata["inkling"])
        version, architecture = description["format"], description["architecture"]
        known_answer = description["known_answer"]
    except (SafetensorError, ValueError, LookupError, TypeError) as error:
        raise CheckpointError(path, "it is damaged, or no checkpoint of Inkling") from error
    if version != FORMAT:
        raise CheckpointError(path, f"it has format {version}, and this version reads {FORMAT}")
    if digest(metadata["inkling"], tensors) != metadata.get("digest"):
        raise CheckpointError(path, "its digest does not match: it was damaged or altered")
    try:
        if architecture["name"] != DigitCNN.__name__:
            raise ValueError(architecture["name"])
        shown = {name: tensors.pop(name) for name in [*tensors] if name.startswith(GALLERY_PREFIX)}
        model = unpack(architecture["widths"], tensors)
    except (RuntimeError, ValueError, LookupError, TypeError) as error:
        raise CheckpointError(path, f"its architecture {architecture} is unknown") from error
    with torch.inference_mode():
        difference = (model(known_ink()) - torch.tensor(known_answer)).abs().max()
    if not difference < KNOWN_ANSWER_TOLERANCE:  # NaN must fail as well
        raise CheckpointError(path, "it does not give the answers it gave when it was saved")
    gallery = {name.removeprefix(GALLERY_PREFIX): tensor for name, tensor in shown.items()}
    if gallery and not is_gallery(gallery, model.widths[-1]):
        raise CheckpointError(path, "its gallery lacks something, or is of another version")
    return Checkpoint(model, description, gallery or None)


def is_gallery(tensors: dict[str, Tensor], features: int) -> bool:
    """Return whether tensors are a gallery's, for a network with this number of features."""
    expected = GALLERY | {"features": (torch.float16, (features,))}
    found = {name: (tensor.dtype, tensor.shape[1:]) for name, tensor in tensors.items()}
    return found == expected and len({tensor.shape[:1] for tensor in tensors.values()}) == 1


def digest(description: str, tensors: dict[str, Tensor]) -> str:
    """Return the SHA-256 of a checkpoint's description and tensors."""
    sha256 = hashlib.sha256(description.encode())
    for name, tensor in sorted(tensors.items()):
        sha256.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        sha256.update(tensor.numpy().tobytes())
    return sha256.hexdigest()


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that `path` holds the old content or the new one, even if killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock, temporary = find_writer_files(path)
    with lock:
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def remove_orphan(path: Path) -> None:
    """Remove the temporary file of a killed writer, unless the file is being written."""
    lock, temporary = find_writer_files(path)
    if temporary.exists():
        with contextlib.suppress(OSError, Timeout), lock.acquire(timeout=0):
            temporary.unlink(missing_ok=True)


def find_writer_files(path: Path) -> tuple[FileLock, Path]:
    """Return a file's lock, which the system frees if its writer is killed, and its temporary."""
    lock = FileLock(path.with_name(path.name + ".writing.lock"))
    return lock, path.with_name(path.name + ".tmp")
