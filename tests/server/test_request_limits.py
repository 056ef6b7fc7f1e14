"""Requests above a limit are rejected before the app, here a tiny one, gets them."""

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import run
from starlette.exceptions import HTTPException

from inkling.server import endpoint_calls, request_limits, routes
from inkling.server.request_limits import RequestLimits

UPLOADS = Path("/tmp/uploads")
UPLOAD, JOIN = "/gradio_api/upload", "/gradio_api/queue/join"
CALL, CALL_BY_NAME = "/gradio_api/call/predict", "/gradio_api/call/v2/predict"
FILE = f"/gradio_api/file={UPLOADS}/a.png"
EVENT = b'{"data": ["%b"]}'
JSON = {"content_type": "application/json"}
OPEN = [
    *("/", "/config", "/theme.css?v=1", "/assets/index.js", "/static/img/logo.svg", "/login"),
    *("/gradio_api/info", CALL, f"{CALL}/0a1b", JOIN, "/gradio_api/queue/data", FILE),
    *("/gradio_api/component_server/", "/gradio_api/heartbeat/a1-b2"),
]
CLOSED = [
    *("/gradio_api/run/predict", "/gradio_api/api/predict", "/gradio_api/call/other", "/docs"),
    *("/gradio_api/component_servers", "/gradio_api/proxy=http://a.hf.space", "/monitoring"),
    *("/gradio_api/deep_link", "/gradio_api/vibe-code", "/gradio_api/process_recording"),
    *("/gradio_api/vibe-edit/", "/gradio_api/runs", "/gradio_api/run-history/records"),
    *(
        "/gradio_api/profiling/traces",
        "/gradio_api/stream/a/b/0/playlist.m3u8",
        "/monitoring/summary",
    ),
    *("/gradio_api/file=http://a.example/b", "/gradio_api/file=/etc/passwd", "/file/etc/passwd"),
    *(f"/gradio_api/file={UPLOADS}2/a.png", "/gradio_api/heartbeat/" + 65 * "a", "", "//"),
    *(f"{CALL}/unknown", f"{CALL_BY_NAME}/unknown"),  # results
]
VALID_HOSTS = ["", "a.example", "127.0.0.1:7860", "[::1]:7860", "a-b.hf.space, 10.0.0.1"]
INVALID_HOSTS = ["[::1", "a:b", "a b", 'a"b', "1.2.3.999", "a/b"]
NO_JSON = [
    *(b"", b"\x89PNG", b"{", b"[]", b"7", b"null", b'{"a": NaN}', b'{"a": 1e999}', b"9" * 5_000),
    *(b'{"a": "\\ud800"}', b'{"a": "\xff"}', b'{"a": ' + b"[" * 2_000 + b"]" * 2_000 + b"}"),
]
REQUESTS = [  # status, path, body, headers
    *((200, path, (), {}) for path in OPEN),
    *((404, path, (), {}) for path in CLOSED),
    (414, "/?" + "a" * (request_limits.MAX_URL_BYTES + 1), (), {}),
    (416, FILE, (), {"range": "bytes=0-1,2-3"}),
    (200, FILE, (), {"range": "bytes=0-1"}),
    (200, CALL_BY_NAME, [b'{"picture": null}'], JSON),
    (400, CALL_BY_NAME, [b"{}"], JSON),
    (400, CALL_BY_NAME, [EVENT], JSON),
    (400, CALL_BY_NAME, [b'{"picture": null, "session_hash": "a"}'], JSON),
    # another site's form must not be a call
    *((400, JOIN, [EVENT], {"content_type": kind}) for kind in ("", "text/plain", "image/png")),
    (400, JOIN, [EVENT], {"content_type": "multipart/form-data; boundary=a"}),
    *(
        (400 if host in INVALID_HOSTS else 200, "/", (), {header: host})
        for header in ("host", "x_forwarded_host", "x_gradio_server")
        for host in VALID_HOSTS + INVALID_HOSTS
    ),
]


async def answer(send, status=200, body=b"here you are", more=False):
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def read_all(scope, receive, send):
    """Answer 200 once the body has arrived."""
    while scope["method"] == "POST" and (await receive()).get("more_body"):
        pass
    await answer(send)


async def fail(scope, receive, send):
    raise RuntimeError("7" * 1_000)


async def send_request(limits, path, *chunks, end=True, **headers):
    """Send a request with its body in chunks; return status, body and headers of the response."""
    url, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": "POST" if chunks else "GET",
        "path": url,
        "query_string": query.encode(),
        "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()],
        "client": ("127.0.0.1", 1),
    }
    messages = [{"type": "http.request", "body": c, "more_body": True} for c in chunks]
    if end and messages:
        messages[-1]["more_body"] = False
    sent = []

    async def receive():
        return messages.pop(0) if messages else await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    await limits(scope, receive, send)
    body = b"".join(m.get("body", b"") for m in sent)
    headers, more = dict(sent[0]["headers"]), sent[-1].get("more_body", False)
    return SimpleNamespace(status=sent[0]["status"], body=body, headers=headers, more=more)


def add_limits(app, full=False):
    """Return an app with limits, and with a queue that is full or not."""
    return RequestLimits(app, UPLOADS, lambda: full, lambda name: name != "unknown")


def request(*args, app=read_all, full=False, **more):
    """Return the response to one request."""
    return run(asyncio.wait_for(send_request(add_limits(app, full), *args, **more), 10))


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(request_limits, "BODY_IDLE_TIMEOUT_S", 0.01)


@pytest.mark.parametrize("status, path, body, headers", REQUESTS)
def test_only_valid_requests_of_open_routes_are_forwarded(status, path, body, headers):
    response = request(path, *body, **headers)
    assert response.status == status
    assert response.body == b"here you are" or json.loads(response.body)["detail"]


def test_more_paths_are_open_under_the_same_limits():
    limits = RequestLimits(read_all, UPLOADS, lambda: False, lambda _: True, {"/join", "/more"})
    for path, status in (("/join", 200), ("/more", 200), ("/join/", 404), ("/more/join", 404)):
        assert run(send_request(limits, path)).status == status
    assert run(send_request(limits, "/more", b"x" * (routes.MAX_BODY_BYTES + 1))).status == 413
    assert request("/join").status == 404


def test_reloading_is_for_developers(monkeypatch):
    assert request(routes.RELOAD_ROUTE).status == 404
    monkeypatch.setenv("GRADIO_WATCH_DIRS", ".")
    assert request(routes.RELOAD_ROUTE).status == 200


@pytest.mark.parametrize("path", [UPLOAD, JOIN])
def test_a_large_body_is_rejected_announced_or_not(path):
    limit = routes.max_body_bytes(path)
    whole, mib = EVENT % (b"x" * (limit - len(EVENT % b""))), 2**20
    content = [whole[k : k + mib] for k in range(0, limit, mib)]
    assert request(path, *content, **JSON).status == 200
    assert request(path, *content, b" ", **JSON).status == 413
    announced = request(path, b"x", content_length=str(limit + 1))
    assert announced.status == 413 and announced.headers[b"connection"] == b"close"
    assert request(path, b"x", content_length="much").status == 413


@pytest.mark.parametrize("size", [1, 7, 10_000], ids="in chunks of {}".format)
def test_an_upload_has_few_parts(size):
    for parts, status in ((request_limits.MAX_PARTS, 200), (request_limits.MAX_PARTS + 1, 413)):
        content = b"--edge\r\na" * parts + b"--edge--"
        chunks = [content[k : k + size] for k in range(0, len(content), size)]
        form = {"content_type": "multipart/form-data; boundary=edge"}
        assert request(UPLOAD, *chunks, **form).status == status


def test_a_stalled_body_is_rejected(impatient):
    assert request(UPLOAD, b"x", end=False).status == 408


def test_after_a_failed_upload_gradio_removes_its_files(impatient):
    errors = []

    async def clean_up(scope, receive, send):
        try:
            await read_all(scope, receive, send)
        except request_limits.MultiPartException as error:
            errors.append(str(error))

    request(UPLOAD, b"x", end=False, app=clean_up)
    request(UPLOAD, b"x" * routes.MAX_UPLOAD_BODY_BYTES, b"x", app=clean_up)
    assert len(errors) == 2


def test_every_request_but_a_heartbeat_has_a_timeout(monkeypatch):
    async def wait(scope, receive, send):
        for _ in range(10):
            await asyncio.sleep(0)
        await answer(send)

    monkeypatch.setattr(request_limits, "REQUEST_TIMEOUT_S", 0.0)
    assert request("/gradio_api/queue/data", app=wait).status == 503
    assert request("/gradio_api/heartbeat/a", app=wait).status == 200


def test_open_requests_are_limited_and_counted_down(monkeypatch):
    monkeypatch.setattr(request_limits, "MAX_OPEN_REQUESTS", 4)

    async def crowd():
        enough = asyncio.Event()

        async def wait(scope, receive, send):
            await enough.wait()
            await answer(send)

        limits = add_limits(wait)
        paths = ["/"] * 6 + ["/gradio_api/heartbeat/a"]
        tasks = [asyncio.create_task(send_request(limits, path)) for path in paths]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        enough.set()
        return [response.status for response in await asyncio.gather(*tasks)], limits.open

    assert run(crowd()) == ([200] * 4 + [503] * 2 + [200], {})


@pytest.mark.parametrize("path", [JOIN, CALL, CALL_BY_NAME])
def test_a_full_queue_rejects_an_event_once_its_body_has_arrived(path, impatient):
    response = request(path, b"an", b"event", app=fail, full=True)
    assert response.status == 503
    assert json.loads(response.body) == {"detail": request_limits.BUSY_MESSAGE}
    assert b"connection" not in response.headers  # it stays open for the retry
    assert request(path, b"cut off", end=False, full=True).status == 408


@pytest.mark.parametrize("path", ["/", "/gradio_api/queue/data", f"{CALL}/0a1b"])
def test_a_full_queue_does_not_block_the_page_and_results(path):
    assert request(path, full=True).status == 200


def test_open_logins_are_limited(monkeypatch):
    monkeypatch.setattr(request_limits, "MAX_OPEN_LOGINS", 0)
    assert request("/login", b"x").status == 503 and request("/config").status == 200


def test_a_failed_request_gets_a_response_and_is_counted_down(capsys):
    limits = add_limits(fail)
    for _ in range(3):
        response = run(send_request(limits, "/"))
        assert response.status == 500
        assert json.loads(response.body) == {"detail": request_limits.FAILED_MESSAGE}
    assert not limits.open
    (line,) = capsys.readouterr().err.splitlines()  # one a minute
    assert "RuntimeError" in line and "test_request_limits.py, line" in line and len(line) < 500


def test_a_failed_stream_is_ended(capsys):
    async def fail_late(scope, receive, send):
        await answer(send, body=b"so far", more=True)
        raise RuntimeError from HTTPException(404)

    response = request("/gradio_api/queue/data", app=fail_late)
    assert response.status == 200 and response.body == b"so far" and not response.more
    assert capsys.readouterr().err == ""  # the stream reports it


@pytest.mark.parametrize("path", [JOIN, CALL, "/gradio_api/cancel"])
@pytest.mark.parametrize("body", NO_JSON, ids=lambda body: repr(body[:12]))
def test_a_call_without_a_json_object_gets_the_remedy(path, body):
    response = request(path, body, **JSON)
    assert response.status == 400
    assert json.loads(response.body)["detail"].endswith(endpoint_calls.CALL_HELP)
    assert b"connection" not in response.headers  # the body has arrived


@pytest.mark.parametrize("status, body", [(400, b"no boundary"), (200, b"[]"), (None, b"")])
def test_an_upload_without_a_file_gets_the_remedy(status, body):
    async def find_no_file(scope, receive, send):
        await answer(send, status, body)

    response = request(UPLOAD, b"", app=find_no_file if status else fail)
    assert response.status == 400 and response.body.decode() == endpoint_calls.UPLOAD_HELP


def test_uploads_in_a_minute_are_limited(monkeypatch):
    monkeypatch.setattr(request_limits, "MAX_UPLOAD_RATE", 3 * request_limits.MIN_UPLOAD_COST_BYTES)
    limits = add_limits(read_all)
    for minute in (0.0, 61.0):
        clock = SimpleNamespace(monotonic=lambda minute=minute: minute)
        monkeypatch.setattr(request_limits, "time", clock)
        statuses = [run(send_request(limits, UPLOAD, b"picture")).status for _ in range(4)]
        assert statuses == [200, 200, 429, 429]
