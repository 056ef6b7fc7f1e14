"""Who knows the password comes in, and who guesses waits."""

import argparse
from functools import partial
from types import SimpleNamespace

import httpx
import pytest
from conftest import run, serving

import app
from inkling.server import login
from inkling.server.login import Login, parse_login
from inkling.training.live_reader import PlaceholderReader


@pytest.fixture
def gate(monkeypatch):
    """Return a gate whose time is told, and what logins waited for."""
    gate = Login("ann", "pass:word", clock=lambda: gate.now)
    gate.now, gate.waited = 1_000.0, []

    async def sleep(seconds):
        gate.waited.append(seconds)

    # in this module alone: a page that other tests use may be served in the same process
    monkeypatch.setattr(login, "asyncio", SimpleNamespace(sleep=sleep))
    return gate


def test_the_gate_knows_user_and_password(gate):
    tries = [("ann", "pass:word"), ("ann", "word"), ("ann:pass", "word"), ("", ""), ("é", "ü")]
    admitted = [run(gate.authenticate(*told)) for told in tries]
    # Gradio asks for both together; one text made of both is what is compared
    assert admitted == [True, False, True, False, False]


def test_guessing_gets_slower_up_to_a_limit_and_is_forgiven(gate):
    for _ in range(8):
        assert not run(gate.authenticate("ann", "guess"))
    assert gate.waited[0] == 0.0 and gate.waited == sorted(gate.waited)
    assert gate.waited[-1] == login.MAX_LOGIN_DELAY_S
    assert run(gate.authenticate("ann", "pass:word"))  # waits as long: waiting tells nothing
    assert gate.waited[-1] == login.MAX_LOGIN_DELAY_S
    gate.now += login.FAILURE_MEMORY_S + 1
    assert run(gate.authenticate("ann", "pass:word")) and gate.waited[-1] == 0.0


def test_a_login_is_written_with_a_colon():
    assert parse_login("ann:pass:word") == ("ann", "pass:word")
    for text in ("", "ann", "ann:", ":word"):
        with pytest.raises(argparse.ArgumentTypeError, match="USER:PASSWORD"):
            parse_login(text)


def test_without_the_password_a_stranger_gets_nothing_and_with_it_all(monkeypatch):
    monkeypatch.setattr(app, "serve", partial(app.serve, auth=("ann", "secret word")))
    with (
        serving(PlaceholderReader("Not yet.")) as locked,
        httpx.Client(base_url=locked.url) as visitor,
    ):
        call = {"data": [None], "fn_index": 0, "session_hash": "stranger"}
        for path in ("/config", "/gradio_api/info"):
            assert visitor.get(path).status_code == 401
        for path in ("call/predict", "queue/join"):
            assert visitor.post(f"/gradio_api/{path}", json=call).status_code == 401
        files = {"files": ("a.png", b"a")}
        assert visitor.post("/gradio_api/upload", files=files).status_code == 401
        for password in ("", "secret", "secret word "):
            told = visitor.post("/login", data={"username": "ann", "password": password})
            assert told.status_code in (400, 422) and visitor.get("/config").status_code == 401
        told = visitor.post("/login", data={"username": "ann", "password": "secret word"})
        assert told.status_code == 200 and visitor.get("/config").status_code == 200
