"""Pictures in, readings out: by Python and by the command line."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, run_python, sketch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from inkling.datasets.image_folder import list_pictures
from inkling.recognition.reading import apply_page_context
from support.composed_pages import PAGE_KINDS, compose_page


def predict(*arguments, **options):
    """Run the command line with the shipped network; return the finished process."""
    return run_python("predict.py", *arguments, **options)


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


def test_many_pictures_are_read_as_one_by_one(reader):
    pictures = [sketch(d) for d in range(10)] * 8
    pictures[3] = np.zeros((5, 5), np.uint8)
    together = list(reader.read_many(iter(pictures)))
    alone = [reader.read(p) for p in pictures]
    assert [r.text for r in together] == [r.text for r in alone]
    a, b = (np.array([d.probabilities for r in s for d in r.digits]) for s in (together, alone))
    assert np.abs(a - b).max() < 1e-4


def test_boxes_are_in_pixels_of_the_picture_as_it_was(reader):
    small, large = sketch(8), Image.fromarray(sketch(8)).resize((3_000, 3_000))
    (one,), (other,) = reader.read(small).digits, reader.read(large).digits
    rows, columns = np.nonzero(small < 128)
    drawn = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    assert np.abs(np.array(one.glyph.box) - drawn).max() <= 1
    assert np.abs(np.array(other.glyph.box) / 3_000 - np.array(one.glyph.box) / 280).max() < 0.005


@settings(max_examples=200)
@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_any_picture_gives_glyphs_within_it_framed(reader, picture):
    for digit in reader.read(picture).digits:
        left, top, right, bottom = digit.glyph.box
        assert 0 <= left < right <= picture.shape[1] and 0 <= top < bottom <= picture.shape[0]
        ink = digit.glyph.ink
        assert ink.shape == (28, 28) and np.isfinite(ink).all()
        assert ink.min() >= 0 and ink.max() == 1


def number(digits, gap=20, height=150):
    """Draw digits side by side, (H, W) uint8."""
    drawn = [sketch(int(d), size=height + 60, extent=height, brush=18) for d in digits]
    drawn = [d[:, (d < 255).any(axis=0)] for d in drawn]
    between = np.full((height + 60, gap), 255, np.uint8)
    row = [piece for d in drawn for piece in (between, d)]
    return np.pad(np.concatenate([*row, between], axis=1), 20, constant_values=255)


@pytest.mark.parametrize("text", ["42", "1984", "0123456789", "11", "7301"])
def test_a_number_is_read_in_order(reader, text):
    reading = reader.read(number(text))
    assert reading.text == text and len(reading.digits) == len(text)
    lefts = [d.glyph.box[0] for d in reading.digits]
    assert lefts == sorted(lefts) and f"{len(text)} glyphs on 1 line" in reading.seen


def test_lines_are_read_from_top_to_bottom(reader):
    lines = [number("37"), number("85")]
    width = max(line.shape[1] for line in lines)
    page = np.concatenate(
        [np.pad(x, ((0, 0), (0, width - x.shape[1])), constant_values=255) for x in lines]
    )
    reading = reader.read(page)
    assert reading.text == "3785" and "4 glyphs on 2 lines" in reading.seen


def test_touching_digits_are_cut_apart(reader, mnist):
    rng = np.random.default_rng(1)
    pairs = [compose_page(PAGE_KINDS["touching pairs"], mnist.held_out, rng) for _ in range(100)]
    assert np.mean([reader.read(picture).text == text for text, picture in pairs]) > 0.6


def saved_again(picture: Image.Image) -> Image.Image:
    """Return a picture after a round trip through a PNG file."""
    file = io.BytesIO()
    picture.save(file, "png")
    return Image.open(file)


@settings(max_examples=120)
@given(
    text=st.text("0123456789", min_size=1, max_size=4),
    factor=st.integers(1, 3),
    inverted=st.booleans(),
    margins=st.tuples(*[st.integers(0, 120)] * 4),
    mode=st.sampled_from(["L", "RGB", "RGBA", "P", "1", "CMYK"]),
)
def test_a_reading_depends_on_what_is_drawn_alone(reader, text, factor, inverted, margins, mode):
    top, bottom, left, right = margins
    drawn = number(text)
    changed = np.pad(drawn, ((top, bottom), (left, right)), constant_values=255)
    changed = changed.repeat(factor, 0).repeat(factor, 1)
    picture = Image.fromarray(255 - changed if inverted else changed)
    plain, reading = reader.read(drawn), reader.read(saved_again(picture).convert(mode))
    assert reading.text == plain.text
    for digit in reading.digits:
        assert np.isfinite(digit.probabilities).all() and np.isfinite(digit.not_a_digit)
        assert sum(digit.probabilities) == pytest.approx(1, abs=1e-5)


def test_digits_stand_among_digits():
    doubted = np.array([0.6, 0.01, 0.02, 0.01])
    assert apply_page_context(doubted)[0] < 0.5 < apply_page_context(np.array([0.4, 0.99, 0.98]))[0]
    assert apply_page_context(np.array([0.6])) == np.array([0.6])
    assert np.isfinite(apply_page_context(np.array([0.0, 1.0]))).all()


def test_a_neighbour_cut_off_by_the_edge_is_left_out(reader):
    page = number("47")
    page[40:140, :9] = np.where(np.arange(9) > 6, 255, 0)  # the right end of something
    assert reader.read(page).text == "47"


def test_json_has_a_line_for_each_picture_in_order(sketches):
    done = predict("--json", sketches / "4.png", sketches)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [a["file"] for a in answers] == [str(sketches / f"{d}.png") for d in [4, *range(10)]]
    assert [a["text"] for a in answers] == list("40123456789")
    for answer in answers:
        assert list(answer) == ["file", "text", "note", "seen", "digits"] and answer["note"] == ""
        (digit,) = answer["digits"]
        assert digit["digit"] == int(answer["text"])
        assert digit["confidence"] == max(digit["probabilities"])
        assert len(digit["probabilities"]) == 10
        assert sum(digit["probabilities"]) == pytest.approx(1, abs=1e-5)
        assert 0 <= digit["not_a_digit"] <= 1
        left, top, right, bottom = digit["box"]
        assert 0 <= left < right <= 280 and 0 <= top < bottom <= 280


@pytest.mark.parametrize("page", ["ascii", "ascii:strict", "cp1252", "utf-8"])
@pytest.mark.parametrize("json_lines", [False, True])
def test_a_name_that_the_code_page_lacks_stops_nothing(tmp_path, page, json_lines):
    named = {"a-日本": "", "b-\udcff": "\\udcff", "c-\x1b": "\\x1b", "d-\n": "\\n", "e": "e"}
    for name in named:
        Image.fromarray(sketch(7)).save(tmp_path / f"{name}.png")
    options = ["--json"] if json_lines else []
    environment = os.environ | {"PYTHONIOENCODING": page}
    done = predict(*options, tmp_path, text=False, env=environment)
    assert done.returncode == 0 and done.stderr == b""
    lines = done.stdout.decode(page.split(":")[0]).splitlines()
    assert len(lines) == len(named) and all(line.isprintable() for line in lines)
    if json_lines:
        assert {json.loads(line)["text"] for line in lines} == {"7"}
    else:
        assert all(shown in line for shown, line in zip(named.values(), lines, strict=True))


@pytest.mark.parametrize("read_first", [True, False])
def test_a_closed_pipe_ends_it_quietly(sketches, read_first):
    program = [sys.executable, "predict.py", *[str(sketches)] * 20]
    with subprocess.Popen(
        program, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        if read_first:
            assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 128 + signal.SIGPIPE


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full disk at hand")
def test_a_full_disk_is_reported_in_one_line(sketches):
    with Path("/dev/full").open("w") as full:
        done = predict(sketches, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr == "The output cannot be written: no space left on device.\n"


@pytest.mark.parametrize("closed", ["1", "2"])
def test_without_an_output_or_a_place_for_errors_all_is_read(sketches, closed):
    (sketches / "notes.txt").write_text("seven")
    program = [sys.executable, "predict.py", str(sketches)]
    done = subprocess.run(
        ["sh", "-c", f'"$@" {closed}>&-', "sh", *program], cwd=ROOT, capture_output=True
    )
    assert done.returncode == 0
    assert done.stdout.count(b"\n") == (10 if closed == "2" else 0)
    assert done.stderr.count(b"\n") == (1 if closed == "1" else 0)


def test_pictures_in_a_folder_are_known_by_name_or_content(sketches):
    (sketches / "3.png").rename(sketches / "3")
    (sketches / "4.png").rename(sketches / "4.dat")
    Image.fromarray(sketch(5)).save(sketches / "5.tif")
    Image.fromarray(sketch(6)).save(sketches / "6.AVIF", "avif")
    found, skipped = list_pictures([sketches])
    names = ["0.png", "1.png", "2.png", "3", "4.dat", "5.png", "5.tif", "6.AVIF", "6.png"]
    assert [path.name for path in found] == [*names, "7.png", "8.png", "9.png"]
    assert skipped == []


def test_what_is_passed_over_in_folders_is_named(sketches):
    for k in range(9):
        (sketches / f"notes-{k}.txt").write_text("seven")
    (sketches / ".hidden").write_text("seven")
    (sketches / "more").mkdir()
    os.mkfifo(sketches / "pipe")
    done = predict(sketches)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 10
    (line,) = done.stderr.splitlines()
    assert "(11 in all)" in line and f"more{os.sep}" in line and "notes-3.txt" in line
    assert "notes-8.txt" not in line and ".hidden" not in line


def test_where_nothing_is_read_it_is_said_and_the_status_is_1(tmp_path):
    (tmp_path / "notes.txt").write_text("seven")
    done = predict("--json", tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    passed, error = done.stderr.splitlines()
    assert "notes.txt" in passed and str(tmp_path) in error


def test_without_json_each_line_is_for_people(sketches):
    (line,) = predict(sketches / "3.png").stdout.splitlines()
    assert line.startswith(f"{sketches / '3.png'}: 3 ") and line.endswith("%")


def test_a_missing_or_damaged_checkpoint_is_one_line(tmp_path, sketches):
    (tmp_path / "bad.safetensors").write_bytes(b"bad")
    for name, words in [("none.safetensors", "train.py"), ("bad.safetensors", "damaged")]:
        done = predict("--checkpoint", tmp_path / name, sketches)
        assert done.returncode == 1 and words in done.stderr and done.stderr.count("\n") == 1


def test_reading_needs_neither_the_page_nor_the_training():
    program = "import sys, predict; print(*{'gradio', 'torchvision', 'train'} & {*sys.modules})"
    done = run_python("-c", program)
    assert done.stdout.strip() == "" and done.returncode == 0
