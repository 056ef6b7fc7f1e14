"""What the README says is so."""

import re

import pytest
import yaml
from conftest import ROOT, run_python
from packaging.requirements import Requirement

from data.drawing.pen_strokes import STROKE_STYLES
from inkling.imaging.image_formats import FORMAT_NAMES, IN_PROCESS_FORMATS, ISOLATED_FORMATS
from inkling.recognition.checkpoint import CHECKPOINT, load_checkpoint

README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *ROOT.glob("docs/*.md")]
DOCS = "\n".join(page.read_text() for page in PAGES)
FRONT_MATTER = yaml.safe_load(README.split("---")[1])


REQUIREMENTS = ["requirements.txt", "requirements-dev.txt", "deploy/requirements-ray.txt"]


def requirements(name):
    lines = (ROOT / name).read_text().splitlines()
    return {r.name: r for line in lines if line[0].isalpha() for r in [Requirement(line)]}


def test_the_space_has_the_gradio_and_python_that_are_required():
    gradio = requirements("requirements.txt")["gradio"]
    assert FRONT_MATTER["sdk_version"] in gradio.specifier
    project = (ROOT / "pyproject.toml").read_text()
    lowest = re.search(r'requires-python = ">=(\d+)\.(\d+)"', project).groups()
    python = FRONT_MATTER["python_version"].split(".")
    assert [int(v) for v in python] >= [int(v) for v in lowest]


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_requirement_has_a_floor_and_a_cap(name):
    for requirement in requirements(name).values():
        operators = {s.operator for s in requirement.specifier}
        assert operators == {">=", "<"}, requirement


@pytest.mark.parametrize("script", ["app.py", "train.py", "predict.py", "evaluate.py"])
def test_every_flag_is_in_the_docs(script):
    flags = set(re.findall(r"--[a-z-]+", run_python(script, "--help").stdout)) - {"--help"}
    assert flags and {f for f in flags if f not in DOCS} == set()


def test_every_file_that_the_docs_name_is_there():
    all_named = []
    for page in PAGES:
        named = re.findall(r"`([\w./-]+\.(?:py|txt|toml)|[\w/]+/)`", page.read_text())
        links = re.findall(r"\]\(([^):]+)\)", page.read_text())
        all_named += named + links
        assert [n for n in named if not (ROOT / n).exists()] == []
        assert [n for n in links if not (page.parent / n).exists()] == []
    assert len(all_named) > 20


def test_the_formats_are_those_that_are_read():
    assert FORMAT_NAMES in " ".join(DOCS.split())
    assert FORMAT_NAMES.replace(" or", ",").upper().split(", ") == [
        *IN_PROCESS_FORMATS,
        *ISOLATED_FORMATS,
    ]


def test_the_styles_are_counted_and_the_example_is_one_of_them():
    assert f"{sum(map(len, STROKE_STYLES.values()))} such ways" in DOCS
    name, line = re.search(r"^7 (crossed): (.+)$", DOCS, re.M).groups()
    assert STROKE_STYLES[7][name] == line


def test_the_figures_are_those_of_the_checkpoint():
    figures = load_checkpoint(CHECKPOINT).description["figures"]
    assert f"({100 * figures['mnist_test']:.2f}, " in DOCS  # the first of the seeds


def test_ci_calls_the_test_command_of_the_readme():
    command = re.search(r"^python3 -m venv .*pytest$", README, re.M)[0]
    script = re.sub(r" -q\b", "", (ROOT / ".ci" / "run").read_text())
    assert command in script
