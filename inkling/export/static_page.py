"""Build the page without a server: a folder for any web server or a static Space.

python -m inkling.export.static_page FOLDER

The folder holds the networks as ONNX files, their runtime (ONNX Runtime Web from npm, MIT licence),
the sketchpad, a copy of `static/`, and the constants of the Python code in `settings.js`.
"""

import base64
import gzip
import hashlib
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pooch
from platformdirs import user_cache_path
from requests import RequestException

from inkling.export import INSTALL_ONNX
from inkling.imaging import sketch
from inkling.recognition import reader  # noqa: F401 (its modules hold constants)
from inkling.recognition.checkpoint import CHECKPOINT, load_checkpoint
from inkling.terminal import UserError, make_parser, printable, run
from inkling.ui import sketchpad, uncertainty  # noqa: F401

EXPORT_STATIC_DIR = Path(__file__).parent / "static"
LICENCE_FILE = Path(__file__).parents[2] / "LICENSE"
RUNTIME_VERSION = "1.30.0"  # of ONNX Runtime Web; test a newer one before naming it here
ARCHIVE = f"https://registry.npmjs.org/onnxruntime-web/-/onnxruntime-web-{RUNTIME_VERSION}.tgz"
ARCHIVE_SHA512 = (  # from the registry, in hexadecimal
    "ab4cbe26baedba45d2cec05610c71c55fa97db92d19a8b171c5f8269126683ca"
    "590a5cdc57bb2f35ce2b298de32f4d956fb42644c0ecd528a0a91e025c07ca61"
)
PAD_SUFFIXES = ("js", "css", "html")  # of the sketchpad's files
# If pushed by git, a Space accepts binary files only in large-file storage.
ATTRIBUTES = "".join(f"*.{kind} filter=lfs diff=lfs merge=lfs -text\n" for kind in ("onnx", "gz"))
RUNTIME_MODULE, RUNTIME_WASM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
# Files that the browser stores for offline use, with index.html.
CACHED_SUFFIXES = (".css", ".gz", ".js", ".onnx", ".svg", ".webmanifest")
VERSION_MARK = "VERSION_OF_FILES"  # in index.html and offline.js, replaced by the version


def add_runtime(folder: Path) -> None:
    """Write the runtime to a folder, its 14 MB of WebAssembly compressed; raises `UserError`."""
    pooch.get_logger().setLevel("WARNING")
    members = [f"package/dist/{name}" for name in (RUNTIME_MODULE, RUNTIME_WASM)]
    try:
        files = pooch.retrieve(
            ARCHIVE,
            f"sha512:{ARCHIVE_SHA512}",
            fname=f"onnxruntime-web-{RUNTIME_VERSION}.tgz",
            path=user_cache_path("inkling"),
            processor=pooch.Untar(members),
        )
    except (RequestException, ValueError) as error:
        name = f"ONNX Runtime Web {RUNTIME_VERSION}"
        raise UserError(f"{name} cannot be had from npm: {error}") from error
    found = {Path(file).name: Path(file) for file in files}
    # not .mjs: some servers send it as application/octet-stream, which browsers do not run
    shutil.copy(found[RUNTIME_MODULE], (folder / RUNTIME_MODULE).with_suffix(".js"))
    packed = gzip.compress(found[RUNTIME_WASM].read_bytes(), 9, mtime=0)
    (folder / f"{RUNTIME_WASM}.gz").write_bytes(packed)


def add_scripts(folder: Path) -> None:
    """Write the page, its scripts and styles to a folder."""
    shutil.copytree(EXPORT_STATIC_DIR, folder, dirs_exist_ok=True)
    shutil.copy(LICENCE_FILE, folder)
    (folder / ".gitattributes").write_text(ATTRIBUTES)
    settings = collect_constants()
    settings["PEN"] = round(sketchpad.PAD_PEN_PX * sketchpad.PAD_UNITS / sketch.SKETCH_SIDE_PX)
    content = json.dumps(settings, ensure_ascii=False, indent=2, default=np.ndarray.tolist)
    (folder / "settings.js").write_text(f"export default {content};\n", "utf-8")
    source = sketchpad.SKETCHPAD_DIR
    pad = {kind: (source / f"sketchpad.{kind}").read_text("utf-8") for kind in PAD_SUFFIXES}
    # Gradio calls the script with these arguments, and nests the style in the component's element
    script = f"export default function (element, props, trigger, watch) {{\n{pad['js']}}}\n"
    (folder / "sketchpad.js").write_text(script, "utf-8")
    (folder / "sketchpad.css").write_text(f"#pad {{\n{pad['css']}}}\n", "utf-8")
    page = folder / "index.html"
    markup = pad["html"].replace("${placeholder}", "Draw a digit here")
    page.write_text(page.read_text("utf-8").replace("<!-- the pad -->", markup), "utf-8")


def collect_constants() -> dict[str, Any]:
    """Return the constants of Python that scripts of `static/` take from `settings`, by name."""
    code = "".join(path.read_text("utf-8") for path in EXPORT_STATIC_DIR.glob("*.js"))
    lists = " ".join(re.findall(r"\{([A-Z0-9_,\s]+)\} = settings", code))
    used = {*re.findall(r"\w+", lists), *re.findall(r"\bsettings\.([A-Z0-9_]+)", code)}
    modules = [
        m for name, m in sys.modules.items() if f"{name}.".startswith(("inkling.", "model."))
    ]
    return {name: vars(m)[name] for m in modules for name in used if name in vars(m)}


def write_version(folder: Path) -> None:
    """Write the version into index.html and offline.js, and the list of files into offline.js."""
    worker, page = folder / "offline.js", folder / "index.html"
    files = sorted(p for p in folder.iterdir() if p != worker and p.suffix in CACHED_SUFFIXES)
    digests = {"./": ""} | {path.name: compute_integrity(path.read_bytes()) for path in files}
    listed = json.dumps(digests, indent=2)
    version = hashlib.sha256(listed.encode() + page.read_bytes()).hexdigest()[:12]
    for path in (worker, page):
        code = path.read_text("utf-8").replace(VERSION_MARK, version)
        path.write_text(code.replace("{/* files */}", listed), "utf-8")


def compute_integrity(content: bytes) -> str:
    """Return the SHA-256 of a file, and of what it unpacks to: browsers may get either."""
    forms = [content] + ([gzip.decompress(content)] if content[:2] == b"\x1f\x8b" else [])
    digests = (hashlib.sha256(form).digest() for form in forms)
    return " ".join(f"sha256-{base64.b64encode(digest).decode()}" for digest in digests)


def build(folder: Path, checkpoint: Path = CHECKPOINT) -> None:
    """Write the whole page to a folder; raises `OSError` or `UserError` if it cannot."""
    from inkling.export.onnx_file import write_page_networks  # here: it needs optional packages

    model, description, _ = load_checkpoint(checkpoint)
    folder.mkdir(parents=True, exist_ok=True)
    add_runtime(folder)
    write_page_networks(folder, model, description)
    add_scripts(folder)
    write_version(folder)


def measure(folder: Path) -> tuple[float, float]:
    """Return the size of a built page without the runtime, and of the runtime, in MB."""
    files = (folder.glob(names) for names in ("*", "ort*"))
    whole, runtime = (sum(path.stat().st_size for path in paths) / 1e6 for paths in files)
    return whole - runtime, runtime


def main() -> None:
    """Build the page, and print its size."""
    parser = make_parser("Write a page that reads digits without a server.")
    parser.add_argument("folder", type=Path, help="folder to write to")
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="network to read with")
    options = parser.parse_args()
    try:
        build(options.folder, options.checkpoint)
    except ImportError:
        sys.exit(f"The page needs more: {INSTALL_ONNX}")
    page, runtime = measure(options.folder)
    print(
        f"{printable(options.folder)}: {page + runtime:.1f} MB, of which the runtime has "
        f"{runtime:.1f}. To look at it: python -m http.server -d {printable(options.folder)}"
    )


if __name__ == "__main__":
    run(main)
