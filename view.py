"""A reading becomes what the page shows of it: HTML, with its pictures inside.

Templates lie in `page/`; nothing here knows Gradio.
"""

import base64
import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from jinja2 import Environment, FileSystemLoader
from PIL import Image
from torch import Tensor

from explain import Evidence, Stage
from gallery import Gallery
from picture import open_picture
from predict import Digit, Reading

PAGE = Path(__file__).parent / "page"
WAITING = "Draw a digit or a number on the pad, or choose a picture."
UNSURE = 0.8  # a confidence below it names two candidates: one such answer in five is wrong or more
RUNNER_UP = 0.1  # the least that the second candidate must have to be named
SHOWN_SIDE = 360  # px: longest side of a picture as the page shows it
SPEAKS_FOR, SPEAKS_AGAINST = (0, 114, 178), (213, 94, 0)  # Okabe and Ito's blue and vermilion
QUIET = (238, 240, 246)  # a place of a layer's map that does not respond
MAP_SIDE, MAP_DIGIT = 880, 26  # px
MAP_COLOURS = (  # of the ten digits, dark enough on white: Tol's muted scheme, and black
    (51, 34, 136), (0, 0, 0), (17, 119, 51), (68, 130, 180), (136, 34, 85),
    (150, 110, 20), (204, 102, 119), (20, 130, 120), (170, 68, 153), (190, 60, 10),
)  # fmt: skip
MARKED = 0.5  # the least evidence, of 1, that gets a plus or a minus

TEMPLATES = Environment(
    loader=FileSystemLoader(PAGE), autoescape=True, trim_blocks=True, lstrip_blocks=True
)


@dataclass(frozen=True)
class Shown:
    """A picture as the page shows it."""

    data: str = ""  # as a URL
    size: tuple[int, int] = (1, 1)  # of the picture that the boxes belong to, px


def shown(picture: Image.Image, size: tuple[int, int]) -> Shown:
    """Return a picture, reduced; boxes belong to one of `size` px, width and height."""
    scale = min(1, SHOWN_SIDE / max(picture.size))
    small = picture.resize([max(1, round(scale * side)) for side in picture.size])
    if small.has_transparency_data:
        layers = small.convert("RGBA")
        small = Image.alpha_composite(Image.new("RGBA", layers.size, "white"), layers)
    return Shown(data_url(small.convert("RGB"), "jpeg"), size)


def data_url(picture: Image.Image, kind: str = "png") -> str:
    """Return a picture as a URL that holds it."""
    file = io.BytesIO()
    picture.save(file, kind)
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"


def ink_url(ink: np.ndarray) -> str:
    """Return ink (H, W), 0 = paper, 1 = ink, as a URL of a picture, dark on light."""
    return data_url(Image.fromarray((255 * (1 - ink)).round().astype(np.uint8)))


@dataclass(frozen=True)
class Answer:
    """What is said of a reading in large type and in one line under it."""

    state: str  # "waiting", "sure", "unsure", "refused", "error": the page's look
    text: str
    caption: str
    sign: str = ""  # stands before the text, so that colour is never the only sign


def answer(reading: Reading) -> Answer:
    """Return what to say of a reading."""
    if reading.note.startswith("error: "):
        return Answer("error", "Sorry", sentence(reading.note.removeprefix("error: ")), "!")
    if not reading.digits:
        return Answer("waiting", "0 – 9", reading.note or WAITING)
    if len(reading.digits) == 1:
        return answer_of_one(reading.digits[0])
    refused = sum(d.digit is None for d in reading.digits)
    if not reading.text:
        return Answer("refused", "No digits", reading.note, "∅")
    sure = np.prod([d.confidence for d in reading.digits if d.digit is not None])
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
    """Return a file of `page/` as it stands: a script, a style, or what is no template."""
    return (PAGE / name).read_text(encoding="utf-8")


def render(template: str, **values: object) -> str:
    """Fill in one of the templates of `page/`."""
    return TEMPLATES.get_template(template).render(**values)


def answer_html(reading: Reading, count: int) -> str:
    """Return the answer in large type; `count` tells it from an equal one before."""
    return render("answer.html", **vars(answer(reading)), number=reading.text, count=count)


def strip_html(reading: Reading, chosen: int) -> str:
    """Return the glyphs of a number, to choose from."""
    glyphs = [
        {
            "picture": ink_url(d.glyph.ink),
            "name": "–" if d.digit is None else d.digit,
            "sure": "no digit" if d.digit is None else percent(d.confidence),
        }
        for d in reading.digits
    ]
    return render("strip.html", glyphs=glyphs, chosen=chosen)


def details_html(reading: Reading, chosen: int, picture: Shown, why: Evidence | None) -> str:
    """Return what the network saw of the chosen glyph, and the evidence for its answer."""
    if not reading.digits:
        return render("details.html", glyph=None)
    digit = reading.digits[chosen]
    return render(
        "details.html",
        glyph={"picture": ink_url(digit.glyph.ink)},
        original=picture.data,
        width=picture.size[0],
        height=picture.size[1],
        boxes=[d.glyph.box for d in reading.digits],
        chosen=chosen,
        done=what_was_done(reading, digit, picture.size),
        why=why and evidence_shown(why, digit),
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


def heat_map(evidence: np.ndarray, ink: np.ndarray) -> Image.Image:
    """Picture signed evidence (28, 28), -1 to 1, over ink (28, 28), 0 to 1: (28, 28) RGB."""
    strength = np.abs(evidence)[..., None] ** 0.7
    hue = np.where(evidence[..., None] > 0, SPEAKS_FOR, SPEAKS_AGAINST)
    paper = 255 * (1 - strength) + hue * strength
    return Image.fromarray((paper * (1 - 0.55 * ink[..., None])).round().astype(np.uint8))


def marks(evidence: np.ndarray) -> list[tuple[float, float, str]]:
    """Return where a plus and a minus stand on the heat map: x, y in its pixels, and the sign."""
    found = []
    for sign, mark in ((1, "+"), (-1, "−")):
        y, x = np.unravel_index((sign * evidence).argmax(), evidence.shape)
        if sign * evidence[y, x] >= MARKED:
            found.append((x + 0.5, y + 0.5, mark))
    return found


def bars(reading: Reading, chosen: int) -> dict[str, float]:
    """Return the chosen glyph's ten probabilities; all zero where no digit is."""
    if not reading.digits or reading.digits[chosen].digit is None:
        return {str(k): 0.0 for k in range(10)}
    return {str(k): p for k, p in enumerate(reading.digits[chosen].probabilities)}


def lessons_html(reading: Reading, known: int) -> str:
    """Return the buttons that teach the page, and how many lessons it knows."""
    return render("lessons.html", teachable=bool(reading.digits), known=known)


def examples_html(files: list[Path]) -> str:
    """Return pictures to click; a file's name says what it shows, after its number."""
    examples = [
        {
            "picture": shown(*open_picture(file)).data,
            "name": file.stem.split("-", 1)[1].replace("-", " "),
        }
        for file in files
    ]
    return render("examples.html", examples=examples)


def inside_html(stages: list[Stage]) -> str:
    """Return the maps of each layer, for one reading."""
    *layers, scores = stages
    values = scores.maps.ravel()
    low, high = min(0.0, values.min()), max(values.max(), 1e-6)
    return render(
        "inside.html",
        stages=[{"name": s.name, **atlas(s.maps)} for s in layers],
        scores=[{"value": v, "height": 100 * (v - low) / (high - low)} for v in values],
    )


def atlas(maps: np.ndarray) -> dict:
    """Return maps (K, H, W), 0 to 1, side by side as one picture, and its size in pixels."""
    apart = np.pad(maps, ((0, 0), (0, 0), (0, 1)), constant_values=np.nan)[
        :, :, : maps.shape[2] + 1
    ]
    strip = np.concatenate(list(apart), axis=1)[:, :-1]
    strength = np.nan_to_num(strip)[..., None]
    colour = (1 - strength) * np.array(QUIET) + strength * np.array(SPEAKS_FOR)
    gaps = np.isnan(strip)[..., None]
    pixels = np.concatenate([colour, 255 * ~gaps], axis=2)
    picture = Image.fromarray(pixels.round().astype(np.uint8), "RGBA")
    return {"picture": data_url(picture), "width": strip.shape[1], "height": strip.shape[0]}


@lru_cache(maxsize=2)
def map_html(gallery: Gallery | None) -> str:
    """Return the map of digit space: each digit of the gallery small, at its place."""
    if gallery is None:
        return ""
    side = MAP_SIDE - MAP_DIGIT
    picture = np.full((MAP_SIDE, MAP_SIDE, 3), 255.0)
    colours = np.array(MAP_COLOURS)
    order = np.argsort(-gallery.confidence.float().numpy())  # the least sure on top
    for k in order:
        x, y = (gallery.places[k].float().numpy() * side).round().astype(int)
        ink = cv2.resize(
            gallery.ink[k].numpy(), (MAP_DIGIT, MAP_DIGIT), interpolation=cv2.INTER_AREA
        )
        ink = ink[..., None] / 255
        part = picture[y : y + MAP_DIGIT, x : x + MAP_DIGIT]
        part[:] = part * (1 - ink) + colours[gallery.labels[k]] * ink
    drawn = Image.fromarray(picture.astype(np.uint8))
    return render("map.html", picture=data_url(drawn.quantize(64)))


def neighbours_html(gallery: Gallery | None, features: Tensor, ink: np.ndarray) -> str:
    """Return a drawing's place on the map, and the digits nearest to it."""
    if gallery is None:
        return ""
    x, y = gallery.place(features)
    indices, likenesses = gallery.neighbours(features)
    nearest = [
        {
            "picture": ink_url(gallery.ink[k].numpy() / 255),
            "label": int(gallery.labels[k]),
            "likeness": likeness,
        }
        for k, likeness in zip(indices.tolist(), likenesses.tolist(), strict=True)
    ]
    place = {"x": x, "y": y, "features": len(features)}
    return render("neighbours.html", **place, picture=ink_url(ink), nearest=nearest)
