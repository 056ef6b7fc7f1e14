"""A class's drawings are asked for evenly, summarized, limited, and saved without their pupils."""

import json
from collections import Counter

import numpy as np
import pytest
from conftest import pad_payload

from inkling.classroom.drawings import ClassDrawings, Drawing, RateLimit, Seen, read_drawing
from inkling.imaging.sketch import Sketch
from inkling.recognition.reader import ReaderUnavailable
from inkling.training.live_reader import PlaceholderReader


def make_drawing(asked=7, width=20.0, seen=None):
    strokes = [{"width": width, "erases": False, "points": [100.0, 60.0, 100.0, 200.0]}]
    return Drawing(asked, strokes, np.zeros((28, 28), np.float32), seen or Seen(asked, asked, 0.9))


def read(reader, *digits):
    """Read a drawing of digits side by side, asked as a 7."""
    strokes = []
    for k, digit in enumerate(digits):
        for stroke in pad_payload(digit)["strokes"]:
            points = np.array(stroke["points"]).reshape(-1, 2) * [1 / len(digits), 1]
            points += [1000 * k / len(digits), 0]
            strokes.append(stroke | {"width": 50, "points": points.ravel().tolist()})
    return read_drawing(reader, 7, Sketch.from_json({"size": 1000, "strokes": strokes}))


def test_ten_drawings_of_a_pupil_are_the_ten_digits():
    drawings = ClassDrawings()
    for count in range(30):
        drawings.add("a", count, make_drawing(drawings.choose_digit("a")))
        if count % 10 == 9:
            asked = Counter(d.asked for d in drawings.all)
            assert set(asked.values()) == {count // 10 + 1} and len(asked) == 10


@pytest.mark.parametrize("rounds", [1, 3, 7])
def test_a_class_that_stops_early_has_drawn_all_digits_evenly(rounds):
    drawings = ClassDrawings()
    for count in range(rounds):
        for pupil in range(20):
            drawings.add(str(pupil), count, make_drawing(drawings.choose_digit(str(pupil))))
    counts = Counter(d.asked for d in drawings.all)
    assert min(counts[k] for k in range(10)) >= 0.7 * 2 * rounds
    assert max(counts.values()) <= 1.3 * 2 * rounds + 1


def test_a_digit_is_read_if_it_is_the_whole_text(shipped):
    drawing = read(shipped, 7)
    assert drawing.seen.digit == drawing.seen.nearest == 7 and drawing.seen.confidence > 0.9
    assert drawing.asked == 7 and drawing.ink.shape == (28, 28) and drawing.ink.max() > 0.9
    misread = read(shipped, 3).seen
    assert (misread.digit, misread.text) == (3, "3")
    two = read(shipped, 1, 7).seen
    assert two.digit is None and two.nearest is None and two.text == "17"


def test_a_blank_pad_is_no_drawing(shipped):
    assert read_drawing(shipped, 7, Sketch()) is None
    erased = [s | {"erases": True} for s in pad_payload(7)["strokes"]]
    assert read_drawing(shipped, 7, Sketch.from_json({"size": 1000, "strokes": erased})) is None


def test_before_the_first_training_a_drawing_has_to_wait():
    with pytest.raises(ReaderUnavailable):
        read(PlaceholderReader("Not yet."), 7)


def test_a_hidden_drawing_is_not_sent_and_can_be_shown_again():
    drawings = ClassDrawings()
    drawing = make_drawing()
    drawings.add("a", 0, drawing)
    drawings.add("b", 0, make_drawing())
    before = drawings.version
    assert drawing.to_json()["strokes"] == drawing.strokes
    drawings.hide(0, is_hidden=True)
    assert drawing.to_json() == {"number": 0, "hidden": True}
    assert [d.number for d in drawings.all if d.version > before] == [0]
    drawings.hide(0, is_hidden=False)
    assert drawing.to_json()["strokes"] and drawing.version == drawings.version
    drawings.hide(99, is_hidden=True)  # the wall was cleared meanwhile
    assert not any(d.is_hidden for d in drawings.all)


def test_the_saved_file_holds_strokes_label_and_reading_alone_in_no_pupil_s_order(tmp_path):
    drawings = ClassDrawings()
    for pupil in range(8):
        for count in range(10):
            drawings.add(str(pupil), count, make_drawing(count, width=float(pupil + 1)))
    drawings.hide(3, is_hidden=True)
    drawings.collect(tmp_path / "new")
    drawings.collect(tmp_path / "new")  # appends
    (file,) = (tmp_path / "new").iterdir()
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(rows) == 2 * 79 and {tuple(row) for row in rows} == {("strokes", "asked", "read")}
    order = [row["strokes"][0]["width"] for row in rows[:79]]
    assert order != sorted(order)
    neighbours = sum(a == b for a, b in zip(order, order[1:], strict=False))
    assert neighbours < 40  # 72 if a pupil's drawings stood together


def test_a_bucket_gives_its_burst_and_then_its_rate():
    now = [0.0]
    limit = RateLimit(0.5, 3, lambda: now[0])
    assert [limit.take("a") for _ in range(5)] == [True] * 3 + [False] * 2
    assert limit.take("b")  # each name has its own
    now[0] = 2.0
    assert [limit.take("a") for _ in range(2)] == [True, False]
    now[0] = 1_000.0
    assert [limit.take("a") for _ in range(4)] == [True] * 3 + [False]


def test_invented_names_do_not_fill_the_memory():
    now = [0.0]
    limit = RateLimit(100, 3, lambda: now[0])
    for k in range(5_000):
        now[0] += 0.01
        limit.take(str(k))
    assert len(limit.full_at) <= 1_000
