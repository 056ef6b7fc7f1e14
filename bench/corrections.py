"""Correct a writer's first misread digits, and print how the errors change.

    python -m bench.corrections --pictures FOLDER [--checkpoint PATH] [--corrections N]

The pictures are FOLDER/WRITER/DIGIT/*.png, named in the order in which they were drawn. The first N
pictures of a writer that are misread or refused are corrected. Errors are counted in the writer's
other pictures, and in those of all other writers, as if they shared a page. With fewer than some
hundred pictures a writer, too few are misread.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from inkling.datasets.image_folder import find_labelled_pictures
from inkling.recognition.checkpoint import CHECKPOINT
from inkling.recognition.corrections import Corrections, apply_corrections
from inkling.recognition.reader import Reader
from inkling.recognition.reading import Reading
from model import DigitCNN


class Sample(NamedTuple):
    """One picture, read without corrections."""

    label: int
    reading: Reading


def read_writer(folder: Path, reader: Reader) -> list[Sample]:
    """Read a writer's pictures in the order in which they were drawn."""
    pictures = sorted(find_labelled_pictures(folder), key=lambda picture: picture[1].name)
    return [Sample(label, reader.read_file(file)) for label, file in pictures]


def is_wrong(sample: Sample) -> bool:
    """Return whether a picture is misread or refused."""
    return sample.reading.text != str(sample.label)


def count_errors(
    samples: list[Sample], corrections: Corrections, model: DigitCNN
) -> tuple[int, int]:
    """Count the errors without and with the corrections."""
    adapted = [
        s._replace(reading=apply_corrections(s.reading, corrections, model)) for s in samples
    ]
    return sum(map(is_wrong, samples)), sum(map(is_wrong, adapted))


def main() -> None:
    """Print a row for each writer with an error, and the sums."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, required=True, help="FOLDER/WRITER/DIGIT/*.png")
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    parser.add_argument("--corrections", type=int, default=5, help="maximum for one writer")
    options = parser.parse_args()
    reader = Reader.load(options.checkpoint)
    folders = sorted(path for path in options.pictures.iterdir() if path.is_dir())
    writers = {f.name: read_writer(f, reader) for f in tqdm(folders, unit="writer", disable=None)}
    print("writer   corrected   errors in the rest   errors of other writers")
    rows = []
    for name, samples in writers.items():
        wrong = [k for k, s in enumerate(samples) if is_wrong(s) and len(s.reading.digits) == 1]
        if not (corrected := wrong[: options.corrections]):
            continue
        corrections = Corrections()
        for k in corrected:
            corrections = corrections.add(samples[k].reading.glyphs[0].ink, samples[k].label)
        rest = [s for k, s in enumerate(samples) if k not in corrected]
        others = [s for other in writers if other != name for s in writers[other]]
        row = (len(corrected), *count_errors(rest, corrections, reader.model))
        rows.append((*row, *count_errors(others, corrections, reader.model)))
        print_row(name, *rows[-1])
    print_row("all", *np.sum(rows, axis=0) if rows else (0,) * 5)


def print_row(name: str, corrected: int, *errors: int) -> None:
    """Print a row of the table: errors before and after, in the rest and of other writers."""
    before, after, others_before, others_after = errors
    print(
        f"{name:8s} {corrected:9d}   {before:9d} -> {after:5d}   {others_before:12d} -> "
        f"{others_after:8d}",
        flush=True,
    )


if __name__ == "__main__":
    main()
