"""Train a network on MNIST and drawn digits, and write its checkpoint.

python train.py               the default recipe: the best network, in minutes on two cores
python train.py --quick       the recipe of the first run: at most a minute on two idle cores
python train.py --data mnist  MNIST alone; --size small: a smaller network
python train.py --add FOLDER  also use your own pictures, in subfolders named 0 to 9
"""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    # Before PyTorch is loaded: beside a busy process, training takes twice as long with threads
    # that spin while they wait.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from inkling.datasets.image_folder import load_labelled_digits
from inkling.recognition.checkpoint import CHECKPOINT
from inkling.recognition.ink_finder import find_ink
from inkling.terminal import make_parser, printable, run
from inkling.training.build_checkpoint import TrainingBar, check_writable, make_checkpoint
from inkling.training.recipes import DATA_LEVELS, DEFAULT, QUICK, SIZES


def main() -> None:
    """Train a new checkpoint."""
    parser = make_parser("Train Inkling's network on MNIST, and write its checkpoint.")
    add, own = parser.add_argument, "also train on your own pictures, in subfolders 0 to 9"
    add("--quick", action="store_true", help="use the quick recipe")
    add(
        "--data",
        choices=[*DATA_LEVELS][:3],
        default="all",
        help="MNIST alone, with other hands, or all",
    )
    add("--size", type=int, choices=SIZES, default=0, help="weights; default: the recipe's")
    add("--epochs", type=float, help="passes over MNIST; default: the recipe's")
    add("--add", type=Path, metavar="FOLDER", help=own)
    add("--seed", type=int, default=0, help="random seed")
    add("--checkpoint", type=Path, default=CHECKPOINT, help="file to write")
    options = parser.parse_args()
    if options.epochs is not None and not options.epochs > 0:
        parser.error("--epochs must be more than 0")
    if options.checkpoint.is_dir():
        parser.error("--checkpoint must be a file, and this is a folder")
    recipe = QUICK if options.quick else DEFAULT
    recipe = recipe.choose(options.data, options.size, options.epochs)
    added = load_labelled_digits(options.add, find_ink) if options.add else None
    try:
        check_writable(options.checkpoint)
        made = make_checkpoint(options.checkpoint, recipe, options.seed, TrainingBar(), added)
    except KeyboardInterrupt:
        sys.exit("\nStopped; no checkpoint was written.")
    except BrokenPipeError:  # of the progress bar
        raise
    except OSError as error:
        sys.exit(f"{options.checkpoint}: {error}")
    seconds = made["history"][-1]["seconds"]
    print(
        f"{printable(options.checkpoint)}: {made['figures']['mnist_test']:.2%} of MNIST's 10,000 "
        f"test images, learned in {seconds:.0f} s"
    )


if __name__ == "__main__":
    run(main)
