"""A network's weights survive their file whole, or the file is refused."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from inkling.recognition.checkpoint import (
    FORMAT,
    GALLERY,
    NO_DIGEST,
    CheckpointError,
    digest,
    load_checkpoint,
    save_checkpoint,
)
from model import DigitCNN, fused

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


def rewrite(path, change):
    """Change a checkpoint's tensors or description, and write it with a digest that fits."""
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    description = json.loads(header["__metadata__"]["inkling"])
    tensors = load(content)
    change(tensors, description)
    description["digest"] = NO_DIGEST
    content = save(tensors, {"inkling": json.dumps(description)})
    path.write_bytes(content.replace(NO_DIGEST.encode(), digest(content, NO_DIGEST).encode(), 1))


def test_the_network_is_small_and_gives_ten_finite_logits():
    from train import DEFAULT, QUICK

    for recipe in (QUICK, DEFAULT):
        model = DigitCNN(recipe.widths).eval()
        assert sum(p.numel() for p in model.parameters()) < 1_000_000
        logits = model(torch.rand(3, 1, 28, 28))
        assert logits.shape == (3, 10) and logits.isfinite().all()


def test_probabilities_sum_to_one():
    judged = DigitCNN(WIDTHS).eval().judge(torch.rand(5, 1, 28, 28))
    probabilities, not_a_digit, plausible, several = judged
    assert several.shape == (5,)
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(5))
    assert ((not_a_digit >= 0) & (not_a_digit <= 1)).all() and (plausible <= 0).all()


def test_a_saved_network_comes_back_the_same(tmp_path):
    torch.manual_seed(1)
    model = DigitCNN(WIDTHS).eval()
    written = save_checkpoint(model, tmp_path / "a.safetensors", {"seed": 7})
    again, description, gallery = load_checkpoint(tmp_path / "a.safetensors")
    ink = torch.rand(2, 1, 28, 28)
    assert torch.equal(model(ink), again(ink))
    assert description == written and description["seed"] == 7 and gallery is None


def test_a_gallery_comes_back_the_same(saved):
    gallery, before = load_checkpoint(saved).gallery, some_gallery()
    assert gallery.keys() == before.keys()
    assert all(torch.equal(gallery[name], before[name]) for name in before)


def test_a_checkpoint_from_before_there_were_galleries_loads(saved):
    def older(tensors, told):
        told.update(format=1)
        for name in GALLERY:
            del tensors[f"gallery.{name}"]

    rewrite(saved, older)
    model, description, gallery = load_checkpoint(saved)
    assert gallery is None and description["seed"] == 7
    save_checkpoint(model, saved, description, some_gallery())  # it can be given one
    assert load_checkpoint(saved).description["format"] == FORMAT


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
    def spoil(tensors, told):
        tensors.pop(f"gallery.{name}", None)
        if value is not None:
            tensors[f"gallery.{name}"] = value

    rewrite(saved, spoil)
    with pytest.raises(CheckpointError, match="gallery"):
        load_checkpoint(saved)


def test_a_missing_checkpoint_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_checkpoint(tmp_path / "none.safetensors")


def test_every_altered_byte_is_noticed(saved):
    content = saved.read_bytes()
    places = np.random.default_rng(0).integers(0, len(content), 300)
    for place in places:
        altered = bytearray(content)
        altered[place] ^= 1 << int(place % 8)
        saved.write_bytes(altered)
        with pytest.raises(CheckpointError):
            load_checkpoint(saved)


def test_a_checkpoint_cut_off_anywhere_is_noticed(saved):
    content = saved.read_bytes()
    for length in range(0, len(content), 97):
        saved.write_bytes(content[:length])
        with pytest.raises(CheckpointError):
            load_checkpoint(saved)


@pytest.mark.parametrize("junk", [b"", b"{}", b"version https://git-lfs", bytes(5_000), b"PK\3\4"])
def test_junk_is_no_checkpoint(saved, junk):
    saved.write_bytes(junk)
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(saved)


def test_another_architecture_is_refused(saved):
    rewrite(saved, lambda tensors, told: told["architecture"].update(widths=[4, 4, 4, 4]))
    with pytest.raises(CheckpointError, match="architecture"):
        load_checkpoint(saved)


def test_another_format_is_refused(saved):
    rewrite(saved, lambda tensors, told: told.update(format=99))
    with pytest.raises(CheckpointError, match="format 99"):
        load_checkpoint(saved)


@pytest.mark.parametrize("value", [float("nan"), 3.0])
def test_weights_that_answer_otherwise_are_refused(saved, value):
    rewrite(saved, lambda tensors, told: tensors["layers.1.weight"].fill_(value))
    with pytest.raises(CheckpointError, match="answers"):
        load_checkpoint(saved)


def test_a_writer_killed_at_any_moment_leaves_a_checkpoint_that_loads(saved):
    program = (
        "import pathlib, sys, model\n"
        "net, *_ = model.load_checkpoint(path := pathlib.Path(sys.argv[1]))\n"
        "print('writing', flush=True)\n"
        "while True: model.save_checkpoint(net, path, {'seed': 7})\n"
    )
    for moment in (0.0, 0.003, 0.011, 0.02, 0.05):
        writer = subprocess.Popen(
            [sys.executable, "-c", program, str(saved)], stdout=subprocess.PIPE
        )
        writer.stdout.readline()
        time.sleep(moment)  # not a wait for anything: where the kill falls
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        load_checkpoint(saved)


def test_a_full_or_closed_folder_leaves_the_old_checkpoint(saved, monkeypatch):
    model = load_checkpoint(saved).model
    content = saved.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(model, saved, {})
    assert saved.read_bytes() == content and list(saved.parent.iterdir()) == [saved]


def test_a_fused_network_gives_the_same_answers(mnist):
    torch.manual_seed(0)
    model = DigitCNN((8, 8, 16, 16))
    model(mnist.train.ink[:500])  # in training mode: gives the normalisations something to fold
    with torch.inference_mode():
        plain, quicker = model.eval()(mnist.test.ink[:200]), fused(model)(mnist.test.ink[:200])
    assert len(fused(model).layers) < len(model.layers)
    assert (plain - quicker).abs().max() < 1e-4
