"""With `--class` all attacks fail as they do without it, and a class's own routes are no way in."""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from conftest import ROOT, pad_payload

from inkling.classroom.room_address import find_room_address
from tests.app_process import START_LIMIT_S
from tests.server import test_hostile
from tests.server.test_hostile import *  # noqa: F403  # the same tests, of this file's server
from tests.untrusted_client import JSON, JUNK, NESTED, Server, endless, gets

TOKEN = "a" * 32
CLASS_ROUTES = ("talk", "mine", "wall", "act")
GUESSES = [
    *("/class", "/class/", "/class/wall.html", "/class/join.html", "/class/..%2f..%2fapp.py"),
    *("/class/../../app.py", "/class/class.jsonl", "/class/drawings", "/wall/", "/class/wall"),
    *("/class/act", "/class/mine?token=" + TOKEN, "/join/..", "/class/%2e%2e/lesson.py"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Return the running app, with a class in which two phones have drawn."""
    with Server(tmp_path_factory.mktemp("server"), "--class") as server:
        assert server.is_well()
        for token in (TOKEN, 32 * "b"):
            assert send(server, "talk", talk(token)).status_code == 200
        yield server
        assert server.is_well()
        server.client.close()
        server.secret.unlink()
        # the address, the class's two, and "Closed.": no request of a phone is in the log
        output = server.stop()
        assert output.count("\n") in (4, 5) and TOKEN not in output


def talk(token=TOKEN, **more):
    return {"token": token, "count": 0, "asked": 7} | pad_payload(7) | more


def send(server, route, body=None, **more):
    return server.client.post(f"/class/{route}", **({"json": body} if body else more))


def test_the_attacks_of_the_page_are_all_here():
    names = {name for name in vars(test_hostile) if name.startswith("test_")}
    assert len(names) >= 18 and names <= set(globals())


@pytest.mark.parametrize("path", GUESSES)
def test_no_guessed_address_shows_a_drawing_or_a_file(server, path):
    status, text = gets(path)(server)
    assert status in (404, 405) and '"points"' not in text and "def build" not in text


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
def test_no_request_of_a_phone_or_the_wall_fails_on(server, junk):
    memory = server.memory()
    for field in ("token", "count", "asked", "size", "strokes", "session", "since", "number"):
        for route in CLASS_ROUTES:
            response = send(server, route, talk(**{"count": 5, field: junk}))
            assert response.status_code in (200, 400, 403, 404, 413, 429), response.text
            assert "Traceback" not in response.text and str(ROOT) not in response.text
            assert "onerror" not in response.text
    assert server.is_well() and server.memory() - memory < 60


@pytest.mark.parametrize(
    "more",
    [{"content": NESTED, "headers": JSON}, {"content": endless(), "headers": JSON}]
    + [{"content": bytes(2**20), "headers": JSON}, {"content": b"a", "headers": {}}]
    + [{"files": {"strokes": b"a"}}, {"data": {"token": TOKEN}}],
    ids=["nested", "endless", "large", "untyped", "a file", "a form"],
)
def test_a_body_that_is_no_drawing_is_refused(server, more):
    for route in CLASS_ROUTES:
        response = send(server, route, **more)
        assert response.status_code in (400, 413, 415) and len(response.json()["detail"]) < 200
        if not isinstance(more.get("content"), bytes | None):
            break  # an iterator is used up


def test_guessing_the_key_opens_nothing(server):
    for _ in range(100):
        guess = os.urandom(11).hex()
        assert send(server, "wall", {"token": guess}).status_code == 403
        assert send(server, "act", {"token": guess, "action": "clear"}).status_code == 403
    assert send(server, "wall", {"token": TOKEN}).status_code == 403


def test_another_site_may_not_read_or_send(server):
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    headers |= {"access-control-request-headers": "content-type"}
    for route in CLASS_ROUTES:
        response = server.client.options(f"/class/{route}", headers=headers)
        assert response.headers.get("access-control-allow-origin") in (None, "")
        plain = {"content-type": "text/plain"}
        response = send(server, route, content=json.dumps(talk()), headers=plain)
        assert response.status_code == 415


def test_a_flooding_device_leaves_the_class_available(server):
    def flood(k):
        return send(server, "talk", talk(f"{k % 20:032d}", count=k)).status_code

    with ThreadPoolExecutor(20) as threads:
        assert set(threads.map(flood, range(600))) <= {200, 429, 503}
    assert server.is_well()
    for _ in range(40):  # a phone sends again until its drawing is taken
        status = send(server, "talk", talk(32 * "b", count=1)).status_code
        if status == 200:
            break
        time.sleep(0.1)
    assert status == 200


def test_phones_in_the_network_reach_their_page(server):
    address = find_room_address()
    if address is None:
        pytest.skip("this machine has no network")
    url = f"http://{address}:{server.port}"
    response = httpx.get(f"{url}/join", trust_env=False, timeout=START_LIMIT_S)
    assert response.status_code == 200 and "Inkling" in response.text
    assert f"Phones draw at {url}/join" in server.output()
