"""The right password gives access, and guessing gets slow."""

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
    """Return a login with a clock that the test sets, and the delays of its attempts."""
    gate = Login("ann", "pass:word", clock=lambda: gate.now)
    gate.now, gate.delays = 1_000.0, []

    async def sleep(seconds):
        gate.delays.append(seconds)

    # in this module only: the process may serve a page for other tests
    monkeypatch.setattr(login, "asyncio", SimpleNamespace(sleep=sleep))
    return gate


def test_only_the_right_user_and_password_are_accepted(gate):
    attempts = [("ann", "pass:word"), ("ann", "word"), ("ann:pass", "word"), ("", ""), ("é", "ü")]
    accepted = [run(gate.authenticate(*attempt)) for attempt in attempts]
    # both are compared as one text
    assert accepted == [True, False, True, False, False]


def test_wrong_attempts_add_a_limited_delay_that_is_forgotten(gate):
    for _ in range(8):
        assert not run(gate.authenticate("ann", "guess"))
    assert gate.delays[0] == 0.0 and gate.delays == sorted(gate.delays)
    assert gate.delays[-1] == login.MAX_LOGIN_DELAY_S
    assert run(gate.authenticate("ann", "pass:word"))  # takes as long: time reveals nothing
    assert gate.delays[-1] == login.MAX_LOGIN_DELAY_S
    gate.now += login.FAILURE_MEMORY_S + 1
    assert run(gate.authenticate("ann", "pass:word")) and gate.delays[-1] == 0.0


def test_a_login_has_a_user_and_a_password():
    assert parse_login("ann:pass:word") == ("ann", "pass:word")
    for text in ("", "ann", "ann:", ":word"):
        with pytest.raises(argparse.ArgumentTypeError, match="USER:PASSWORD"):
            parse_login(text)


def test_without_the_password_all_routes_are_locked(monkeypatch):
    monkeypatch.setattr(app, "serve", partial(app.serve, auth=("ann", "secret word")))
    reader = PlaceholderReader("Not yet.")
    with serving(reader) as locked, httpx.Client(base_url=locked.url) as client:
        call = {"data": [None], "fn_index": 0, "session_hash": "client"}
        for path in ("/config", "/gradio_api/info"):
            assert client.get(path).status_code == 401
        for path in ("call/predict", "queue/join"):
            assert client.post(f"/gradio_api/{path}", json=call).status_code == 401
        files = {"files": ("a.png", b"a")}
        assert client.post("/gradio_api/upload", files=files).status_code == 401
        for password in ("", "secret", "secret word "):
            response = client.post("/login", data={"username": "ann", "password": password})
            assert response.status_code in (400, 422) and client.get("/config").status_code == 401
        response = client.post("/login", data={"username": "ann", "password": "secret word"})
        assert response.status_code == 200 and client.get("/config").status_code == 200
