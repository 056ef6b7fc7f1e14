"""MNIST's archives are missing or damaged, and one line says what to do."""

import shutil

import pytest

from inkling.datasets import mnist


def without(path):
    path.unlink()


def truncated(path):
    path.write_bytes(path.read_bytes()[:-100])


def altered(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def emptied(path):
    path.write_bytes(b"")


def a_web_page(path):
    path.write_bytes(b"<!doctype html><title>Log in to the network</title>")


@pytest.fixture
def archives(tmp_path, monkeypatch):
    """Return a copy of MNIST's archives, on a machine without a network."""
    monkeypatch.setattr(mnist, "MIRRORS", ("http://127.0.0.1:1/",))
    return shutil.copytree(mnist.DATA, tmp_path / "data", ignore=shutil.ignore_patterns("*-ubyte"))


@pytest.mark.parametrize("fault", [without, truncated, altered, emptied, a_web_page])
def test_without_an_archive_and_a_network_one_line_says_what_to_do(archives, fault):
    for name in mnist.ARCHIVES:
        path = mnist.archive_path(archives, name)
        fault(path)
        with pytest.raises(mnist.DataError) as told:
            mnist.load_mnist(archives)
        assert "\n" not in str(told.value) and name in str(told.value) and "Put" in str(told.value)
        shutil.copy(mnist.archive_path(mnist.DATA, name), path)
    assert len(mnist.load_mnist(archives).test.labels) == 10_000  # and that is all there is to do
