"""A network becomes a checkpoint file and back: whole, checked, and with what is known of it."""

import contextlib
import glob
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import BinaryIO, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as tensor_bytes
from torch import Tensor

from model import DigitCNN

try:
    import fcntl
except ImportError:  # Windows, where a file in use cannot be removed anyway
    fcntl = None

CHECKPOINT = Path(__file__).parents[2] / "checkpoints" / "digits.safetensors"
FORMAT = 2  # version of the checkpoint's file
FORMATS = (1, FORMAT)  # that can be read; 1 had no gallery
NO_DIGEST = "0" * 64  # stands in the file's description while the digest is computed
KNOWN_ANSWER_TOLERANCE = 0.05  # in logits; bf16 and other processors differ by less than 0.01
GALLERY = {  # tensors of a checkpoint's gallery: types, and shapes after the first axis, (N, ...)
    "ink": (torch.uint8, (28, 28)),
    "labels": (torch.uint8, ()),
    "answers": (torch.uint8, ()),
    "confidence": (torch.float16, ()),
    "features": (torch.float16, None),  # as many as the network's last block has channels
    "places": (torch.float16, (2,)),
}
GALLERY_PREFIX = "gallery."  # of these tensors' names in the file; the others are weights


class Checkpoint(NamedTuple):
    """What a checkpoint's file holds."""

    model: "DigitCNN"  # ready to read
    description: dict  # how it came about
    gallery: (
        dict[str, Tensor] | None
    )  # the fields of a `explanation.gallery.Gallery`, if it has one


class CheckpointError(ValueError):
    """A checkpoint that cannot be trusted: the message says what is wrong with it."""


def known_ink() -> Tensor:
    """Return eight fixed patterns of ink, (8, 1, 28, 28), whose answers identify a network."""
    y, x = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    turns = torch.arange(8.0).view(8, 1, 1, 1) * torch.pi / 8
    waves = torch.sin((x * turns.cos() + y * turns.sin()) / 3 + turns)
    disc = ((x - 13.5) ** 2 + (y - 13.5) ** 2 < 100).float()
    return (waves > 0.6).float() * disc


def save_checkpoint(
    model: DigitCNN, path: Path, description: dict, gallery: dict[str, Tensor] | None = None
) -> dict:
    """Write weights, their description and a gallery to one file, whole or not at all.

    `description` holds what can be written as JSON; the format version, the architecture, a known
    answer and the digest of it all are added. Returns the description as written. Raises `OSError`
    if the folder cannot be written to; whatever stood under `path` is then untouched.
    """
    model = model.to("cpu", memory_format=torch.contiguous_format).eval()
    shown = {GALLERY_PREFIX + name: tensor for name, tensor in (gallery or {}).items()}
    tensors = {n: t.detach().contiguous() for n, t in (model.state_dict() | shown).items()}
    with torch.inference_mode():
        answer = model(known_ink()).tolist()
    description = {
        **description,
        "format": FORMAT,
        "architecture": {"name": type(model).__name__, "widths": list(model.widths)},
        "known_answer": [[round(v, 4) for v in row] for row in answer],
    }
    description["digest"] = NO_DIGEST
    content = tensor_bytes(tensors, {"inkling": json.dumps(description)})
    description["digest"] = digest(content, NO_DIGEST)
    write_whole(path, content.replace(NO_DIGEST.encode(), description["digest"].encode(), 1))
    return description


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint, and check it.

    Raises `FileNotFoundError` if there is none, `OSError` if it cannot be read, and
    `CheckpointError` if it is a folder, damaged, of another format or architecture, does not give
    the answers that it gave when it was saved, or has a gallery that is not whole.
    """
    try:
        content = path.read_bytes()
    except IsADirectoryError as error:
        raise CheckpointError("it is a folder") from error
    try:
        tensors = parse_tensors(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        description = json.loads(header["__metadata__"]["inkling"])
        version, architecture = description["format"], description["architecture"]
        expected_digest, known_answer = description["digest"], description["known_answer"]
    except (SafetensorError, ValueError, LookupError, TypeError) as error:
        raise CheckpointError("it is damaged, or no checkpoint of Inkling") from error
    if version not in FORMATS:
        raise CheckpointError(f"it has format {version}, and this version reads {FORMAT}")
    if digest(content, expected_digest) != expected_digest:
        raise CheckpointError("its digest does not match: it was damaged or altered")
    try:
        if architecture["name"] != DigitCNN.__name__:
            raise ValueError(architecture["name"])
        model = DigitCNN(architecture["widths"])
        shown = {name: tensors.pop(name) for name in [*tensors] if name.startswith(GALLERY_PREFIX)}
        model.load_state_dict(tensors)
    except (RuntimeError, ValueError, LookupError, TypeError) as error:
        raise CheckpointError(f"its architecture is not this version's: {architecture}") from error
    model.eval()
    with torch.inference_mode():
        difference = (model(known_ink()) - torch.tensor(known_answer)).abs().max()
    if not difference < KNOWN_ANSWER_TOLERANCE:  # NaN must fail as well
        raise CheckpointError("it does not give the answers it gave when it was saved")
    gallery = {name.removeprefix(GALLERY_PREFIX): tensor for name, tensor in shown.items()}
    if gallery and not gallery_is_whole(gallery, model.widths[-1]):
        raise CheckpointError("its gallery lacks something, or is of another version")
    return Checkpoint(model, description, gallery or None)


def gallery_is_whole(gallery: dict[str, Tensor], features: int) -> bool:
    """Tell whether these are a gallery's tensors, of a network with so many features."""
    expected = GALLERY | {"features": (torch.float16, (features,))}
    found = {name: (tensor.dtype, tensor.shape[1:]) for name, tensor in gallery.items()}
    return found == expected and len({tensor.shape[:1] for tensor in gallery.values()}) == 1


def digest(content: bytes, told: str) -> str:
    """Return the SHA-256 of a checkpoint file's every byte, but for the digest told in it."""
    return hashlib.sha256(content.replace(str(told).encode(), NO_DIGEST.encode(), 1)).hexdigest()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that, killed at any moment, `path` holds the old content or the new one.

    What a killed writer leaves is swept by the next writer, or by `sweep`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            with contextlib.suppress(OSError):  # a file system without locks
                claim(file)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            if not fcntl:
                file.close()  # Windows renames no file that is open
            Path(temporary).chmod(0o644)  # mkstemp lets only the owner read
            Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def sweep(path: Path) -> None:
    """Remove what killed writers of this file have left, but nothing that is being written."""
    for orphan in path.parent.glob(glob.escape(path.name) + "*.tmp"):
        with contextlib.suppress(OSError), orphan.open("r+b") as file:
            claim(file)
            orphan.unlink()


def claim(file: BinaryIO) -> None:
    """Lock an open file until it is closed, or its process ends; raises `OSError` if it is."""
    if fcntl:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
