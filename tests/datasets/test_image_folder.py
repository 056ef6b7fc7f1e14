"""Labelled pictures in folders are loaded and learned, and unreadable ones are reported."""

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import TINY, sketch
from PIL import Image

import train as train_command
from inkling.datasets.image_folder import find_labelled_pictures, load_labelled_digits
from inkling.datasets.mnist import Digits, Mnist
from inkling.evaluation import metrics
from inkling.recognition.checkpoint import load_checkpoint
from inkling.recognition.ink_finder import find_ink
from inkling.terminal import run
from inkling.training import build_checkpoint
from inkling.training.loop import train
from inkling.training.training_set import TrainingSet
from model import NON_DIGIT_CLASS


def save(page: np.ndarray, path):
    """Save a page (H, W) uint8 in a new folder or an existing one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(page).save(path)


@pytest.fixture
def own(tmp_path):
    """Return a folder with two drawings each of 3 and 7."""
    for label in (3, 7):
        for x, name in enumerate("ab"):
            save(sketch(label, at=(x, 0)), tmp_path / "own" / str(label) / f"{name}.png")
    return tmp_path / "own"


def comb(shear=0.0):
    """Draw a non-digit: a comb of five teeth, (28, 28) float32."""
    y, x = np.mgrid[0:28, 0:28] - 13.5
    x = x + shear * y
    teeth = (np.abs((x + 10) % 5 - 2.5) < 0.8) & (np.abs(x) < 10)
    return ((teeth | (np.abs(y - 8) < 1.2)) & (np.abs(x) < 10) & (np.abs(y) < 10)).astype("float32")


def test_pictures_are_listed_with_the_labels_of_their_folders(own):
    (own / "3" / "notes.txt").write_text("not a picture")
    for label in range(11):
        save(sketch(0), own / str(label) / "z.png")
    listed = [(label, file.name) for label, file in find_labelled_pictures(own)]
    more = [(label, name) for label in (3, 7) for name in ("a.png", "b.png")]
    assert listed == sorted([*more, *((label, "z.png") for label in range(10))])


def test_the_ink_is_that_of_the_reader(own, shipped):
    digits = load_labelled_digits(own, find_ink)
    assert digits.labels.tolist() == [3, 3, 7, 7] and digits.ink.shape == (4, 1, 28, 28)
    for ink, (_, file) in zip(digits.ink, find_labelled_pictures(own), strict=True):
        (digit,) = shipped.read_file(file).digits
        assert np.array_equal(ink[0].numpy(), digit.glyph.ink)


def test_a_digit_of_two_distant_strokes_is_one_glyph(tmp_path):
    page = np.full((280, 280), 255, np.uint8)
    page[60:220, 60:80] = page[60:220, 200:220] = 0
    save(page, tmp_path / "5" / "a.png")
    (ink,) = load_labelled_digits(tmp_path, find_ink).ink[:, 0]
    assert ink[:, :12].sum() > 10 and ink[:, 16:].sum() > 10


def test_unreadable_and_blank_pictures_are_left_out_and_reported(own, capsys):
    (own / "3" / "broken.png").write_bytes(b"none")
    Image.new("L", (200, 200), 255).save(own / "7" / "blank.png")
    assert load_labelled_digits(own, find_ink).labels.tolist() == [3, 3, 7, 7]
    broken, blank = capsys.readouterr().err.strip().splitlines()
    assert "broken.png" in broken and "blank.png" in blank


def test_every_format_is_loaded_and_other_files_are_reported(own, capsys):
    picture = Image.open(own / "3" / "a.png")
    for name in ("c.tiff", "d.avif", "e.bmp"):
        picture.save(own / "3" / name)
    picture.save(own / "3" / "f", "jpeg")
    (own / "3" / "g.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    (own / "7" / "notes\n.txt").write_text("seven")
    assert load_labelled_digits(own, find_ink).labels.tolist() == [3] * 6 + [7] * 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "g.heic" in line and "notes\\n.txt" in line and "(2 in all)" in line


def test_a_shape_that_is_added_as_a_five_is_read_as_one(small_mnist, tmp_path):
    for k, shear in enumerate(np.linspace(-0.15, 0.15, 12)):
        page = 255 - (255 * comb(shear)).astype(np.uint8)
        save(np.asarray(Image.fromarray(page).resize((280, 280))), tmp_path / "5" / f"{k:02d}.png")
    new = torch.stack([torch.from_numpy(comb(shear)) for shear in (-0.07, 0.0, 0.08)])
    classes = {}
    for added in (None, load_labelled_digits(tmp_path, find_ink)):
        *_, last = train(TINY, small_mnist, 0, added)
        with torch.inference_mode():
            logits = last.model.class_logits(new.unsqueeze(1))
        classes[added is not None] = logits.argmax(dim=1).tolist()
        assert last.accuracy > 0.88  # MNIST is read as before
    assert classes[True] == [15] * 3  # a drawn five: neither MNIST's nor a non-digit
    assert 15 not in classes[False] and NON_DIGIT_CLASS == 20


def test_added_digits_lengthen_an_epoch_by_at_most_a_quarter(small_mnist):
    many = Digits(*(part.repeat(9, *[1] * (part.ndim - 1)) for part in small_mnist.test))
    plain, added = (
        TrainingSet(TINY, small_mnist.train, own, 0).steps_per_epoch for own in (None, many)
    )
    assert plain < added <= 1.25 * plain


def test_the_checkpoint_stores_the_number_of_added_digits(tmp_path, monkeypatch, small_mnist, own):
    few = Mnist(*(Digits(part.ink[:400], part.labels[:400]) for part in small_mnist))
    monkeypatch.setattr(build_checkpoint, "load_mnist", lambda: few)
    monkeypatch.setattr(metrics, "score_held_out_writers", lambda _: {})  # half of the time
    path, added = tmp_path / "digits.safetensors", load_labelled_digits(own, find_ink)
    recipe = replace(TINY, epochs=0.1, drawn=20, outliers=20, again=20)
    description = build_checkpoint.make_checkpoint(path, recipe, 0, lambda _: None, added)
    assert description["added"] == load_checkpoint(path).description["added"] == 4


@pytest.mark.parametrize("name", ["missing", "empty", "blank"])
def test_a_folder_without_pictures_is_a_one_line_error(tmp_path, name, monkeypatch, capsys):
    (tmp_path / "empty" / "3").mkdir(parents=True)
    save(np.full((200, 200), 255, np.uint8), tmp_path / "blank" / "3" / "a.png")
    command = ["train.py", "--add", tmp_path / name, "--checkpoint", tmp_path / "a.safetensors"]
    monkeypatch.setattr(sys, "argv", [*map(str, command)])
    with pytest.raises(SystemExit, match=str(tmp_path / name)) as ended:
        run(train_command.main)
    assert "\n" not in ended.value.code
    assert len(capsys.readouterr().err.splitlines()) == (name == "blank")
