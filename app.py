"""Inkling's page: draw a digit or upload one, and a small network reads it.

python app.py                 serve the page; the first run trains the network
python app.py --share         also ask for a public link
gradio app.py                 the same, and reload after every change to the code

The terminal says where the page is; Ctrl-C ends it.
"""

import argparse
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from queue import SimpleQueue

if __name__ == "__main__" and threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # there is nothing to close while modules load
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # of training: as `train.py`

from inkling.server.address import (
    LOOPBACK,
    address,
    check_port,
    gradio_defaults,
    importing_gradio,
    is_public,
    port_number,
)

with importing_gradio():
    import inkling.recognition.zero_gpu  # noqa: F401  # of a Space: it comes before PyTorch and Gradio
    import gradio as gr  # isort: skip
    from inkling.recognition.checkpoint import CHECKPOINT
    from inkling.recognition.reader import Reader
    from inkling.server import gradio_internals
    from inkling.server.launch import announce, launch
    from inkling.server.login import credentials
    from inkling.terminal import INSTALL_RAY
    from inkling.training.live_reader import LiveReader
    from inkling.ui import views
    from inkling.ui.events import Events
    from inkling.ui.layout import build_page

source: LiveReader  # where readings come from; hot reload goes on with it
# Variables of the environment, and what reads them, for arguments that are not given.
VARIABLES: dict[str, tuple[str, Callable[[str], object]]] = {
    "auth": ("INKLING_AUTH", credentials),
    "host": ("GRADIO_SERVER_NAME", address),
    "port": ("GRADIO_SERVER_PORT", port_number),
}

serve = partial(
    launch, css_paths=views.STYLESHEETS
)  # serves the page in its style, as `launch` does


@gradio_defaults()
@gradio_internals.without_app()
def build_demo(source: LiveReader, trains: bool = False, collect: Path | None = None) -> gr.Blocks:
    """Lay out the page, and wire it to where readings come from: `source.reader`.

    With `trains` visitors may train the network again; corrections are saved in folder `collect`.
    """
    gradio_internals.keep_uploads_together()
    with gr.Blocks(title="Inkling", analytics_enabled=False, fill_width=True) as demo:
        page = build_page(trains, collects=collect is not None)
        Events(page, source, collect, gradio_internals.find_session).connect(demo, trains)
    return demo


def loader(readers: str | None) -> Callable[[Path], Reader]:
    """Return what loads a checkpoint for reading here, or in a Ray cluster; exits without one."""
    if readers is None:
        return Reader.load
    try:
        from inkling.scale import serving
    except ImportError:
        sys.exit(f"--readers ray needs Ray: {INSTALL_RAY}")
    serving.join(readers)
    return serving.load


def parse_arguments() -> argparse.Namespace:
    """Return what was asked for on the command line."""
    parser = argparse.ArgumentParser(description="Serve Inkling's page.")
    parser.add_argument("--share", action="store_true", help="ask for a public link as well")
    parser.add_argument(
        "--auth",
        type=credentials,
        metavar="USER:PASSWORD",
        help="let in only who knows these; or set INKLING_AUTH, which other users do not see",
    )
    parser.add_argument(
        "--host",
        type=address,
        help=f"address to serve on, 0.0.0.0 for a network; else GRADIO_SERVER_NAME, or {LOOPBACK}",
    )
    parser.add_argument(
        "--port",
        type=port_number,
        help="port to serve on, 0 for the first free one; else GRADIO_SERVER_PORT, or 0",
    )
    parser.add_argument(
        "--checkpoint", type=Path, default=CHECKPOINT, help="network to read with (%(default)s)"
    )
    parser.add_argument(
        "--readers",
        metavar="ray|ray://HOST:PORT",
        help="have it read by processes of a Ray cluster: see docs/scaling.md",
    )
    parser.add_argument("--collect", type=Path, help="folder to save corrected digits in")
    parser.add_argument(
        "--allow-training",
        action="store_true",
        help="let visitors train again on a public page, too",
    )
    options = parser.parse_args()
    for name, (variable, parse) in VARIABLES.items():
        value = os.environ.get(variable)
        if value and getattr(options, name) is None:
            try:
                setattr(options, name, parse(value))
            except argparse.ArgumentTypeError as error:
                parser.error(f"{variable}: {error}")
    options.host, options.port = options.host or LOOPBACK, options.port or 0
    options.share = options.share or os.environ.get("GRADIO_SHARE", "").lower() == "true"
    return options


def main() -> None:
    """Find a reader, or begin to make one; build the page; serve it until it is told to stop."""
    global demo, source  # hot reload looks for `demo` here, and goes on with `source`
    options = parse_arguments()
    load = loader(options.readers)  # first: Ray handles signals in a way of its own
    told: SimpleQueue[int] = SimpleQueue()  # to stop: a handler may put in the midst of anything
    for end in (signal.SIGINT, signal.SIGTERM):
        signal.signal(end, lambda number, _: told.put(number))
    with tempfile.TemporaryDirectory(prefix="inkling-", ignore_cleanup_errors=True) as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder  # uploads; nothing else lies there
        try:
            source, demo = LiveReader(options.checkpoint, load), None
            check_port(options.host, options.port)
            source.start()
            trains = options.allow_training or not is_public(options.host, options.share)
            demo = build_demo(source, trains, options.collect)
            where = serve(demo, options.port, options.share, options.auth, options.host)
            announce(*where, options.share)
            told.get()
        except OSError as error:
            sys.exit(f"Inkling cannot start: {str(error).split('. ')[0]}.")
        finally:
            source.stop()  # it ends while the page is closed
            if demo:
                demo.close(verbose=False)  # before its uploads are removed
            source.wait()
    print("Closed.", flush=True)
    if source.is_training:  # a step that is not over yet: Python would be torn down under it
        os._exit(0)


if __name__ == "__main__":
    if gr.NO_RELOAD:
        main()
    else:
        demo = build_demo(source)
