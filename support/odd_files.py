"""Odd files, made from code: each kind with what must be read in it, or what must be said of it."""

import io
import os
import struct
import zlib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from support.sketches import sketch


class Odd(NamedTuple):
    """One kind of odd file, and what becomes of it."""

    make: Callable[[], bytes]
    text: str = ""  # the digits that must be read
    error: str = ""  # or words that its error must contain


def seven(mode: str = "L", size: int = 280) -> Image.Image:
    """Draw a seven, black on white."""
    drawn = cv2.resize(sketch(7), (size, size), interpolation=cv2.INTER_AREA)
    return Image.fromarray(drawn).convert(mode)


def saved(kind: str = "png", picture: Image.Image | None = None, **options) -> bytes:
    """Return a picture's file; without one, a seven's."""
    file = io.BytesIO()
    (picture or seven()).save(file, kind, **options)
    return file.getvalue()


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    """Return a chunk of a PNG."""
    sum_ = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + sum_


def png_of(width: int, height: int, depth: int, colour: int, rows: bytes, *more: bytes) -> bytes:
    """Return a PNG of unfiltered rows, with more chunks before them."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    middle = (chunk(b"IHDR", head), *more, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + b"".join(middle)


def deep(colour: int, pixels: np.ndarray, *more: bytes) -> bytes:
    """Return a PNG of 16 bits, colour type as in its standard, of pixels (H, W[, C])."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    return png_of(pixels.shape[1], pixels.shape[0], 16, colour, rows, *more)


def with_chunks(chunks: bytes, at: bytes = b"IDAT") -> bytes:
    """Return a seven's PNG with more chunks before its first one of a kind."""
    content = saved()
    place = content.index(at) - 4
    return content[:place] + chunks + content[place:]


def inflating(kind: bytes, count: int, text: bytes) -> bytes:
    """Return chunks that inflate, each to the same text."""
    packed = zlib.compress(text, 9)
    return b"".join(chunk(kind, b"%d\0\0" % k + packed) for k in range(count))


def on_clear() -> Image.Image:
    """Return a black seven on transparent paper."""
    picture = Image.new("RGB", (280, 280))
    picture.putalpha(seven().point(lambda value: 255 - value))
    return picture


def masked_palette() -> bytes:
    """Return a seven that is only in the palette's transparency: all its colours are the same."""
    indices = seven().point(lambda value: value // 64)
    palette = Image.fromarray(np.asarray(indices), "P")
    palette.putpalette([90, 20, 20] * 4)
    return saved("png", palette, transparency=bytes([255, 170, 85, 0]))


def animated(kind: str, count: int, **options) -> bytes:
    """Return an animation: a seven, and after it turned ones, so many pairs."""
    first = seven("RGB", 96)
    more = [first.rotate(90), first.rotate(180)] * count
    return saved(kind, first, save_all=True, append_images=more, **options)


def bmp_in_runs(width: int, height: int, rows: bytes) -> bytes:
    """Return a BMP of 256 greys in run-length code."""
    greys = b"".join(bytes([k, k, k, 0]) for k in range(256))
    start = 54 + len(greys)
    head = struct.pack("<IHHI", start + len(rows), 0, 0, start)
    head += struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(rows), 0, 0, 0, 0)
    return b"BM" + head + greys + rows


def seven_in_runs() -> bytes:
    """Return a seven in run-length code, each pixel a run of one."""
    rows = np.asarray(seven())[::-1]
    runs = np.stack([np.ones_like(rows), rows], -1).reshape(280, 560)
    return bmp_in_runs(280, 280, np.pad(runs, ((0, 0), (0, 2))).tobytes() + b"\0\1")


def tiff(tags: list[tuple[int, int, int, int]], data: bytes, after: int = 0) -> bytes:
    """Return a TIFF of data, from its 8th byte on, and one table of tags.

    A tag has a number, a type, a count and a value: type 3 is of two bytes, 4 of four. `after` is
    where the next page's table lies.
    """
    table = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    head = b"II*\0" + struct.pack("<I", 8 + len(data))
    return head + data + struct.pack("<H", len(tags)) + table + struct.pack("<I", after)


def grey_tiff(width: int, height: int, *more: tuple[int, int, int, int], **what) -> bytes:
    """Return a TIFF of one grey channel that lies in one strip, unless `more` tags say else."""
    plain = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
    ]
    plain += [(273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, width * height)]
    given = {tag[0] for tag in more}
    return tiff([tag for tag in plain if tag[0] not in given] + [*more], **what)


def deep_tiff() -> bytes:
    """Return a seven of 3,000 x 3,000 pixels in four channels of 16 bits, deflated."""
    values = np.asarray(seven(size=3_000)).astype("<u2") * 257
    pixels = np.stack([values, values, values, np.full_like(values, 65_535)], -1)
    packed = zlib.compress(pixels.tobytes(), 1)
    bits = struct.pack("<4H", 16, 16, 16, 16)
    more = [(258, 3, 4, 8), (259, 3, 1, 8), (262, 3, 1, 2), (273, 4, 1, 16), (277, 3, 1, 4)]
    more += [(279, 4, 1, len(packed)), (338, 3, 1, 2)]
    return grey_tiff(3_000, 3_000, *more, data=bits + packed)


def huge_tile() -> bytes:
    """Return a small picture in one tile of 20,000 x 20,000 pixels, all of which are there."""
    packed = zlib.compress(bytes(400_000_000), 1)
    more = [(259, 3, 1, 8), (322, 4, 1, 20_000), (323, 4, 1, 20_000), (324, 4, 1, 8)]
    return grey_tiff(280, 280, *more, (325, 4, 1, len(packed)), data=packed)


def many_strips(count: int) -> bytes:
    """Return a picture with so many strips, each of nearly all of its rows."""
    more = [(273, 4, count, 8), (278, 4, 1, 2_990), (279, 4, count, 8)]
    return grey_tiff(3_000, 3_000, *more, data=struct.pack("<I", 8) * count + bytes(9_000_000))


def tags_of_one_place(count: int, size: int) -> bytes:
    """Return a table of tags, as in EXIF data, that all name the same bytes, so many."""
    tags = [(0x0112, 3, 1, 1), *((50_000 + k, 7, size, 8) for k in range(count))]
    return tiff(tags, bytes(size))


def small_outside(size: int) -> bytes:
    """Return an AVIF that says it has 100 x 100 pixels, and has many more."""
    content = bytearray(saved("avif", Image.new("L", (size, size), 255), speed=10))
    at = content.index(b"ispe") + 8
    content[at : at + 8] = struct.pack(">II", 100, 100)
    return bytes(content)


def heif(*brands: bytes) -> bytes:
    """Return the start of a file that is of such brands."""
    size = struct.pack(">I", 16 + 4 * len(brands))
    return size + b"ftyp" + brands[0] + bytes(4) + b"".join(brands) + noise(500)


def many_scans(count: int) -> bytes:
    """Return a progressive JPEG whose last scan is there so many times more."""
    content = saved("jpeg", seven("RGB", 2_000), progressive=True)
    last = content[content.rindex(b"\xff\xc4", 0, content.rindex(b"\xff\xda")) : -2]
    return content[:-2] + last * count + content[-2:]


def wide_jpeg(width: int, height: int) -> bytes:
    """Return a seven in the middle of a very wide picture."""
    paper = Image.new("L", (width, height), 255)
    paper.paste(seven(size=height), ((width - height) // 2, 0))
    return saved("jpeg", paper.convert("RGB"))


def header_only(width: int, height: int) -> bytes:
    """Return a JPEG of a few hundred bytes that says it has so many pixels."""
    content = bytearray(saved("jpeg", Image.new("L", (8, 8))))
    place = content.index(b"\xff\xc0") + 5
    content[place : place + 4] = struct.pack(">HH", height, width)
    return bytes(content)


def noise(count: int, seed: int = 0) -> bytes:
    """Return bytes by chance."""
    return np.random.default_rng(seed).bytes(count)


def cut(kind: str) -> bytes:
    """Return the first half of a file."""
    content = saved(kind, seven("RGB"))
    return content[: len(content) // 2]


def grey16() -> np.ndarray:
    """Return a seven of 16 bits, (280, 280) uint16."""
    return np.asarray(seven()).astype(np.uint16) * 257


def transparent_grey16() -> bytes:
    """Return a seven in a grey that differs from the transparent one in the last bits alone."""
    values = np.where(grey16() > 40_000, 40_000, 40_010)
    return deep(0, values, chunk(b"tRNS", struct.pack(">H", 40_000)))


def tiff_of(values: np.ndarray) -> bytes:
    """Return a TIFF of values (H, W)."""
    return saved("tiff", Image.fromarray(values))


def too_long() -> bytes:
    """Return a PNG with zeros after its pixels."""
    zeros = chunk(b"IDAT", zlib.compress(bytes(50_000_000), 9))
    return with_chunks(zeros, b"IEND")


EMPTY_EXIF = b"Exif\0\0II*\0\x08\0\0\0\xff\xff"  # its table of tags lies beyond its end
NO_EXIF = chunk(b"tEXt", b"Raw profile type exif\0\n\n\nno digits")
PROFILE = chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(9_000_000), 9))
PACKED = {"raw": "RGB", "packbits": "P", "tiff_lzw": "RGBA", "tiff_adobe_deflate": "CMYK"}
PACKED |= {"jpeg": "YCbCr", "group4": "1", "zstd": "L"}  # a TIFF's compressions, each with a mode
CUT = ("png", "jpeg", "webp", "gif", "bmp", "tiff", "avif")
SEVENS = {
    # modes and depths
    "one bit.png": lambda: saved("png", seven("1")),
    "transparent palette.png": masked_palette,
    "light grey of 16 bits.png": lambda: deep(0, grey16() // 2 + 20_000),
    "transparent grey of 16 bits.png": transparent_grey16,
    "colour of 16 bits.png": lambda: deep(2, np.stack([grey16()] * 3, -1)),
    "CMYK.jpg": lambda: saved("jpeg", seven("CMYK")),
    "RLE.bmp": seven_in_runs,
    "32 bits.bmp": lambda: saved("bmp", seven("RGBA")),
    "alpha.webp": lambda: saved("webp", on_clear()),
    "alpha.avif": lambda: saved("avif", on_clear()),
    **{
        f"{way}.tiff": partial(lambda w, m: saved("tiff", seven(m), compression=w), way, mode)
        for way, mode in PACKED.items()
    },
    "16 bits.tiff": lambda: tiff_of(grey16()),
    "signed.tiff": lambda: tiff_of(grey16().astype(np.int32) - 40_000),
    "no numbers.tiff": lambda: tiff_of(np.where(grey16() > 9, grey16(), np.nan).astype("f4")),
    "large offsets.tiff": lambda: saved("tiff", seven("RGB"), big_tiff=True),
    # what else is in the file
    "damaged EXIF.jpg": lambda: saved("jpeg", exif=EMPTY_EXIF + noise(200)),
    "damaged EXIF.png": lambda: with_chunks(NO_EXIF),
    "several.jpg": lambda: animated("mpo", 1),  # as telephones save it
    "animated.gif": lambda: animated("gif", 500),
    "animated.png": lambda: animated("png", 500),
    "animated.webp": lambda: animated("webp", 500, lossless=True),
    "animated.avif": lambda: animated("avif", 25),
    "many pages.tiff": lambda: animated("tiff", 100),
    "pages in a circle.tiff": lambda: grey_tiff(280, 280, data=seven().tobytes(), after=8 + 280**2),
    "with noise.jpg": lambda: saved("jpeg") + noise(100_000),
    "bad profile.jpg": lambda: saved("jpeg", icc_profile=noise(5_000)),
    "zeros after the pixels.png": too_long,
    "EXIF bomb.jpg": lambda: saved(
        "jpeg", seven("RGB"), exif=b"Exif\0\0" + tags_of_one_place(4_000, 16_000)
    ),
    "EXIF bomb.png": lambda: saved("png", exif=tags_of_one_place(900, 9_000_000)),
    # names
    "a JPEG.png": lambda: saved("jpeg"),
    "ünï\n“code” 7.png": saved,
    "-dash %s \x1b[31m.png": saved,
    # as large as may be
    "panorama.jpg": lambda: wide_jpeg(30_000, 2_000),
    "largest.png": lambda: saved("png", seven("RGBA", 4_000), compress_level=1),
    "largest.webp": lambda: saved("webp", seven("RGB", 3_000), method=0),
    "largest.jpg": lambda: saved("jpeg", seven("L", 8_000)),
    "largest progressive.jpg": lambda: saved(
        "jpeg", seven("RGB", 4_470), progressive=True, subsampling=0
    ),
    "largest.tiff": deep_tiff,
    "largest of floats.tiff": lambda: saved("tiff", seven("F", 3_000), compression="tiff_lzw"),
    "largest.avif": lambda: saved("avif", seven("RGBA", 3_000), speed=10),
}
BLANK = {
    "one clear pixel.png": lambda: saved("png", Image.new("RGBA", (1, 1))),
    "one row.png": lambda: saved("png", Image.new("L", (20_000, 1), 9)),
    "one column.png": lambda: saved("png", Image.new("RGB", (1, 20_000), "red")),
    "small outside.avif": lambda: small_outside(5_000),
}
REFUSED = {  # name: words of what is said, and what makes it
    # what asks for too much
    "4 gigapixels.jpg": ("far too many", lambda: header_only(65_500, 65_500)),
    "9000 x 9000.gif": (
        "9000 x 9000",
        lambda: b"GIF89a" + struct.pack("<HHBBB", 9_000, 9_000, 0, 0, 0) + b"," + bytes(10),
    ),
    "4000 x 4000.webp": ("a WebP", lambda: saved("webp", Image.new("L", (4_000,) * 2), method=0)),
    "3200 x 3200.avif": ("an AVIF", lambda: saved("avif", Image.new("L", (3_200,) * 2), speed=10)),
    "huge tile.tiff": ("save it", huge_tile),
    "many strips.tiff": ("asks for too much", lambda: many_strips(5_000)),
    "many tags.tiff": ("tags", lambda: tags_of_one_place(900, 9_000_000)),
    "tall.png": ("no side", lambda: png_of(1, 15_000_000, 1, 0, b"")),
    "large progressive.jpg": (
        "progressive",
        lambda: saved("jpeg", seven("L", 6_000), progressive=True),
    ),
    "300 scans.jpg": ("scans", lambda: many_scans(300)),
    "large RLE.bmp": ("compressed BMP", lambda: bmp_in_runs(4_000, 4_000, b"\1\xff\0\0" * 1_000)),
    "text bomb.png": ("save it", lambda: with_chunks(inflating(b"zTXt", 60, bytes(1_000_000)))),
    "profile bomb.png": ("save it", lambda: with_chunks(PROFILE)),
    "many profiles.png": (
        "without them",
        lambda: with_chunks(inflating(b"iCCP", 2_000, bytes(1_000_000))),
    ),
    "crumbs before.png": ("pieces", lambda: with_chunks(chunk(b"prVt") * 150_000)),
    "crumbs after.png": ("pieces", lambda: with_chunks(chunk(b"prVt") * 200_000, b"IEND")),
    "junk before.jpg": ("pieces", lambda: b"\xff\xd8\xff" + bytes(3_000_000)),
    # what is cut off, or something else
    **{f"cut.{kind}": ("cut off", partial(cut, kind)) for kind in CUT},
    "cut in its palette.gif": ("is no PNG", lambda: saved("gif")[:30]),
    "no size.png": ("is no PNG", lambda: png_of(0, 0, 8, 0, b"")),
    "noise.jpg": ("is no PNG", lambda: noise(5_000)),
    "an icon.png": ("is no PNG", lambda: saved("ico")),
    "a PDF.png": ("a PDF", lambda: saved("pdf")),
    "HEIC.jpg": ("a HEIC picture", lambda: heif(b"heic", b"mif1")),
    "HEIC of several.jpg": ("a HEIC picture", lambda: heif(b"msf1", b"hevc")),
    "a film.jpg": ("is no PNG", lambda: heif(b"isom", b"mp41")),
    "raw picture.tiff": (
        "raw picture",
        lambda: grey_tiff(160, 120, (254, 4, 1, 1), data=bytes(160 * 120)),
    ),
}
ODD = {name: Odd(make, text="7") for name, make in SEVENS.items()}
ODD |= {name: Odd(make) for name, make in BLANK.items()}
ODD |= {name: Odd(make, error=words) for name, (words, make) in REFUSED.items()}
PLACES = {
    "folder.png": "folder",
    "pipe.png": "no regular file",
    "loop.png": "symbolic links",
    "nowhere.png": "no such file",
    "sparse.png": "65 MB",
    "/dev/zero": "no regular file",
    "/dev/null": "no regular file",
    f"{'a' * 300}.png": "name too long",
    "none/7.png": "no such file",
    "linked.png": "",  # it is read
}


@cache
def content(name: str) -> bytes:
    """Return what an odd file holds."""
    return ODD[name].make()


def wrong(name: str, text: str, note: str) -> str:
    """Return what is wrong with how a file was read, odd or not, "" if nothing is.

    It is read as it should be, or refused in one sentence that gives nothing away.
    """
    refused = note.startswith("error: ")
    if name in PLACES or name in ODD:
        due = Odd(bytes, "" if PLACES[name] else "7", PLACES[name]) if name in PLACES else ODD[name]
        if text != due.text or refused != bool(due.error) or due.error not in note:
            return f"read as {text!r}, {note!r}"
    short = note.endswith(".") and "\n" not in note and len(note) < 140
    return note if refused and (not short or "/" in note or "Error" in note) else ""


def make_odd_places(folder: Path) -> list[Path]:
    """Make what has a name like a picture's, and is no file with bytes; return where it lies."""
    folder.mkdir()
    (folder / "folder.png").mkdir()
    os.mkfifo(folder / "pipe.png")
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "nowhere.png").symlink_to("nothing.png")
    (folder / "seven").write_bytes(saved())
    (folder / "linked.png").symlink_to("seven")
    with (folder / "sparse.png").open("wb") as file:
        file.write(saved())
        file.truncate(65_000_000)
    return [folder / name for name in PLACES]
