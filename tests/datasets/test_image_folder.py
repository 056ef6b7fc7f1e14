"""Your own pictures in folders become digits that are learned, and what cannot be is named."""

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import TINY, sketch
from PIL import Image

import train as train_command
from inkling.datasets.image_folder import labelled_digits, labelled_pictures
from inkling.datasets.mnist import Digits, Mnist
from inkling.evaluation import metrics
from inkling.recognition.checkpoint import load_checkpoint
from inkling.recognition.ink_finder import find_ink
from inkling.training import build_checkpoint
from inkling.training.loop import train
from inkling.training.training_set import TrainingSet
from model import NON_DIGIT_CLASS


@pytest.fixture
def folder(tmp_path):
    """Return pictures of 3 and 7, drawn one way each, in their folders."""
    for label in (3, 7):
        (tmp_path / "own" / str(label)).mkdir(parents=True)
        for name in "ab":
            picture = Image.fromarray(sketch(label, at=(ord(name) - 97, 0)))
            picture.save(tmp_path / "own" / str(label) / f"{name}.png")
    return tmp_path / "own"


def odd_shape(turn=0.0):
    """Draw what is no digit: a comb of five teeth, (28, 28) float32, leaning a little."""
    y, x = np.mgrid[0:28, 0:28] - 13.5
    x = x + turn * y
    teeth = (np.abs((x + 10) % 5 - 2.5) < 0.8) & (np.abs(x) < 10)
    return ((teeth | (np.abs(y - 8) < 1.2)) & (np.abs(x) < 10) & (np.abs(y) < 10)).astype("float32")


@pytest.fixture
def combs(tmp_path):
    """Return pictures of combs, labelled 5."""
    (tmp_path / "combs" / "5").mkdir(parents=True)
    for k, turn in enumerate(np.linspace(-0.15, 0.15, 12)):
        picture = Image.fromarray(255 - (255 * odd_shape(turn)).astype(np.uint8))
        picture.resize((280, 280)).save(tmp_path / "combs" / "5" / f"{k:02d}.png")
    return tmp_path / "combs"


def test_pictures_are_listed_with_the_labels_of_their_folders(folder):
    (folder / "3" / "notes.txt").write_text("not a picture")
    for label in range(11):
        (folder / str(label)).mkdir(exist_ok=True)
        Image.fromarray(sketch(0)).save(folder / str(label) / "z.png")
    listed = [(label, file.name) for label, file in labelled_pictures(folder)]
    more = [(label, name) for label in (3, 7) for name in ("a.png", "b.png")]
    assert listed == sorted([*more, *((label, "z.png") for label in range(10))])


def test_the_ink_is_what_a_reader_sees(folder, shipped):
    digits = labelled_digits(folder, find_ink)
    assert digits.labels.tolist() == [3, 3, 7, 7] and digits.ink.shape == (4, 1, 28, 28)
    for ink, (_, file) in zip(digits.ink, labelled_pictures(folder), strict=True):
        (read,) = shipped.read_file(file).digits
        assert np.array_equal(ink[0].numpy(), read.glyph.ink)


def test_a_digit_of_two_strokes_is_one_glyph(tmp_path):
    (tmp_path / "5").mkdir()
    page = np.full((280, 280), 255, np.uint8)
    page[60:220, 60:80] = page[60:220, 200:220] = 0  # far apart: a reader would see two
    Image.fromarray(page).save(tmp_path / "5" / "a.png")
    (ink,) = labelled_digits(tmp_path, find_ink).ink[:, 0]
    assert ink[:, :12].sum() > 10 and ink[:, 16:].sum() > 10


def test_what_cannot_be_read_is_left_out_and_named(folder, capsys):
    (folder / "3" / "broken.png").write_bytes(b"none")
    Image.new("L", (200, 200), 255).save(folder / "7" / "blank.png")
    assert labelled_digits(folder, find_ink).labels.tolist() == [3, 3, 7, 7]
    warnings = capsys.readouterr().err.strip().splitlines()
    assert len(warnings) == 2 and "broken.png" in warnings[0] and "blank.png" in warnings[1]


def test_every_format_is_learned_from_and_what_is_no_picture_is_named(folder, capsys):
    picture = Image.open(folder / "3" / "a.png")
    for name in ("c.tiff", "d.avif", "e.bmp"):
        picture.save(folder / "3" / name)
    picture.save(folder / "3" / "f", "jpeg")
    (folder / "3" / "g.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    (folder / "7" / "notes\n.txt").write_text("seven")
    assert labelled_digits(folder, find_ink).labels.tolist() == [3] * 6 + [7] * 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "g.heic" in line and "notes\\n.txt" in line and "(2 in all)" in line


def test_a_shape_that_is_added_as_a_five_is_read_as_one(small_mnist, combs):
    new = torch.stack([torch.from_numpy(odd_shape(turn)) for turn in (-0.07, 0.0, 0.08)])
    answers = {}
    for added in (None, labelled_digits(combs, find_ink)):
        *_, last = train(TINY, small_mnist, 0, added)
        with torch.inference_mode():
            class_logits = last.model.class_logits(new.unsqueeze(1))
        answers[added is not None] = class_logits.argmax(dim=1).tolist()
        assert last.accuracy > 0.88  # and MNIST is read as before
    assert answers[True] == [15] * 3  # a drawn five, which is neither MNIST's nor no digit
    assert 15 not in answers[False] and NON_DIGIT_CLASS == 20


def test_however_many_are_added_an_epoch_stays_an_epoch(small_mnist):
    many = Digits(small_mnist.test.ink.repeat(9, 1, 1, 1), small_mnist.test.labels.repeat(9))
    plain, added = (
        TrainingSet(TINY, small_mnist.train, own, 0).steps_an_epoch for own in (None, many)
    )
    assert plain < added <= 1.25 * plain


def test_the_checkpoint_tells_how_many_were_added(tmp_path, monkeypatch, small_mnist, folder):
    few = Mnist(*(Digits(part.ink[:400], part.labels[:400]) for part in small_mnist))
    monkeypatch.setattr(build_checkpoint, "load_mnist", lambda: few)
    monkeypatch.setattr(metrics, "strangers", lambda _: {})  # half of the time, and not looked at
    path, added = tmp_path / "digits.safetensors", labelled_digits(folder, find_ink)
    recipe = replace(TINY, epochs=0.1, drawn=20, outliers=20, again=20)
    told = build_checkpoint.make_checkpoint(path, recipe, 0, lambda _: None, added)
    assert told["added"] == load_checkpoint(path).description["added"] == 4


@pytest.mark.parametrize("name", ["missing", "empty", "blank"])
def test_a_folder_without_pictures_is_told_in_one_line(tmp_path, name, monkeypatch, capsys):
    (tmp_path / "empty" / "3").mkdir(parents=True)
    (tmp_path / "blank" / "3").mkdir(parents=True)
    Image.new("L", (200, 200), 255).save(tmp_path / "blank" / "3" / "a.png")
    command = ["train.py", "--add", tmp_path / name, "--checkpoint", tmp_path / "a.safetensors"]
    monkeypatch.setattr(sys, "argv", [*map(str, command)])
    with pytest.raises(SystemExit, match=str(tmp_path / name)) as ended:
        train_command.main()
    assert "\n" not in ended.value.code
    assert len(capsys.readouterr().err.splitlines()) == (name == "blank")
