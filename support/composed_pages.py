"""Compose pictures of numbers on paper, of known difficulty, from MNIST's digits."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from inkling.datasets.mnist import Digits
from support.camera_effects import (
    compute_lighting,
    crop_to_mask,
    photograph,
    rotate,
    scan_coarsely,
    warp,
)
from support.paper_textures import PAPERS, draw_box

SUPERSAMPLING = 2  # factor: pages are drawn larger and reduced, for a camera's soft edges
RULE = (150, 180, 215)
GRAINY = {"grain": 4.0, "blur": 0.6}  # a photograph


@dataclass(frozen=True)
class PageKind:
    """How a number stands on its paper; shares are of a digit's height unless noted."""

    min_digits: int = 2
    max_digits: int = 6
    height_px: tuple[float, float] = (30, 90)
    gap_share: tuple[float, float] = (0.12, 0.5)  # between digits; below 0 they overlap
    touching: bool = False  # each digit is moved left until its ink meets the one before
    jitter_share: float = 0.1  # of heights and base lines
    max_rotation_deg: float = 3
    lines: int = 1
    papers: tuple[tuple[int, int, int], ...] = ((244, 242, 235),)
    pens: tuple[tuple[int, int, int], ...] = ((20, 20, 25), (30, 40, 130), (140, 25, 30))
    opacity: tuple[float, float] = (0.85, 1)  # of the ink
    lamp: float = 0  # share of the light that is lost across the page
    shadow: float = 0  # share of the light that a shadow takes
    rule: tuple[int, int, int] | None = None  # colour of the lines on the paper
    squared: bool = False
    pitch_share: float = 1.3  # from rule to rule
    grain: float = 0  # standard deviation, of 255
    blur: float = 0  # standard deviation, px
    jpeg: int = 0  # quality
    table: bool = False  # the page lies rotated on a table, with all edges in view
    signs: bool = False  # dots and dashes between digits
    underlined: bool = False  # by the same pen
    texture: str = ""  # of `PAPERS`, under the ink
    boxed: bool = False  # in a printed box with a word above it and one before it
    warp_share: float = 0  # of the page's height
    on_its_side: bool = False
    rows: int = 0  # of a scan in black and white
    fills: bool = False  # whether the ink reaches the edges


PAGE_KINDS = {
    "one digit": PageKind(1, 1),
    "2 to 6 separate digits": PageKind(),
    "7 to 12 digits": PageKind(7, 12, height_px=(24, 60)),
    "touching pairs": PageKind(2, 2, touching=True),
    "two lines": PageKind(2, 5, height_px=(30, 60), lines=2),
    "turned up to 12 degrees": PageKind(max_rotation_deg=12),
    "ruled paper": PageKind(rule=RULE, grain=3),
    "squared paper": PageKind(rule=RULE, squared=True, pitch_share=0.6, grain=3),
    "ruled as dark as the ink": PageKind(rule=(60, 60, 70), pitch_share=1.6),
    "lamp": PageKind(lamp=0.6, grain=5, blur=0.7),
    "shadow of a hand": PageKind(shadow=0.5, grain=5, blur=0.7),
    "pencil": PageKind(pens=((110, 110, 112),), opacity=(0.4, 0.6), grain=5, blur=0.6),
    "chalk": PageKind(papers=((40, 60, 50),), pens=((225, 230, 225),), opacity=(0.7, 0.9), grain=7),
    "noise, blur and JPEG": PageKind(grain=14, blur=1.2, jpeg=35),
    "page on a table": PageKind(table=True, lamp=0.3, **GRAINY),
    "dots and dashes between": PageKind(signs=True),
    "cheque": PageKind(2, 6, (24, 50), (-0.02, 0.3), pens=((60, 60, 70),), opacity=(0.6, 0.9),
                       texture="waves", **GRAINY),
    "printed form": PageKind(boxed=True, grain=3, blur=0.5),
    "fills its picture": PageKind(1, 1, fills=True, max_rotation_deg=0),
    "16 pixels, enlarged": PageKind(1, 1, fills=True, max_rotation_deg=0, rows=16),
    "faint on clean paper": PageKind(papers=((255, 255, 255),), pens=((0, 0, 0), (90, 60, 200)),
                                     opacity=(0.02, 0.06)),
    "on its side": PageKind(on_its_side=True, lamp=0.2, **GRAINY),
    "bent": PageKind(warp_share=0.12, rule=RULE, lamp=0.3, **GRAINY),
    "underlined": PageKind(underlined=True, grain=3, blur=0.5),
    "old coloured paper": PageKind(papers=((205, 125, 60), (190, 165, 125), (165, 160, 150)),
                                   pens=((45, 30, 20), (70, 45, 30), (30, 30, 60)),
                                   opacity=(0.6, 0.9), texture="dirty", lamp=0.2, **GRAINY),
}  # fmt: skip


def compose_page(
    kind: PageKind, digits: Digits, rng: np.random.Generator
) -> tuple[str, np.ndarray]:
    """Return the number on a page and the page's picture, (H, W, 3) uint8."""
    height = rng.uniform(*kind.height_px) * SUPERSAMPLING
    rows = [compose_row(kind, digits, height, rng) for _ in range(kind.lines)]
    ink = stack_rows([ink for _, ink in rows], height, rng)
    if kind.underlined:
        underline(ink, height, rng)
    ink = rotate(ink, rng.uniform(-kind.max_rotation_deg, kind.max_rotation_deg))
    paper = draw_paper(kind, ink, height, rng)
    cover = ink[..., None] * rng.uniform(*kind.opacity)
    picture = paper * (1 - cover) + np.array(kind.pens[rng.integers(len(kind.pens))]) * cover
    if kind.fills:
        picture = crop_to_mask(picture, ink > 0.3)
    text = "".join(text for text, _ in rows)
    if kind.rows:
        return text, scan_coarsely(picture, kind.rows)
    return text, take_picture(picture, kind, rng)


def stack_rows(inks: list[np.ndarray], height: float, rng: np.random.Generator) -> np.ndarray:
    """Lay rows of ink below one another, with a border."""
    border = round(rng.uniform(0.4, 1.5) * height)
    width = max(ink.shape[1] for ink in inks) + 2 * border
    padded = [
        np.pad(ink, ((border, border // 3), (border, width - border - ink.shape[1])))
        for ink in inks
    ]
    return np.pad(np.concatenate(padded), ((0, border), (0, 0)))


def underline(ink: np.ndarray, height: float, rng: np.random.Generator) -> None:
    """Draw one or two lines below ink (H, W), which they may touch."""
    left, top, width, tall = cv2.boundingRect((ink > 0.3).astype(np.uint8))
    thickness = round(rng.uniform(0.06, 0.12) * height)
    y = top + tall + rng.uniform(-0.03, 0.15) * height
    for _ in range(rng.integers(1, 3)):
        x = np.array([left, left + width]) + rng.uniform(-0.2, 0.2, 2) * height
        ends = np.stack([x, y + rng.normal(0, 0.04, 2) * height], axis=1).astype(int)
        cv2.line(ink, *ends.tolist(), 1, thickness, cv2.LINE_AA)
        y += rng.uniform(0.12, 0.2) * height


def draw_paper(
    kind: PageKind, ink: np.ndarray, height: float, rng: np.random.Generator
) -> np.ndarray:
    """Return the paper under ink (H, W), with what is printed on it: (H, W, 3) float32."""
    paper = np.empty((*ink.shape, 3), np.float32)
    paper[:] = kind.papers[rng.integers(len(kind.papers))]
    if kind.rule:
        draw_rules(paper, kind, height, rng)
    if kind.texture:
        small = ink.shape[0] // SUPERSAMPLING, ink.shape[1] // SUPERSAMPLING
        sheet = PAPERS[kind.texture](small, rng).astype(np.float32) / 255
        paper *= cv2.resize(sheet, ink.shape[::-1])[..., None]
    if kind.boxed:
        draw_box(paper, ink, height, SUPERSAMPLING, rng)
    return paper


def take_picture(picture: np.ndarray, kind: PageKind, rng: np.random.Generator) -> np.ndarray:
    """Return a page as a camera sees it: uint8."""
    if kind.warp_share:
        picture = warp(picture, kind.warp_share, rng)
    if kind.on_its_side:
        picture = np.ascontiguousarray(np.rot90(picture, rng.choice([1, 3])))
    if kind.table:
        table = [rng.uniform(50, 120), rng.uniform(40, 90), rng.uniform(30, 80)]
        border = round(0.25 * max(picture.shape))
        picture = rotate(picture, rng.uniform(-8, 8), border, table)
    part = 1 / SUPERSAMPLING
    picture = cv2.resize(picture, None, fx=part, fy=part, interpolation=cv2.INTER_AREA)
    picture = picture * compute_lighting(picture, kind.lamp, kind.shadow, rng)
    return photograph(picture, kind.blur, kind.grain, kind.jpeg, rng)


def compose_row(
    kind: PageKind, digits: Digits, height: float, rng: np.random.Generator
) -> tuple[str, np.ndarray]:
    """Return a random number and its ink, (H, W) float32, 0 to 1."""
    count = int(rng.integers(kind.min_digits, kind.max_digits + 1))
    canvas = np.zeros((round(2 * height), round((count + 1) * 2 * height)), np.float32)
    text, right = "", 0
    for k in range(count):
        chosen = rng.integers(len(digits.labels))
        size = height * (1 + rng.uniform(-kind.jitter_share, kind.jitter_share)) / 20
        ink = cv2.resize(digits.ink[chosen, 0].numpy(), None, fx=size, fy=size)
        ink = crop_to_mask(ink, ink > 0.2)
        h, w = ink.shape
        y = round(1.5 * height - h + rng.uniform(-kind.jitter_share, kind.jitter_share) * height)
        x = right + round(rng.uniform(*kind.gap_share) * height) if k else 0
        if kind.touching and k:
            x = right
            while x > 0 and not ((canvas[y : y + h, x : x + w] > 0.4) & (ink > 0.4)).any():
                x -= 1
            x -= round(rng.uniform(0, 0.06) * height)
        place = canvas[y : y + h, x : x + w]
        np.maximum(place, ink, out=place)
        text += str(int(digits.labels[chosen]))
        right = x + w
        if kind.signs and k + 1 < count and rng.random() < 0.4:
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


def draw_rules(paper: np.ndarray, kind: PageKind, height: float, rng: np.random.Generator) -> None:
    """Draw slightly rotated lines on the paper, and across them if it is squared."""
    pitch, slope = kind.pitch_share * height, np.tan(np.radians(rng.uniform(-2, 2)))
    thickness = SUPERSAMPLING * int(rng.integers(1, 3))
    across = paper.transpose(1, 0, 2)
    for side, rise in ((paper, slope), (across, -slope)) if kind.squared else ((paper, slope),):
        rows, columns = side.shape[:2]
        for y in np.arange(rng.uniform(0, pitch) - rows * 0.1, rows * 1.1, pitch):
            ends = [(0, round(y)), (columns, round(y + rise * columns))]
            ends = ends if side is paper else [end[::-1] for end in ends]
            cv2.line(paper, *ends, kind.rule, thickness, cv2.LINE_AA)


def compose_pages(kind: PageKind, digits: Digits, count: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield numbers and their pages, always the same ones."""
    for k in range(count):
        yield compose_page(kind, digits, np.random.default_rng(k))


def draw_blank_sheets(count: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield "" and a sheet for every kind of paper in turn, always the same ones."""
    papers = list(PAPERS.values())
    for k in range(count):
        rng = np.random.default_rng(k)
        shape = tuple(rng.integers(60, 500, 2).tolist())
        yield "", papers[k % len(papers)](shape, rng).clip(0, 255).astype(np.uint8)
