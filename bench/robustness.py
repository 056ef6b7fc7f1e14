"""Print the share of single digits read right, by size, position, rotation, pen and look.

    python -m bench.robustness

Digits on sheets of 280 x 280 px: MNIST's test digits, and drawn digits for the widths of the pen.
"""

import argparse

import numpy as np

from inkling.datasets.mnist import load_mnist
from inkling.recognition.reader import Reader
from support.digit_pictures import make_difficulties


def main() -> None:
    """Print a paragraph for each difficulty."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    reader = Reader.load()
    for name, levels in make_difficulties(load_mnist().test).items():
        print(name)
        for level, pictures in levels.items():
            labels, arrays = zip(*pictures, strict=True)
            texts = [reading.text for reading in reader.read_many(arrays)]
            right = np.mean([t == str(k) for t, k in zip(texts, labels, strict=True)])
            print(f"  {level!s:>20s} {right:6.1%}", flush=True)


if __name__ == "__main__":
    main()
