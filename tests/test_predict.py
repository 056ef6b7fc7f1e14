"""Pictures in, readings out: by Python and by the command line."""

import json
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, sketch
from PIL import Image

from picture import PictureError
from predict import BLANK


@pytest.fixture
def predict(checkpoint):
    """Return the command line: arguments in; status, lines and errors out."""

    def run(*arguments):
        command = [sys.executable, "predict.py", "--checkpoint", checkpoint, *arguments]
        done = subprocess.run(map(str, command), cwd=ROOT, capture_output=True, text=True)
        return done.returncode, done.stdout.splitlines(), done.stderr

    return run


@pytest.fixture
def sketches(tmp_path):
    """Return a folder with a sketch of each digit."""
    folder = tmp_path / "sketches"
    folder.mkdir()
    for digit in range(10):
        Image.fromarray(sketch(digit)).save(folder / f"{digit}.png")
    return folder


@pytest.mark.parametrize("digit", range(10))
def test_a_sketch_of_each_digit_is_read(reader, digit):
    assert reader.read(sketch(digit)).text == str(digit)


@pytest.mark.parametrize(
    "extent, brush, at", [(60, 6, (-90, 80)), (230, 4, (0, 0)), (180, 34, (0, 0))]
)
def test_small_thin_and_bold_sketches_are_read(reader, extent, brush, at):
    read = [reader.read(sketch(d, extent=extent, brush=brush, at=at)).text for d in range(10)]
    assert sum(text == str(d) for d, text in enumerate(read)) >= 9


def test_nothing_drawn_is_no_digit(reader):
    reading = reader.read(np.full((280, 280), 255, np.uint8))
    assert reading.text == "" and reading.digits == () and reading.note == BLANK


def test_many_pictures_are_read_as_one_by_one(reader):
    pictures = [sketch(d) for d in range(10)] * 8
    pictures[3] = np.zeros((5, 5), np.uint8)
    together = list(reader.read_many(iter(pictures)))
    alone = [reader.read(p) for p in pictures]
    assert [r.text for r in together] == [r.text for r in alone]
    a, b = (np.array([d.probabilities for r in s for d in r.digits]) for s in (together, alone))
    assert np.abs(a - b).max() < 1e-4


def test_an_array_that_is_no_picture_is_refused(reader):
    with pytest.raises(PictureError, match="uint8"):
        reader.read(np.zeros((3, 3, 9)))


def test_json_has_a_line_for_each_picture_in_order(predict, sketches):
    status, lines, _ = predict("--json", sketches / "4.png", sketches)
    answers = [json.loads(line) for line in lines]
    assert status == 0
    assert [a["file"] for a in answers] == [str(sketches / f"{d}.png") for d in [4, *range(10)]]
    assert [a["text"] for a in answers] == list("40123456789")
    for answer in answers:
        assert list(answer) == ["file", "text", "note", "digits"] and answer["note"] == ""
        (digit,) = answer["digits"]
        assert digit["digit"] == int(answer["text"])
        assert digit["confidence"] == max(digit["probabilities"])
        assert len(digit["probabilities"]) == 10
        assert sum(digit["probabilities"]) == pytest.approx(1, abs=1e-5)
        assert 0 <= digit["not_a_digit"] <= 1
        left, top, right, bottom = digit["box"]
        assert 0 <= left < right <= 280 and 0 <= top < bottom <= 280


def test_odd_files_are_named_and_the_others_still_read(predict, odd_files, sketches):
    paths = [*odd_files.values(), sketches / "7.png", sketches / "none.png"]
    status, lines, errors = predict("--json", *paths)
    answers = [json.loads(line) for line in lines]
    assert status == 1 and "Traceback" not in errors
    assert [a["note"].startswith("error: ") for a in answers] == [True] * 5 + [False, True]
    assert answers[5]["text"] == "7"


def test_without_json_each_line_is_for_people(predict, sketches):
    _, lines, _ = predict(sketches / "3.png")
    assert lines[0].startswith(f"{sketches / '3.png'}: 3 ") and lines[0].endswith("%")


def test_a_missing_or_damaged_checkpoint_is_one_line(tmp_path, sketches):
    (tmp_path / "bad.safetensors").write_bytes(b"bad")
    for name, words in [("none.safetensors", "train.py"), ("bad.safetensors", "damaged")]:
        command = [sys.executable, "predict.py", "--checkpoint", tmp_path / name, sketches]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 1 and words in done.stderr and done.stderr.count("\n") == 1


def test_reading_needs_neither_the_page_nor_the_training():
    program = "import sys, predict; print(*{'gradio', 'torchvision', 'train'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "" and done.returncode == 0
