"""A picture becomes a reading: its digits, how sure each one is, and where it stands.

python predict.py sketch.png photos/          one line a picture
python predict.py --json photos/ > out.jsonl  one JSON object a line
"""

import argparse
import json
import sys
from pathlib import Path

from tqdm import tqdm

from inkling.datasets.image_folder import pictures_in, say_passed_over
from inkling.recognition.checkpoint import CHECKPOINT, CheckpointError
from inkling.recognition.reader import Reader
from inkling.recognition.reading import Reading
from inkling.terminal import printable, run, some_of

__all__ = ["Reader", "Reading"]  # for programs: `from predict import Reader`


def main() -> int:
    """Read the pictures named on the command line; the status is 1 if one cannot be read."""
    parser = argparse.ArgumentParser(
        description="Read the handwritten digit in each picture.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="FILE_OR_FOLDER")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="network to read with")
    options = parser.parse_args()
    try:
        reader = Reader.load(options.checkpoint)
    except FileNotFoundError:
        sys.exit(
            f"There is no checkpoint {options.checkpoint}: make one by python train.py --quick"
        )
    except (CheckpointError, OSError) as error:
        sys.exit(f"The checkpoint {options.checkpoint} cannot be used: {error}")
    paths, passed_over = pictures_in(options.paths)
    say_passed_over(passed_over)
    if not paths:
        sys.exit(f"Nothing was read: there is no picture in {some_of(options.paths)}.")
    failed = False
    with tqdm(total=len(paths), unit="picture", disable=None, leave=False) as bar:
        for path, reading in ((path, reader.read_file(path)) for path in paths):
            failed |= bool(reading.error)
            bar.update()
            if options.json:
                line = json.dumps({"file": str(path), **reading.as_dict()})
            else:
                sure = " ".join(f"{d.confidence:.1%}" for d in reading.digits)
                line = f"{printable(path)}: {reading.text} {sure} {reading.remark}".rstrip()
            tqdm.write(line, sys.stdout)  # above the bar, if both are seen in one terminal
            sys.stdout.flush()
    return int(failed)


if __name__ == "__main__":
    run(main)
