"""Attacks on the real server fail, and it stays available."""

import contextlib
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import ROOT, wait_until

from inkling.server.endpoint_calls import UPLOAD_HELP
from inkling.server.request_limits import MAX_OPEN_REQUESTS
from tests import untrusted_client as client
from tests.app_process import START_LIMIT_S
from tests.untrusted_client import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Return the running app."""
    with Server(tmp_path_factory.mktemp("server")) as server:
        assert server.is_well()
        yield server
        assert server.is_well()
        server.client.close()
        server.secret.unlink()
        # the address and "Closed.": no attack has filled the log
        assert server.stop().count("\n") == 2


@pytest.fixture
def quiet(server):
    """Return the running app; nothing may be added to its log."""
    before = server.output()
    yield server
    assert server.output() == before


def connect(server):
    """Return a connection to the server."""
    return socket.create_connection(("127.0.0.1", server.port), START_LIMIT_S)


def is_a_sentence(text):
    """Return whether a response is one sentence, without the request or a traceback."""
    with contextlib.suppress(ValueError):
        text = json.loads(text)["detail"]
    return isinstance(text, str) and 0 < len(text) < 400 and "\n" not in text


@pytest.mark.parametrize("attempt", client.ATTEMPTS.values(), ids=client.ATTEMPTS)
def test_a_client_cannot(server, attempt):
    memory, (stored, _) = server.memory(), server.stored()
    status, text = attempt(server)
    assert status >= 400, text[:500]
    for hidden in ("root:x:", "def build_demo", "Traceback", str(ROOT), '"digit"', "\x89PNG"):
        assert hidden not in text
    assert server.get("/healthz") == (200, '{"status":"ok"}')
    assert server.memory() - memory < 40
    assert server.stored()[0] - stored < 2**20
    wait_until(lambda: not server.stored()[1])


def test_a_path_that_is_no_upload_does_not_reach_gradio(server):
    """Gradio would fetch any public URL, and check other paths only after a look at the file."""
    for path in client.PATHS:
        named = path.format(server=server) if isinstance(path, str) else path
        for mark in ({}, {"meta": client.FILE}):
            assert server.predict({"path": path} | mark)[0] == 400
            assert server.act("picture", {"path": named} | mark)[0] == 400


@pytest.mark.parametrize("more", client.SENT_WRONG.values(), ids=client.SENT_WRONG)
def test_an_invalid_call_gets_a_sentence(quiet, more):
    for route in ("call/predict", "call/v2/predict", "queue/join", "cancel"):
        status, text = quiet.post(route, **more)
        assert 400 <= status < 500 and is_a_sentence(text), text[:500]


@pytest.mark.parametrize("more", client.UPLOADED_WRONG.values(), ids=client.UPLOADED_WRONG)
def test_an_upload_without_a_file_gets_a_sentence(quiet, more):
    assert quiet.post("upload", **more) == (400, UPLOAD_HELP)


@pytest.mark.parametrize(
    "path",
    ["call/predict/none", "call/v2/predict/none", f"call/predict/{32 * '0'}", "queue/data"]
    + ["upload_progress", "call/predict", "upload", "file={server.uploads}/none.png"],
)
def test_an_unknown_event_or_file_gets_a_sentence(server, path):
    for method in ("GET", "PUT", "DELETE", "OPTIONS", "PATCH"):
        url = f"/gradio_api/{path.format(server=server)}"
        response = server.client.request(
            method, url, content=client.PNG if method == "PUT" else None
        )
        assert 400 <= response.status_code < 500 and is_a_sentence(response.text)


def test_the_page_learns_that_the_server_dropped_its_session(server):
    status, text = server.get("/gradio_api/queue/data?session_hash=dropped")
    assert status == 200 and '"session_not_found":true' in text  # the page reloads then


def test_data_that_is_no_http_is_not_logged(quiet):
    tls = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    for data in (b"\xff\xff\r\n\r\n", b"GET\r\n\r\n", tls):
        with connect(quiet) as connection:
            connection.sendall(data)
            assert b" 400 " in connection.recv(100)


def test_an_upload_is_read_whatever_its_name(server):
    assert '"text": "7"' in server.predict({"path": server.upload()})[1]  # the least that is needed
    for name in ("7.gif", "7.svg", "7", "sieben ü.png"):
        _, text = server.predict(
            {"path": server.upload(name), "orig_name": name, "meta": client.FILE}
        )
        assert '"text": "7"' in text


@pytest.mark.parametrize("junk", client.JUNK.values(), ids=client.JUNK)
def test_no_event_of_the_page_fails_on(server, junk):
    """Every private event gets junk as values and as event data."""
    memory = server.memory()
    picked = {"pick": junk, "index": junk, "value": junk, "_data": junk}
    for event in server.events:
        if event["api_name"] == "train":  # with valid values it trains
            continue
        for event_data in (junk, picked):
            status, text = server.event(event["id"], [junk] * len(event["inputs"]), event_data)
            assert status in (200, 400, 413, 500)
            assert "Traceback" not in text and str(ROOT) not in text and "onerror" not in text
    for name in ("sketch", "picture", "example", "digit", "choose", "compare", "edit", "report"):
        assert server.act(name, junk)[0] in (200, 400, 413)
    for data in ({"actions": junk}, {"actions": [junk]}, {"actions": [[junk, junk]]}):
        request = server.read_request("a", data=data)
        assert server.post("component_server/", json=request)[0] in (200, 413)
    assert server.is_well() and server.memory() - memory < 60


def test_an_incomplete_upload_leaves_no_file(server):
    before = set(server.uploads.iterdir())
    for size in (1, 1_000, 100_000):
        with connect(server) as connection:
            content = client.PART % (b"a.png", bytes(size))
            head = "POST /gradio_api/upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n"
            connection.sendall(
                f"{head}Content-Type: {client.FORM['content-type']}\r\n\r\n".encode() + content
            )
            wait_until(lambda: set(server.uploads.iterdir()) - before)
    wait_until(lambda: set(server.uploads.iterdir()) <= before)
    assert server.is_well()


@pytest.mark.parametrize(
    "name",
    ["../../../app.py", "..\\app.py", "/etc/cron.d/a", "a" * 5_000, ".", "..", "", "a\0.png"],
)
def test_an_upload_stays_in_its_folder_whatever_its_name(server, name):
    source = (ROOT / "app.py").read_bytes()
    status, text = server.post("upload", **client.form((name.encode(), b"overwritten")))
    if status == 200:
        (path,) = json.loads(text)
        assert Path(path).resolve().parent.parent == server.uploads.resolve()
    assert (ROOT / "app.py").read_bytes() == source


@pytest.mark.parametrize("name", ["a.html", "a.svg", "a.xml", "a.js"])
def test_an_uploaded_script_is_not_executed(server, name):
    path = server.upload(name, b"<script>alert(1)</script>")
    response = server.client.get(f"/gradio_api/file={path}")
    assert response.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize(
    "more",
    [{"data": client.NESTED.decode()}, {"data": {"size": 1e308, "strokes": [{"points": [1e308]}]}}]
    + [{"data": {"size": 1, "strokes": 99 * [{"width": 1, "erases": 0, "points": 999 * [0]}]}}]
    + [{"fn_name": name} for name in ("__init__", "connect")]
    + [{"component_id": part} for part in (0, 10**6, "x")]
    + [{"session_hash": name} for name in (None, 99 * "a")],
    ids=str,
)
def test_no_request_of_the_pad_fails(server, more):
    status, text = server.post("component_server/", json=server.read_request(**more))
    assert 400 <= status < 500 and len(text) < 300 or status == 200 and len(text) < 20_000
    assert status != 200 or "data" in more
    for body in (client.NESTED, b"", b"{}", b"[]", b"\xff", b'{"data": NaN}'):
        assert 400 <= server.post("component_server", content=body, headers=client.JSON)[0] < 500


def test_a_flood_of_reads_leaves_the_server_available(server):
    requests = [server.read_request(name) for name in ("greedy", *map(str, range(6)))]
    with ThreadPoolExecutor(24) as threads:
        send = lambda request: server.post("component_server/", json=request)[0]  # noqa: E731
        assert set(threads.map(send, 9 * requests)) <= {200, 503}
    assert server.is_well()


def test_a_session_that_fetches_no_results_has_to_wait(server):
    call = {"data": [None], "fn_index": 0, "session_hash": "greedy"}
    statuses = {server.post("queue/join", json=call)[0] for _ in range(40)}
    assert statuses == {200, 503} and server.is_well()


def test_many_idle_pages_leave_the_server_available(server):
    with contextlib.ExitStack() as idle:
        pages = [idle.enter_context(connect(server)) for _ in range(MAX_OPEN_REQUESTS + 20)]
        for k, page in enumerate(pages):
            page.sendall(f"GET /gradio_api/heartbeat/{k} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert pages[-1].recv(12) == b"HTTP/1.1 503" and pages[0].recv(12) == b"HTTP/1.1 200"
        assert server.is_well()
    wait_until(lambda: server.get("/theme.css")[0] == 200)


def test_another_site_s_page_gets_no_response(server):
    headers = {"origin": "https://evil.example", "host": f"127.0.0.1:{server.port}"}
    response = server.client.get("/config", headers=headers)
    assert response.headers.get("access-control-allow-origin") in (None, "")


@pytest.mark.parametrize("path", ["/", "/config", "/gradio_api/info", "/?deep_link=../../etc"])
def test_the_page_reveals_no_path_of_the_machine(server, path):
    status, text = server.get(path)
    assert status == 200 and text
    for hidden in (str(ROOT), str(server.folder), f"{Path.home()}/"):
        assert hidden not in text
