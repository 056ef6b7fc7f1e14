"""Render findings as HTML.

Templates lie in `templates/`, scripts and styles in `static/`. This module does not import Gradio.
"""

import base64
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

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
WAITING_TEXT = "Draw a digit or a number on the pad, or choose a picture."
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
        return Answer("waiting", "0 – 9", reading.note or WAITING_TEXT)
    if len(reading.digits) == 1:
        return summarize_digit(reading.digits[0])
    if not reading.text:
        return Answer("refused", "No digits", reading.note, "∅")
    refused = sum(d.digit is None for d in reading.digits)
    prob = math.prod(d.confidence for d in reading.digits if d.digit is not None)
    caption = f"{format_percent(prob)} sure of the whole number"
    if HOLE in reading.text:
        prob, caption = 0.0, format_note(reading.text)
    elif prob < UNSURE_BELOW:
        caption = f"Not sure: of ten numbers like this about {to_tenths(prob)} would be read right"
    elif refused:
        caption += f"; {refused} {'glyphs look' if refused > 1 else 'glyph looks'} like no digit"
    return Answer("sure" if prob >= UNSURE_BELOW else "unsure", reading.text, caption)


def summarize_digit(digit: Digit) -> Answer:
    """Return the answer to show for a single glyph."""
    best, second = digit.ranking[:2]
    first_name, second_name = (name_digit(k).lower() for k in (best, second))
    if digit.digit is None:
        caption = f"That does not look like a digit. The nearest would be {first_name}."
        return Answer("refused", "No digit", caption, "∅")
    if is_unsure(digit):
        tenths, second_tenths = (to_tenths(digit.probabilities[k]) for k in (best, second))
        caption = (
            f"Not sure: of ten drawings like this, about {tenths} would be "
            f"{first_name}, and {second_tenths} {second_name}."
        )
        return Answer("unsure", f"{best} or {second}?", caption)
    return Answer("sure", str(best), f"{format_percent(digit.confidence)} sure")


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
    filters={"ink_url": encode_ink, "percent": format_percent, "name_digit": name_digit},
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
    steps = list(reading.seen)
    if (width, height) == (FRAME, FRAME):  # framed already, as in MNIST
        return capitalize(", ".join(steps)) + "."
    if width * height < 0.9 * size[0] * size[1]:
        steps.append("cropped to its ink")
    if digit.glyph.thickened:
        steps.append("thickened")
    longest = max(width, height)
    if longest != DIGIT:
        verb = "reduced" if longest > DIGIT else "enlarged"
        steps.append(f"{verb} from {longest} to {DIGIT} pixels")
    steps.append("moved so that its centre of mass is in the middle")
    return capitalize(", ".join(steps)) + "."


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
    answer, rival = evidence.answer, evidence.rival
    start = "Why" if digit.digit is not None else "If at all,"
    reasons = ", and ".join(f"{part.words} ({k})" for k, part in enumerate(evidence.parts, 1))
    because = f" because {reasons}" if reasons else ": no single part decides it"
    return {
        "title": f"{start} {answer}, not {rival}",
        "answer": answer,
        "rival": rival,
        "sentence": f"{name_digit(answer)} rather than {name_digit(rival).lower()}{because}.",
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
