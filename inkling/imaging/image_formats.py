"""The first bytes of a file say which format it has, whatever its name says.

The formats that are read are listed here, and nowhere else.
"""

import re
from pathlib import Path

ENDINGS = {".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp"}  # of names
ENDINGS |= {".tif", ".tiff", ".avif", ".avifs"}
HERE = ("PNG", "JPEG", "WEBP", "GIF", "BMP")  # what Pillow calls those that are decoded at once
APART = ("TIFF", "AVIF")  # and those whose decoders are not trusted
SPOKEN = "PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF"  # the same, as people say it
ACCEPTED = ",".join(f"image/{name.lower()}" for name in HERE + APART)  # as browsers know them
UPLOAD_LIMIT = 8 * 2**20  # bytes of a picture that the page takes
START = 256  # bytes that tell a format: a list of brands may be as long
SIGNATURE = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|RIFF....WEBP|GIF8[79]a|BM....\0\0\0\0", re.S
)  # of those that are decoded at once
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # the last two are for large files
AVIF = {b"avif", b"avis"}  # brands
OTHERS = {
    "a PDF": rb"%PDF-",
    "an SVG drawing": rb"\s*(<\?xml.*?|<!--.*?)?<svg\b",
    "a Photoshop file": rb"8BPS",
    "a JPEG XL picture": rb"\xff\n|\0\0\0\x0cJXL ",
    "a JPEG 2000 picture": rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  ",
}  # signatures of what people take for pictures, and is not read here
HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}  # brands


def is_picture(start: bytes) -> bool:
    """Tell by its first bytes whether a file has a format that is read."""
    return SIGNATURE.match(start) is not None or is_apart(start)


def is_apart(start: bytes) -> bool:
    """Tell by its first bytes whether a file is a TIFF or an AVIF."""
    return start.startswith(TIFF) or bool(brands(start) & AVIF)


def refusal(start: bytes) -> str:
    """Say in a sentence what a file is that is not read, by its first bytes."""
    kind = next((kind for kind, sign in OTHERS.items() if re.match(sign, start, re.S)), "")
    if brands(start) & HEIC and not is_picture(start):
        kind = "a HEIC picture"
    if not kind:
        return f"the file is no {SPOKEN} picture."
    return f"the file is {kind}, which is not read here: save it as PNG or JPEG."


def brands(start: bytes) -> set[bytes]:
    """Return what a file of ISO's base media format says it is; nothing for another file."""
    if start[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(start[:4]), len(start))
    return {start[8:12], *(start[at : at + 4] for at in range(16, end, 4))}


def is_picture_file(path: Path) -> bool:
    """Tell by its name, or else by its first bytes, whether a file is a picture that is read."""
    if path.suffix.lower() in ENDINGS:
        return not path.is_dir()
    try:
        if not path.is_file():  # a pipe would never end
            return False
        with path.open("rb") as file:
            return is_picture(file.read(START))
    except OSError:
        return False
