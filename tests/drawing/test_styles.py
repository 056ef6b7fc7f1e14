"""The page's examples of styles are those of the file, drawn and sampled."""

import numpy as np
import pytest
import torch
from safetensors import safe_open

from data.drawing.pen_strokes import STROKE_STYLES, Style
from data.drawing.styles import PATH_POINTS, draw_style, sample_paths
from data.prepared.build import compute_digest
from inkling.datasets.prepared import STYLES_DIR, read_sheet
from inkling.ui.uncertainty import load_paths, load_styles


def test_no_file_is_older_than_its_sources():
    with safe_open(STYLES_DIR / "styles.safetensors", "np") as file:
        digests = {file.metadata()["drawn by"], read_sheet("styles", STYLES_DIR).digest}
    assert digests == {compute_digest()}, "run python -m data.prepared.build"


@pytest.mark.parametrize("digit", range(10))
def test_each_style_has_its_name_its_ink_and_its_path(digit, shipped):
    names, ink, features = load_styles(shipped.model, digit)
    styles = [Style(line) for line in STROKE_STYLES[digit].values()]
    assert names == list(STROKE_STYLES[digit])
    assert np.abs(ink - np.stack([*map(draw_style, styles)])).max() < 0.04  # 16 levels
    assert features.norm(dim=1).allclose(torch.ones(len(names)))
    for found, sampled in zip(load_paths(digit), sample_paths(styles), strict=True):
        assert np.array_equal(found, sampled)


def test_styles_are_read_as_their_digits_and_framed(shipped):
    for digit in range(10):
        _, ink, _ = load_styles(shipped.model, digit)
        probabilities, *_ = shipped.predict_glyphs(ink)
        assert (probabilities.argmax(axis=1) == digit).mean() > 0.95


def test_a_path_is_sampled_at_equal_steps_and_never_between_strokes():
    square, two = (
        sample_paths([Style("0,0 100,0! 100,100")]),
        sample_paths([Style("0,0 0,100 / 50,0 50,100")]),
    )
    steps = np.hypot(*np.diff(square.points[0], axis=0).T)
    assert square.points.shape == (1, PATH_POINTS, 2) and steps.max() < 0.2
    assert two.aspects == pytest.approx(0.5)
    assert sorted(set(two.strokes[0].tolist())) == [0, 1]
    assert {float(x) for x in two.points[0][:, 1].round(3)} == {0.0, 1.0}  # nothing between them
