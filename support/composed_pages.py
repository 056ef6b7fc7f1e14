"""Compose pictures of numbers on paper, of known difficulty, from MNIST's digits."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from inkling.datasets.mnist import Digits
from support.camera_effects import bent, cut, few_pixels, light_on, photograph, turned
from support.paper_textures import SHEETS, draw_box

BLANK = "blank sheets"
SUPERSAMPLED = 2  # drawn larger, then reduced: soft edges, as a camera's


RULE = (150, 180, 215)
GRAINY = {"grain": 4.0, "blur": 0.6}  # a photograph


@dataclass(frozen=True)
class Page:
    """How a number stands on its paper. Lengths are in px, or in heights of a digit if shares."""

    least: int = 2  # digits of the number
    most: int = 6
    height: tuple[float, float] = (30, 90)
    gap: tuple[float, float] = (0.12, 0.5)  # between digits; below 0 they overlap
    touching: bool = False  # each digit is moved to the left until its ink meets the last one's
    unequal: float = 0.1  # how far heights and base lines differ
    turn: float = 3  # degrees, the farthest
    lines: int = 1
    paper: tuple[int, int, int] = (244, 242, 235)
    pen: tuple[tuple[int, int, int], ...] = ((20, 20, 25), (30, 40, 130), (140, 25, 30))
    cover: tuple[float, float] = (0.85, 1)  # how much of the paper the ink hides
    lamp: float = 0  # share of the light that is lost across the page
    shadow: float = 0  # share of the light that a hand keeps off
    rule: tuple[int, int, int] | None = None  # colour of lines on the paper
    squared: bool = False
    pitch: float = 1.3  # from rule to rule
    grain: float = 0  # standard deviation of 255
    blur: float = 0
    jpeg: int = 0  # quality
    table: bool = False  # the page lies on one, turned
    signs: bool = False  # dots and dashes between digits
    sheet: str = ""  # of `papers.SHEETS`, under the ink
    boxed: bool = False  # in a printed box with a word above it and one before it
    bend: float = 0  # how far a page is bent, and seen from the side, in shares of its height
    on_its_side: bool = False
    pixels: int = 0  # rows of a picture that the ink fills to its edges, black or white
    fills: bool = False  # whether the ink reaches the edges


PAGES = {
    "one digit": Page(least=1, most=1),
    "2 to 6 separate digits": Page(),
    "7 to 12 digits": Page(least=7, most=12, height=(24, 60)),
    "touching pairs": Page(least=2, most=2, touching=True),
    "two lines": Page(lines=2, least=2, most=5, height=(30, 60)),
    "turned up to 12 degrees": Page(turn=12),
    "ruled paper": Page(rule=RULE, grain=3),
    "squared paper": Page(rule=RULE, squared=True, pitch=0.6, grain=3),
    "ruled as dark as the ink": Page(rule=(60, 60, 70), pitch=1.6),
    "lamp": Page(lamp=0.6, grain=5, blur=0.7),
    "shadow of a hand": Page(shadow=0.5, grain=5, blur=0.7),
    "pencil": Page(pen=((110, 110, 112),), cover=(0.4, 0.6), grain=5, blur=0.6),
    "chalk": Page(paper=(40, 60, 50), pen=((225, 230, 225),), cover=(0.7, 0.9), grain=7),
    "noise, blur and JPEG": Page(grain=14, blur=1.2, jpeg=35),
    "page on a table": Page(table=True, lamp=0.3, **GRAINY),
    "dots and dashes between": Page(signs=True),
    "cheque": Page(2, 6, (24, 50), (-0.02, 0.3), pen=((60, 60, 70),), cover=(0.6, 0.9),
                   sheet="waves", **GRAINY),
    "printed form": Page(boxed=True, grain=3, blur=0.5),
    "fills its picture": Page(1, 1, fills=True, turn=0),
    "16 pixels, enlarged": Page(1, 1, fills=True, turn=0, pixels=16),
    "faint on clean paper": Page(paper=(255, 255, 255), pen=((0, 0, 0), (90, 60, 200)),
                                 cover=(0.02, 0.06)),
    "on its side": Page(on_its_side=True, lamp=0.2, **GRAINY),
    "bent": Page(bend=0.12, rule=RULE, lamp=0.3, **GRAINY),
}  # fmt: skip


def compose(page: Page, digits: Digits, rng: np.random.Generator) -> tuple[str, np.ndarray]:
    """Return what a page says and its picture, (H, W, 3) uint8."""
    height = rng.uniform(*page.height) * SUPERSAMPLED
    rows = [row(page, digits, height, rng) for _ in range(page.lines)]
    text = "".join(words for words, _ in rows)
    border = round(rng.uniform(0.4, 1.5) * height)
    width = max(ink.shape[1] for _, ink in rows) + 2 * border
    spaces = [((border, border // 3), (border, width - border - ink.shape[1])) for _, ink in rows]
    inks = [np.pad(ink, space) for (_, ink), space in zip(rows, spaces, strict=True)]
    ink = np.pad(np.concatenate(inks), ((0, border), (0, 0)))
    ink = turned(ink, rng.uniform(-page.turn, page.turn))
    paper = np.empty((*ink.shape, 3), np.float32)
    paper[:] = page.paper
    if page.rule:
        draw_rules(paper, page, height, rng)
    if page.sheet:
        small = ink.shape[0] // SUPERSAMPLED, ink.shape[1] // SUPERSAMPLED
        sheet = SHEETS[page.sheet](small, rng).astype(np.float32) / 255
        paper *= cv2.resize(sheet, ink.shape[::-1])[..., None]
    if page.boxed:
        draw_box(paper, ink, height, SUPERSAMPLED, rng)
    cover = ink[..., None] * rng.uniform(*page.cover)
    picture = paper * (1 - cover) + np.array(page.pen[rng.integers(len(page.pen))]) * cover
    if page.fills:
        picture = cut(picture, ink > 0.3)
    if page.pixels:
        return text, few_pixels(picture, page.pixels)
    if page.bend:
        picture = bent(picture, page.bend, rng)
    if page.on_its_side:
        picture = np.ascontiguousarray(np.rot90(picture, rng.choice([1, 3])))
    if page.table:  # a darker one, with all of the page's edges in view
        table = [rng.uniform(50, 120), rng.uniform(40, 90), rng.uniform(30, 80)]
        border = round(0.25 * max(picture.shape))
        picture = turned(picture, rng.uniform(-8, 8), border, table)
    part = 1 / SUPERSAMPLED
    picture = cv2.resize(picture, None, fx=part, fy=part, interpolation=cv2.INTER_AREA)
    picture = picture * light_on(picture, page.lamp, page.shadow, rng)
    return text, photograph(picture, page.blur, page.grain, page.jpeg, rng)


def row(
    page: Page, digits: Digits, height: float, rng: np.random.Generator
) -> tuple[str, np.ndarray]:
    """Return a number's digits and its ink, (H, W) float32, 0 to 1."""
    count = int(rng.integers(page.least, page.most + 1))
    canvas = np.zeros((round(2 * height), round((count + 1) * 2 * height)), np.float32)
    text, right = "", 0
    for k in range(count):
        chosen = rng.integers(len(digits.labels))
        size = height * (1 + rng.uniform(-page.unequal, page.unequal)) / 20
        ink = cv2.resize(digits.ink[chosen, 0].numpy(), None, fx=size, fy=size)
        ink = cut(ink, ink > 0.2)
        h, w = ink.shape
        y = round(1.5 * height - h + rng.uniform(-page.unequal, page.unequal) * height)
        x = right + round(rng.uniform(*page.gap) * height) if k else 0
        if page.touching and k:
            x = right
            while x > 0 and not ((canvas[y : y + h, x : x + w] > 0.4) & (ink > 0.4)).any():
                x -= 1
            x -= round(rng.uniform(0, 0.06) * height)
        place = canvas[y : y + h, x : x + w]
        np.maximum(place, ink, out=place)
        text += str(int(digits.labels[chosen]))
        right = x + w
        if page.signs and k + 1 < count and rng.random() < 0.4:
            right += draw_sign(canvas, right, height, rng)
    used = np.flatnonzero(canvas.any(axis=1))
    return text, canvas[used[0] : used[-1] + 1, :right]


def draw_sign(canvas: np.ndarray, x: int, height: float, rng: np.random.Generator) -> int:
    """Draw a dot or a dash at x; return its width."""
    thick, gap = round(0.1 * height), round(0.15 * height)
    base, middle = round(1.5 * height), round(1.5 * height) - round(height / 2)
    if rng.random() < 0.5:
        cv2.circle(canvas, (x + gap, base - thick), thick // 2 + 1, 1, -1)
        return gap + thick
    end = gap + round(rng.uniform(0.25, 0.45) * height)
    down = round(rng.normal(0, 0.03) * height)
    cv2.line(canvas, (x + gap, middle), (x + end, middle + down), 1, thick)
    return end


def draw_rules(paper: np.ndarray, page: Page, height: float, rng: np.random.Generator) -> None:
    """Draw lines on the paper, a little turned, and across if it is squared."""
    pitch, lean = page.pitch * height, np.tan(np.radians(rng.uniform(-2, 2)))
    thickness = SUPERSAMPLED * int(rng.integers(1, 3))
    across = paper.transpose(1, 0, 2)
    for side, slope in ((paper, lean), (across, -lean)) if page.squared else ((paper, lean),):
        rows, columns = side.shape[:2]
        for y in np.arange(rng.uniform(0, pitch) - rows * 0.1, rows * 1.1, pitch):
            ends = [(0, round(y)), (columns, round(y + slope * columns))]
            ends = ends if side is paper else [end[::-1] for end in ends]
            cv2.line(paper, *ends, page.rule, thickness, cv2.LINE_AA)


def pages(page: Page, count: int, digits: Digits) -> Iterator[tuple[str, np.ndarray]]:
    """Yield what pages say and their pictures; the same ones every time."""
    for k in range(count):
        yield compose(page, digits, np.random.default_rng(k))


def blank_sheets(count: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield that nothing is said, and sheets of every kind of paper, in turn."""
    kinds = list(SHEETS.values())
    for k in range(count):
        rng = np.random.default_rng(k)
        shape = tuple(rng.integers(60, 500, 2).tolist())
        picture = kinds[k % len(kinds)](shape, rng).clip(0, 255).astype(np.uint8)
        yield "", picture
