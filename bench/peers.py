"""Read the same pictures with Inkling and with other readers: share right, time and size.

pip install -r bench/requirements-peers.txt
python -m bench.peers [--count 100]

The pictures are held-out ones of `bench.held_out`, and composed pages of `bench.pages`. Times are
this process's, on one thread. RapidOCR recognises a picture as one line, of which the digits count;
digit-recognizer-py reads one digit in every picture.
"""

import argparse
import re
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from bench.held_out import LabelledPicture, load_kinds
from inkling.datasets.mnist import load_mnist
from inkling.recognition.reader import Reader
from support.composed_pages import PAGE_KINDS, compose_pages
from support.virtual_users import REPO_ROOT

ReadText = Callable[[Image.Image], str]
HELD_OUT_KINDS = ("UCI pen digits", "UJI pen characters", "held-out letters")
COMPARED_PAGES = ("2 to 6 separate digits", "touching pairs", "ruled paper", "cheque", "pencil")
COMPARED_PAGES += ("16 pixels, enlarged",)


def load_inkling() -> tuple[ReadText, list[Path]]:
    """Return Inkling's reader and its weights."""
    reader, folders = Reader.load(), ("checkpoints", "data/networks")
    weights = [file for folder in folders for file in (REPO_ROOT / folder).glob("*.safetensors")]
    return lambda picture: reader.read(picture).text, weights


def load_rapidocr() -> tuple[ReadText, list[Path]]:
    """Return RapidOCR's recogniser, without its detector, and its weights."""
    from rapidocr import RapidOCR

    threads = {"EngineConfig.onnxruntime.intra_op_num_threads": 1}
    engine = RapidOCR(params=threads | {"Global.log_level": "critical"})

    def read(picture: Image.Image) -> str:
        result = engine(np.asarray(picture.convert("RGB"))[..., ::-1], use_det=False, use_cls=False)
        return re.sub(r"\D", "", "".join(result.txts or ()))

    return read, [*Path(find_spec("rapidocr").origin).parent.glob("models/*rec*.onnx")]


def load_digit_recognizer() -> tuple[ReadText, list[Path]]:
    """Return digit-recognizer-py and its weights."""
    from digit_recognizer import predict

    models = Path(find_spec("digit_recognizer").origin).parent.glob("models/*")
    return lambda picture: str(predict(picture)), [*models]


READERS = {
    "Inkling": load_inkling,
    "RapidOCR": load_rapidocr,
    "digit-recognizer-py": load_digit_recognizer,
}


def load_pictures(count: int) -> dict[str, list[LabelledPicture]]:
    """Return pictures by kind, spread evenly over the held-out ones."""
    kinds, digits = load_kinds(), load_mnist().test
    sets = {name: kinds[name][:: max(1, len(kinds[name]) // count)] for name in HELD_OUT_KINDS}
    pages = {name: [*compose_pages(PAGE_KINDS[name], digits, count)] for name in COMPARED_PAGES}
    return sets | pages


def main() -> None:
    """Print a row for each kind of picture and each reader."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100, help="pictures of each kind")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    readers = {name: load() for name, load in READERS.items()}
    for name, (_, weights) in readers.items():
        print(f"{name}: {sum(path.stat().st_size for path in weights) / 1e6:.1f} MB of weights")
    for kind, pairs in load_pictures(options.count).items():
        pictures = [
            (text, picture if isinstance(picture, Image.Image) else Image.fromarray(picture))
            for text, picture in pairs[: options.count]
        ]
        for name, (read, _) in readers.items():
            read(pictures[0][1])
            right, times = 0, []
            for text, picture in pictures:
                start = time.process_time()
                right += read(picture) == text
                times.append(1000 * (time.process_time() - start))
            print(
                f"{kind:22s} {name:20s} {right / len(pictures):6.1%} of {len(pictures)}, "
                f"{np.median(times):6.1f} ms median, {max(times):6.1f} ms at most",
                flush=True,
            )


if __name__ == "__main__":
    main()
