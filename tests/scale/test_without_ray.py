"""Without Ray commands name what to install; `--resume` continues an interrupted run."""

import pytest
from conftest import ROOT, names, run_python, sketch
from PIL import Image

from inkling.scale import INSTALL_RAY

HIDE_RAY = """
import runpy, sys
sys.modules["ray"] = None  # as if it were not installed
program, *sys.argv[1:] = sys.argv[1:]
sys.argv[0] = program
runpy.run_path(program, run_name="__main__")
"""


@pytest.mark.parametrize("command", [["predict.py", "--on", "ray"], ["app.py", "--readers", "ray"]])
def test_one_line_names_the_package_to_install(command, seven):
    arguments = [*command, seven] if command[0] == "predict.py" else command
    done = run_python("-c", HIDE_RAY, *arguments)
    assert done.returncode == 1 and not done.stdout
    assert done.stderr == f"{command[1]} ray needs Ray: {INSTALL_RAY}\n"
    assert (ROOT / INSTALL_RAY.split()[-1]).exists()


def test_no_command_imports_ray_by_default():
    program = "import sys, app, predict, evaluate, train; print('ray' in sys.modules)"
    done = run_python("-c", program)
    assert done.stdout == "False\n", done.stderr


def resume(path, *pictures):
    """Read pictures into a file of JSON lines."""
    return run_python("predict.py", "--resume", path, *pictures)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["Unix", "Windows"])
def test_an_interrupted_run_is_continued(folder, end):
    pictures = folder / "pictures"
    pictures.mkdir()
    for digit in range(4):
        Image.fromarray(sketch(digit)).save(pictures / f"{digit}.png")
    (pictures / "4.png").write_text("no picture")
    whole, cut = folder / "whole.jsonl", folder / "cut.jsonl"
    assert resume(whole, pictures).returncode == 1  # one file is damaged
    lines = whole.read_bytes().splitlines()
    assert len(lines) == 5
    cut.write_bytes(lines[0] + end + lines[1] + end + lines[2][:40])
    assert resume(cut, pictures).returncode == 1
    assert cut.read_bytes().splitlines() == lines
    assert resume(cut, f"{pictures}/*.png").returncode == 0  # nothing is left to read
    assert cut.read_bytes().splitlines() == lines


@pytest.mark.parametrize(
    "content",
    [
        b"Dear diary\nhalf a line",
        b"one line that has no end",
        '{"file": "7.png", "text": "7"}\r\n'.encode("utf-16"),  # by PowerShell's >
        '{"file": "7.png", "text": "7"}\r\n'.encode("utf-8-sig"),
    ],
    ids=["text", "no line end", "UTF-16", "byte-order mark"],
)
def test_any_other_file_is_not_changed(folder, seven, content):
    other = folder / "diary.txt"
    other.write_bytes(content)
    done = resume(other, seven)
    assert done.returncode == 1 and "something else" in done.stderr
    assert done.stderr.count("\n") == 1 and done.stdout == ""
    assert other.read_bytes() == content
    assert names(folder) == ["diary.txt"]
