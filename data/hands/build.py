# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "fonttools>=4.50,<5", "networkx>=3.2,<4", "numpy>=1.26,<3",
#     "opencv-python-headless>=4.9,<6", "pillow>=10.2,<14", "scikit-image>=0.22,<1",
#     "scipy>=1.11,<2", "sknw>=0.15,<1", "svgelements>=1.9,<2",
# ]
# ///
"""Trace the characters of open handwriting fonts; write strokes.txt and NOTICES.txt.

python data/hands/build.py                  both files; needs npm, pip and the libraries above
python data/hands/build.py --sheet FOLDER   contact sheets of strokes.txt

`sources.txt` lists the packages; `lookalikes.txt` and `unreadable.txt` list excluded characters.
"""

import argparse
import io
import json
import re
import sys
from itertools import groupby
from pathlib import Path

import numpy as np
from characters import (
    DATA_DIR,
    MAX_SCRIPT_CHARACTERS,
    MAX_SHARING_FAMILIES,
    PLOTTER_FONTS,
    Source,
    load_sources,
    read_kanji,
    read_plotter_fonts,
    read_table,
    trace_font,
)
from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw

SHEET_ROWS, SHEET_COLUMNS = 20, 20  # of contact sheets
CHARACTER_TILE_PX, LABEL_PX = 72, 14  # the tile includes the label
STROKE_GRAYS = (0, 80, 130)  # of successive strokes
NOTICES_HEAD = """\
strokes.txt is made from these packages (sources.txt), by tracing their characters (build.py).
Whose work they are comes first, then each licence once.

"""
STROKES_HEAD = """\
# Characters as strokes of a pen, traced from open fonts by build.py:
# SCRIPT, FAMILY, CHARACTER, PATH, with a tab between them; sorted.
#
# PATH is what data/drawing/stroke_styles.txt explains: points x,y in percent of the character's
# height, y downwards; ! after a point where the pen turns sharply; / where it is lifted.
# SCRIPT "digits" has 0 to 9; in every other script, characters that look like one of them are left
# out (lookalikes.txt). FAMILY is a package of sources.txt, or a font in it.
# Licences (NOTICES.txt): fonts under the SIL Open Font License 1.1 or the Apache License 2.0, the
# Hershey fonts under their own; kana and kanji of KanjiVG under CC BY-SA 3.0.
"""


def trace_sources(used: list[Source]) -> list[str]:
    """Return the sorted lines of strokes.txt below its head."""
    found = set()
    families = [script for source in used for script in source.scripts]
    most = {
        s: MAX_SCRIPT_CHARACTERS // min(families.count(s), MAX_SHARING_FAMILIES) for s in families
    }
    for source in used:
        print(source.family, file=sys.stderr, flush=True)
        if source.family == "kanjivg":
            rows = read_kanji(source)
        elif source.family == "hersheytext":
            rows = read_plotter_fonts(source)
        else:
            rows = trace_font(source, most)
        found |= {row for row in rows if row[-1]}
        del source.files  # can be large
    return ["\t".join(row) for row in sorted(found)]


def find_copyrights(source: Source) -> list[str]:
    """Return the copyright lines of a package."""
    files = source.files
    if source.registry == "pypi":
        text = next(data for path, data in sorted(files.items()) if path.endswith(".svg")).decode()
        return re.findall(r"Copyright.*", text)[:1]
    licence = files["package/LICENSE"].decode()
    if not source.package.startswith("@fontsource/"):
        fonts = [files[f"package/svg_fonts/{name}.svg"].decode() for name in PLOTTER_FONTS]
        metadata = [re.sub(r".*<metadata>|</metadata>.*", "", f, flags=re.S) for f in fonts]
        return [*re.findall(r"^Copyright.*", licence, re.M), *metadata]
    found = re.findall(r"^(?:Copyright|\(c\)|©|Digitized).*", licence.split("\n\n")[0], re.M | re.I)
    if not found:
        font = next(data for path, data in sorted(files.items()) if path.endswith(".woff"))
        found = [TTFont(io.BytesIO(font))["name"].getDebugName(0) or ""]
    return (
        found
        if any(found)
        else [json.loads(files["package/metadata.json"])["license"]["attribution"]]
    )


def format_notices(used: list[Source]) -> str:
    """Return the text of NOTICES.txt: copyrights of the packages, and each licence once."""
    whose: list[str] = []
    texts: dict[str, str] = {}
    for source in used:
        whose.append(f"{source.package} {source.version} ({source.licence})")
        whose += [
            f"    {line.strip()}" for text in find_copyrights(source) for line in text.splitlines()
        ]
        name = "package/LICENSE" if source.registry == "npm" else "COPYING"
        text = next(d for p, d in source.files.items() if p.endswith(name)).decode()
        start = re.search(r"^SIL OPEN FONT LICENSE.*| *Apache License\n|^Permission is", text, re.M)
        texts.setdefault(source.licence, text[start.start() if start else 0 :].strip())
        del source.files
    rule = "\n\n" + "=" * 80 + "\n"
    parts = [f"{rule}{licence}\n\n{text}" for licence, text in texts.items()]
    return NOTICES_HEAD + "\n".join(whose) + "".join(parts) + "\n"


def write(path: Path, text: str) -> None:
    """Write a file atomically."""
    half = path.with_suffix(".new")
    half.write_text(text, encoding="utf-8")
    half.replace(path)


def draw_contact_sheets(folder: Path) -> None:
    """Draw strokes.txt: a row for each family's digits, and sheets of every other script."""
    folder.mkdir(parents=True, exist_ok=True)
    for script, group in groupby(read_table(DATA_DIR / "strokes.txt"), key=lambda row: row[0]):
        rows = list(group)
        if script == "digits":
            families = sorted({row[1] for row in rows})
            places = [10 * families.index(row[1]) + int(row[2]) for row in rows]
        else:
            rows.sort(key=lambda row: (row[2], row[1]))
            places = list(range(len(rows)))
        columns = 10 if script == "digits" else SHEET_COLUMNS
        size = columns * SHEET_ROWS
        for page in range(places[-1] // size + 1):
            sheet = Image.new(
                "L", (columns * CHARACTER_TILE_PX, SHEET_ROWS * CHARACTER_TILE_PX), 255
            )
            for place, row in zip(places, rows, strict=True):
                if place // size == page:
                    y, x = divmod(place % size, columns)
                    sheet.paste(draw_tile(*row[1:]), (x * CHARACTER_TILE_PX, y * CHARACTER_TILE_PX))
            sheet.save(folder / f"{script}-{page:02}.png")


def draw_tile(family: str, character: str, path: str) -> Image.Image:
    """Draw a character: its strokes in alternating grays, its code point and family above."""
    picture = Image.new("L", (CHARACTER_TILE_PX, CHARACTER_TILE_PX), 255)
    pen = ImageDraw.Draw(picture)
    pen.text((1, 0), f"{ord(character):04X} {family[:9]}", fill=90)
    strokes = [
        np.array([[float(n) for n in word.rstrip("!").split(",")] for word in stroke.split()])
        for stroke in path.split("/")
    ]
    scale = (CHARACTER_TILE_PX - LABEL_PX - 6) / max(np.concatenate(strokes).max(), 1)
    for k, stroke in enumerate(strokes):
        points = [tuple(p) for p in (stroke * scale + [3, LABEL_PX]).tolist()]
        pen.line(points, fill=STROKE_GRAYS[k % len(STROKE_GRAYS)], width=3)
    return picture


def main() -> None:
    """Write the files, or the contact sheets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sheet", type=Path, metavar="FOLDER", help="write contact sheets there")
    folder = parser.parse_args().sheet
    if folder:
        draw_contact_sheets(folder)
        return
    write(DATA_DIR / "strokes.txt", STROKES_HEAD + "\n".join(trace_sources(load_sources())) + "\n")
    write(DATA_DIR / "NOTICES.txt", format_notices(load_sources()))


if __name__ == "__main__":
    main()
