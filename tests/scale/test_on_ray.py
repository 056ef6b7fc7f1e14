"""Readers on a Ray cluster read as local ones, and a replica that dies loses no result."""

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import ROOT, pad_payload, run_python, sketch
from PIL import Image

from inkling.explanation.ablation import Ablation
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
def remote(shipped):
    """Return a reader with two replicas in a cluster of its own."""
    from inkling.scale import serving

    os.environ.pop("RAY_ADDRESS", None)
    ray.init(
        num_cpus=6,  # more than there are: each application needs its own
        include_dashboard=False,
        log_to_driver=False,
        runtime_env={"env_vars": {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}:{ROOT / 'tests/scale'}"}},
    )
    yield serving.RemoteReader(shipped, serving.deploy("tested", CHECKPOINT.read_bytes(), 2))
    ray.serve.shutdown()
    ray.shutdown()


def test_readings_and_explanations_are_equal(shipped, remote):
    sketch = Sketch.from_json(pad_payload(4))
    here, there = Session(), Session()
    for session in (here, there):
        session.configure(frozenset(), Ablation(frozenset({(0, 7)}), 50))
    one = here.read_latest(SessionState.read_sketch, sketch, shipped)
    other = there.read_latest(SessionState.read_sketch, sketch, remote)
    assert here.state.network_reading.as_dict() == there.state.network_reading.as_dict()
    assert one.reading.text == other.reading.text == "4"
    names = [[part.words for part in each.evidence.parts] for each in (one, other)]
    assert names[0] == names[1]
    assert (one.evidence.map == other.evidence.map).all()


def test_a_picture_is_opened_locally_and_read_in_a_replica(shipped, remote, folder, seven):
    assert remote.read_file(seven).text == "7"
    errors = [one.read_file(folder / "none.png").error for one in (shipped, remote)]
    assert errors[0] == errors[1] != ""
    glyphs = shipped.read(sketch(7)).glyphs
    assert remote.read_glyphs(glyphs).text == "7"


def test_an_error_in_a_replica_is_raised_locally(remote):
    with pytest.raises(ValueError, match="as it should"):
        remote.call(fail)


def test_a_replica_that_dies_loses_no_result(remote):
    sketch = Sketch.from_json(pad_payload(7))

    def read(_):
        return Session().read_latest(SessionState.read_sketch, sketch, remote).reading.text

    with ThreadPoolExecutor(4) as threads:
        texts = threads.map(read, range(60))
        os.kill(remote.call(get_process), signal.SIGKILL)
    assert [*texts] == ["7"] * 60


def test_pages_with_the_same_checkpoint_share_replicas(remote):
    from inkling.scale import serving

    for _ in range(2):
        serving.load(CHECKPOINT)
    (name,) = set(ray.serve.status().applications) - {"tested"}
    assert name.startswith("inkling-")


def test_without_a_replica_a_call_raises(shipped, remote, monkeypatch):
    from inkling.scale import serving

    lost = serving.RemoteReader(shipped, serving.deploy("lost", CHECKPOINT.read_bytes(), 1))
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
    plain, on_ray = (
        run_python("predict.py", "--json", folder, *more) for more in ([], ["--on", "ray", *order])
    )
    assert plain.returncode == on_ray.returncode == 1
    expected, lines = (list(map(json.loads, run.stdout.splitlines())) for run in (plain, on_ray))
    assert len(expected) == 11 and expected == sorted(lines, key=lambda line: line["file"])
    assert order or expected == lines
