"""Inkling's page: draw a digit or upload one, and a small network reads it.

python app.py                 serve the page; the first run trains the network
python app.py --share         also ask for a public link
gradio app.py                 the same, and reload after every change to the code

The terminal says where the page is; Ctrl-C ends it.
"""

import argparse
import ast
import base64
import contextlib
import html
import io
import math
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("NO_PROXY", "localhost,127.0.0.1")  # Gradio looks at its own page once
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # training shares the cores with the page
if sys.version_info < (3, 12):
    # At import Gradio looks up the source of each component, and Python 3.11 splits sources into
    # lines one character at a time: 2 of the 4 seconds that the import takes, saved by this.
    ast._splitlines_no_ff = lambda source: io.StringIO(source, newline="").readlines()

import gradio as gr
import numpy as np
import pandas as pd
from gradio.utils import get_upload_folder
from PIL import Image

from first_run import FirstRun
from learn import Progress
from model import CHECKPOINT
from predict import Reading

PAGE = Path(__file__).parent / "page"
EXAMPLES = sorted((Path(__file__).parent / "examples").iterdir())
PAD_SIDE = 280  # px, the sketch as the server gets it
BRUSH_RADIUS = 11  # px of the pad: a digit of 180 px comes out with strokes of 2.2 px in the frame
ERASER_RADIUS = 16
UPLOAD_LIMIT = "8mb"
TICK = 1.0  # seconds between two looks at the training
HEADER = """
# Inkling
Draw a digit or a number, or upload a picture: a small neural network reads it, and shows what it
saw.

Everything happens on the machine that runs this page; drawings and uploads are gone after minutes.
"""
WAITING = "Draw a digit on the pad, or choose a picture."


def build_demo(source: FirstRun) -> gr.Blocks:
    """Lay out the page, and wire it to where readings come from: `source.reader`."""
    with gr.Blocks(
        title="Inkling", analytics_enabled=False, delete_cache=(60, 600), fill_width=True
    ) as demo:
        gr.Markdown(HEADER, elem_id="title")
        status = gr.HTML(elem_id="status", padding=False)
        with gr.Row(elem_id="desk"):
            with gr.Column(elem_classes="draw", min_width=320):
                pad = gr.Sketchpad(
                    label="Draw",
                    type="pil",
                    canvas_size=(PAD_SIDE, PAD_SIDE),
                    fixed_canvas=True,
                    brush=gr.Brush(BRUSH_RADIUS, colors=["#000000"], color_mode="fixed"),
                    eraser=gr.Eraser(ERASER_RADIUS),
                    layers=False,
                    transforms=(),
                    height=380,
                    elem_id="pad",
                )
            with gr.Column(elem_classes="upload", min_width=240):
                upload = gr.Image(
                    label="Or upload a picture",
                    sources=["upload", "webcam", "clipboard"],
                    height=380,
                    elem_id="upload",
                )
            with gr.Column(elem_classes="answer", min_width=260):
                label = gr.Label(label="Reading", elem_id="label")
                answer = gr.HTML(note(WAITING), elem_id="answer", padding=False)
        curve = gr.LinePlot(
            x="step",
            y="accuracy",
            y_title="% of held-out digits right",
            x_title="training step",
            height=180,
            visible=False,
            label="Learning",
            buttons=[],
            elem_id="curve",
        )
        drawn = gr.State(Reading())  # read again at each tick while the network is learning
        outputs = [label, answer, drawn]
        quietly = {"show_progress": "hidden", "api_visibility": "private"}

        def read_file(path: Path | None) -> Reading:
            return source.reader.read_file(path) if path else Reading()

        def read_sketch(sketch: dict | None) -> tuple[dict, str, Reading]:
            picture = sketch and sketch["composite"]
            return show(source.reader.read(picture) if picture else Reading())

        def read_upload(file: dict | None) -> tuple[dict, str, Reading]:
            return show(read_file(uploaded_path(file)))

        def predict(picture: str | None) -> dict:
            """Read a picture of handwritten digits: PNG, JPEG, WebP, GIF or BMP, up to 8 MB."""
            return read_file(picture and Path(picture)).as_dict()

        def look(last: Reading) -> tuple:
            again = last.digits and source.progress
            shown = (gr.skip(), gr.skip())
            if again:
                shown = show(source.reader.read_glyphs(last.glyphs, last.seen))[:2]
            return *show_status(source), gr.Timer(active=source.learning), *shown

        pad.change(read_sketch, pad, outputs, **quietly)
        # Gradio would decode the picture itself, of any size and any file of the server's
        upload.change(read_upload, upload, outputs, preprocess=False, **quietly)
        gr.Examples(EXAMPLES, upload, label="Examples", api_visibility="private")
        timer = gr.Timer(TICK, active=False)
        for event in (demo.load, timer.tick):
            event(look, drawn, [status, curve, timer, label, answer], **quietly)
        gr.Button(visible=False).click(
            predict, gr.File(visible=False), gr.JSON(visible=False), api_name="predict"
        )
    return demo


def uploaded_path(file: dict | None) -> Path | None:
    """Return where an uploaded file lies; raises `gr.Error` if it is not among the uploads."""
    if not file or not file.get("path"):
        return None
    path = Path(file["path"]).resolve()
    if not path.is_relative_to(Path(get_upload_folder()).resolve()):
        raise gr.Error("Only uploaded pictures are read.", print_exception=False)
    return path


def show(reading: Reading) -> tuple[dict, str, Reading]:
    """Return a reading as the page shows it: probabilities, what the network saw, and itself."""
    if not reading.digits:
        return {}, note(reading.note or WAITING), reading
    seen = html.escape("; ".join(reading.seen))
    if len(reading.digits) == 1:
        (digit,) = reading.digits
        probabilities = {str(k): p for k, p in enumerate(digit.probabilities)}
        caption = f"What the network saw: 28 x 28 pixels. {seen}"
        if digit.digit is None:
            probabilities = {}
            caption = f"That does not look like a digit; {digit.best} is nearest. {caption}"
        return probabilities, ink_figure(digit.glyph.ink, caption), reading
    whole = math.prod(max(d.probabilities) for d in reading.digits if d.digit is not None)
    figures = "".join(
        ink_figure(
            d.glyph.ink, "no digit" if d.digit is None else f"{d.digit}, {max(d.probabilities):.1%}"
        )
        for d in reading.digits
    )
    strip = f'<div class="strip">{figures}</div><p class="note">{reading.note} {seen}</p>'
    return {reading.text: whole} if reading.text else {}, strip, reading


def note(text: str) -> str:
    """Return a sentence for the place of the answer."""
    failed = text.startswith("error: ")
    text = text.removeprefix("error: ")
    css = "note error" if failed else "note"
    return f'<div class="{css}" role="status">{html.escape(text[:1].upper() + text[1:])}</div>'


def ink_figure(ink: np.ndarray, caption: str) -> str:
    """Return ink (28, 28), 0 to 1, as a figure with large pixels and a caption."""
    file = io.BytesIO()
    Image.fromarray((255 * (1 - ink)).round().astype(np.uint8)).save(file, "png")
    data = base64.b64encode(file.getvalue()).decode()
    return (
        f'<figure><img class="ink" src="data:image/png;base64,{data}" '
        'alt="The ink as the network saw it, 28 by 28 pixels">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def show_status(source: FirstRun) -> tuple[str, dict]:
    """Return how far the network has learned, in words, and as a curve."""
    progress, figures = source.progress, source.reader.description.get("figures", {})
    if source.failure:
        words = note(f"error: {source.failure}")
    elif source.learning and progress is None:
        words = "<p><b>Learning to read</b>: getting ready.</p><progress></progress>"
    elif source.learning:
        words = (
            f"<p><b>Learning to read</b>: epoch {progress.epoch} of {progress.epochs}, "
            f"{progress.accuracy:.1%} of held-out digits right. You can draw already: "
            "it reads with what it has learned so far.</p>"
            f'<progress value="{progress.step}" max="{progress.steps}"></progress>'
        )
    elif figures:
        score = figures["mnist_test"]
        words = f"<p>This network reads {score:.2%} of MNIST's 10,000 test digits right.</p>"
    else:
        words = ""
    return words, gr.skip() if progress is None else learning_curve(progress)


def learning_curve(progress: Progress) -> gr.LinePlot:
    """Return the accuracy on held-out digits so far, as a plot that grows to the right."""
    points = [(step, 100 * accuracy) for step, accuracy in progress.held_out]
    frame = pd.DataFrame(points, columns=["step", "accuracy"])
    return gr.LinePlot(frame, x_lim=[0, progress.steps], visible=True)


def launch(demo: gr.Blocks, port: int | None = None, share: bool = False) -> tuple[str, str | None]:
    """Start serving the page, with the settings that a page open to strangers needs.

    Returns its address, and its public link if one was asked for and could be had.
    """
    demo.queue(api_open=False, max_size=32, default_concurrency_limit=2)
    with contextlib.redirect_stdout(io.StringIO()):  # Gradio's paragraphs about share links
        _, url, public = demo.launch(
            server_port=port,
            share=share,
            prevent_thread_lock=True,
            quiet=True,
            js=(PAGE / "pad.js").read_text(),
            css_paths=PAGE / "style.css",
            theme=gr.themes.Soft(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
            max_file_size=UPLOAD_LIMIT,
            max_threads=8,
            state_session_capacity=200,
            enable_monitoring=False,
            run_history=False,
            ssr_mode=False,
            show_error=False,
            footer_links=["api"],
        )
    return url, public


def announce(url: str, public: str | None, share: bool) -> None:
    """Say on the terminal where the page is."""
    print(f"Inkling is at {url}", flush=True)
    if public:
        print(f"and, for anyone who has the link, at {public}", flush=True)
    elif share:
        print("No public link could be had (is there a network?): it goes on locally.", flush=True)


def parse_arguments() -> argparse.Namespace:
    """Return what was asked for on the command line."""
    parser = argparse.ArgumentParser(
        description="Serve Inkling's page.", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--share", action="store_true", help="ask for a public link as well")
    parser.add_argument("--port", type=int, help="port to serve on, instead of the first free one")
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="network to read with")
    return parser.parse_args()


def main() -> None:
    """Find a reader, or begin to make one; build the page; serve it until it is told to stop."""
    global demo, source  # hot reload looks for `demo` here, and goes on with `source`
    options = parse_arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="inkling-", ignore_cleanup_errors=True) as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder  # uploads; nothing else lies there
        source, demo = FirstRun(options.checkpoint), None
        try:
            source.start()
            demo = build_demo(source)
            announce(*launch(demo, options.port, options.share), options.share)
            threading.Event().wait()
        except KeyboardInterrupt:
            print("Closed.")
        except OSError as error:
            sys.exit(f"Inkling cannot start: {str(error).split('. ')[0]}.")
        finally:
            for again in (signal.SIGINT, signal.SIGTERM):  # must not cut the closing short
                signal.signal(again, signal.SIG_IGN)
            source.stop()
            if demo:
                demo.close(verbose=False)  # before its uploads are removed


if __name__ == "__main__":
    if gr.NO_RELOAD:
        main()
    else:
        demo = build_demo(source)
