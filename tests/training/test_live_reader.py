"""The page has a reader at once, with or without a checkpoint, and a better one after training."""

import threading

import pytest
from conftest import TINY, finish, sketch

from inkling.recognition.checkpoint import load_checkpoint
from inkling.recognition.reader import Reader
from inkling.terminal import UserError
from inkling.training import build_checkpoint, live_reader, recipes
from inkling.training.live_reader import LiveReader
from inkling.training.training_set import TrainingSet


@pytest.fixture(autouse=True)
def small(monkeypatch, small_mnist):
    monkeypatch.setattr(build_checkpoint, "load_mnist", lambda: small_mnist)
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


def test_with_a_checkpoint_or_without_epochs_nothing_is_trained(ready):
    assert isinstance(ready.reader, Reader) and not ready.is_training and ready.progress is None
    for epochs in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="epochs"):
            ready.train_again(seed=1, epochs=epochs)
    assert not ready.is_training


@pytest.fixture
def paused(monkeypatch):
    """Pause trainings after each report; return an event for the report and one to continue."""
    reported, go_on = threading.Event(), threading.Event()

    class Pause(build_checkpoint.TrainingBar):
        def __call__(self, progress):
            if progress:
                reported.set()
                go_on.wait(30)

    monkeypatch.setattr(build_checkpoint, "TrainingBar", Pause)
    yield reported, go_on
    go_on.set()


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


def test_without_a_writable_folder_the_cache_is_used(ready, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    ready.checkpoint = tmp_path / "file" / "digits.safetensors"
    first = LiveReader(ready.checkpoint)
    for source, start in ((first, first.start), (ready, lambda: ready.train_again(3, epochs=0.05))):
        start()
        finish(source)
        assert source.failure == "" and isinstance(source.reader, Reader)
        assert "is used instead" in capsys.readouterr().err
    assert ready.reader.description["seed"] == 3


def test_a_training_that_cannot_start_gives_the_reason(run, monkeypatch):
    def missing():
        raise UserError("MNIST is not to be had. Put it there.")

    monkeypatch.setattr(build_checkpoint, "load_mnist", missing)
    run.start()
    finish(run)
    assert "Put it there" in run.failure
    assert run.reader.read(None).error == run.failure


def test_a_retraining_reads_meanwhile_and_then_from_its_own_file(ready, paused, trained):
    reported, go_on = paused
    former = ready.reader
    ready.train_again(seed=3, epochs=0.5)
    assert reported.wait(60)
    assert ready.is_training and ready.is_retraining and ready.progress.step < ready.progress.steps
    assert ready.reader is not former
    assert len(ready.reader.read(sketch(7)).digits) == 1
    go_on.set()
    finish(ready)
    path = ready.checkpoint.with_name(live_reader.RETRAINED_NAME)
    description = load_checkpoint(path).description
    assert description["seed"] == 3 and description["recipe"]["epochs"] == 0.5
    assert ready.reader.description == description and ready.reader.gallery is not None
    assert (
        ready.progress.step == ready.progress.steps
        and ready.failure == ""
        and not ready.is_retraining
    )
    assert ready.checkpoint.read_bytes() == trained  # unchanged


def test_two_retrainings_keep_both_checkpoints(ready):
    for seed in (1, 2):
        ready.train_again(seed, epochs=0.05)
        finish(ready)
        assert ready.reader.description["seed"] == seed
    kept = ready.checkpoint.parent.glob(f"{live_reader.RETRAINED_NAME}*")
    assert len([path for path in kept if path.suffix != ".lock"]) == 2


def test_one_training_runs_at_a_time_and_none_after_a_stop(ready, paused):
    ready.train_again(seed=3, epochs=20)
    assert paused[0].wait(60)
    thread = ready._thread
    with pytest.raises(ValueError, match="already running"):
        ready.train_again(seed=2, epochs=0.5)
    assert ready._thread is thread and ready.is_training
    paused[1].set()
    ready.stop()
    finish(ready)
    with pytest.raises(ValueError):
        ready.train_again(seed=3, epochs=20)


def test_cancelling_restores_the_former_reader(ready, paused):
    reported, go_on = paused
    former = ready.reader
    ready.train_again(seed=3, epochs=20)
    assert reported.wait(60)
    assert ready.reader is not former
    go_on.set()
    ready.cancel()
    finish(ready)
    assert not ready.is_retraining
    assert ready.reader is former and ready.progress is None and ready.failure == ""
    assert list(ready.checkpoint.parent.glob(f"{live_reader.RETRAINED_NAME}*")) == []
    ready.train_again(seed=3, epochs=0.05)  # another one can start
    finish(ready)
    assert ready.reader is not former


def test_a_retraining_can_be_cancelled_while_its_set_is_made(ready, monkeypatch):
    begun, gather = threading.Event(), TrainingSet.make

    def make(*given):
        begun.set()
        ready._cancelled.wait(60)
        return gather(*given)

    monkeypatch.setattr(TrainingSet, "make", make)
    former = ready.reader
    ready.train_again(seed=3, epochs=20)
    assert begun.wait(60)
    ready.cancel()
    finish(ready)
    assert ready.reader is former and ready.progress is None


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
    for start in (lambda: ready.train_again(1, 1), lambda: ready.train_beside(train)):
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
    ready.train_again(seed=3, epochs=0.05)
    finish(ready)
