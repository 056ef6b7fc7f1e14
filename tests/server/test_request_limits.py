"""What stands before every route: a tiny app behind it, and requests without a network."""

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
UPLOAD = "/gradio_api/upload"
JOIN = "/gradio_api/queue/join"
EVENT = b'{"data": ["%b"]}'
JSON = {"content_type": "application/json"}


async def reads_all(scope, receive, send):
    """Answer 200 once the body has come."""
    while scope["method"] == "POST" and (await receive()).get("more_body"):
        pass
    await answer(send)


async def answer(send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"here you are"})


async def ask(guarded, path, *chunks, end=True, **headers):
    """Send a request whose body comes in chunks; return status, body and headers of the answer."""
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

    await guarded(scope, receive, send)
    body = b"".join(m.get("body", b"") for m in sent)
    headers, more = dict(sent[0]["headers"]), sent[-1].get("more_body", False)
    return SimpleNamespace(status=sent[0]["status"], body=body, headers=headers, more=more)


def asked(*told, app=reads_all, full=False, **more):
    """Return the answer to one request."""
    return run(asyncio.wait_for(ask(before(app, full), *told, **more), 10))


def before(app, full=False):
    """Return a guard of this app, and of a queue that is full or not."""
    return RequestLimits(app, UPLOADS, lambda: full, lambda name: name != "unknown")


@pytest.mark.parametrize(
    "path",
    ["/", "/config", "/theme.css?v=1", "/assets/index.js", "/static/img/logo.svg", "/login"]
    + ["/gradio_api/info", "/gradio_api/call/predict", "/gradio_api/call/predict/0a1b", JOIN]
    + ["/gradio_api/queue/data", "/gradio_api/component_server/", "/gradio_api/heartbeat/a1-b2"]
    + [f"/gradio_api/file={UPLOADS}/a.png"],
)
def test_what_the_page_and_its_clients_need_is_let_through(path):
    assert asked(path).body == b"here you are"


@pytest.mark.parametrize(
    "path",
    ["/gradio_api/run/predict", "/gradio_api/api/predict", "/gradio_api/call/other", "/docs"]
    + ["/gradio_api/component_servers", "/gradio_api/proxy=http://a.hf.space", "/monitoring"]
    + ["/gradio_api/deep_link", "/gradio_api/vibe-code", "/gradio_api/process_recording"]
    + ["/gradio_api/vibe-edit/", "/gradio_api/runs", "/gradio_api/run-history/records"]
    + ["/gradio_api/profiling/traces", "/gradio_api/stream/a/b/0/playlist.m3u8", "/monitoring/a"]
    + ["/gradio_api/file=http://a.example/b", "/gradio_api/file=/etc/passwd", "/file/etc/passwd"]
    + [f"/gradio_api/file={UPLOADS}2/a.png", "/gradio_api/heartbeat/" + 65 * "a", "", "//"],
)
def test_every_other_route_is_not_there(path):
    refused = asked(path)
    assert refused.status == 404 and json.loads(refused.body)["detail"]


def test_reloading_is_for_developers(monkeypatch):
    assert asked(routes.RELOAD_ROUTE).status == 404
    monkeypatch.setenv("GRADIO_WATCH_DIRS", ".")
    assert asked(routes.RELOAD_ROUTE).status == 200


def test_an_address_is_no_longer_than_it_may_be():
    assert asked("/?" + "a" * (request_limits.MAX_URL_BYTES + 1)).status == 414


@pytest.mark.parametrize(
    "path, limit", [(UPLOAD, routes.MAX_UPLOAD_BODY_BYTES), (JOIN, routes.MAX_BODY_BYTES)]
)
def test_a_body_too_large_is_refused_announced_or_not(path, limit):
    whole, mib = EVENT % (b"x" * (limit - len(EVENT % b""))), 2**20
    content = [whole[k : k + mib] for k in range(0, limit, mib)]
    assert asked(path, *content, **JSON).status == 200
    assert asked(path, *content, b" ", **JSON).status == 413
    announced = asked(path, b"x", content_length=str(limit + 1))
    assert announced.status == 413 and announced.headers[b"connection"] == b"close"
    assert asked(path, b"x", content_length="much").status == 413


@pytest.mark.parametrize("size", [1, 7, 10_000], ids="in chunks of {}".format)
def test_an_upload_has_few_parts(size):
    def sent(parts):
        content = b"--edge\r\na" * parts + b"--edge--"
        chunks = [content[k : k + size] for k in range(0, len(content), size)]
        return asked(UPLOAD, *chunks, content_type="multipart/form-data; boundary=edge").status

    assert sent(request_limits.MAX_PARTS) == 200 and sent(request_limits.MAX_PARTS + 1) == 413


def test_a_body_that_stalls_is_ended(monkeypatch):
    monkeypatch.setattr(request_limits, "BODY_IDLE_TIMEOUT_S", 0.01)
    assert asked(UPLOAD, b"x", end=False).status == 408


def test_an_upload_that_fails_tells_gradio_to_remove_its_files(monkeypatch):
    told = []

    async def cleans_up(scope, receive, send):
        try:
            await reads_all(scope, receive, send)
        except request_limits.MultiPartException as error:
            told.append(str(error))

    monkeypatch.setattr(request_limits, "BODY_IDLE_TIMEOUT_S", 0.01)
    asked(UPLOAD, b"x", end=False, app=cleans_up)
    asked(UPLOAD, b"x" * routes.MAX_UPLOAD_BODY_BYTES, b"x", app=cleans_up)
    assert len(told) == 2


def test_no_request_takes_for_ever_but_heartbeats(monkeypatch):
    async def takes_its_time(scope, receive, send):
        for _ in range(10):
            await asyncio.sleep(0)
        await answer(send)

    monkeypatch.setattr(request_limits, "REQUEST_TIMEOUT_S", 0.0)
    assert asked("/gradio_api/queue/data", app=takes_its_time).status == 503
    assert asked("/gradio_api/heartbeat/a", app=takes_its_time).status == 200


def test_places_are_few_and_all_are_given_back(monkeypatch):
    monkeypatch.setattr(request_limits, "MAX_OPEN_REQUESTS", 4)

    async def crowd():
        enough = asyncio.Event()

        async def waits(scope, receive, send):
            await enough.wait()
            await answer(send)

        guarded = before(waits)
        paths = ["/"] * 6 + ["/gradio_api/heartbeat/a"]
        held = [asyncio.create_task(ask(guarded, path)) for path in paths]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        enough.set()
        answers = [told.status for told in await asyncio.gather(*held)]
        return answers, guarded.open

    assert run(crowd()) == ([200] * 4 + [503] * 2 + [200], {})


@pytest.mark.parametrize("path", [JOIN, "/gradio_api/call/predict", "/gradio_api/call/v2/predict"])
def test_a_full_queue_takes_no_event_and_says_so_once_all_of_it_has_come(path, monkeypatch):
    monkeypatch.setattr(request_limits, "BODY_IDLE_TIMEOUT_S", 0.01)
    begun = []

    async def begins(scope, receive, send):
        begun.append(scope["path"])

    told = asked(path, b"an", b"event", app=begins, full=True)
    assert told.status == 503 and not begun
    assert json.loads(told.body) == {"detail": request_limits.BUSY_MESSAGE}
    assert b"connection" not in told.headers  # it is kept: the visitor will try again
    assert asked(path, b"cut off", end=False, full=True).status == 408


@pytest.mark.parametrize("path", ["/", "/gradio_api/queue/data", "/gradio_api/call/predict/0a1b"])
def test_a_full_queue_keeps_nobody_from_the_page_and_from_answers(path):
    assert asked(path, full=True).status == 200


def test_logins_are_tried_a_few_at_a_time(monkeypatch):
    monkeypatch.setattr(request_limits, "MAX_OPEN_LOGINS", 0)
    assert asked("/login", b"x").status == 503 and asked("/config").status == 200


def test_a_request_that_fails_is_answered_and_gives_its_places_back(capsys):
    async def fails(scope, receive, send):
        raise RuntimeError("7" * 1_000)

    guarded = before(fails)
    for _ in range(3):
        told = run(ask(guarded, "/"))
        assert told.status == 500 and json.loads(told.body) == {
            "detail": request_limits.FAILED_MESSAGE
        }
    assert not guarded.open
    (line,) = capsys.readouterr().err.splitlines()  # one a minute
    assert "RuntimeError" in line and "test_request_limits.py, line" in line and len(line) < 500


def test_a_stream_that_fails_is_ended(capsys):
    async def fails_late(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"so far", "more_body": True})
        raise RuntimeError from HTTPException(404)

    told = asked("/gradio_api/queue/data", app=fails_late)
    assert told.status == 200 and told.body == b"so far" and not told.more
    assert capsys.readouterr().err == ""  # the stream has told of it


@pytest.mark.parametrize("path", [JOIN, "/gradio_api/call/predict", "/gradio_api/cancel"])
@pytest.mark.parametrize(
    "body",
    [b"", b"\x89PNG", b"{", b"[]", b"7", b"null", b'{"a": NaN}', b'{"a": 1e999}', b"9" * 5_000]
    + [b'{"a": "\\ud800"}', b'{"a": "\xff"}', b'{"a": ' + b"[" * 2_000 + b"]" * 2_000 + b"}"],
    ids=lambda body: repr(body[:12]),
)
def test_a_call_is_a_json_object_and_nothing_else_is_passed_on(path, body):
    told = asked(path, body, **JSON)
    assert told.status == 400 and json.loads(told.body)["detail"].endswith(endpoint_calls.CALL_HELP)
    assert b"connection" not in told.headers  # all of it has come


@pytest.mark.parametrize("kind", ["", "text/plain", "image/png", "multipart/form-data; boundary=a"])
def test_a_call_is_sent_as_json_so_that_no_other_site_s_form_makes_one(kind):
    assert asked(JOIN, EVENT, content_type=kind).status == 400


def test_a_call_by_names_has_the_picture_alone():
    path = "/gradio_api/call/v2/predict"
    assert asked(path, b'{"picture": null}', **JSON).status == 200
    for body in (b"{}", EVENT, b'{"picture": null, "session_hash": "a"}'):
        assert asked(path, body, **JSON).status == 400


@pytest.mark.parametrize("answer", [(400, b"no boundary"), (200, b"[]")])
def test_an_upload_of_nothing_is_told_what_to_send(answer):
    async def finds_nothing(scope, receive, send):
        await send({"type": "http.response.start", "status": answer[0], "headers": []})
        await send({"type": "http.response.body", "body": answer[1]})

    async def fails(scope, receive, send):
        raise ValueError

    for app in (finds_nothing, fails):
        told = asked(UPLOAD, b"", app=app)
        assert told.status == 400 and told.body.decode() == endpoint_calls.UPLOAD_HELP


def test_an_answer_that_nobody_waits_for_is_not_there():
    for path in ("/gradio_api/call/predict/unknown", "/gradio_api/call/v2/predict/unknown"):
        assert asked(path).status == 404
    assert asked("/gradio_api/call/predict/0a1b").status == 200


@pytest.mark.parametrize("name", ["host", "x_forwarded_host", "x_gradio_server"])
def test_a_host_that_is_none_is_refused(name):
    for host in ("[::1", "a:b", "a b", 'a"b', "1.2.3.999", "a/b"):
        assert asked("/", **{name: host}).status == 400
    for host in ("", "a.example", "127.0.0.1:7860", "[::1]:7860", "a-b.hf.space, 10.0.0.1"):
        assert asked("/", **{name: host}).status == 200


def test_one_range_is_asked_for_at_a_time():
    assert asked(f"/gradio_api/file={UPLOADS}/a.png", range="bytes=0-1,2-3").status == 416
    assert asked(f"/gradio_api/file={UPLOADS}/a.png", range="bytes=0-1").status == 200


def test_what_is_uploaded_in_a_minute_is_limited(monkeypatch):
    monkeypatch.setattr(request_limits, "MAX_UPLOAD_RATE", 3 * request_limits.MIN_UPLOAD_COST_BYTES)
    guarded = before(reads_all)
    for minute in (0.0, 61.0):
        clock = SimpleNamespace(monotonic=lambda minute=minute: minute)
        monkeypatch.setattr(request_limits, "time", clock)
        statuses = [run(ask(guarded, UPLOAD, b"picture")).status for _ in range(4)]
        assert statuses == [200, 200, 429, 429]
