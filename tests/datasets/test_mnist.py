"""MNIST is loaded completely from its archives, or an error names the remedy."""

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
from inkling.terminal import UserError

CLOSED_PORT = "http://127.0.0.1:1/"
TEST_LABELS = "t10k-labels-idx1-ubyte.gz"
FAULTS = {
    "truncated": lambda content: content[:-100],
    "one bit altered": lambda content: content[:999] + bytes([content[999] ^ 1]) + content[1_000:],
    "empty": lambda content: b"",
    "web page": lambda content: b"<!doctype html><title>Log in to the network</title>",
}


@pytest.fixture
def archives(tmp_path, monkeypatch):
    """Return a copy of the data folder, on a machine without a network."""
    monkeypatch.setattr(data, "MIRRORS", (CLOSED_PORT,))
    ignored = shutil.ignore_patterns("*-ubyte")
    return shutil.copytree(data.MNIST_ROOT, tmp_path / "data", ignore=ignored)


@pytest.fixture
def mirror(archives):
    """Return a mirror and the folder that it serves, initially with MNIST's archives."""
    store = shutil.copytree(archives / "MNIST" / "raw", archives.with_name("mirror"))
    serve = partial(SimpleHTTPRequestHandler, directory=store)
    with ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever).start()
        yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}/", store=store)
        server.shutdown()


def test_archives_are_the_official_ones():
    assert all(data.is_intact(data.MNIST_ROOT / "MNIST/raw" / name) for name in data.ARCHIVES)
    assert dict(datasets.MNIST.resources) == data.ARCHIVES


def test_digits_equal_torchvision_s_and_the_last_training_images_are_held_out(archives, mnist):
    train, test = (datasets.MNIST(str(archives), part, download=True) for part in (True, False))
    assert torch.equal((mnist.test.ink[:, 0] * 255).round().byte(), test.data)
    assert torch.equal(mnist.test.labels, test.targets)
    assert torch.equal(mnist.held_out.labels, train.targets[-5_000:])
    assert torch.equal(mnist.train.labels, train.targets[:-5_000])
    for digits in mnist:
        assert digits.ink.dtype == torch.float32 and digits.ink.shape[1:] == (1, 28, 28)
        assert digits.ink.min() == 0 and digits.ink.max() == 1


def test_loading_writes_nothing_and_ignores_unpacked_files(archives, mnist):
    (archives / "MNIST/raw/t10k-labels-idx1-ubyte").write_bytes(b"altered")
    before = sorted(archives.rglob("*"))
    assert torch.equal(data.load_mnist(archives).test.labels, mnist.test.labels)
    assert sorted(archives.rglob("*")) == before


@pytest.mark.parametrize("fault", [*FAULTS, "missing"])
def test_without_an_intact_archive_and_a_network_one_line_names_the_remedy(archives, fault):
    for name in data.ARCHIVES:
        path = archives / "MNIST/raw" / name
        content = path.read_bytes()
        path.unlink() if fault == "missing" else path.write_bytes(FAULTS[fault](content))
        with pytest.raises(UserError, match=f"Put .*{name}.* into .*raw") as error:
            data.load_mnist(archives)
        assert "\n" not in str(error.value)
        path.write_bytes(content)
    assert len(data.load_mnist(archives).test.labels) == 10_000  # the remedy is sufficient


def test_missing_archives_are_downloaded_from_the_first_mirror_that_has_them(
    archives, mirror, monkeypatch, mnist
):
    monkeypatch.setattr(data, "MIRRORS", (CLOSED_PORT, mirror.url))
    shutil.rmtree(archives)
    assert torch.equal(data.load_mnist(archives).test.labels, mnist.test.labels)
    stored = {path.name for path in (archives / "MNIST" / "raw").iterdir()}
    assert stored == set(data.ARCHIVES)


def test_a_damaged_archive_is_replaced_but_not_by_another_file(archives, mirror, monkeypatch):
    monkeypatch.setattr(data, "MIRRORS", (mirror.url,))
    path = archives / "MNIST/raw" / TEST_LABELS
    path.write_bytes(b"cut off")
    data.load_mnist(archives)
    path.write_bytes(b"cut off")
    (mirror.store / TEST_LABELS).write_bytes(b"log in first")
    with pytest.raises(UserError, match=f"{TEST_LABELS} into .*raw"):
        data.load_mnist(archives)


def test_a_stalling_mirror_times_out(archives, monkeypatch):
    (archives / "MNIST/raw" / TEST_LABELS).write_bytes(b"cut off")
    monkeypatch.setattr(data, "MIRROR_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts connections, sends nothing
        monkeypatch.setattr(data, "MIRRORS", (f"http://127.0.0.1:{silent.getsockname()[1]}/",))
        with pytest.raises(UserError, match=f"{TEST_LABELS} into .*raw"):
            data.load_mnist(archives)


def test_joining_keeps_every_digit(mnist):
    joined = data.join(mnist.held_out, mnist.test)
    assert torch.equal(joined.ink, torch.cat([mnist.held_out.ink, mnist.test.ink]))
    assert torch.equal(joined.labels, torch.cat([mnist.held_out.labels, mnist.test.labels]))
