"""Render findings as HTML.

Templates lie in `templates/`, scripts and styles in `static/`. This module does not import Gradio.
"""

import base64
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from inkling.evaluation import plots
from inkling.explanation.occlusion import Evidence
from inkling.imaging.mnist_frame import DIGIT, FRAME
from inkling.imaging.open_image import open_picture
from inkling.recognition.reading import HOLE, Digit, Reading, format_note
from inkling.rendering import make_renderer, to_data_url
from inkling.ui.images import draw_change, draw_heat_map, encode_ink, make_thumbnail
from inkling.ui.session import Findings
from inkling.ui.uncertainty import UNSURE_BELOW, is_unsure

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").iterdir())
UI_STATIC_DIR = Path(__file__).parent / "static"
STYLESHEETS = [
    UI_STATIC_DIR / f"{name}.css" for name in ("tokens", "evidence", "style", "network", "lab")
]
STYLESHEETS.append(plots.STYLESHEET)
MIN_MARKED_EVIDENCE = 0.5  # of 1: weaker evidence gets no plus or minus; not tuned


@dataclass(frozen=True)
class Answer:
    """A reading in words: large text, and one line below it."""

    state: str  # CSS class: "waiting", "sure", "unsure", "refused" or "error"
    text: str
    caption: str
    symbol: str = ""  # before the text, so that the state does not depend on colour alone


def summarize(reading: Reading) -> Answer:
    """Return the answer to show for a reading."""
    if reading.error:
        return Answer("error", "Sorry", capitalize(reading.error), "!")
    if not reading.digits:
        return Answer("waiting", "0 – 9", reading.note or say("waiting"))
    if len(reading.digits) == 1:
        return summarize_digit(reading.digits[0])
    if not reading.text:
        return Answer("refused", "No digits", reading.note, "∅")
    refused = sum(d.digit is None for d in reading.digits)
    prob = math.prod(d.confidence for d in reading.digits if d.digit is not None)
    caption = say("sure number", prob=prob, refused=refused)
    if HOLE in reading.text:
        prob, caption = 0.0, format_note(reading.text)
    elif prob < UNSURE_BELOW:
        caption = say("unsure number", tenths=[to_tenths(prob)])
    return Answer("sure" if prob >= UNSURE_BELOW else "unsure", reading.text, caption)


def summarize_digit(digit: Digit) -> Answer:
    """Return the answer to show for a single glyph."""
    digits = digit.ranking[:2]
    if digit.digit is None:
        return Answer("refused", "No digit", say("refused", digits=digits), "∅")
    if is_unsure(digit):
        tenths = [to_tenths(digit.probabilities[k]) for k in digits]
        caption = say("unsure", digits=digits, tenths=tenths)
        return Answer("unsure", "{} or {}?".format(*digits), caption)
    return Answer("sure", str(digit.best), say("sure", prob=digit.confidence))


def say(name: str, **context: Any) -> str:
    """Return a sentence of `sentences.html`, as plain text."""
    return capitalize(
        Markup(" ".join(render("sentences.html", name=name, **context).split())).unescape()
    )


def to_tenths(share: float) -> int:
    """Return a share of 1 in tenths, from 1 to 9."""
    return min(max(round(10 * share), 1), 9)


def format_percent(share: float) -> str:
    """Return a share of 1 in percent, at most 99.9 %."""
    return f"{100 * min(max(share, 0.0), 0.999):.1f} %"


def format_number(value: float, sign: str = "", exact: bool = False) -> str:
    """Return a number with 2 decimals, or with the 9 digits that identify a 32-bit number."""
    return format(value, f"{sign}z.{'9g' if exact else '2f'}").replace("-", "−")


def capitalize(text: str) -> str:
    """Return the text with a capital first letter."""
    return text[:1].upper() + text[1:]


def name_digit(digit: int) -> str:
    """Return a digit with its article."""
    return f"{'An' if digit == 8 else 'A'} {digit}"


render = make_renderer(
    Path(__file__).parent / "templates",
    plots.TEMPLATES,
    filters={
        "ink_url": encode_ink,
        "percent": format_percent,
        "name_digit": name_digit,
        "times": np.multiply,
        "count_ink": np.count_nonzero,
    },
)


def read_static(name: str) -> str:
    """Return the content of a file in `static/`."""
    return (UI_STATIC_DIR / name).read_text(encoding="utf-8")


def encode_base64(values: np.ndarray, kind: type) -> str:
    """Return numbers, rounded, in base64: one byte each."""
    return base64.b64encode(values.round().astype(kind).tobytes()).decode()


def render_answer(findings: Findings) -> str:
    """Return the answer in large type; its count distinguishes equal answers."""
    answer = vars(summarize(findings.reading))
    return render("answer.html", **answer, number=findings.reading.text, count=findings.state.count)


def render_original(findings: Findings) -> str:
    """Return the picture with a box around each glyph, and its preprocessing in words."""
    reading, digit, picture = findings.reading, findings.digit, findings.state.picture
    steps = digit and picture.data and describe_preprocessing(reading, digit, picture.size)
    boxes, chosen = [d.glyph.box for d in reading.digits], findings.state.chosen
    return render("original.html", picture=picture, boxes=boxes, chosen=chosen, steps=steps)


def describe_preprocessing(reading: Reading, digit: Digit, size: tuple[int, int]) -> str:
    """Return in words how a picture of `size` px became the digit's ink."""
    left, top, right, bottom = digit.glyph.box
    width, height = right - left, bottom - top
    if (width, height) == (FRAME, FRAME):  # framed already, as in MNIST
        return capitalize(", ".join(reading.seen)) + "."
    cropped, longest = width * height < 0.9 * size[0] * size[1], max(width, height)
    context = {"cropped": cropped, "thickened": digit.glyph.thickened, "longest": longest}
    return say("steps", seen=reading.seen, side=DIGIT, **context)


def encode_pixels(findings: Findings) -> dict:
    """Return the chosen glyph's ink, one byte a pixel in base64, and whether it was edited.

    The count makes equal values differ: the page's copy may have been edited since.
    """
    ink = findings.digit.glyph.ink if findings.digit else np.zeros((FRAME, FRAME))
    state, encoded = findings.state, encode_base64(255 * ink, np.uint8)
    return {"ink": encoded, "edited": state.unedited is not None, "count": state.count}


def render_evidence(findings: Findings) -> str:
    """Return the heat map of the evidence, and its sentence."""
    context = None
    if findings.evidence and findings.digit:
        context = build_evidence_context(findings.evidence, findings.digit)
    return render("evidence.html", evidence=context)


def build_evidence_context(evidence: Evidence, digit: Digit) -> dict:
    """Return evidence as its template shows it."""
    return {
        "refused": digit.digit is None,
        "answer": evidence.answer,
        "rival": evidence.rival,
        "sentence": say("evidence", evidence=evidence),
        "picture": to_data_url(draw_heat_map(evidence.map, digit.glyph.ink)),
        "marks": place_marks(evidence),
    }


def place_marks(evidence: Evidence) -> list[tuple[float, float, str]]:
    """Return marks of a heat map, x and y in pixels: the parts' numbers or a plus, and a minus."""
    places = [part.place + 0.5 for part in evidence.parts]
    marks = [(float(x), float(y), str(k)) for k, (y, x) in enumerate(places, 1)]
    for sign, mark in ((1, "+"), (-1, "−"))[bool(marks) :]:
        y, x = np.unravel_index((sign * evidence.map).argmax(), evidence.map.shape)
        if sign * evidence.map[y, x] >= MIN_MARKED_EVIDENCE:
            marks.append((float(x) + 0.5, float(y) + 0.5, mark))
    return marks


def render_change(findings: Findings) -> str:
    """Return the change to the requested digit, or the candidates of an unsure answer."""
    digit = findings.digit
    if digit is None:
        return render("change.html", section="")
    if findings.requested_digit is not None:
        change = findings.change
        return render(
            "change.html",
            section="change",
            target=name_digit(findings.requested_digit).lower(),
            picture=change and to_data_url(draw_change(digit.glyph.ink, change.ink)),
            edits=change and change.edits,
            words=change and capitalize(change.words),
        )
    if findings.candidates:
        return render("change.html", section="candidates", candidates=findings.candidates)
    rival = digit.ranking[1]
    return render("change.html", section="offer", rival=rival, target=name_digit(rival).lower())


def build_bars(findings: Findings) -> dict[str, float]:
    """Return the chosen glyph's ten probabilities; all zero where there is no digit."""
    digit = findings.digit
    probabilities = (0.0,) * 10 if digit is None or digit.digit is None else digit.probabilities
    return {str(k): prob for k, prob in enumerate(probabilities)}


def encode_bars(findings: Findings) -> dict:
    """Return the ten bars, in the format of `gr.Label`."""
    bars = build_bars(findings)
    confidences = [{"label": name, "confidence": prob} for name, prob in bars.items()]
    return {"label": max(bars, key=lambda name: bars[name]), "confidences": confidences}


def render_examples(files: list[Path]) -> str:
    """Return buttons with pictures; a file's name, after its number, is the label."""
    names = [file.stem.split("-", 1)[1].replace("-", " ") for file in files]
    pictures = [make_thumbnail(*open_picture(file)).data for file in files]
    return render("examples.html", examples=zip(names, pictures, strict=True))
