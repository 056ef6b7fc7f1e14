"""Lines say what they show, where they show it; pages know where their ink is."""

import numpy as np
import pytest

from data.networks.crops import BLANK_SHARE, CropComposer, make_paper
from data.networks.lines import HEIGHT, SIGN, STYLES_FILE, GlyphBank
from data.networks.pages import LAYERS, on_a_table, page
from inkling.datasets.pen_strokes import Style
from inkling.datasets.stroke_styles import parse_styles


@pytest.fixture(scope="module")
def glyphs(mnist):
    return GlyphBank(mnist.held_out, drawn=20, seed=0)


def lines(glyphs, count, seed=0):
    rng = np.random.default_rng(seed)
    return [glyphs.line(int(rng.integers(1, 8)), rng) for _ in range(count)]


def test_a_line_knows_where_its_labels_stand(glyphs):
    for line in lines(glyphs, 60):
        assert len(line.labels) == len(line.spans) and {*line.labels} <= {*range(SIGN + 1)}
        lefts = [left for left, _ in line.spans]
        assert np.diff(lefts).min(initial=0) > -0.5 * HEIGHT  # signs may be beside a digit's edge
        for left, right in line.spans:
            near = line.ink[:, max(0, round(left) - 12) : round(right) + 12]
            assert near.max() > 0.5


def test_some_lines_have_signs_and_letters_alone(glyphs):
    empty = [line for line in lines(glyphs, 200) if not line.digits]
    assert 5 < len(empty) < 60 and all(line.ink.any() for line in empty)


def test_the_lines_own_styles_can_be_drawn():
    paths = [path for styles in parse_styles(STYLES_FILE).values() for path in styles.values()]
    assert len(paths) > 40 and all(len(Style(path).trace()[0]) > 8 for path in paths)


def test_a_crop_shows_its_line_where_its_labels_say(glyphs):
    rng = np.random.default_rng(0)
    composer = CropComposer(glyphs, [make_paper(rng) for _ in range(5)], seed=0)
    composer.hardness = 0.0  # on plain paper
    crops = [composer.crop() for _ in range(200)]
    for crop in crops:
        assert crop.light.shape[0] == 32 and crop.light.dtype == np.uint8
        paper = np.median(crop.light)
        for left, right in crop.spans:
            near = crop.light[:, max(0, round(left) - 8) : round(right) + 8].astype(float)
            assert np.abs(near - paper).max() > 20
    blank = sum(not crop.labels for crop in crops)
    assert 0 < blank < 4 * BLANK_SHARE * len(crops)


def test_crops_are_the_same_for_the_same_seed(glyphs):
    papers = [make_paper(np.random.default_rng(1))]
    one, other = (CropComposer(glyphs, papers, seed=3) for _ in range(2))
    for _ in range(20):
        a, b = one.crop(), other.crop()
        assert a.labels == b.labels and a.spans == b.spans and np.array_equal(a.light, b.light)


def test_beyond_a_page_s_edge_there_is_no_ink():
    full = np.ones((96, 96), np.float32)
    for seed in range(9):
        light, ink = on_a_table(full, full, np.random.default_rng(seed))
        assert (light[ink > 0] == 1).all() and (ink[light < 1] == 0).all() and (light < 1).any()


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.__name__)
def test_each_layer_darkens_or_lightens_paper_within_reason(layer):
    darkness = layer(96, np.random.default_rng(0))
    assert darkness.shape == (96, 96) and np.isfinite(darkness).all()
    assert 0 < np.ptp(darkness) < 3


def test_pages_are_the_same_for_the_same_seed_and_some_are_blank(glyphs):
    pages = [page(glyphs, np.random.default_rng(seed)) for seed in range(60)]
    for light, ink in pages:
        assert light.shape == ink.shape and light.dtype == ink.dtype == np.float32
        assert 0 <= light.min() <= light.max() <= 1 and 0 <= ink.min() <= ink.max() <= 1
    again = page(glyphs, np.random.default_rng(7))
    assert all(np.array_equal(one, other) for one, other in zip(pages[7], again, strict=True))
    assert 2 <= sum(not ink.any() for _, ink in pages) <= 25
