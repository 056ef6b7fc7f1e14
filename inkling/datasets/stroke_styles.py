"""Parse the styles of the ten digits in `stroke_styles.txt`, one a line."""

import re
from pathlib import Path


def parse_styles(path: Path) -> dict[int, dict[str, str]]:
    """Return the pen paths of each digit in a file, by style name."""
    styles: dict[int, dict[str, str]] = {digit: {} for digit in range(10)}
    for line in path.read_text("utf-8").splitlines():
        if style := re.fullmatch(r"(\d) ([^:]+): (.+)", line):
            styles[int(style[1])][style[2]] = style[3]
    return styles


STROKE_STYLES = parse_styles(Path(__file__).with_suffix(".txt"))
