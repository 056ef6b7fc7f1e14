"""What was found out about a picture becomes what the page shows: HTML, with pictures inside.

Templates lie in `templates/`, scripts and styles in `static/`; nothing here knows Gradio.
"""

import base64
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inkling.explanation.occlusion import Evidence
from inkling.imaging.mnist_frame import DIGIT, FRAME
from inkling.imaging.open_image import open_picture
from inkling.recognition.reading import HOLE, Digit, Reading, unread_note
from inkling.rendering import data_url, render
from inkling.ui.images import draw_change, draw_heat_map, encode_ink, make_thumbnail
from inkling.ui.session import Findings
from inkling.ui.uncertainty import UNSURE_BELOW, is_unsure

UI_STATIC_DIR = Path(__file__).parent / "static"
PLOTS = Path(__file__).parents[1] / "evaluation" / "templates" / "plot.css"
STYLESHEETS = [
    UI_STATIC_DIR / f"{name}.css" for name in ("tokens", "evidence", "style", "network")
] + [PLOTS]
WAITING_TEXT = "Draw a digit or a number on the pad, or choose a picture."
MIN_MARKED_EVIDENCE = 0.5  # the least evidence, of 1, that gets a plus or a minus


@dataclass(frozen=True)
class Answer:
    """What is said of a reading in large type and in one line under it."""

    state: str  # "waiting", "sure", "unsure", "refused", "error": the page's look
    text: str
    caption: str
    symbol: str = ""  # stands before the text, so that colour is never the only sign


def summarize(reading: Reading) -> Answer:
    """Return what to say of a reading."""
    if reading.error:
        return Answer("error", "Sorry", capitalize(reading.error), "!")
    if not reading.digits:
        return Answer("waiting", "0 – 9", reading.note or WAITING_TEXT)
    if len(reading.digits) == 1:
        return summarize_digit(reading.digits[0])
    refused = sum(d.digit is None for d in reading.digits)
    if not reading.text:
        return Answer("refused", "No digits", reading.note, "∅")
    sure = math.prod(d.confidence for d in reading.digits if d.digit is not None)
    caption = f"{percent(sure)} sure of the whole number"
    if HOLE in reading.text:
        sure, caption = 0.0, unread_note(reading.text)
    elif sure < UNSURE_BELOW:
        caption = f"Not sure: of ten numbers like this about {to_tenths(sure)} would be read right"
    elif refused:
        caption += f"; {refused} {'glyphs look' if refused > 1 else 'glyph looks'} like no digit"
    return Answer("sure" if sure >= UNSURE_BELOW else "unsure", reading.text, caption)


def summarize_digit(digit: Digit) -> Answer:
    """Return what to say of a single glyph."""
    best, second = digit.ranking[:2]
    if digit.digit is None:
        caption = (
            f"That does not look like a digit. The nearest would be {name_digit(best).lower()}."
        )
        return Answer("refused", "No digit", caption, "∅")
    if is_unsure(digit):
        of_best, of_second = (to_tenths(digit.probabilities[k]) for k in (best, second))
        caption = (
            f"Not sure: of ten drawings like this, about {of_best} would be "
            f"{name_digit(best).lower()}, and {of_second} {name_digit(second).lower()}."
        )
        return Answer("unsure", f"{best} or {second}?", caption)
    return Answer("sure", str(best), f"{percent(digit.confidence)} sure")


def to_tenths(share: float) -> int:
    """Return how many of ten a share of 1 is, never none and never all."""
    return min(max(round(10 * share), 1), 9)


def percent(share: float) -> str:
    """Return a share of 1 in words; nothing is ever quite sure or quite impossible."""
    return f"{100 * min(max(share, 0.0), 0.999):.1f} %"


def capitalize(text: str) -> str:
    """Return words with a capital letter at their start."""
    return text[:1].upper() + text[1:]


def read_static(name: str) -> str:
    """Return a script or a style of `static/`, as it stands."""
    return (UI_STATIC_DIR / name).read_text(encoding="utf-8")


def render_answer(found: Findings) -> str:
    """Return the answer in large type; its count tells it from an equal one before."""
    told = {"number": found.reading.text, "count": found.count, "asked": found.asked}
    return render("answer.html", **vars(summarize(found.reading)), **told)


def render_strip(found: Findings) -> str:
    """Return the glyphs of a number, to choose from."""
    glyphs = [
        {
            "picture": encode_ink(d.glyph.ink),
            "name": "–" if d.digit is None else d.digit,
            "sure": "no digit" if d.digit is None else percent(d.confidence),
        }
        for d in found.reading.digits
    ]
    return render("strip.html", glyphs=glyphs, chosen=found.chosen)


def render_original(found: Findings) -> str:
    """Return the picture as it was given, with a box around each glyph, and what was done to it."""
    reading, picture = found.reading, found.picture
    digit = reading.digits[found.chosen] if reading.digits else None
    return render(
        "original.html",
        original=picture.data,
        width=picture.size[0],
        height=picture.size[1],
        boxes=[d.glyph.box for d in reading.digits],
        chosen=found.chosen,
        done=digit and picture.data and describe_preprocessing(reading, digit, picture.size),
    )


def encode_pixels(found: Findings) -> dict:
    """Return the chosen glyph's ink, a byte a pixel in base64, and whether a hand changed it.

    The count tells it from an equal one before, of which the page's own has changed since.
    """
    digits = found.reading.digits
    ink = digits[found.chosen].glyph.ink if digits else np.zeros((FRAME, FRAME))
    return {"ink": encode_base64(255 * ink, np.uint8), "edited": found.edited, "count": found.count}


def encode_base64(values: np.ndarray, kind: type) -> str:
    """Return numbers, rounded, a byte each in base64."""
    return base64.b64encode(values.round().astype(kind).tobytes()).decode()


def render_evidence(found: Findings) -> str:
    """Return what speaks for the answer, and what against it."""
    why = found.why and build_evidence_context(found.why, found.reading.digits[found.chosen])
    return render("evidence.html", why=why)


def describe_preprocessing(reading: Reading, digit: Digit, size: tuple[int, int]) -> str:
    """Say in words what became of the picture on its way to the network."""
    left, top, right, bottom = digit.glyph.box
    width, height = right - left, bottom - top
    steps = list(reading.seen)
    if (width, height) == (FRAME, FRAME):  # framed already, as MNIST's are
        return capitalize(", ".join(steps)) + "."
    if width * height < 0.9 * size[0] * size[1]:
        steps.append("cropped to its ink")
    if digit.glyph.thickened:
        steps.append("thickened")
    longest = max(width, height)
    if longest != DIGIT:
        done = "reduced" if longest > DIGIT else "enlarged"
        steps.append(f"{done} from {longest} to {DIGIT} pixels")
    steps.append("moved so that its centre of mass is in the middle")
    return capitalize(", ".join(steps)) + "."


def build_evidence_context(why: Evidence, digit: Digit) -> dict:
    """Return evidence as the details show it."""
    if digit.digit is None:
        title = f"If at all, {why.answer}, not {why.rival}"
    else:
        title = f"Why {why.answer}, not {why.rival}"
    answer, rival = name_digit(why.answer), name_digit(why.rival).lower()
    because = f" because {why.because}" if why.because else ": no single place decides it"
    return {
        "title": title,
        "answer": why.answer,
        "rival": why.rival,
        "sentence": f"{answer} rather than {rival}{because}.",
        "picture": data_url(draw_heat_map(why.map, digit.glyph.ink)),
        "marks": place_marks(why.map),
    }


def render_change(found: Findings) -> str:
    """Return what would make it another digit, or why it is not sure which it is."""
    digits = found.reading.digits
    if not digits:
        return render("change.html", shown="")
    ink = digits[found.chosen].glyph.ink
    if found.asked_for is not None:
        asked_for, change = name_digit(found.asked_for).lower(), found.change
        picture = change and data_url(draw_change(ink, change.ink))
        words = change and capitalize(change.words)
        told = {"asked_for": asked_for, "picture": picture, "words": words}
        return render("change.html", shown="change", **told)
    if found.doubts:
        shown = [
            {
                "digit": name_digit(one.digit).lower(),
                "advice": one.advice,
                "similar": [{"picture": encode_ink(a.ink), "name": a.name} for a in one.similar],
            }
            for one in found.doubts
        ]
        return render("change.html", shown="candidates", candidates=shown)
    rival = digits[found.chosen].ranking[1]
    return render("change.html", shown="offer", rival=rival, asked_for=name_digit(rival).lower())


def name_digit(digit: int) -> str:
    """Return a digit with its article."""
    return f"{'An' if digit == 8 else 'A'} {digit}"


def place_marks(evidence: np.ndarray) -> list[tuple[float, float, str]]:
    """Return where a plus and a minus stand on the heat map: x, y in its pixels, and the sign."""
    found = []
    for sign, mark in ((1, "+"), (-1, "−")):
        y, x = np.unravel_index((sign * evidence).argmax(), evidence.shape)
        if sign * evidence[y, x] >= MIN_MARKED_EVIDENCE:
            found.append((float(x) + 0.5, float(y) + 0.5, mark))
    return found


def build_bars(found: Findings) -> dict[str, float]:
    """Return the chosen glyph's ten probabilities; all zero where no digit is."""
    digits = found.reading.digits
    if not digits or digits[found.chosen].digit is None:
        return {str(k): 0.0 for k in range(10)}
    return {str(k): p for k, p in enumerate(digits[found.chosen].probabilities)}


def render_corrections(found: Findings) -> str:
    """Return the buttons that teach the page, seen where there is a digit, and what it knows."""
    return render("corrections.html", known=found.lessons)


def render_examples(files: list[Path]) -> str:
    """Return pictures to click; a file's name says what it shows, after its number."""
    examples = [
        {
            "picture": make_thumbnail(*open_picture(file)).data,
            "name": file.stem.split("-", 1)[1].replace("-", " "),
        }
        for file in files
    ]
    return render("examples.html", examples=examples)
