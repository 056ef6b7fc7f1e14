"""MNIST comes whole from its archives, or with a message that says what to do."""

import shutil
import time

import pytest
import torch
from torchvision import datasets

import data


@pytest.fixture
def archives(tmp_path):
    """Return a copy of the data folder that may be damaged."""
    return shutil.copytree(data.DATA, tmp_path / "data", ignore=shutil.ignore_patterns("*-ubyte"))


def test_the_archives_are_the_official_ones():
    assert all(data.archive_is_whole(data.DATA, name) for name in data.ARCHIVES)
    resources = dict(datasets.MNIST.resources)
    assert resources == data.ARCHIVES


def test_digits_equal_those_that_torchvision_reads(archives, mnist):
    official = datasets.MNIST(str(archives), train=False, download=True)
    assert torch.equal((mnist.test.ink[:, 0] * 255).round().byte(), official.data)
    assert torch.equal(mnist.test.labels, official.targets)


def test_held_out_digits_are_the_last_of_the_training_set(archives, mnist):
    official = datasets.MNIST(str(archives), train=True, download=True)
    assert torch.equal(mnist.held_out.labels, official.targets[-5_000:])
    assert torch.equal(mnist.train.labels, official.targets[:-5_000])


def test_ink_is_float_between_paper_and_ink(mnist):
    for digits in mnist:
        assert digits.ink.dtype == torch.float32 and digits.ink.shape[1:] == (1, 28, 28)
        assert digits.ink.min() == 0 and digits.ink.max() == 1


def test_reading_mnist_writes_nothing(archives):
    before = sorted(p for p in archives.rglob("*"))
    data.load_mnist(archives)
    assert sorted(p for p in archives.rglob("*")) == before


def test_an_altered_unpacked_file_does_no_harm(archives, mnist):
    (archives / "MNIST/raw/t10k-labels-idx1-ubyte").write_bytes(b"altered")
    assert torch.equal(data.load_mnist(archives).test.labels, mnist.test.labels)


def test_a_stalling_mirror_ends_in_advice(archives, monkeypatch):
    (archives / "MNIST/raw/t10k-labels-idx1-ubyte.gz").write_bytes(b"cut off")
    monkeypatch.setattr(data, "DOWNLOAD", "import time; time.sleep(60)")
    monkeypatch.setattr(data, "DOWNLOAD_LIMIT", 1)
    start = time.monotonic()
    with pytest.raises(data.DataError, match="t10k-labels-idx1-ubyte.gz into .*raw"):
        data.load_mnist(archives)
    assert time.monotonic() - start < 30


def test_missing_archives_are_fetched_to_where_they_are_looked_for(archives, monkeypatch, mnist):
    store = archives.rename(archives.with_name("mirror"))
    copy = f"import shutil, sys; shutil.copytree({str(store)!r}, sys.argv[1], dirs_exist_ok=True)"
    monkeypatch.setattr(data, "DOWNLOAD", copy)
    fetched = data.load_mnist(archives)
    assert torch.equal(fetched.test.labels, mnist.test.labels)
    assert data.archive_is_whole(archives, "train-images-idx3-ubyte.gz")


def test_shifting_moves_whole_pictures_by_whole_pixels():
    ink = torch.zeros(200, 1, 28, 28)
    ink[:, 0, 14, 14] = 1
    shifted = data.shift(ink, 2, torch.Generator().manual_seed(0))
    place = shifted.flatten(1).argmax(dim=1)
    rows, columns = place // 28, place % 28
    assert torch.equal(shifted.sum(dim=(1, 2, 3)), torch.ones(200))
    assert set(rows.tolist()) == set(columns.tolist()) == {12, 13, 14, 15, 16}


def test_distorting_by_nothing_changes_nothing(mnist):
    ink = mnist.test.ink[:50]
    same = data.distort(ink, 0, 0, 0, 0, torch.Generator().manual_seed(0))
    assert (same - ink).abs().max() < 1e-4


def test_distorting_turns_both_ways_as_far_as_allowed():
    ink = torch.zeros(500, 1, 28, 28)
    ink[:, 0, 4:24, 13:15] = 1  # sticks
    turned = data.distort(ink, 0, 30, 0, 0, torch.Generator().manual_seed(0))
    assert turned.min() >= 0 and turned.max() <= 1
    columns = torch.arange(28.0)
    tip = turned[:, 0, 5:8].sum(dim=1)
    away = (tip * columns).sum(dim=1) / tip.sum(dim=1) - 13.5
    reach = 7.5 * torch.tensor(30.0).deg2rad().tan()
    assert -1.2 * reach < away.min() < -0.8 * reach and 0.8 * reach < away.max() < 1.2 * reach


def test_joining_keeps_every_digit(mnist):
    joined = data.join(mnist.held_out, mnist.test)
    assert torch.equal(joined.ink, torch.cat([mnist.held_out.ink, mnist.test.ink]))
    assert torch.equal(joined.labels, torch.cat([mnist.held_out.labels, mnist.test.labels]))
