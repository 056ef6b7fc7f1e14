"""A small file can ask for much memory and much time: one that does is refused before its pixels.

Formats differ in what decoding them holds, and in what they let a file repeat. The limits keep the
worst file that `python -m bench.fuzz` knows within 150 MB and a second.
"""

import io
import os
import re
import stat
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from PIL import Image, JpegImagePlugin
from PIL.PngImagePlugin import PngStream
from PIL.TiffImagePlugin import ImageFileDirectory_v2 as Tags

FILE_LIMIT = 64_000_000  # bytes
SIDE_LIMIT = 32_000  # px: Pillow holds an address for each row
MOST = 16_000_000  # pixels of a picture that is decoded whole: 64 MB as RGBA
MOST_JPEG = 64_000_000  # a JPEG is decoded at a fraction of its size
MOST_PROGRESSIVE = 20_000_000  # but this kind is held whole before: 6 bytes a pixel
MOST_WEBP = 9_000_000  # its decoder holds it three times over
MOST_RLE = 2_000_000  # a BMP in run-length code is decoded in Python
MOST_SCANS = 40  # of a progressive JPEG: each goes over all its pixels; libjpeg writes 10 to 18
HEADER_PIECES = 10_000  # reads before the pixels
PIXEL_PIECES = 200_000  # reads of the pixels: 0.2 s in Python
MOST_INFLATED = 100  # of a PNG's profiles and compressed texts: each inflates to 1 MB or less
TEXT_LIMIT = 4_000_000  # characters of all texts in a PNG; Pillow's 64 MB hold 256 of emojis
INFLATED = (b"iCCP", b"zTXt", b"iTXt")
TAGS = 1_000  # of EXIF data, or of a TIFF: cameras write 100
TAG_BYTES = 4_000_000  # of all of them, which may all lie in the same place
TAG_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 6: 1, 7: 1, 8: 2, 9: 4, 11: 4, 13: 4}  # bytes, by type; else 8
SCAN = re.compile(rb"\xff\xda\0(?:\x08\x01|\x0a\x02|\x0c\x03|\x0e\x04)")  # length, components
SILENT = ("ignore", None, Warning, re.compile("PIL"), 0)  # a filter of warnings

is_limited = ContextVar("is_limited", default=False)  # whether this thread opens a file for us


class PictureError(ValueError):
    """A file that is no picture we read: the message says what is wrong and what to do."""


class Content(io.BufferedReader):
    """A file's content, in so many pieces at most: formats are parsed in Python, piece by piece."""

    pieces = HEADER_PIECES

    def read(self, size: int | None = -1, /) -> bytes:
        """Read one piece more."""
        self.pieces -= 1
        if self.pieces < 0:
            raise PictureError("the file is in too many small pieces: save it again.")
        return super().read(size)


@contextmanager
def limited_pillow() -> Iterator[None]:
    """Keep Pillow to our limits in this thread, until the end of a `with`.

    Pillow's warnings of odd files are ignored from the first time on: these are read, or refused.
    """
    if SILENT not in warnings.filters:  # each change of them makes all others' come again
        warnings.filterwarnings("ignore", module="PIL")
    Tags.load = load_tags  # type: ignore[method-assign, assignment]
    PngStream.check_text_memory = check_texts  # type: ignore[method-assign, assignment]
    token = is_limited.set(True)
    try:
        yield
    finally:
        is_limited.reset(token)


@contextmanager
def open_content(file: Path | bytes) -> Iterator[Content]:
    """Open a regular file, or what one holds, until the end of a `with`, and limit Pillow.

    Raises `PictureError` or `OSError`.
    """
    raw: io.BytesIO | io.FileIO
    if isinstance(file, bytes):
        raw, size = io.BytesIO(file), len(file)
    else:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
            raise PictureError("this is no regular file: name a picture.")  # a pipe never ends
        raw, size = io.FileIO(os.fspath(file)), status.st_size
    with Content(raw) as content, limited_pillow():
        if not size:
            raise PictureError("the file is empty: it holds 0 bytes.")
        if size > FILE_LIMIT:
            raise PictureError(
                f"the file has {size // 1_000_000} MB, and the limit is "
                f"{FILE_LIMIT // 1_000_000} MB: make the picture smaller."
            )
        refuse_inflated(content)
        yield content


def refuse_inflated(content: Content) -> None:
    """Raise `PictureError` if a PNG has very many chunks that inflate; reads no other file."""
    count, content.pieces = 0, PIXEL_PIECES
    if content.read(8) == b"\x89PNG\r\n\x1a\n":
        while (head := content.read(8))[4:] not in (b"", b"IEND"):
            count += head[4:] in INFLATED
            content.seek(int.from_bytes(head[:4]) + 4, os.SEEK_CUR)
    if count > MOST_INFLATED:
        raise PictureError(f"the picture has {count} texts and profiles: save it without them.")
    content.seek(0)
    content.pieces = HEADER_PIECES


def load_tags(tags: Tags, file: io.BufferedIOBase, load: Callable = Tags.load) -> None:
    """Load a table of EXIF data's or a TIFF's tags, as Pillow does, if they do not hold too much.

    In 65 KB of a JPEG 5,000 tags may name the same 60 KB, and Pillow would copy them for each.
    """
    if not is_limited.get():
        return load(tags, file)
    start = file.tell()
    number, entry = ("Q", "2xHQ8x") if tags._bigtiff else ("H", "2xHL4x")
    order = "<" if tags.prefix == b"II" else ">"
    head = file.read(struct.calcsize(order + number))
    count = int.from_bytes(head, "little" if tags.prefix == b"II" else "big")
    size = struct.calcsize(order + entry)
    table = file.read(min(count, TAGS) * size)
    entries = list(struct.iter_unpack(order + entry, table[: len(table) // size * size]))
    total = sum(values * TAG_SIZES.get(kind, 8) for kind, values in entries)
    if count > TAGS or total > TAG_BYTES:
        raise PictureError("the picture has too many or too large tags: save it without them.")
    file.seek(start)
    load(tags, file)


def check_texts(
    stream: PngStream, size: int, check: Callable = PngStream.check_text_memory
) -> None:
    """Count `size` characters more of a PNG's texts, as Pillow does, and keep to our limit."""
    check(stream, size)
    if is_limited.get() and stream.text_memory > TEXT_LIMIT:
        raise PictureError("the picture has too many or too long texts: save it without them.")


def refuse_bomb(picture: Image.Image, content: Content) -> None:
    """Raise `PictureError` if what a header announces would cost too much."""
    limit, kind = MOST, f"a {picture.format}"
    if picture.format == "WEBP":
        limit, kind = MOST_WEBP, "a WebP"
    tiles = getattr(picture, "tile", ())
    if picture.format == "BMP" and tiles and tiles[0].codec_name == "bmp_rle":
        limit, kind = MOST_RLE, "a compressed BMP"
    if isinstance(picture, JpegImagePlugin.JpegImageFile):  # or an MPO: several JPEGs
        limit, kind = MOST_JPEG, "a JPEG"
        content.seek(0)
        scans = [found[4] for found in SCAN.findall(content.read())]
        if "progressive" in picture.info or min(scans, default=0) < picture.layers:
            limit, kind = MOST_PROGRESSIVE, "a progressive JPEG"
            if len(scans) > MOST_SCANS:
                raise PictureError(f"the JPEG has {len(scans)} scans: save it again.")
    refuse_size(picture.size, limit, kind)
    content.pieces = PIXEL_PIECES


def refuse_size(size: tuple[int, int], limit: int, kind: str) -> None:
    """Raise `PictureError` if a picture of this (width, height) is too large for its kind."""
    width, height = size
    if max(size) > SIDE_LIMIT:
        raise PictureError(
            f"the picture has {width} x {height} pixels, and no side may have more than "
            f"{SIDE_LIMIT}: cut it into parts."
        )
    if width * height > limit:
        raise PictureError(
            f"the picture has {width} x {height} pixels, and the limit for {kind} is "
            f"{limit // 1_000_000} megapixels: make it smaller."
        )
