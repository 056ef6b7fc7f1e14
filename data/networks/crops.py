"""Compose gray crops of lines on paper, with their labels and the span of each label.

python -m data.networks.crops sheet.png   a contact sheet: crops and their labels
"""

import argparse
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from data.networks import pages
from data.networks.lines import DIGIT_PX, GlyphBank, Line
from inkling.datasets.mnist import load_mnist
from inkling.recognition.line_net import resize_line
from model import LINE_HEIGHT_PX

PAPER_COUNT, PAPER_SIDE_PX = 1500, 256  # sheets, composed once; crops take random pieces
PAPER_LEVELS = 200  # of a byte: darkness of plain ink
# Shares of lines of 1 to 9 digits, and of crops without writing.
LENGTH_SHARES = (0.14, 0.13, 0.15, 0.18, 0.15, 0.1, 0.07, 0.05, 0.03)
BLANK_SHARE = 0.03
MIN_TEXT_PX, MAX_TEXT_PX = 12, 60  # height of a digit before the crop is resized
EASY_MIN_TEXT_PX = 20
EASY_SHARE = 0.25  # of crops on plain paper, like drawings
NEIGHBOR_COUNT = 30  # latest lines, whose fragments are drawn above and below others
# Shares of crops with a printed box around the number, with cells between digits, with a printed
# word above or below, and with an underline.
BOX_SHARE, CELL_SHARE, WORD_SHARE, UNDERLINE_SHARE = 0.15, 0.04, 0.1, 0.08


@dataclass(frozen=True, eq=False)
class Crop:
    """A photographed line."""

    gray: np.ndarray  # (32, W) uint8
    labels: tuple[int, ...]  # digits and `SIGN`
    spans: tuple[tuple[float, float], ...]  # px, of each label


def make_paper(rng: np.random.Generator) -> np.ndarray:
    """Compose a sheet: its darkness relative to plain paper, (256, 256) uint8."""
    shares = pages.LAYERS | {
        pages.draw_guilloche: 0.35,
        pages.draw_dots: 0.12,
        pages.draw_texture: 0.3,
    }
    paper = np.zeros((PAPER_SIDE_PX, PAPER_SIDE_PX), np.float32)
    for layer, share in shares.items():
        if rng.random() < share:
            darkness = layer(PAPER_SIDE_PX, rng)
            paper = np.maximum(paper, darkness) if layer in pages.LINE_LAYERS else paper + darkness
    return (PAPER_LEVELS * paper.clip(0, 1.27)).astype(np.uint8)


class CropComposer:
    """Compose random crops."""

    def __init__(self, glyphs: GlyphBank, papers: list[np.ndarray], seed: int | tuple[int, ...]):
        """Use glyphs, sheets of `make_paper` and a seed."""
        self.glyphs, self.papers = glyphs, papers
        self.rng = np.random.default_rng(seed)
        self.neighbors: list[np.ndarray] = []
        self.hardness = 1.0  # share of crops that are photographs

    def compose_crop(self) -> Crop:
        """Compose a crop."""
        rng = self.rng
        count = 1 + int(rng.choice(len(LENGTH_SHARES), p=LENGTH_SHARES))
        line = self.glyphs.compose_line(count, rng)
        self.neighbors = [*self.neighbors[-NEIGHBOR_COUNT:], line.ink]
        if rng.random() < BLANK_SHARE:
            line = Line(np.zeros_like(line.ink), (), ())
        easy = rng.random() < EASY_SHARE or rng.random() > self.hardness
        text_px = np.exp(
            rng.uniform(np.log(EASY_MIN_TEXT_PX if easy else MIN_TEXT_PX), np.log(MAX_TEXT_PX))
        )
        boxed = not easy and rng.random() < BOX_SHARE
        ink, (left, top, right, bottom), across = self.place_line(line, text_px, easy, boxed)
        if line.labels and rng.random() < UNDERLINE_SHARE:
            self.add_underline(ink, (left, right, bottom), text_px)
        paper = (
            np.zeros(ink.shape, np.float32)
            if easy
            else self.make_background(ink.shape[0], ink.shape[1], text_px)
        )
        if boxed:
            self.add_box(paper, (left, top, right, bottom), text_px)
        if not easy and rng.random() < CELL_SHARE:
            gaps = [(a[1] + b[0]) / 2 for a, b in pairwise(line.spans)]
            self.add_cells(paper, [left + gap * across for gap in gaps])
        if not easy and rng.random() < WORD_SHARE:
            self.add_word(paper, (top, bottom), text_px)
        gray = self.render_drawing(ink) if easy else self.render_photograph(ink, paper, text_px)
        width = max(8, round(gray.shape[1] * LINE_HEIGHT_PX / len(gray)))
        unit = width / gray.shape[1]
        spans = tuple(
            ((left + a * across) * unit, (left + b * across) * unit) for a, b in line.spans
        )
        return Crop(resize_line(gray, width), line.labels, spans)

    def place_line(
        self, line: Line, text_px: float, easy: bool, boxed: bool
    ) -> tuple[np.ndarray, tuple[int, int, int, int], float]:
        """Return ink (H, W) with margins, the box of the line, px, and its horizontal scale."""
        rng = self.rng
        scale = text_px / DIGIT_PX
        width = max(2, round(line.ink.shape[1] * scale * np.exp(rng.normal(0, 0.12))))
        height = max(2, round(line.ink.shape[0] * scale))
        small = cv2.resize(line.ink, (width, height), interpolation=cv2.INTER_AREA)
        is_tight = rng.random() < (0.7 if easy else 0.4)
        is_tight = is_tight and not boxed
        top, bottom = (round(text_px * m) for m in rng.uniform(0, 0.15 if is_tight else 0.6, 2))
        left, right = (
            round(text_px * (rng.uniform(0, 0.2) if rng.random() < 0.5 else rng.uniform(0.1, 1.2)))
            for _ in range(2)
        )
        ink = np.zeros((height + top + bottom, width + left + right), np.float32)
        ink[top : top + height, left : left + width] = small
        for margin, is_above in ((top, True), (bottom, False)):
            if margin > 2 and rng.random() < 0.12:
                self.add_neighbor(ink, round(margin * rng.uniform(0.2, 1.1)), scale, is_above)
        box = (left, top, left + width, top + height)
        return ink, box, width / line.ink.shape[1]

    def add_underline(self, ink: np.ndarray, span: tuple[int, int, int], text_px: float) -> None:
        """Draw one or two underlines, for a line's left, right and bottom, px."""
        rng = self.rng
        thick = max(1, round(text_px * rng.uniform(0.03, 0.12)))
        for _ in range(1 + (rng.random() < 0.3)):
            y = span[2] + text_px * rng.uniform(-0.05, 0.25)
            first, last = (
                (
                    round(x + text_px * rng.uniform(-0.4, 0.3)),
                    round(y + text_px * rng.normal(0, 0.05)),
                )
                for x in span[:2]
            )
            cv2.line(ink, first, last, float(rng.uniform(0.7, 1)), thick, cv2.LINE_AA)

    def add_box(self, paper: np.ndarray, box: tuple[int, int, int, int], text_px: float) -> None:
        """Draw a printed box around a line's box, px; it may touch the ink."""
        rng = self.rng
        margins = text_px * rng.uniform(0.02, 0.35, 4)
        left, top, right, bottom = np.add(box, margins * (-1, -1, 1, 1)).round().astype(int)
        dark, thick = float(rng.uniform(0.3, 1.0)), int(rng.integers(1, 2 + (text_px > 20)))
        cv2.rectangle(paper, (left, top), (right, bottom), dark, thick)

    def add_cells(self, paper: np.ndarray, gaps: list[float]) -> None:
        """Draw the sides of cells at horizontal positions between digits, px."""
        dark, thick = float(self.rng.uniform(0.3, 1.0)), int(self.rng.integers(1, 3))
        for x in gaps:
            cv2.line(paper, (round(x), 0), (round(x), len(paper)), dark, thick, cv2.LINE_AA)

    def add_word(self, paper: np.ndarray, span: tuple[int, int], text_px: float) -> None:
        """Draw a printed word above or below a line's top and bottom, px, if there is room."""
        rng = self.rng
        word = self.glyphs.words[rng.integers(len(self.glyphs.words))]
        height = max(3, round(text_px * rng.uniform(0.2, 0.4)))
        y = span[0] - height if rng.random() < 0.7 else span[1]
        width = min(paper.shape[1], round(word.shape[1] * height / len(word)))
        y = min(max(y, 0), len(paper) - height)
        if width < 3 or y < 0:
            return
        word = rng.uniform(0.3, 1) * cv2.resize(word, (width, height), interpolation=cv2.INTER_AREA)
        x = int(rng.integers(0, paper.shape[1] - width + 1))
        place = paper[y : y + height, x : x + width]
        np.maximum(place, word, out=place)

    def add_neighbor(self, ink: np.ndarray, depth: int, scale: float, is_above: bool) -> None:
        """Draw `depth` px of another line above or below."""
        other = self.neighbors[self.rng.integers(len(self.neighbors))]
        size = max(2, round(other.shape[1] * scale)), max(2, round(other.shape[0] * scale))
        other = cv2.resize(other, size, interpolation=cv2.INTER_AREA)
        part = (other[-depth:] if is_above else other[:depth])[:, : ink.shape[1]]
        x = int(self.rng.integers(0, ink.shape[1] - part.shape[1] + 1))
        y = 0 if is_above else len(ink) - len(part)
        place = ink[y : y + len(part), x : x + part.shape[1]]
        np.maximum(place, part[: len(place)], out=place)

    def render_drawing(self, ink: np.ndarray) -> np.ndarray:
        """Render ink (H, W) on plain paper, of either polarity: (H, W) uint8."""
        low = self.rng.uniform(0, 0.5)
        gray = low + self.rng.uniform(0.4, 1) * (1 - low) * (1 - ink)
        gray = 1 - gray if self.rng.random() < 0.3 else gray
        return (255 * gray.clip(0, 1)).round().astype(np.uint8)

    def make_background(self, h: int, w: int, text_px: float) -> np.ndarray:
        """Compose the background: darkness (h, w) float32."""
        rng = self.rng
        paper = self.sample_paper(h, w) if rng.random() < 0.8 else np.zeros((h, w), np.float32)
        paper *= rng.choice([1, rng.uniform(0.2, 0.9)])
        self.add_rules(paper, text_px)
        return paper

    def render_photograph(self, ink: np.ndarray, paper: np.ndarray, text_px: float) -> np.ndarray:
        """Render ink on a background, both (H, W), as a photograph: (H, W) uint8."""
        rng, (h, w) = self.rng, ink.shape
        pressure: np.ndarray | float = 1.0
        if rng.random() < 0.5:
            grain = rng.normal(0, 0.5, (max(2, h // 3), max(2, w // 3))).astype(np.float32)
            pressure = (1 + rng.uniform(0, 0.35) * cv2.resize(grain, (w, h))).clip(0.4, 1.3)
        cover = (ink * rng.uniform(0.7, 1) * pressure).clip(0, 1)
        darkness = paper * (1 - cover) + cover
        contrast = np.exp(rng.uniform(np.log(0.08), 0))
        gray = rng.uniform(0, 1 - contrast) + contrast * (1 - darkness)
        gray = self.add_light(gray)
        if rng.random() < 0.6:
            blur = rng.uniform(0.3, 1.0) * (text_px / 26) ** 0.5
            gray = cv2.GaussianBlur(gray, (0, 0), blur)
        if rng.random() < 0.6:
            grain = contrast * np.exp(rng.uniform(np.log(0.01), np.log(0.2)))
            gray = gray + grain * rng.standard_normal(gray.shape, np.float32)
        if rng.random() < 0.3:
            gray = 1 - gray
        return self.compress((255 * gray.clip(0, 1)).round().astype(np.uint8))

    def sample_paper(self, h: int, w: int) -> np.ndarray:
        """Crop, rotate, flip and scale a piece of a sheet: darkness (h, w) float32."""
        rng = self.rng
        sheet = np.rot90(self.papers[rng.integers(len(self.papers))], int(rng.integers(4)))
        zoom = np.exp(rng.uniform(-0.3, 0.3))  # no piece repeats
        height, width = (min(PAPER_SIDE_PX, round(side * zoom) + 1) for side in (h, w))
        y, x = (rng.integers(0, PAPER_SIDE_PX - side + 1) for side in (height, width))
        piece = sheet[y : y + height, x : x + width][:: rng.choice([-1, 1])]
        if w * zoom > PAPER_SIDE_PX:
            piece = np.hstack([piece, piece[:, ::-1]])[:, : round(w * zoom)]
        piece = cv2.resize(np.ascontiguousarray(piece), (w, h), interpolation=cv2.INTER_LINEAR)
        return piece.astype(np.float32) / PAPER_LEVELS

    def add_rules(self, paper: np.ndarray, text_px: float) -> None:
        """Draw printed rules: mostly below the line, sometimes across it, and vertical ones."""
        rng, (h, w) = self.rng, paper.shape
        if rng.random() < 0.3:
            lean = rng.normal(0, 0.02) * w
            thick, dark = int(rng.integers(1, 2 + (text_px > 25))), float(rng.uniform(0.2, 1.0))
            for _ in range(rng.integers(1, 3)):
                y = h * rng.choice([0.1, 0.5, 0.85], p=(0.2, 0.15, 0.65)) + rng.normal(0, 0.12) * h
                cv2.line(paper, (0, round(y)), (w, round(y + lean)), dark, thick, cv2.LINE_AA)
        if rng.random() < 0.12:
            dark = float(rng.uniform(0.3, 1.0))
            for x in rng.choice([0, w - 1, rng.integers(0, w)], rng.integers(1, 3)):
                cv2.line(
                    paper, (int(x), 0), (int(x), h), dark, int(rng.integers(1, 3)), cv2.LINE_AA
                )

    def add_light(self, gray: np.ndarray) -> np.ndarray:
        """Apply a lamp at one side, or a shadow, to gray (H, W)."""
        rng, (h, w) = self.rng, gray.shape
        if rng.random() < 0.25:
            lamp = rng.uniform(0.6, 1, (2, 2)).astype(np.float32)
            gray = gray * cv2.resize(lamp, (w, h), interpolation=cv2.INTER_LINEAR)
        if rng.random() < 0.08:
            edge = cv2.resize(
                rng.normal(0, 0.5, (3, 5)).astype(np.float32), (w, h), interpolation=2
            )
            shade = rng.uniform(0.1, 0.5) / (1 + np.exp(-edge * np.exp(rng.uniform(1.5, 4.5))))
            gray = gray * (1 - shade)
        return gray

    def compress(self, gray: np.ndarray) -> np.ndarray:
        """Degrade a picture (H, W) uint8: JPEG, low resolution."""
        rng, (h, w) = self.rng, gray.shape
        if rng.random() < 0.25:
            quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 95))]
            file = cv2.imencode(".jpg", gray, quality)[1]
            gray = np.asarray(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE))
        if rng.random() < 0.12:
            part = rng.uniform(0.35, 0.8)
            gray = cv2.resize(gray, None, fx=part, fy=part, interpolation=cv2.INTER_AREA)
            gray = cv2.resize(gray, (w, h), interpolation=int(rng.choice([0, 1, 2])))
        return gray


def main() -> None:
    """Write the contact sheet."""
    parser = argparse.ArgumentParser(description="Compose crops.")
    parser.add_argument("sheet", type=Path, help="picture to write")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    glyphs = GlyphBank(load_mnist().train, 400, 0)
    composer = CropComposer(glyphs, [make_paper(rng) for _ in range(60)], 1)
    sheet = np.full((20 * 56, 6 * 260), 255, np.uint8)
    for k in range(120):
        crop = composer.compose_crop()
        y, x = k // 6 * 56, k % 6 * 260
        width = min(256, crop.gray.shape[1])
        sheet[y : y + LINE_HEIGHT_PX, x : x + width] = crop.gray[:, :width]
        text = "".join("0123456789*"[label] for label in crop.labels)
        cv2.putText(sheet, text, (x, y + 48), cv2.FONT_HERSHEY_PLAIN, 0.8, 0)
        for first, last in crop.spans:
            sheet[y + 33 : y + 36, x + int(np.clip((first + last) / 2, 0, 255))] = 0
    Image.fromarray(sheet).save(options.sheet)


if __name__ == "__main__":
    main()
