"""The recorded steps are those of the reading, and lie where the picture's ink is."""

import base64
import io
from dataclasses import replace

import cv2
import numpy as np
import pytest
from conftest import sketch
from PIL import Image

from inkling.explanation.ablation import WHOLE
from inkling.ui import views
from inkling.ui.images import Thumbnail
from inkling.ui.picture_steps import TracedPicture, read_picture
from inkling.ui.session import Session, SessionState

DIGITS = (4, 7, 2)
DRAWN = np.concatenate([sketch(digit) for digit in DIGITS], axis=1)  # (280, 840)


@pytest.fixture(scope="module")
def photograph():
    """Return three digits on paper in uneven light."""
    y, x = np.mgrid[:280, :840] / 840
    grain = np.random.default_rng(0).normal(0, 4, DRAWN.shape)
    return Image.fromarray(
        ((40 + 190 * (DRAWN / 255)) * (1 - 0.6 * x) + grain).clip(0, 255).astype(np.uint8)
    )


@pytest.fixture(scope="module")
def traced(shipped, photograph):
    return read_picture(shipped, photograph, (1680, 560), is_traced=True)


def decode(url):
    """Return a picture's darkness, (H, W), 0 to 1."""
    content = base64.b64decode(url.partition("base64,")[2])
    return 1 - np.asarray(Image.open(io.BytesIO(content))) / 255


def test_the_reading_is_the_same_and_the_winner_is_its(shipped, photograph, traced):
    reading, picture = traced
    plain, small = read_picture(shipped, photograph, (1680, 560), is_traced=False)
    assert reading.as_dict() == plain.as_dict() == shipped.read(photograph, (1680, 560)).as_dict()
    assert (type(small), small) == (Thumbnail, Thumbnail(picture.data, picture.size))
    odds = [odds for _, _, odds in picture.readings]
    assert len(odds) > 1 and max(odds) == reading.log_odds
    assert picture.readings[np.argmax(odds)][1] == reading.text == "472"
    page = views.render("picture_steps.html", picture=picture)
    assert f"<b>472: {max(odds):.1f}" in page and page.count("<b>") == 1
    assert f"difference of {np.diff(sorted(odds))[-1]:.1f}." in page


def test_the_probability_of_ink_is_high_where_the_picture_has_ink(traced):
    ink = cv2.resize(decode(traced[1].ink), DRAWN.shape[::-1])
    distance = cv2.distanceTransform((DRAWN > 127).astype(np.uint8), cv2.DIST_L2, 3)
    assert ink[DRAWN < 64].mean() > 0.9 and ink[distance > 8].mean() < 0.05


def test_the_columns_of_a_line_are_where_its_digits_are(traced):
    reading, picture = traced
    ((gray, probabilities, classes),) = picture.lines
    dark, columns = decode(gray), decode(probabilities).T
    assert dark.shape == (32, 2 * len(columns)) and columns.shape[1] == 12
    assert np.allclose(columns.sum(axis=1), 1, atol=0.03)
    assert columns.argmax(axis=1).tolist() == classes
    boxes = np.array([digit.glyph.box for digit in reading.digits])
    (left, top), (right, bottom) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    margin = 0.2 * (bottom - top)
    unit = (right - left + 2 * margin) / len(columns)
    for digit, (start, _, end, _) in zip(DIGITS, boxes, strict=True):
        place = left - margin + (columns[:, digit].argmax() + 0.5) * unit
        assert start < place < end
        assert dark[:, 2 * columns[:, digit].argmax()].max() > 0.6  # through its strokes


def test_a_drawn_digit_has_nothing_to_show_and_a_drawn_number_has_a_line(shipped):
    for pixels, count in ((sketch(4), 0), (DRAWN, 1)):
        image = Image.fromarray(pixels)
        _, picture = read_picture(shipped, image, image.size, is_traced=True)
        assert picture.ink == "" and len(picture.lines) == count
        page = views.render("picture_steps.html", picture=picture)
        assert ("nothing to do" in page) == (count == 0) and page.count("<figure") == count


def test_steps_are_recorded_only_while_expanded(shipped, photograph, tmp_path):
    photograph.save(file := tmp_path / "photograph.png")
    session = Session()
    session.configure(frozenset({"inside", "steps"}), WHOLE)
    findings = session.read_latest(SessionState.read, file, shipped)
    assert isinstance(findings.state.picture, TracedPicture)
    session.configure(frozenset({"inside"}), WHOLE)
    assert type(session.state.picture) is Thumbnail
    state = replace(session.state, expanded=frozenset()).read(file, shipped)
    assert type(state.picture) is Thumbnail
