"""A file that a stranger chose becomes an upright picture in memory, or one clear sentence.

Only common formats are opened, and a picture's size is read from its header before any pixel is
decoded: a 20 KB file can hold 169 megapixels.
"""

import math
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError
from PIL.WebPImagePlugin import WebPImageFile

from inkling.imaging.decompression_limits import MOST, PictureError, open_content, refuse_bomb
from inkling.imaging.image_formats import HERE, START, is_apart, refusal
from inkling.imaging.isolated_decoding import decoded_apart

ENOUGH = 2_000  # px: a JPEG's shorter side is decoded at the smallest fraction above this
TINY = 1e-6  # the least that counts as light where values are floats: white is mostly 1
PLAIN = ("1", "L", "LA", "P", "PA", "RGB", "RGBA")  # modes that all that follows knows
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # what brings a picture upright, by its EXIF orientation


def open_picture(file: Path | bytes) -> tuple[Image.Image, tuple[int, int]]:
    """Open a picture as a person sees it: its first frame, turned as its EXIF data says.

    `file` is where it lies, or its content. Returns the picture, in any of Pillow's modes of 8 bits
    or less, and its (width, height) in the file: a large JPEG is decoded at 1/2, 1/4 or 1/8 of
    that. Raises `PictureError`, whose message is one sentence.
    """
    try:
        with open_content(file) as content:
            start = content.peek()[:START]
            if is_apart(start):
                seen = upright(in_bytes(decoded_apart(content.read())))
                return seen, seen.size
            with Image.open(content, formats=HERE) as picture:
                refuse_bomb(picture, content)
                width, height = size = picture.size
                part = fraction(size)
                picture.draft(None, (width // part, height // part))
                picture.load()
                seen = upright(in_bytes(picture))
                if seen is picture and isinstance(picture, WebPImageFile):
                    seen = picture.copy()  # a WebP holds on to its decoder's memory
                turned = seen.size != picture.size
                return seen, size[::-1] if turned else size
    except PictureError:
        raise
    except FileNotFoundError as error:
        raise PictureError("there is no such file.") from error
    except PermissionError as error:
        raise PictureError("there is no permission to read the file.") from error
    except IsADirectoryError as error:
        raise PictureError("this is a folder, not a picture.") from error
    except Image.DecompressionBombError as error:
        raise PictureError("the picture has far too many pixels: make it smaller.") from error
    except UnidentifiedImageError as error:
        raise PictureError(refusal(start)) from error
    except Exception as error:  # decoders raise whatever they like on damaged files
        if isinstance(error, OSError) and error.strerror:  # the system's, not a decoder's
            why = error.strerror.lower()
            raise PictureError(f"the file cannot be read: {why}.") from error
        raise PictureError("the picture is damaged or cut off: save it again.") from error


def fraction(size: tuple[int, int]) -> int:
    """Return by what a JPEG of this (width, height) is divided at least, before it is decoded."""
    part = max(1, min(size) // ENOUGH)
    while part < 8 and size[0] * size[1] > MOST * part**2:  # a panorama
        part += 1
    return part


def in_bytes(picture: Image.Image) -> Image.Image:
    """Return a picture of any mode in one of 1, L, LA, P, PA, RGB and RGBA: 8 bits or less a value.

    Values of more bits are divided by a power of two, the least that brings them below 256: cameras
    and scanners keep 8, 10, 12 or 16 bits in 16.
    """
    if picture.mode in PLAIN:
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
        low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))  # of 64 bits
        scale = 255 / 2 ** math.ceil(math.log2(max(high - low, TINY)))
        values *= scale
        values -= low * scale
        np.rint(values, out=values)
    grey = Image.fromarray(values.astype(np.uint8))
    clear = picture.info.get("transparency")
    if clear is not None:
        grey.putalpha(Image.fromarray(np.uint8(255) * (np.asarray(picture) != clear)))
    return grey


def upright(picture: Image.Image) -> Image.Image:
    """Return a picture turned as its EXIF data says, or as it is if that cannot be read."""
    try:
        turn = TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # on damaged EXIF data anything may be raised
        turn = None
    return picture if turn is None else picture.transpose(turn)
