"""Correct a writer's first misread digits, and print how the errors change.

    python -m bench.corrections --pictures FOLDER [--corrections N]

The pictures are FOLDER/WRITER/DIGIT/*.png, named in the order in which they were drawn. The first N
pictures of a writer that are misread or refused are corrected. Errors are counted in the writer's
other pictures, and in those of all other writers, as if they shared a page. With fewer than some
hundred pictures a writer, too few are misread.
"""

import argparse
from pathlib import Path

import numpy as np
from tqdm import tqdm

from inkling.datasets.image_folder import find_labelled_pictures
from inkling.recognition.corrections import Corrections, apply_corrections
from inkling.recognition.reader import Reader
from inkling.recognition.reading import Reading
from model import DigitCNN

Sample = tuple[int, Reading]  # label, reading without corrections


def read_writer(folder: Path, reader: Reader) -> list[Sample]:
    """Read a writer's pictures in the order in which they were drawn."""
    pictures = sorted(find_labelled_pictures(folder), key=lambda picture: picture[1].name)
    return [(label, reader.read_file(file)) for label, file in pictures]


def count_errors(samples: list[Sample], corrections: Corrections, model: DigitCNN) -> np.ndarray:
    """Return the numbers of misread or refused pictures without and with the corrections."""
    readings = [(reading, apply_corrections(reading, corrections, model)) for _, reading in samples]
    pairs = zip(samples, readings, strict=True)
    wrong = [[one.text != str(label) for one in both] for (label, _), both in pairs]
    return np.sum(np.reshape(wrong, (-1, 2)), axis=0)


def main() -> None:
    """Print a row for each writer with an error, and the sums."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, required=True, help="FOLDER/WRITER/DIGIT/*.png")
    parser.add_argument("--corrections", type=int, default=5, help="maximum for one writer")
    options = parser.parse_args()
    reader = Reader.load()
    folders = sorted(path for path in options.pictures.iterdir() if path.is_dir())
    writers = {f.name: read_writer(f, reader) for f in tqdm(folders, unit="writer", disable=None)}
    print("writer   corrected   errors in the rest   errors of other writers")
    sums = np.zeros(5, int)
    for name, samples in writers.items():
        wrong = [k for k, (label, r) in enumerate(samples) if r.text != str(label)]
        corrected = [k for k in wrong if len(samples[k][1].digits) == 1][: options.corrections]
        if not corrected:
            continue
        corrections = Corrections()
        for label, reading in (samples[k] for k in corrected):
            corrections = corrections.add(reading.glyphs[0].ink, label)
        rest = [sample for k, sample in enumerate(samples) if k not in corrected]
        others = [s for other in writers if other != name for s in writers[other]]
        errors = [count_errors(part, corrections, reader.model) for part in (rest, others)]
        row = np.array([len(corrected), *np.concatenate(errors)])
        sums += row
        print_row(name, *row)
    print_row("all", *sums)


def print_row(name: str, corrected: int, *errors: int) -> None:
    """Print a row of the table: errors before and after, in the rest and of other writers."""
    rest, others = (f"{before:9d} -> {after:5d}" for before, after in (errors[:2], errors[2:]))
    print(f"{name:8s} {corrected:9d}   {rest}      {others}", flush=True)


if __name__ == "__main__":
    main()
