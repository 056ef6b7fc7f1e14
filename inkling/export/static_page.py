"""Build the page without a server: a folder for any web server or a static Space.

python -m inkling.export.static_page FOLDER

The folder holds the networks as ONNX files, their runtime (ONNX Runtime Web, MIT licence), the main
page's scripts, styles and compiled templates, its card and its examples, a copy of `static/`, and
the constants of the Python code in `settings.js`. Node.js with npm is needed to build, not to run.
"""

import gzip
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from PIL import Image
from platformdirs import user_cache_path

from inkling.export import INSTALL_ONNX
from inkling.imaging.image_formats import ACCEPTED_MIME_TYPES, describe_refusal
from inkling.imaging.open_image import FILE_ERRORS
from inkling.recognition.checkpoint import CHECKPOINT, load_checkpoint
from inkling.recognition.reader import Reader
from inkling.rendering import make_renderer
from inkling.terminal import UserError, make_parser, printable, run
from inkling.ui import inside_views, layout, model_card, uncertainty, views  # noqa: F401
from inkling.ui.sketchpad import PAD_PEN_UNITS

NPM_DIR = Path(__file__).parent / "npm"
EXPORT_STATIC_DIR = NPM_DIR.parent / "static"
REFUSED = {"HEIC": b"\0\0\0\x0cftypheic", "PDF": b"%PDF-", "SVG": b"<svg>"}  # starts of files


def run_tool(*command: object) -> None:
    """Run npm or Node.js; raises `UserError` if it cannot."""
    try:
        subprocess.run([*map(str, command)], check=True, capture_output=True, encoding="utf-8")
    except (OSError, subprocess.CalledProcessError) as error:
        reason = (getattr(error, "stderr", "") or str(error)).strip().split("\n")[0]
        raise UserError(f"Node.js and npm build the page, but failed: {reason}") from error


def install_packages(lock: Path = NPM_DIR / "package-lock.json") -> Path:
    """Return the folder of npm's packages, at the versions and digests of the lock file."""
    folder = user_cache_path("inkling") / "npm"
    kept, finished = folder / lock.name, folder / "node_modules" / ".package-lock.json"
    if not finished.exists() or kept.read_bytes() != lock.read_bytes():
        folder.mkdir(parents=True, exist_ok=True)
        finished.unlink(missing_ok=True)
        shutil.copy(NPM_DIR / "package.json", folder)
        shutil.copy(lock, kept)
        run_tool("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", folder)
    return folder / "node_modules"


def add_page(folder: Path, reader: Reader) -> None:
    """Write the page without networks to a folder; raises `OSError` or `UserError`."""
    packages = install_packages()
    folder.mkdir(parents=True, exist_ok=True)
    examples = [Path(shutil.copy(f, folder / f"example-{f.name}")).name for f in views.EXAMPLES]
    card, model = model_card.render_card(reader), reader.model
    cells = re.findall(r'data-pick="(\d-\d)"', card[1])
    refusals = {kind: describe_refusal(start) for kind, start in REFUSED.items()}
    settings = {
        "CELLS": {cell: model_card.render_cell(reader, cell) for cell in cells},
        "EXAMPLES": examples,
        "PEN": PAD_PEN_UNITS,
        "REFUSALS": refusals | {"large": FILE_ERRORS[Image.DecompressionBombError]},
        "REJECTION": [model.temperature, model.doubt_ceiling, model.doubt_scale],
    }
    content = json.dumps(add_constants(settings), default=encode_value, sort_keys=True)
    (folder / "settings.js").write_text(f"export default {content};\n", "utf-8")
    styles = json.dumps([encode_styles(reader, digit) for digit in range(10)])
    (folder / "styles.json").write_text(styles, "utf-8")
    (folder / "index.html").write_text(render_page(card), "utf-8")
    run_tool("node", NPM_DIR / "assemble.js", "page", folder, packages)


def render_page(card: tuple[str, ...]) -> str:
    """Return the page, with the four parts of the card."""
    parts = {name: views.read_static(f"{name}.html") for name in ("pixels", "inside", "sketchpad")}
    parts["sketchpad"] = parts["sketchpad"].replace("${placeholder}", layout.HINT)
    parts["header"] = views.render("header.html", local=True)
    parts["examples"] = views.render_examples(views.EXAMPLES)
    parts |= {f"card_{k}": part for k, part in enumerate(card)}
    safe = {name: Markup(part) for name, part in parts.items()}
    actions = [action for action in layout.ACTIONS if action[0] != "report"]
    render = make_renderer(EXPORT_STATIC_DIR)
    return render("index.html", **safe, accept=ACCEPTED_MIME_TYPES, actions=actions)


def add_constants(settings: dict[str, Any]) -> dict[str, Any]:
    """Add the constants of Python that scripts of `static/` take from `settings`, by name."""
    code = "".join(path.read_text("utf-8") for path in EXPORT_STATIC_DIR.glob("*.js"))
    lists = " ".join(re.findall(r"\{([A-Z0-9_,\s]+)\} = settings", code))
    used = {*re.findall(r"\w+", lists), *re.findall(r"\bsettings\.([A-Z0-9_]+)", code)}
    modules = [
        m for name, m in sys.modules.items() if f"{name}.".startswith(("inkling.", "model."))
    ]
    constants = {name: value for module in modules for name, value in vars(module).items()}
    return {name: settings[name] if name in settings else constants[name] for name in used}


def encode_value(value: Any) -> Any:
    """Return an array, a set or bytes in the types of JSON."""
    if isinstance(value, bytes):
        return value.decode()
    return sorted(value) if isinstance(value, set) else value.tolist()


def encode_styles(reader: Reader, digit: int) -> list[dict]:
    """Return the ways to write a digit: paths for changes, features to find the nearest."""
    names, _, features = uncertainty.load_styles(reader.model, digit)
    scaled = (127 * features / features.amax(dim=1, keepdim=True)).numpy()
    return [
        {
            "name": name,
            "aspect": round(float(aspect), 3),
            "strokes": "".join(map(str, strokes)),
            "points": views.encode_base64(255 * points, np.uint8),
            "features": views.encode_base64(direction, np.int8),
        }
        for name, points, aspect, strokes, direction in zip(
            names, *uncertainty.load_paths(digit), scaled, strict=True
        )
    ]


def write_version(folder: Path) -> None:
    """Write the page's version, and the list of files to store for offline use."""
    run_tool("node", NPM_DIR / "assemble.js", "version", folder)


def build(folder: Path, checkpoint: Path = CHECKPOINT) -> None:
    """Write the whole page to a folder; raises `OSError` or `UserError` if it cannot."""
    from inkling.export.onnx_file import write_page_networks  # here: it needs optional packages

    model, description, gallery = load_checkpoint(checkpoint)
    add_page(folder, Reader(model, description, gallery))
    write_page_networks(folder, model, description)
    write_version(folder)


def measure(folder: Path) -> tuple[float, float]:
    """Return the size of a built page, and of what a server that compresses sends, in MB."""
    files = [path.read_bytes() for path in folder.iterdir()]
    sent = (min(len(content), len(gzip.compress(content))) for content in files)
    return sum(map(len, files)) / 1e6, sum(sent) / 1e6


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
    size, sent = measure(options.folder)
    print(
        f"{printable(options.folder)}: {size:.1f} MB, {sent:.1f} compressed. "
        f"To look at it: python -m http.server -d {printable(options.folder)}"
    )


if __name__ == "__main__":
    run(main)
