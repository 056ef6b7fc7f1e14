"""Read the page's changes to another digit with readers that took no part in the search.

    python train.py --quick --seed 1 --checkpoint judge.safetensors
    pip install -r bench/requirements-peers.txt
    python -m bench.changes --judge judge.safetensors [--count 180] [--folder PICTURES]

Each drawing is changed to a random other digit. The judges are another training and RapidOCR's
recogniser. They read the framed glyph before the change and after it. Constants of the search are
chosen on UJI pen characters (`--kind "UJI pen characters"`), not on the kinds that are the default.
"""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from bench.held_out import load_kinds
from bench.peers import load_rapidocr
from inkling.explanation.counterfactual import counterfactual
from inkling.recognition.reader import Reader
from inkling.ui.images import draw_change
from inkling.ui.uncertainty import load_paths
from support.digit_pictures import draw_picture

JUDGED_KINDS = ("held-out handwriting", "UCI pen digits")
SEED = 7  # of the wanted digits
VISIBLE_CHANGE = 0.3  # of a pixel, 0 to 1


def count_parts(difference: np.ndarray) -> int:
    """Return the number of separate parts of a difference (28, 28)."""
    return cv2.connectedComponents((difference > VISIBLE_CHANGE).astype(np.uint8))[0] - 1


def main() -> None:
    """Print a paragraph for each kind of drawing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--judge", type=Path, required=True, help="checkpoint of another training")
    parser.add_argument("--kind", action="append", help="kind of drawing; see bench.held_out")
    parser.add_argument("--count", type=int, default=180, help="changes of each kind")
    parser.add_argument("--folder", type=Path, help="write a picture of each change to it")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    reader, judge, (read_text, _) = Reader.load(), Reader.load(options.judge), load_rapidocr()
    readers = (
        lambda ink: judge.read(Image.fromarray(draw_picture(ink))).text,
        lambda ink: read_text(Image.fromarray(draw_picture(ink))),
    )
    kinds = load_kinds()
    for kind in options.kind or JUDGED_KINDS:
        rng, rows, known = np.random.default_rng(SEED), [], []
        for k in rng.permutation(len(kinds[kind]))[: options.count]:
            label, picture = int(kinds[kind][k][0]), kinds[kind][k][1]
            digit = (label + int(rng.integers(1, 10))) % 10
            ink = reader.read(picture).glyphs[0].ink
            known.append([read(ink) == str(label) for read in readers])
            start = time.process_time()
            change = counterfactual(reader.model, ink, digit, load_paths(digit))
            elapsed_ms = 1000 * (time.process_time() - start)
            if change is None:
                continue
            difference = change.ink - ink
            right = [read(change.ink) == str(digit) for read in readers]
            parts = count_parts(difference) + count_parts(-difference)
            area = np.abs(difference).sum() / ink.sum()
            rows.append([*right, len(change.edits), parts, area, elapsed_ms])
            if options.folder:
                name = f"{label}-{digit}-{k}-{''.join('x.'[r] for r in right)}.png"
                options.folder.mkdir(parents=True, exist_ok=True)
                draw_change(ink, change.ink).resize((224, 224)).save(options.folder / name)
        network, text, strokes, parts, area, elapsed = np.array(rows, float).T
        print(
            f"{kind}: {len(rows)} of {len(known)} drawings changed\n"
            f"  read as the wanted digit: other training {network.mean():.1%}, "
            f"RapidOCR {text.mean():.1%} (unchanged as their own: "
            f"{', '.join(f'{share:.1%}' for share in np.mean(known, axis=0))})\n"
            f"  strokes {np.median(strokes):.0f} (mean {strokes.mean():.2f}), separate parts "
            f"{np.median(parts):.0f} (mean {parts.mean():.2f}), ink changed "
            f"{np.median(area):.0%} of the drawing's, {np.median(elapsed):.0f} ms "
            f"(95 % within {np.quantile(elapsed, 0.95):.0f} ms)",
            flush=True,
        )


if __name__ == "__main__":
    main()
