"""A checkpoint that is damaged in any way is noticed, set aside, and replaced."""

import json
import pickle
import random
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from inkling.recognition.checkpoint import load_checkpoint, save_checkpoint
from inkling.training import build_checkpoint
from model import DigitCNN

WIDTHS = (4, 4, 4, 8)


def junk(good, folder):
    """Return functions that put something at a path that is no checkpoint."""
    archive = folder / "archive.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(good, "weights")
    contents = [
        b"",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 2499624\n",
        b"<!doctype html><title>Log in to the network</title>",
        pickle.dumps({"weights": [1.0]}),
        archive.read_bytes(),
        save({"weights": torch.zeros(3)}),
        save({"w": torch.zeros(3)}, {"inkling": json.dumps([1])}),
        2 * good.read_bytes(),
    ]

    return [Path.mkdir, *(lambda path, c=content: path.write_bytes(c) for content in contents)]


@pytest.mark.parametrize("kind", ["flipped", "cut off", "junk"])
def test_every_damage_is_noticed_set_aside_and_recovered_from(folder, tmp_path, monkeypatch, kind):
    torch.manual_seed(0)
    good = tmp_path / "good.safetensors"
    save_checkpoint(DigitCNN(WIDTHS), good, {"seed": 7})
    whole, random_place = good.read_bytes(), random.Random(0)

    def flipped(path):
        altered, place = bytearray(whole), random_place.randrange(len(whole))
        altered[place] ^= 1 << random_place.randrange(8)
        path.write_bytes(altered)

    def cut_off(path):
        path.write_bytes(whole[: random_place.randrange(len(whole))])

    faults = {"flipped": [flipped] * 300, "cut off": [cut_off] * 60}
    faults["junk"] = junk(good, tmp_path)
    trained = []

    def make(path, *_):
        trained.append(path)
        path.write_bytes(whole)

    monkeypatch.setattr(build_checkpoint, "make_checkpoint", make)
    path = folder / "digits.safetensors"
    for count, put in enumerate(faults[kind], start=1):
        path.unlink(missing_ok=True)
        put(path)
        damaged = path.is_file() and path.read_bytes()
        build_checkpoint.ensure_checkpoint(path)
        assert len(trained) == count and load_checkpoint(path).description["seed"] == 7
        (aside,) = folder.glob("*.set-aside-*")
        assert aside.is_dir() if damaged is False else aside.read_bytes() == damaged
        aside.rmdir() if damaged is False else aside.unlink()


def test_setting_aside_at_the_same_instant_loses_neither(folder, monkeypatch):
    class Stopped(build_checkpoint.datetime):
        @classmethod
        def now(cls, zone=None):
            return cls(2000, 1, 1, tzinfo=zone)

    monkeypatch.setattr(build_checkpoint, "datetime", Stopped)  # or a clock that was set back
    path = folder / "digits.safetensors"
    for content in (b"one", b"two", b"three"):
        path.write_bytes(content)
        path.rename(build_checkpoint.find_free_name(path))
    assert sorted(p.read_bytes() for p in folder.iterdir()) == [b"one", b"three", b"two"]
