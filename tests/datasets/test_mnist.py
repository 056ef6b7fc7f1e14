"""MNIST comes whole from its archives, or with a message that says what to do."""

import shutil
import time

import pytest
import torch
from torchvision import datasets

from inkling.datasets import mnist as data


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


def test_joining_keeps_every_digit(mnist):
    joined = data.join(mnist.held_out, mnist.test)
    assert torch.equal(joined.ink, torch.cat([mnist.held_out.ink, mnist.test.ink]))
    assert torch.equal(joined.labels, torch.cat([mnist.held_out.labels, mnist.test.labels]))
