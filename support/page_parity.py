"""Read the same drawings and pictures with Python and the page without a server; compare."""

import base64
import io
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from data.drawing.pen_strokes import STROKE_STYLES, Style
from data.drawing.pen_variation import vary
from inkling.imaging.sketch import Sketch
from inkling.recognition.hypotheses import hypotheses
from inkling.recognition.reader import CONFIDENT_LOG_ODDS, Reader
from support.virtual_users import to_pad_payload

MAX_PROB_DIFFERENCE = 0.02
# Allowed differences of a stage: the page draws lines that differ in single pixels of their edges.
MAX_GRAY_DIFFERENCE, MAX_INK_SHARE_DIFFERENCE, MAX_BOX_DIFFERENCE_PX = 0.001, 0.01, 1
NUMBER_HEIGHT = 100  # units of the digits' height in a number; gaps and pens are in the same
CONNECT_JS = """() => {
    const worker = new Worker("worker.js", { type: "module" });
    const waiting = new Map();
    worker.onmessage = ({ data: { id, ...reply } }) => { waiting.get(id)(reply); };
    worker.onerror = ({ message }) => waiting.forEach((done) => done({ error: message }));
    let count = 0;
    window.ask = (message) => new Promise((done) => {
        waiting.set(++count, done);
        worker.postMessage({ id: count, ...message });
    });
    return ask({ kind: "load" });
}"""
READ_JS = """async ([kind, content]) => {
    if (kind === "sketch") return ask({ kind, drawing: content });
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    const { width, height, data } = await decode(bytes);
    return ask({ kind, pixels: { width, height, data } });

    async function decode(bytes) {
        const bitmap = await createImageBitmap(new Blob([bytes]));
        const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
        context.drawImage(bitmap, 0, 0);
        return context.getImageData(0, 0, bitmap.width, bitmap.height);
    }
}"""


class Comparison(NamedTuple):
    """Both readings of one drawing or picture."""

    name: str
    python: dict
    page: dict
    milliseconds: float  # of the page's reading

    @property
    def is_same_text(self) -> bool:
        """Whether both have the same text."""
        return self.python["text"] == self.page["text"]

    @property
    def prob_difference(self) -> float:
        """The largest difference of a probability; 1 if the numbers of glyphs differ."""
        sides = [
            np.array([[*d["probabilities"], d["not_a_digit"]] for d in side["digits"]])
            for side in (self.python, self.page)
        ]
        if sides[0].shape != sides[1].shape:
            return 1.0
        return float(np.abs(sides[0] - sides[1]).max(initial=0))

    def describe(self) -> str:
        """Return both sides, and the first stage at which they part."""
        ours, theirs = self.python["text"], self.page["text"]
        return (
            f"{self.name}: Python reads {ours!r}, the page {theirs!r}; probabilities differ by "
            f"{self.prob_difference:.3f}; they part at {self.find_parting()}"
        )

    def find_parting(self) -> str:
        """Return the first stage of the first hypothesis that differs, with both values."""
        steps = zip(self.python["hypotheses"], self.page["hypotheses"], strict=False)
        for k, (ours, theirs) in enumerate(steps):
            for stage, is_equal in STAGES.items():
                if not is_equal(ours[stage], theirs[stage]):
                    name = f"hypothesis {k} ({ours['name']}), {stage}"
                    return f"{name}: {ours[stage]} and {theirs[stage]}"
        counts = [len(side["hypotheses"]) for side in (self.python, self.page)]
        return f"the number of hypotheses: {counts}" if counts[0] != counts[1] else "the digits"


def are_boxes_equal(ours: Sequence, theirs: Sequence) -> bool:
    """Return whether boxes are equal within a pixel."""
    if len(ours) != len(theirs):
        return False
    return bool((np.abs(np.subtract(ours, theirs)) <= MAX_BOX_DIFFERENCE_PX).all())


STAGES = {
    "name": lambda a, b: a == b,
    "gray": lambda a, b: abs(a - b) <= MAX_GRAY_DIFFERENCE,
    "ink": lambda a, b: abs(a - b) <= MAX_INK_SHARE_DIFFERENCE * max(a, b),
    "boxes": are_boxes_equal,
    "text": lambda a, b: a == b,
    "log_odds": lambda a, b: abs(a - b) <= 0.5,
}


def read_with_python(reader: Reader, picture: Image.Image) -> dict:
    """Return the reading of a picture, and the stages of its hypotheses, as the page's worker."""
    tried, best = [], -np.inf
    for hypothesis in hypotheses(picture):
        if hypothesis.max_log_odds > best:
            ink, reading = hypothesis.ink, reader.read_hypothesis(hypothesis)
            best = max(best, reading.log_odds)
            tried.append(
                {
                    "name": hypothesis.source,
                    "gray": float(hypothesis.gray.mean()),
                    "ink": float(ink.coverage.mean()) if ink else 0.0,
                    "boxes": [digit.glyph.box for digit in reading.digits],
                    "text": reading.text,
                    "log_odds": reading.log_odds,
                }
            )
        if best > CONFIDENT_LOG_ODDS:
            break
    return reader.read(picture).as_dict() | {"hypotheses": tried}


def compare_readings(
    page: Any, reader: Reader, items: Iterable[tuple[str, dict | Image.Image]]
) -> list[Comparison]:
    """Read drawings (payloads of the pad) and pictures, each with a name, on both sides.

    `page` is Playwright's, at an address of the page without a server.
    """
    loaded = page.evaluate(CONNECT_JS)
    if "error" in loaded:
        raise RuntimeError(loaded["error"])
    compared = []
    for name, item in items:
        if isinstance(item, dict):
            picture, message = Sketch.from_json(item).picture(), ["sketch", item]
        else:
            picture, message = item, ["picture", encode_png(item)]
        answer = page.evaluate(READ_JS, message)
        if "error" in answer:
            raise RuntimeError(f"{name}: {answer['error']}")
        reading = answer["reading"]
        python = read_with_python(reader, picture)
        compared.append(Comparison(name, python, reading, reading["milliseconds"]))
    return compared


def encode_png(picture: Image.Image) -> str:
    """Return a picture as PNG in base64."""
    file = io.BytesIO()
    picture.save(file, "png")
    return base64.b64encode(file.getvalue()).decode()


def draw_digits() -> list[tuple[int, list[np.ndarray]]]:
    """Return digits of every style in `STROKE_STYLES` with the strokes of their line."""
    rng = np.random.default_rng(0)
    return [
        (digit, [path[0] for path in vary(Style(line), 1, rng)])
        for digit in range(10)
        for line in STROKE_STYLES[digit].values()
    ]


def write_number(
    digits: Sequence[tuple[int, list[np.ndarray]]], rng: np.random.Generator
) -> tuple[str, dict]:
    """Return a number of two to five of these digits, and the pad's payload of its drawing."""
    text, strokes, x = "", [], 0.0
    for k in rng.integers(len(digits), size=rng.integers(2, 6)):
        label, lines = digits[k]
        points = np.concatenate(lines)
        low, high = points.min(axis=0), points.max(axis=0)
        unit = NUMBER_HEIGHT / max((high - low).max(), 1e-6)
        down = NUMBER_HEIGHT - (high - low)[1] * unit
        strokes += [(line - low) * unit + (x, down) for line in lines]
        x += (high - low)[0] * unit + rng.uniform(0.15, 0.4) * NUMBER_HEIGHT
        text += str(label)
    payload = to_pad_payload(strokes)
    width = int(rng.integers(25, 45))
    return text, payload | {"strokes": [row | {"width": width} for row in payload["strokes"]]}
