"""The sketchpad: a Gradio component to draw on, which sends strokes instead of pixels.

Its template, style and script are `static/sketchpad.*`. It subclasses `gr.HTML`, because any Gradio
page can use it: see docs/sketchpad.md.
"""

from pathlib import Path
from typing import Any, Literal

import gradio as gr
import numpy as np
from PIL import Image

from inkling.imaging.sketch import SKETCH_SIDE_PX, Sketch

PAD_UNITS = 1_000  # units of length in the browser: thousandths of the pad's side
PAD_PEN_PX = 22.0  # px of 280: gives a digit of two thirds of the height MNIST's stroke width
PAD_PEN_UNITS = round(PAD_PEN_PX * PAD_UNITS / SKETCH_SIDE_PX)
SKETCHPAD_DIR = Path(__file__).parent / "static"


class Sketchpad(gr.HTML):
    """A square sheet of paper to draw on with a mouse, a finger or a pen; with undo and an eraser.

    Strokes are black on white, and stored as points: 1 to 2 KB each, on any screen the same.

    Example:
        gr.Interface(read, Sketchpad(type="pil"), gr.Label()).launch()

    """

    def __init__(
        self,
        value: Sketch | None = None,
        *,
        type: Literal["pil", "numpy", "strokes"] = "numpy",  # noqa: A002
        size: int = SKETCH_SIDE_PX,
        brush: float | None = None,
        placeholder: str = "Draw here",
        storage_key: str | None = None,
        **options: Any,
    ):
        """Create a pad with the drawing `value`; docs/sketchpad.md describes all arguments.

        A function gets "pil", a Pillow picture of mode L; "numpy", an array (size, size) of uint8;
        or "strokes", a `Sketch`. `size` and `brush`, the pen's width, are in px of the picture.
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
            pen=round(self.brush * PAD_UNITS / size),
            placeholder=placeholder,
            storage_key=storage_key,
            **options,
        )

    def preprocess(  # type: ignore[override]
        self, payload: Any
    ) -> Image.Image | np.ndarray | Sketch | None:
        """Return the browser's payload as `type` says; an invalid one is an empty pad."""
        sketch = Sketch.from_json(payload)
        if self.type == "strokes":
            return sketch
        if not sketch.strokes:
            return None
        picture = sketch.picture(self.size)
        return picture if self.type == "pil" else np.asarray(picture)

    def postprocess(self, value: Sketch | None) -> dict | None:  # type: ignore[override]
        """Return the browser's payload for a sketch; None clears the pad."""
        return value.to_json() if value else None

    def api_info(self) -> dict[str, Any]:
        """Describe the payload of API clients."""
        return {"type": "object", "description": "strokes, as `Sketch.from_json` takes them"}

    def example_payload(self) -> Any:
        """Return an example payload of API clients."""
        stroke = {"width": 79, "erases": False, "points": [500, 200, 500, 800]}
        return {"size": PAD_UNITS, "strokes": [stroke]}

    def example_value(self) -> Any:
        """Return an example of a function's return value."""
        return Sketch.from_json(self.example_payload())
