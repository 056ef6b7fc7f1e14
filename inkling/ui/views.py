"""What was found out about a picture becomes what the page shows: HTML, with pictures inside.

Templates lie in `templates/`, scripts and styles in `static/`; nothing here knows Gradio.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from inkling.explanation.gallery import Gallery
from inkling.explanation.occlusion import Evidence
from inkling.imaging.open_image import open_picture
from inkling.recognition.reading import Digit, Reading
from inkling.rendering import data_url, render
from inkling.ui.images import atlas, digit_map, heat_map, ink_url, thumbnail
from inkling.ui.session import Findings

STATIC = Path(__file__).parent / "static"
PLOTS = Path(__file__).parents[1] / "evaluation" / "templates" / "plot.css"
STYLES = [STATIC / "evidence.css", STATIC / "style.css", PLOTS]
WAITING = "Draw a digit or a number on the pad, or choose a picture."
UNSURE = 0.8  # a confidence below it names two candidates: one such answer in five is wrong or more
RUNNER_UP = 0.1  # the least that the second candidate must have to be named
MARKED = 0.5  # the least evidence, of 1, that gets a plus or a minus


@dataclass(frozen=True)
class Answer:
    """What is said of a reading in large type and in one line under it."""

    state: str  # "waiting", "sure", "unsure", "refused", "error": the page's look
    text: str
    caption: str
    sign: str = ""  # stands before the text, so that colour is never the only sign


def answer(reading: Reading) -> Answer:
    """Return what to say of a reading."""
    if reading.error:
        return Answer("error", "Sorry", sentence(reading.error), "!")
    if not reading.digits:
        return Answer("waiting", "0 – 9", reading.note or WAITING)
    if len(reading.digits) == 1:
        return answer_of_one(reading.digits[0])
    refused = sum(d.digit is None for d in reading.digits)
    if not reading.text:
        return Answer("refused", "No digits", reading.note, "∅")
    sure = math.prod(d.confidence for d in reading.digits if d.digit is not None)
    caption = f"{percent(sure)} sure of the whole number"
    if refused:
        caption += f"; {refused} {'glyphs look' if refused > 1 else 'glyph looks'} like no digit"
    return Answer("sure" if sure >= UNSURE else "unsure", reading.text, caption)


def answer_of_one(digit: Digit) -> Answer:
    """Return what to say of a single glyph."""
    best, second = digit.ranking[:2]
    chances = digit.probabilities
    if digit.digit is None:
        caption = f"That does not look like a digit. The nearest would be a {best}."
        return Answer("refused", "No digit", caption, "∅")
    if chances[best] < UNSURE and chances[second] >= RUNNER_UP:
        caption = f"Not sure: {best} at {percent(chances[best])}, {second} at "
        return Answer("unsure", f"{best} or {second}?", caption + percent(chances[second]))
    return Answer("sure", str(best), f"{percent(chances[best])} sure")


def percent(share: float) -> str:
    """Return a share of 1 in words; nothing is ever quite sure or quite impossible."""
    return f"{100 * min(max(share, 0.0), 0.999):.1f} %"


def sentence(text: str) -> str:
    """Return words with a capital letter at their start."""
    return text[:1].upper() + text[1:]


def source(name: str) -> str:
    """Return a script or a style of `static/`, as it stands."""
    return (STATIC / name).read_text(encoding="utf-8")


def answer_html(found: Findings) -> str:
    """Return the answer in large type; its count tells it from an equal one before."""
    told = {"number": found.reading.text, "count": found.count, "asked": found.asked}
    return render("answer.html", **vars(answer(found.reading)), **told)


def strip_html(found: Findings) -> str:
    """Return the glyphs of a number, to choose from."""
    glyphs = [
        {
            "picture": ink_url(d.glyph.ink),
            "name": "–" if d.digit is None else d.digit,
            "sure": "no digit" if d.digit is None else percent(d.confidence),
        }
        for d in found.reading.digits
    ]
    return render("strip.html", glyphs=glyphs, chosen=found.chosen)


def details_html(found: Findings) -> str:
    """Return what the network saw of the chosen glyph, and the evidence for its answer."""
    reading, picture = found.reading, found.picture
    if not reading.digits:
        return render("details.html", glyph=None)
    digit = reading.digits[found.chosen]
    return render(
        "details.html",
        glyph={"picture": ink_url(digit.glyph.ink)},
        original=picture.data,
        width=picture.size[0],
        height=picture.size[1],
        boxes=[d.glyph.box for d in reading.digits],
        chosen=found.chosen,
        done=what_was_done(reading, digit, picture.size),
        why=found.why and evidence_shown(found.why, digit),
    )


def what_was_done(reading: Reading, digit: Digit, size: tuple[int, int]) -> str:
    """Say in words what became of the picture on its way to the network."""
    left, top, right, bottom = digit.glyph.box
    width, height = right - left, bottom - top
    steps = list(reading.seen)
    if width * height < 0.9 * size[0] * size[1]:
        steps.append("cropped to its ink")
    if digit.glyph.thickened:
        steps.append("thickened")
    longest = max(width, height)
    steps.append(f"{'reduced' if longest > 20 else 'enlarged'} from {longest} to 20 pixels")
    steps.append("moved so that its centre of mass is in the middle")
    return sentence(", ".join(steps)) + "."


def evidence_shown(why: Evidence, digit: Digit) -> dict:
    """Return evidence as the details show it."""
    if digit.digit is None:
        title = f"If it were a digit: {why.answer} rather than {why.rival}"
    else:
        title = f"Why {why.answer} rather than {why.rival}"
    because = f" because {why.because}" if why.because else ": no single place decides it"
    return {
        "title": title,
        "answer": why.answer,
        "rival": why.rival,
        "sentence": f"{a_digit(why.answer)} rather than {a_digit(why.rival).lower()}{because}.",
        "picture": data_url(heat_map(why.map, digit.glyph.ink)),
        "marks": marks(why.map),
    }


def a_digit(digit: int) -> str:
    """Return a digit with its article."""
    return f"{'An' if digit == 8 else 'A'} {digit}"


def marks(evidence: np.ndarray) -> list[tuple[float, float, str]]:
    """Return where a plus and a minus stand on the heat map: x, y in its pixels, and the sign."""
    found = []
    for sign, mark in ((1, "+"), (-1, "−")):
        y, x = np.unravel_index((sign * evidence).argmax(), evidence.shape)
        if sign * evidence[y, x] >= MARKED:
            found.append((float(x) + 0.5, float(y) + 0.5, mark))
    return found


def bars(found: Findings) -> dict[str, float]:
    """Return the chosen glyph's ten probabilities; all zero where no digit is."""
    digits = found.reading.digits
    if not digits or digits[found.chosen].digit is None:
        return {str(k): 0.0 for k in range(10)}
    return {str(k): p for k, p in enumerate(digits[found.chosen].probabilities)}


def lessons_html(found: Findings) -> str:
    """Return the buttons that teach the page, and how many lessons it knows."""
    return render("lessons.html", teachable=bool(found.reading.digits), known=found.lessons)


def examples_html(files: list[Path]) -> str:
    """Return pictures to click; a file's name says what it shows, after its number."""
    examples = [
        {
            "picture": thumbnail(*open_picture(file)).data,
            "name": file.stem.split("-", 1)[1].replace("-", " "),
        }
        for file in files
    ]
    return render("examples.html", examples=examples)


def layers_html(found: Findings) -> str:
    """Return the maps of each layer for the chosen glyph; nothing while they are folded away."""
    if not found.stages:
        return ""
    *layers, scores = found.stages
    values = scores.maps.ravel()
    low, high = min(0.0, values.min()), max(values.max(), 1e-6)
    return render(
        "inside.html",
        stages=[{"name": s.name, **atlas(s.maps)} for s in layers],
        scores=[{"value": v, "height": 100 * (v - low) / (high - low)} for v in values],
    )


@lru_cache(maxsize=2)
def map_html(gallery: Gallery | None) -> str:
    """Return the map of digit space."""
    return render("map.html", picture=data_url(digit_map(gallery))) if gallery else ""


def neighbours_html(found: Findings) -> str:
    """Return the chosen glyph's place on the map, and its nearest digits; nothing while folded."""
    around = found.around
    if around is None:
        return ""
    ink = found.reading.digits[found.chosen].glyph.ink
    nearest = [
        {"picture": ink_url(one.numpy() / 255), "label": label, "likeness": likeness}
        for one, label, likeness in zip(
            around.ink, around.labels.tolist(), around.likenesses.tolist(), strict=True
        )
    ]
    x, y = around.place
    drawn = {"x": x, "y": y, "features": around.features, "picture": ink_url(ink)}
    return render("neighbours.html", **drawn, nearest=nearest)
