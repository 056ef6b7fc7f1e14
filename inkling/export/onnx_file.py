"""Export the network as an ONNX file for other languages, phones and browsers.

python -m inkling.export.onnx_file digits.onnx                 export and compare with PyTorch
python -m inkling.export.onnx_file small.onnx --eight-bits     a quarter of the size, less exact

The input is ink, the outputs are the fields of `model.Prediction`; the metadata describe both.
"""

import json
import logging
import sys
import tempfile
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from inkling.datasets.mnist import load_mnist
from inkling.datasets.prepared import load_kinds
from inkling.export import INSTALL_ONNX
from inkling.recognition.checkpoint import CHECKPOINT, load_checkpoint
from inkling.terminal import make_parser, printable, run

try:
    import onnx
    import onnxruntime
    from onnxruntime import quantization
except ImportError:
    if __name__ == "__main__":
        sys.exit(f"An ONNX file needs more: {INSTALL_ONNX}")
    raise

from model import DigitCNN, Prediction, fuse_batch_norm

OPSET = 18  # the lowest that PyTorch exports without a conversion: runtimes since 2023 read it
ONNX_BATCH = 500  # glyphs; not tuned
CALIBRATION_COUNT = 1_000  # digits that calibrate the 8-bit ranges; not tuned
INK = "ink"
DESCRIPTIONS = {
    INK: "float32 (N, 1, 28, 28), 0 = paper, 1 = ink: one glyph, its longest side reduced to 20 "
    "pixels by area, moved by whole pixels until its centre of mass is in the middle of 28 x 28",
    "probabilities": "float32 (N, 10), of the digits 0 to 9, calibrated; each row sums to 1",
    "not_a_digit": "float32 (N,), 0 to 1; above 0.5 it is no digit, whatever the probabilities say",
    "plausible": "float32 (N,), log-probability of being a digit, and the most probable one",
    "several": "float32 (N,), logit of being several digits rather than none",
}
OUTPUTS = tuple(DESCRIPTIONS)[1:]  # names in the file, in the order of `model.Prediction`


class Differences(NamedTuple):
    """Differences between the predictions of an ONNX file and of its checkpoint."""

    probability: float  # maximum over all probabilities and `not_a_digit`
    answers: int  # glyphs with another digit, or refused by one of the two


class PredictModule(nn.Module):
    """`DigitCNN.predict` as a module, for the exporter."""

    def __init__(self, model: DigitCNN):
        super().__init__()
        self.model = fuse_batch_norm(model).to(memory_format=torch.contiguous_format)

    def forward(self, ink: Tensor) -> Prediction:
        """Return the prediction for ink (N, 1, 28, 28)."""
        return self.model.predict(ink)


def write_onnx(model: DigitCNN, description: dict, path: Path) -> None:
    """Write a calibrated network as an ONNX file; raises `OSError` if it cannot."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # warns about unused operators
    with warnings.catch_warnings(action="ignore"):  # the exporter's own
        program = torch.onnx.export(
            PredictModule(model).eval(),
            (torch.zeros(2, 1, 28, 28),),
            dynamo=True,
            opset_version=OPSET,
            input_names=[INK],
            output_names=list(OUTPUTS),
            dynamic_shapes={INK: {0: torch.export.Dim("N")}},
            verbose=False,
        )
    if program is None:
        raise RuntimeError("PyTorch exported nothing")
    network = remove_traces(program.model_proto)
    figures = {name: round(value, 5) for name, value in description.get("figures", {}).items()}
    metadata = {"opset": str(OPSET), "licence": "MIT", "figures": json.dumps(figures)}
    onnx.helper.set_model_props(network, metadata | DESCRIPTIONS)
    onnx.checker.check_model(network, full_check=True)
    path.write_bytes(network.SerializeToString())


def remove_traces(network: "onnx.ModelProto") -> "onnx.ModelProto":
    """Replace the exporter's metadata, which describe the exporting machine."""
    network.producer_name, network.doc_string = "inkling", "Reads a handwritten digit."
    for node in [network.graph, *network.graph.node, *network.graph.value_info]:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*network.graph.input, *network.graph.output]:
        value.doc_string = DESCRIPTIONS[value.name]
    return network


class CalibrationInk(quantization.CalibrationDataReader):
    """Batches of ink for the calibration."""

    def __init__(self, ink: Tensor):
        self.batches = iter(ink.split(ONNX_BATCH))

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Return the next batch, or None."""
        ink = next(self.batches, None)
        return None if ink is None else {INK: ink.numpy()}


def quantize(path: Path, ink: Tensor) -> None:
    """Quantize an ONNX file's convolutions to 8 bits; ink (N, 1, 28, 28) calibrates the ranges.

    Weights use 7 of the 8 bits, -64 to 64. AVX2 without VNNI adds two products in 16 bits, which
    saturate at 32,767: 2 * 255 * 127 does not fit, 2 * 255 * 64 does. So the integer sums are equal
    on every processor. The layers after the last convolution stay in float.
    """
    network = onnx.load(path)
    convolutions = [node.name for node in network.graph.node if node.op_type == "Conv"]
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "ready.onnx"
        quantization.quant_pre_process(path, ready, skip_symbolic_shape=True)
        quantization.quantize_static(
            ready,
            path,
            CalibrationInk(ink[:: max(1, len(ink) // CALIBRATION_COUNT)]),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            nodes_to_quantize=convolutions,
            calibrate_method=quantization.CalibrationMethod.MinMax,
        )
    quantized = remove_traces(onnx.load(path))
    onnx.helper.set_model_props(quantized, {p.key: p.value for p in network.metadata_props})
    path.write_bytes(quantized.SerializeToString())


def predict_onnx(path: Path, ink: Tensor) -> Prediction:
    """Return the prediction of an ONNX file for ink (N, 1, 28, 28)."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
    answers = [session.run(list(OUTPUTS), {INK: part.numpy()}) for part in ink.split(ONNX_BATCH)]
    return Prediction(*(torch.from_numpy(np.concatenate(a)) for a in zip(*answers, strict=True)))


@torch.inference_mode()
def compare(theirs: Prediction, model: DigitCNN, ink: Tensor) -> Differences:
    """Compare an ONNX file's prediction for ink (N, 1, 28, 28) with the checkpoint's."""
    batches = [model.predict(part) for part in ink.split(ONNX_BATCH)]
    ours = Prediction(*(torch.cat(fields) for fields in zip(*batches, strict=True)))
    largest = max((a - b).abs().max().item() for a, b in zip(ours[:2], theirs[:2], strict=True))
    return Differences(largest, int((get_digits(ours) != get_digits(theirs)).sum()))


def get_digits(prediction: Prediction) -> Tensor:
    """Return digits (N,), -1 for a non-digit."""
    return prediction.probabilities.argmax(1).where(prediction.not_a_digit <= 0.5, -1)


def export(checkpoint: Path, path: Path, eight_bits: bool) -> None:
    """Export a checkpoint's network, and print how its predictions differ."""
    model, description, _ = load_checkpoint(checkpoint)
    mnist = load_mnist()
    write_onnx(model, description, path)
    if eight_bits:
        quantize(path, mnist.held_out.ink)
    print(f"{printable(path)}: {path.stat().st_size / 1e6:.2f} MB, opset {OPSET}.")
    others = load_kinds("outlier_kinds")
    sets = {"MNIST's test images": mnist.test.ink, "non-digits": torch.cat(list(others.values()))}
    for name, ink in sets.items():
        found = compare(predict_onnx(path, ink), model, ink)
        print(
            f"{len(ink)} {name}: {found.answers} answers differ from the checkpoint's; "
            f"probabilities differ by at most {found.probability:.1g}."
        )
    right = get_digits(predict_onnx(path, mnist.test.ink)) == mnist.test.labels
    print(f"{right.float().mean():.2%} of MNIST's test images are read right.")


def main() -> None:
    """Export the network."""
    parser = make_parser("Write the network as an ONNX file, and compare it with the checkpoint.")
    add = parser.add_argument
    add("path", type=Path, metavar="FILE", help="file to write")
    add("--checkpoint", type=Path, default=CHECKPOINT, help="network to export")
    add("--eight-bits", action="store_true", help="a quarter of the size, less exact")
    options = parser.parse_args()
    export(options.checkpoint, options.path, options.eight_bits)


if __name__ == "__main__":
    run(main)
