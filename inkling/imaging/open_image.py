"""Open an untrusted file as an upright 8-bit picture, or raise a one-sentence error.

Sizes are checked in the header, before decoding: a 20 KB file can hold 169 megapixels.
"""

import contextlib
import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.WebPImagePlugin import WebPImageFile

from inkling.imaging import decompression_limits, image_formats
from inkling.imaging.decompression_limits import DAMAGED, MAX_PIXELS, PictureError
from inkling.imaging.isolated_decoding import decode_in_subprocess

MIN_JPEG_SIDE_PX = 2_000  # px: a JPEG is decoded at the smallest fraction with sides above this
MIN_FLOAT_RANGE = 1e-6  # of values in floats, of which white is mostly 1
EIGHT_BIT_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA")
Size = tuple[int, int]  # width and height, px
FILE_ERRORS: dict[type[Exception], str] = {
    FileNotFoundError: "there is no such file.",
    PermissionError: "there is no permission to read the file.",
    IsADirectoryError: "this is a folder, not a picture.",
    Image.DecompressionBombError: "the picture has far too many pixels: make it smaller.",
}


def open_picture(file: Path | bytes) -> tuple[Image.Image, Size]:
    """Open the first frame of a picture, rotated by its EXIF orientation.

    `file` is a path or the content. Returns the picture in one of `EIGHT_BIT_MODES`, and the
    (width, height) in the file: a large JPEG is decoded at 1/2, 1/4 or 1/8 of that. Raises
    `PictureError`, whose message is one sentence.
    """
    start = b""
    try:
        with decompression_limits.open_content(file) as content:
            start = content.peek()[: image_formats.SIGNATURE_BYTES]
            if image_formats.is_isolated_format(start):
                picture = decode_in_subprocess(content.read())
                return apply_exif_orientation(to_8bit(picture), picture.size)
            with Image.open(content, formats=image_formats.IN_PROCESS_FORMATS) as picture:
                decompression_limits.check_header(picture, content)
                width, height = size = picture.size
                divisor = jpeg_draft_divisor(size)
                picture.draft(None, (width // divisor, height // divisor))
                picture.load()
                opened = to_8bit(picture)
                if opened is picture and isinstance(picture, WebPImageFile):
                    opened = picture.copy()  # a WebP keeps its decoder's memory
                return apply_exif_orientation(opened, size)
    except PictureError:
        raise
    except Exception as error:  # decoders raise any exception on damaged files
        raise PictureError(describe_error(error, start)) from error


def describe_error(error: Exception, start: bytes) -> str:
    """Return the sentence for an error in a file that starts with these bytes."""
    if isinstance(error, UnidentifiedImageError):
        return image_formats.describe_refusal(start)
    if type(error) in FILE_ERRORS:
        return FILE_ERRORS[type(error)]
    if isinstance(error, OSError) and error.strerror:  # the system's, not a decoder's
        return f"the file cannot be read: {error.strerror.lower()}."
    return DAMAGED


def jpeg_draft_divisor(size: Size) -> int:
    """Return the least divisor of a JPEG's (width, height) for Pillow's `draft`."""
    divisor = max(1, min(size) // MIN_JPEG_SIDE_PX)
    while divisor < 8 and size[0] * size[1] > MAX_PIXELS * divisor**2:  # a panorama
        divisor += 1
    return divisor


def to_8bit(picture: Image.Image) -> Image.Image:
    """Convert a picture of any mode to one of `EIGHT_BIT_MODES`.

    Values of more bits are divided by a power of two: cameras store 8, 10, 12 or 16 bits in 16.
    """
    if picture.mode in EIGHT_BIT_MODES:
        return picture
    if picture.mode in ("La", "RGBa"):
        return picture.convert(picture.mode.upper())
    if picture.mode == "LAB":
        return picture.getchannel("L")
    if picture.mode not in ("I", "F") and not picture.mode.startswith("I;16"):
        return picture.convert("RGB")
    values = np.asarray(picture)
    if values.dtype.kind == "u":
        values = values >> max(0, int(values.max()).bit_length() - 8)
    else:
        values = values.astype(np.float32)
        np.nan_to_num(values, copy=False, posinf=0, neginf=0)
        low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
        scale = 255 / 2 ** math.ceil(math.log2(max(high - low, MIN_FLOAT_RANGE)))
        values *= scale
        values -= low * scale
        np.rint(values, out=values)
    gray = Image.fromarray(values.astype(np.uint8))
    transparent = picture.info.get("transparency")
    if transparent is not None:
        gray.putalpha(Image.fromarray(np.uint8(255) * (np.asarray(picture) != transparent)))
    return gray


def apply_exif_orientation(picture: Image.Image, size: Size) -> tuple[Image.Image, Size]:
    """Transpose a picture and the size of its file by its EXIF orientation, if that is valid."""
    before = picture.size
    with contextlib.suppress(Exception):  # Pillow raises any exception on damaged EXIF data
        ImageOps.exif_transpose(picture, in_place=True)
    return picture, size if picture.size == before else size[::-1]
