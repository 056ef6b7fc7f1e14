"""A file is opened upright, in 8 bits, or rejected in one sentence."""

import sys
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
from support.odd_files import gray_tiff

STORED = {  # by EXIF orientation, for an upright picture
    1: lambda upright: upright,
    2: np.fliplr,
    3: lambda upright: np.rot90(upright, 2),
    4: np.flipud,
    5: np.transpose,
    6: np.rot90,
    7: lambda upright: np.rot90(upright, 2).T,
    8: lambda upright: np.rot90(upright, -1),
}


def test_limits_hold_in_our_calls_only(tmp_path):
    texts = PngInfo()
    for k in range(5):
        texts.add_text(f"page {k}", "x" * 900_000)
    Image.fromarray(sketch(7)).save(tmp_path / "texts.png", pnginfo=texts)
    tags = [(50_000 + k, 3, 1, 1) for k in range(2_000)]
    (tmp_path / "tags.tiff").write_bytes(gray_tiff(28, 28, *tags, data=bytes(28 * 28)))
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


def test_missing_files_folders_and_unreadable_files_are_named(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(b"x")

    def deny(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("PIL.Image.open", deny)  # the superuser may read every file
    for name, message in {"none.png": "no such file", "": "folder", "a.png": "permission"}.items():
        with pytest.raises(PictureError, match=message):
            open_picture(tmp_path / name)


def test_suffixes_are_case_insensitive():
    assert is_picture_file(Path("7.PNG")) and not is_picture_file(Path("7.TXT"))


@pytest.mark.parametrize(
    "limit, expected", [(-1, DECODE_CPU_S), (DECODE_CPU_S + 1, DECODE_CPU_S), (1, None)]
)
def test_a_decoder_s_limits_replace_laxer_ones_only(monkeypatch, limit, expected):
    limits = {}
    system = SimpleNamespace(RLIMIT_CPU=0, RLIMIT_CORE=4, RLIMIT_AS=9, RLIM_INFINITY=-1)
    system.getpagesize, system.getrlimit = lambda: 4096, lambda which: (limit, limit)
    system.setrlimit = lambda which, values: limits.update({which: values[0]})
    monkeypatch.setitem(sys.modules, "resource", system)
    limit_this_process()
    assert limits.get(system.RLIMIT_CPU) == expected


@pytest.mark.parametrize("program", ["bytearray(500_000_000)", "while True: pass"])
def test_a_decoder_that_exceeds_its_limits_is_ended(tmp_path, monkeypatch, program):
    limited = "from inkling.imaging import isolated_decoding as d; d.limit_this_process()\n"
    path = tmp_path / "greedy.py"
    path.write_text(f"import sys; sys.path.append({str(ROOT)!r})\n{limited}{program}")
    monkeypatch.setattr(isolated_decoding, "DECODER_COMMAND", [sys.executable, str(path)])
    Image.fromarray(sketch(7)).save(tmp_path / "a.tiff")
    with pytest.raises(PictureError, match="too much memory or time"):
        open_picture(tmp_path / "a.tiff")


@pytest.mark.parametrize(
    "suffix, orientation",
    [("png", k) for k in STORED] + [(suffix, 6) for suffix in ("jpg", "webp", "tiff", "avif")],
)
def test_a_picture_is_rotated_by_its_exif_orientation(tmp_path, orientation, suffix):
    upright = np.pad(sketch(7), ((0, 0), (0, 60)), constant_values=255)
    exif = Image.Exif()
    exif[0x0112] = orientation
    is_lossy = suffix in ("jpg", "avif")
    options = {"quality": 100} if is_lossy else {"lossless": True}
    stored = Image.fromarray(STORED[orientation](upright))
    stored.save(tmp_path / f"photo.{suffix}", exif=exif, **options)
    picture, full_size = open_picture(tmp_path / f"photo.{suffix}")
    difference = np.asarray(picture.convert("L")).astype(int) - upright
    assert np.abs(difference).max() <= 2 * is_lossy and full_size == (340, 280)


def test_a_large_jpeg_is_decoded_small_and_its_full_size_returned(tmp_path):
    Image.fromarray(sketch(4)).resize((6_000, 6_000)).save(tmp_path / "photo.jpg")
    picture, full_size = open_picture(tmp_path / "photo.jpg")
    assert max(picture.size) <= 3_000 and full_size == (6_000, 6_000)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "gif", "bmp", "tif", "avif"])
def test_every_common_format_is_read(tmp_path, suffix):
    path = tmp_path / f"seven.{suffix}"
    Image.fromarray(sketch(7)).save(path)
    ink, drawn = ink_in(open_picture(path)[0]), ink_in(sketch(7))
    assert np.abs(ink.coverage - drawn.coverage).mean() < 0.01


@pytest.mark.parametrize("bits", range(8, 17))
def test_values_of_more_bits_are_reduced_to_8(bits):
    drawn = sketch(7)
    deep = Image.fromarray(drawn.astype(np.uint16) << (bits - 8))
    assert np.array_equal(np.asarray(to_8bit(deep)), drawn)


@pytest.mark.parametrize("black, white", [(0, 255), (0, 65_535), (-30_000, 30_000), (0, 2**31 - 1)])
@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_values_of_any_range_are_scaled_to_8_bits(black, white, kind):
    drawn = sketch(7)
    values = drawn.astype(float) / 255 * (white - black) + black
    gray = np.asarray(to_8bit(Image.fromarray(values.astype(kind))))
    assert np.abs(gray / gray.max() - drawn / 255).max() < 0.01 and gray.max() >= 128


def test_floats_to_1_are_scaled_and_nonfinite_ones_black():
    shares = np.array([[0, 0.5, 1], [np.nan, np.inf, -np.inf]], np.float32)
    assert np.asarray(to_8bit(Image.fromarray(shares))).tolist() == [[0, 128, 255], [0, 0, 0]]
