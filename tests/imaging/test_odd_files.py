"""Odd files, from disk and through the page: read as they should be, or refused in words."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, serving, sketch
from PIL import Image

from inkling.imaging.open_image import PictureError, open_picture
from inkling.recognition.reader import Reader
from inkling.ui.session import Visit
from tests.odd_files import ODD, PLACES, make_odd_files, make_odd_places

HANG = 300  # seconds for all odd files; they take twenty on one core


def run(*command) -> list[dict]:
    """Run a program of ours in Python; return its lines of JSON."""
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=HANG,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"},
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert "Warning" not in done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return where each odd file lies."""
    return make_odd_files(tmp_path_factory.mktemp("odd") / "files")


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Return what has a picture's name and is no file, mostly."""
    return make_odd_places(tmp_path_factory.mktemp("odd") / "places")


@pytest.fixture(scope="module")
def answers(files, places):
    """Return what the command line prints for each, read in one process."""
    lines = run("predict.py", "--json", files[0].parent, *places)
    return {line["file"]: line for line in lines}


def check(name: str, answer: dict) -> None:
    """Check that an odd file was read, or refused in one sentence that gives nothing away."""
    text, error = ODD[name][1:] if name in ODD else ("7" * (not PLACES[name]), PLACES[name])
    note = answer["note"]
    assert answer["text"] == text, name
    assert note.startswith("error: ") == bool(error) and error in note, name
    if error:
        assert note.endswith(".") and "\n" not in note and len(note) < 140, name
        assert "/" not in note and "Error" not in note, name


@pytest.mark.parametrize("name", [*ODD, *PLACES])
def test_an_odd_file_is_read_or_refused_in_words(answers, files, places, name):
    path = dict(zip([*ODD, *PLACES], [*files, *places], strict=True))[name]
    if name == "folder.png":  # the command line reads the pictures in it, and it has none
        assert str(path) not in answers
        check(name, Reader.load().read_file(path).as_dict())
    else:
        check(name, answers[str(path)])


def test_a_name_cannot_break_the_lines_for_people(tmp_path):
    named = {"new\nline.png": "\\n", "red\x1b[31m.png": "\\x1b", "raw\udcff.png": "\\udcff"}
    for name in named:
        Image.fromarray(sketch(7)).save(tmp_path / name)
    done = subprocess.run(
        [sys.executable, "predict.py", *[tmp_path / name for name in named]],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == len(named) and not done.returncode
    assert all(shown in line for shown, line in zip(named.values(), lines, strict=True))


def test_the_endpoint_reads_them_all(files, tmp_path):
    from gradio_client import Client, handle_file

    with serving(Reader.load()) as served:
        client = Client(served.url, verbose=False)
        for path in files:
            if 0 < path.stat().st_size < 8_000_000:
                check(path.name, client.predict(handle_file(path), api_name="/predict"))


def test_pictures_of_16_bits_are_seen_as_they_are(files):
    grey, _ = open_picture(files[[*ODD].index("light grey of 16 bits.png")])
    assert grey.mode == "L"
    assert 70 < np.asarray(grey).min() < np.asarray(grey).max() < 220  # clipped it would be white


def test_a_webp_lets_go_of_its_decoder(files):
    picture, _ = open_picture(files[[*ODD].index("alpha.webp")])
    assert not hasattr(picture, "_decoder")


@pytest.mark.parametrize(
    "array",
    [
        np.full((9, 9), np.nan, np.float32),
        np.zeros((9, 9)),
        np.zeros((9, 9), bool),
        np.zeros((9, 9), np.uint16),
        np.zeros((9, 9, 2), np.uint8),
        np.zeros(9, np.uint8),
        np.array([["7"]]),
        [[0, 255]],
        "7.png",
        None,
    ],
    ids=repr,
)
def test_what_is_no_array_of_a_picture_is_refused_in_words(array):
    with pytest.raises(PictureError, match="of uint8"):
        Reader.load().read(array)


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0), (0, 0, 3)])
def test_a_picture_of_no_pixels_is_refused_in_words(shape):
    with pytest.raises(PictureError, match="no pixels"):
        Reader.load().read(np.zeros(shape, np.uint8))


def test_a_picture_of_one_colour_holds_no_digits_at_any_size():
    for mode in ("1", "L", "P", "RGB", "RGBA", "LA", "CMYK"):
        for size in ((1, 1), (1, 2), (2, 1), (1, 300), (300, 1)):
            assert Reader.load().read(Image.new(mode, size)).digits == ()


def test_an_empty_pad_is_a_clean_slate():
    assert Visit().read(b"", Reader.load()).by_network.note == ""


def test_odd_and_damaged_files_take_little_memory_and_end_no_process():
    command = [sys.executable, "-m", "bench.fuzz", "--count", "400", "--seed", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=HANG)
    failed = [line for line in done.stdout.splitlines() if "FAILED" in line]
    assert all("processor" in line for line in failed), done.stdout  # others may share this machine
    assert "of which 0 ended the process" in done.stdout, done.stdout + done.stderr
