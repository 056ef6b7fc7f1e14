"""The files of a Space are complete and small enough, and ZeroGPU's demands are met."""

import re
import signal
import subprocess
from pathlib import Path

import gradio
import pytest
import torch
from conftest import ROOT, run_python
from huggingface_hub import SpaceCard

from inkling.export.static_page import EXPORT_STATIC_DIR, add_page
from inkling.recognition.reader import Reader
from inkling.terminal import UserError
from inkling.training.device import best_device
from tests.app_process import PREDICT, AppProcess

MAX_FILE_BYTES = 10_000_000  # that a Space accepts without large-file storage
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
ZERO_GPU = {"SPACES_ZERO_GPU": "true", "SYSTEM": "spaces"}
NAMED = re.compile(r"""["'](?:\./)?([\w.-]+\.(?:js|css|svg|onnx|gz|webmanifest))["']""")
STAND_IN = """
import sys
print("imported before:", sorted({"torch", "gradio"} & set(sys.modules)), flush=True)

def GPU(task=None, *, duration=None, size=None):
    if task is None:
        return lambda function: GPU(function, duration=duration)
    print("for a GPU:", task.__name__, flush=True)
    return task

def gradio_auto_wrap(task):
    return task
"""


@pytest.fixture
def static_space(tmp_path):
    try:
        add_page(tmp_path / "page", Reader.load())
    except UserError as error:  # no Node.js, or npm is not reachable
        pytest.skip(str(error))
    return tmp_path / "page"


def tracked():
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True)
    if done.returncode or not done.stdout:
        pytest.skip("this is no clone: the tracked files are unknown")
    return [ROOT / name for name in done.stdout.decode().split("\0") if name]


def card(folder):
    return SpaceCard.load(folder / "README.md").data.to_dict()


@pytest.mark.parametrize("folder", [ROOT, EXPORT_STATIC_DIR], ids=["Gradio", "static"])
def test_the_front_matter_is_valid(folder):
    data = card(folder)
    assert {"title", "emoji", "sdk", "app_file", "license"} <= set(data)
    assert {data["colorFrom"], data["colorTo"]} <= COLOURS and data["license"] == "mit"
    assert len(data["short_description"]) <= 60
    assert (folder / data["app_file"]).is_file()


def test_a_gradio_space_has_the_tested_versions():
    data = card(ROOT)
    assert data["sdk"] == "gradio" and data["sdk_version"] == gradio.__version__
    assert data["python_version"] == "3.12"  # available on ZeroGPU
    assert card(EXPORT_STATIC_DIR)["sdk"] == "static"


def test_no_file_is_too_large(static_space):
    for path in [*tracked(), *static_space.iterdir()]:
        assert path.stat().st_size < MAX_FILE_BYTES, path
    assert {Path("requirements.txt"), Path("checkpoints/digits.safetensors")} <= {
        path.relative_to(ROOT) for path in tracked()
    }


def test_each_file_that_the_static_page_names_exists(static_space):
    made = {"digits.onnx.gz"}
    present = {path.name for path in static_space.iterdir()} | made
    for name in ("index.html", "page.js", "explain.js", "offline.js", "manifest.webmanifest"):
        named = NAMED.findall((static_space / name).read_text("utf-8"))
        assert set(named) <= present, name
    attributes = (static_space / ".gitattributes").read_text("utf-8")
    assert {line.split()[0] for line in attributes.splitlines()} == {"*.gz", "*.jpg", "*.png"}


def test_the_commands_of_the_docs_exist():
    shown = (ROOT / "docs" / "spaces.md").read_text("utf-8")
    commands = re.findall(r"^hf (repos create|upload) (.+)", shown, re.M)
    assert len(commands) == 4
    for command, rest in commands:
        helped = run_python("-m", "huggingface_hub.cli.hf", *command.split(), "--help").stdout
        assert {flag for flag in re.findall(r"--[\w-]+", rest) if flag not in helped} == set()


@pytest.mark.parametrize("stand_in", [True, False], ids=["ZeroGPU", "no package"])
def test_in_a_space_it_reads_on_the_processor(tmp_path, seven, stand_in):
    environment = {"SPACE_ID": "someone/inkling"}
    if stand_in:
        (tmp_path / "package").mkdir()
        (tmp_path / "package" / "spaces.py").write_text(STAND_IN)
        environment |= ZERO_GPU | {"PYTHONPATH": str(tmp_path / "package")}
    with AppProcess(tmp_path, ["app.py", "--port", "0"], **environment) as page:
        assert '"text": "7"' in page.run_client(PREDICT, seven)
        printed = page.stop(signal.SIGTERM)
    assert printed.count("for a GPU:") == int(stand_in)
    assert not stand_in or "imported before: []" in printed


def test_training_on_zerogpu_uses_the_processor(monkeypatch):
    gpu = torch.device("cuda")
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: gpu)
    assert best_device() == gpu
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert best_device().type == "cpu"
