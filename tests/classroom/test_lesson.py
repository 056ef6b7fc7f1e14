"""A lesson learns from half of the pupils, is tested on the others, and leaves no file."""

import os
import random

import numpy as np
import pytest
import torch
from conftest import TINY, ink_of, sketch

from inkling.classroom import lesson as lessons
from inkling.classroom.drawings import ClassDrawings, Drawing, Seen
from inkling.classroom.lesson import Lesson
from inkling.recognition.reader import Reader
from inkling.training import recipes
from inkling.training.live_reader import LiveReader, PlaceholderReader


@pytest.fixture(autouse=True)
def small(monkeypatch, small_mnist):
    monkeypatch.setattr(lessons, "load_mnist", lambda: small_mnist)
    monkeypatch.setattr(recipes, "QUICK", TINY)


def make_pupils(count, digits=10):
    """Return pupils who drew the digits, each in a place of her own."""
    drawings = ClassDrawings()
    rng = random.Random(0)
    for pupil in range(count):
        for digit in range(digits):
            ink = ink_of(sketch(digit, extent=rng.randint(120, 190), brush=rng.randint(12, 26)))
            strokes = [{"width": 20.0, "erases": False, "points": [9.0, 9.0, 99.0, 99.0]}]
            drawings.add(str(pupil), digit, Drawing(digit, strokes, ink, Seen(digit, digit, 0.9)))
    return drawings, list(drawings.pupils.values())


@pytest.fixture(scope="module")
def done(shipped, small_mnist):
    """Return a lesson of seven pupils that has ended."""
    _, pupils = make_pupils(7)
    lesson = Lesson(shipped, pupils)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lessons, "load_mnist", lambda: small_mnist)
        patch.setattr(recipes, "QUICK", TINY)
        lesson.run(lambda _: None)
    assert lesson.state["failure"] == ""
    return lesson


def test_half_of_the_pupils_are_held_out_with_all_their_digits(done):
    assert (len(done.learned), len(done.held_out)) == (4, 3)
    assert not {id(p) for p in done.learned} & {id(p) for p in done.held_out}
    assert len(done.added.labels) == 40 and len(done.tested.labels) == 30
    seen = {ink.numpy().tobytes() for ink in done.added.ink}
    held = {d.ink.tobytes() for pupil in done.held_out for d in pupil.values()}
    assert {ink.numpy().tobytes() for ink in done.tested.ink} == held
    assert len(seen & held) < 5  # those that two pupils drew alike
    assert np.bincount(done.writers).tolist() == [10, 10, 10]


def test_the_curve_and_the_result_are_of_both_sets(done, small_mnist):
    shares, mnist, held = zip(*done.state["curve"], strict=True)
    assert list(shares) == sorted(shares) and shares[-1] == 1
    assert all(0 <= right <= 1 for right in mnist + held)
    result = done.state["result"]
    counts = {row["name"]: row["count"] for row in result["rows"]}
    assert counts["pupils"] == 30 and counts["mnist"] == len(small_mnist.test.labels)
    assert counts["fonts"] > 1_000 and result["phones"] == [4, 3] and result["added"] == 40
    gain = result["rows"][0]["after"]["right"] - result["rows"][0]["before"]["right"]
    low, high = result["interval"]
    assert -1 <= low <= gain <= high <= 1
    assert held[-1] == pytest.approx(result["rows"][0]["after"]["right"])


def test_a_pupil_gets_her_own_digits_by_both_networks(done):
    for part, group in (("learned", done.learned), ("held_out", done.held_out)):
        mine = done.read_mine(group[0])
        assert mine["part"] == part and [row["asked"] for row in mine["rows"]] == list(range(10))
    _, (other, _) = make_pupils(2, digits=3)
    late = done.read_mine(other)
    assert late["part"] == "late" and len(late["rows"]) == 3
    before = [row["before"]["digit"] for row in late["rows"]]
    assert before == [0, 1, 2]  # the shipped network
    ink = torch.from_numpy(other[1].ink)[None, None]
    assert late["rows"][1]["after"]["nearest"] == done.model.predict(ink).probabilities.argmax()


def test_the_latest_drawing_of_each_digit_is_compared(done):
    _, (pupil, _) = make_pupils(2, digits=3)
    latest = Drawing(1, [], pupil[2].ink, Seen(1))
    pupil[9] = latest
    rows = done.read_mine(pupil)["rows"]
    assert len(rows) == 3 and rows[1]["before"]["digit"] == 2


def test_hidden_drawings_are_neither_learned_nor_tested(shipped):
    drawings, pupils = make_pupils(4, digits=5)
    for number in range(0, 20, 5):  # each pupil's 0
        drawings.hide(number, is_hidden=True)
    for number in range(5, 10):  # all of one pupil's
        drawings.hide(number, is_hidden=True)
    lesson = Lesson(shipped, pupils)
    assert not (torch.cat([lesson.added.labels, lesson.tested.labels]) == 0).any()
    assert len(lesson.learned) + len(lesson.held_out) == 3


def test_too_few_pupils_and_no_network_are_told(shipped):
    _, pupils = make_pupils(1)
    with pytest.raises(ValueError, match="Two phones"):
        Lesson(shipped, pupils)
    _, pupils = make_pupils(2)
    with pytest.raises(ValueError, match="No network"):
        Lesson(PlaceholderReader("Not yet."), pupils)


def test_the_class_s_network_stays_in_memory_and_the_page_s_reader_stays(shipped, tmp_path):
    source = LiveReader(tmp_path / "digits.safetensors")
    source.reader = shipped
    _, pupils = make_pupils(3)
    lesson = Lesson(source.reader, pupils)
    source.train_beside(lesson.run)
    source._thread.join(200)
    assert lesson.model is not None and source.reader is shipped
    assert isinstance(Reader(lesson.model), Reader)
    assert not [name for _, _, names in os.walk(tmp_path) for name in names]


def test_a_failure_is_kept_as_a_sentence(shipped, monkeypatch):
    def missing():
        raise ValueError("MNIST is not to be had. Put it there.")

    monkeypatch.setattr(lessons, "load_mnist", missing)
    lesson = Lesson(shipped, make_pupils(2, digits=2)[1])
    lesson.run(lambda _: None)
    assert lesson.state["failure"].endswith("Put it there.") and lesson.model is None
