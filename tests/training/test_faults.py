"""Trainings are killed, stopped, and run out of room, and lose nothing."""

import multiprocessing
import os
import random
import sys
import time
from dataclasses import replace

import pytest
import torch
from conftest import TINY, names, sketch

import train as train_command
from inkling.datasets.mnist import Digits, Mnist
from inkling.evaluation import metrics
from inkling.recognition.checkpoint import load_checkpoint, save_checkpoint, write_whole
from inkling.recognition.reader import Reader
from inkling.training import build_checkpoint, live_reader, recipes
from inkling.training.build_checkpoint import ensure_checkpoint, make_checkpoint
from inkling.training.live_reader import RETRAINED_NAME, LiveReader
from model import DigitCNN

KILLS = int(os.environ.get("INKLING_KILLS", "4"))
HASTY = replace(TINY, name="hasty", epochs=0.05, drawn=20, outliers=20, again=20)


@pytest.fixture(scope="session")
def tiny_mnist(small_mnist):
    """Return 400 digits to learn from, 100 held out and 400 to test."""
    sizes = (400, 100, 400)
    parts = zip(small_mnist, sizes, strict=True)
    return Mnist(*(Digits(d.ink[:n], d.labels[:n]) for d, n in parts))


def prepare(mnist):
    """Let this process train for a second only, as it may be killed."""
    torch.set_num_threads(1)
    build_checkpoint.load_mnist = lambda: mnist
    metrics.strangers = lambda _: {}
    build_checkpoint.tqdm.write = lambda *_: None


def learn_again_and_again(path, mnist, saving):
    """Run in a process of its own, until it is killed: replace the checkpoint."""
    prepare(mnist)
    flush = os.fsync

    def tell(descriptor):
        saving.set()
        flush(descriptor)

    os.fsync = tell
    for seed in range(1_000):
        make_checkpoint(path, HASTY, seed, lambda _: None)


def learn_first(path, mnist, learned):
    """Run in a process of its own: get a reader as the page does, and tell whether it learned."""
    prepare(mnist)
    recipes.QUICK = HASTY
    source = LiveReader(path)
    source.start()
    if source._thread:
        source._thread.join()
    weights = torch.cat([t.flatten() for t in source.reader.model.state_dict().values()])
    learned.put((source.progress is not None, weights.sum().item()))


@pytest.fixture(scope="module")
def processes():
    """Return what starts processes at once: copies of one that has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["test_faults"])
    return context


def test_killed_at_any_moment_it_leaves_a_checkpoint_that_loads(processes, folder, tiny_mnist):
    path, moment = folder / "digits.safetensors", random.Random(0)
    save_checkpoint(DigitCNN(HASTY.widths), path, {"seed": 7})
    before = path.read_bytes()
    replaced = 0
    for k in range(KILLS):
        saving = processes.Event()
        writer = processes.Process(target=learn_again_and_again, args=(path, tiny_mnist, saving))
        writer.start()
        if k % 2:
            assert saving.wait(60)
        time.sleep(moment.uniform(0, 0.02 if k % 2 else 2))  # where the kill falls
        writer.kill()
        writer.join()
        load_checkpoint(path)
        source = LiveReader(path)
        source.start()
        assert isinstance(source.reader, Reader) and not source.is_training
        assert [name for name in names(folder) if name.endswith(".tmp")] == []
        replaced += path.read_bytes() != before
    assert replaced


def test_what_is_being_written_is_not_swept(folder, monkeypatch):
    path, swept = folder / "digits.safetensors", []
    (folder / "digits.safetensors0.tmp").write_bytes(b"of a writer that was killed")
    flush = os.fsync

    def meanwhile(descriptor):
        LiveReader(path).reader  # noqa: B018
        live_reader.remove_orphans(path)
        swept.append(names(folder))
        flush(descriptor)

    monkeypatch.setattr("os.fsync", meanwhile)
    write_whole(path, b"content")
    assert len(swept[0]) == 1 and names(folder) == [path.name] and path.read_bytes() == b"content"


@pytest.fixture
def path(folder, tiny_mnist, monkeypatch):
    """Return where a checkpoint may be made, of few digits."""
    monkeypatch.setattr(build_checkpoint, "load_mnist", lambda: tiny_mnist)
    monkeypatch.setattr(
        metrics, "strangers", lambda _: {}
    )  # half of the time, and not looked at here
    return folder / "digits.safetensors"


def stop(_):
    """Stand for Ctrl-C at a training's first report."""
    raise KeyboardInterrupt


def test_a_checkpoint_is_trained_only_when_there_is_none_and_what_was_left_is_swept(path):
    reports = []
    path.with_name(f"{path.name}0abc.tmp").write_bytes(b"of a writer that was killed")
    ensure_checkpoint(path, HASTY, on_progress=lambda report: report and reports.append(report))
    content = path.read_bytes()
    assert reports[-1].done and names(path.parent) == [path.name]
    ensure_checkpoint(path, HASTY, on_progress=pytest.fail)
    assert path.read_bytes() == content


def test_a_training_that_is_stopped_leaves_nothing(path):
    with pytest.raises(KeyboardInterrupt):
        ensure_checkpoint(path, HASTY, on_progress=stop)
    assert names(path.parent) == []


def test_training_again_keeps_the_old_checkpoint_until_and_after_the_new_one(path):
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        make_checkpoint(path, HASTY, 0, stop)
    assert path.read_bytes() == b"old"
    make_checkpoint(path, HASTY, 0, lambda _: None)
    load_checkpoint(path)
    (aside,) = path.parent.glob("digits.safetensors.set-aside-*")
    assert aside.read_bytes() == b"old"


def test_of_three_first_runs_one_learns_and_if_it_is_killed_another(processes, folder, tiny_mnist):
    path, learned = folder / "digits.safetensors", processes.Queue()
    arguments = (path, tiny_mnist, learned)
    runs = [processes.Process(target=learn_first, args=arguments) for _ in range(3)]
    runs[0].start()
    while not path.with_name(path.name + ".lock").exists():
        assert runs[0].is_alive()
    for run in runs[1:]:
        run.start()
    runs[0].kill()
    told = [learned.get(timeout=60) for _ in runs[1:]]
    for run in runs:
        run.join()
    assert sum(learned for learned, _ in told) == 1 and len({weights for _, weights in told}) == 1


@pytest.fixture
def ready(path, monkeypatch):
    """Return a source with a reader, which would learn for a second only."""
    monkeypatch.setattr(recipes, "QUICK", HASTY)
    source = LiveReader(path)
    make_checkpoint(path, HASTY, 0, lambda _: None)
    source.start()
    yield source
    source.stop()
    source.wait()


def full(*_):
    """Stand for a write to a disk that is full."""
    raise OSError(28, "No space left on device")


def finish(source):
    """Wait until the training has ended."""
    source._thread.join(60)
    assert not source.is_training


def test_on_a_full_disk_nothing_is_lost_and_it_says_what_to_do(ready, capsys, monkeypatch):
    content, former = ready.checkpoint.read_bytes(), ready.reader
    before = names(ready.checkpoint.parent)
    monkeypatch.setattr("os.fsync", full)
    ready.train_again(seed=1, epochs=HASTY.epochs)
    finish(ready)
    with pytest.raises(OSError, match="No space"):
        make_checkpoint(ready.checkpoint, HASTY, 1, lambda _: None)
    assert names(ready.checkpoint.parent) == before and ready.checkpoint.read_bytes() == content
    assert ready.reader is former and len(ready.reader.read(sketch(7)).digits) == 1
    assert "No space left" in ready.failure and "Make room" in ready.failure
    (said,) = [line for line in capsys.readouterr().err.splitlines() if "No space" in line]
    assert said == ready.failure


def test_a_first_run_on_a_full_disk_reads_with_what_it_has_learned(folder, ready, monkeypatch):
    monkeypatch.setattr("os.fsync", full)
    source = LiveReader(folder / "none.safetensors")
    source.start()
    finish(source)
    assert isinstance(source.reader, Reader) and "Make room" in source.failure
    assert [name for name in names(folder) if name.startswith("none")] == []


def test_a_clock_that_jumps_disturbs_no_training(ready, monkeypatch):
    clock = random.Random(0)
    monkeypatch.setattr("time.time", lambda: clock.uniform(-1e9, 4e9))
    ready.train_again(seed=1, epochs=HASTY.epochs)
    finish(ready)
    assert ready.failure == "" and ready.reader.description["seed"] == 1
    assert ready.checkpoint.with_name(RETRAINED_NAME).exists()


def test_a_place_that_cannot_be_written_is_named_before_the_training(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "digits.safetensors"
    monkeypatch.setattr(sys, "argv", ["train.py", "--checkpoint", str(path)])
    monkeypatch.setattr(train_command, "make_checkpoint", lambda *_: pytest.fail("it was trained"))
    with pytest.raises(SystemExit, match=str(path)):
        train_command.main()
