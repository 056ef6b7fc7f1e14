"""A checkpoint becomes an ONNX file: the network for other languages, phones and browsers.

The file takes ink framed as MNIST frames its digits, and gives a `model.Prediction`: calibrated
probabilities, and whether it is no digit. What goes in and comes out is told in its metadata.
"""

import json
import logging
import tempfile
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime
import torch
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    quant_pre_process,
    quantize_static,
)
from torch import Tensor, nn

from model import DigitCNN, Prediction, fuse_batch_norm

OPSET = 18  # the lowest that PyTorch exports without a conversion: runtimes since 2023 read it
BATCH = 500  # digits judged at once
CALIBRATION = 1_000  # digits whose values choose the steps of 8 bits
INK = "ink"
MEANING = {
    INK: "float32 (N, 1, 28, 28), 0 = paper, 1 = ink: one glyph, its longest side reduced to 20 "
    "pixels by area, moved by whole pixels until its centre of mass is in the middle of 28 x 28",
    "probabilities": "float32 (N, 10), of the digits 0 to 9, calibrated; each row sums to 1",
    "not_a_digit": "float32 (N,), 0 to 1; above 0.5 it is no digit, whatever the probabilities say",
    "plausible": "float32 (N,), log-probability of being a digit, and the likeliest one",
    "several": "float32 (N,), logit of being several digits rather than none",
}
OUTPUTS = tuple(MEANING)[1:]  # names in the file, in the order of `model.Prediction`


class Differences(NamedTuple):
    """How an ONNX file's answers differ from the checkpoint's."""

    probability: float  # the largest difference of any probability, or of `not_a_digit`
    answers: int  # of how many the digit, or whether it is one, is another


class Judging(nn.Module):
    """The network as a function of ink that returns all of a judgement."""

    def __init__(self, model: DigitCNN):
        """Take a trained network."""
        super().__init__()
        self.model = fuse_batch_norm(model).to(memory_format=torch.contiguous_format)

    def forward(self, ink: Tensor) -> Prediction:
        """Judge ink (N, 1, 28, 28)."""
        return self.model.predict(ink)


def write_onnx(model: DigitCNN, description: dict, path: Path) -> None:
    """Write a network with its calibration as an ONNX file; raises `OSError` if it cannot."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # of operators that are not used
    with warnings.catch_warnings(action="ignore"):  # the exporter's, of its own parts
        program = torch.onnx.export(
            Judging(model).eval(),
            (torch.zeros(2, 1, 28, 28),),
            dynamo=True,
            opset_version=OPSET,
            input_names=[INK],
            output_names=list(OUTPUTS),
            dynamic_shapes={INK: {0: torch.export.Dim("N")}},
            verbose=False,
        )
    if program is None:
        raise RuntimeError("PyTorch has exported nothing")
    network = without_traces(program.model_proto)
    figures = {name: round(value, 5) for name, value in description.get("figures", {}).items()}
    told = {"opset": str(OPSET), "licence": "MIT", "figures": json.dumps(figures), **MEANING}
    onnx.helper.set_model_props(network, told)
    onnx.checker.check_model(network, full_check=True)
    path.write_bytes(network.SerializeToString())


def without_traces(network: onnx.ModelProto) -> onnx.ModelProto:
    """Return a network without what its exporter tells of the machine it was exported on."""
    network.producer_name, network.doc_string = "inkling", "Reads a handwritten digit."
    for node in [network.graph, *network.graph.node, *network.graph.value_info]:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*network.graph.input, *network.graph.output]:
        value.doc_string = MEANING[value.name]
    return network


class Examples(CalibrationDataReader):
    """Gives ink, some digits at a time, to whoever asks for the next."""

    def __init__(self, ink: Tensor):
        """Take ink (N, 1, 28, 28)."""
        self.batches = iter(ink.split(BATCH))

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Return the next ink, or None."""
        ink = next(self.batches, None)
        return None if ink is None else {INK: ink.numpy()}


def to_eight_bits(path: Path, ink: Tensor) -> None:
    """Quantize an ONNX file's convolutions to 8 bits; ink (N, 1, 28, 28) calibrates their ranges.

    Weights use 7 of the 8 bits, -64 to 64. AVX2 without VNNI adds two products in 16 bits, which
    saturate at 32,767: 2 * 255 * 127 does not fit, 2 * 255 * 64 does. So the integer sums are the
    same on every processor. The layers after the last convolution stay in float.
    """
    network = onnx.load(path)
    convolutions = [node.name for node in network.graph.node if node.op_type == "Conv"]
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "ready.onnx"
        quant_pre_process(path, ready, skip_symbolic_shape=True)
        quantize_static(
            ready,
            path,
            Examples(ink[:: max(1, len(ink) // CALIBRATION)]),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            nodes_to_quantize=convolutions,
            calibrate_method=CalibrationMethod.MinMax,
        )
    rounded = without_traces(onnx.load(path))
    onnx.helper.set_model_props(rounded, {p.key: p.value for p in network.metadata_props})
    path.write_bytes(rounded.SerializeToString())


def judged_by(path: Path, ink: Tensor) -> Prediction:
    """Return what an ONNX file makes of ink (N, 1, 28, 28)."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
    answers = [session.run(list(OUTPUTS), {INK: part.numpy()}) for part in ink.split(BATCH)]
    return Prediction(*(torch.from_numpy(np.concatenate(a)) for a in zip(*answers, strict=True)))


@torch.inference_mode()
def differences(theirs: Prediction, model: DigitCNN, ink: Tensor) -> Differences:
    """Compare an ONNX file's judgement of ink (N, 1, 28, 28) with the checkpoint's."""
    judgements = [model.predict(part) for part in ink.split(BATCH)]
    ours = Prediction(*(torch.cat(fields) for fields in zip(*judgements, strict=True)))
    most = max((a - b).abs().max().item() for a, b in zip(ours[:2], theirs[:2], strict=True))
    return Differences(most, int((answers(ours) != answers(theirs)).sum()))


def answers(judgement: Prediction) -> Tensor:
    """Return digits (N,), -1 where there is none."""
    return judgement.probabilities.argmax(1).where(judgement.not_a_digit <= 0.5, -1)
