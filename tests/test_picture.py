"""A file is opened as a person sees it, or refused in one sentence."""

import time

import numpy as np
import pytest
from conftest import sketch
from PIL import Image

from paper import find_ink
from picture import PictureError, open_picture

WRONG = {
    "text": "is no PNG",
    "empty": "empty",
    "cut off": "cut off",
    "vector": "is no PNG",
    "huge": "13000 x 13000",
}


@pytest.mark.parametrize("fault", WRONG)
def test_an_odd_file_is_refused_in_one_sentence(odd_files, fault):
    start = time.monotonic()
    with pytest.raises(PictureError, match=WRONG[fault]) as refusal:
        open_picture(odd_files[fault])
    message = str(refusal.value)
    assert message.endswith(".") and "\n" not in message and len(message) < 120
    assert str(odd_files[fault].parent) not in message
    assert time.monotonic() - start < 1


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(PictureError, match="no such file"):
        open_picture(tmp_path / "none.png")
    with pytest.raises(PictureError, match="folder"):
        open_picture(tmp_path)


def test_a_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(b"x")

    def deny(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("PIL.Image.open", deny)  # the superuser may read every file
    with pytest.raises(PictureError, match="permission"):
        open_picture(tmp_path / "a.png")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_camera_says(tmp_path, orientation):
    upright = np.pad(sketch(7), ((0, 0), (0, 60)), constant_values=255)
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / "photo.png", exif=exif)
    picture, full_size = open_picture(tmp_path / "photo.png")
    assert np.array_equal(np.asarray(picture), upright)
    assert full_size == (340, 280)


def test_a_large_jpeg_is_decoded_small_but_measured_in_full(tmp_path):
    large = Image.fromarray(sketch(4)).resize((6_000, 6_000))
    large.save(tmp_path / "photo.jpg")
    picture, full_size = open_picture(tmp_path / "photo.jpg")
    assert max(picture.size) <= 3_000 and full_size == (6_000, 6_000)


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "gif", "bmp"])
def test_every_common_format_is_read(tmp_path, ending):
    path = tmp_path / f"seven.{ending}"
    Image.fromarray(sketch(7)).save(path)
    ink, drawn = find_ink(open_picture(path)[0]), find_ink(Image.fromarray(sketch(7)))
    assert np.abs(ink.depth - drawn.depth).mean() < 0.01


def test_an_animation_is_its_first_frame(tmp_path):
    frames = [Image.fromarray(sketch(d)) for d in (1, 8)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    ink, first = find_ink(open_picture(tmp_path / "a.gif")[0]), find_ink(frames[0])
    assert np.abs(ink.depth - first.depth).mean() < 0.01
