"""Load the digits of other writers in `data/other_writers`, which are for measuring only."""

import gzip
import json
from pathlib import Path

import numpy as np
from PIL import Image

from inkling.imaging.sketch import Sketch
from support.virtual_users import to_pad_payload

OTHER_WRITERS = Path(__file__).parent.parent / "data" / "other_writers"
UJI_TILE_PX = 112


def load_pen_strokes() -> list[tuple[int, list[np.ndarray]]]:
    """Return labels and strokes, each (N, 2), of 1,000 of UCI's pen digits."""
    with gzip.open(OTHER_WRITERS / "pen-digits.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [(row["label"], [np.array(line, float) for line in row["strokes"]]) for row in rows]


def load_pen_digits() -> list[tuple[int, Image.Image]]:
    """Return labels and pictures, as of the page's pad, of 1,000 of UCI's pen digits."""
    return [
        (label, Sketch.from_json(to_pad_payload(strokes)).picture())
        for label, strokes in load_pen_strokes()
    ]


def load_uji_digits() -> list[tuple[int, np.ndarray]]:
    """Return labels and pictures (H, W) uint8 of 600 digits of UJI Pen Characters."""
    sheet = np.asarray(Image.open(OTHER_WRITERS / "uji-characters.png").convert("L"))
    rows = [np.hsplit(row, sheet.shape[1] // UJI_TILE_PX) for row in np.vsplit(sheet, 10)]
    return [(label, tile) for label, row in enumerate(rows) for tile in row]
