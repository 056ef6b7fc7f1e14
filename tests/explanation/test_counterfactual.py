"""A counterfactual is another digit to the network, made of few strokes of the drawing's pen."""

import numpy as np
import pytest
from conftest import sketch

from inkling.explanation.counterfactual import (
    LEAD_LOGITS,
    MAX_STROKES,
    Edit,
    compute_margins,
    counterfactual,
    describe_edits,
)
from inkling.explanation.strokes import Skeleton, draw_path
from inkling.imaging.mnist_frame import frame_glyph
from inkling.ui.uncertainty import load_paths


@pytest.fixture(scope="module")
def changed(shipped, mnist):
    """Return 20 digits that no network has learned from: ink, another digit, and the change."""
    held_out, rng = mnist.held_out, np.random.default_rng(17)
    rows = []
    for k in rng.choice(len(held_out.labels), 20, replace=False):
        ink = held_out.ink[k].numpy().reshape(28, 28)
        digit = (int(held_out.labels[k]) + int(rng.integers(1, 10))) % 10
        rows.append((ink, digit, counterfactual(shipped.model, ink, digit, load_paths(digit))))
    return rows


def test_a_change_is_found_and_read_as_the_digit_with_a_lead(shipped, changed):
    found = [(digit, change) for _, digit, change in changed if change]
    assert len(found) >= 19
    margins = [
        compute_margins(shipped.model, change.ink[None], digit)[0] for digit, change in found
    ]
    assert min(margins) > 0 and np.mean(np.array(margins) >= LEAD_LOGITS) > 0.8
    for digit, change in found:
        probabilities, not_a_digit, *_ = shipped.predict_glyphs(change.ink[None])
        assert probabilities[0].argmax() == digit and not_a_digit[0] < 0.5


def test_a_change_is_few_strokes_and_nothing_else(changed):
    strokes = []
    for ink, _, change in changed:
        if change is None:
            continue
        strokes.append(len(change.edits))
        pen = Skeleton(ink).pen_px
        path = np.concatenate([edit.path for edit in change.edits])
        pixels = np.argwhere(np.abs(change.ink - ink) > 0.3)
        apart = np.linalg.norm(pixels[:, None] - path, axis=-1).min(axis=1)
        assert np.quantile(apart, 0.95) <= pen + 1 and change.ink.dtype == np.float32
        drawn = [edit for edit in change.edits if not edit.erases]
        assert all((edit.ink <= draw_path(edit.path, pen) + 1e-6).all() for edit in drawn)
        assert change.words and change.ink.min() >= 0 and change.ink.max() <= 1
    assert max(strokes) <= MAX_STROKES and np.median(strokes) <= 2


def test_what_is_that_digit_already_is_not_changed(shipped):
    ink = frame_glyph((255 - sketch(7).astype(np.float32)) / 255)
    found = counterfactual(shipped.model, ink, 7, load_paths(7))
    assert (found.ink == ink).all() and not found.words and not found.edits


def test_paper_dots_and_ink_at_the_edge_raise_nothing(shipped):
    for rows, columns in ((0, 0), (1, 1), (2, 28), (28, 2), (28, 28)):
        ink = np.zeros((28, 28), np.float32)
        ink[:rows, :columns] = 1
        found = counterfactual(shipped.model, ink, 8, load_paths(8))
        assert found is None or found.ink.shape == ink.shape and rows


def line(*points):
    """Return an edge's points (M, 2), y and x, half a px apart."""
    spans = zip(points, points[1:], strict=False)
    return np.concatenate([np.linspace(*map(np.array, span), 30) for span in spans])


CUP = line((4, 8), (14, 8), (14, 19), (4, 19))
FOOT = line((14, 19), (24, 19))


def test_words_name_the_strokes_to_draw_and_to_erase():
    ink = np.maximum(draw_path(CUP, 2.2), draw_path(FOOT, 2.2))

    def edit(path, erases=False):
        return Edit(path, draw_path(path, 2.2 + erases), erases)

    roof, bar = edit(line((4, 8), (4, 19))), edit(line((22, 8), (22, 14)))
    stem = edit(line((16, 19), (23, 19)), True)
    assert describe_edits(ink, (roof,)) == "close the top"
    assert describe_edits(ink, (bar,)) == "draw a bar at the bottom"
    assert describe_edits(ink, (stem, roof)) == (
        "erase the stem in the lower right and close the top"
    )
    ring = edit(line((14, 19), (9, 13), (5, 15), (8, 20), (13, 19)))
    assert describe_edits(ink, (ring,)) == "draw a loop at the top"
    closed = np.maximum(ink, roof.ink)
    gap = edit(line((4, 11), (4, 16)), True)
    assert describe_edits(closed, (gap,)) == "open the top"
