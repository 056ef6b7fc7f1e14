"""Composed lines and crops match their labels; composed pages match their ink masks."""

import numpy as np
import pytest

from data.drawing.pen_strokes import Style, parse_styles
from data.networks.crops import BLANK_SHARE, CropComposer, make_paper
from data.networks.lines import DIGIT_PX, SIGN, STYLES_FILE, GlyphBank
from data.networks.pages import LAYERS, compose_page, lay_on_table


@pytest.fixture(scope="module")
def glyphs(mnist):
    return GlyphBank(mnist.held_out, drawn=20, seed=0)


def lines(glyphs, count, seed=0):
    rng = np.random.default_rng(seed)
    return [glyphs.compose_line(int(rng.integers(1, 8)), rng) for _ in range(count)]


def test_the_spans_of_a_line_contain_ink(glyphs):
    for line in lines(glyphs, 60):
        assert len(line.labels) == len(line.spans) and {*line.labels} <= {*range(SIGN + 1)}
        lefts = [left for left, _ in line.spans]
        assert np.diff(lefts).min(initial=0) > -0.5 * DIGIT_PX  # signs may be beside a digit's edge
        for left, right in line.spans:
            near = line.ink[:, max(0, round(left) - 12) : round(right) + 12]
            assert near.max() > 0.5


def test_some_lines_have_signs_and_letters_alone(glyphs):
    empty = [line for line in lines(glyphs, 200) if not line.digits]
    assert 5 < len(empty) < 60 and all(line.ink.any() for line in empty)


def test_the_lines_own_styles_can_be_drawn():
    paths = [path for styles in parse_styles(STYLES_FILE).values() for path in styles.values()]
    assert len(paths) > 40 and all(len(Style(path).trace()[0]) > 8 for path in paths)


def test_the_spans_of_a_crop_contain_ink(glyphs):
    rng = np.random.default_rng(0)
    composer = CropComposer(glyphs, [make_paper(rng) for _ in range(5)], seed=0)
    composer.hardness = 0.0  # on plain paper
    crops = [composer.compose_crop() for _ in range(200)]
    for crop in crops:
        assert crop.gray.shape[0] == 32 and crop.gray.dtype == np.uint8
        paper = np.median(crop.gray)
        for left, right in crop.spans:
            near = crop.gray[:, max(0, round(left) - 8) : round(right) + 8].astype(float)
            assert np.abs(near - paper).max() > 20
    blank = sum(not crop.labels for crop in crops)
    assert 0 < blank < 4 * BLANK_SHARE * len(crops)


def test_crops_are_the_same_for_the_same_seed(glyphs):
    papers = [make_paper(np.random.default_rng(1))]
    one, other = (CropComposer(glyphs, papers, seed=3) for _ in range(2))
    for _ in range(20):
        a, b = one.compose_crop(), other.compose_crop()
        assert a.labels == b.labels and a.spans == b.spans and np.array_equal(a.gray, b.gray)


def test_beyond_a_page_s_edge_there_is_no_ink():
    full = np.ones((96, 96), np.float32)
    for seed in range(9):
        gray, ink = lay_on_table(full, full, np.random.default_rng(seed))
        assert (gray[ink > 0] == 1).all() and (ink[gray < 1] == 0).all() and (gray < 1).any()


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.__name__)
def test_each_layer_darkens_or_lightens_paper_within_reason(layer):
    darkness = layer(96, np.random.default_rng(0))
    assert darkness.shape == (96, 96) and np.isfinite(darkness).all()
    assert 0 < np.ptp(darkness) < 3


def test_pages_are_the_same_for_the_same_seed_and_some_are_blank(glyphs):
    pages = [compose_page(glyphs, np.random.default_rng(seed)) for seed in range(60)]
    for gray, ink in pages:
        assert gray.shape == ink.shape and gray.dtype == ink.dtype == np.float32
        assert 0 <= gray.min() <= gray.max() <= 1 and 0 <= ink.min() <= ink.max() <= 1
    again = compose_page(glyphs, np.random.default_rng(7))
    assert all(np.array_equal(one, other) for one, other in zip(pages[7], again, strict=True))
    assert 2 <= sum(not ink.any() for _, ink in pages) <= 25
