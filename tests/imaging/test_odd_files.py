"""Odd files, from disk and through the page, are read as expected or rejected in words."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from conftest import run_python, serving
from PIL import Image

from inkling.imaging.image_formats import MAX_UPLOAD_BYTES
from inkling.imaging.open_image import PictureError, open_picture
from inkling.recognition.reading import BLANK
from inkling.ui.session import SessionState
from support.odd_files import ODD, PLACES, content, make_odd_places, wrong

HANG_S = 240  # for all odd files; they take 20 on one core
# One for each pair of suffix and error.
SOME = {(Path(name).suffix, odd.error): name for name, odd in ODD.items()}.values()


def run(*command):
    """Run a command of ours without warnings; return its status and output."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
    done = run_python(*command, timeout=HANG_S, env=environment)
    assert "Traceback" not in done.stderr and "Warning" not in done.stderr, done.stderr
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return the paths of some odd files."""
    folder = tmp_path_factory.mktemp("odd")
    for name in SOME:
        (folder / name).write_bytes(content(name))
    return [folder / name for name in SOME]


def test_every_odd_file_is_read_or_rejected_within_the_limits_and_ends_no_process():
    _, output = run("-m", "bench.fuzz", "--count", len(ODD) + 60, "--seed", "1")
    failed = [line for line in output.splitlines() if "FAILED" in line]
    assert all("of processor time" in line for line in failed), output  # the machine may be busy
    assert "of which 0 ended the process" in output


def test_the_command_line_reads_odd_files_folders_and_special_files(shipped, files, tmp_path):
    places = make_odd_places(tmp_path / "places")
    status, output = run("predict.py", "--json", files[0].parent, *places)
    answers = {line["file"]: line for line in map(json.loads, output.splitlines())}
    assert status == 1  # some were rejected
    (folder,) = {str(path) for path in [*files, *places]} - set(answers)
    assert folder == str(places[0])  # without pictures
    answers[folder] = shipped.read_file(places[0]).as_dict()
    for name, path in [*zip(SOME, files, strict=True), *zip(PLACES, places, strict=True)]:
        assert wrong(name, answers[str(path)]["text"], answers[str(path)]["note"]) == ""


def test_the_endpoint_reads_odd_files(shipped, files):
    from gradio_client import Client, handle_file

    with serving(shipped) as served:
        client = Client(served.url, verbose=False)
        for path in files:
            if path.stat().st_size < MAX_UPLOAD_BYTES:
                answer = client.predict(handle_file(path), api_name="/predict")
                assert wrong(path.name, answer["text"], answer["note"]) == ""


def test_16_bit_pictures_keep_their_gray_levels():
    gray, _ = open_picture(content("light gray of 16 bits.png"))
    assert gray.mode == "L"
    assert 70 < np.asarray(gray).min() < np.asarray(gray).max() < 220  # white if it were clipped


def test_a_webp_releases_its_decoder():
    assert not hasattr(open_picture(content("alpha.webp"))[0], "_decoder")


INVALID_ARRAYS = [np.zeros((9, 9), kind) for kind in (np.float64, bool, np.uint16)]
INVALID_ARRAYS += [np.full((9, 9), np.nan, np.float32), np.zeros((9, 9, 2), np.uint8)]
INVALID_ARRAYS += [
    np.zeros(9, np.uint8),
    np.zeros((3, 3, 9)),
    np.array([["7"]]),
    [[0, 255]],
    "7.png",
    None,
]


@pytest.mark.parametrize("array", INVALID_ARRAYS, ids=repr)
def test_an_invalid_array_is_rejected_in_words(shipped, array):
    with pytest.raises(PictureError, match="of uint8"):
        shipped.read(array)


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0), (0, 0, 3)])
def test_a_picture_without_pixels_is_rejected_in_words(shipped, shape):
    with pytest.raises(PictureError, match="no pixels"):
        shipped.read(np.zeros(shape, np.uint8))


def test_a_picture_of_one_colour_holds_no_digits_at_any_size(shipped):
    for mode in ("1", "L", "P", "RGB", "RGBA", "LA", "CMYK"):
        for size in ((1, 1), (1, 2), (2, 1), (1, 300), (300, 1), (280, 280)):
            reading = shipped.read(Image.new(mode, size))
            assert (reading.text, reading.digits, reading.note) == ("", (), BLANK)


def test_an_empty_pad_has_no_note(shipped):
    assert SessionState().read(b"", shipped).network_reading.note == ""
