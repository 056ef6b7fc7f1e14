"""Odd files, made by code, with the expected text or error of each."""

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
    """An odd file with its expected reading."""

    make: Callable[[], bytes]
    text: str = ""
    error: str = ""  # words of the expected error


def seven(mode: str = "L", size: int = 280) -> Image.Image:
    """Draw a seven, black on white."""
    drawn = cv2.resize(sketch(7), (size, size), interpolation=cv2.INTER_AREA)
    return Image.fromarray(drawn).convert(mode)


def saved(kind: str = "png", picture: Image.Image | None = None, **options) -> bytes:
    """Return the file of a picture, by default a seven."""
    file = io.BytesIO()
    (picture or seven()).save(file, kind, **options)
    return file.getvalue()


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    """Return a chunk of a PNG."""
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def png_of(width: int, height: int, depth: int, colour: int, rows: bytes, *more: bytes) -> bytes:
    """Return a PNG of unfiltered rows, with `more` chunks before them."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    middle = (chunk(b"IHDR", head), *more, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + b"".join(middle)


def deep(colour: int, pixels: np.ndarray, *more: bytes) -> bytes:
    """Return a 16-bit PNG of pixels (H, W[, C]); `colour` is its colour type."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    return png_of(pixels.shape[1], pixels.shape[0], 16, colour, rows, *more)


def with_chunks(chunks: bytes, at: bytes = b"IDAT") -> bytes:
    """Return a seven's PNG with more chunks before its first chunk of a kind."""
    content = saved()
    place = content.index(at) - 4
    return content[:place] + chunks + content[place:]


def inflating(kind: bytes, count: int) -> bytes:
    """Return `count` compressed chunks that each inflate to 1 MB."""
    packed = zlib.compress(bytes(1_000_000), 9)
    return b"".join(chunk(kind, b"%d\0\0" % k + packed) for k in range(count))


def on_transparent() -> Image.Image:
    """Return a black seven on transparent paper."""
    picture = Image.new("RGB", (280, 280))
    picture.putalpha(seven().point(lambda value: 255 - value))
    return picture


def masked_palette() -> bytes:
    """Return a seven in the palette's transparency; all its colours are the same."""
    indices = seven().point(lambda value: value // 64)
    palette = Image.fromarray(np.asarray(indices), "P")
    palette.putpalette([90, 20, 20] * 4)
    return saved("png", palette, transparency=bytes([255, 170, 85, 0]))


def animated(kind: str, count: int, **options) -> bytes:
    """Return an animation: a seven, then `count` pairs of rotated ones."""
    first = seven("RGB", 96)
    more = [first.rotate(90), first.rotate(180)] * count
    return saved(kind, first, save_all=True, append_images=more, **options)


def bmp_in_runs(width: int, height: int, rows: bytes) -> bytes:
    """Return a run-length coded BMP of 256 gray levels."""
    grays = b"".join(bytes([k, k, k, 0]) for k in range(256))
    start = 54 + len(grays)
    head = struct.pack("<IHHI", start + len(rows), 0, 0, start)
    head += struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(rows), 0, 0, 0, 0)
    return b"BM" + head + grays + rows


def seven_in_runs() -> bytes:
    """Return a run-length coded seven whose runs are one pixel long."""
    rows = np.asarray(seven())[::-1]
    runs = np.stack([np.ones_like(rows), rows], -1).reshape(280, 560)
    return bmp_in_runs(280, 280, np.pad(runs, ((0, 0), (0, 2))).tobytes() + b"\0\1")


def tiff(tags: list[tuple[int, int, int, int]], data: bytes, after: int = 0) -> bytes:
    """Return a TIFF of data, which starts at byte 8, and one table of tags.

    A tag is its number, type (3: two bytes, 4: four bytes), count and value. `after` is the offset
    of the next page's table.
    """
    table = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    head = b"II*\0" + struct.pack("<I", 8 + len(data))
    return head + data + struct.pack("<H", len(tags)) + table + struct.pack("<I", after)


def gray_tiff(width: int, height: int, *more: tuple[int, int, int, int], **what) -> bytes:
    """Return a TIFF of one gray channel in one strip, with `more` tags or other values."""
    plain = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1)]
    plain += [(262, 3, 1, 1), (273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, height)]
    plain += [(279, 4, 1, width * height)]
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
    return gray_tiff(3_000, 3_000, *more, data=bits + packed)


def huge_tile() -> bytes:
    """Return a small picture in one complete tile of 20,000 x 20,000 pixels."""
    packed = zlib.compress(bytes(400_000_000), 1)
    more = [(259, 3, 1, 8), (322, 4, 1, 20_000), (323, 4, 1, 20_000), (324, 4, 1, 8)]
    return gray_tiff(280, 280, *more, (325, 4, 1, len(packed)), data=packed)


def many_strips(count: int) -> bytes:
    """Return a picture with `count` strips, each of nearly all its rows."""
    more = [(273, 4, count, 8), (278, 4, 1, 2_990), (279, 4, count, 8)]
    return gray_tiff(3_000, 3_000, *more, data=struct.pack("<I", 8) * count + bytes(9_000_000))


def tags_of_one_place(count: int, size: int) -> bytes:
    """Return a table of `count` tags, as in EXIF data, that all refer to the same bytes."""
    tags = [(0x0112, 3, 1, 1), *((50_000 + k, 7, size, 8) for k in range(count))]
    return tiff(tags, bytes(size))


def small_outside(size: int) -> bytes:
    """Return an AVIF that declares 100 x 100 pixels and has many more."""
    content = bytearray(saved("avif", Image.new("L", (size, size), 255), speed=10))
    at = content.index(b"ispe") + 8
    content[at : at + 8] = struct.pack(">II", 100, 100)
    return bytes(content)


def heif(*brands: bytes) -> bytes:
    """Return the start of an ISO media file of these brands."""
    size = struct.pack(">I", 16 + 4 * len(brands))
    return size + b"ftyp" + brands[0] + bytes(4) + b"".join(brands) + noise(500)


def many_scans(count: int) -> bytes:
    """Return a progressive JPEG with `count` more copies of its last scan."""
    content = saved("jpeg", seven("RGB", 2_000), progressive=True)
    last = content[content.rindex(b"\xff\xc4", 0, content.rindex(b"\xff\xda")) : -2]
    return content[:-2] + last * count + content[-2:]


def wide_jpeg(width: int, height: int) -> bytes:
    """Return a seven in the middle of a very wide picture."""
    paper = Image.new("L", (width, height), 255)
    paper.paste(seven(size=height), ((width - height) // 2, 0))
    return saved("jpeg", paper.convert("RGB"))


def header_only(width: int, height: int) -> bytes:
    """Return a JPEG of a few hundred bytes that declares this size."""
    content = bytearray(saved("jpeg", Image.new("L", (8, 8))))
    place = content.index(b"\xff\xc0") + 5
    content[place : place + 4] = struct.pack(">HH", height, width)
    return bytes(content)


def noise(count: int, seed: int = 0) -> bytes:
    """Return random bytes."""
    return np.random.default_rng(seed).bytes(count)


def cut(kind: str) -> bytes:
    """Return the first half of a file."""
    content = saved(kind, seven("RGB"))
    return content[: len(content) // 2]


def gray16() -> np.ndarray:
    """Return a 16-bit seven, (280, 280) uint16."""
    return np.asarray(seven()).astype(np.uint16) * 257


def transparent_gray16() -> bytes:
    """Return a seven in a gray that differs from the transparent one in the last bits only."""
    values = np.where(gray16() > 40_000, 40_000, 40_010)
    return deep(0, values, chunk(b"tRNS", struct.pack(">H", 40_000)))


EMPTY_EXIF = b"Exif\0\0II*\0\x08\0\0\0\xff\xff"  # its table of tags is beyond its end
NO_EXIF = chunk(b"tEXt", b"Raw profile type exif\0\n\n\nno digits")
LARGE_GIF = b"GIF89a" + struct.pack("<HHBBB", 9_000, 9_000, 0, 0, 0) + b"," + bytes(10)
PROFILE = chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(9_000_000), 9))
PACKED = {"raw": "RGB", "packbits": "P", "tiff_lzw": "RGBA", "tiff_adobe_deflate": "CMYK"}
PACKED |= {"jpeg": "YCbCr", "group4": "1", "zstd": "L"}  # compressions of TIFF, each with a mode
CUT = ("png", "jpeg", "webp", "gif", "bmp", "tiff", "avif")
SEVENS = {
    # modes and depths
    "one bit.png": lambda: saved("png", seven("1")),
    "transparent palette.png": masked_palette,
    "light gray of 16 bits.png": lambda: deep(0, gray16() // 2 + 20_000),
    "transparent gray of 16 bits.png": transparent_gray16,
    "colour of 16 bits.png": lambda: deep(2, np.stack([gray16()] * 3, -1)),
    "CMYK.jpg": lambda: saved("jpeg", seven("CMYK")),
    "RLE.bmp": seven_in_runs,
    "32 bits.bmp": lambda: saved("bmp", seven("RGBA")),
    "alpha.webp": lambda: saved("webp", on_transparent()),
    "alpha.avif": lambda: saved("avif", on_transparent()),
    **{
        f"packed as {way}.tiff": partial(
            lambda w, m: saved("tiff", seven(m), compression=w), way, mode
        )
        for way, mode in PACKED.items()
    },
    "16 bits.tiff": lambda: saved("tiff", Image.fromarray(gray16())),
    "signed.tiff": lambda: saved("tiff", Image.fromarray(gray16().astype(np.int32) - 40_000)),
    "no numbers.tiff": lambda: saved(
        "tiff", Image.fromarray(np.where(gray16() > 9, gray16(), np.nan).astype("f4"))
    ),
    "large offsets.tiff": lambda: saved("tiff", seven("RGB"), big_tiff=True),
    # other content
    "damaged EXIF.jpg": lambda: saved("jpeg", exif=EMPTY_EXIF + noise(200)),
    "damaged EXIF.png": lambda: with_chunks(NO_EXIF),
    "several.jpg": lambda: animated("mpo", 1),  # as from phones
    "animated.gif": lambda: animated("gif", 500),
    "animated.png": lambda: animated("png", 500),
    "animated.webp": lambda: animated("webp", 500, lossless=True),
    "animated.avif": lambda: animated("avif", 25),
    "many pages.tiff": lambda: animated("tiff", 100),
    "pages in a circle.tiff": lambda: gray_tiff(280, 280, data=seven().tobytes(), after=8 + 280**2),
    "with noise.jpg": lambda: saved("jpeg") + noise(100_000),
    "bad profile.jpg": lambda: saved("jpeg", icc_profile=noise(5_000)),
    "zeros after the pixels.png": lambda: with_chunks(
        chunk(b"IDAT", zlib.compress(bytes(50_000_000), 9)), b"IEND"
    ),
    "EXIF bomb.jpg": lambda: saved(
        "jpeg", seven("RGB"), exif=b"Exif\0\0" + tags_of_one_place(4_000, 16_000)
    ),
    "EXIF bomb.png": lambda: saved("png", exif=tags_of_one_place(900, 9_000_000)),
    # names
    "a JPEG.png": lambda: saved("jpeg"),
    "ünï\n“code” 7.png": saved,
    "-dash %s \x1b[31m.png": saved,
    # maximum sizes
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
REFUSED = {  # name: words of the error, and a function that makes the file
    # too large
    "4 gigapixels.jpg": ("far too many", lambda: header_only(65_500, 65_500)),
    "13000 x 13000.png": ("13000 x 13000", lambda: saved("png", Image.new("1", (13_000,) * 2))),
    "9000 x 9000.gif": ("9000 x 9000", lambda: LARGE_GIF),
    "4000 x 4000.webp": ("a WebP", lambda: saved("webp", Image.new("L", (4_000,) * 2), method=0)),
    "3200 x 3200.avif": ("an AVIF", lambda: saved("avif", Image.new("L", (3_200,) * 2), speed=10)),
    "huge tile.tiff": ("save it", huge_tile),
    "many strips.tiff": ("too much memory", lambda: many_strips(5_000)),
    "many tags.tiff": ("tags", lambda: tags_of_one_place(900, 9_000_000)),
    "tall.png": ("no side", lambda: png_of(1, 15_000_000, 1, 0, b"")),
    "large.jpg": ("progressive", lambda: saved("jpeg", seven("L", 6_000), progressive=True)),
    "300 scans.jpg": ("scans", lambda: many_scans(300)),
    "large RLE.bmp": ("compressed BMP", lambda: bmp_in_runs(4_000, 4_000, b"\1\xff\0\0" * 1_000)),
    "text bomb.png": ("save it", lambda: with_chunks(inflating(b"zTXt", 60))),
    "profile bomb.png": ("save it", lambda: with_chunks(PROFILE)),
    "many profiles.png": ("without them", lambda: with_chunks(inflating(b"iCCP", 2_000))),
    "crumbs before.png": ("pieces", lambda: with_chunks(chunk(b"prVt") * 150_000)),
    "crumbs after.png": ("pieces", lambda: with_chunks(chunk(b"prVt") * 200_000, b"IEND")),
    "junk before.jpg": ("pieces", lambda: b"\xff\xd8\xff" + bytes(3_000_000)),
    # truncated, or another format
    **{f"cut.{kind}": ("cut off", partial(cut, kind)) for kind in CUT},
    "cut in its palette.gif": ("is no PNG", lambda: saved("gif")[:30]),
    "no size.png": ("is no PNG", lambda: png_of(0, 0, 8, 0, b"")),
    "empty.png": ("empty", bytes),
    "text.png": ("is no PNG", lambda: b"seven"),
    "vector.png": ("an SVG drawing", lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
    "noise.jpg": ("is no PNG", lambda: noise(5_000)),
    "an icon.png": ("is no PNG", lambda: saved("ico")),
    "a PDF.png": ("a PDF", lambda: saved("pdf")),
    "HEIC.jpg": ("a HEIC picture", lambda: heif(b"heic", b"mif1")),
    "HEIC of several.jpg": ("a HEIC picture", lambda: heif(b"msf1", b"hevc")),
    "a film.jpg": ("is no PNG", lambda: heif(b"isom", b"mp41")),
    "raw.tiff": ("raw picture", lambda: gray_tiff(9, 9, (254, 4, 1, 1), data=bytes(81))),
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
    "linked.png": "",  # is read
}
ODD_PLACES = {name: Odd(bytes, "" if words else "7", words) for name, words in PLACES.items()}


@cache
def content(name: str) -> bytes:
    """Return the content of an odd file."""
    return ODD[name].make()


def wrong(name: str, text: str, note: str) -> str:
    """Return what is wrong with a file's reading, or "".

    It must be read as expected, or rejected in one sentence without internal details.
    """
    refused = note.startswith("error: ")
    expected = ODD.get(name) or ODD_PLACES.get(name) or Odd(bytes, text, note if refused else "")
    if (text, refused) != (expected.text, bool(expected.error)) or expected.error not in note:
        return f"read as {text!r}, {note!r}"
    is_sentence = note.endswith(".") and "\n" not in note and len(note) < 140
    return note if refused and (not is_sentence or "/" in note or "Error" in note) else ""


def make_odd_places(folder: Path) -> list[Path]:
    """Create special files with names like a picture's; return their paths."""
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
