"""Old uploads are removed, and an error does not end the clean-up."""

import asyncio
import os
from types import SimpleNamespace

import pytest
from conftest import run

from inkling.server import cleanup
from inkling.server.cleanup import remove_old_uploads
from inkling.server.request_limits import BODY_IDLE_TIMEOUT_S

NOW = 1_000_000.0


@pytest.fixture
def upload(tmp_path):
    """Return a function that writes a file as Gradio does, in a folder of its own."""

    def upload(name, age, size=10):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as file:
            file.truncate(size)
        for part in (path, path.parent):
            os.utime(part, (NOW - age, NOW - age))
        return path

    return upload


def test_uploads_are_kept_for_minutes_then_removed_with_their_folders(tmp_path, upload):
    new, old = upload("a/new.png", 4 * 60), upload("b/old.png", 6 * 60)
    remove_old_uploads(tmp_path, NOW)
    assert new.exists() and not old.parent.exists()


def test_incomplete_uploads_are_removed_sooner(tmp_path, upload):
    stalled = 2 * BODY_IDLE_TIMEOUT_S + 1
    running, cut = upload("tmp1", BODY_IDLE_TIMEOUT_S), upload("tmp2", stalled)
    complete = upload("a/tmp3", stalled)
    remove_old_uploads(tmp_path, NOW)
    assert running.exists() and complete.exists() and not cut.exists()


@pytest.mark.parametrize("limit", ["count", "size"])
def test_the_oldest_uploads_above_a_limit_are_removed(tmp_path, monkeypatch, upload, limit):
    monkeypatch.setattr(cleanup, "MAX_UPLOADS_ENTRIES", 6 if limit == "count" else 100)
    size = cleanup.MAX_UPLOADS_BYTES // 4 if limit == "size" else 10
    paths = [upload(f"{age}/x.png", age, size) for age in range(1, 11)]
    remove_old_uploads(tmp_path, NOW)
    assert [path.exists() for path in paths] == [True] * 3 + [False] * 7
    assert len(list(tmp_path.rglob("*"))) == 6


def test_files_may_vanish_meanwhile(tmp_path, monkeypatch, upload):
    age = cleanup.UPLOAD_TTL_S + 1
    gone, old = upload("a/x.png", age), upload("b/y.png", age)
    unlink = cleanup.Path.unlink

    def vanish(path):
        gone.exists() and unlink(gone)
        unlink(path)

    monkeypatch.setattr(cleanup.Path, "unlink", vanish)
    remove_old_uploads(tmp_path, NOW)
    assert not old.exists() and not gone.exists()
    remove_old_uploads(tmp_path / "no folder", NOW)


def test_clean_up_continues_after_an_error(tmp_path, monkeypatch, capsys):
    calls = []

    def fail_once(folder, now):
        calls.append(folder)
        if len(calls) == 1:
            raise RuntimeError("changed size during iteration")
        raise asyncio.CancelledError

    monkeypatch.setattr(cleanup, "CLEANUP_INTERVAL_S", 0)
    monkeypatch.setattr(cleanup, "remove_old_uploads", fail_once)
    app = SimpleNamespace(get_blocks=SimpleNamespace, uploaded_file_dir=str(tmp_path))
    with pytest.raises(asyncio.CancelledError):
        run(cleanup.clean_up_forever(app))
    assert calls == [tmp_path] * 2 and "changed size" in capsys.readouterr().err
