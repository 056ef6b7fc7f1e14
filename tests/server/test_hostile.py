"""What strangers try against the real server: none of it works, and the server stays well."""

import contextlib
import gzip
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest
from conftest import ROOT, sketch
from conftest import told as pad_told
from PIL import Image

from inkling.server import request_limits
from inkling.server.endpoint_calls import UPLOAD

PATIENCE = 60  # seconds until something counts as not happening
PROMPT = 3.0  # seconds for an answer, on cores that others use too
PICTURE = "file.png"
FILE = {"_type": "gradio.FileData"}
FORM = {"content-type": "multipart/form-data; boundary=edge"}
JSON = {"content-type": "application/json"}
PART = b'--edge\r\nContent-Disposition: form-data; name="files"; filename="%b"\r\n\r\n%b\r\n'


class Server:
    """The app as a user starts it, and what can be seen of it from outside."""

    def __init__(self, folder, **environment):
        """Start it; its temporary folder lies in `folder`."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        self.secret = folder / "secret.png"
        self.seven = folder / "seven.png"
        Image.fromarray(sketch(4)).save(self.secret)
        Image.fromarray(sketch(7)).save(self.seven)
        self.log = folder / "log.txt"
        environment = os.environ | environment | {"TMPDIR": str(folder), "OMP_NUM_THREADS": "1"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "app.py", "--port", str(self.port)],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )
        wait_until(lambda: "Inkling is at" in self.log.read_text(), PATIENCE)
        (self.uploads,) = folder.glob("inkling-*")

    def stop(self):
        """Stop it, and check that nothing that was tried has filled its log."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        assert len(self.log.read_text().splitlines()) == 2  # where it is, and that it is closed

    def get(self, path):
        """Ask for a path exactly as it is written; return status and text of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.putrequest("GET", path.format(server=self))
            connection.endheaders()
            answer = connection.getresponse()
            return answer.status, answer.read(5_000_000).decode(errors="replace")
        finally:
            connection.close()

    def post(self, path, **more):
        answer = httpx.post(f"{self.url}/gradio_api/{path}", timeout=PATIENCE, **more)
        return answer.status_code, answer.text

    def event(self, number, data, event_data=None, session=None):
        """Have an event run; return a status (that of the queue, or 500 if it fails), and text."""
        session = session or os.urandom(8).hex()
        call = {"data": data, "fn_index": number, "session_hash": session}
        status, told = self.post("queue/join", json=call | {"event_data": event_data})
        if status != 200:
            return status, told
        stream = httpx.get(
            f"{self.url}/gradio_api/queue/data?session_hash={session}",
            timeout=PATIENCE,
        )
        done = [json.loads(line[6:]) for line in stream.text.splitlines() if line[:6] == "data: "]
        (last,) = [message for message in done if message["msg"] == "process_completed"]
        return (200 if last["success"] else 500), json.dumps(last["output"])

    def predict(self, picture):
        """Call the public endpoint; return a status and the text of the answer."""
        if isinstance(picture, dict):
            picture = {
                k: v.format(server=self) if k == "path" and isinstance(v, str) else v
                for k, v in picture.items()
            }
        status, told = self.post("call/predict", json={"data": [picture]})
        if status != 200:
            return status, told
        event = json.loads(told)["event_id"]
        answer = httpx.get(f"{self.url}/gradio_api/call/predict/{event}", timeout=PATIENCE)
        return (200 if "event: complete" in answer.text else 500), answer.text

    def upload(self, name="seven.png", content=None):
        """Upload a picture; return where it lies now."""
        content = self.seven.read_bytes() if content is None else content
        status, told = self.post("upload", files={"files": (name, content)})
        assert status == 200, told
        return json.loads(told)[0]

    def is_well(self):
        """Tell whether a picture is still read, rightly, and promptly at one of three tries."""
        for _ in range(3):  # cores are shared
            begun = time.monotonic()
            _, told = self.predict({"path": self.upload(), "meta": FILE})
            if '"text": "7"' not in told or time.monotonic() - begun < PROMPT:
                break
        return '"text": "7"' in told and time.monotonic() - begun < PROMPT

    def memory(self):
        """Return the memory it holds, in MB."""
        return psutil.Process(self.process.pid).memory_info().rss / 2**20

    def stored(self):
        """Return the bytes of all uploads, and the names of those that are not complete."""
        sizes = {}
        for folder, _, names in os.walk(self.uploads):  # passes over folders that vanish
            for path in (Path(folder, name) for name in names):
                with contextlib.suppress(FileNotFoundError):  # the server removes it meanwhile
                    sizes[path] = path.stat().st_size
        unfinished = [p.name for p, size in sizes.items() if p.parent == self.uploads and size]
        return sum(sizes.values()), unfinished


def wait_until(happens, seconds):
    limit = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < limit, "it did not happen"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Return the running app."""
    server = Server(tmp_path_factory.mktemp("server"))
    assert server.is_well()
    yield server
    server.stop()
    assert not list(server.folder.glob("inkling-*"))


def gets(path):
    return lambda server: server.get(path)


def posts(path, **more):
    return lambda server: server.post(path, **more)


def calls(data):
    return lambda server: server.predict(data)


def joins(**call):
    call = {"data": [None] * 9, "fn_index": 0, "session_hash": "stranger"} | call
    return posts("queue/join", json=call)


def form(*parts):
    return {"content": b"".join(PART % part for part in parts) + b"--edge--", "headers": FORM}


def endless():
    """Send more than the limit without having said how much it will be."""
    yield b'--edge\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
    for _ in range(20):
        yield bytes(2**20)


NESTED = b'{"fn_index": 0, "session_hash": "a", "data": ' + b"[" * 99_000 + b"]" * 99_000 + b"}"

ATTEMPTS = {
    # files of the server
    "read a system file": gets("/gradio_api/file=/etc/passwd"),
    "read a system file by the older route": gets("/gradio_api/file//etc/passwd"),
    "read a system file by the oldest route": gets("/file=/etc/passwd"),
    "read the app's source": gets(f"/gradio_api/file={ROOT}/app.py"),
    "read the app's source by its name": gets("/gradio_api/file=app.py"),
    "read the checkpoint": gets(f"/gradio_api/file={ROOT}/checkpoints/digits.safetensors"),
    "read beside the uploads": gets("/gradio_api/file={server.uploads}/../secret.png"),
    "read beside the uploads, encoded": gets(
        "/gradio_api/file={server.uploads}/%2e%2e%2fsecret.png"
    ),
    "read beside the uploads, encoded twice": gets(
        "/gradio_api/file={server.uploads}/%252e%252e%252fsecret.png"
    ),
    "read beside the uploads, as on Windows": gets(
        "/gradio_api/file={server.uploads}/..%5csecret.png"
    ),
    "list the uploads": gets("/gradio_api/file={server.uploads}/"),
    "read a file with a zero byte": gets("/gradio_api/file={server.uploads}/a.png%00"),
    "read by the assets' route": gets("/assets/../../../../../../../../etc/passwd"),
    "read by the assets' route, encoded": gets("/assets/..%2f..%2f..%2f..%2f..%2fetc%2fpasswd"),
    "read by the static files' route": gets("/static//etc/passwd"),
    "read by the static files' route, encoded": gets("/static/%2e%2e/%2e%2e/routes.py"),
    "read by the components' route": gets(
        "/gradio_api/custom_component/0/client/component/..%2f..%2fetc%2fpasswd"
    ),
    "read by the icon's route": gets("/pwa_icon/..%2f..%2fetc%2fpasswd"),
    # the server as a stranger's hand
    "fetch an address of this machine": gets("/gradio_api/file=http://127.0.0.1:{server.port}/"),
    "fetch a cloud's secrets": gets("/gradio_api/file=http://169.254.169.254/latest/meta-data"),
    "fetch any address": gets("/gradio_api/file=https://a.example/large.iso"),
    "use it as a proxy": gets("/gradio_api/proxy=https://a.hf.space/"),
    # what the page does not need
    "see what others do": gets("/monitoring/summary"),
    "ask for the monitoring page": gets("/monitoring"),
    "save a link to a page": gets("/gradio_api/deep_link?session_hash=a"),
    "list runs": gets("/gradio_api/runs"),
    "list the records of runs": gets("/gradio_api/run-history/records"),
    "have code edited": posts("vibe-edit/", json={"prompt": "a"}),
    "see the code": gets("/gradio_api/vibe-code"),
    "follow reloads": gets("/gradio_api/dev/reload"),
    "see traces": gets("/gradio_api/profiling/traces"),
    "see generated documentation": gets("/docs"),
    "have a video processed": posts("process_recording", files={"video": b"a"}),
    "stream": posts("stream/a", json={"data": []}),
    "fetch a stream": gets("/gradio_api/stream/a/b/0/playlist.m3u8"),
    "jump the queue": posts("run/predict", json={"data": [None]}),
    "jump the queue by the older route": posts("api/predict", json={"data": [None]}),
    "call a component's function": posts(
        "component_server",
        json={"data": 1, "component_id": 1, "session_hash": "a", "fn_name": "__init__"},
    ),
    "send blobs to a component": posts(
        "component_server", data={"component_id": "1", "session_hash": "a", "fn_name": "b"}
    ),
    # too much
    "ask with a long address": gets("/?a=" + "a" * 20_000),
    "send 60 MB of JSON": posts("queue/join", content=bytes(60 * 2**20), headers=JSON),
    "send endless JSON": posts("call/predict", content=endless(), headers=JSON),
    "send an endless login": lambda server: (
        httpx.post(f"{server.url}/login", content=endless(), headers=FORM).status_code, ""
    ),
    "nest JSON deeply": posts("queue/join", content=NESTED, headers=JSON),
    "upload 9 MB": posts("upload", **form((b"a.png", bytes(9 * 2**20)))),
    "upload endlessly": posts("upload", content=endless(), headers=FORM),
    "upload a thousand files": posts("upload", **form(*[(b"a.png", b"a")] * 1_000)),
    "upload 9 MB as a field": posts("upload", data={"files": "a" * 9 * 2**20}, files={"a": b""}),
    "upload with an endless name": posts("upload", **form((b"a" * 9 * 2**20, b""))),
    "upload without an end between parts": posts("upload", content=b"a", headers=FORM),
    "upload something else": posts("upload", content=b"a", headers=JSON),
    "hold a heartbeat with a long name": gets("/gradio_api/heartbeat/" + "a" * 1_000),
    # events
    "name a session at length": joins(session_hash="a" * 100_000),
    "name no session": joins(session_hash=None),
    "name no event": joins(fn_index=None),
    "name an event that is not there": joins(fn_index=10_000),
    "name an event before the first": joins(fn_index=-1),
    "send an event too little": joins(data=[]),
    "send an event something else": joins(data="all"),
}  # fmt: skip

PATHS = {
    "a system file": "/etc/passwd",
    "a picture of the server": "{server.secret}",
    "a picture beside the uploads": "{server.uploads}/../secret.png",
    "a relative picture": "examples/1.png",
    "a file that is not there": "/nowhere/none.png",
    "the process's environment": "/proc/self/environ",
    "a device that never ends": "/dev/zero",
    "a file's address": "file:///etc/passwd",
    "a disk of Windows": "C:\\secret.png",
    "an address of this machine": "http://127.0.0.1:{server.port}/static/img/logo.svg",
    "a cloud's secrets": "http://169.254.169.254/latest/meta-data",
    "any address": "https://a.example/large.png",
    "an address of the hub": "https://huggingface.co/a.png",
    "a picture in the path": "data:image/png;base64,iVBORw0KGgo=",
    "a zero byte": "\0",
    "5,000 characters": "a" * 5_000,
    "nothing": "",
    "a number": 3,
    "a list": ["/etc/passwd"],
}

for name, path in PATHS.items():
    ATTEMPTS[f"have read {name}"] = calls({"path": path})
    ATTEMPTS[f"have read {name}, as a file"] = calls({"path": path, "meta": FILE})
ATTEMPTS |= {
    "have a picture read as another kind": calls({"path": "{server.secret}", "orig_name": "a.svg"}),
    "hide a path in a list": calls([[{"path": "/etc/passwd", "meta": FILE}]]),
    "hide a path in a path": calls(
        {"path": "{server.seven}", "meta": {"a": {"path": "/etc/passwd", "meta": FILE}}}
    ),
    "have a picture's page fetch an address": lambda server: asks(
        server, "picture", {"path": f"{server.url}/static/img/logo.svg", "meta": FILE}
    ),
    "have the page read a file": lambda server: asks(
        server, "picture", {"path": str(server.secret)}
    ),
    "have the page read its uploads' folder": lambda server: asks(
        server, "picture", {"path": f"{server.uploads}/.."}
    ),
}


def asks(server, name, value, session="stranger"):
    """Ask about a picture, as the page does."""
    told = question(server, session, data={"questions": [[name, value]]})
    return server.post("component_server/", json=told)


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
def test_a_stranger_does_not(server, attempt):
    memory, (stored, _) = server.memory(), server.stored()
    status, told = attempt(server)
    assert status >= 400, told[:500]
    for hidden in ("root:x:", "def build_demo", "Traceback", str(ROOT)):
        assert hidden not in told
    assert '"digit"' not in told and "\x89PNG" not in told
    assert server.is_well()
    assert server.memory() - memory < 40
    assert server.stored()[0] - stored < 2**20
    wait_until(lambda: not server.stored()[1], PATIENCE)


def test_a_path_that_is_no_upload_gets_nowhere_near_gradio(server):
    """Gradio would fetch any public address, and say no to others only after a look."""
    for path in PATHS.values():
        assert server.predict({"path": path, "meta": FILE})[0] == 400
        assert asks(server, "picture", {"path": path, "meta": FILE})[0] == 400


PNG = (ROOT / "examples" / "6-two-from-mnist.png").read_bytes()
SENT_WRONG = {
    "as a form": {"files": {"files": ("a.png", PNG)}},
    "as it is": {"content": PNG},
    "as a picture": {"content": PNG, "headers": {"content-type": "image/png"}},
    "as JSON, which it is not": {"content": PNG, "headers": JSON},
    "in chunks": {"content": [PNG[:99], PNG[99:]]},
    "not at all": {"content": b"", "headers": JSON},
    "compressed": {"content": gzip.compress(b"{}"), "headers": JSON | {"content-encoding": "gzip"}},
}
JSON_WRONG = (
    ["NaN", "1e999", '"\\ud800"', "[]", "7", '"a"', "null", "{}", "{", "[" * 2_000 + "]" * 2_000]
    + ['{"data": %s, "fn_index": %s, "session_hash": %s}' % (3 * (value,)) for value in (
        "NaN", "1e999", '"\\ud800"', "{}", "1.5", "9" * 400, "9" * 5_000, '"%s"' % (50_000 * "a"),
    )]
    + ['{"data": []}', '{"data": [null, null]}', '{"data": ["seven.png"]}', '{"data": [{}]}']
    + ['{"picture": 3}', '{"picture": null, "session_hash": "a"}', '{"Picture": null}']
)  # fmt: skip
SENT_WRONG |= {told[:40]: {"content": told.encode(), "headers": JSON} for told in JSON_WRONG}


def is_a_sentence(told):
    """Tell whether an answer is one, and not what was sent or where it failed."""
    with contextlib.suppress(ValueError):
        told = json.loads(told)["detail"]
    return isinstance(told, str) and len(told) < 400 and told.count("\n") == 0 and told != ""


@pytest.mark.parametrize("route", ["call/predict", "call/v2/predict", "queue/join", "cancel"])
@pytest.mark.parametrize("more", SENT_WRONG.values(), ids=SENT_WRONG)
def test_a_picture_sent_wrong_is_answered_with_a_sentence(server, route, more):
    before = server.log.read_text()
    status, told = server.post(route, **more)
    assert 400 <= status < 500 and is_a_sentence(told), told[:500]
    assert server.log.read_text() == before


UPLOADED_WRONG = {
    "as it is": {"content": PNG},
    "as JSON": {"json": {"files": "a"}},
    "in another field": {"files": {"picture": ("a.png", PNG)}},
    "as no file": {"files": {"files": (None, "a")}},
    "without a form": {"content": b"", "headers": FORM},
    "without an edge": {"content": PNG, "headers": {"content-type": "multipart/form-data"}},
    "with a long edge": {
        "content": PNG,
        "headers": {"content-type": f"multipart/form-data; boundary={500 * 'a'}"},
    },
    "with a name in no language": {
        "content": PART.replace(b'filename="%b"', b"filename*=x''%%ff") % b"a",
        "headers": FORM,
    },
}


@pytest.mark.parametrize("more", UPLOADED_WRONG.values(), ids=UPLOADED_WRONG)
def test_an_upload_of_no_file_is_answered_with_a_sentence(server, more):
    before = server.log.read_text()
    status, told = server.post("upload", **more)
    assert status == 400 and told == UPLOAD
    assert server.log.read_text() == before


@pytest.mark.parametrize(
    "path",
    ["call/predict/none", "call/v2/predict/none", f"call/predict/{32 * '0'}", "queue/data"]
    + ["upload_progress", "call/predict", "upload", "file={server.uploads}/none.png"],
)
def test_what_is_not_there_is_answered_with_a_sentence(server, path):
    for method in ("GET", "PUT", "DELETE", "OPTIONS", "PATCH"):
        url = f"{server.url}/gradio_api/{path.format(server=server)}"
        answer = httpx.request(method, url, content=PNG if method == "PUT" else None)
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
    call = {"data": [None]}
    for path in ("/", "/config", "/gradio_api/info"):
        assert httpx.get(server.url + path, headers={"x-forwarded-host": host}).status_code == 400
    assert server.post("call/predict", json=call, headers={"x-forwarded-host": host})[0] == 400


def test_no_line_of_the_log_is_about_what_is_no_http(server):
    before = server.log.read_text()
    for sent in (
        b"\xff\xff\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ):
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as stranger:
            stranger.sendall(sent)
            assert b" 400 " in stranger.recv(100)
    assert server.log.read_text() == before


def test_the_path_of_an_upload_is_all_that_a_call_needs(server):
    assert '"text": "7"' in server.predict({"path": server.upload()})[1]


JUNK = {
    "nothing": None, "a word": "seven", "markup": "<img src=x onerror=alert(1)>", "minus one": -1,
    "a huge number": 10**30, "a list": [[]], "an object": {"a": 1}, "yes": True,
    "a path": "../../etc/passwd", "half a sketch": "data:image/png;base64,iVBORw0KGgo=",
    "a long text": "7" * 100_000, "many lists": [[[[[[]] * 9] * 9] * 9] * 9],
}  # fmt: skip


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
def test_no_event_of_the_page_is_upset_by(server, junk):
    """Every private event is called, with junk where a page sends values and what was picked."""
    _, told = server.get("/config")
    memory = server.memory()
    for event in json.loads(told)["dependencies"]:
        if not event["backend_fn"] or event["api_name"] == "train":  # which trains, if asked well
            continue
        data = [junk] * len(event["inputs"])
        for event_data in (junk, {"pick": junk, "index": junk, "value": junk, "_data": junk}):
            status, told = server.event(event["id"], data, event_data)
            assert status in (200, 400, 413, 500)
            assert "Traceback" not in told and str(ROOT) not in told and "onerror" not in told
    for name in ("sketch", "picture", "example", "digit", "choose", "compare", "edit", "report"):
        assert asks(server, name, junk)[0] in (200, 400, 413)
    for data in ({"questions": junk}, {"questions": [junk]}, {"questions": [[junk, junk]]}):
        assert server.post("component_server/", json=question(server, "a", data=data))[0] in (
            200,
            413,
        )
    assert server.is_well() and server.memory() - memory < 60


def test_an_upload_that_is_cut_off_leaves_nothing(server):
    before = set(server.uploads.iterdir())
    for size in (1, 1_000, 100_000):
        with socket.create_connection(("127.0.0.1", server.port)) as cut:
            content = PART % (b"a.png", bytes(size))
            head = "POST /gradio_api/upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n"
            cut.sendall(f"{head}Content-Type: {FORM['content-type']}\r\n\r\n".encode() + content)
            wait_until(lambda: set(server.uploads.iterdir()) - before, PATIENCE)
    wait_until(lambda: set(server.uploads.iterdir()) <= before, PROMPT)  # before any sweeping
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
    assert (ROOT / "app.py").read_bytes() == source and server.is_well()


@pytest.mark.parametrize("name", ["a.html", "a.svg", "a.xml", "a.js"])
def test_an_uploaded_page_is_not_shown_as_one(server, name):
    path = server.upload(name, b"<script>alert(1)</script>")
    answer = httpx.get(f"{server.url}/gradio_api/file={path}")
    assert answer.headers["content-disposition"].startswith("attachment")


def test_an_upload_within_the_limits_is_read_however_it_is_called(server):
    for name in ("7.gif", "7.svg", "7", "sieben ü.png"):
        _, told = server.predict({"path": server.upload(name), "orig_name": name, "meta": FILE})
        assert '"text": "7"' in told


def test_many_calls_make_the_page_forget_nobody(server):
    with httpx.stream("GET", f"{server.url}/gradio_api/heartbeat/pausing"):
        _, answer = server.post("component_server/", json=question(server, session="pausing"))
        assert 'data-number=\\"7' in answer
        for _ in range(210):
            server.predict(None)
        _, answer = asks(server, "choose", "0", session="pausing")
        assert 'data-number=\\"7' in answer


def question(server, session, **more):
    """Return what the pad asks about a 7."""
    parts = json.loads(server.get("/config")[1])["components"]
    part = next(part["id"] for part in parts if part["props"].get("server_fns"))
    told = {"component_id": part, "fn_name": "read", "session_hash": session, "data": pad_told(7)}
    return told | more


@pytest.mark.parametrize(
    "more",
    [{"data": NESTED.decode()}, {"data": {"size": 1e308, "strokes": [{"points": [1e308]}]}}]
    + [{"data": {"size": 1, "strokes": 99 * [{"width": 1, "erases": 0, "points": 999 * [0]}]}}]
    + [
        {"fn_name": "__init__"},
        {"fn_name": "read", "component_id": 0},
        {"session_hash": 999 * "a"},
    ],
)
def test_whatever_a_pad_asks_the_page_is_well_and_the_log_stays_short(server, more):
    status, told = server.post("component_server/", json=question(server, "stranger", **more))
    assert status in (200, 400, 404) and len(told) < 20_000
    for body in (NESTED, b"", b"{}", b"[]", b"\xff", b'{"data": NaN}'):
        headers = {"content-type": "application/json"}
        status, _ = server.post("component_server", content=body, headers=headers)
        assert 400 <= status < 500
    assert server.is_well()


def test_who_asks_without_end_keeps_nobody_out(server):
    asked = [question(server, "greedy"), *(question(server, f"many-{k}") for k in range(12))]
    with ThreadPoolExecutor(24) as many:
        answers = list(many.map(lambda one: server.post("component_server/", json=one), 30 * asked))
    assert {status for status, _ in answers} <= {200, 503} and server.is_well()


def test_who_never_fetches_answers_is_told_to_wait(server):
    call = {"data": [None], "fn_index": 0, "session_hash": "greedy"}
    answers = [server.post("queue/join", json=call)[0] for _ in range(60)]
    assert set(answers) == {200, 503} and server.is_well()


def test_many_idle_pages_keep_nobody_out(server):
    idle = []
    for k in range(request_limits.PLACES + 20):
        page = socket.create_connection(("127.0.0.1", server.port))
        page.sendall(f"GET /gradio_api/heartbeat/{k} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        idle.append(page)
    assert idle[-1].recv(12) == b"HTTP/1.1 503" and idle[0].recv(12) == b"HTTP/1.1 200"
    assert server.is_well()
    for page in idle:
        page.close()
    wait_until(lambda: server.get("/theme.css")[0] == 200, PATIENCE)


def test_another_site_s_page_may_not_ask_in_a_visitor_s_name(server):
    headers = {"origin": "https://evil.example", "host": f"127.0.0.1:{server.port}"}
    answer = httpx.get(f"{server.url}/config", headers=headers)
    assert answer.headers.get("access-control-allow-origin") in (None, "")


@pytest.mark.parametrize("path", ["/", "/config", "/gradio_api/info", "/?deep_link=../../etc"])
def test_the_page_tells_nothing_of_the_machine(server, path):
    status, told = server.get(path)
    assert status == 200 and told
    for hidden in (str(ROOT), str(server.folder), f"{Path.home()}/"):
        assert hidden not in told


@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    """Return the running app with a login."""
    server = Server(tmp_path_factory.mktemp("locked"), INKLING_AUTH="ann:secret word")
    yield server
    server.stop()


@pytest.mark.parametrize(
    "attempt",
    [gets("/config"), gets("/gradio_api/info"), calls(None), joins(), posts("upload", **form())],
    ids=["see the page", "see the endpoint", "call it", "send an event", "upload"],
)
def test_without_the_password_a_stranger_does_not(locked, attempt):
    assert attempt(locked)[0] == 401


def test_the_password_lets_in_and_a_wrong_one_does_not(locked):
    with httpx.Client(base_url=locked.url, timeout=PATIENCE) as visitor:
        for password in ("", "secret", "secret word "):
            told = visitor.post("/login", data={"username": "ann", "password": password})
            assert told.status_code in (400, 422) and visitor.get("/config").status_code == 401
        told = visitor.post("/login", data={"username": "ann", "password": "secret word"})
        assert told.status_code == 200 and visitor.get("/config").status_code == 200
