"""MNIST comes whole from its archives, or with a message that says what to do."""

import shutil
import socket
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

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


@pytest.fixture
def mirror(archives):
    """Return a mirror that serves what lies in a folder, which is MNIST's at first."""
    store = shutil.copytree(archives / "MNIST" / "raw", archives.with_name("mirror"))
    serve = partial(SimpleHTTPRequestHandler, directory=store)
    with ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever).start()
        yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}/", store=store)
        server.shutdown()


def test_missing_archives_are_fetched_to_where_they_are_looked_for(
    archives, mirror, monkeypatch, mnist
):
    nowhere = "http://127.0.0.1:1/"
    monkeypatch.setattr(data, "MIRRORS", (nowhere, mirror.url))
    shutil.rmtree(archives)
    fetched = data.load_mnist(archives)
    assert torch.equal(fetched.test.labels, mnist.test.labels)
    kept = {path.name for path in (archives / "MNIST" / "raw").iterdir()}
    assert kept == set(data.ARCHIVES)


def test_a_damaged_archive_is_replaced_but_not_by_another_file(archives, mirror, monkeypatch):
    name = "t10k-labels-idx1-ubyte.gz"
    monkeypatch.setattr(data, "MIRRORS", (mirror.url,))
    path = data.archive_path(archives, name)
    path.write_bytes(b"cut off")
    data.load_mnist(archives)
    path.write_bytes(b"cut off")
    (mirror.store / name).write_bytes(b"log in first")
    with pytest.raises(data.DataError, match=f"{name} into .*raw"):
        data.load_mnist(archives)


def test_a_stalling_mirror_ends_in_advice(archives, monkeypatch):
    (archives / "MNIST/raw/t10k-labels-idx1-ubyte.gz").write_bytes(b"cut off")
    monkeypatch.setattr(data, "MIRROR_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and says nothing
        monkeypatch.setattr(data, "MIRRORS", (f"http://127.0.0.1:{silent.getsockname()[1]}/",))
        with pytest.raises(data.DataError, match="t10k-labels-idx1-ubyte.gz into .*raw"):
            data.load_mnist(archives)


def test_joining_keeps_every_digit(mnist):
    joined = data.join(mnist.held_out, mnist.test)
    assert torch.equal(joined.ink, torch.cat([mnist.held_out.ink, mnist.test.ink]))
    assert torch.equal(joined.labels, torch.cat([mnist.held_out.labels, mnist.test.labels]))
