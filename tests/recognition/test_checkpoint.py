"""A network's weights survive their file whole, or the file is refused."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save

from inkling.recognition.checkpoint import (
    GALLERY,
    CheckpointError,
    digest,
    load_checkpoint,
    save_checkpoint,
)
from model import DigitCNN

WIDTHS = (4, 4, 4, 8)
REFUSED = [  # words of the error, change of tensors and description
    ("architecture", lambda _, description: description["architecture"].update(widths=[4] * 4)),
    ("format 99", lambda _, description: description.update(format=99)),
    ("answers", lambda tensors, _: tensors["layers.1.weight"].fill_(float("nan"))),
    ("answers", lambda tensors, _: tensors["layers.1.weight"].fill_(3.0)),
]


def rewrite(path, change):
    """Change a checkpoint's tensors or description, and write it with a digest that fits."""
    with safe_open(path, "pt") as file:
        description = json.loads(file.metadata()["inkling"])
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    change(tensors, description)
    text = json.dumps(description)
    path.write_bytes(save(tensors, {"inkling": text, "digest": digest(text, tensors)}))


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
    [("labels", None), ("places", None), ("foreign", torch.zeros(3))]
    + [("places", torch.zeros(sides).half()) for sides in ((3, 3), (4, 2))]
    + [("labels", torch.zeros((), dtype=torch.uint8)), ("ink", torch.zeros(3, 28, 28))]
    + [("features", torch.zeros(3, WIDTHS[-1] + 1).half())],
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


@pytest.mark.parametrize("words, change", REFUSED)
def test_another_network_s_or_format_s_file_is_refused(saved, words, change):
    rewrite(saved, change)
    with pytest.raises(CheckpointError, match=words):
        load_checkpoint(saved)


def test_an_altered_description_is_noticed(saved):
    content = saved.read_bytes()
    assert b'\\"seed\\": 7' in content
    saved.write_bytes(content.replace(b'\\"seed\\": 7', b'\\"seed\\": 8'))
    with pytest.raises(CheckpointError, match="digest"):
        load_checkpoint(saved)
