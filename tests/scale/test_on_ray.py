"""Readers on a Ray cluster read as local ones, and a replica that dies loses no result."""

import json
import os
import signal
import subprocess
import sys
import threading

import pytest
from conftest import ROOT, pad_payload, sketch
from PIL import Image

from inkling.imaging.sketch import Sketch
from inkling.recognition.checkpoint import CHECKPOINT
from inkling.recognition.reader import Reader, ReaderUnavailable
from inkling.ui.session import Session, SessionState

ray = pytest.importorskip("ray", reason="optional: deploy/requirements-ray.txt")
pytestmark = pytest.mark.filterwarnings("ignore")  # of Ray


def get_process(_: Reader) -> int:
    return os.getpid()


def fail(_: Reader) -> None:
    raise ValueError("as it should")


@pytest.fixture(scope="module")
def local():
    return Reader.load()


@pytest.fixture(scope="module")
def remote(local):
    """Return a reader with two replicas in a cluster of its own."""
    from inkling.scale import serving

    os.environ.pop("RAY_ADDRESS", None)
    ray.init(
        num_cpus=6,  # more than there are: each application needs its own
        include_dashboard=False,
        log_to_driver=False,
        runtime_env={"env_vars": {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}:{ROOT / 'tests/scale'}"}},
    )
    yield serving.RemoteReader(local, serving.deploy("tested", CHECKPOINT.read_bytes(), 2))
    ray.serve.shutdown()
    ray.shutdown()


def test_readings_and_explanations_are_equal(local, remote):
    sketch = Sketch.from_json(pad_payload(4))
    here, there = Session(), Session()
    one = here.read_latest(SessionState.read_sketch, sketch, local)
    other = there.read_latest(SessionState.read_sketch, sketch, remote)
    assert here.state.network_reading.as_dict() == there.state.network_reading.as_dict()
    assert one.reading.text == other.reading.text == "4"
    assert one.why.rationale == other.why.rationale and (one.why.map == other.why.map).all()


def test_a_picture_is_opened_locally_and_read_in_a_replica(local, remote, folder):
    Image.fromarray(sketch(7)).save(folder / "7.png")
    assert remote.read_file(folder / "7.png").text == "7"
    assert remote.read_file(folder / "none.png").error == local.read_file(folder / "none.png").error
    glyphs = local.read(sketch(7)).glyphs
    assert remote.read_glyphs(glyphs).text == "7"


def test_an_error_in_a_replica_is_raised_locally(remote):
    with pytest.raises(ValueError, match="as it should"):
        remote.call(fail)


def test_a_replica_that_dies_loses_no_result(remote):
    sketch, texts = Sketch.from_json(pad_payload(7)), []

    def read():
        for _ in range(15):
            found = Session().read_latest(SessionState.read_sketch, sketch, remote)
            texts.append(found.reading.text)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    os.kill(remote.call(get_process), signal.SIGKILL)
    for thread in threads:
        thread.join()
    assert texts == ["7"] * 60


def test_pages_with_the_same_checkpoint_share_replicas(remote):
    from inkling.scale import serving

    for _ in range(2):
        serving.load(CHECKPOINT)
    (name,) = set(ray.serve.status().applications) - {"tested"}
    assert name.startswith("inkling-")


def test_without_a_replica_a_call_raises(local, remote, monkeypatch):
    from inkling.scale import serving

    lost = serving.RemoteReader(local, serving.deploy("lost", CHECKPOINT.read_bytes(), 1))
    assert lost.call(get_process)
    ray.serve.delete("lost")
    monkeypatch.setattr(serving, "REPLICA_TIMEOUT_S", 3.0)
    with pytest.raises(ReaderUnavailable):
        lost.call(get_process)


@pytest.mark.parametrize("order", [[], ["--unordered"]])
def test_files_are_read_as_without_ray(folder, order):
    for digit in range(10):
        Image.fromarray(sketch(digit)).save(folder / f"{digit}.png")
    (folder / "x.png").write_text("no picture")
    command = [sys.executable, "predict.py", "--json", folder]
    plain, on_ray = (
        subprocess.run([*command, *more], cwd=ROOT, capture_output=True, text=True)
        for more in ([], ["--on", "ray", *order])
    )
    assert plain.returncode == on_ray.returncode == 1
    expected, lines = (list(map(json.loads, run.stdout.splitlines())) for run in (plain, on_ray))
    assert len(expected) == 11 and expected == sorted(lines, key=lambda line: line["file"])
    assert order or expected == lines
