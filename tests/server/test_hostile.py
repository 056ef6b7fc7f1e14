"""What strangers try against the real server: none of it works, and the server stays well."""

import contextlib
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import ROOT, until

from inkling.server import request_limits
from inkling.server.endpoint_calls import UPLOAD_HELP
from tests.app_process import START_LIMIT_S
from tests.untrusted_client import (
    ATTEMPTS,
    FILE,
    FORM,
    JSON,
    JUNK,
    NESTED,
    PART,
    PATHS,
    PNG,
    SENT_WRONG,
    UPLOADED_WRONG,
    Server,
    form,
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Return the running app."""
    with Server(tmp_path_factory.mktemp("server")) as server:
        assert server.is_well()
        yield server
        assert server.is_well()
        server.client.close()
        server.secret.unlink()
        # where it is, and that it is closed: nothing that was tried has filled its log
        assert server.stop().count("\n") == 2


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
def test_a_stranger_does_not(server, attempt):
    memory, (stored, _) = server.memory(), server.stored()
    status, told = attempt(server)
    assert status >= 400, told[:500]
    for hidden in ("root:x:", "def build_demo", "Traceback", str(ROOT)):
        assert hidden not in told
    assert '"digit"' not in told and "\x89PNG" not in told
    assert server.get("/healthz")[0] == 200
    assert server.memory() - memory < 40
    assert server.stored()[0] - stored < 2**20
    until(lambda: not server.stored()[1])


def test_a_path_that_is_no_upload_gets_nowhere_near_gradio(server):
    """Gradio would fetch any public address, and say no to others only after a look."""
    for path in PATHS:
        for mark in ({}, {"meta": FILE}):
            assert server.predict({"path": path} | mark)[0] == 400
            named = path.format(server=server) if isinstance(path, str) else path
            assert server.ask("picture", {"path": named} | mark)[0] == 400


def is_a_sentence(told):
    """Tell whether an answer is one, and not what was sent or where it failed."""
    with contextlib.suppress(ValueError):
        told = json.loads(told)["detail"]
    return isinstance(told, str) and len(told) < 400 and told.count("\n") == 0 and told != ""


@pytest.mark.parametrize("more", SENT_WRONG.values(), ids=SENT_WRONG)
def test_a_picture_sent_wrong_is_answered_with_a_sentence(server, more):
    before = server.said()
    for route in ("call/predict", "call/v2/predict", "queue/join", "cancel"):
        status, told = server.post(route, **more)
        assert 400 <= status < 500 and is_a_sentence(told), told[:500]
    assert server.said() == before


@pytest.mark.parametrize("more", UPLOADED_WRONG.values(), ids=UPLOADED_WRONG)
def test_an_upload_of_no_file_is_answered_with_a_sentence(server, more):
    before = server.said()
    assert server.post("upload", **more) == (400, UPLOAD_HELP)
    assert server.said() == before


@pytest.mark.parametrize(
    "path",
    ["call/predict/none", "call/v2/predict/none", f"call/predict/{32 * '0'}", "queue/data"]
    + ["upload_progress", "call/predict", "upload", "file={server.uploads}/none.png"],
)
def test_what_is_not_there_is_answered_with_a_sentence(server, path):
    for method in ("GET", "PUT", "DELETE", "OPTIONS", "PATCH"):
        url = f"/gradio_api/{path.format(server=server)}"
        answer = server.client.request(method, url, content=PNG if method == "PUT" else None)
        assert 400 <= answer.status_code < 500 and is_a_sentence(answer.text)


def test_an_answer_is_fetched_once(server):
    _, told = server.post("call/predict", json={"data": [None]})
    path = f"/gradio_api/call/predict/{json.loads(told)['event_id']}"
    assert server.get(path)[0] == 200 and server.get(path)[0] == 404


def test_a_session_that_the_server_has_forgotten_is_told_so(server):
    status, told = server.get("/gradio_api/queue/data?session_hash=forgotten")
    assert status == 200 and '"session_not_found":true' in told  # so the page knows to reload


@pytest.mark.parametrize("host", ["[::1", "a:b", "1.2.3.999", 'a"b'])
def test_no_event_is_upset_by_a_host_that_is_none(server, host):
    headers = {"x-forwarded-host": host}
    for path in ("/", "/config", "/gradio_api/info"):
        assert server.client.get(path, headers=headers).status_code == 400
    assert server.post("call/predict", json={"data": [None]}, headers=headers)[0] == 400


def test_no_line_of_the_log_is_about_what_is_no_http(server):
    before = server.said()
    tls = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    for sent in (b"\xff\xff\r\n\r\n", b"GET\r\n\r\n", tls):
        address = ("127.0.0.1", server.port)
        with socket.create_connection(address, timeout=START_LIMIT_S) as stranger:
            stranger.sendall(sent)
            assert b" 400 " in stranger.recv(100)
    assert server.said() == before


def test_an_upload_within_the_limits_is_read_however_it_is_called(server):
    assert '"text": "7"' in server.predict({"path": server.upload()})[1]  # all that a call needs
    for name in ("7.gif", "7.svg", "7", "sieben ü.png"):
        _, told = server.predict({"path": server.upload(name), "orig_name": name, "meta": FILE})
        assert '"text": "7"' in told


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
def test_no_event_of_the_page_is_upset_by(server, junk):
    """Every private event is called, with junk where a page sends values and what was picked."""
    memory = server.memory()
    picked = {"pick": junk, "index": junk, "value": junk, "_data": junk}
    for event in server.events:
        if event["api_name"] == "train":  # which trains, if asked well
            continue
        for event_data in (junk, picked):
            status, told = server.event(event["id"], [junk] * len(event["inputs"]), event_data)
            assert status in (200, 400, 413, 500)
            assert "Traceback" not in told and str(ROOT) not in told and "onerror" not in told
    for name in ("sketch", "picture", "example", "digit", "choose", "compare", "edit", "report"):
        assert server.ask(name, junk)[0] in (200, 400, 413)
    for data in ({"actions": junk}, {"actions": [junk]}, {"actions": [[junk, junk]]}):
        told = server.question("a", data=data)
        assert server.post("component_server/", json=told)[0] in (200, 413)
    assert server.is_well() and server.memory() - memory < 60


def test_an_upload_that_is_cut_off_leaves_nothing(server):
    before = set(server.uploads.iterdir())
    for size in (1, 1_000, 100_000):
        with socket.create_connection(("127.0.0.1", server.port)) as cut:
            content = PART % (b"a.png", bytes(size))
            head = "POST /gradio_api/upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n"
            cut.sendall(f"{head}Content-Type: {FORM['content-type']}\r\n\r\n".encode() + content)
            until(lambda: set(server.uploads.iterdir()) - before)
    until(lambda: set(server.uploads.iterdir()) <= before)
    assert server.is_well()


@pytest.mark.parametrize(
    "name",
    ["../../../app.py", "..\\app.py", "/etc/cron.d/a", "a" * 5_000, ".", "..", "", "a\0.png"],
)
def test_an_upload_stays_where_uploads_lie_whatever_its_name(server, name):
    source = (ROOT / "app.py").read_bytes()
    status, told = server.post("upload", **form((name.encode(), b"overwritten")))
    if status == 200:
        (path,) = json.loads(told)
        assert Path(path).resolve().parent.parent == server.uploads.resolve()
    assert (ROOT / "app.py").read_bytes() == source


@pytest.mark.parametrize("name", ["a.html", "a.svg", "a.xml", "a.js"])
def test_an_uploaded_page_is_not_shown_as_one(server, name):
    path = server.upload(name, b"<script>alert(1)</script>")
    answer = server.client.get(f"/gradio_api/file={path}")
    assert answer.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize(
    "more",
    [{"data": NESTED.decode()}, {"data": {"size": 1e308, "strokes": [{"points": [1e308]}]}}]
    + [{"data": {"size": 1, "strokes": 99 * [{"width": 1, "erases": 0, "points": 999 * [0]}]}}]
    + [{"fn_name": "__init__"}, {"component_id": 0}, {"session_hash": 999 * "a"}],
    ids=str,
)
def test_whatever_a_pad_asks_the_page_is_well_and_the_log_stays_short(server, more):
    status, told = server.post("component_server/", json=server.question(**more))
    assert status in (200, 400, 404) and len(told) < 20_000
    for body in (NESTED, b"", b"{}", b"[]", b"\xff", b'{"data": NaN}'):
        assert 400 <= server.post("component_server", content=body, headers=JSON)[0] < 500


def test_who_asks_without_end_keeps_nobody_out(server):
    asked = [server.question("greedy"), *(server.question(f"many-{k}") for k in range(6))]
    with ThreadPoolExecutor(24) as many:
        answers = list(many.map(lambda one: server.post("component_server/", json=one), 9 * asked))
    assert {status for status, _ in answers} <= {200, 503} and server.is_well()


def test_who_never_fetches_answers_is_told_to_wait(server):
    call = {"data": [None], "fn_index": 0, "session_hash": "greedy"}
    answers = [server.post("queue/join", json=call)[0] for _ in range(40)]
    assert set(answers) == {200, 503} and server.is_well()


def test_many_idle_pages_keep_nobody_out(server):
    with contextlib.ExitStack() as idle:
        pages = []
        for k in range(request_limits.MAX_OPEN_REQUESTS + 20):
            address = ("127.0.0.1", server.port)
            pages.append(idle.enter_context(socket.create_connection(address, START_LIMIT_S)))
            head = f"GET /gradio_api/heartbeat/{k} HTTP/1.1\r\nHost: a\r\n\r\n"
            pages[-1].sendall(head.encode())
        assert pages[-1].recv(12) == b"HTTP/1.1 503" and pages[0].recv(12) == b"HTTP/1.1 200"
        assert server.is_well()
    until(lambda: server.get("/theme.css")[0] == 200)


def test_another_site_s_page_may_not_ask_in_a_visitor_s_name(server):
    headers = {"origin": "https://evil.example", "host": f"127.0.0.1:{server.port}"}
    answer = server.client.get("/config", headers=headers)
    assert answer.headers.get("access-control-allow-origin") in (None, "")


@pytest.mark.parametrize("path", ["/", "/config", "/gradio_api/info", "/?deep_link=../../etc"])
def test_the_page_tells_nothing_of_the_machine(server, path):
    status, told = server.get(path)
    assert status == 200 and told
    for hidden in (str(ROOT), str(server.folder), f"{Path.home()}/"):
        assert hidden not in told
