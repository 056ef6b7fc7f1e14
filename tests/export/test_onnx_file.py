"""The ONNX file predicts as the checkpoint, and describes its input and outputs."""

import json
import re

import numpy as np
import onnx
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
    predict_onnx,
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
def small(tmp_path_factory):
    """Return the same network with its large convolutions in 8 bits."""
    path = tmp_path_factory.mktemp("small") / "small.onnx"
    model, description, _ = load_checkpoint(CHECKPOINT)
    write_onnx(model, description, path, eight_bits=True)
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
    assert OUTPUTS == ("probabilities", "not_a_digit", "plausible", "several", "class_logits")
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


def test_in_eight_bits_it_is_half_as_large_and_answers_the_same(
    exported, small, unfused, mnist, non_digits
):
    assert small.stat().st_size < exported.stat().st_size / 2
    for ink in (mnist.test.ink, non_digits):
        found = compare(predict_onnx(small, ink), unfused, ink)
        assert found.probability < 0.02 and found.answers <= 1


def test_in_eight_bits_weights_are_within_half_a_step(exported, small):
    exact, rounded = (
        {t.name: numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}
        for path in (exported, small)
    )
    stored = [name.removesuffix("_8_bits") for name in rounded if name.endswith("_8_bits")]
    assert len(stored) == 2
    for name in stored:
        scale = rounded[f"{name}_scale"][:, None, None, None]
        error = np.abs(rounded[f"{name}_8_bits"] * scale - exact[name])
        assert (error <= 0.501 * scale).all()


def test_the_command_writes_and_compares(tmp_path):
    done = run_python("-m", "inkling.export.onnx_file", tmp_path / "digits.onnx", check=True)
    assert (tmp_path / "digits.onnx").exists() and "opset" in done.stdout
    assert done.stdout.count(": 0 answers differ") == 2
