"""Decode TIFF and AVIF in a subprocess with memory and time limits.

A 900-byte AVIF that declares 100 x 100 pixels can hold 268 megapixels, decoded before any check.
"""

import io
import json
import subprocess
import sys
from pathlib import Path

from PIL import AvifImagePlugin, Image, TiffImagePlugin

from inkling.imaging.decompression_limits import DAMAGED, PictureError, check_size, limited_pillow
from inkling.imaging.image_formats import ISOLATED_FORMATS

MAX_ISOLATED_PIXELS = 9_000_000  # pixels: A4 at 300 dpi has 8.7 million
DECODE_MEMORY_BYTES = 250_000_000  # address space beyond Python and the file: 28 bytes a pixel
DECODE_CPU_S = 2  # processor time: 9 megapixels of noise as an AVIF take 1.2 s
DECODE_TIMEOUT_S = 20  # wall-clock time: the machine may be busy
DECODER_COMMAND = [sys.executable, "-m", "inkling.imaging.isolated_decoding"]
SUBFILE_TYPE_TAG, REDUCED_IMAGE_BIT = 254, 1  # of a TIFF: marks a thumbnail of another picture


def decode_in_subprocess(content: bytes) -> Image.Image:
    """Return the first picture of a TIFF or an AVIF with its EXIF data; raises `PictureError`."""
    try:
        done = subprocess.run(
            DECODER_COMMAND,
            cwd=Path(__file__).parents[2],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=DECODE_TIMEOUT_S,
            check=True,
        )
    except subprocess.SubprocessError as error:
        raise PictureError("the picture needs too much memory or time: save it as PNG.") from error
    end = done.stdout.index(b"\n")
    response = json.loads(done.stdout[:end])
    if "error" in response:
        raise PictureError(response["error"])
    pixels = memoryview(done.stdout)[end + 1 :]
    picture = Image.frombytes(response["mode"], response["size"], pixels)
    picture.info["exif"] = bytes.fromhex(response["exif"])
    return picture


def decode(content: bytes) -> tuple[dict, bytes]:
    """Return the description and the pixels of a picture, as `decode_in_subprocess` reads them."""
    with limited_pillow(), Image.open(io.BytesIO(content), formats=ISOLATED_FORMATS) as file:
        picture: Image.Image = file
        tags = file.tag_v2 if isinstance(file, TiffImagePlugin.TiffImageFile) else {}
        if tags.get(SUBFILE_TYPE_TAG, 0) & REDUCED_IMAGE_BIT:
            raise PictureError("the file is a camera's raw picture: save it as PNG or JPEG.")
        check_size(picture.size, MAX_ISOLATED_PIXELS, "a TIFF or an AVIF")
        picture.load()
        exif = picture.info.get("exif", b"").hex()
        if picture.mode in ("P", "PA"):
            picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
        return {"mode": picture.mode, "size": picture.size, "exif": exif}, picture.tobytes()


def limit_this_process() -> None:
    """Let the system end this process when it exceeds its memory or time."""
    try:
        import resource
    except ImportError:  # Windows: only `DECODE_TIMEOUT_S` ends the process
        return
    limits = {resource.RLIMIT_CPU: DECODE_CPU_S, resource.RLIMIT_CORE: 0}
    used = Path("/proc/self/statm")
    if used.exists():
        pages = int(used.read_text().split()[0])
        limits[resource.RLIMIT_AS] = pages * resource.getpagesize() + DECODE_MEMORY_BYTES
    for which, limit in limits.items():
        current = resource.getrlimit(which)[1]
        if current == resource.RLIM_INFINITY or limit < current:
            resource.setrlimit(which, (limit, limit))


def main() -> None:
    """Decode standard input; write a line of JSON and the pixels, or an error in that line."""
    content = sys.stdin.buffer.read()
    limit_this_process()
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # each thread holds its own pictures
    try:
        response, pixels = decode(content)
    except MemoryError:
        raise
    except Exception as error:  # decoders raise any exception on damaged files
        message = str(error) if isinstance(error, PictureError) else DAMAGED
        response, pixels = {"error": message}, b""
    sys.stdout.buffer.write(json.dumps(response).encode() + b"\n" + pixels)


if __name__ == "__main__":
    main()
