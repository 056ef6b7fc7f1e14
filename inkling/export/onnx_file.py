"""Export the network as an ONNX file for other languages, phones and browsers.

python -m inkling.export.onnx_file digits.onnx                 export and compare with PyTorch
python -m inkling.export.onnx_file small.onnx --eight-bits     less than half of the size

The input is ink, the outputs are the fields of `model.Prediction`; the metadata describe both.
"""

import gzip
import json
import logging
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from inkling.datasets.mnist import load_mnist
from inkling.datasets.prepared import load_kinds
from inkling.export import INSTALL_ONNX
from inkling.recognition.checkpoint import CHECKPOINT, CONVOLUTION_AXES, load_checkpoint
from inkling.recognition.page_networks import ink_net, line_net
from inkling.terminal import make_parser, printable, run

try:
    import onnx
    import onnxruntime
    from onnx import numpy_helper
except ImportError:
    if __name__ == "__main__":
        sys.exit(f"An ONNX file needs more: {INSTALL_ONNX}")
    raise

from model import DigitCNN, Prediction, fuse_batch_norm, merge_non_digits

OPSET = 18  # the lowest that PyTorch exports without a conversion: runtimes since 2023 read it
ONNX_BATCH = 500  # glyphs; not tuned
MAX_EXACT_WEIGHTS = 100_000  # of a convolution: larger ones are stored in 8 bits
INK = "ink"
DESCRIPTIONS = {
    INK: "float32 (N, 1, 28, 28), 0 = paper, 1 = ink: one glyph, its longest side reduced to 20 "
    "pixels by area, moved by whole pixels until its centre of mass is in the middle of 28 x 28",
    "probabilities": "float32 (N, 10), of the digits 0 to 9, calibrated; each row sums to 1",
    "not_a_digit": "float32 (N,), 0 to 1; above 0.5 it is no digit, whatever the probabilities say",
    "plausible": "float32 (N,), log-probability of being a digit, and the most probable one",
    "several": "float32 (N,), logit of being several digits rather than none",
    "class_logits": "float32 (N, 22), of MNIST's digits, drawn digits, no digit, several digits",
}
OUTPUTS = tuple(DESCRIPTIONS)[1:]  # names in the file: of `model.Prediction`, and the logits


class Differences(NamedTuple):
    """Differences between the predictions of an ONNX file and of its checkpoint."""

    probability: float  # maximum over all probabilities and `not_a_digit`
    answers: int  # glyphs with another digit, or refused by one of the two


class ExportedModule(nn.Module):
    """A network and the function that computes the outputs of its file, for the exporter."""

    def __init__(self, network: nn.Module, compute: Callable):
        super().__init__()
        self.network, self.compute = network.to(memory_format=torch.contiguous_format), compute

    def forward(self, values: Tensor) -> Any:
        """Return the outputs."""
        return self.compute(self.network, values)


def predict_all(model: DigitCNN, ink: Tensor) -> tuple[Tensor, ...]:
    """Return the fields of the prediction for ink (N, 1, 28, 28), and the class logits."""
    return *model.predict(ink), model.class_logits(ink)


def export_network(
    module: nn.Module, shape: Sequence[int], dynamic: dict[int, Any], names: Sequence[str]
) -> "onnx.ModelProto":
    """Export a module whose axes `dynamic` vary; `names` are those of its input and outputs."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # warns about unused operators
    options: dict[str, Any] = {
        "input_names": names[:1],
        "output_names": names[1:],
        "opset_version": OPSET,
    }
    shapes, example = {"values": dynamic}, torch.zeros(*shape)
    with warnings.catch_warnings(action="ignore"):  # the exporter's own
        program = torch.onnx.export(
            module.eval(), (example,), dynamo=True, dynamic_shapes=shapes, verbose=False, **options
        )
    assert program is not None  # for mypy: it is None for other exporters
    return remove_traces(program.model_proto)


def export_digits(model: DigitCNN, description: dict) -> "onnx.ModelProto":
    """Export a calibrated digit network, with its description."""
    module = ExportedModule(fuse_batch_norm(model), predict_all)
    dynamic = {0: torch.export.Dim("N")}
    network = export_network(module, (2, 1, 28, 28), dynamic, [*DESCRIPTIONS])
    figures = {name: round(value, 5) for name, value in description.get("figures", {}).items()}
    metadata = {"opset": str(OPSET), "licence": "MIT", "figures": json.dumps(figures)}
    onnx.helper.set_model_props(network, metadata | DESCRIPTIONS)
    return network


def write_onnx(model: DigitCNN, description: dict, path: Path, eight_bits: bool = False) -> None:
    """Write a calibrated network as an ONNX file; raises `OSError` if it cannot."""
    network = export_digits(model, description)
    network = store_in_8_bits(network) if eight_bits else network
    onnx.checker.check_model(network, full_check=True)
    path.write_bytes(network.SerializeToString())


def write_page_networks(folder: Path, model: DigitCNN, description: dict) -> None:
    """Write the three networks of the page without a server, in 8 bits and compressed."""
    rows, columns = (32 * torch.export.Dim(name, min=1, max=64) for name in ("rows", "columns"))
    width = 4 * torch.export.Dim("quarters", min=2, max=400)
    ink = ExportedModule(ink_net(), lambda net, pages: net(pages).sigmoid())
    line = ExportedModule(line_net(), lambda net, lines: merge_non_digits(net(lines)))
    networks = {
        "digits": export_digits(model, description),
        "ink": export_network(ink, (1, 2, 64, 96), {2: rows, 3: columns}, ["pages", "probs"]),
        "line": export_network(line, (1, 2, 32, 96), {3: width}, ["lines", "log_probs"]),
    }
    for name, network in networks.items():
        stored = store_in_8_bits(network, MAX_EXACT_WEIGHTS if name == "digits" else 0)
        packed = gzip.compress(stored.SerializeToString(), 9, mtime=0)
        (folder / f"{name}.onnx.gz").write_bytes(packed)


def remove_traces(network: "onnx.ModelProto") -> "onnx.ModelProto":
    """Replace the exporter's metadata, which describe the exporting machine."""
    network.producer_name, network.doc_string = "inkling", "Reads a handwritten digit."
    for node in [network.graph, *network.graph.node, *network.graph.value_info]:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*network.graph.input, *network.graph.output]:
        value.doc_string = DESCRIPTIONS.get(value.name, "")
    return network


def store_in_8_bits(
    network: "onnx.ModelProto", max_exact: int = MAX_EXACT_WEIGHTS
) -> "onnx.ModelProto":
    """Store convolutions of more weights than `max_exact` in 8 bits, others rounded to 11.

    Runtimes convert the weights to floats when they load them, so that all sums are in floats.
    Each output channel has a scale. In the first layers 8 bits would change probabilities most.
    """
    graph = network.graph
    for tensor in [t for t in graph.initializer if len(t.dims) == CONVOLUTION_AXES]:
        name, weights = tensor.name, numpy_helper.to_array(tensor)
        if weights.size <= max_exact:
            rounded = weights.astype(np.float16).astype(np.float32)  # compresses to half the size
            tensor.CopyFrom(numpy_helper.from_array(rounded, name))
            continue
        scale = np.abs(weights).max(axis=(1, 2, 3)) / 127
        stored = np.rint(weights / scale[:, None, None, None]).astype(np.int8)
        tensor.CopyFrom(numpy_helper.from_array(stored, f"{name}_8_bits"))
        graph.initializer.append(numpy_helper.from_array(scale, f"{name}_scale"))
        inputs = [f"{name}_8_bits", f"{name}_scale"]
        graph.node.insert(0, onnx.helper.make_node("DequantizeLinear", inputs, [name], axis=0))
    return network


def predict_onnx(path: Path, ink: Tensor) -> Prediction:
    """Return the prediction of an ONNX file for ink (N, 1, 28, 28)."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    answers = [session.run(list(OUTPUTS), {INK: part.numpy()}) for part in ink.split(ONNX_BATCH)]
    fields = [torch.from_numpy(np.concatenate(parts)) for parts in zip(*answers, strict=True)]
    return Prediction(*fields[: len(Prediction._fields)])


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
    write_onnx(model, description, path, eight_bits)
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
    add("--eight-bits", action="store_true", help="less than half of the size, less exact")
    options = parser.parse_args()
    export(options.checkpoint, options.path, options.eight_bits)


if __name__ == "__main__":
    run(main)
