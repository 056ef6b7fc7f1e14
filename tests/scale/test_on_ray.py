"""Readers on a Ray cluster answer as those at hand do, and one that dies takes no answer along."""

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
from inkling.recognition.reader import Reader, Unreachable
from inkling.ui.session import Session, SessionState

ray = pytest.importorskip("ray", reason="an extra: deploy/requirements-ray.txt")
pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own


def own_process(_: Reader) -> int:
    return os.getpid()


def fail(_: Reader) -> None:
    raise ValueError("as it should")


@pytest.fixture(scope="module")
def near():
    return Reader.load()


@pytest.fixture(scope="module")
def far(near):
    """Return a reader with two replicas in a cluster of its own."""
    from inkling.scale import serving

    os.environ.pop("RAY_ADDRESS", None)
    ray.init(
        num_cpus=6,  # more than there are: each of the applications asks for its own
        include_dashboard=False,
        log_to_driver=False,
        runtime_env={"env_vars": {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}:{ROOT / 'tests/scale'}"}},
    )
    yield serving.RemoteReader(near, serving.deploy("tested", CHECKPOINT.read_bytes(), 2))
    ray.serve.shutdown()
    ray.shutdown()


def test_the_answer_and_its_reasons_are_the_same(near, far):
    sketch = Sketch.from_json(pad_payload(4))
    here, there = Session(), Session()
    one = here.read_latest(SessionState.read_sketch, sketch, near)
    other = there.read_latest(SessionState.read_sketch, sketch, far)
    assert here.state.network_reading.as_dict() == there.state.network_reading.as_dict()
    assert one.reading.text == other.reading.text == "4"
    assert one.why.because == other.why.because and (one.why.map == other.why.map).all()


def test_a_picture_is_opened_here_and_read_there(near, far, folder):
    Image.fromarray(sketch(7)).save(folder / "7.png")
    assert far.read_file(folder / "7.png").text == "7"
    assert far.read_file(folder / "none.png").error == near.read_file(folder / "none.png").error
    glyphs = near.read(sketch(7)).glyphs
    assert far.read_glyphs(glyphs).text == "7"


def test_what_goes_wrong_in_a_function_is_told_here(far):
    with pytest.raises(ValueError, match="as it should"):
        far.ask(fail)


def test_a_replica_that_dies_takes_no_answer_along(far):
    texts = []

    def ask():
        for _ in range(15):
            found = Session().read_latest(
                SessionState.read_sketch, Sketch.from_json(pad_payload(7)), far
            )
            texts.append(found.reading.text)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    os.kill(far.ask(own_process), signal.SIGKILL)
    for thread in threads:
        thread.join()
    assert texts == ["7"] * 60


def test_pages_with_the_same_checkpoint_share_replicas(far):
    from inkling.scale import serving

    serving.load(CHECKPOINT)
    serving.load(CHECKPOINT)
    assert [name for name in ray.serve.status().applications if name != "tested"] == [
        name for name in ray.serve.status().applications if name.startswith("inkling-")
    ][:1]


def test_with_no_reader_left_a_question_ends_in_words(near, far, monkeypatch):
    from inkling.scale import serving

    lost = serving.RemoteReader(near, serving.deploy("lost", CHECKPOINT.read_bytes(), 1))
    assert lost.ask(own_process)
    ray.serve.delete("lost")
    monkeypatch.setattr(serving, "REPLICA_TIMEOUT_S", 3.0)
    with pytest.raises(Unreachable):
        lost.ask(own_process)


@pytest.mark.parametrize("order", [[], ["--unordered"]])
def test_files_are_read_as_without_ray(folder, order):
    for digit in range(10):
        Image.fromarray(sketch(digit)).save(folder / f"{digit}.png")
    (folder / "x.png").write_text("no picture")
    command = [sys.executable, "predict.py", "--json", folder]
    plain, far = (
        subprocess.run([*command, *more], cwd=ROOT, capture_output=True, text=True)
        for more in ([], ["--on", "ray", *order])
    )
    assert plain.returncode == far.returncode == 1
    here, there = (list(map(json.loads, run.stdout.splitlines())) for run in (plain, far))
    assert len(here) == 11 and here == sorted(there, key=lambda line: line["file"])
    assert order or here == there
