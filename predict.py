"""A picture becomes a reading: its digits, how sure each one is, and where it stands.

python predict.py sketch.png photos/                    one line a picture
python predict.py --json photos/ > out.jsonl            one JSON object a line
python predict.py --on ray --resume out.jsonl photos/   on all cores, or a cluster; go on if ended
"""

import argparse
import json
import sys
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from tqdm import tqdm

from inkling.datasets.image_folder import pictures_in, say_passed_over
from inkling.recognition.checkpoint import CHECKPOINT, CheckpointError
from inkling.recognition.reader import Reader
from inkling.recognition.reading import Reading
from inkling.terminal import INSTALL_RAY, printable, run, some_of

__all__ = ["Reader", "Reading"]  # for programs: `from predict import Reader`
LINE_START = b'{"file": "'  # bytes: by them an unfinished line is known as ours


def parse_arguments() -> argparse.Namespace:
    """Return what was asked for on the command line."""
    parser = argparse.ArgumentParser(
        description="Read the handwritten digit in each picture.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="FILE_OR_FOLDER")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="network to read with")
    parser.add_argument(
        "--on", metavar="ray|ray://HOST:PORT", help="read on every core of a machine or a cluster"
    )
    parser.add_argument(
        "--unordered", action="store_true", help="with --on: first read, first told"
    )
    parser.add_argument(
        "--resume", type=Path, metavar="FILE", help="write JSON to a file, after what it holds"
    )
    options = parser.parse_args()
    if options.unordered and not options.on:
        parser.error("--unordered needs --on ray")
    return options


def read_here(paths: list[Path], checkpoint: Path) -> Iterator[tuple[Path, Reading]]:
    """Yield paths with their readings, read one after another."""
    reader = Reader.load(checkpoint)
    return ((path, reader.read_file(path)) for path in paths)


def read_on_ray(
    paths: list[Path], checkpoint: Path, address: str, ordered: bool
) -> Iterator[tuple[Path, Reading]]:
    """Yield paths with their readings, read by processes of a Ray cluster; exit without one."""
    try:
        from inkling.scale.pictures import read_files
        from inkling.scale.serving import join
    except ImportError:
        sys.exit(f"--on ray needs Ray: {INSTALL_RAY}")
    Reader.load(checkpoint)  # reports here what is wrong with it
    join(address)
    return read_files(paths, checkpoint, ordered)


def format_line(path: Path, reading: Reading, as_json: bool) -> str:
    """Return a reading as one line, for a program or a person."""
    if as_json:
        return json.dumps({"file": str(path)} | reading.as_dict())
    sure = " ".join(f"{digit.confidence:.1%}" for digit in reading.digits)
    return f"{printable(path)}: {reading.text} {sure} {reading.remark}".rstrip()


def open_to_resume(path: Path) -> tuple[TextIO, set[str]]:
    """Open a file of JSON lines to append to; return it and the "file" of each line.

    An unfinished last line, as a killed process leaves it, is removed. Raises `OSError`, and exits
    if the file holds anything else; it stays as it is then.
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
    """Read the pictures named on the command line; the status is 1 if one cannot be read."""
    options = parse_arguments()
    out: TextIO = sys.stdout
    paths, passed_over = pictures_in(options.paths)
    if options.resume:
        out, done = open_to_resume(options.resume)
        paths = [path for path in paths if str(path) not in done]
    try:
        if options.on:
            readings = read_on_ray(paths, options.checkpoint, options.on, not options.unordered)
        else:
            readings = read_here(paths, options.checkpoint)
    except FileNotFoundError:
        sys.exit(
            f"There is no checkpoint {options.checkpoint}: make one by python train.py --quick"
        )
    except (CheckpointError, OSError) as error:
        sys.exit(f"The checkpoint {options.checkpoint} cannot be used: {error}")
    say_passed_over(passed_over)
    if not paths and not options.resume:
        sys.exit(f"Nothing was read: there is no picture in {some_of(options.paths)}.")
    failed = False
    with tqdm(total=len(paths), unit="picture", disable=None, leave=False) as bar:
        for path, reading in readings:
            failed |= bool(reading.error)
            bar.update()
            line = format_line(path, reading, options.json or bool(options.resume))
            tqdm.write(line, out)  # above the bar, if both are seen in one terminal
            out.flush()
    return int(failed)


if __name__ == "__main__":
    run(main)
