"""The sketchpad: a component of Gradio's to draw on, which sends strokes and not pixels.

Its template, style and script are `static/sketchpad.*`. (Gradio writes `sketchpad.pyi` beside this
file, as for every component: it tells editors of the events.)
"""

from pathlib import Path
from typing import Any, Literal

import gradio as gr
import numpy as np
from gradio.events import Events
from PIL import Image

from inkling.imaging.sketch import SKETCH_SIDE_PX, Sketch

PAD_UNITS = 1_000  # parts of the pad's side that the browser counts in, whatever its screen
PAD_PEN_PX = 22.0  # px of 280: a digit two thirds as high then has strokes as wide as MNIST's
SKETCHPAD_DIR = Path(__file__).parent / "static"


class Sketchpad(gr.HTML):
    """A square sheet of paper to draw on with a mouse, a finger or a pen; with undo and an eraser.

    Black strokes on white paper, kept as points: a stroke is sent in a KB or two, undo is exact,
    and the picture depends neither on the screen nor on what the browser lets scripts read of it.

    Example:
        gr.Interface(read, Sketchpad(type="pil"), gr.Label()).launch()

    """

    EVENTS = [Events.input, Events.change, Events.clear]  # noqa: RUF012

    def __init__(
        self,
        value: Sketch | None = None,
        *,
        type: Literal["pil", "numpy", "strokes"] = "numpy",  # noqa: A002
        size: int = SKETCH_SIDE_PX,
        brush: float | None = None,
        placeholder: str = "Draw here",
        storage_key: str | None = None,
        label: str | None = None,
        elem_id: str | None = None,
        **more: Any,
    ):
        """Lay out a pad.

        Args:
            value: what stands on it at first.
            type: what functions get: a picture of Pillow's of mode L, an array (size, size) of
                uint8, or a `Sketch`; None for the first two if nothing is drawn.
            size: side of the picture, px.
            brush: the pen's width in that picture, px; by default it suits MNIST's digits.
            placeholder: words on the empty pad.
            storage_key: a name under which the browser's session keeps the drawing, for a reload.
            label: its name, where a page shows one.
            elem_id: its id in the page.
            **more: what else `gr.HTML` takes.
        """
        self.type, self.size = type, size
        self.placeholder, self.storage_key = placeholder, storage_key
        self.brush = PAD_PEN_PX * size / SKETCH_SIDE_PX if brush is None else brush
        super().__init__(
            value,
            html_template=(SKETCHPAD_DIR / "sketchpad.html").read_text("utf-8"),
            css_template=(SKETCHPAD_DIR / "sketchpad.css").read_text("utf-8"),
            js_on_load=(SKETCHPAD_DIR / "sketchpad.js").read_text("utf-8"),
            apply_default_css=False,
            label=label,
            elem_id=elem_id,
            pen=round(self.brush * PAD_UNITS / size),
            placeholder=placeholder,
            kept_as=storage_key,
            **more,
        )

    def preprocess(  # type: ignore[override]
        self, payload: Any
    ) -> Image.Image | np.ndarray | Sketch | None:
        """Return what the browser tells of, as `type` says; a pad that nobody draws on is empty."""
        sketch = Sketch.from_json(payload)
        if self.type == "strokes":
            return sketch
        if not sketch.strokes:
            return None
        picture = sketch.picture(self.size)
        return picture if self.type == "pil" else np.asarray(picture)

    def postprocess(self, value: Sketch | None) -> dict | None:  # type: ignore[override]
        """Return what the browser shows; None wipes the pad."""
        return value.to_json() if value else None

    def api_info(self) -> dict[str, Any]:
        """Describe what programs send: what `Sketch.from_json` takes."""
        return {"type": "object", "description": "strokes, as `Sketch.from_json` takes them"}

    def example_payload(self) -> Any:
        """Return an example of what programs send."""
        stroke = {"width": 79, "erases": False, "points": [500, 200, 500, 800]}
        return {"size": PAD_UNITS, "strokes": [stroke]}

    def example_value(self) -> Any:
        """Return an example of what functions return."""
        return Sketch.from_json(self.example_payload())
