"""What a stranger can send to the app, which runs in a process of its own; what should not help."""

import contextlib
import gzip
import http.client
import json
import os
import time
from pathlib import Path

import httpx
import psutil
from conftest import sketch, told
from PIL import Image

from tests.app_process import ROOT, START_LIMIT_S, AppProcess

PROMPT_S = 3.0  # for an answer, on cores that others use too
FILE = {"_type": "gradio.FileData"}
FORM = {"content-type": "multipart/form-data; boundary=edge"}
JSON = {"content-type": "application/json"}
PART = b'--edge\r\nContent-Disposition: form-data; name="files"; filename="%b"\r\n\r\n%b\r\n'
PNG = (ROOT / "examples" / "6-two-from-mnist.png").read_bytes()
NESTED = b'{"fn_index": 0, "session_hash": "a", "data": ' + b"[" * 99_000 + b"]" * 99_000 + b"}"


class Server(AppProcess):
    """The app as a user starts it, and what can be seen of it from outside."""

    def __init__(self, folder):
        """Start it."""
        super().__init__(folder, OMP_NUM_THREADS="1")
        self.secret, self.seven = self.folder / "secret.png", folder / "seven.png"
        Image.fromarray(sketch(4)).save(self.secret)
        Image.fromarray(sketch(7)).save(self.seven)
        self.url = self.address()
        self.port = httpx.URL(self.url).port
        limits = httpx.Limits(keepalive_expiry=4)  # seconds; the server waits 5
        self.client = httpx.Client(
            base_url=self.url, timeout=START_LIMIT_S, limits=limits, trust_env=False
        )
        (self.uploads,) = self.folder.glob("inkling-*")
        config = self.client.get("/config").json()
        self.events = [event for event in config["dependencies"] if event["backend_fn"]]
        parts = config["components"]
        self.part = next(part["id"] for part in parts if part["props"].get("server_fns"))

    def get(self, path):
        """Ask for a path exactly as it is written; return status and text of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_LIMIT_S)
        with contextlib.closing(connection):
            connection.putrequest("GET", path.format(server=self))
            connection.endheaders()
            answer = connection.getresponse()
            return answer.status, answer.read(5_000_000).decode(errors="replace")

    def post(self, path, **more):
        """Send a request to a route of Gradio's; return status and text of the answer."""
        answer = self.client.post(f"/gradio_api/{path}", **more)
        return answer.status_code, answer.text

    def event(self, number, data, event_data=None):
        """Have an event run; return a status (that of the queue, or 500 if it fails), and text."""
        session = os.urandom(8).hex()
        call = {"data": data, "fn_index": number, "session_hash": session}
        status, text = self.post("queue/join", json=call | {"event_data": event_data})
        if status != 200:
            return status, text
        stream = self.client.get(f"/gradio_api/queue/data?session_hash={session}")
        done = [json.loads(line[6:]) for line in stream.text.splitlines() if line[:6] == "data: "]
        (last,) = [message for message in done if message["msg"] == "process_completed"]
        return (200 if last["success"] else 500), json.dumps(last["output"])

    def predict(self, picture):
        """Call the public endpoint; return a status and the text of the answer."""
        if isinstance(picture, dict) and isinstance(picture.get("path"), str):
            picture = picture | {"path": picture["path"].format(server=self)}
        status, text = self.post("call/predict", json={"data": [picture]})
        if status != 200:
            return status, text
        answer = self.client.get(f"/gradio_api/call/predict/{json.loads(text)['event_id']}")
        return (200 if "event: complete" in answer.text else 500), answer.text

    def question(self, session="stranger", **more):
        """Return what the pad sends about a 7."""
        asked = {"component_id": self.part, "fn_name": "read", "session_hash": session}
        return asked | {"data": told(7)} | more

    def ask(self, name, value, session="stranger"):
        """Ask about a picture, as the page does."""
        told = self.question(session, data={"actions": [[name, value]]})
        return self.post("component_server/", json=told)

    def upload(self, name="seven.png", content=None):
        """Upload a picture; return where it lies now."""
        content = self.seven.read_bytes() if content is None else content
        status, text = self.post("upload", files={"files": (name, content)})
        assert status == 200, text
        return json.loads(text)[0]

    def is_well(self):
        """Tell whether a picture is still read, rightly, and promptly at one of three tries."""
        for _ in range(3):  # cores are shared
            begun = time.monotonic()
            _, text = self.predict({"path": self.upload(), "meta": FILE})
            if '"text": "7"' not in text or time.monotonic() - begun < PROMPT_S:
                break
        return '"text": "7"' in text and time.monotonic() - begun < PROMPT_S

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


def gets(path):
    return lambda server: server.get(path)


def posts(path, **more):
    return lambda server: server.post(path, **more)


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


def logs_in_without_end(server):
    return server.client.post("/login", content=endless(), headers=FORM).status_code, ""


FILE_ROUTE = "/gradio_api/file="
# What the server refuses. Routes that it does not have: `test_request_limits.py`.
ATTEMPTS = {
    # files of the server
    "read a system file": gets(f"{FILE_ROUTE}/etc/passwd"),
    "read a system file by the older route": gets("/gradio_api/file//etc/passwd"),
    "read a system file by the oldest route": gets("/file=/etc/passwd"),
    "read the app's source": gets(f"{FILE_ROUTE}{ROOT}/app.py"),
    "read the app's source by its name": gets(f"{FILE_ROUTE}app.py"),
    "read beside the uploads": gets(FILE_ROUTE + "{server.uploads}/../secret.png"),
    "the same, encoded": gets(FILE_ROUTE + "{server.uploads}/%2e%2e%2fsecret.png"),
    "the same, encoded twice": gets(FILE_ROUTE + "{server.uploads}/%252e%252e%252fsecret.png"),
    "the same, as on Windows": gets(FILE_ROUTE + "{server.uploads}/..%5csecret.png"),
    "list the uploads": gets(FILE_ROUTE + "{server.uploads}/"),
    "read a file with a zero byte": gets(FILE_ROUTE + "{server.uploads}/a.png%00"),
    "read by the assets' route": gets("/assets/../../../../../../../../etc/passwd"),
    "read by the assets' route, encoded": gets("/assets/..%2f..%2f..%2f..%2f..%2fetc%2fpasswd"),
    "read by the static files' route": gets("/static//etc/passwd"),
    "read by the static files' route, encoded": gets("/static/%2e%2e/%2e%2e/routes.py"),
    "read by the components' route": gets(
        "/gradio_api/custom_component/0/client/component/..%2f..%2fetc%2fpasswd"
    ),
    "read by the icon's route": gets("/pwa_icon/..%2f..%2fetc%2fpasswd"),
    # the server as a stranger's hand
    "fetch an address of this machine": gets(FILE_ROUTE + "http://127.0.0.1:{server.port}/"),
    "fetch a cloud's secrets": gets(f"{FILE_ROUTE}http://169.254.169.254/latest/meta-data"),
    "use it as a proxy": gets("/gradio_api/proxy=https://a.hf.space/"),
    # what the page does not need
    "see what others do": gets("/monitoring/summary"),
    "stream": posts("stream/a", json={"data": []}),
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
    "send an endless login": logs_in_without_end,
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
    # pictures, see also `PATHS`
    "have a picture read as another kind": lambda server: server.predict(
        {"path": "{server.secret}", "orig_name": "a.svg"}
    ),
    "hide a path in a list": lambda server: server.predict(
        [[{"path": "/etc/passwd", "meta": FILE}]]
    ),
    "hide a path in a path": lambda server: server.predict(
        {"path": "{server.seven}", "meta": {"a": {"path": "/etc/passwd", "meta": FILE}}}
    ),
}
# Paths of pictures that are no uploads.
PATHS = [
    "/etc/passwd", "{server.secret}", "{server.uploads}/../secret.png", "{server.uploads}/..",
    "examples/1.png", "/nowhere/none.png", "/proc/self/environ", "/dev/zero",
    "file:///etc/passwd", "C:\\secret.png", "http://127.0.0.1:{server.port}/static/img/logo.svg",
    "http://169.254.169.254/latest/meta-data", "https://a.example/large.png",
    "https://huggingface.co/a.png", "data:image/png;base64,iVBORw0KGgo=", "\0", "a" * 5_000, "",
    3, ["/etc/passwd"],
]  # fmt: skip
SENT_WRONG = {
    "as a form": {"files": {"files": ("a.png", PNG)}},
    "as it is": {"content": PNG},
    "as a picture": {"content": PNG, "headers": {"content-type": "image/png"}},
    "as JSON, which it is not": {"content": PNG, "headers": JSON},
    "in chunks": {"content": [PNG[:99], PNG[99:]]},
    "not at all": {"content": b"", "headers": JSON},
    "compressed": {"content": gzip.compress(b"{}"), "headers": JSON | {"content-encoding": "gzip"}},
}
VALUES = ["NaN", "1e999", '"\\ud800"', "{}", "1.5", "9" * 400, "9" * 5_000, f'"{50_000 * "a"}"']
JSON_WRONG = [
    "NaN", "1e999", '"\\ud800"', "[]", "7", '"a"', "null", "{}", "{", "[" * 2_000 + "]" * 2_000,
    *('{"data": %s, "fn_index": %s, "session_hash": %s}' % (3 * (value,)) for value in VALUES),
    '{"data": []}', '{"data": [null, null]}', '{"data": ["seven.png"]}', '{"data": [{}]}',
    '{"picture": 3}', '{"picture": null, "session_hash": "a"}', '{"Picture": null}',
]  # fmt: skip
SENT_WRONG |= {text[:40]: {"content": text.encode(), "headers": JSON} for text in JSON_WRONG}
LONG_EDGE = f"multipart/form-data; boundary={500 * 'a'}"
UPLOADED_WRONG = {
    "as it is": {"content": PNG},
    "as JSON": {"json": {"files": "a"}},
    "in another field": {"files": {"picture": ("a.png", PNG)}},
    "as no file": {"files": {"files": (None, "a")}},
    "without a form": {"content": b"", "headers": FORM},
    "without an edge": {"content": PNG, "headers": {"content-type": "multipart/form-data"}},
    "with a long edge": {"content": PNG, "headers": {"content-type": LONG_EDGE}},
    "with a name in no language": {
        "content": PART.replace(b'filename="%b"', b"filename*=x''%%ff") % b"a",
        "headers": FORM,
    },
}
JUNK = {
    "nothing": None, "a word": "seven", "markup": "<img src=x onerror=alert(1)>", "minus one": -1,
    "a huge number": 10**30, "a list": [[]], "an object": {"a": 1}, "yes": True,
    "a path": "../../etc/passwd", "half a sketch": "data:image/png;base64,iVBORw0KGgo=",
    "a long text": "7" * 100_000, "many lists": [[[[[[]] * 9] * 9] * 9] * 9],
}  # fmt: skip
