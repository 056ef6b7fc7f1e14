"""Inkling's page: draw a digit or upload one, and a small network reads it.

python app.py                 serve the page; the first run trains the network
python app.py --share         also ask for a public link
gradio app.py                 the same, and reload after every change to the code

The terminal says where the page is; Ctrl-C ends it.
"""

import argparse
import ast
import contextlib
import io
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

ENDS = (signal.SIGINT, signal.SIGTERM)  # a shell's background job ignores the first, unless told
if __name__ == "__main__" and threading.current_thread() is threading.main_thread():
    for end in ENDS:  # while modules are loaded, there is nothing yet to close
        signal.signal(end, lambda *_: os._exit(0))

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "200")  # of which it keeps the times
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000")  # and tabulates them so seldom
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # training shares the cores with the page
if sys.version_info < (3, 12):
    # At import Gradio looks up the source of each component, and Python 3.11 splits sources into
    # lines one character at a time: 2 of the 4 seconds that the import takes, saved by this.
    ast._splitlines_no_ff = lambda source: io.StringIO(source, newline="").readlines()

from inkling.server.address import (
    LOOPBACK,
    address,
    check_port,
    direct,
    environment,
    is_public,
    port_number,
)

# Gradio sets up a client for other servers, which no proxy shall prevent, and takes the port for a
# number, which `parse_arguments` looks at first.
with direct(), environment(GRADIO_SERVER_PORT=None):
    import gradio as gr
from gradio.utils import get_upload_folder

from inkling.explanation.gallery import Gallery
from inkling.imaging.image_formats import SPOKEN, UPLOAD_LIMIT
from inkling.imaging.open_image import PictureError
from inkling.imaging.sketch import Sketch
from inkling.recognition.checkpoint import CHECKPOINT
from inkling.recognition.corrections import Lessons
from inkling.recognition.reader import Reading
from inkling.server.launch import announce, launch
from inkling.server.queue_admission import credentials
from inkling.ui import downloads, model_card, views
from inkling.ui.layout import EXAMPLES, Page, lay_out
from inkling.ui.live_reader import FirstRun
from inkling.ui.session import Visit, Visitor, index

QUIETLY = {"show_progress": "hidden", "api_visibility": "private"}
LIVE = {"trigger_mode": "always_last"}  # of questions that wait only the latest is asked
# What parts send and show is as handlers take and return it: Gradio would decode a picture itself,
# of any size and any file of the server's, and pass each answer's parts through threads.
AS_IT_IS = {**QUIETLY, "preprocess": False, "postprocess": False}
VARIABLES = {  # of the environment, for arguments that are not given
    "auth": ("INKLING_AUTH", credentials),
    "host": ("GRADIO_SERVER_NAME", address),
    "port": ("GRADIO_SERVER_PORT", port_number),
}


def build_demo(source: FirstRun, trains: bool = False, collect: Path | None = None) -> gr.Blocks:
    """Lay out the page, and wire it to where readings come from: `source.reader`.

    With `trains` visitors may train the network again; corrections are saved in folder `collect`.
    """
    with gr.Blocks(title="Inkling", analytics_enabled=False, fill_width=True) as demo:
        page = lay_out(trains, collects=collect is not None)
        wire(demo, page, source, collect)
        wire_network(demo, page, source, trains)
    return demo


def wire(demo: gr.Blocks, page: Page, source: FirstRun, collect: Path | None) -> None:
    """Connect everything that reads: each event changes the visit, and the page shows it."""
    outputs = [page.answer, page.strip, page.label, page.lessons]
    outputs += [page.details, page.layers, page.nearest]

    def show(visitor: Visitor, change: Callable[[Visit], Visit], turn: int | None = None) -> tuple:
        parts = visitor.update(change, source.reader, turn)
        if parts is None:  # something else was asked since, and is shown
            return tuple(gr.skip() for _ in outputs)
        return values(parts)

    def values(parts: tuple) -> tuple:
        answer, strip, bars, *others = parts
        return answer, strip, page.label.postprocess(bars).model_dump(), *others

    def read(visitor: Visitor, picture: Path | Sketch | PictureError | None) -> tuple:
        turn = visitor.turn()
        way = Visit.read_sketch if isinstance(picture, Sketch) else Visit.read
        seen = way(visitor.visit, picture, source.reader)  # takes its time
        return show(
            visitor, lambda visit: visit.see(seen.by_network, seen.picture, seen.asked), turn
        )

    def read_sketch(visitor: Visitor, sketch: object) -> tuple:
        return read(visitor, Sketch.from_json(sketch))

    def read_upload(visitor: Visitor, file: object) -> tuple:
        return read(visitor, uploaded(file))

    def read_example(visitor: Visitor, event: gr.EventData) -> tuple:
        return read(visitor, EXAMPLES[index(picked(event), len(EXAMPLES)) or 0])

    def read_again(visitor: Visitor) -> tuple:
        return show(visitor, lambda visit: visit.read_again(source.reader))

    def choose(visitor: Visitor, event: gr.EventData) -> tuple:
        return show(visitor, lambda visit: visit.choose(picked(event)))

    def compare(visitor: Visitor, event: gr.EventData) -> tuple:
        return show(visitor, lambda visit: visit.compare(picked(event, "value")))

    def teach(visitor: Visitor, kept: object, event: gr.EventData) -> tuple:
        digit = index(picked(event), 10)
        lessons = Lessons() if picked(event) == "forget" else Lessons.from_json(kept)
        if collect:
            downloads.save_correction(visitor.visit, digit, collect)
        shown = show(visitor, lambda visit: visit.taught(lessons, digit))
        return *shown, visitor.visit.lessons.to_json()

    def remember(visitor: Visitor, kept: object) -> tuple:
        return values(visitor.remember(Lessons.from_json(kept), source.reader))

    def unfold(visitor: Visitor) -> tuple:
        shown = show(visitor, lambda visit: replace(visit, unfolded=True))
        return *shown, views.map_html(Gallery.of(source.reader.gallery))

    def fold(visitor: Visitor) -> None:
        visitor.visit = replace(visitor.visit, unfolded=False)

    def predict(picture: str | None) -> dict:
        reading = source.reader.read_file(Path(picture)) if picture else Reading()
        return reading.as_dict()

    predict.__doc__ = f"Read a picture of handwritten digits: {SPOKEN}, up to 8 MB."
    page.pad.input(read_sketch, [page.visitor, page.pad], outputs, **AS_IT_IS)
    page.upload.change(read_upload, [page.visitor, page.upload], outputs, **AS_IT_IS)
    page.picture.upload(read_upload, [page.visitor, page.picture], outputs, **AS_IT_IS)
    page.examples.pick(read_example, page.visitor, outputs, **AS_IT_IS, **LIVE)
    page.timer.tick(read_again, page.visitor, outputs, **AS_IT_IS, **LIVE)  # while it learns
    page.strip.pick(choose, page.visitor, outputs, **AS_IT_IS, **LIVE)
    page.label.select(compare, page.visitor, outputs, **AS_IT_IS, **LIVE)
    taught = [*outputs, page.kept]  # the browser's lessons are the ones that count
    page.lessons.pick(teach, [page.visitor, page.kept], taught, **AS_IT_IS)
    demo.load(remember, [page.visitor, page.kept], outputs, **AS_IT_IS)
    page.inside.expand(unfold, page.visitor, [*outputs, page.map], **AS_IT_IS)
    page.inside.collapse(fold, page.visitor, None, **QUIETLY)
    page.copy.click(None, js=views.source("copy.js"))
    for button, pack in ((page.report, downloads.report), (page.data, downloads.data)):
        packed = button.click(
            lambda visitor, pack=pack: pack(visitor.visit, source.reader),
            page.visitor,
            page.parcel,
            **QUIETLY,
        )
        packed.then(None, page.parcel, js=views.source("save.js"))
    gr.Button(visible=False).click(
        predict,
        gr.File(label="picture", visible=False),
        gr.JSON(label="reading", visible=False),
        api_name="predict",
    )


def wire_network(demo: gr.Blocks, page: Page, source: FirstRun, trains: bool) -> None:
    """Connect what shows the network and its learning, and what trains it again."""
    learning = [page.status, page.timer, page.train, page.cancel]
    known = [page.card, page.more, page.cell]

    def look() -> tuple:
        buttons = gr.Button(interactive=not source.learning), gr.Button(interactive=source.again)
        return model_card.status_html(source), gr.Timer(active=source.learning), *buttons

    def show_card() -> tuple:
        return *model_card.card_html(source.reader), ""

    def tick() -> tuple:
        return *look(), *([gr.skip()] * len(known) if source.learning else show_card())

    def show_cell(event: gr.EventData) -> str:
        return model_card.cell_html(source.reader, picked(event))

    def train(seed: float, epochs: float) -> tuple:
        with contextlib.suppress(ValueError):  # it is learning already, as the page will show
            source.train_again(int(seed), epochs)
        return look()

    def cancel() -> tuple:
        source.cancel()
        return look()

    demo.load(look, None, learning, **QUIETLY)
    page.timer.tick(tick, None, learning + known, **QUIETLY)
    page.about.select(show_card, None, known, **QUIETLY)
    page.card.pick(show_cell, None, page.cell, **QUIETLY)
    if trains:  # what is not wired up cannot be called, either
        page.train.click(train, [page.seed, page.epochs], learning, **QUIETLY)
        page.cancel.click(cancel, None, learning, **QUIETLY)


def serve(
    demo: gr.Blocks,
    port: int = 0,
    share: bool = False,
    auth: tuple[str, str] | None = None,
    host: str = LOOPBACK,
) -> tuple[str, str | None]:
    """Serve the page in its style; returns what `launch` returns."""
    return launch(demo, port, share, auth, host, css_paths=views.STYLES)


def picked(event: gr.EventData, name: str = "pick") -> object:
    """Return what was picked, as the page says it; None if what came is not from the page."""
    return event._data.get(name) if isinstance(event._data, dict) else None


def uploaded(file: object) -> Path | PictureError | None:
    """Return where an uploaded file lies, or why it does not; None if there is none any more.

    Raises `gr.Error` if it is not among the uploads.
    """
    if file is None:
        return None
    if not isinstance(file, dict):
        raise gr.Error("Only uploaded pictures are read.", print_exception=False)
    if size := index(file.get("megabytes"), 100_000):
        limit = UPLOAD_LIMIT // 1_000_000
        return PictureError(f"the file has {size} MB, and the limit is {limit}: make it smaller.")
    if not file.get("path"):
        return PictureError("the picture could not be sent: try again in a moment.")
    path = Path(file["path"]).resolve()
    if not path.is_relative_to(Path(get_upload_folder()).resolve()):
        raise gr.Error("Only uploaded pictures are read.", print_exception=False)
    return path


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
    told = threading.Event()  # to stop; the exception alone may be swallowed by a callback

    def stop(*_: object) -> None:
        told.set()
        raise KeyboardInterrupt

    for end in ENDS:
        signal.signal(end, stop)
    with tempfile.TemporaryDirectory(prefix="inkling-", ignore_cleanup_errors=True) as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder  # uploads; nothing else lies there
        try:
            source, demo = FirstRun(options.checkpoint), None
            check_port(options.host, options.port)
            source.start()
            trains = options.allow_training or not is_public(options.host, options.share)
            demo = build_demo(source, trains, options.collect)
            where = serve(demo, options.port, options.share, options.auth, options.host)
            announce(*where, options.share)
            told.wait()
        except KeyboardInterrupt:
            pass
        except OSError as error:
            sys.exit(f"Inkling cannot start: {str(error).split('. ')[0]}.")
        finally:
            for end in ENDS:  # once more must not cut the closing short
                signal.signal(end, signal.SIG_IGN)
            source.stop()
            if demo:
                demo.close(verbose=False)  # before its uploads are removed
    print("Closed.")


if __name__ == "__main__":
    if gr.NO_RELOAD:
        main()
    else:
        demo = build_demo(source)
