"""A reading says what is in a picture, and where: holes, notes and boxes."""

import cv2
import numpy as np
import pytest
from conftest import sketch
from PIL import Image

from inkling.imaging.mnist_frame import Glyph, frame_glyph
from inkling.recognition.reading import BLANK, NO_DIGIT, Digit, Reading
from inkling.ui.views import summarize

ROUND, STAR = sketch(0), np.full((280, 280), 255, np.uint8)
for turn in np.arange(6) * np.pi / 6:
    end = np.rint(80 * np.array([np.cos(turn), np.sin(turn)])).astype(int)
    cv2.line(STAR, (140 - end).tolist(), (140 + end).tolist(), 0, 12)
PLACES = {4: (0, 280), 7: (280, 0)}  # columns of paper left and right of a digit
SLASH = cv2.line(np.full((280, 280), 255, np.uint8), (190, 50), (90, 230), 0, 22)


def digit(said: int | None, drawn=ROUND, left=0, height=100, line=0) -> Digit:
    """Return a glyph as large as that, read as a digit or refused."""
    ink = frame_glyph((255 - drawn.astype(np.float32)) / 255)
    glyph = Glyph(ink, (left, 0, left + height // 2, height), line=line)
    chances = np.full(10, 0.001) + 0.99 * np.eye(10)[said or 0]
    return Digit(glyph, tuple(chances.tolist()), 0.97 if said is None else 0.01)


@pytest.mark.parametrize(
    "digits, text, note",
    [
        ([digit(4), digit(None), digit(2)], "4?2", "1 of 3 glyphs was not read."),
        ([digit(1), digit(None), digit(None, STAR)], "1??", "2 of 3 glyphs were not read."),
        ([digit(4), digit(None, height=60)], "4?", "1 of 2 glyphs was not read."),
        ([digit(4), digit(None, height=40), digit(2)], "42", ""),  # a dot or a comma
        ([digit(4), digit(None, SLASH, height=120), digit(2)], "42", ""),
        ([digit(4), digit(None, line=1)], "4", ""),
        ([digit(None), digit(None, STAR)], "", NO_DIGIT),
        ([digit(None)], "", NO_DIGIT),
        ([], "", BLANK),
    ],
)
def test_a_glyph_of_a_digit_s_size_that_is_not_read_leaves_a_hole_in_its_line(digits, text, note):
    reading = Reading.of(digits)
    assert (reading.text, reading.note) == (text, note)
    assert len(reading.digits) == len(digits) and reading.as_dict()["note"] == note
    said = summarize(reading)
    if "?" in text:
        assert (said.state, said.text, said.caption) == ("unsure", text, note)
    assert ("sure of the whole" in said.caption) == (text.isdigit() and len(digits) > 1)


@pytest.mark.parametrize("pen", [10, 14, 20])
def test_joined_zeros_are_no_end_of_a_number(pen, shipped):
    page = np.pad(sketch(1, size=240, extent=120, brush=pen), ((0, 0), (0, 320)), mode="edge")
    cv2.circle(page, (170, 180), pen // 2 + 1, 0, -1)
    for x in (240, 305, 370):
        cv2.ellipse(page, (x, 120), (36, 60), 0, 0, 360, 0, pen)
    reading = shipped.read(page)
    assert reading.text == "1000" or ("?" in reading.text and "not read" in reading.note)


def test_a_reading_is_short_in_a_notebook(shipped):
    words = repr(shipped.read(np.concatenate([sketch(4), sketch(7)], axis=1)))
    assert "'47'" in words and len(words) < 200 and "array" not in words
    assert len(repr(digit(7))) < 200


def test_where_no_digit_is_read_what_was_refused_stays_in_view(shipped):
    cut_off = np.concatenate([STAR[:, 100:], STAR], axis=1)
    for page, count in ((STAR, 1), (cut_off, 2)):
        reading = shipped.read(page)
        assert (reading.text, reading.note, len(reading.digits)) == ("", NO_DIGIT, count)
        for glyph in reading.digits:
            assert glyph.digit is None and glyph.not_a_digit > 0.5
            assert sum(glyph.probabilities) == pytest.approx(1, abs=1e-5)


def covers(box: tuple[int, ...], ink: tuple[int, ...], slack: float) -> bool:
    """Return whether a box is that of the ink, but for so many pixels at each edge."""
    return bool(np.abs(np.subtract(box, ink)).max() <= slack)


def drawn_box(picture: np.ndarray) -> tuple[int, ...]:
    """Return left, top, right, bottom of what is dark in a picture (H, W)."""
    left, top, width, height = cv2.boundingRect((picture < 128).astype(np.uint8))
    return left, top, left + width, top + height


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_boxes_of_a_turned_photograph_cover_their_ink(quarters, shipped):
    light = 1 - 0.3 * np.linspace(0, 1, 560)
    digits = [
        np.pad(sketch(k), ((0, 0), sides), constant_values=255) for k, sides in PLACES.items()
    ]
    number = np.minimum(*digits)
    reading = shipped.read(np.rot90((number * light).astype(np.uint8), quarters))
    assert reading.text == "47"
    for found, alone in zip(reading.digits, digits, strict=True):
        assert covers(found.glyph.box, drawn_box(np.rot90(alone, quarters)), 8)


def test_boxes_of_low_writing_in_a_reduced_jpeg_cover_their_ink(shipped, tmp_path):
    page = np.full((6000, 4200), 255, np.uint8)
    page[3000:3060, 2000:2060] = cv2.resize(sketch(7), (60, 60), interpolation=cv2.INTER_AREA)
    Image.fromarray(page).save(tmp_path / "page.jpg", quality=95)
    reading = shipped.read_file(tmp_path / "page.jpg")
    assert reading.text == "7" and covers(reading.digits[0].glyph.box, drawn_box(page), 8)
