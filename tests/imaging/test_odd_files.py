"""Odd files, from disk and through the page: read as they should be, or refused in words."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, serving, sketch
from PIL import Image

from inkling.imaging.image_formats import MAX_UPLOAD_BYTES
from inkling.imaging.open_image import PictureError, open_picture
from inkling.recognition.reader import Reader
from inkling.ui.session import SessionState
from support.odd_files import ODD, PLACES, content, make_odd_places, wrong

HANG_S = 240  # for all odd files; they take 20 on one core
# One of each format for each thing that is said of it.
SOME = {(Path(name).suffix, odd.error): name for name, odd in ODD.items()}.values()


def run(*command) -> str:
    """Run a program of ours in Python; return what it prints, without complaints."""
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=HANG_S,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"},
    )
    assert "Traceback" not in done.stderr and "Warning" not in done.stderr, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return where some of the odd files lie."""
    folder = tmp_path_factory.mktemp("odd")
    for name in SOME:
        (folder / name).write_bytes(content(name))
    return [folder / name for name in SOME]


def opened(name):
    """Return the picture in an odd file."""
    return open_picture(content(name))[0]


def test_an_odd_file_is_read_or_refused_in_words_in_little_memory_and_ends_no_process():
    told = run("-m", "bench.fuzz", "--count", len(ODD) + 150, "--seed", "1")
    failed = [line for line in told.splitlines() if "FAILED" in line]
    assert all("of the processor" in line for line in failed), told  # others may be at work
    assert "of which 0 ended the process" in told


def test_the_command_line_reads_them_from_a_folder_and_what_is_no_file(files, tmp_path):
    places = make_odd_places(tmp_path / "places")
    told = run("predict.py", "--json", files[0].parent, *places)
    answers = {line["file"]: line for line in map(json.loads, told.splitlines())}
    (folder,) = {str(path) for path in [*files, *places]} - set(answers)
    assert folder == str(places[0])  # the pictures in it are read, and it has none
    answers[folder] = Reader.load().read_file(places[0]).as_dict()
    for name, path in [*zip(SOME, files, strict=True), *zip(PLACES, places, strict=True)]:
        assert wrong(name, answers[str(path)]["text"], answers[str(path)]["note"]) == ""


def test_the_endpoint_reads_them(files):
    from gradio_client import Client, handle_file

    with serving(Reader.load()) as served:
        client = Client(served.url, verbose=False)
        for path in files:
            if path.stat().st_size < MAX_UPLOAD_BYTES:
                answer = client.predict(handle_file(path), api_name="/predict")
                assert wrong(path.name, answer["text"], answer["note"]) == ""


def test_a_name_cannot_break_the_lines_for_people(tmp_path):
    named = {"new\nline.png": "\\n", "red\x1b[31m.png": "\\x1b", "raw\udcff.png": "\\udcff"}
    for name in named:
        Image.fromarray(sketch(7)).save(tmp_path / name)
    lines = run("predict.py", *[tmp_path / name for name in named]).splitlines()
    assert len(lines) == len(named)
    assert all(shown in line for shown, line in zip(named.values(), lines, strict=True))


def test_pictures_of_16_bits_are_seen_as_they_are():
    grey = opened("light grey of 16 bits.png")
    assert grey.mode == "L"
    assert 70 < np.asarray(grey).min() < np.asarray(grey).max() < 220  # clipped it would be white


def test_a_webp_lets_go_of_its_decoder():
    assert not hasattr(opened("alpha.webp"), "_decoder")


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
    assert SessionState().read(b"", Reader.load()).network_reading.note == ""
