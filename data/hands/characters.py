"""Fetch packages of open fonts, and extract the strokes of their characters."""

import io
import random
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from unicodedata import category, name
from xml.etree import ElementTree

import cv2
import numpy as np
from fontTools.ttLib import TTFont
from fontTools.unicodedata import script_extension, script_name
from PIL import Image, ImageDraw, ImageFont
from svgelements import Close, Line, Move
from svgelements import Path as SvgPath
from tracing import format_path, order_strokes, trace_strokes

DATA_DIR = Path(__file__).parent
PACKAGE_CACHE = Path(tempfile.gettempdir()) / "hands"
TRACE_SIDE_PX = 160  # longest side of a traced glyph
FONT_SIZE_PX = 200  # the glyph is rendered at this size, then scaled
EDGE_BLUR_PX = 1.5  # standard deviation of a blur that smooths rough edges
MAX_HALF_WIDTH_SHARE = 0.13  # of the longest side: a thicker glyph's skeleton is no pen path
FONT_WEIGHT = 350  # the nearest of a family: light ones trace best, thin ones may break
POINTS_PER_CURVE = 12  # of an SVG path
ALPHABETS = {  # scripts of which each family contributes a random sample
    "latin": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyzÆÐØÞßæðøþŋ",
    "greek": "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩαβγδεζηθικλμνξοπρσςτυφχψω",
    "cyrillic": "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюяєїђћ",
    "symbols": "&@#?!%+=*$€£¥<>()[]{}~^§¶/\\-_:;\"'«»±×÷√∞≈≠≤≥←↑→↓•©®™¿",
}
CHARACTERS_PER_FAMILY = {"latin": 28, "greek": 20, "cyrillic": 24, "symbols": 10}
MAX_SCRIPT_CHARACTERS = 90  # of each other script, shared by its families
MAX_SHARING_FAMILIES = 3  # each family contributes at least a third of that maximum
KANJI_COUNT, MAX_KANJI_STROKES = 600, 12
# Single-stroke handwriting fonts of hersheytext.
PLOTTER_FONTS = [
    *("EMSAllure", "EMSElfin", "EMSFelix", "EMSNixish", "EMSNixishItalic", "EMSTech"),
    *("HersheySans1", "HersheyScript1"),
]
REPEATED_NAMES = re.compile(  # characters that look like others of their script
    r" FORM$|LIGATURE|LETTER (SMALL|WIDE)|HALFWIDTH|WITH (DAGESH|MAPIQ)|NORTH INDIC"
    r"|(CHO|JUNG|JONG)SEONG"
)
GLYPH_CATEGORIES = ("Lu", "Ll", "Lo", "Nd", "Nl", "No")  # letters and digits


@dataclass
class Source:
    """A line of `sources.txt`: a package, and the scripts to trace from it."""

    registry: str
    package: str
    version: str
    licence: str
    scripts: list[str]

    @property
    def family(self) -> str:
        """The package's name without its registry's scope."""
        return self.package.split("/")[-1]

    @cached_property
    def files(self) -> dict[str, bytes]:
        """The package's files by their paths inside; fetched if they are not in the cache."""
        PACKAGE_CACHE.mkdir(parents=True, exist_ok=True)
        stem = self.package.lstrip("@").replace("/", "-") + f"-{self.version}"
        if self.registry == "npm":
            archive = PACKAGE_CACHE / f"{stem}.tgz"
            if not archive.exists():
                command = ["npm", "pack", f"{self.package}@{self.version}"]
                subprocess.run(command, cwd=PACKAGE_CACHE, check=True, capture_output=True)
            with tarfile.open(archive) as tar:
                members = [m for m in tar.getmembers() if m.isfile()]
                return {m.name: tar.extractfile(m).read() for m in members}  # type: ignore[union-attr]
        pattern = f"{self.package}-{self.version}-*.whl"
        if not list(PACKAGE_CACHE.glob(pattern)):
            command = [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--no-deps",
                "-d",
                str(PACKAGE_CACHE),
            ]
            subprocess.run([*command, f"{self.package}=={self.version}"], check=True)
        with zipfile.ZipFile(next(PACKAGE_CACHE.glob(pattern))) as wheel:
            return {n: wheel.read(n) for n in wheel.namelist()}


def read_table(path: Path) -> list[list[str]]:
    """Return the tab-separated fields of each line except comments, which start with #."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def load_sources() -> list[Source]:
    """Parse `sources.txt`."""
    return [Source(a, b, c, d, e.split()) for a, b, c, d, e in read_table(DATA_DIR / "sources.txt")]


@cache
def load_excluded() -> set[tuple[str, str]]:
    """Return characters to leave out, as pairs (script or family, character)."""
    pairs = {(row[0], c) for row in read_table(DATA_DIR / "lookalikes.txt") for c in row[2].split()}
    return pairs | {
        (row[0], c) for row in read_table(DATA_DIR / "unreadable.txt") for c in row[1].split()
    }


def select_characters(script: str, family: str, have: set[str], most: int) -> list[str]:
    """Select the characters of a script to trace from those of a family."""
    out = load_excluded()

    def fit(characters: list[str]) -> list[str]:
        return [c for c in characters if not out & {(script, c), (family, c)}]

    if script == "digits":
        return fit(sorted(have & set("0123456789")))
    choice = random.Random(f"{script} {family}")
    if script in ALPHABETS:
        letters = fit(sorted(have & set(ALPHABETS[script])))
        return choice.sample(letters, min(CHARACTERS_PER_FAMILY[script], len(letters)))
    own = sorted(c for c in have if script in scripts_of(c))
    digits = [c for c in own if category(c) == "Nd"][: most // 3]
    letters = [c for c in own if category(c) != "Nd"]
    return fit(digits + choice.sample(letters, min(most - len(digits), len(letters))))


def scripts_of(character: str) -> list[str]:
    """Return the scripts that use a letter or digit, by their names in sources.txt."""
    if category(character) not in GLYPH_CATEGORIES or REPEATED_NAMES.search(name(character, "")):
        return []
    names = [script_name(code) for code in script_extension(character)]
    return [{"Han": "kanji"}.get(n, n.lower().replace(" ", "-").replace("_", "-")) for n in names]


def trace_font(source: Source, most: dict[str, int]) -> Iterator[tuple[str, ...]]:
    """Trace a family's fonts; yield script, family, character and path."""
    fonts: dict[str, bytes] = {}  # by character
    by_weight: dict[int, list[bytes]] = {}
    for path, data in sorted(source.files.items()):
        if found := re.search(r"-(\d+)-normal\.woff$", path):
            by_weight.setdefault(int(found[1]), []).append(data)
    nearest = min(by_weight, key=lambda weight: abs(weight - FONT_WEIGHT))
    for data in by_weight[nearest]:
        for code in TTFont(io.BytesIO(data)).getBestCmap():
            fonts.setdefault(chr(code), data)
    opened: dict[int, ImageFont.FreeTypeFont] = {}
    for script in source.scripts:
        for character in select_characters(script, source.family, set(fonts), most[script]):
            data = fonts[character]
            if id(data) not in opened:
                opened[id(data)] = ImageFont.truetype(
                    io.BytesIO(data), FONT_SIZE_PX, layout_engine=ImageFont.Layout.BASIC
                )
            ink = render_ink(opened[id(data)], character)
            if ink is None:
                continue
            strokes, half = trace_strokes(np.rot90(ink, -1) if script == "mongolian" else ink)
            if strokes and half < MAX_HALF_WIDTH_SHARE * TRACE_SIDE_PX:
                yield script, source.family, character, format_path(order_strokes(strokes), half)


def render_ink(font: ImageFont.FreeTypeFont, character: str) -> np.ndarray | None:
    """Return a character's ink (H, W), bool, `TRACE_SIDE_PX` px long; None if it is blank."""
    left, top, right, bottom = font.getbbox(character)
    if right - left < 2 or bottom - top < 2:
        return None
    border = 4
    size = int(right - left + 2 * border), int(bottom - top + 2 * border)
    picture = Image.new("L", size)
    ImageDraw.Draw(picture).text((border - left, border - top), character, font=font, fill=255)
    ink = np.asarray(picture)
    if ink.max() < 255:
        return None
    scale = TRACE_SIDE_PX / (max(ink.shape) - 2 * border)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    ink = cv2.resize(ink, None, fx=scale, fy=scale, interpolation=how)
    ink = cv2.copyMakeBorder(ink, border, border, border, border, cv2.BORDER_CONSTANT, value=0)
    sharp, even = ink > 127, cv2.GaussianBlur(ink, (0, 0), EDGE_BLUR_PX) > 127
    parts = [cv2.connectedComponents(shape.astype(np.uint8))[0] for shape in (sharp, even)]
    return even if parts[1] <= parts[0] else sharp  # the blur may break thin lines


def parse_svg_strokes(path: str) -> list[np.ndarray]:
    """Return the strokes of an SVG path, each (M, 2), x and y."""
    strokes: list[list[complex]] = []
    for part in SvgPath(path):
        if isinstance(part, Move):
            strokes.append([complex(part.end.x, part.end.y)])
        else:
            count = 1 if isinstance(part, (Line, Close)) else POINTS_PER_CURVE
            strokes[-1] += [complex(*part.point(k / count)) for k in range(1, count + 1)]
    arrays = [np.array([[p.real, p.imag] for p in stroke]) for stroke in strokes]
    return [a for a in arrays if len(a) > 1 and np.ptp(a, axis=0).max() > 0]


def read_kanji(source: Source) -> Iterator[tuple[str, ...]]:
    """Yield script, family, character and path of kana and kanji, which are stored as strokes."""
    drawn = {}
    for path, data in source.files.items():
        if found := re.fullmatch(r"kanji/([0-9a-f]{5})\.svg", path):
            paths = re.findall(r'<path[^>]* d="([^"]+)"', data.decode())
            drawn[chr(int(found[1], 16))] = paths
    for script in source.scripts:
        have = {c for c, paths in drawn.items() if len(paths) <= MAX_KANJI_STROKES}
        for character in select_characters(script, source.family, have, KANJI_COUNT):
            strokes = [s for path in drawn[character] for s in parse_svg_strokes(path)]
            yield script, source.family, character, format_path(strokes)


def read_plotter_fonts(source: Source) -> Iterator[tuple[str, ...]]:
    """Yield script, family, character and path of plotter fonts, which are stored as strokes."""
    for path, data in source.files.items():
        if not path.endswith(".svg") or Path(path).stem not in PLOTTER_FONTS:
            continue
        glyphs = {}
        for glyph in ElementTree.fromstring(data).iter():
            if glyph.tag.endswith("glyph") and glyph.get("d"):
                glyphs[glyph.get("unicode", "")] = parse_svg_strokes(glyph.get("d", ""))
        family = Path(path).stem
        for script in source.scripts:
            for character in select_characters(
                script, family, {c for c in glyphs if len(c) == 1}, MAX_SCRIPT_CHARACTERS
            ):
                strokes = [s * [1, -1] for s in glyphs[character]]
                if strokes:
                    yield script, family, character, format_path(strokes)
