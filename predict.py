"""Read pictures: their digits, with confidence and position.

python predict.py sketch.png photos/                    one line a picture
python predict.py --json photos/ > out.jsonl            one JSON object a line
python predict.py --on ray --resume out.jsonl photos/   on all cores or a cluster; resumable
"""

import argparse
import json
import sys
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from tqdm import tqdm

from inkling.datasets.image_folder import list_pictures, report_skipped
from inkling.recognition.checkpoint import CHECKPOINT
from inkling.recognition.reader import Reader
from inkling.recognition.reading import Reading
from inkling.scale import require_ray
from inkling.terminal import join_first, make_parser, printable, run

__all__ = ["Reader", "Reading"]  # for programs: `from predict import Reader`
LINE_START = b'{"file": "'  # of each JSON line: identifies an unfinished one


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = make_parser("Read the handwritten digit in each picture.")
    add = parser.add_argument
    add("paths", nargs="+", type=Path, metavar="FILE_OR_FOLDER")
    add("--json", action="store_true", help="print one JSON object a line")
    add("--checkpoint", type=Path, default=CHECKPOINT, help="network to read with")
    add("--on", metavar="ray|ray://HOST:PORT", help="read on every core of a machine or a cluster")
    add("--unordered", action="store_true", help="with --on: print readings as they complete")
    add("--resume", type=Path, metavar="FILE", help="append JSON to a file; skip its pictures")
    options = parser.parse_args()
    if options.unordered and not options.on:
        parser.error("--unordered needs --on ray")
    return options


def read_on_ray(
    paths: list[Path], checkpoint: Path, address: str, ordered: bool
) -> Iterator[tuple[Path, Reading]]:
    """Yield paths with their readings, read in a Ray cluster; exit if there is none."""
    require_ray("--on")
    from inkling.scale.pictures import read_files
    from inkling.scale.serving import join

    Reader.load(checkpoint)  # raises its error in this process
    join(address)
    return read_files(paths, checkpoint, ordered)


def format_reading(path: Path, reading: Reading, as_json: bool) -> str:
    """Return a reading as one line of JSON or text."""
    if as_json:
        return json.dumps({"file": str(path)} | reading.as_dict())
    confidences = " ".join(f"{digit.confidence:.1%}" for digit in reading.digits)
    return f"{printable(path)}: {reading.text} {confidences} {reading.note_or_error}".rstrip()


def open_for_resume(path: Path) -> tuple[TextIO, set[str]]:
    """Open a file of JSON lines for appending; return it and the "file" of each line.

    Remove an unfinished last line. Raises `OSError`, and exits if the file holds anything else.
    """
    file = path.open("a+b")
    file.seek(0)
    content = file.read()
    size = content.rfind(b"\n") + 1
    try:
        if not LINE_START.startswith(content[size:][: len(LINE_START)]):
            raise ValueError
        done = {json.loads(line.decode())["file"] for line in content[:size].splitlines()}
    except (ValueError, LookupError, TypeError):
        sys.exit(f"{path} holds something else than readings as JSON in UTF-8: name another file.")
    file.truncate(size)
    return TextIOWrapper(file, "utf-8", newline="\n"), done


def main() -> int:
    """Read the pictures of the command line; return status 1 if one cannot be read."""
    options = parse_arguments()
    out: TextIO = sys.stdout
    paths, skipped = list_pictures(options.paths)
    if options.resume:
        out, done = open_for_resume(options.resume)
        paths = [path for path in paths if str(path) not in done]
    if options.on:
        readings = read_on_ray(paths, options.checkpoint, options.on, not options.unordered)
    else:
        reader = Reader.load(options.checkpoint)
        readings = ((path, reader.read_file(path)) for path in paths)
    report_skipped(skipped)
    if not paths and not options.resume:
        sys.exit(f"Nothing was read: there is no picture in {join_first(options.paths)}.")
    failed = False
    with tqdm(total=len(paths), unit="picture", disable=None, leave=False) as bar:
        for path, reading in readings:
            failed |= bool(reading.error)
            bar.update()
            line = format_reading(path, reading, options.json or bool(options.resume))
            tqdm.write(line, out)  # above the progress bar
            out.flush()
    return int(failed)


if __name__ == "__main__":
    run(main)
