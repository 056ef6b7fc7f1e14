"""Other people's strokes: digits of handwriting fonts, and characters that are no digits.

They are read from `data/hands/strokes.txt`, which says where each is from. A fifth of the families
of handwriting fonts, with all that they write, and a fifth of the other scripts are held out: no
training sees them, and `evaluate.py` reads them.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

STROKES = Path(__file__).parents[2] / "data" / "hands" / "strokes.txt"
DIGITS = "digits"  # the script of 0 to 9
BY_FAMILY = (DIGITS, "latin", "greek", "cyrillic", "symbols")  # scripts that handwriting fonts have
HELD_OUT_ONE_IN, HELD_OUT_REST = 5, 4  # groups whose checksum leaves this rest: a good fifth


class Character(NamedTuple):
    """A character as a family of fonts has it."""

    script: str
    family: str
    name: str  # the character itself
    path: str  # of its pen: see `stroke_styles.txt`

    @property
    def held_out(self) -> bool:
        """Whether no training sees it, nor any other of its family, or of its script.

        Families go by their first word, since those of one maker may be one hand in two widths.
        """
        group = self.family.split("-")[0] if self.script in BY_FAMILY else self.script
        return crc32(group.encode()) % HELD_OUT_ONE_IN == HELD_OUT_REST


@cache
def all_characters() -> tuple[Character, ...]:
    """Read the file."""
    lines = STROKES.read_text("utf-8").splitlines()
    return tuple(Character(*line.split("\t")) for line in lines if not line.startswith("#"))


@cache
def font_digits(held_out: bool = False) -> dict[int, list[str]]:
    """Return the paths of each digit, of the families held out or of the others."""
    found: dict[int, list[str]] = {digit: [] for digit in range(10)}
    for character in all_characters():
        if character.script == DIGITS and character.held_out == held_out:
            found[int(character.name)].append(character.path)
    return found


@cache
def characters(held_out: bool = False) -> dict[str, list[Character]]:
    """Return the characters of each script that are no digits, those held out or the others."""
    found: dict[str, list[Character]] = {}
    for character in all_characters():
        if character.script != DIGITS and character.held_out == held_out:
            found.setdefault(character.script, []).append(character)
    return found
