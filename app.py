"""Inkling's page: draw a digit or upload one, and a small network reads it.

python app.py                 serve the page; the first run trains the network
python app.py --share         also request a public link
python app.py --class         serve a class's phones and a wall: docs/class.md
gradio app.py                 the same, and reload after every change to the code

The terminal shows the page's address; Ctrl-C ends the server.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from inkling.server import process
from inkling.server.address import LOOPBACK, check_port, is_public, parse_host, parse_port

if __name__ == "__main__":
    process.prepare_imports()
with process.importing_gradio():
    import inkling.recognition.zero_gpu  # noqa: F401  # in a Space, before PyTorch and Gradio
    import gradio as gr  # isort: skip
    from gradio.utils import get_upload_folder

    from inkling.export import INSTALL_ONNX
    from inkling.recognition.checkpoint import CHECKPOINT, Checkpoint
    from inkling.recognition.reader import Reader
    from inkling.scale import require_ray
    from inkling.server import gradio_internals
    from inkling.server.launch import launch, print_address
    from inkling.server.login import parse_login
    from inkling.terminal import UserError
    from inkling.training.live_reader import LiveReader
    from inkling.ui import views
    from inkling.ui.events import Events
    from inkling.ui.lab import Lab
    from inkling.ui.layout import build_page

if TYPE_CHECKING:
    from inkling.classroom.class_routes import Classroom

source: LiveReader  # the reader; kept by hot reload
serve = partial(launch, css_paths=views.STYLESHEETS)


@process.hide_gradio_variables()
@gradio_internals.skip_app_creation()
def build_demo(source: LiveReader, trains: bool = False, collect: Path | None = None) -> gr.Blocks:
    """Build the page and connect its events to `source.reader`.

    With `trains` users may train networks in the Lab. Corrections are saved in folder `collect`.
    """
    gradio_internals.share_upload_folder()
    with gr.Blocks(title="Inkling", analytics_enabled=False, fill_width=True) as demo:
        page = build_page(collects=collect is not None)
        lab = Lab(source, trains, encode_onnx, get_upload_folder)
        Events(page, source, collect, gradio_internals.find_session, lab).connect(demo)
    return demo


def encode_onnx(network: Checkpoint) -> bytes:
    """Return a network as an ONNX file; raises `UserError` without the optional packages."""
    try:
        from inkling.export import onnx_file
    except ImportError as error:
        raise UserError(f"An ONNX file needs more on the server: {INSTALL_ONNX}") from error
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digits.onnx"
        onnx_file.write_onnx(network.model, network.description, path)
        return path.read_bytes()


def find_loader(readers: str | None) -> Callable[[Path], Reader]:
    """Return the function that loads a checkpoint, in this process or in a Ray cluster."""
    if readers is None:
        return Reader.load
    require_ray("--readers")
    from inkling.scale import serving

    serving.join(readers)
    return serving.load


def open_classroom(source: LiveReader, options: argparse.Namespace) -> "Classroom | None":
    """Return the class of `--class`, whose package is imported only then."""
    if not options.classroom:
        return None
    try:
        from inkling.classroom.class_routes import Classroom
    except ModuleNotFoundError as error:
        sys.exit(f"--class needs {error.name}: python -m pip install -r requirements.txt")
    return Classroom(source, options.collect)


def parse_arguments() -> argparse.Namespace:
    """Parse the command line, then the environment."""
    parser = argparse.ArgumentParser(description="Serve Inkling's page.")
    add = parser.add_argument
    add("--share", action="store_true", help="also request a public link")
    auth = "required login; INKLING_AUTH sets it unseen by the machine's other users"
    add("--auth", type=parse_login, metavar="USER:PASSWORD", help=auth)
    host = f"address to serve on, 0.0.0.0 for a network; else GRADIO_SERVER_NAME, or {LOOPBACK}"
    add("--host", type=parse_host, help=host)
    port = "port to serve on, 0 for the first free one; else GRADIO_SERVER_PORT, or 0"
    add("--port", type=parse_port, help=port)
    add("--checkpoint", type=Path, default=CHECKPOINT, help="network to read with (%(default)s)")
    readers = "read in processes of a Ray cluster: see docs/scaling.md"
    add("--readers", metavar="ray|ray://HOST:PORT", help=readers)
    add("--collect", type=Path, help="folder to save corrected digits, or a class's drawings, in")
    in_class = "let phones in the room draw for a wall: see docs/class.md"
    add("--class", dest="classroom", action="store_true", help=in_class)
    add("--allow-training", action="store_true", help="let users of a public page train networks")
    options = parser.parse_args()
    process.read_environment(parser, options)
    options.host = options.host or ("0.0.0.0" if options.classroom else LOOPBACK)
    options.port = options.port or 0
    return options


def main() -> None:
    """Load a reader or start its training, build the page, and serve it until a signal arrives."""
    global demo, source  # hot reload reads `demo` here, and keeps `source`
    options = parse_arguments()
    load = find_loader(options.readers)  # first: Ray installs its own signal handlers
    with process.catch_signals() as wait_for_signal:
        try:
            classroom, demo = None, None
            source = LiveReader(options.checkpoint, load)
            classroom = open_classroom(source, options)
            check_port(options.host, options.port)
            source.start()
            trains = options.allow_training or not is_public(options.host, options.share)
            demo = build_demo(source, trains, options.collect)
            routes = classroom.routes() if classroom else []
            address = (options.port, options.share, options.auth, options.host)
            urls = serve(demo, *address, more_routes=routes)
            print_address(*urls, options.share)
            if classroom:
                classroom.announce(options.host, *urls)
            wait_for_signal()
        except OSError as error:
            sys.exit(f"Inkling cannot start: {str(error).split('. ')[0]}.")
        finally:
            source.stop()  # the training ends while the page is closed
            if demo:
                demo.close(verbose=False)  # before its uploads are removed
            source.wait()
            if classroom:
                classroom.clear()
    process.finish(source.is_training or source.is_training_beside)


if __name__ == "__main__":
    if gr.NO_RELOAD:
        main()
    else:
        demo = build_demo(source)
