"""A training that is killed or stopped, or finds a full disk, loses nothing."""

import multiprocessing
import os
import random
import sys
import time
from dataclasses import replace

import pytest
import torch
from conftest import TINY, finish, names, sketch

import train as train_command
from inkling.datasets.mnist import Digits, Mnist
from inkling.evaluation import metrics
from inkling.recognition.checkpoint import load_checkpoint, save_checkpoint, write_atomically
from inkling.recognition.reader import Reader
from inkling.training import build_checkpoint, live_reader, recipes
from inkling.training.build_checkpoint import ensure_checkpoint, make_checkpoint
from inkling.training.live_reader import LiveReader
from model import DigitCNN

KILLS = int(os.environ.get("INKLING_KILLS", "4"))
HASTY = replace(TINY, name="hasty", epochs=0.05, drawn=20, outliers=20, again=20)


@pytest.fixture(scope="session")
def tiny_mnist(small_mnist):
    """Return 400 digits to train on, 100 held out and 400 for tests."""
    parts = zip(small_mnist, (400, 100, 400), strict=True)
    return Mnist(*(Digits(d.ink[:n], d.labels[:n]) for d, n in parts))


def prepare(mnist):
    """Shorten trainings in this process to a second."""
    torch.set_num_threads(1)
    build_checkpoint.load_mnist = lambda: mnist
    metrics.score_held_out_writers = lambda _: {}
    build_checkpoint.tqdm.write = lambda *_: None


def replace_repeatedly(path, mnist, saving):
    """Replace the checkpoint until this process is killed."""
    prepare(mnist)
    flush = os.fsync

    def signal_and_flush(descriptor):
        saving.set()
        flush(descriptor)

    os.fsync = signal_and_flush
    for seed in range(1_000):
        make_checkpoint(path, HASTY, seed, lambda _: None)


def start_reader(path, mnist, results):
    """Get a reader as the page does; put whether it was trained here, and its weights."""
    prepare(mnist)
    recipes.QUICK = HASTY
    source = LiveReader(path)
    source.start()
    if source._thread:
        source._thread.join()
    weights = torch.cat([t.flatten() for t in source.reader.model.state_dict().values()])
    results.put((source.progress is not None, weights.sum().item()))


@pytest.fixture(scope="module")
def processes():
    """Return a context that forks processes from one that has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["test_faults"])
    return context


def test_a_training_killed_at_any_moment_leaves_a_valid_checkpoint(processes, folder, tiny_mnist):
    path, moment = folder / "digits.safetensors", random.Random(0)
    save_checkpoint(DigitCNN(HASTY.widths), path, {"seed": 7})
    before = path.read_bytes()
    replaced = 0
    for k in range(KILLS):
        saving = processes.Event()
        writer = processes.Process(target=replace_repeatedly, args=(path, tiny_mnist, saving))
        writer.start()
        if k % 2:
            assert saving.wait(60)
        time.sleep(moment.uniform(0, 0.02 if k % 2 else 2))  # moment of the kill
        writer.kill()
        writer.join()
        load_checkpoint(path)
        source = LiveReader(path)
        source.start()
        assert isinstance(source.reader, Reader) and not source.is_training
        assert [name for name in names(folder) if name.endswith(".tmp")] == []
        replaced += path.read_bytes() != before
    assert replaced


def test_a_file_that_is_being_written_is_not_removed(folder, monkeypatch):
    path, swept = folder / "digits.safetensors", []
    (folder / "digits.safetensors.tmp").write_bytes(b"of a writer that was killed")
    flush = os.fsync

    def meanwhile(descriptor):
        LiveReader(path).reader  # noqa: B018
        live_reader.remove_orphan(path)
        swept.append(names(folder))
        flush(descriptor)

    monkeypatch.setattr("os.fsync", meanwhile)
    write_atomically(path, b"content")
    assert len(swept[0]) == 1 and names(folder) == [path.name] and path.read_bytes() == b"content"


@pytest.fixture
def path(folder, tiny_mnist, monkeypatch):
    """Return the path of a checkpoint to train on few digits."""
    monkeypatch.setattr(build_checkpoint, "load_mnist", lambda: tiny_mnist)
    monkeypatch.setattr(metrics, "score_held_out_writers", lambda _: {})  # half of the time
    return folder / "digits.safetensors"


def stop(_):
    """Raise what Ctrl-C raises, at a training's first report."""
    raise KeyboardInterrupt


def test_a_checkpoint_is_trained_only_if_there_is_none_and_orphans_are_removed(path):
    reports = []
    path.with_name(f"{path.name}.tmp").write_bytes(b"of a writer that was killed")
    ensure_checkpoint(path, HASTY, on_progress=lambda report: report and reports.append(report))
    content = path.read_bytes()
    assert reports[-1].step == reports[-1].steps and names(path.parent) == [path.name]
    ensure_checkpoint(path, HASTY, on_progress=pytest.fail)
    assert path.read_bytes() == content


def test_a_stopped_training_leaves_nothing(path):
    with pytest.raises(KeyboardInterrupt):
        ensure_checkpoint(path, HASTY, on_progress=stop)
    assert names(path.parent) == []


def test_retraining_keeps_the_old_checkpoint_until_and_after_the_new_one(path):
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        make_checkpoint(path, HASTY, 0, stop)
    assert path.read_bytes() == b"old"
    make_checkpoint(path, HASTY, 0, lambda _: None)
    load_checkpoint(path)
    (backup,) = path.parent.glob("digits.safetensors.set-aside-*")
    assert backup.read_bytes() == b"old"


def test_of_three_first_runs_one_trains_and_if_it_is_killed_another(processes, folder, tiny_mnist):
    path, results = folder / "digits.safetensors", processes.Queue()
    arguments = (path, tiny_mnist, results)
    runs = [processes.Process(target=start_reader, args=arguments) for _ in range(3)]
    runs[0].start()
    while not path.with_name(path.name + ".lock").exists():
        assert runs[0].is_alive()
    for run in runs[1:]:
        run.start()
    runs[0].kill()
    trained, weights = zip(*(results.get(timeout=60) for _ in runs[1:]), strict=True)
    for run in runs:
        run.join()
    assert sum(trained) == 1 and len(set(weights)) == 1


@pytest.fixture
def ready(path, monkeypatch):
    """Return a live reader with a checkpoint, whose trainings take a second."""
    monkeypatch.setattr(recipes, "QUICK", HASTY)
    source = LiveReader(path)
    make_checkpoint(path, HASTY, 0, lambda _: None)
    source.start()
    yield source
    source.stop()
    source.wait()


def full(*_):
    """Raise the error of a full disk."""
    raise OSError(28, "No space left on device")


def test_on_a_full_disk_nothing_is_lost(ready, monkeypatch):
    content = ready.checkpoint.read_bytes()
    before = names(ready.checkpoint.parent)
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        make_checkpoint(ready.checkpoint, HASTY, 1, lambda _: None)
    assert names(ready.checkpoint.parent) == before and ready.checkpoint.read_bytes() == content
    assert len(ready.reader.read(sketch(7)).digits) == 1


def test_a_first_run_on_a_full_disk_reads_with_the_trained_weights(
    folder, ready, capsys, monkeypatch
):
    monkeypatch.setattr("os.fsync", full)
    source = LiveReader(folder / "none.safetensors")
    source.start()
    finish(source)
    assert isinstance(source.reader, Reader) and "Make room" in source.failure
    errors = [line for line in capsys.readouterr().err.splitlines() if "No space" in line]
    assert errors == [source.failure]
    assert [name for name in names(folder) if name.startswith("none")] == []


def test_a_jumping_clock_disturbs_no_training(ready, monkeypatch):
    clock = random.Random(0)
    monkeypatch.setattr("time.time", lambda: clock.uniform(-1e9, 4e9))
    made = make_checkpoint(ready.checkpoint, HASTY, 1, lambda _: None)
    assert made["seed"] == 1 and Reader.load(ready.checkpoint).description == made


def test_an_unwritable_path_is_an_error_before_the_training(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "digits.safetensors"
    monkeypatch.setattr(sys, "argv", ["train.py", "--checkpoint", str(path)])
    monkeypatch.setattr(train_command, "make_checkpoint", lambda *_: pytest.fail("it was trained"))
    with pytest.raises(SystemExit, match=str(path)):
        train_command.main()
