"""Runs of the Lab: every report can be read with, a race is scored as `evaluate.py` scores."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import TINY

import evaluate
from inkling.datasets.mnist import Digits
from inkling.recognition.checkpoint import encode_checkpoint, load_checkpoint, pack
from inkling.recognition.reader import Reader
from inkling.training import build_checkpoint, lab, loop, recipes
from inkling.training.lab import MAX_REPORTS, parse_run
from inkling.training.loop import train
from inkling.training.recipes import DATA_LEVELS, QUICK, SIZES
from inkling.training.training_set import TrainingSet
from model import DigitCNN


def choose(*lanes, epochs=0.5, seed=2):
    """Return a page's choices, each lane (data, size)."""
    return {
        "lanes": [{"data": data, "size": size} for data, size in lanes],
        "epochs": epochs,
        "seed": seed,
    }


@pytest.fixture(scope="module")
def race(small_mnist):
    """Return a finished race of two small networks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipes, "QUICK", TINY)
        for module in (build_checkpoint, lab):
            patch.setattr(module, "load_mnist", lambda: small_mnist)
        patch.setattr(loop, "best_precision", lambda *_: torch.float32)  # else it is timed
        run = parse_run(choose(("mnist", 5_000), ("all", 5_000)), None)
        run.train(lambda _: None, opponent=None)
        return run


@pytest.fixture
def saved(tmp_path):
    """Return a function that writes a report's network to a file, as a download."""

    def save(lane, k):
        path = tmp_path / f"{k}.safetensors"
        path.write_bytes(encode_checkpoint(*lane.network(k))[0])
        return path

    return save


def test_each_report_reads_like_a_network_that_was_saved_there(race, saved, small_mnist):
    inks = small_mnist.test.ink[:50, 0].numpy()
    for lane in race.lanes:
        probabilities = []
        for k in (0, len(lane.reports) // 2, len(lane.reports) - 1):
            expected = Reader.load(saved(lane, k)).predict_glyphs(inks)
            for found, wanted in zip(lane.reader(k).predict_glyphs(inks), expected, strict=True):
                assert np.array_equal(found, wanted)
            probabilities.append(expected[0])
        assert np.abs(probabilities[0] - probabilities[1]).max() > 0.1


def test_a_report_is_of_the_network_at_its_step(race, small_mnist, monkeypatch):
    """Another training, stopped there, has the same weights up to their rounding."""
    monkeypatch.setattr(loop, "best_precision", lambda *_: torch.float32)
    lane = race.lanes[0]
    training = train(lane.recipe, small_mnist, lane.seed, reports=MAX_REPORTS // 2)
    for k in range(3):
        state = pack(next(training).model)
        assert lane.reports[k].step == 2 * (k + 1)
        for name, tensor in lane.states[k].items():
            assert torch.allclose(tensor, state[name], atol=1e-3), name


def test_a_race_s_figures_are_those_of_evaluate(race, saved, small_mnist, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate, "load_mnist", lambda: small_mnist)
    monkeypatch.setattr(evaluate.metrics, "MISLABELED_INDICES", ())  # of all test images
    monkeypatch.setattr(evaluate, "write_report", lambda *_: None)
    for lane in race.lanes:
        path = saved(lane, len(lane.reports) - 1)
        scores, refused = evaluate.evaluate(path, None, tmp_path / "report.html")
        found = {one.name: one.accuracy for one in scores}
        flagged = {kind.name: kind.flagged for kind in refused}
        description = lane.result.description
        close = {"abs": 2e-3}  # the file's weights are rounded
        mnist, hands = description["evaluation"], description["strangers"]
        assert mnist["accuracy"] == pytest.approx(found["MNIST's test images"], **close)
        assert hands["right"] == pytest.approx(found["digits of held-out handwriting"], **close)
        for kind in ("letters", "scripts"):
            expected = pytest.approx(flagged[f"held-out {kind}"], abs=5e-3)
            assert hands[f"held_out_{kind}"] == expected


def test_digits_that_one_network_reads_alone_are_counted_and_shown(race, small_mnist):
    first, second = (lane.result.model for lane in race.lanes)
    labels = small_mnist.test.labels
    with torch.inference_mode():
        a, b = (model(small_mnist.test.ink).argmax(dim=1) for model in (first, second))
    found = race.differences[0]
    assert sum(found["alone"][0]) == ((a == labels) & (b != labels)).sum()
    assert sum(found["alone"][1]) == ((a != labels) & (b == labels)).sum()
    assert len(found["answers"]) == len(found["shown"]) > 0
    for label, one, other in found["answers"]:
        assert one != other and label in (one, other)
    assert [one["name"] for one in race.differences][1] == "held-out hands"


def test_a_race_keeps_both_trainings_at_the_same_share(race):
    for lane in race.lanes:
        assert lane.share == 1 and len(lane.reports) <= MAX_REPORTS // 2 + 1
        assert all(report.model is None for report in lane.reports)  # only the packed weights


def test_sixty_reports_of_the_largest_network_fit_in_120_megabytes():
    state = pack(DigitCNN(SIZES[620_000]))
    kept = sum(tensor.nbytes for tensor in state.values())
    assert 60 * kept <= 120e6 and (MAX_REPORTS + lab.MAX_EPOCHS) * kept <= 120e6


def test_the_page_offers_the_ladder_and_the_quick_recipe_s_size():
    choices = lab.list_choices()
    counts, sizes = zip(*choices["sizes"], strict=True)
    assert list(counts) == sorted(counts) and choices["quick"] is QUICK
    ladder = {size for size, widths in SIZES.items() if widths != QUICK.widths}
    assert set(sizes) == ladder | {0}


@pytest.mark.parametrize("data", DATA_LEVELS)
def test_each_level_of_data_adds_its_kind(data, small_mnist):
    few = Digits(*(part[:500] for part in small_mnist.train))
    added = (
        Digits(torch.ones(3, 1, 28, 28), torch.tensor([4, 4, 4])) if data == "corrections" else None
    )
    recipe = replace(QUICK, drawn=100, outliers=50, again=20).choose(data)
    labels = TrainingSet(recipe, few, added, 0).make(0).labels
    counts = [
        int(((low <= labels) & (labels < high)).sum())
        for low, high in ((0, 10), (10, 20), (20, 22))
    ]
    drawn = 0 if data == "mnist" else 100
    assert counts[1] == drawn + (60 if added else 0)
    assert counts[2] == (50 if data in ("all", "corrections") else 0)
    assert counts[0] == 500


def test_the_default_choice_is_the_quick_recipe():
    assert QUICK.choose("all", 0, QUICK.epochs) == QUICK
    chosen = QUICK.choose("mnist", 700, 2)
    assert (chosen.name, chosen.widths) == ("quick, MNIST alone, 2 epochs", SIZES[700])


@pytest.mark.parametrize(
    "payload",
    [None, 3, [], "x", {}, choose(), choose(*3 * [("all", 700)]), choose(("all", 701))]
    + [
        choose(("x", 700)),
        choose(([], 700)),
        choose(("all", {})),
        choose(("all", 700), epochs="many"),
    ]
    + [choose(("all", 700), epochs=epochs) for epochs in (0, -1, 21, float("nan"), 1e999)]
    + [choose(("all", 700), seed=seed) for seed in (-1, 2**31, "x", None, float("inf"))]
    + [choose(("corrections", 700)), choose(("all", 700), ("corrections", 700))],
    ids=repr,
)
def test_an_invalid_choice_is_explained(payload):
    with pytest.raises(ValueError, match=r"(Choose|corrected yet).*\.$"):
        parse_run(payload, None)


def test_a_loaded_report_describes_its_training(race, saved):
    lane = race.lanes[1]
    model, description, gallery = load_checkpoint(saved(lane, 0))
    assert description["seed"] == 2 and description["weights"] == 4810 and gallery is None
    assert description["figures"]["held_out"] == lane.reports[0].accuracy
    assert model.widths == SIZES[5_000]
