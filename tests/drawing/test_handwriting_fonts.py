"""Traced strokes can all be drawn, and families and scripts are held out as a whole."""

import re

import pytest

from data.drawing import handwriting_fonts as fonts
from data.drawing.pen_strokes import Style


def test_every_path_can_be_drawn_and_the_file_is_small():
    assert fonts.STROKES_FILE.stat().st_size <= 4_000_000
    assert all(Style(character.path).trace() for character in fonts.load_characters())


def test_there_are_many_families_and_scripts_and_most_families_have_every_digit():
    families = {c.family for c in fonts.load_characters() if c.script == fonts.DIGIT_SCRIPT}
    scripts = {c.script for c in fonts.load_characters()} - set(fonts.FONT_SCRIPTS)
    assert len(families) >= 150 and len(scripts) >= 30
    assert min(map(len, fonts.select_digit_paths().values())) > 120
    assert min(map(len, fonts.select_digit_paths(held_out=True).values())) > 20


def test_a_family_is_held_out_with_all_its_characters():
    characters = [c for c in fonts.load_characters() if c.script in fonts.FONT_SCRIPTS]
    held_out = {c.family for c in characters if c.is_held_out}
    assert held_out.isdisjoint(c.family for c in characters if not c.is_held_out)
    assert 0.18 < len(held_out) / len({c.family for c in characters}) < 0.3


def test_a_script_is_held_out_as_a_whole():
    held_out = fonts.select_characters(held_out=True).keys()
    learned = fonts.select_characters().keys()
    assert held_out & learned <= set(fonts.FONT_SCRIPTS)
    assert 5 <= len(held_out - set(fonts.FONT_SCRIPTS)) <= len(learned) / 2


@pytest.mark.parametrize("lookalike", "0oOlI1sSzZ")
def test_no_letter_that_looks_like_a_digit_is_a_non_digit(lookalike):
    assert lookalike not in {c.name for c in fonts.load_characters() if c.script == "latin"}


def test_every_source_is_listed_with_its_licence():
    lines = (fonts.STROKES_FILE.parent / "sources.txt").read_text().splitlines()
    sources = [line.split("\t") for line in lines if not line.startswith("#")]
    licences = {name for row in sources for name in re.split(", | and ", row[3])}
    assert licences == {"OFL-1.1", "Apache-2.0", "CC-BY-SA-3.0", "MIT", "Hershey"}
    notices = (fonts.STROKES_FILE.parent / "NOTICES.txt").read_text()
    assert [name for _, name, *_ in sources if name not in notices] == []
