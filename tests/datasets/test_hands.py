"""Other people's strokes: every line can be drawn, and what is held out is held out whole."""

import re

import pytest

from inkling.datasets.hands import (
    BY_FAMILY,
    DIGITS,
    STROKES,
    all_characters,
    characters,
    font_digits,
)
from inkling.datasets.pen_strokes import Style


def test_the_file_is_small():
    assert STROKES.stat().st_size <= 4_000_000


def test_every_path_can_be_drawn():
    for character in all_characters():
        assert Style(character.path).plain()


def test_there_are_many_hands_and_scripts():
    families = {c.family for c in all_characters() if c.script == DIGITS}
    scripts = {c.script for c in all_characters()} - set(BY_FAMILY)
    assert len(families) >= 150 and len(scripts) >= 30


def test_every_digit_is_written_by_most_hands():
    assert min(len(paths) for paths in font_digits().values()) > 120
    assert min(len(paths) for paths in font_digits(held_out=True).values()) > 20


def test_a_family_is_held_out_with_all_that_it_writes():
    by_family = [c for c in all_characters() if c.script in BY_FAMILY]
    held_out = {c.family for c in by_family if c.held_out}
    assert held_out.isdisjoint(c.family for c in by_family if not c.held_out)
    assert 0.18 < len(held_out) / len({c.family for c in by_family}) < 0.3


def test_a_script_is_held_out_whole():
    held_out, learned = characters(held_out=True).keys(), characters().keys()
    assert held_out & learned <= set(BY_FAMILY)
    assert 5 <= len(held_out - set(BY_FAMILY)) <= len(learned) / 2


@pytest.mark.parametrize("look_alike", "0oOlI1sSzZ")
def test_no_look_alike_is_taken_for_no_digit(look_alike):
    assert look_alike not in {c.name for c in all_characters() if c.script == "latin"}


def test_every_source_is_named_with_its_licence():
    rows = [line.split("\t") for line in (STROKES.parent / "sources.txt").read_text().splitlines()]
    sources = [row for row in rows if not row[0].startswith("#")]
    licences = {one for row in sources for one in re.split(", | and ", row[3])}
    assert licences == {"OFL-1.1", "Apache-2.0", "CC-BY-SA-3.0", "MIT", "Hershey"}
    notices = (STROKES.parent / "NOTICES.txt").read_text()
    assert [name for _, name, *_ in sources if name not in notices] == []
