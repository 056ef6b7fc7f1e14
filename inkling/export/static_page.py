"""The page without a server: a folder that any web server, or a static Space, can serve.

python -m inkling.export.static_page FOLDER

It holds the network as an ONNX file, the runtime that computes it in the browser (ONNX Runtime Web
from npm, MIT licence), the Gradio page's own sketchpad, and `static/`, as it stands. What its
scripts must know of Python's reading is written from Python's constants.
"""

import argparse
import base64
import gzip
import hashlib
import json
import shutil
import sys
from pathlib import Path

import pooch
from platformdirs import user_cache_path
from requests import RequestException

from inkling.datasets.mnist import DataError
from inkling.imaging import binarize, mnist_frame, sketch
from inkling.recognition import reading, segmentation
from inkling.recognition.checkpoint import CHECKPOINT, CheckpointError, load_checkpoint
from inkling.terminal import INSTALL_ONNX, printable, run
from inkling.ui import sketchpad, uncertainty

STATIC = Path(__file__).parent / "static"
LICENCE = Path(__file__).parents[2] / "LICENSE"
NETWORK = "digits.onnx"
RUNTIME = "1.30.0"  # of ONNX Runtime Web: a newer one is tried before it is named here
ARCHIVE = f"https://registry.npmjs.org/onnxruntime-web/-/onnxruntime-web-{RUNTIME}.tgz"
ARCHIVE_SHA512 = (  # as the registry tells it, in hexadecimal
    "ab4cbe26baedba45d2cec05610c71c55fa97db92d19a8b171c5f8269126683ca"
    "590a5cdc57bb2f35ce2b298de32f4d956fb42644c0ecd528a0a91e025c07ca61"
)
KINDS = ("js", "css", "html")  # of the sketchpad's files
# Pushed by git, a Space takes binary files only in large-file storage.
ATTRIBUTES = "".join(f"*.{kind} filter=lfs diff=lfs merge=lfs -text\n" for kind in ("onnx", "gz"))
MODULE, MACHINE_CODE = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
KEPT = (".css", ".gz", ".js", ".onnx", ".svg", ".webmanifest")  # offline, beside index.html
VERSION = "VERSION_OF_FILES"  # in the page and its service worker, until the files are known
# What the scripts have from Python: see `frame.js` and `page.js`.
SETTINGS = {
    "SIDE": sketch.SKETCH_SIDE_PX,
    "FINE": sketch.SUPERSAMPLING,
    "ROUNDED": sketch.CORNER_PX,
    "BENDS": len(sketch.CORNER_SHARES),
    "EDGE": mnist_frame.BOX_INK_THRESHOLD,
    "SPECK": binarize.MAX_SPECK_SHARE,
    "SLIVER": binarize.MAX_SLIVER_SHARE,
    "FRAME": mnist_frame.FRAME,
    "DIGIT": mnist_frame.DIGIT,
    "MIN_STROKE": mnist_frame.MIN_STROKE_PX,
    "THIN_STROKE_BECOMES": mnist_frame.THICKENED_STROKE_PX,
    "LARGE_PEN": mnist_frame.MAX_DILATION_PX,
    "BAR": segmentation.BAR,
    "ROW": segmentation.ROW,
    "UNSURE": uncertainty.UNSURE_BELOW,
    "RUNNER_UP": uncertainty.MIN_SECOND_PROB,
    "NO_DIGIT": reading.NO_DIGIT,
    "PEN": round(sketchpad.PAD_PEN_PX * sketchpad.PAD_UNITS / sketch.SKETCH_SIDE_PX),
}


def runtime(folder: Path) -> None:
    """Write the runtime to a folder, its machine code packed: a quarter of its 14 MB.

    Raises `DataError` if it can be had neither from the user's cache nor from npm.
    """
    pooch.get_logger().setLevel("WARNING")
    members = [f"package/dist/{name}" for name in (MODULE, MACHINE_CODE)]
    try:
        files = pooch.retrieve(
            ARCHIVE,
            f"sha512:{ARCHIVE_SHA512}",
            fname=f"onnxruntime-web-{RUNTIME}.tgz",
            path=user_cache_path("inkling"),
            processor=pooch.Untar(members),
        )
    except (RequestException, ValueError) as error:
        raise DataError(f"ONNX Runtime Web {RUNTIME} cannot be had from npm: {error}") from error
    found = {Path(file).name: Path(file) for file in files}
    # not .mjs: some servers send that as application/octet-stream, which browsers do not run
    shutil.copy(found[MODULE], (folder / MODULE).with_suffix(".js"))
    packed = gzip.compress(found[MACHINE_CODE].read_bytes(), 9, mtime=0)
    (folder / f"{MACHINE_CODE}.gz").write_bytes(packed)


def scripts(folder: Path) -> None:
    """Write the page, its scripts and styles to a folder."""
    shutil.copytree(STATIC, folder, dirs_exist_ok=True)
    shutil.copy(LICENCE, folder)
    (folder / ".gitattributes").write_text(ATTRIBUTES)
    told = json.dumps(SETTINGS, ensure_ascii=False, indent=2)
    (folder / "settings.js").write_text(f"export default {told};\n", "utf-8")
    pad = {
        kind: (sketchpad.SKETCHPAD_DIR / f"sketchpad.{kind}").read_text("utf-8") for kind in KINDS
    }
    # Gradio calls its script with these names, and puts its style below the component's element
    script = f"export default function (element, props, trigger, watch) {{\n{pad['js']}}}\n"
    (folder / "sketchpad.js").write_text(script, "utf-8")
    (folder / "sketchpad.css").write_text(f"#pad {{\n{pad['css']}}}\n", "utf-8")
    page = folder / "index.html"
    words = pad["html"].replace("${placeholder}", "Draw a digit here")
    page.write_text(page.read_text("utf-8").replace("<!-- the pad -->", words), "utf-8")


def list_for_offline(folder: Path) -> None:
    """Write the version into the page and its service worker, and there the files it stores."""
    worker, page = folder / "offline.js", folder / "index.html"
    files = sorted(p for p in folder.iterdir() if p != worker and p.suffix in KEPT)
    digests = {"./": ""} | {path.name: integrity(path.read_bytes()) for path in files}
    listed = json.dumps(digests, indent=2)
    version = hashlib.sha256(listed.encode() + page.read_bytes()).hexdigest()[:12]
    for path in (worker, page):
        code = path.read_text("utf-8").replace(VERSION, version)
        path.write_text(code.replace("{/* files */}", listed), "utf-8")


def integrity(content: bytes) -> str:
    """Return a file's SHA-256 as browsers check it; of a packed file also that of its content.

    Some servers have the browser unpack it.
    """
    forms = [content] + ([gzip.decompress(content)] if content[:2] == b"\x1f\x8b" else [])
    digests = (hashlib.sha256(form).digest() for form in forms)
    return " ".join(f"sha256-{base64.b64encode(one).decode()}" for one in digests)


def build(folder: Path, checkpoint: Path = CHECKPOINT) -> None:
    """Write the whole page to a folder, which is made anew where files of that name stand.

    Raises `OSError`, `CheckpointError`, and `DataError` if the runtime cannot be had.
    """
    from inkling.export.onnx_file import write_onnx  # here: it needs what is an extra

    model, description, _ = load_checkpoint(checkpoint)
    folder.mkdir(parents=True, exist_ok=True)
    runtime(folder)
    write_onnx(model, description, folder / NETWORK)
    scripts(folder)
    list_for_offline(folder)


def sizes(folder: Path) -> tuple[float, float]:
    """Return how large a built page is without the runtime, and the runtime, MB."""
    whole, engine = (
        sum(path.stat().st_size for path in folder.glob(names)) / 1e6 for names in ("*", "ort*")
    )
    return whole - engine, engine


def main() -> None:
    """Build the page, and say how large it is."""
    parser = argparse.ArgumentParser(
        description="Write a page that reads digits without a server.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="folder to write to")
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="network to read with")
    options = parser.parse_args()
    try:
        build(options.folder, options.checkpoint)
    except ImportError:
        sys.exit(f"The page needs more: {INSTALL_ONNX}")
    except CheckpointError as error:
        sys.exit(f"The checkpoint {options.checkpoint} cannot be used: {error}")
    except (DataError, OSError) as error:
        sys.exit(str(error))
    page, engine = sizes(options.folder)
    print(
        f"{printable(options.folder)}: {page + engine:.1f} MB, of which the runtime has "
        f"{engine:.1f}. To look at it: python -m http.server -d {printable(options.folder)}"
    )


if __name__ == "__main__":
    run(main)
