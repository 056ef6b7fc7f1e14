"""Training learns, is reproducible, and reports its progress and results."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from conftest import TINY

from data.drawing.non_digits import draw_outliers
from data.drawing.pen_digits import draw_digits
from data.prepared import build
from inkling.datasets import prepared
from inkling.datasets.augment import to_ink, to_pixels
from inkling.datasets.mnist import Digits, Mnist, join
from inkling.datasets.prepared import load_digits, load_training_sheets
from inkling.evaluation.metrics import score, score_refusals
from inkling.recognition.checkpoint import load_checkpoint
from inkling.training import build_checkpoint, loop
from inkling.training.build_checkpoint import ensure_checkpoint
from inkling.training.loop import (
    REFUSED_SHARE,
    REPORT_DIGITS,
    accuracy,
    build_weight_average,
    calibrate,
    train,
)
from inkling.training.recipes import QUICK, Recipe
from inkling.training.training_set import TrainingSet
from model import NON_DIGIT_CLASS


def weights(model):
    return torch.cat([t.flatten().float() for t in model.state_dict().values()])


@pytest.fixture(scope="module")
def reports(small_mnist):
    """Return the reports of a training, and the first one's weights when it was yielded."""
    training = train(TINY, small_mnist)
    first = next(training)
    return [first, *training], weights(first.model).clone()


@pytest.fixture(scope="module")
def few(small_mnist):
    """Return 400 digits to train on."""
    return Mnist(*(Digits(d.ink[:400], d.labels[:400]) for d in small_mnist))


def test_a_short_training_learns_most_digits_and_reports_usable_weights(reports, small_mnist):
    (first, *_, last), before = reports
    assert [r.step for r in reports[0]] == [40, 80, 88]
    assert [r.seconds_left > 0 for r in reports[0]] == [True, True, False]
    assert last.step == last.steps and last.accuracy > 0.9
    assert accuracy(last.model, small_mnist.test) > 0.88
    assert [row["epoch"] for row in last.history] == [1]
    assert torch.equal(before, weights(first.model)) and not first.model.training
    held_out = accuracy(first.model, Digits(*(d[:REPORT_DIGITS] for d in small_mnist.held_out)))
    assert first.accuracy == pytest.approx(held_out, abs=1e-6)


def test_the_same_seed_gives_the_same_weights(few, monkeypatch):
    monkeypatch.setattr(loop, "best_precision", lambda *_: torch.float32)  # timed otherwise
    a, b, other = (list(train(TINY, few, seed))[-1].model for seed in (3, 3, 4))
    assert torch.equal(weights(a), weights(b))
    assert not torch.equal(weights(a), weights(other))


@pytest.mark.parametrize("epochs, steps", [(0.25, 4), (0.001, 1), (0.12, 2), (1.5, 24)])
def test_a_part_of_an_epoch_can_be_trained(few, epochs, steps):
    *_, last = train(replace(TINY, epochs=epochs), few)
    assert last.step == last.steps == steps


def test_a_network_learns_its_teachers_outputs(small_mnist, monkeypatch):
    average_teachers = loop.average_teachers
    monkeypatch.setattr(  # each teacher takes a 0 for a 1, and so on
        loop, "average_teachers", lambda *values: average_teachers(*values).roll(1, dims=1)
    )
    taught = list(train(replace(TINY, teachers=1, teachers_epochs=1, taught=1), small_mnist))
    order = [report.teacher for report in taught]
    assert order == sorted(order, reverse=True) and set(order) == {0, 1}
    assert [r.step == r.steps and not r.teacher for r in taught] == [False] * (len(taught) - 1) + [
        True
    ]
    ink, labels = small_mnist.test
    assert accuracy(taught[-1].model, Digits(ink, (labels + 1) % 10)) > 0.8


def test_calibration_maximises_the_likelihood_of_held_out_and_drawn_digits(reports, small_mnist):
    model = deepcopy(reports[0][-1].model)
    fitted = weights(model)
    digits = join(small_mnist.held_out, load_digits("held_out"))
    with torch.inference_mode():
        losses = []
        for factor in (1, 1.1, 1 / 1.1**2):
            model.temperature.mul_(factor)
            probabilities = model.predict(digits.ink).probabilities
            losses.append(torch.nn.functional.nll_loss(probabilities.log(), digits.labels))
    assert losses[0] < min(losses[1:])
    calibrate(model, digits)
    assert torch.allclose(weights(model), fitted, atol=1e-3)
    calibrate(model, small_mnist.held_out)
    assert not torch.allclose(weights(model), fitted, atol=1e-3)


def test_drawn_digits_and_outliers_are_separated_from_mnist(small_mnist):
    half = Digits(*(part[:2_000] for part in small_mnist.train))
    recipe = replace(TINY, drawn=1_000, outliers=1_000, epochs=2)
    *_, last = train(recipe, small_mnist._replace(train=half))
    drawn_shares = []
    for digits in (small_mnist.test, draw_digits(500, seed=9)):
        with torch.inference_mode():
            logits = last.model.class_logits(digits.ink)[:, :NON_DIGIT_CLASS].unflatten(1, (2, 10))
        drawn_shares.append(logits.logsumexp(dim=2).argmax(dim=1).float().mean())
        assert accuracy(last.model, digits) > 0.7  # of whichever kind
    assert drawn_shares[1] > drawn_shares[0] + 0.2
    none = draw_outliers(300, small_mnist.held_out, seed=9)
    (refusal,) = score_refusals(last.model, small_mnist.test, {"all": none.ink})
    assert refusal.auroc > 0.85 and refusal.flagged > 0.1
    known = join(small_mnist.held_out, load_digits("held_out"))  # by which it was calibrated
    assert score("", last.model, known).refused == pytest.approx(REFUSED_SHARE, abs=0.001)
    assert score("", last.model, small_mnist.test).refused < 0.04


def test_averaged_weights_lie_between_early_and_late_ones():
    model = torch.nn.Linear(1, 1)
    for keep, share in ((0, 1.0), (0.9, 0.1)):
        average = build_weight_average(model, keep)
        for step in range(200):
            torch.nn.init.constant_(model.weight, 0.0 if step < 199 else 1.0)
            average.update_parameters(model)
        assert average.module.weight.item() == pytest.approx(share, rel=0.5)


def hash_tiles(digits):
    pixels, labels = to_pixels(digits.ink), digits.labels.tolist()
    return sorted((k, tile.numpy().tobytes()) for tile, k in zip(pixels, labels, strict=True))


def test_the_quick_recipe_uses_each_prepared_picture_once(few):
    drawn, others, recaptured = load_training_sheets()
    learned = TrainingSet(replace(QUICK, again=200), few.train, None, 0).make(0)
    count = len(few.train.labels)
    everything = join(
        Digits(to_ink(drawn.pixels), drawn.labels + 10),
        Digits(to_ink(others.pixels), others.labels),
    )
    assert hash_tiles(Digits(*(part[count:] for part in learned))) == hash_tiles(everything)
    of_mnist = hash_tiles(Digits(*(part[:count] for part in learned)))
    prepared = hash_tiles(Digits(to_ink(recaptured.pixels), recaptured.labels))
    assert len(set(of_mnist) & set(prepared)) == 200
    assert len(set(of_mnist) & set(hash_tiles(few.train))) == count - 200


def test_other_pictures_are_used_after_the_recipe_s_number_of_epochs(few, tmp_path, monkeypatch):
    monkeypatch.setattr(prepared, "LARGE_DIR", tmp_path)
    for number in (1, 2):
        build.render_set(0.001, tmp_path, number)
    recipe = replace(TINY, drawn=26, outliers=29, again=0, redraw=2, prepared=False)
    made = {}

    class RecordedSet(TrainingSet):
        def make(self, epoch):
            made[epoch] = super().make(epoch)
            return made[epoch]

    training_set = RecordedSet(recipe, few.train, None, 0)
    list(training_set.batches(5 * training_set.steps_per_epoch, torch.device("cpu")))
    assert list(made) == [0, 2, 4]
    tiles = [hash_tiles(Digits(*(part[400:] for part in each))) for each in made.values()]
    assert tiles[0] == tiles[2] and not set(tiles[0]) & set(tiles[1])  # there are two sets


def test_fewer_pictures_than_the_recipe_s_are_repeated(few):
    training_set = TrainingSet(TINY, few.train, None, 0)
    sheet = load_training_sheets()[2]
    digits = training_set.sample(sheet, 2 * len(sheet.labels) + 1)
    assert digits.labels.bincount().tolist() == pytest.approx(
        (2 * sheet.labels.bincount()).tolist(), abs=1
    )


def test_a_checkpoint_describes_its_training(tmp_path, small_mnist, monkeypatch):
    monkeypatch.setattr(build_checkpoint, "load_mnist", lambda: small_mnist)
    path = tmp_path / "digits.safetensors"
    ensure_checkpoint(path, TINY, seed=5)
    model, description, gallery = load_checkpoint(path)
    assert description["seed"] == 5 and Recipe(**description["recipe"]) == replace(
        TINY, widths=[8, 8, 16, 16]
    )
    assert description["figures"]["mnist_test"] == pytest.approx(accuracy(model, small_mnist.test))
    drawn = accuracy(model, load_digits("held_out"))
    assert description["figures"]["drawn"] == pytest.approx(drawn, abs=2e-3)
    assert description["history"][-1]["held_out"] == description["figures"]["held_out"]
    evaluation = description["evaluation"]
    again = score("", model, small_mnist.test)
    assert evaluation["accuracy"] == description["figures"]["mnist_test"] == again.accuracy
    assert evaluation["confusion"] == again.confusion.tolist()
    assert description["added"] == 0
    misread = gallery["labels"] != gallery["answers"]
    assert misread.sum() == (~again.right).sum() and (~misread).sum() > 300


def test_the_quick_recipe_reads_mnist(checkpoint):
    description = load_checkpoint(checkpoint).description
    assert description["recipe"]["name"] == QUICK.name
    assert description["figures"]["mnist_test"] >= 0.993  # one seed; the mean is above 0.995
