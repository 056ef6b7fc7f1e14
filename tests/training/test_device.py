"""Training uses the fastest device and precision of this machine."""

import os
import sys

import pytest
import torch
from conftest import ROOT, run_python

from inkling.training import device
from model import DigitCNN


@pytest.fixture
def model():
    return DigitCNN((4, 4, 4, 4))


def test_bfloat16_is_not_timed_where_the_processor_lacks_it(monkeypatch, model):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {}, raising=False)
    monkeypatch.setattr(device, "time_training_step", pytest.fail)
    assert device.best_precision(model, 8) == torch.float32


@pytest.mark.parametrize("faster", [torch.bfloat16, torch.float32])
def test_the_faster_type_is_used(monkeypatch, model, faster):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True}, raising=False)
    monkeypatch.setattr(device, "time_training_step", lambda _, __, precision: precision != faster)
    assert device.best_precision(model, 8) == faster


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float32])
def test_timing_leaves_the_network_unchanged(model, precision):
    before = {name: t.clone() for name, t in model.state_dict().items()}
    device.time_training_step(model, 4, precision)
    assert all(torch.equal(before[name], t) for name, t in model.state_dict().items())


READ_THEN_TRAIN = """
import numpy as np, torch
from predict import Reader
Reader.load().read(np.full((28, 28), 255, np.uint8))
Reader.load().predict_glyphs(np.zeros((1, 28, 28), np.float32))
assert torch.get_num_threads() == 1
from conftest import TINY
from inkling.datasets.mnist import load_mnist
from inkling.training.loop import train
next(iter(train(TINY, load_mnist())))
print(torch.get_num_threads())
"""


def test_a_program_that_has_read_trains_with_all_threads():
    environment = os.environ | {"PYTHONPATH": str(ROOT / "tests"), "OMP_NUM_THREADS": "3"}
    assert int(run_python("-c", READ_THEN_TRAIN, env=environment).stdout) == 3


@pytest.mark.parametrize(
    "command, value, policy",
    [("app.py", None, "PASSIVE"), ("train.py", None, "PASSIVE"), ("train.py", "active", "ACTIVE")],
)
def test_waiting_threads_sleep_unless_the_environment_sets_a_policy(command, value, policy):
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    environment |= {"OMP_DISPLAY_ENV": "true"} | ({"OMP_WAIT_POLICY": value} if value else {})
    done = run_python(command, "--help", env=environment)
    assert f"OMP_WAIT_POLICY = '{policy}'" in done.stderr  # as PyTorch's OpenMP was loaded with


@pytest.mark.parametrize(
    "value, threads", [("3", 3), ("2,1", 2), ("0", None), ("many", None), ("", None)]
)
def test_the_number_of_threads_is_that_of_the_environment_or_the_processors(
    monkeypatch, value, threads
):
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    torch.set_num_threads(1)  # as a reader does
    ours = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    assert device.training_threads() == (threads or ours)
