"""A network's weights survive their file whole, or the file is refused."""

import pytest
import torch

from inkling.recognition.checkpoint import (
    GALLERY,
    CheckpointError,
    load_checkpoint,
    save_checkpoint,
)
from model import DigitCNN
from tests.altered import rewrite

WIDTHS = (4, 4, 4, 8)


def some_gallery(count=3):
    """Return what a gallery of the network has, made up."""
    torch.manual_seed(0)
    shapes = GALLERY | {"features": (torch.float16, WIDTHS[-1:])}
    return {
        name: (9 * torch.rand(count, *sides)).to(kind) for name, (kind, sides) in shapes.items()
    }


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "digits.safetensors"
    save_checkpoint(DigitCNN(WIDTHS), path, {"seed": 7}, some_gallery())
    return path


def test_a_saved_network_comes_back_the_same(tmp_path):
    torch.manual_seed(1)
    model = DigitCNN(WIDTHS).eval()
    written = save_checkpoint(model, tmp_path / "a.safetensors", {"seed": 7})
    again, description, gallery = load_checkpoint(tmp_path / "a.safetensors")
    ink = torch.rand(2, 1, 28, 28)
    assert (model(ink) - again(ink)).abs().max() < 0.01  # its weights are rounded to half the bytes
    assert description == written and description["seed"] == 7 and gallery is None


def test_what_was_loaded_is_saved_without_another_change(tmp_path):
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    save_checkpoint(DigitCNN(WIDTHS).eval(), first, {})
    save_checkpoint(load_checkpoint(first).model, second, {})
    before, after = (load_checkpoint(path).model.state_dict() for path in (first, second))
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_gallery_comes_back_the_same(saved):
    gallery, before = load_checkpoint(saved).gallery, some_gallery()
    assert gallery.keys() == before.keys()
    assert all(torch.equal(gallery[name], before[name]) for name in before)


@pytest.mark.parametrize(
    "name, value",
    [
        ("labels", None),
        ("places", None),
        ("foreign", torch.zeros(3)),
        ("places", torch.zeros(3, 3).half()),
        ("places", torch.zeros(4, 2).half()),
        ("labels", torch.zeros((), dtype=torch.uint8)),
        ("ink", torch.zeros(3, 28, 28)),
        ("features", torch.zeros(3, WIDTHS[-1] + 1).half()),
    ],
)
def test_a_gallery_that_is_not_whole_is_refused(saved, name, value):
    def spoil(tensors, description):
        tensors.pop(f"gallery.{name}", None)
        if value is not None:
            tensors[f"gallery.{name}"] = value

    rewrite(saved, spoil)
    with pytest.raises(CheckpointError, match="gallery"):
        load_checkpoint(saved)


def test_a_missing_checkpoint_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_checkpoint(tmp_path / "none.safetensors")


def test_another_architecture_is_refused(saved):
    rewrite(
        saved, lambda tensors, description: description["architecture"].update(widths=[4, 4, 4, 4])
    )
    with pytest.raises(CheckpointError, match="architecture"):
        load_checkpoint(saved)


def test_another_format_is_refused(saved):
    rewrite(saved, lambda tensors, description: description.update(format=99))
    with pytest.raises(CheckpointError, match="format 99"):
        load_checkpoint(saved)


@pytest.mark.parametrize("value", [float("nan"), 3.0])
def test_weights_that_answer_otherwise_are_refused(saved, value):
    rewrite(saved, lambda tensors, description: tensors["layers.1.weight"].fill_(value))
    with pytest.raises(CheckpointError, match="answers"):
        load_checkpoint(saved)


def test_an_altered_description_is_noticed(saved):
    content = saved.read_bytes()
    assert b'\\"seed\\": 7' in content
    saved.write_bytes(content.replace(b'\\"seed\\": 7', b'\\"seed\\": 8'))
    with pytest.raises(CheckpointError, match="digest"):
        load_checkpoint(saved)


def test_a_full_or_closed_folder_leaves_the_old_checkpoint(saved, monkeypatch):
    model = load_checkpoint(saved).model
    content = saved.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(model, saved, {})
    assert saved.read_bytes() == content and sorted(p.suffix for p in saved.parent.iterdir()) == [
        ".lock",
        ".safetensors",
    ]
