"""The page gets a reader at once, whatever there is of a checkpoint, and a better one later."""

import threading

import pytest
from conftest import TINY, sketch

import first_run
import train
from first_run import FirstRun
from model import load_checkpoint
from predict import Reader


@pytest.fixture(autouse=True)
def small(monkeypatch, small_mnist):
    monkeypatch.setattr(train, "load_mnist", lambda: small_mnist)
    monkeypatch.setattr(
        first_run,
        "ensure_checkpoint",
        lambda path, watch: train.ensure_checkpoint(path, TINY, watch=watch),
    )


@pytest.fixture
def run(tmp_path):
    source = FirstRun(tmp_path / "digits.safetensors")
    yield source
    source.stop()


def finish(source):
    """Wait until the training has ended."""
    source._thread.join(60)
    assert not source.learning


def test_without_a_checkpoint_it_says_so_then_learns_then_loads_the_file(run):
    assert run.reader.read(None).note.startswith("The network has just begun")
    run.start()
    finish(run)
    assert run.progress.done and run.failure == ""
    _, told = load_checkpoint(run.checkpoint)
    assert run.reader.description == told  # read from the file, not passed along


def test_with_a_checkpoint_nothing_is_learned(run):
    train.ensure_checkpoint(run.checkpoint, TINY)
    run.start()
    assert isinstance(run.reader, Reader) and not run.learning and run.progress is None


def test_it_reads_while_it_learns(run, monkeypatch):
    reported, go_on = threading.Event(), threading.Event()
    bar = first_run.TrainingBar

    class Pause(bar):
        def __call__(self, progress):
            reported.set()
            go_on.wait(30)

    monkeypatch.setattr(first_run, "TrainingBar", Pause)
    run.start()
    assert reported.wait(60)
    assert run.learning and not run.progress.done
    assert len(run.reader.read(sketch(7)).digits) == 1
    go_on.set()
    finish(run)


def test_stopping_ends_the_training_and_leaves_nothing(run):
    run.start()
    run.stop()
    assert not run._thread.is_alive()
    assert not run.checkpoint.exists()


def test_a_folder_that_cannot_be_written_gives_way_to_the_cache(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    source = FirstRun(tmp_path / "file" / "digits.safetensors")
    source.start()
    finish(source)
    assert source.failure == "" and isinstance(source.reader, Reader)
    assert "is used instead" in capsys.readouterr().err


def test_a_training_that_cannot_start_is_told_to_the_visitor(run, monkeypatch):
    def missing():
        raise train.DataError("MNIST is not to be had. Put it there.")

    monkeypatch.setattr(train, "load_mnist", missing)
    run.start()
    finish(run)
    assert "Put it there" in run.failure
    assert run.reader.read(None).note.startswith("error: ")
