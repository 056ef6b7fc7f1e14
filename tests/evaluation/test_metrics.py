"""An evaluation's figures are right, and its report is one page that needs nothing else."""

import json
import re
import sys

import numpy as np
import pytest
import torch
from conftest import sketch
from PIL import Image

import evaluate
from inkling.datasets.mnist import Digits
from inkling.evaluation import metrics
from inkling.evaluation.metrics import (
    MISLABELED_INDICES,
    Score,
    compare_networks,
    drop_mislabeled,
    gain_interval,
    score,
    score_pictures,
    score_refusals,
    time_prediction_ms,
    to_summary,
)
from inkling.evaluation.report import draw_misread_sheet
from inkling.terminal import UserError, run
from support import digit_pictures
from support.digit_pictures import draw_picture, make_difficulties


def score_of(labels, answers, confidence):
    probabilities = np.repeat((1 - np.array(confidence))[:, None] / 9, 10, axis=1)
    probabilities[np.arange(len(labels)), answers] = confidence
    return Score("made up", np.array(labels), probabilities, np.zeros(len(labels)))


def test_accuracy_confusion_and_digits_agree():
    one = score_of([3, 3, 8, 5], [3, 8, 8, 5], [0.9] * 4)
    assert one.accuracy == 0.75 and one.confusion.sum() == 4
    assert one.confusion[3, 8] == 1 and one.confusion[3, 3] == 1
    assert one.by_digit[3] == 0.5 and one.by_digit[8] == 1 and np.isnan(one.by_digit[0])


def test_the_interval_is_wilsons():
    one = score_of([1] * 100, [1] * 95 + [7] * 5, [0.9] * 100)
    assert one.interval == pytest.approx((0.8882, 0.9785), abs=1e-4)  # Wilson 1927
    low, high = score_of([1] * 50, [1] * 50, [0.9] * 50).interval
    assert 0.9 < low < 1 and high == pytest.approx(1)


def test_honest_confidence_has_no_calibration_error():
    answers = [2] * 100
    honest = score_of([2] * 90 + [3] * 10, answers, [0.9] * 100)
    boastful = score_of([2] * 70 + [3] * 30, answers, [0.9] * 100)
    assert honest.calibration_error == pytest.approx(0, abs=1e-9)
    assert boastful.calibration_error == pytest.approx(0.2)


def test_a_summary_is_json_and_says_what_the_score_says():
    one = score_of([3, 3, 8, 5], [3, 8, 8, 5], [0.9, 0.6, 0.9, 0.9])
    summary = json.loads(json.dumps(to_summary(one), allow_nan=False))
    assert summary["digits"] == 4 and summary["accuracy"] == 0.75 and summary["refused"] == 0
    assert summary["interval"] == pytest.approx(one.interval)
    assert summary["ece"] == pytest.approx((0.6 + 3 * 0.1) / 4)
    assert summary["by_digit"] == [None, None, None, 0.5, None, 1, None, None, 1, None]
    assert np.array_equal(summary["confusion"], one.confusion)
    assert np.array(summary["calibration"]) == pytest.approx(np.array([[0.6, 0, 1], [0.9, 1, 3]]))


def test_timing_a_network_leaves_the_threads_as_they_were(shipped, small_mnist):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    assert 0 < time_prediction_ms(shipped.model, small_mnist.test) < 100
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


def test_doubtful_labels_are_left_out_and_nothing_else():
    labels = np.arange(10_000) % 10
    answers = labels.copy()
    answers[list(MISLABELED_INDICES)] = (labels[list(MISLABELED_INDICES)] + 1) % 10
    one = score_of(labels, answers, [0.9] * 10_000)
    assert one.right.sum() == 9_985
    rest = drop_mislabeled(one)
    assert len(rest.labels) == 9_985 and rest.accuracy == 1


def test_what_is_refused_is_more_likely_no_digit_than_one(monkeypatch):
    monkeypatch.setattr(metrics, "compute_rejection_probs", lambda _, ink: ink.ravel().numpy())
    digits = Digits(torch.tensor([0.1, 0.2]), torch.tensor([3, 7]))
    (kind,) = score_refusals(None, digits, {"letters": torch.tensor([0.05, 0.45, 0.55, 0.9])})
    assert kind.flagged == 0.5 and kind.auroc == 0.75


@pytest.mark.parametrize("extent", [20, 120, 250])
def test_a_picture_shows_the_digit_at_the_given_size(mnist, extent):
    ink = mnist.test.ink[0, 0].numpy()
    rows = np.flatnonzero((draw_picture(ink, extent) < 128).any(axis=1))
    assert np.ptp(rows) == pytest.approx(extent, rel=0.15)


def test_turning_and_moving_do_what_they_say(mnist):
    ink = np.zeros((28, 28), np.float32)
    ink[4:24, 13:15] = 1  # a stick
    assert np.ptp(np.argwhere(draw_picture(ink, turn=90) < 128)[:, 0]) < 20  # lies
    up, leaning = (np.argwhere(draw_picture(ink, turn=t) < 128) for t in (0, 20))
    top, bottom = leaning[leaning[:, 0].argmin()], leaning[leaning[:, 0].argmax()]
    assert top[1] > bottom[1] + 20  # to the right
    moved = np.argwhere(draw_picture(ink, away=50, toward=0) < 128)
    assert moved.mean(axis=0) - up.mean(axis=0) == pytest.approx([0, 50], abs=1)


def test_the_network_and_the_reader_agree_on_undisturbed_digits(shipped, mnist, monkeypatch):
    monkeypatch.setattr(digit_pictures, "SWEEP_DIGITS", 500)
    same = Digits(*(part[:: len(part) // 500] for part in mnist.test))
    network = score("", shipped.model, same).accuracy
    for pictures in make_difficulties(mnist.test)["look"].values():
        labels, arrays = zip(*pictures, strict=True)
        texts = [r.text for r in shipped.read_many(arrays)]
        share = np.mean([t == str(k) for t, k in zip(texts, labels, strict=True)])
        assert share == pytest.approx(network, abs=0.02)


def test_own_pictures_are_scored_by_their_folders(shipped, tmp_path):
    for label in (3, 7):
        (tmp_path / str(label)).mkdir()
        Image.fromarray(sketch(label)).save(tmp_path / str(label) / "a.png")
    Image.fromarray(sketch(7)).save(tmp_path / "3" / "really a seven.png")
    both = np.concatenate([sketch(3), sketch(3)], axis=1)
    assert shipped.read(both).text == "33"
    Image.fromarray(both).save(tmp_path / "3" / "two threes.png")
    one = score_pictures(shipped, tmp_path)
    assert one.labels.tolist() == [3, 3, 3, 7]
    assert one.right.tolist() == [True, False, False, True]
    with pytest.raises(UserError, match="no pictures in subfolders"):
        score_pictures(shipped, tmp_path / "3")


def test_one_command_prints_the_table_and_writes_one_page(mnist, tmp_path, monkeypatch, capsys):
    report = tmp_path / "report.html"
    few = Digits(*(part[:500] for part in mnist.test))
    monkeypatch.setattr(evaluate, "load_mnist", lambda: mnist._replace(test=few))
    monkeypatch.setattr(metrics, "drop_mislabeled", lambda score: score)  # of all 10,000
    monkeypatch.setattr(sys, "argv", ["evaluate.py", "--report", str(report)])
    evaluate.main()
    page = report.read_text(encoding="utf-8")
    accuracy = re.search(r"test images +500 +(\d+\.\d+) ?%", capsys.readouterr().out)[1]
    assert f"{accuracy} %" in page
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(sources) == 1 and sources[0].startswith("data:image/png")
    assert page.count('<svg class="plot"') == 4 + 1  # scores, history


def test_a_missing_checkpoint_is_reported_in_one_line(tmp_path, monkeypatch):
    command = ["evaluate.py", "--checkpoint", str(tmp_path / "none.safetensors")]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit, match=r"none\.safetensors") as ended:
        run(evaluate.main)
    assert "\n" not in ended.value.code


def test_the_misread_sheet_shows_the_surest_first(mnist):
    labels = mnist.test.labels.numpy()
    answers, confidence = labels.copy(), np.full(10_000, 0.9)
    answers[[5, 9]] = (labels[[5, 9]] + 1) % 10
    confidence[9] = 0.99
    sheet = np.asarray(draw_misread_sheet(score_of(labels, answers, confidence), mnist.test))
    first = Image.fromarray(sheet[:84, :84]).resize((28, 28), Image.Resampling.NEAREST)
    shown = 255 - np.asarray(first).astype(float)
    assert np.abs(shown / 255 - mnist.test.ink[9, 0].numpy()).max() < 0.01


def scores_of(before, after):
    """Return the scores of two networks that read digits right (1) or wrong (0)."""
    return [score_of([1] * len(right), right, [0.9] * len(right)) for right in (before, after)]


def test_the_interval_of_a_gain_is_newcombe_s_where_writers_do_not_matter():
    """Newcombe 1998, Statistics in Medicine 17, table II: 36, 12, 2, 0 pairs."""
    before, after = [1] * 36 + [0] * 12 + [1] * 2, [1] * 36 + [1] * 12 + [0] * 2
    low, high = gain_interval(*scores_of(before, after), writers=np.zeros(50, int))
    assert (low, high) == pytest.approx((0.0569, 0.3404), abs=1e-4)


def test_the_interval_of_no_gain_is_not_empty():
    for right in ([1] * 30, [0] * 30, [1, 0] * 15):
        low, high = gain_interval(*scores_of(right, right), writers=np.repeat(range(3), 10))
        assert low < -0.001 and high > 0.001 or sum(right) == 15 and low <= 0 <= high


def test_the_interval_is_wider_if_the_gain_is_one_writer_s():
    before, after = [0] * 20 + [1] * 80, [1] * 100
    spread, one = np.tile(range(10), 10), np.repeat([0, 1], [20, 80])
    wide, narrow = (gain_interval(*scores_of(before, after), writers=w) for w in (one, spread))
    assert wide[0] < narrow[0] and wide[1] > narrow[1] and narrow[0] > 0 >= wide[0]


def test_a_comparison_has_the_shares_of_both_networks_for_each_set(model, small_mnist):
    worse = type(model)((8, 8, 16, 16)).eval()
    sets = {"first": small_mnist.test, "second": small_mnist.held_out}
    writers = np.arange(1000) // 10
    rows, interval = compare_networks(model, worse, sets, writers)
    assert [row["name"] for row in rows] == ["first", "second"] and rows[0]["count"] == 1000
    assert rows[0]["before"]["right"] == score("", model, small_mnist.test).accuracy
    assert rows[0]["after"]["right"] < 0.5 and interval[1] < -0.5
