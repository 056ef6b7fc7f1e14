"""MNIST and drawn digits become a checkpoint: a calibrated network that knows how it was made.

python train.py               the default recipe: minutes on two cores, and the best
python train.py --quick       the recipe of the first run: a minute at most, on two idle cores
python train.py --add FOLDER  also from your own pictures, in subfolders named 0 to 9
"""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

if __name__ == "__main__":
    # before PyTorch is loaded: beside a busy process, threads that spin while they wait for one
    # that is not running take twice as long as threads that sleep
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from inkling.datasets.image_folder import labelled_digits
from inkling.datasets.mnist import DataError
from inkling.recognition.checkpoint import CHECKPOINT, CheckpointError
from inkling.recognition.ink_finder import find_ink
from inkling.terminal import printable, run
from inkling.training.build_checkpoint import TrainingBar, check_place, make_checkpoint
from inkling.training.recipes import DEFAULT, QUICK


def main() -> None:
    """Train a new checkpoint."""
    parser = argparse.ArgumentParser(
        description="Train Inkling's network on MNIST, and write its checkpoint.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="use the recipe of the first run")
    parser.add_argument("--epochs", type=float, help="passes over MNIST, instead of the recipe's")
    parser.add_argument(
        "--add",
        type=Path,
        metavar="FOLDER",
        help="learn from your own pictures as well, in subfolders 0 to 9",
    )
    parser.add_argument("--seed", type=int, default=0, help="where all randomness starts")
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="file to write")
    options = parser.parse_args()
    if options.epochs is not None and not options.epochs > 0:
        parser.error("--epochs must be more than 0")
    if options.checkpoint.is_dir():
        parser.error("--checkpoint must be a file, and this is a folder")
    recipe = QUICK if options.quick else DEFAULT
    if options.epochs is not None:
        recipe = replace(
            recipe, name=f"{recipe.name}, {options.epochs:g} epochs", epochs=options.epochs
        )
    try:
        added = labelled_digits(options.add, find_ink) if options.add else None
    except BrokenPipeError:  # of what is left out
        raise
    except OSError as error:
        sys.exit(str(error))
    try:
        check_place(options.checkpoint)
        made = make_checkpoint(options.checkpoint, recipe, options.seed, TrainingBar(), added)
    except KeyboardInterrupt:
        sys.exit("\nStopped; no checkpoint was written.")
    except BrokenPipeError:  # of the progress bar
        raise
    except (CheckpointError, DataError, OSError) as error:
        sys.exit(f"{options.checkpoint}: {error}")
    seconds = made["history"][-1]["seconds"]
    print(
        f"{printable(options.checkpoint)}: {made['figures']['mnist_test']:.2%} of MNIST's 10,000 "
        f"test images, learned in {seconds:.0f} s"
    )


if __name__ == "__main__":
    run(main)
