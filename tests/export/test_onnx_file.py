"""The ONNX file predicts as the checkpoint, and describes its input and outputs."""

import json
import re

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from conftest import ROOT, run_python
from onnx import numpy_helper

from inkling.datasets.prepared import load_kinds
from inkling.export.onnx_file import (
    INK,
    OPSET,
    OUTPUTS,
    compare,
    get_digits,
    predict_onnx,
    quantize,
    write_onnx,
)
from inkling.recognition.checkpoint import CHECKPOINT, load_checkpoint

MAX_PER_KIND = 80  # non-digits, of some 27 kinds


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Return the shipped checkpoint's network as an ONNX file."""
    path = tmp_path_factory.mktemp("onnx") / "digits.onnx"
    model, description, _ = load_checkpoint(CHECKPOINT)
    write_onnx(model, description, path)
    return path


@pytest.fixture(scope="module")
def quantized(exported, tmp_path_factory, mnist):
    """Return the same network with 8-bit convolutions."""
    path = tmp_path_factory.mktemp("small") / "small.onnx"
    path.write_bytes(exported.read_bytes())
    quantize(path, mnist.held_out.ink)
    return path


@pytest.fixture(scope="module")
def non_digits():
    return torch.cat([ink[:MAX_PER_KIND] for ink in load_kinds("outlier_kinds").values()])


def test_it_predicts_as_the_checkpoint(exported, unfused, mnist, non_digits):
    assert len(mnist.test.ink) == 10_000 and len(non_digits) >= 2_000
    for ink in (mnist.test.ink, non_digits):
        found = compare(predict_onnx(exported, ink), unfused, ink)
        assert found.probability < 1e-4 and found.answers == 0


@pytest.mark.parametrize("values", [[1e3], [0, 1, -1e3]], ids=["one glyph", "three"])
def test_any_number_of_glyphs_and_any_ink_give_finite_numbers(exported, values):
    ink = torch.tensor(values, dtype=torch.float32).view(-1, 1, 1, 1).expand(-1, 1, 28, 28)
    prediction = predict_onnx(exported, ink)
    assert prediction.probabilities.shape == (len(values), 10)
    assert all(field.isfinite().all() for field in prediction[:2])


def test_its_metadata_describe_it(exported):
    network = onnx.load(exported)
    metadata = {prop.key: prop.value for prop in network.metadata_props}
    assert [value.name for value in network.graph.input] == [INK]
    assert [value.name for value in network.graph.output] == list(OUTPUTS)
    assert OUTPUTS == ("probabilities", "not_a_digit", "plausible", "several")
    assert {INK, *OUTPUTS, "opset", "licence"} <= set(metadata)
    assert {value.doc_string for value in network.graph.output} <= set(metadata.values())
    assert int(metadata["opset"]) == OPSET == network.opset_import[0].version
    assert json.loads(metadata["figures"])["mnist_test"] > 0.99
    assert str(ROOT).encode() not in exported.read_bytes()


def test_the_example_of_the_docs_runs(exported):
    shown = (ROOT / "docs" / "export.md").read_text("utf-8")
    code = re.search(r"```python\n(.*?)```", shown, re.S)[1]
    code += "assert probabilities.shape == (1, 10) and not_a_digit.shape == (1,)"
    run_python("-c", code, cwd=exported.parent, check=True)


def test_in_eight_bits_it_is_a_third_as_large_and_nearly_as_accurate(
    exported, quantized, unfused, mnist, non_digits
):
    assert quantized.stat().st_size < exported.stat().st_size / 3
    right, right_in_eight_bits = (
        (get_digits(predict_onnx(path, mnist.test.ink)) == mnist.test.labels).sum()
        for path in (exported, quantized)
    )
    assert right_in_eight_bits > right - 20  # 0.2 %
    found = compare(predict_onnx(quantized, non_digits), unfused, non_digits)
    assert found.answers < 0.01 * len(non_digits)


def test_in_eight_bits_no_processor_saturates(quantized, mnist):
    weights = [
        numpy_helper.to_array(tensor).astype(int)
        for tensor in onnx.load(quantized).graph.initializer
        if tensor.data_type == onnx.TensorProto.INT8 and len(tensor.dims) == 4
    ]
    assert len(weights) == 5
    # AVX2 without VNNI adds two products of an unsigned and a signed byte in 16 bits
    assert all(2 * 255 * abs(kernels).max() <= np.iinfo(np.int16).max for kernels in weights)
    in_float = onnxruntime.SessionOptions()  # without optimization: convolutions in float
    in_float.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(quantized, in_float, ["CPUExecutionProvider"])
    ink = mnist.held_out.ink[:1_000]
    (expected,) = session.run(["probabilities"], {INK: ink.numpy()})
    assert np.abs(expected - predict_onnx(quantized, ink).probabilities.numpy()).max() < 0.02


def test_the_command_writes_and_compares(tmp_path):
    done = run_python("-m", "inkling.export.onnx_file", tmp_path / "digits.onnx", check=True)
    assert (tmp_path / "digits.onnx").exists() and "opset" in done.stdout
    assert done.stdout.count(": 0 answers differ") == 2
