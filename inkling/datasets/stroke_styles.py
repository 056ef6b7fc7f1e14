"""The ways in which people write the ten digits, read from `stroke_styles.txt`, a line each."""

import re
from pathlib import Path


def parse_styles(path: Path) -> dict[int, dict[str, str]]:
    """Return the styles of each digit in a file, by name: the path of the pen."""
    styles: dict[int, dict[str, str]] = {digit: {} for digit in range(10)}
    for line in path.read_text("utf-8").splitlines():
        if style := re.fullmatch(r"(\d) ([^:]+): (.+)", line):
            styles[int(style[1])][style[2]] = style[3]
    return styles


STYLES = parse_styles(Path(__file__).with_suffix(".txt"))
