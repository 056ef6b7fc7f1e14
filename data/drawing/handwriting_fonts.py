"""Pen strokes traced from handwriting fonts and other scripts, with a held-out split.

`data/hands/strokes.txt` holds the strokes and their sources. Held out from training are a fifth of
the families of handwriting fonts, with all their characters, and a fifth of the other scripts.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

STROKES_FILE = Path(__file__).parents[1] / "hands" / "strokes.txt"
DIGIT_SCRIPT = "digits"  # 0 to 9
FONT_SCRIPTS = (DIGIT_SCRIPT, "latin", "greek", "cyrillic", "symbols")  # of handwriting fonts
HELD_OUT_MODULUS, HELD_OUT_REMAINDER = 5, 4  # of a group's checksum: a good fifth is held out


class Character(NamedTuple):
    """A character as a family of fonts writes it."""

    script: str
    family: str
    name: str  # the character itself
    path: str  # of its pen: see `stroke_styles.txt`

    @property
    def is_held_out(self) -> bool:
        """Whether its script or family, by the maker's first word, is excluded from training."""
        group = self.family.split("-")[0] if self.script in FONT_SCRIPTS else self.script
        return crc32(group.encode()) % HELD_OUT_MODULUS == HELD_OUT_REMAINDER


@cache
def load_characters() -> tuple[Character, ...]:
    """Parse the file."""
    lines = STROKES_FILE.read_text("utf-8").splitlines()
    return tuple(Character(*line.split("\t")) for line in lines if not line.startswith("#"))


@cache
def select_digit_paths(held_out: bool = False) -> dict[int, list[str]]:
    """Return the pen paths of each digit, from the training families or the held-out ones."""
    paths: dict[int, list[str]] = {digit: [] for digit in range(10)}
    for character in load_characters():
        if character.script == DIGIT_SCRIPT and character.is_held_out == held_out:
            paths[int(character.name)].append(character.path)
    return paths


@cache
def select_characters(held_out: bool = False) -> dict[str, list[Character]]:
    """Return the non-digit characters of each script, for training or held out."""
    by_script: dict[str, list[Character]] = {}
    for character in load_characters():
        if character.script != DIGIT_SCRIPT and character.is_held_out == held_out:
            by_script.setdefault(character.script, []).append(character)
    return by_script
