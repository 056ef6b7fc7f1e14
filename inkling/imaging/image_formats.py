"""Supported picture formats, recognised by file signature or suffix."""

import re
from pathlib import Path

PICTURE_SUFFIXES = {".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp"}
PICTURE_SUFFIXES |= {".tif", ".tiff", ".avif", ".avifs"}
IN_PROCESS_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")  # Pillow's names
ISOLATED_FORMATS = ("TIFF", "AVIF")  # decoded in a subprocess
FORMAT_NAMES = "PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF"  # for people
ACCEPTED_MIME_TYPES = ",".join(f"image/{f.lower()}" for f in IN_PROCESS_FORMATS + ISOLATED_FORMATS)
MAX_UPLOAD_BYTES = 8 * 2**20  # bytes: largest picture that the page accepts
SIGNATURE_BYTES = 256  # bytes from a file's start: AVIF's list of brands can be as long
IN_PROCESS_SIGNATURE = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|RIFF....WEBP|GIF8[79]a|BM....\0\0\0\0", re.S
)
TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # the last two: BigTIFF
AVIF_BRANDS = {b"avif", b"avis"}
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
UNSUPPORTED_SIGNATURES = {"a PDF": rb"%PDF-", "an SVG drawing": rb"\s*(<\?xml.*?|<!--.*?)?<svg\b"}


def is_picture(start: bytes) -> bool:
    """Return whether a file that starts with these bytes has a supported format."""
    return IN_PROCESS_SIGNATURE.match(start) is not None or is_isolated_format(start)


def is_isolated_format(start: bytes) -> bool:
    """Return whether a file that starts with these bytes is a TIFF or an AVIF."""
    return start.startswith(TIFF_SIGNATURES) or bool(parse_brands(start) & AVIF_BRANDS)


def describe_refusal(start: bytes) -> str:
    """Return an error sentence for an unsupported file that starts with these bytes."""
    kinds = [kind for kind, sign in UNSUPPORTED_SIGNATURES.items() if re.match(sign, start, re.S)]
    if parse_brands(start) & HEIC_BRANDS and not is_picture(start):
        kinds = ["a HEIC picture"]
    if not kinds:
        return f"the file is no {FORMAT_NAMES} picture."
    return f"the file is {kinds[0]}, which is not read here: save it as PNG or JPEG."


def parse_brands(start: bytes) -> set[bytes]:
    """Return the brands of an ISO base media file (AVIF, HEIC); none for other files."""
    if start[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(start[:4]), len(start))
    return {start[8:12], *(start[at : at + 4] for at in range(16, end, 4))}


def is_picture_file(path: Path) -> bool:
    """Return whether a file is a supported picture, by its suffix or else by its first bytes."""
    if path.suffix.lower() in PICTURE_SUFFIXES:
        return not path.is_dir()
    try:
        if not path.is_file():  # reading a pipe would never end
            return False
        with path.open("rb") as file:
            return is_picture(file.read(SIGNATURE_BYTES))
    except OSError:
        return False
