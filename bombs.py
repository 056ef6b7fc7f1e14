"""A small file can ask for much memory and much time: one that does is refused before its pixels.

Formats differ in what decoding them holds, and in what they let a file repeat. The limits keep the
worst file that `python bench/fuzz.py` knows within 150 MB and a second.
"""

import io
import os
import re
import stat
from pathlib import Path

from PIL import Image, JpegImagePlugin, PngImagePlugin

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
TEXT_LIMIT = 4_000_000  # characters of all texts in a PNG
INFLATED = (b"iCCP", b"zTXt", b"iTXt")
SCAN = re.compile(rb"\xff\xda\0(?:\x08\x01|\x0a\x02|\x0c\x03|\x0e\x04)")  # length, components

PngImagePlugin.MAX_TEXT_MEMORY = TEXT_LIMIT  # Pillow's own is 64 MB, which emojis make 256


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


def open_content(file: Path | bytes) -> Content:
    """Open a regular file, or what one holds; raises `PictureError` or `OSError`."""
    if isinstance(file, bytes):
        raw, size = io.BytesIO(file), len(file)
    else:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
            raise PictureError("this is no regular file: name a picture.")  # a pipe never ends
        raw, size = io.FileIO(os.fspath(file)), status.st_size
    content = Content(raw)
    try:
        if not size:
            raise PictureError("the file is empty: it holds 0 bytes.")
        if size > FILE_LIMIT:
            raise PictureError(
                f"the file has {size // 1_000_000} MB, and the limit is "
                f"{FILE_LIMIT // 1_000_000} MB: make the picture smaller."
            )
        refuse_inflated(content)
    except BaseException:
        content.close()
        raise
    return content


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


def refuse_bomb(picture: Image.Image, content: Content) -> None:
    """Raise `PictureError` if what a header announces would cost too much."""
    width, height = picture.size
    if max(width, height) > SIDE_LIMIT:
        raise PictureError(
            f"the picture has {width} x {height} pixels, and no side may have more than "
            f"{SIDE_LIMIT}: cut it into parts."
        )
    limit, kind = MOST, f"a {picture.format}"
    if picture.format == "WEBP":
        limit, kind = MOST_WEBP, "a WebP"
    if picture.format == "BMP" and picture.tile and picture.tile[0].codec_name == "bmp_rle":
        limit, kind = MOST_RLE, "a compressed BMP"
    if isinstance(picture, JpegImagePlugin.JpegImageFile):  # or an MPO: several JPEGs
        limit, kind = MOST_JPEG, "a JPEG"
        content.seek(0)
        scans = [found[4] for found in SCAN.findall(content.read())]
        if "progressive" in picture.info or min(scans, default=0) < picture.layers:
            limit, kind = MOST_PROGRESSIVE, "a progressive JPEG"
            if len(scans) > MOST_SCANS:
                raise PictureError(f"the JPEG has {len(scans)} scans: save it again.")
    if width * height > limit:
        raise PictureError(
            f"the picture has {width} x {height} pixels, and the limit for {kind} is "
            f"{limit // 1_000_000} megapixels: make it smaller."
        )
    content.pieces = PIXEL_PIECES
