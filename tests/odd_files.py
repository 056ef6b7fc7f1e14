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

from tests.sketches import sketch

TRANSPOSED = 6  # EXIF: the camera was held upright; turn by 90 degrees


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


def deep(colour: int, *channels: np.ndarray, more: tuple[bytes, ...] = ()) -> bytes:
    """Return a PNG of 16 bits, colour type as in its standard, of channels (H, W) uint16."""
    pixels = np.stack(channels, -1).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    return png_of(pixels.shape[1], pixels.shape[0], 16, colour, rows, *more)


def with_chunks(chunks: bytes, at: bytes = b"IDAT", content: bytes | None = None) -> bytes:
    """Return a PNG with more chunks before its first one of a kind."""
    content = content or saved()
    place = content.index(at) - 4
    return content[:place] + chunks + content[place:]


def inflating(kind: bytes, name: bytes, count: int, text: bytes) -> bytes:
    """Return chunks that inflate, each to the same text."""
    packed = zlib.compress(text, 9)
    return b"".join(chunk(kind, b"%d" % k + name + packed) for k in range(count))


def turned(kind: str) -> bytes:
    """Return a picture stored on its side, with the EXIF data that says so."""
    exif = Image.Exif()
    exif[0x0112] = TRANSPOSED
    return saved(kind, seven().transpose(Image.Transpose.ROTATE_90), exif=exif)


def clear_around(picture: Image.Image, shape: Image.Image) -> Image.Image:
    """Return a picture that can be seen only where a shape is dark."""
    picture.putalpha(shape.point(lambda value: 255 - value))
    return picture


def masked_palette() -> bytes:
    """Return a seven that is only in the palette's transparency: all its colours are the same."""
    indices = seven().point(lambda value: value // 64)
    palette = Image.fromarray(np.asarray(indices), "P")
    palette.putpalette([90, 20, 20] * 4)
    return saved("png", palette, transparency=bytes([255, 170, 85, 0]))


def gif_with(blocks: bytes) -> bytes:
    """Return a GIF with more blocks before its first frame."""
    content = saved("gif")
    place = 13 + 3 * (2 << (content[10] & 7))
    return content[:place] + blocks + content[place:]


def frames(kind: str, count: int) -> bytes:
    """Return an animation: a seven, and after it an eight, so many times."""
    eight = Image.fromarray(sketch(8))
    two = saved(kind, seven(), save_all=True, append_images=[eight], lossless=True)
    if kind == "gif":
        second = two.index(b"!\xf9", two.index(b",") + 9)
        return two[:second] + two[second:-1] * count + two[-1:]
    if kind == "png":
        second = two.index(b"fcTL", two.index(b"IDAT")) - 4
        end = two.index(b"IEND") - 4
        return two[:second] + two[second:end] * count + two[end:]
    second = two.index(b"ANMF", two.index(b"ANMF") + 4)
    body = two[8:second] + two[second:] * count
    return b"RIFF" + struct.pack("<I", len(body)) + body


def bmp(width: int, height: int, bits: int, way: int, rows: bytes, masks: bytes = b"") -> bytes:
    """Return a BMP: `way` 0 is plain, 1 in run-length code, 3 with masks for its channels."""
    greys = b"".join(bytes([k, k, k, 0]) for k in range(256)) if bits == 8 else b""
    start = 54 + len(masks) + len(greys)
    head = struct.pack("<IHHI", start + len(rows), 0, 0, start)
    head += struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, way, len(rows), 0, 0, 0, 0)
    return b"BM" + head + masks + greys + rows


def bmp_in_runs() -> bytes:
    """Return a seven in run-length code."""
    rows = np.asarray(seven())[::-1]
    runs = b""
    for row in rows:
        starts = np.flatnonzero(np.diff(row, prepend=~row[:1]))
        for start, end in zip(starts, [*starts[1:], len(row)], strict=True):
            while start < end:
                runs += bytes([min(255, end - start), row[start]])
                start += min(255, end - start)
        runs += b"\0\0"
    return bmp(280, 280, 8, 1, runs + b"\0\1")


def bmp_of_five_bits() -> bytes:
    """Return a seven with 5, 6 and 5 bits for red, green and blue."""
    grey = np.asarray(seven())[::-1].astype("<u2")
    rows = (grey >> 3 << 11 | grey >> 2 << 5 | grey >> 3).tobytes()
    return bmp(280, 280, 16, 3, rows, struct.pack("<III", 0xF800, 0x7E0, 0x1F))


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
    packed = zlib.compress(bytes(400_000_000), 9)
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


def with_exif_bomb(kind: str, count: int, size: int) -> bytes:
    """Return a seven whose EXIF data hold the same bytes so many times."""
    exif = tags_of_one_place(count, size)
    return saved(kind, seven("RGB"), exif=exif if kind == "png" else b"Exif\0\0" + exif)


def tiff_of_scans(count: int) -> bytes:
    """Return a TIFF of 3,000 x 3,000 pixels that holds a JPEG, its last scan so many times more."""
    whole = saved("jpeg", seven("RGB", 3_000), progressive=True, subsampling=0)
    last = whole[whole.rindex(b"\xff\xc4", 0, whole.rindex(b"\xff\xda")) : -2]
    content = whole[:-2] + last * count + whole[-2:]
    bits = struct.pack("<4H", 8, 8, 8, 0)
    more = [(258, 3, 3, 8), (259, 3, 1, 7), (262, 3, 1, 6), (273, 4, 1, 16), (277, 3, 1, 3)]
    return grey_tiff(3_000, 3_000, *more, (279, 4, 1, len(content)), data=bits + content)


def small_outside(size: int) -> bytes:
    """Return an AVIF that says it has 100 x 100 pixels, and has many more."""
    content = bytearray(saved("avif", Image.new("L", (size, size), 255), speed=10))
    at = content.index(b"ispe") + 8
    content[at : at + 8] = struct.pack(">II", 100, 100)
    return bytes(content)


def avif_of_items(count: int) -> bytes:
    """Return an AVIF that names so many items, each of which is compared with all others."""
    content = saved("avif")
    start = content.index(b"meta") - 4
    end = start + int.from_bytes(content[start : start + 4])

    def box(kind: bytes, inside: bytes) -> bytes:
        return struct.pack(">I", 8 + len(inside)) + kind + inside

    named = (box(b"dimg", struct.pack(">IHI", 100 + k, 1, 101 + k)) for k in range(count))
    more = box(b"iref", b"\1\0\0\0" + b"".join(named))
    return content[:start] + box(b"meta", content[start + 8 : end] + more) + content[end:]


def avif_of_frames(count: int) -> bytes:
    """Return an animation whose frames are all of one byte, so many."""
    eight = seven("RGB", 64).rotate(90)
    content = bytearray(saved("avif", seven("RGB", 64), save_all=True, append_images=[eight]))
    sizes, chunks = content.index(b"stsz"), content.index(b"stsc")
    content[sizes + 8 : sizes + 16] = struct.pack(">II", 1, count)
    content[chunks + 16 : chunks + 20] = struct.pack(">I", count)
    return bytes(content) + bytes(count)


def heif(*brands: bytes) -> bytes:
    """Return the start of a file that is of such brands."""
    return (
        struct.pack(">I", 16 + 4 * len(brands)) + b"ftyp" + brands[0] + bytes(4) + b"".join(brands)
    )


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


def several_jpegs(size: int) -> bytes:
    """Return a picture as telephones save it: a JPEG with a second one after it."""
    return saved("mpo", seven("RGB", size), save_all=True, append_images=[seven("RGB", 64)])


def noise(count: int, seed: int = 0) -> bytes:
    """Return bytes by chance."""
    return np.random.default_rng(seed).bytes(count)


def cut(kind: str) -> bytes:
    """Return the first half of a file."""
    content = saved(kind, seven("RGB"))
    return content[: len(content) // 2]


def grey16() -> np.ndarray:
    """Return a seven of 16 bits."""
    return np.asarray(seven()).astype(np.uint16) * 257


def transparent_grey16() -> bytes:
    """Return a seven in a grey that differs from the transparent one in the last bits alone."""
    values = np.where(grey16() > 40_000, 40_000, 40_010)
    return deep(0, values, more=(chunk(b"tRNS", struct.pack(">H", 40_000)),))


def damaged_exif() -> bytes:
    """Return a JPEG whose EXIF data points beyond its end."""
    return saved("jpeg", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + noise(200))


CRUMBS = 150_000
CUT = ("png", "jpeg", "webp", "gif", "bmp", "tiff", "avif")
PACKED = {
    "raw": "RGB", "packbits": "P", "tiff_lzw": "RGBA", "tiff_deflate": "LA",
    "tiff_adobe_deflate": "CMYK", "jpeg": "YCbCr", "tiff_ccitt": "1", "group3": "1", "group4": "1",
}  # a TIFF's compressions, each with a mode that a seven is saved in  # fmt: skip
ODD = {
    # every mode and depth
    "one bit.png": Odd(lambda: saved("png", seven("1")), "7"),
    "palette.png": Odd(lambda: saved("png", seven("P")), "7"),
    "transparent palette.png": Odd(masked_palette, "7"),
    "grey and alpha.png": Odd(
        lambda: saved("png", clear_around(Image.new("L", (280, 280)), seven())), "7"
    ),
    "black on clear.png": Odd(
        lambda: saved("png", clear_around(Image.new("RGB", (280, 280)), seven())), "7"
    ),
    "white on clear.png": Odd(
        lambda: saved("png", clear_around(Image.new("RGB", (280, 280), "white"), seven())), "7"
    ),
    "hidden under clear.png": Odd(
        lambda: saved("png", clear_around(seven("RGB"), Image.new("L", (280, 280), 255)))
    ),
    "grey of 16 bits.png": Odd(lambda: deep(0, grey16()), "7"),
    "light grey of 16 bits.png": Odd(lambda: deep(0, grey16() // 2 + 20_000), "7"),
    "8 bits kept in 16.png": Odd(lambda: deep(0, grey16() // 257), "7"),
    "transparent grey of 16 bits.png": Odd(transparent_grey16, "7"),
    "colour of 16 bits.png": Odd(lambda: deep(2, *[grey16()] * 3), "7"),
    "alpha of 16 bits.png": Odd(lambda: deep(6, *[grey16()] * 3, grey16() * 0 + 65_535), "7"),
    "CMYK.jpg": Odd(lambda: saved("jpeg", seven("CMYK")), "7"),
    "RLE.bmp": Odd(bmp_in_runs, "7"),
    "5 bits.bmp": Odd(bmp_of_five_bits, "7"),
    "32 bits.bmp": Odd(lambda: saved("bmp", seven("RGBA")), "7"),
    "alpha.webp": Odd(
        lambda: saved("webp", clear_around(Image.new("RGB", (280, 280)), seven())), "7"
    ),
    **{
        f"{way}.tiff": Odd(
            partial(lambda w, m: saved("tiff", seven(m), compression=w), way, mode), "7"
        )
        for way, mode in PACKED.items()
    },
    **{
        f"{name}.tiff": Odd(partial(lambda make: saved("tiff", Image.fromarray(make())), make), "7")
        for name, make in {
            "16 bits": grey16,
            "12 bits in 16": lambda: grey16() // 16,
            "32 bits": lambda: grey16().astype(np.int32) * 30_000,
            "signed": lambda: grey16().astype(np.int32) - 40_000,
            "float to 1": lambda: grey16().astype(np.float32) / 65_535,
            "float with no numbers": lambda: np.where(grey16() > 9, grey16(), np.nan).astype("f4"),
        }.items()
    },
    "large offsets.tiff": Odd(lambda: saved("tiff", seven("RGB"), big_tiff=True), "7"),
    "alpha.avif": Odd(
        lambda: saved("avif", clear_around(Image.new("RGB", (280, 280)), seven())), "7"
    ),
    # sides and turns
    **{
        f"on its side.{e}": Odd(partial(turned, e), "7")
        for e in ("jpeg", "png", "webp", "tiff", "avif")
    },
    "damaged EXIF.jpg": Odd(damaged_exif, "7"),
    "damaged EXIF.png": Odd(
        lambda: with_chunks(chunk(b"tEXt", b"Raw profile type exif\0\n\n\nno digits")), "7"
    ),
    "one pixel.png": Odd(lambda: saved("png", Image.new("RGB", (1, 1)))),
    "one clear pixel.png": Odd(lambda: saved("png", Image.new("RGBA", (1, 1)))),
    "one row.png": Odd(lambda: saved("png", Image.new("L", (20_000, 1), 9))),
    "one column.png": Odd(lambda: saved("png", Image.new("RGB", (1, 20_000), "red"))),
    "panorama.jpg": Odd(lambda: wide_jpeg(30_000, 2_000), "7"),
    "several.jpg": Odd(lambda: several_jpegs(5_000), "7"),
    # animations: the first frame
    **{f"animated.{e}": Odd(partial(frames, e, 3_000), "7") for e in ("gif", "png", "webp")},
    "animated.avif": Odd(
        lambda: saved("avif", seven("RGB"), save_all=True, append_images=[seven().rotate(90)] * 50),
        "7",
    ),
    "many pages.tiff": Odd(
        lambda: saved("tiff", seven(), save_all=True, append_images=[seven().rotate(90)] * 200), "7"
    ),
    "pages in a circle.tiff": Odd(
        lambda: grey_tiff(280, 280, data=seven().tobytes(), after=8 + 280**2), "7"
    ),
    # as large as may be
    "largest.png": Odd(lambda: saved("png", seven("RGBA", 4_000), compress_level=1), "7"),
    "largest.webp": Odd(lambda: saved("webp", seven("RGB", 3_000), method=0), "7"),
    "largest.jpg": Odd(lambda: saved("jpeg", seven("L", 8_000)), "7"),
    "largest progressive.jpg": Odd(
        lambda: saved("jpeg", seven("RGB", 4_470), progressive=True, subsampling=0), "7"
    ),
    "largest.tiff": Odd(deep_tiff, "7"),
    "largest of floats.tiff": Odd(
        lambda: saved("tiff", seven("F", 3_000), compression="tiff_lzw"), "7"
    ),
    "largest progressive.tiff": Odd(partial(tiff_of_scans, 30), "7"),
    "largest.avif": Odd(lambda: saved("avif", seven("RGBA", 3_000), speed=10), "7"),
    # names and neighbours
    "a JPEG.png": Odd(lambda: saved("jpeg"), "7"),
    "a GIF.jpg": Odd(lambda: saved("gif"), "7"),
    "with an archive.png": Odd(lambda: saved() + b"PK\5\6" + bytes(18), "7"),
    "with noise.jpg": Odd(lambda: saved("jpeg") + noise(100_000), "7"),
    "bad profile.jpg": Odd(lambda: saved("jpeg", icc_profile=noise(5_000)), "7"),
    "zeros after the pixels.png": Odd(
        lambda: saved().replace(
            saved()[-12:], chunk(b"IDAT", zlib.compress(bytes(50_000_000), 9)) + saved()[-12:]
        ),
        "7",
    ),
    "ünï\n“code” 7.png": Odd(saved, "7"),
    "-dash %s \x1b[31m.png": Odd(saved, "7"),
    # what asks for too much
    "13000 x 13000.png": Odd(
        lambda: saved("png", Image.new("1", (13_000, 13_000))), error="13000 x 13000"
    ),
    "2 gigapixels.png": Odd(lambda: png_of(65_000, 30_000, 8, 6, b""), error="pixels"),
    "4 gigapixels.jpg": Odd(lambda: header_only(65_500, 65_500), error="pixels"),
    "9000 x 9000.gif": Odd(
        lambda: b"GIF89a" + struct.pack("<HHBBB", 9_000, 9_000, 0, 0, 0) + b"," + bytes(10),
        error="9000 x 9000",
    ),
    "4000 x 4000.webp": Odd(
        lambda: saved("webp", Image.new("L", (4_000, 4_000)), method=0), error="for a WebP"
    ),
    "4000 x 4000.tiff": Odd(
        lambda: saved("tiff", Image.new("1", (4_000, 4_000)), compression="group4"),
        error="for a TIFF",
    ),
    "huge tile.tiff": Odd(huge_tile, error="save it"),
    "many strips.tiff": Odd(lambda: many_strips(5_000), error="asks for too much"),
    "too many strips.tiff": Odd(lambda: many_strips(500_000), error="tags"),
    "many tags.tiff": Odd(lambda: tags_of_one_place(900, 9_000_000), error="tags"),
    "zstd.tiff": Odd(lambda: saved("tiff", compression="zstd"), "7"),
    "3200 x 3200.avif": Odd(
        lambda: saved("avif", Image.new("L", (3_200, 3_200)), speed=10), error="or an AVIF"
    ),
    "200 scans.tiff": Odd(partial(tiff_of_scans, 200), error="cut off"),
    "small outside.avif": Odd(lambda: small_outside(8_000)),
    "many items.avif": Odd(lambda: avif_of_items(200_000), error="asks for too much"),
    "many frames.avif": Odd(lambda: avif_of_frames(5_000_000), error="save it"),
    "EXIF bomb.jpg": Odd(lambda: with_exif_bomb("jpeg", 4_000, 16_000), "7"),
    "EXIF bomb.png": Odd(lambda: with_exif_bomb("png", 900, 9_000_000), "7"),
    "EXIF bomb.webp": Odd(lambda: with_exif_bomb("webp", 900, 9_000_000), "7"),
    "tall.png": Odd(lambda: saved("png", Image.new("1", (1, 15_000_000))), error="no side"),
    "large progressive.jpg": Odd(
        lambda: saved("jpeg", seven("L", 6_000), progressive=True), error="progressive"
    ),
    "300 scans.jpg": Odd(lambda: many_scans(300), error="scans"),
    "large RLE.bmp": Odd(
        lambda: bmp(4_000, 4_000, 8, 1, b"\1\xff\0\0" * 1_000), error="compressed BMP"
    ),
    "text bomb.png": Odd(
        lambda: with_chunks(inflating(b"zTXt", b"\0\0", 60, bytes(1_000_000))), error="save it"
    ),
    "emoji bomb.png": Odd(
        lambda: with_chunks(
            inflating(b"iTXt", b"\0\1\0\0\0", 60, b"a" * 999_000 + "\U0001f600".encode())
        ),
        error="save it",
    ),
    "profile bomb.png": Odd(
        lambda: with_chunks(chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(9_000_000), 9))),
        error="save it",
    ),
    "many profiles.png": Odd(
        lambda: with_chunks(inflating(b"iCCP", b"\0\0", 2_000, bytes(1_000_000))),
        error="without them",
    ),
    "crumbs before.png": Odd(lambda: with_chunks(chunk(b"prVt") * CRUMBS), error="pieces"),
    "crumbs after.png": Odd(lambda: with_chunks(chunk(b"prVt") * 200_000, b"IEND"), error="pieces"),
    "crumbs.gif": Odd(lambda: gif_with(b"!\xfe\1A\0" * CRUMBS), error="pieces"),
    "long comment.gif": Odd(
        lambda: gif_with(b"!\xfe" + (b"\xff" + bytes(255)) * 28_000 + b"\0"), error="pieces"
    ),
    "junk before.jpg": Odd(lambda: b"\xff\xd8\xff" + bytes(3_000_000), error="pieces"),
    # what is cut off, or something else
    **{f"cut.{e}": Odd(partial(cut, e), error="cut off") for e in CUT},
    "cut in its palette.gif": Odd(lambda: saved("gif")[:30], error="is no PNG"),
    "no size.png": Odd(lambda: png_of(0, 0, 8, 0, b""), error="is no PNG"),
    "no bytes.png": Odd(bytes, error="empty"),
    "text.png": Odd(lambda: b"seven", error="is no PNG"),
    "noise.jpg": Odd(lambda: noise(5_000), error="is no PNG"),
    "vector.png": Odd(
        lambda: b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', error="an SVG"
    ),
    "a PDF.png": Odd(lambda: saved("pdf"), error="a PDF"),
    "JPEG 2000.png": Odd(lambda: saved("jpeg2000"), error="a JPEG 2000 picture"),
    "Photoshop.png": Odd(lambda: b"8BPS\0\1" + noise(500), error="a Photoshop file"),
    "an icon.png": Odd(lambda: saved("ico"), error="is no PNG"),
    "EPS.jpg": Odd(lambda: saved("eps"), error="is no PNG"),
    "HEIC.jpg": Odd(lambda: heif(b"heic", b"mif1") + noise(500), error="a HEIC picture"),
    "HEIC of several.jpg": Odd(lambda: heif(b"msf1", b"hevc") + noise(500), error="a HEIC picture"),
    "a film.jpg": Odd(lambda: heif(b"isom", b"mp41") + noise(500), error="is no PNG"),
    "raw picture.tiff": Odd(
        lambda: grey_tiff(160, 120, (254, 4, 1, 1), data=bytes(160 * 120)), error="raw picture"
    ),
}
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


def make_odd_files(folder: Path) -> list[Path]:
    """Write every odd file into a folder; return where they lie."""
    folder.mkdir()
    for name in ODD:
        (folder / name).write_bytes(content(name))
    return [folder / name for name in ODD]


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
