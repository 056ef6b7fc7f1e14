"""The ONNX file answers as the checkpoint does, and tells what it takes and gives."""

import json
import re
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from conftest import ROOT
from onnx import numpy_helper

from inkling.datasets.non_digits import by_kind
from inkling.datasets.pen_digits import HELD_OUT_SEED
from inkling.export.onnx_file import (
    INK,
    OPSET,
    OUTPUTS,
    answers,
    differences,
    judged_by,
    to_eight_bits,
    write_onnx,
)
from inkling.recognition.checkpoint import CHECKPOINT, load_checkpoint

OF_A_KIND = 80  # things that are no digit, of each of some 27 kinds


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Return the shipped checkpoint's network as an ONNX file."""
    path = tmp_path_factory.mktemp("onnx") / "digits.onnx"
    model, description, _ = load_checkpoint(CHECKPOINT)
    write_onnx(model, description, path)
    return path


@pytest.fixture(scope="module")
def no_digits(mnist):
    return torch.cat(list(by_kind(OF_A_KIND, mnist.held_out, HELD_OUT_SEED).values()))


def test_its_probabilities_are_the_checkpoint_s(exported, unfused, mnist, no_digits):
    assert len(mnist.test.ink) == 10_000 and len(no_digits) >= 2_000
    for ink in (mnist.test.ink, no_digits):
        found = differences(judged_by(exported, ink), unfused, ink)
        assert found.probability < 1e-4 and found.answers == 0


def test_however_extreme_the_ink_it_gives_numbers(exported):
    judgement = judged_by(
        exported, torch.tensor([0, 1, -1e3, 1e3]).view(4, 1, 1, 1).expand(4, 1, 28, 28)
    )
    assert all(field.isfinite().all() for field in judgement[:2])


def test_it_tells_what_it_takes_and_gives(exported):
    network = onnx.load(exported)
    told = {prop.key: prop.value for prop in network.metadata_props}
    assert [value.name for value in network.graph.input] == [INK]
    assert [value.name for value in network.graph.output] == list(OUTPUTS)
    assert {INK, *OUTPUTS, "opset", "licence"} <= set(told)
    assert {value.doc_string for value in network.graph.output} <= set(told.values())
    assert int(told["opset"]) == OPSET == network.opset_import[0].version
    assert json.loads(told["figures"])["mnist_test"] > 0.99
    assert str(ROOT).encode() not in exported.read_bytes()


@pytest.mark.parametrize("count", [1, 3])
def test_it_takes_any_number_of_digits(exported, count):
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    found = session.run(["probabilities"], {INK: np.zeros((count, 1, 28, 28), np.float32)})[0]
    assert found.shape == (count, 10)


def test_the_documentation_s_example_runs(exported):
    shown = (ROOT / "docs" / "export.md").read_text("utf-8")
    code = re.search(r"```python\n(.*?)```", shown, re.S)[1]
    code += "assert probabilities.shape == (1, 10) and not_a_digit.shape == (1,)"
    subprocess.run([sys.executable, "-c", code], cwd=exported.parent, check=True)


@pytest.fixture(scope="module")
def small(exported, tmp_path_factory, mnist):
    """Return the same network, its convolutions in 8 bits."""
    path = tmp_path_factory.mktemp("small") / "small.onnx"
    path.write_bytes(exported.read_bytes())
    to_eight_bits(path, mnist.held_out.ink)
    return path


def test_in_eight_bits_it_is_a_third_as_large_and_nearly_as_good(
    exported, small, unfused, mnist, no_digits
):
    assert small.stat().st_size < exported.stat().st_size / 3
    right = [
        answers(judged_by(path, mnist.test.ink)) == mnist.test.labels for path in (exported, small)
    ]
    assert right[1].sum() > right[0].sum() - 20  # 0.2 %
    assert differences(judged_by(small, no_digits), unfused, no_digits).answers < 0.01 * len(
        no_digits
    )


def test_in_eight_bits_no_processor_saturates_and_all_answer_alike(small, mnist):
    weights = [
        numpy_helper.to_array(tensor).astype(int)
        for tensor in onnx.load(small).graph.initializer
        if tensor.data_type == onnx.TensorProto.INT8 and len(tensor.dims) == 4
    ]
    assert len(weights) == 5
    # AVX2 without VNNI adds two products of an unsigned and a signed byte in 16 bits
    assert all(2 * 255 * abs(one).max() <= np.iinfo(np.int16).max for one in weights)
    plainly = onnxruntime.SessionOptions()  # each convolution in float: no bytes are multiplied
    plainly.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(small, plainly, ["CPUExecutionProvider"])
    ink = mnist.held_out.ink[:1_000]
    in_floats = session.run(list(OUTPUTS), {INK: ink.numpy()})
    assert np.abs(in_floats[0] - judged_by(small, ink).probabilities.numpy()).max() < 0.02


def test_the_command_writes_it_and_says_how_its_answers_differ(tmp_path):
    path = tmp_path / "digits.onnx"
    command = [sys.executable, "evaluate.py", "--onnx", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert path.exists() and "opset" in done.stdout and "answers 0 otherwise" in done.stdout
    alone = [sys.executable, "evaluate.py", "--eight-bits"]
    done = subprocess.run(alone, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.endswith("--eight-bits needs --onnx FILE\n")
