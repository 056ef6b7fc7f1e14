"""Read the same pictures with Inkling and with other readers: right, time and size side by side.

pip install -r bench/requirements-peers.txt
python -m bench.peers FOLDER ...

A picture's name up to the first underscore is what it shows; `none` is nothing. Times are of this
process on one thread. RapidOCR recognizes the whole picture as one line, its digits alone count;
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

from inkling.imaging.open_image import PictureError, open_picture
from inkling.recognition.reader import Reader
from support.virtual_users import ROOT

Read = Callable[[Image.Image], str]


def load_inkling() -> tuple[Read, list[Path]]:
    """Return Inkling's reader and its weights."""
    reader = Reader.load()
    weights = [*ROOT.glob("checkpoints/*.safetensors"), *ROOT.glob("data/networks/*.safetensors")]
    return lambda picture: reader.read(picture).text, weights


def load_rapidocr() -> tuple[Read, list[Path]]:
    """Return RapidOCR's recognizer, without its detector, and its weights."""
    from rapidocr import RapidOCR

    threads = {"EngineConfig.onnxruntime.intra_op_num_threads": 1}
    engine = RapidOCR(params=threads | {"Global.log_level": "critical"})

    def read(picture: Image.Image) -> str:
        found = engine(np.asarray(picture.convert("RGB"))[..., ::-1], use_det=False, use_cls=False)
        return re.sub(r"\D", "", "".join(found.txts or ()))

    spec = find_spec("rapidocr")
    return read, [*Path(spec.origin).parent.glob("models/*rec*.onnx")]


def load_digit_recognizer() -> tuple[Read, list[Path]]:
    """Return digit-recognizer-py and its weights."""
    from digit_recognizer import predict

    spec = find_spec("digit_recognizer")
    return lambda picture: str(predict(picture)), [*Path(spec.origin).parent.glob("models/*")]


READERS = {
    "Inkling": load_inkling,
    "RapidOCR": load_rapidocr,
    "digit-recognizer-py": load_digit_recognizer,
}


def pictures_in(folder: Path) -> list[tuple[str, Image.Image]]:
    """Return what a folder's pictures show, and the pictures."""
    found = []
    for path in sorted(folder.iterdir()):
        try:
            picture, _ = open_picture(path)
        except (PictureError, OSError):
            continue
        found.append((path.name.split("_")[0].replace("none", ""), picture))
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Compare readers on the same pictures.")
    parser.add_argument("folders", nargs="+", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    readers = {name: load() for name, load in READERS.items()}
    for name, (_, weights) in readers.items():
        print(f"{name}: {sum(path.stat().st_size for path in weights) / 1e6:.1f} MB of weights")
    for folder in options.folders:
        pictures = pictures_in(folder)
        for name, (read, _) in readers.items():
            read(pictures[0][1])
            right, spent = 0, []
            for text, picture in pictures:
                start = time.process_time()
                right += read(picture) == text
                spent.append(1000 * (time.process_time() - start))
            print(
                f"{folder.name:22s} {name:20s} {right / len(pictures):6.1%} of {len(pictures)}, "
                f"{np.median(spent):6.1f} ms median, {max(spent):6.1f} ms at most",
                flush=True,
            )


if __name__ == "__main__":
    main()
