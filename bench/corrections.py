"""Correct the first digits that the reader misreads of each writer, and count what that changes.

    python -m bench.corrections --pictures FOLDER [--checkpoint PATH] [--corrections N]

The pictures are FOLDER/WRITER/DIGIT/*.png, each with one digit, named in the order in which they
were drawn. A writer's lessons are the first N pictures that are read wrong, or as no digit. Errors
are counted in the writer's other pictures, and in all of the other writers', who share the screen.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from inkling.datasets.image_folder import find_labelled_pictures
from inkling.recognition.checkpoint import CHECKPOINT
from inkling.recognition.corrections import Corrections, apply_corrections
from inkling.recognition.reader import Reader
from inkling.recognition.reading import Reading
from model import DigitCNN


class Sample(NamedTuple):
    """One picture, read without lessons."""

    label: int
    reading: Reading


def read_writer(folder: Path, reader: Reader) -> list[Sample]:
    """Read a writer's pictures in the order in which they were drawn."""
    pictures = sorted(find_labelled_pictures(folder), key=lambda picture: picture[1].name)
    return [Sample(label, reader.read_file(file)) for label, file in pictures]


def is_wrong(sample: Sample) -> bool:
    """Tell whether a picture is read as anything but its digit."""
    return sample.reading.text != str(sample.label)


def first_corrections(samples: list[Sample], count: int) -> list[int]:
    """Return the places of the first misread pictures in which one glyph was found."""
    wrong = [k for k, s in enumerate(samples) if is_wrong(s) and len(s.reading.digits) == 1]
    return wrong[:count]


def errors(samples: list[Sample], lessons: Corrections, model: DigitCNN) -> tuple[int, int]:
    """Count what is misread without the lessons, and with them."""
    taught = [s._replace(reading=apply_corrections(s.reading, lessons, model)) for s in samples]
    return sum(map(is_wrong, samples)), sum(map(is_wrong, taught))


def main() -> None:
    """Print a row for each writer who has something to correct, and the sums."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, required=True, help="FOLDER/WRITER/DIGIT/*.png")
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    parser.add_argument("--corrections", type=int, default=5, help="the most for one writer")
    options = parser.parse_args()
    reader = Reader.load(options.checkpoint)
    folders = sorted(path for path in options.pictures.iterdir() if path.is_dir())
    writers = {f.name: read_writer(f, reader) for f in tqdm(folders, unit="writer", disable=None)}
    count = sum(map(len, writers.values()))
    wrong = sum(map(is_wrong, (s for samples in writers.values() for s in samples)))
    print(f"{count:,} pictures by {len(writers)} writers, {wrong} misread without lessons\n")
    print(f"{'':8s} {'corrected':>9s}   {'errors in the rest':>20s}   {'errors of others':>20s}")
    print(f"{'writer':8s} {'':9s}   {'before':>10s} {'after':>9s}   {'before':>10s} {'after':>9s}")
    sums = [0, 0, 0, 0, 0]
    for name, samples in writers.items():
        corrected = first_corrections(samples, options.corrections)
        if not corrected:
            continue
        lessons = Corrections()
        for k in corrected:
            lessons = lessons.add(samples[k].reading.glyphs[0].ink, samples[k].label)
        rest = [s for k, s in enumerate(samples) if k not in corrected]
        others = [s for other in writers if other != name for s in writers[other]]
        before, after = errors(rest, lessons, reader.model)
        row = len(corrected), before, after, *errors(others, lessons, reader.model)
        sums = [total + value for total, value in zip(sums, row, strict=True)]
        print_row(name, *row)
    print_row("all", *sums)


def print_row(name: str, lessons: int, before: int, after: int, *others: int) -> None:
    """Print a row of the table."""
    print(f"{name:8s} {lessons:9d}   {before:10d} {after:9d}   {others[0]:10d} {others[1]:9d}")


if __name__ == "__main__":
    main()
