"""The page has a reader at once, with or without a checkpoint, and a better one after training."""

import threading

import pytest
from conftest import TINY, finish, names, sketch

from inkling.recognition.checkpoint import CheckpointError, load_checkpoint
from inkling.recognition.reader import Reader
from inkling.terminal import UserError
from inkling.training import build_checkpoint, lab, live_reader, recipes
from inkling.training.lab import Lane, parse_run
from inkling.training.live_reader import LiveReader
from inkling.training.training_set import TrainingSet


@pytest.fixture(autouse=True)
def small(monkeypatch, small_mnist):
    for module in (build_checkpoint, lab):
        monkeypatch.setattr(module, "load_mnist", lambda: small_mnist)
    monkeypatch.setattr(recipes, "QUICK", TINY)


@pytest.fixture(scope="session")
def trained(tmp_path_factory, small_mnist):
    """Return the bytes of a checkpoint."""
    path = tmp_path_factory.mktemp("trained") / "digits.safetensors"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build_checkpoint, "load_mnist", lambda: small_mnist)
        build_checkpoint.make_checkpoint(path, TINY, 0, lambda _: None)
    return path.read_bytes()


@pytest.fixture
def ready(run, trained):
    """Return a source that has loaded a checkpoint."""
    run.checkpoint.write_bytes(trained)
    run.start()
    return run


@pytest.fixture
def run(tmp_path):
    source = LiveReader(tmp_path / "digits.safetensors")
    yield source
    source.stop()
    source.wait()


def test_without_a_checkpoint_it_trains_then_loads_the_file(run):
    assert run.reader.read(None).note.startswith("The network has just begun")
    run.start()
    finish(run)
    assert run.progress.step == run.progress.steps and run.failure == ""
    description = load_checkpoint(run.checkpoint).description
    assert run.reader.gallery is not None
    assert run.reader.description == description  # from the file


def test_with_a_checkpoint_nothing_is_trained(ready):
    assert isinstance(ready.reader, Reader) and not ready.is_training and ready.run is None


@pytest.fixture
def paused(monkeypatch):
    """Pause trainings after each report; return an event for the report and one to continue."""
    reported, go_on = threading.Event(), threading.Event()
    add = Lane.add

    def pause(self, progress):
        add(self, progress)
        reported.set()
        go_on.wait(30)

    monkeypatch.setattr(Lane, "add", pause)
    yield reported, go_on
    go_on.set()


def make_run(*lanes, seed=3, epochs=0.5):
    """Return a run of lanes (data, size), by default one of all data and of the smallest size."""
    choices = [{"data": data, "size": size} for data, size in lanes or [("all", 700)]]
    return parse_run({"lanes": choices, "epochs": epochs, "seed": seed}, None)


def test_a_first_training_reads_meanwhile_and_cannot_be_cancelled(run, paused):
    reported, go_on = paused
    run.start()
    assert reported.wait(60)
    run.cancel()
    assert run.is_training and run.progress.step < run.progress.steps
    assert len(run.reader.read(sketch(7)).digits) == 1
    go_on.set()
    finish(run)
    assert run.checkpoint.exists()


def test_stopping_ends_the_training_and_leaves_no_file(run):
    run.start()
    run.stop()
    finish(run)
    assert not run.checkpoint.exists()


def test_without_a_writable_folder_the_cache_is_used(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    source = LiveReader(tmp_path / "file" / "digits.safetensors")
    source.start()
    finish(source)
    assert source.failure == "" and isinstance(source.reader, Reader)
    assert "is used instead" in capsys.readouterr().err


def test_a_training_that_cannot_start_gives_the_reason(run, monkeypatch):
    def missing():
        raise UserError("MNIST is not to be had. Put it there.")

    monkeypatch.setattr(build_checkpoint, "load_mnist", missing)
    run.start()
    finish(run)
    assert "Put it there" in run.failure
    assert run.reader.read(None).error == run.failure


def test_a_run_leaves_the_page_s_reader_and_its_reports_can_be_read_with(ready, paused, trained):
    reported, go_on = paused
    former, run = ready.reader, make_run()
    ready.train(run)
    assert reported.wait(60)
    assert ready.is_training_beside and ready.is_retraining and ready.reader is former
    first = ready.find_reader(f"{run.name}-0-0")
    assert first is not former and len(first.read(sketch(7)).digits) == 1
    assert first.title.endswith("at step 1 of 44")
    go_on.set()
    finish(ready)
    (lane,) = run.lanes
    last = ready.find_reader(f"{run.name}-0-{len(lane.reports) - 1}")
    assert last.description["seed"] == 3 and last.description["recipe"]["epochs"] == 0.5
    assert last.gallery is not None and last.description["weights"] < 1_000
    for key in ("", "x", f"{run.name}-0-99", f"{run.name}-1-0", "other-0-0", f"{run.name}-0-0-0"):
        assert ready.find_reader(key) is former
    assert ready.reader is former and ready.failure == "" and not ready.is_retraining
    assert ready.checkpoint.read_bytes() == trained  # unchanged
    assert names(ready.checkpoint.parent) == ["digits.safetensors"]  # no other file


def test_one_training_runs_at_a_time_and_none_after_a_stop(ready, paused):
    ready.train(make_run(epochs=20))
    assert paused[0].wait(60)
    thread = ready._thread
    with pytest.raises(ValueError, match="already running"):
        ready.train(make_run())
    assert ready._thread is thread and ready.is_retraining
    paused[1].set()
    ready.stop()
    finish(ready)
    with pytest.raises(ValueError):
        ready.train(make_run())


def test_a_cancelled_run_keeps_its_reports(ready, paused):
    reported, go_on = paused
    former, run = ready.reader, make_run(epochs=20)
    ready.train(run)
    assert reported.wait(60)
    go_on.set()
    ready.cancel()
    finish(ready)
    assert ready.reader is former and ready.run is run and ready.failure == ""
    assert run.lanes[0].result is None and 0 < run.lanes[0].share < 1
    assert ready.find_reader(f"{run.name}-0-0") is not former
    ready.train(make_run(epochs=0.05))  # another one can start
    finish(ready)
    assert ready.run is not run and ready.run.lanes[0].result


def test_a_run_can_be_cancelled_while_its_set_is_made(ready, monkeypatch):
    begun, gather = threading.Event(), TrainingSet.make

    def make(*given):
        begun.set()
        ready._cancelled.wait(60)
        return gather(*given)

    monkeypatch.setattr(TrainingSet, "make", make)
    ready.train(make_run(epochs=20))
    assert begun.wait(60)
    ready.cancel()
    finish(ready)
    assert len(ready.run.lanes[0].reports) == 0


def test_opened_files_are_checked_and_only_the_latest_are_kept(ready, tmp_path, trained):
    keys = [ready.open(ready.checkpoint, f"file {k}") for k in range(live_reader.MAX_OPENED + 1)]
    assert ready.find_reader(keys[0]) is ready.reader
    assert ready.find_reader(keys[-1]).title == f"the file file {live_reader.MAX_OPENED}"
    damaged = tmp_path / "damaged"
    damaged.write_bytes(trained[:-1])
    with pytest.raises(CheckpointError):
        ready.open(damaged, "damaged")


def test_a_training_beside_the_reader_leaves_it_and_writes_no_file(ready, tmp_path):
    former, files, reports = ready.reader, set(tmp_path.iterdir()), []
    ready.train_beside(lambda on_progress: reports.append(on_progress(None)))
    ready._thread.join(60)
    assert reports == [None] and not ready.is_training_beside
    assert ready.reader is former and ready.progress is None and not ready.is_training
    assert set(tmp_path.iterdir()) == files


def test_a_training_beside_the_reader_is_the_only_one_and_can_be_cancelled(ready):
    begun, ended = threading.Event(), []

    def train(on_progress):
        begun.set()
        ready._cancelled.wait(60)
        on_progress(None)
        ended.append("went on")

    ready.train_beside(train)
    assert begun.wait(60) and ready.is_training_beside
    for start in (lambda: ready.train(make_run()), lambda: ready.train_beside(train)):
        with pytest.raises(ValueError, match="already running"):
            start()
    ready.cancel()
    ready._thread.join(60)
    assert ended == [] and not ready.is_training_beside
    ready.train_beside(lambda _: ended.append("another"))
    ready._thread.join(60)
    assert ended == ["another"]
    ready.stop()
    with pytest.raises(ValueError):
        ready.train_beside(train)


def test_a_failed_training_beside_the_reader_does_not_block_the_next(ready, monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda _: None)

    def fail(_):
        raise KeyError

    ready.train_beside(fail)
    ready._thread.join(60)
    assert not ready.is_training_beside
    ready.train(make_run(epochs=0.05))
    finish(ready)
