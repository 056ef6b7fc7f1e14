"""A TIFF or an AVIF becomes a picture in a process of its own, which the system keeps in bounds.

Their decoders cannot be kept there in any other way: an AVIF of 900 bytes that says it has 100 x
100 pixels can hold 268 megapixels, and they are decoded before anyone can look.
"""

import io
import json
import subprocess
import sys
from pathlib import Path

from PIL import AvifImagePlugin, Image, TiffImagePlugin

from inkling.imaging.decompression_limits import PictureError, limited_pillow, refuse_size
from inkling.imaging.image_formats import APART

MOST_ISOLATED = 9_000_000  # pixels: a page of A4 with 300 dpi has 8.7
MEMORY = 250_000_000  # bytes of addresses beyond those that Python and the file have: 28 a pixel
SECONDS = 2  # of the processor: 9 megapixels of noise take 1.2 as an AVIF
PATIENCE = 20  # seconds by the clock: others may be at work
PROGRAM = [sys.executable, "-m", "inkling.imaging.isolated_decoding"]
KIND, REDUCED = 254, 1  # a TIFF's tag, and its bit for a small copy of another picture in the file


def decoded_apart(content: bytes) -> Image.Image:
    """Return the first picture in a TIFF or an AVIF, and its EXIF data; raises `PictureError`."""
    try:
        done = subprocess.run(
            PROGRAM,
            cwd=Path(__file__).parents[2],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE,
            check=True,
        )
    except subprocess.SubprocessError as error:
        raise PictureError(
            "the picture asks for too much memory or time: save it as PNG."
        ) from error
    end = done.stdout.index(b"\n")
    told = json.loads(done.stdout[:end])
    if "error" in told:
        raise PictureError(told["error"])
    picture = Image.frombytes(told["mode"], told["size"], memoryview(done.stdout)[end + 1 :])
    picture.info["exif"] = bytes.fromhex(told["exif"])
    return picture


def decode(content: bytes) -> tuple[dict, bytes]:
    """Return what `decoded_apart` makes a picture of: its description and its pixels."""
    with limited_pillow(), Image.open(io.BytesIO(content), formats=APART) as file:
        picture: Image.Image = file
        if isinstance(file, TiffImagePlugin.TiffImageFile) and file.tag_v2.get(KIND, 0) & REDUCED:
            raise PictureError("the file is a camera's raw picture: save it as PNG or JPEG.")
        refuse_size(picture.size, MOST_ISOLATED, "a TIFF or an AVIF")
        picture.load()
        exif = picture.info.get("exif", b"").hex()
        if picture.mode in ("P", "PA"):
            picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
        return {"mode": picture.mode, "size": picture.size, "exif": exif}, picture.tobytes()


def limit_this_process() -> None:
    """Have the system end this process if it asks for too much memory or time."""
    try:
        import resource
    except ImportError:  # Windows has no such limits: there the clock alone ends it
        return
    limits = {resource.RLIMIT_CPU: SECONDS, resource.RLIMIT_CORE: 0}
    used = Path("/proc/self/statm")
    if used.exists():
        pages = int(used.read_text().split()[0])
        limits[resource.RLIMIT_AS] = pages * resource.getpagesize() + MEMORY
    for which, limit in limits.items():
        most = resource.getrlimit(which)[1]
        if most == resource.RLIM_INFINITY or limit < most:
            resource.setrlimit(which, (limit, limit))


def main() -> None:
    """Decode what comes in; write a line of JSON and the pixels, or what is wrong with it."""
    content = sys.stdin.buffer.read()
    limit_this_process()
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # each holds pictures of its own
    try:
        told, pixels = decode(content)
    except MemoryError:
        raise
    except PictureError as error:
        told, pixels = {"error": str(error)}, b""
    except Exception:  # decoders raise whatever they like on damaged files
        told, pixels = {"error": "the picture is damaged or cut off: save it again."}, b""
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\n" + pixels)


if __name__ == "__main__":
    main()
