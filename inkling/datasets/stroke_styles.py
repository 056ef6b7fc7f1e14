"""The ways in which people write the ten digits, read from `stroke_styles.txt`, a line each."""

import re
from pathlib import Path

STYLES: dict[int, dict[str, str]] = {digit: {} for digit in range(10)}  # name: path of the pen
for line in Path(__file__).with_suffix(".txt").read_text("utf-8").splitlines():
    if style := re.fullmatch(r"(\d) ([^:]+): (.+)", line):
        STYLES[int(style[1])][style[2]] = style[3]
