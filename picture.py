"""A file that a stranger chose becomes an upright picture in memory, or one clear sentence.

Only common formats are opened, and a picture's size is read from its header before any pixel is
decoded: a 20 KB file can hold 169 megapixels.
"""

import io
import warnings
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
JPEG_LIMIT = 64_000_000  # pixels; a JPEG is decoded at a fraction of its size
PIXEL_LIMIT = 32_000_000  # pixels of any other format: 128 MB as RGBA
ENOUGH = 2_000  # px: a JPEG's longest side is decoded at the smallest fraction above this

warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our limits are stricter
Image.init()  # load every format now: the first picture is then read as fast as the next


class PictureError(ValueError):
    """A file that is no picture we read: the message says what is wrong and what to do."""


def open_picture(file: Path | bytes) -> tuple[Image.Image, tuple[int, int]]:
    """Open a picture as a person sees it: its first frame, turned as its EXIF data says.

    `file` is where it lies, or its content. Returns the picture, in any of Pillow's modes, and its
    (width, height) in the file: a large JPEG is decoded at 1/2, 1/4 or 1/8 of that. Raises
    `PictureError`, whose message is one sentence.
    """
    try:
        if not (file if isinstance(file, bytes) else file.stat().st_size):
            raise PictureError("the file is empty: it holds 0 bytes.")
        content = io.BytesIO(file) if isinstance(file, bytes) else file
        with Image.open(content, formats=FORMATS) as picture:
            width, height = picture.size
            limit = JPEG_LIMIT if picture.format == "JPEG" else PIXEL_LIMIT
            if width * height > limit:
                raise PictureError(
                    f"the picture has {width} x {height} pixels, and the limit is "
                    f"{limit // 1_000_000} megapixels: make it smaller."
                )
            picture.draft(None, (min(width, ENOUGH), min(height, ENOUGH)))
            picture.load()
            upright = ImageOps.exif_transpose(picture)
            turned = upright.size != picture.size
            return upright, (height, width) if turned else (width, height)
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
        raise PictureError("the file is no PNG, JPEG, WebP, GIF or BMP picture.") from error
    except Exception as error:  # decoders raise whatever they like on damaged files
        raise PictureError("the picture is damaged or cut off: save it again.") from error
