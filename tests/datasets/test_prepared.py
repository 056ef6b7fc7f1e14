"""Sheets are read as they were written, and equal those that would be drawn now."""

import pytest
import torch

from data.drawing.non_digits import NON_DIGIT_KINDS
from data.drawing.pen_digits import draw_digits
from data.prepared import build
from inkling.datasets import prepared
from inkling.datasets.mnist import Digits
from inkling.terminal import UserError
from inkling.training.recipes import QUICK
from model import MULTI_DIGIT_CLASS, NON_DIGIT_CLASS

SHEETS = sorted(path.stem for path in prepared.PREPARED_DIR.glob("*.png"))


@pytest.fixture
def large(tmp_path, monkeypatch):
    """Return an empty folder for the pictures of the default recipe."""
    monkeypatch.setattr(prepared, "LARGE_DIR", tmp_path / "large")
    return tmp_path / "large"


@pytest.mark.parametrize("name", SHEETS)
def test_no_sheet_is_older_than_its_sources(name):
    assert prepared.read_sheet(name).digest == build.compute_digest(), (
        "run python -m data.prepared.build"
    )


def test_there_are_as_many_as_the_quick_recipe_needs():
    drawn, outliers, recaptured = prepared.load_training_sheets()
    assert [len(sheet.labels) for sheet in (drawn, outliers, recaptured)] == [
        *(QUICK.drawn, QUICK.outliers, QUICK.again)
    ]
    assert drawn.labels.bincount().tolist() == [QUICK.drawn // 10] * 10
    assert set(outliers.labels.tolist()) == {NON_DIGIT_CLASS, MULTI_DIGIT_CLASS}
    assert len(prepared.load_digits("held_out").labels) == build.HELD_OUT_TILES


def test_digits_match_their_labels(mnist):
    now = draw_digits(500, seed=1)
    for name, others in (("digits", now), ("held_out", now), ("recaptured", mnist.test)):
        digits = prepared.load_digits(name)
        means, theirs = (
            torch.stack([d.ink[d.labels == k].mean(dim=0) for k in range(10)])
            for d in (digits, others)
        )
        differences = (means[:, None] - theirs[None]).abs().mean(dim=(2, 3, 4))
        assert differences.argmin(dim=1).tolist() == list(range(10))


def test_kinds_have_their_names_and_as_many_tiles_each():
    kinds = prepared.load_kinds("outlier_kinds")
    assert list(kinds) == [kind.name for kind in NON_DIGIT_KINDS]
    assert {len(ink) for ink in kinds.values()} == {build.OUTLIERS_PER_KIND}
    dash, noise = (kinds[name].amax(dim=(1, 3)) > 0.5 for name in ("dash", "noise"))
    assert dash.sum(dim=1).float().mean() < 0.7 * noise.sum(dim=1).float().mean()  # rows with ink


def test_a_written_sheet_is_read_back(tmp_path):
    ink, labels = draw_digits(130, seed=0)  # an incomplete second row
    build.write_sheet(tmp_path / "sheet.png", Digits(ink, labels.flip(0)), ["a", "b"])
    sheet = prepared.read_sheet("sheet", tmp_path)
    places = torch.tensor([129, 0, 7])
    back, classes = sheet.select(places)
    assert (back - ink[places]).abs().max() <= 0.51 / (prepared.GRAY_LEVELS - 1)
    assert classes.tolist() == labels.flip(0)[places].tolist() and sheet.names == ["a", "b"]


def test_held_out_digits_are_not_in_the_training_tiles():
    learned = {ink.numpy().tobytes() for ink in prepared.load_digits("digits").ink}
    held_out = prepared.load_digits("held_out").ink
    assert not any(ink.numpy().tobytes() in learned for ink in held_out)


def test_a_large_set_has_other_pictures_in_the_recipes_proportions(large):
    for number in (1, 2):
        build.render_set(0.002, large, number)
    assert prepared.find_sets(large=True) == [large / "1", large / "2"]
    sets = [prepared.load_training_sheets(large / number) for number in "12"]
    for sheets in sets:
        assert [len(sheet.labels) for sheet in sheets] == [52, 58, 20]
    for one, other in zip(*sets, strict=True):
        assert not torch.equal(one.pixels, other.pixels)


def test_missing_unfinished_and_old_large_sets_are_not_used(large, monkeypatch):
    with pytest.raises(UserError, match=r"data\.prepared\.build --large"):
        prepared.find_sets(large=True)
    build.render_set(0.0005, large, 1)
    build.render_set(0.0005, large, 2)
    (large / "2" / "recaptured.png").unlink()
    assert prepared.find_sets(large=True) == [large / "1"]
    monkeypatch.setattr(build, "compute_digest", lambda: "of other programs")
    build.render_set(0.0005, large, 1)
    with pytest.raises(UserError, match="missing or old"):
        prepared.find_sets(large=True)
