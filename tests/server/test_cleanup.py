"""What is left behind is removed in time."""

import asyncio
import os
from types import SimpleNamespace

import pytest
from conftest import run

from inkling.server import cleanup
from inkling.server.cleanup import remove_old
from inkling.server.request_limits import STALL

NOW = 1_000_000.0


def upload(folder, name, age, size=10):
    """Lay a file where Gradio would, in a folder of its own."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)
    for part in (path, path.parent):
        os.utime(part, (NOW - age, NOW - age))
    return path


def test_uploads_are_kept_for_minutes_and_then_removed_with_their_folders(tmp_path):
    new, old = upload(tmp_path, "a/new.png", 4 * 60), upload(tmp_path, "b/old.png", 6 * 60)
    remove_old(tmp_path, NOW)
    assert new.exists() and not old.parent.exists()


def test_cut_off_uploads_go_first(tmp_path):
    running, cut = upload(tmp_path, "tmp1", STALL), upload(tmp_path, "tmp2", 2 * STALL + 1)
    named_so = upload(tmp_path, "a/tmp3", 2 * STALL + 1)
    remove_old(tmp_path, NOW)
    assert running.exists() and named_so.exists() and not cut.exists()


def test_the_oldest_go_when_there_are_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr(cleanup, "KEPT_ENTRIES", 6)
    paths = [upload(tmp_path, f"{age}/x.png", age) for age in range(1, 11)]
    remove_old(tmp_path, NOW)
    assert [path.exists() for path in paths] == [True] * 3 + [False] * 7
    assert len(list(tmp_path.rglob("*"))) == 6


def test_the_oldest_go_when_they_are_too_large(tmp_path, monkeypatch):
    paths = [upload(tmp_path, f"{age}/x.png", age, cleanup.KEPT_BYTES // 4) for age in range(1, 8)]
    remove_old(tmp_path, NOW)
    assert [path.exists() for path in paths] == [True] * 3 + [False] * 4


def test_sweeping_outlives_files_that_vanish(tmp_path, monkeypatch):
    gone = upload(tmp_path, "a/x.png", cleanup.KEPT + 1)
    also = upload(tmp_path, "b/y.png", cleanup.KEPT + 1)
    unlink = cleanup.Path.unlink

    def vanishing(path):
        gone.exists() and unlink(gone)
        unlink(path)

    monkeypatch.setattr(cleanup.Path, "unlink", vanishing)
    remove_old(tmp_path, NOW)
    assert not also.exists() and not gone.exists()
    remove_old(tmp_path / "no folder", NOW)


def test_tidying_goes_on_after_an_error(tmp_path, monkeypatch, capsys):
    swept = []

    def fails_once(folder, now):
        swept.append(folder)
        if len(swept) == 1:
            raise RuntimeError("changed size during iteration")
        raise asyncio.CancelledError

    monkeypatch.setattr(cleanup, "TIDYING", 0)
    monkeypatch.setattr(cleanup, "remove_old", fails_once)
    app = SimpleNamespace(get_blocks=SimpleNamespace, uploaded_file_dir=str(tmp_path))
    with pytest.raises(asyncio.CancelledError):
        run(cleanup.tidy(app))
    assert swept == [tmp_path] * 2 and "changed size" in capsys.readouterr().err
