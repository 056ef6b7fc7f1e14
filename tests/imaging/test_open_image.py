"""A file is opened as a person sees it, or refused in one sentence."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import ROOT, ink_in, sketch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from inkling.imaging import isolated_decoding
from inkling.imaging.decompression_limits import limited_pillow
from inkling.imaging.image_formats import is_picture_file
from inkling.imaging.isolated_decoding import DECODE_CPU_S, limit_this_process
from inkling.imaging.open_image import PictureError, open_picture, to_8bit
from support.odd_files import grey_tiff

WRONG = {
    "text": "is no PNG",
    "empty": "empty",
    "cut off": "cut off",
    "vector": "an SVG drawing",
    "huge": "13000 x 13000",
}


@pytest.mark.parametrize("fault", WRONG)
def test_an_odd_file_is_refused_in_one_sentence(odd_files, fault):
    start = time.process_time()  # others may be at work
    with pytest.raises(PictureError, match=WRONG[fault]) as refusal:
        open_picture(odd_files[fault])
    message = str(refusal.value)
    assert message.endswith(".") and "\n" not in message and len(message) < 120
    assert str(odd_files[fault].parent) not in message
    assert time.process_time() - start < 1


def test_our_limits_hold_in_our_call_alone(tmp_path):
    texts = PngInfo()
    for k in range(5):
        texts.add_text(f"page {k}", "x" * 900_000)
    Image.fromarray(sketch(7)).save(tmp_path / "texts.png", pnginfo=texts)
    tags = [(50_000 + k, 3, 1, 1) for k in range(2_000)]
    (tmp_path / "tags.tiff").write_bytes(grey_tiff(28, 28, *tags, data=bytes(28 * 28)))
    for name, message in (("texts.png", "texts"), ("tags.tiff", "tags")):
        with pytest.raises(PictureError, match=message):
            open_picture(tmp_path / name)

    def open_freely():
        with Image.open(tmp_path / "texts.png") as png, Image.open(tmp_path / "tags.tiff") as tiff:
            png.load()
            return len(png.text), len(tiff.tag_v2)

    assert open_freely()[0] == 5 and open_freely()[1] > 1_000
    with limited_pillow(), ThreadPoolExecutor(1) as other:
        assert other.submit(open_freely).result()[0] == 5
        with pytest.raises(PictureError):
            open_freely()


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(PictureError, match="no such file"):
        open_picture(tmp_path / "none.png")
    with pytest.raises(PictureError, match="folder"):
        open_picture(tmp_path)


def test_the_ending_of_a_picture_s_name_may_be_in_capitals():
    assert is_picture_file(Path("7.PNG")) and not is_picture_file(Path("7.TXT"))


@pytest.mark.parametrize(
    "most, set_to", [(-1, DECODE_CPU_S), (DECODE_CPU_S + 1, DECODE_CPU_S), (1, None)]
)
def test_a_decoder_s_limits_are_ours_unless_there_are_stricter_ones(monkeypatch, most, set_to):
    given = {}
    system = SimpleNamespace(RLIMIT_CPU=0, RLIMIT_CORE=4, RLIMIT_AS=9, RLIM_INFINITY=-1)
    system.getpagesize, system.getrlimit = lambda: 4096, lambda which: (most, most)
    system.setrlimit = lambda which, limits: given.update({which: limits[0]})
    monkeypatch.setitem(sys.modules, "resource", system)
    limit_this_process()
    assert given.get(system.RLIMIT_CPU) == set_to


def test_a_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(b"x")

    def deny(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("PIL.Image.open", deny)  # the superuser may read every file
    with pytest.raises(PictureError, match="permission"):
        open_picture(tmp_path / "a.png")


@pytest.mark.parametrize(
    "ending, orientation",
    [("png", k) for k in range(1, 9)] + [(e, 6) for e in ("jpg", "webp", "tiff", "avif")],
)
def test_a_picture_is_turned_as_its_camera_says(tmp_path, orientation, ending):
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
    how = {"quality": 100} if ending in ("jpg", "avif") else {"lossless": True}
    Image.fromarray(stored).save(tmp_path / f"photo.{ending}", exif=exif, **how)
    picture, full_size = open_picture(tmp_path / f"photo.{ending}")
    assert np.abs(np.asarray(picture.convert("L")).astype(int) - upright).max() <= 2 * (
        "quality" in how
    )
    assert full_size == (340, 280)


def test_a_large_jpeg_is_decoded_small_but_measured_in_full(tmp_path):
    large = Image.fromarray(sketch(4)).resize((6_000, 6_000))
    large.save(tmp_path / "photo.jpg")
    picture, full_size = open_picture(tmp_path / "photo.jpg")
    assert max(picture.size) <= 3_000 and full_size == (6_000, 6_000)


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "gif", "bmp", "tif", "avif"])
def test_every_common_format_is_read(tmp_path, ending):
    path = tmp_path / f"seven.{ending}"
    Image.fromarray(sketch(7)).save(path)
    ink, drawn = ink_in(open_picture(path)[0]), ink_in(sketch(7))
    assert np.abs(ink.coverage - drawn.coverage).mean() < 0.01


@pytest.mark.parametrize("bits", range(8, 17))
def test_values_of_many_bits_become_8_of_them(bits):
    drawn = sketch(7)
    deep = to_8bit(Image.fromarray(drawn.astype(np.uint16) << (bits - 8)))
    assert np.array_equal(np.asarray(deep), drawn)


@pytest.mark.parametrize("black, white", [(0, 255), (0, 65_535), (-30_000, 30_000), (0, 2**31 - 1)])
@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_numbers_of_any_range_become_8_bits(black, white, kind):
    drawn = sketch(7)
    values = drawn.astype(float) / 255 * (white - black) + black
    grey = np.asarray(to_8bit(Image.fromarray(values.astype(kind))))
    assert np.abs(grey / grey.max() - drawn / 255).max() < 0.01 and grey.max() >= 128


def test_shares_become_8_bits_and_what_is_no_number_is_black():
    shares = np.array([[0, 0.5, 1], [np.nan, np.inf, -np.inf]], np.float32)
    assert np.asarray(to_8bit(Image.fromarray(shares))).tolist() == [[0, 128, 255], [0, 0, 0]]


@pytest.mark.parametrize("program", ["bytearray(500_000_000)", "while True: pass"])
def test_a_decoder_that_asks_for_too_much_is_ended(tmp_path, monkeypatch, program):
    greedy = "from inkling.imaging import isolated_decoding as apart; apart.limit_this_process()\n"
    (tmp_path / "greedy.py").write_text(
        f"import sys; sys.path.append({str(ROOT)!r})\n{greedy}{program}"
    )
    monkeypatch.setattr(
        isolated_decoding, "DECODER_COMMAND", [sys.executable, str(tmp_path / "greedy.py")]
    )
    Image.fromarray(sketch(7)).save(tmp_path / "a.tiff")
    with pytest.raises(PictureError, match="too much memory or time"):
        open_picture(tmp_path / "a.tiff")
