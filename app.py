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
direct = f"{os.environ.get('no_proxy') or os.environ.get('NO_PROXY', '')},localhost,127.0.0.1"
os.environ["NO_PROXY"] = os.environ["no_proxy"] = direct  # Gradio looks at its own page once
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # training shares the cores with the page
if sys.version_info < (3, 12):
    # At import Gradio looks up the source of each component, and Python 3.11 splits sources into
    # lines one character at a time: 2 of the 4 seconds that the import takes, saved by this.
    ast._splitlines_no_ff = lambda source: io.StringIO(source, newline="").readlines()

import gradio as gr
from gradio.utils import get_upload_folder

import card
import takeaway
import view
from door import credentials
from first_run import FirstRun
from layout import EXAMPLES, Page, lay_out
from model import CHECKPOINT
from predict import Reading
from serve import announce, is_public, launch
from teach import Lessons
from visit import Visit, index, sketch_bytes

QUIETLY = {"show_progress": "hidden", "api_visibility": "private"}
LIVE = {"trigger_mode": "always_last"}  # of strokes that wait only the latest is read
# What parts send and show is as handlers take and return it: Gradio would decode a picture itself,
# of any size and any file of the server's, and pass each answer's parts through threads.
AS_IT_IS = {**QUIETLY, "preprocess": False, "postprocess": False}


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
    """Connect everything that reads: each event makes a new visit, and the page shows it."""
    outputs = [page.answer, page.strip, page.label, page.lessons]
    outputs += [page.details, page.layers, page.nearest, page.visit]

    def show(visit: Visit, lessons: Lessons) -> tuple:
        visit = replace(visit, lessons=lessons, count=visit.count + 1)
        answer, strip, bars, *others = visit.parts(source.reader)
        return answer, strip, page.label.postprocess(bars).model_dump(), *others, visit

    def read_sketch(visit: Visit, lessons: Lessons, sketch: str | None) -> tuple:
        return show(visit.read(sketch_bytes(sketch), source.reader), lessons)

    def read_upload(visit: Visit, lessons: Lessons, file: dict | None) -> tuple:
        return show(visit.read(uploaded_path(file), source.reader), lessons)

    def read_example(visit: Visit, lessons: Lessons, event: gr.EventData) -> tuple:
        chosen = index(picked(event), len(EXAMPLES))
        return show(visit.read(EXAMPLES[chosen or 0], source.reader), lessons)

    def read_again(visit: Visit, lessons: Lessons) -> tuple:
        return show(visit.read_again(source.reader), lessons)

    def choose(visit: Visit, lessons: Lessons, event: gr.EventData) -> tuple:
        return show(visit.choose(picked(event)), lessons)

    def compare(visit: Visit, lessons: Lessons, event: gr.EventData) -> tuple:
        return show(visit.compare(picked(event, "value")), lessons)

    def teach(visit: Visit, kept: object, event: gr.EventData) -> tuple:
        digit = index(picked(event), 10)
        lessons = Lessons() if picked(event) == "forget" else Lessons.from_json(kept)
        lessons = visit.teach(lessons, digit)
        if collect:
            takeaway.save_correction(visit, digit, collect)
        return *show(visit, lessons), lessons, lessons.to_json()

    def remember(kept: object) -> tuple[Lessons, str]:
        lessons = Lessons.from_json(kept)
        return lessons, view.lessons_html(Reading(), len(lessons))

    def unfold(visit: Visit, lessons: Lessons) -> tuple:
        shown = show(replace(visit, unfolded=True), lessons)
        return *shown, view.map_html(source.reader.gallery)

    def fold(visit: Visit) -> Visit:
        return replace(visit, unfolded=False)

    def predict(picture: str | None) -> dict:
        """Read a picture of handwritten digits: PNG, JPEG, WebP, GIF or BMP, up to 8 MB."""
        reading = source.reader.read_file(Path(picture)) if picture else Reading()
        return reading.as_dict()

    known = [page.visit, page.taught]
    page.pad.input(read_sketch, [*known, page.pad], outputs, **AS_IT_IS, **LIVE)
    page.upload.change(read_upload, [*known, page.upload], outputs, **AS_IT_IS)
    page.examples.pick(read_example, known, outputs, **AS_IT_IS, **LIVE)
    page.timer.tick(read_again, known, outputs, **AS_IT_IS, **LIVE)  # while it learns
    page.strip.pick(choose, known, outputs, **AS_IT_IS, **LIVE)
    page.label.select(compare, known, outputs, **AS_IT_IS, **LIVE)
    taught = [*outputs, page.taught, page.kept]  # the browser's lessons are the ones that count
    page.lessons.pick(teach, [page.visit, page.kept], taught, **AS_IT_IS)
    demo.load(remember, page.kept, [page.taught, page.lessons], **QUIETLY)
    page.inside.expand(unfold, known, [*outputs, page.map], **AS_IT_IS)
    page.inside.collapse(fold, page.visit, page.visit, **QUIETLY)
    page.copy.click(None, js=view.source("copy.js"))
    for button, pack in ((page.report, takeaway.report), (page.data, takeaway.data)):
        packed = button.click(
            lambda visit, pack=pack: pack(visit, source.reader), page.visit, page.parcel, **QUIETLY
        )
        packed.then(None, page.parcel, js=view.source("save.js"))
    gr.Button(visible=False).click(
        predict, gr.File(visible=False), gr.JSON(visible=False), api_name="predict"
    )


def wire_network(demo: gr.Blocks, page: Page, source: FirstRun, trains: bool) -> None:
    """Connect what shows the network and its learning, and what trains it again."""
    learning = [page.status, page.timer, page.train, page.cancel]
    known = [page.card, page.more, page.cell]

    def look() -> tuple:
        buttons = gr.Button(interactive=not source.learning), gr.Button(interactive=source.again)
        return card.status_html(source), gr.Timer(active=source.learning), *buttons

    def show_card() -> tuple:
        return *card.card_html(source.reader), ""

    def tick() -> tuple:
        return *look(), *([gr.skip()] * len(known) if source.learning else show_card())

    def show_cell(event: gr.EventData) -> str:
        return card.cell_html(source.reader, picked(event))

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


def picked(event: gr.EventData, name: str = "pick") -> object:
    """Return what was picked, as the page says it; None if what came is not from the page."""
    return event._data.get(name) if isinstance(event._data, dict) else None


def uploaded_path(file: dict | None) -> Path | None:
    """Return where an uploaded file lies; raises `gr.Error` if it is not among the uploads."""
    if not file or not file.get("path"):
        return None
    path = Path(file["path"]).resolve()
    if not path.is_relative_to(Path(get_upload_folder()).resolve()):
        raise gr.Error("Only uploaded pictures are read.", print_exception=False)
    return path


def parse_arguments() -> argparse.Namespace:
    """Return what was asked for on the command line."""
    parser = argparse.ArgumentParser(
        description="Serve Inkling's page.", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--share", action="store_true", help="ask for a public link as well")
    parser.add_argument(
        "--auth",
        type=credentials,
        metavar="USER:PASSWORD",
        help="let in only who knows these; or set INKLING_AUTH, which other users do not see",
    )
    parser.add_argument("--port", type=int, help="port to serve on, instead of the first free one")
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="network to read with")
    parser.add_argument("--collect", type=Path, help="folder to save corrected digits in")
    parser.add_argument(
        "--allow-training",
        action="store_true",
        help="let visitors train again on a public page, too",
    )
    options = parser.parse_args()
    if options.auth is None and (auth := os.environ.get("INKLING_AUTH")):
        try:
            options.auth = credentials(auth)
        except argparse.ArgumentTypeError as error:
            parser.error(f"INKLING_AUTH: {error}")
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
            source.start()
            trains = options.allow_training or not is_public(options.share)
            demo = build_demo(source, trains, options.collect)
            announce(*launch(demo, options.port, options.share, options.auth), options.share)
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
