"""Limit the size, pixels, tags and texts of untrusted files before Pillow decodes them.

The limits keep the worst file of `python -m bench.fuzz` within 150 MB and a second.
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

MAX_FILE_BYTES = 64_000_000
MAX_SIDE_PX = 32_000  # Pillow allocates a pointer for each row
MAX_PIXELS = 16_000_000  # decoded whole: 64 MB as RGBA
MAX_JPEG_PIXELS = 64_000_000  # decoded at a fraction of its size
MAX_PROGRESSIVE_PIXELS = 20_000_000  # progressive JPEG: its decoder holds 6 bytes a pixel
MAX_WEBP_PIXELS = 9_000_000  # its decoder holds three copies
MAX_RLE_PIXELS = 2_000_000  # run-length coded BMP: decoded in Python
MAX_JPEG_SCANS = 40  # each is a pass over all pixels; libjpeg writes 10 to 18
MAX_HEADER_READS = 10_000  # reads before the pixels
MAX_PIXEL_READS = 200_000  # reads of the pixels: 0.2 s in Python
INFLATED_CHUNKS = (b"iCCP", b"zTXt", b"iTXt")  # of a PNG
MAX_INFLATED_CHUNKS = 100  # each inflates to at most 1 MB
MAX_PNG_TEXT_CHARS = 4_000_000  # of all texts; Pillow allows 64 million, 256 MB of emojis
MAX_TAGS = 1_000  # of EXIF data or of a TIFF: cameras write 100
MAX_TAG_BYTES = 4_000_000  # of all tags, which may share their bytes in the file
TAG_VALUE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 6: 1, 7: 1, 8: 2, 9: 4, 11: 4, 13: 4}  # by type, else 8
JPEG_SCAN = re.compile(rb"\xff\xda\0(?:\x08\x01|\x0a\x02|\x0c\x03|\x0e\x04)")  # length, components
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PIL_WARNING_FILTER = ("ignore", None, Warning, re.compile("PIL"), 0)
DAMAGED = "the picture is damaged or cut off: save it again."

is_limited = ContextVar("is_limited", default=False)  # whether `limited_pillow` is active here


class PictureError(ValueError):
    """A file that cannot be read as a picture: one sentence with the fault and the remedy."""


class LimitedReader(io.BufferedReader):
    """A file that limits the number of reads: Pillow parses formats in Python, piece by piece."""

    reads_left = MAX_HEADER_READS

    def read(self, size: int | None = -1, /) -> bytes:
        """Read one more piece."""
        self.reads_left -= 1
        if self.reads_left < 0:
            raise PictureError("the file is in too many small pieces: save it again.")
        return super().read(size)


@contextmanager
def limited_pillow() -> Iterator[None]:
    """Apply the limits to Pillow in this thread for a `with`; ignore its warnings on odd files."""
    if PIL_WARNING_FILTER not in warnings.filters:  # a change would repeat all earlier warnings
        warnings.filterwarnings("ignore", module="PIL")
    Tags.load = load_limited_tags  # type: ignore[method-assign, assignment]
    PngStream.check_text_memory = limit_texts  # type: ignore[method-assign, assignment]
    token = is_limited.set(True)
    try:
        yield
    finally:
        is_limited.reset(token)


@contextmanager
def open_content(file: Path | bytes) -> Iterator[LimitedReader]:
    """Open a file or its content for a `with`; raises `PictureError` or `OSError`."""
    raw: io.BytesIO | io.FileIO
    if isinstance(file, bytes):
        raw, size = io.BytesIO(file), len(file)
    else:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
            raise PictureError("this is no regular file: name a picture.")  # a pipe never ends
        raw, size = io.FileIO(os.fspath(file)), status.st_size
    with LimitedReader(raw) as content, limited_pillow():
        if not size:
            raise PictureError("the file is empty: it holds 0 bytes.")
        if size > MAX_FILE_BYTES:
            limit = f"the limit is {MAX_FILE_BYTES // 1_000_000} MB: make the picture smaller."
            raise PictureError(f"the file has {size // 1_000_000} MB, and {limit}")
        check_png_chunks(content)
        yield content


def check_png_chunks(content: LimitedReader) -> None:
    """Raise `PictureError` if a PNG has too many chunks that inflate; ignore other files."""
    count, content.reads_left = 0, MAX_PIXEL_READS
    if content.read(8) == PNG_SIGNATURE:
        while (head := content.read(8))[4:] not in (b"", b"IEND"):
            count += head[4:] in INFLATED_CHUNKS
            content.seek(int.from_bytes(head[:4]) + 4, os.SEEK_CUR)
    if count > MAX_INFLATED_CHUNKS:
        raise PictureError(f"the picture has {count} texts and profiles: save it without them.")
    content.seek(0)
    content.reads_left = MAX_HEADER_READS


def load_limited_tags(tags: Tags, file: io.BufferedIOBase, load: Callable = Tags.load) -> None:
    """Load tags of EXIF or a TIFF; raise `PictureError` if many tags repeat the same bytes."""
    if not is_limited.get():
        return load(tags, file)
    start = file.tell()
    number, entry = ("Q", "2xHQ8x") if tags._bigtiff else ("H", "2xHL4x")
    order = "<" if tags.prefix == b"II" else ">"
    head = file.read(struct.calcsize(order + number))
    count = int.from_bytes(head, "little" if order == "<" else "big")
    size = struct.calcsize(order + entry)
    table = file.read(min(count, MAX_TAGS) * size)
    entries = struct.iter_unpack(order + entry, table[: len(table) // size * size])
    total = sum(values * TAG_VALUE_BYTES.get(kind, 8) for kind, values in entries)
    if count > MAX_TAGS or total > MAX_TAG_BYTES:
        raise PictureError("the picture has too many or too large tags: save it without them.")
    file.seek(start)
    load(tags, file)


def limit_texts(png: PngStream, size: int, check: Callable = PngStream.check_text_memory) -> None:
    """Count `size` more characters of a PNG's texts, and raise `PictureError` above our limit."""
    check(png, size)
    if is_limited.get() and png.text_memory > MAX_PNG_TEXT_CHARS:
        raise PictureError("the picture has too many or too long texts: save it without them.")


def check_header(picture: Image.Image, content: LimitedReader) -> None:
    """Raise `PictureError` if decoding a picture with this header would cost too much."""
    limit, kind = MAX_PIXELS, f"a {picture.format}"
    if picture.format == "WEBP":
        limit, kind = MAX_WEBP_PIXELS, "a WebP"
    tiles = getattr(picture, "tile", ())
    if picture.format == "BMP" and tiles and tiles[0].codec_name == "bmp_rle":
        limit, kind = MAX_RLE_PIXELS, "a compressed BMP"
    if isinstance(picture, JpegImagePlugin.JpegImageFile):  # includes MPO: several JPEGs
        limit, kind = MAX_JPEG_PIXELS, "a JPEG"
        content.seek(0)
        scans = [header[4] for header in JPEG_SCAN.findall(content.read())]
        if "progressive" in picture.info or min(scans, default=0) < picture.layers:
            limit, kind = MAX_PROGRESSIVE_PIXELS, "a progressive JPEG"
            if len(scans) > MAX_JPEG_SCANS:
                raise PictureError(f"the JPEG has {len(scans)} scans: save it again.")
    check_size(picture.size, limit, kind)
    content.reads_left = MAX_PIXEL_READS


def check_size(size: tuple[int, int], limit: int, kind: str) -> None:
    """Raise `PictureError` if a picture of this (width, height) is too large for its kind."""
    width, height = size
    found = f"the picture has {width} x {height} pixels, and"
    if max(size) > MAX_SIDE_PX:
        raise PictureError(f"{found} no side may have more than {MAX_SIDE_PX}: cut it into parts.")
    if width * height > limit:
        limit_mp = f"{limit // 1_000_000} megapixels"
        raise PictureError(f"{found} the limit for {kind} is {limit_mp}: make it smaller.")
