"""An untrusted client of the app, and the requests that must not succeed."""

import contextlib
import gzip
import http.client
import json
import os
import time
from pathlib import Path

import httpx
import psutil
from conftest import pad_payload, sketch
from PIL import Image

from tests.app_process import ROOT, START_LIMIT_S, AppProcess

PROMPT_S = 3.0  # for a reading, on shared cores
FILE = {"_type": "gradio.FileData"}
FORM = {"content-type": "multipart/form-data; boundary=edge"}
JSON = {"content-type": "application/json"}
PART = b'--edge\r\nContent-Disposition: form-data; name="files"; filename="%b"\r\n\r\n%b\r\n'
PNG = (ROOT / "examples" / "6-two-from-mnist.png").read_bytes()
NESTED = b'{"fn_index": 0, "session_hash": "a", "data": ' + b"[" * 99_000 + b"]" * 99_000 + b"}"


class Server(AppProcess):
    """The app in a process of its own, with an HTTP client."""

    def __init__(self, folder, *options):
        super().__init__(folder, ("app.py", *options), OMP_NUM_THREADS="1")
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
        components = config["components"]
        self.component = next(c["id"] for c in components if c["props"].get("server_fns"))

    def get(self, path):
        """Request a path without normalizing it; return status and text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_LIMIT_S)
        with contextlib.closing(connection):
            connection.putrequest("GET", path.format(server=self))
            connection.endheaders()
            response = connection.getresponse()
            return response.status, response.read(5_000_000).decode(errors="replace")

    def post(self, path, **more):
        """Post to a route of Gradio's API; return status and text."""
        response = self.client.post(f"/gradio_api/{path}", **more)
        return response.status_code, response.text

    def event(self, number, data, event_data=None):
        """Run an event; return the queue's status, or 500 if the event fails, and text."""
        session = os.urandom(8).hex()
        call = {"data": data, "fn_index": number, "session_hash": session}
        status, text = self.post("queue/join", json=call | {"event_data": event_data})
        if status != 200:
            return status, text
        stream = self.client.get(f"/gradio_api/queue/data?session_hash={session}")
        lines = stream.text.splitlines()
        messages = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
        (last,) = [m for m in messages if m["msg"] == "process_completed"]
        return (200 if last["success"] else 500), json.dumps(last["output"])

    def predict(self, picture):
        """Call the public endpoint; return status and text."""
        if isinstance(picture, dict) and isinstance(picture.get("path"), str):
            picture = picture | {"path": picture["path"].format(server=self)}
        status, text = self.post("call/predict", json={"data": [picture]})
        if status != 200:
            return status, text
        result = self.client.get(f"/gradio_api/call/predict/{json.loads(text)['event_id']}")
        return (200 if "event: complete" in result.text else 500), result.text

    def read_request(self, session="client", **more):
        """Return the pad's request that reads a 7."""
        request = {"component_id": self.component, "fn_name": "read", "session_hash": session}
        return request | {"data": pad_payload(7)} | more

    def act(self, name, value):
        """Send an action of the page; return status and text."""
        request = self.read_request(data={"actions": [[name, value]]})
        return self.post("component_server/", json=request)

    def upload(self, name="seven.png", content=None):
        """Upload a picture; return its path on the server."""
        content = self.seven.read_bytes() if content is None else content
        status, text = self.post("upload", files={"files": (name, content)})
        assert status == 200, text
        return json.loads(text)[0]

    def is_well(self):
        """Return whether a 7 is read correctly, and promptly in one of three attempts."""
        for _ in range(3):  # the cores are shared
            begun = time.monotonic()
            _, text = self.predict({"path": self.upload(), "meta": FILE})
            if '"text": "7"' not in text or time.monotonic() - begun < PROMPT_S:
                break
        return '"text": "7"' in text and time.monotonic() - begun < PROMPT_S

    def memory(self):
        """Return the server's resident memory in MB."""
        return psutil.Process(self.process.pid).memory_info().rss / 2**20

    def stored(self):
        """Return the bytes of all uploads, and the names of incomplete ones."""
        sizes = {}
        for folder, _, names in os.walk(self.uploads):  # skips folders that vanish
            for path in (Path(folder, name) for name in names):
                with contextlib.suppress(FileNotFoundError):  # removed by the server
                    sizes[path] = path.stat().st_size
        unfinished = [p.name for p, size in sizes.items() if p.parent == self.uploads and size]
        return sum(sizes.values()), unfinished


def gets(path):
    return lambda server: server.get(path)


def posts(path, **more):
    return lambda server: server.post(path, **more)


def joins(**call):
    call = {"data": [None] * 9, "fn_index": 0, "session_hash": "client"} | call
    return posts("queue/join", json=call)


def form(*parts):
    return {"content": b"".join(PART % part for part in parts) + b"--edge--", "headers": FORM}


def endless():
    """Yield a body above the limit, without a content length."""
    yield b'--edge\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
    for _ in range(20):
        yield bytes(2**20)


def logs_in_without_end(server):
    return server.client.post("/login", content=endless(), headers=FORM).status_code, ""


FILE_ROUTE = "/gradio_api/file="
# Requests that the server rejects. Unknown routes: `test_request_limits.py`.
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
    # requests in the server's name
    "fetch an address of this machine": gets(FILE_ROUTE + "http://127.0.0.1:{server.port}/"),
    "fetch a cloud's secrets": gets(f"{FILE_ROUTE}http://169.254.169.254/latest/meta-data"),
    # what the page does not need
    "stream": posts("stream/a", json={"data": []}),
    "call a component's function": posts(
        "component_server",
        json={"data": 1, "component_id": 1, "session_hash": "a", "fn_name": "__init__"},
    ),
    "send blobs to a component": posts(
        "component_server", data={"component_id": "1", "session_hash": "a", "fn_name": "b"}
    ),
    # too much
    "send a long URL": gets("/?a=" + "a" * 20_000),
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
    # events
    "name a session at length": joins(session_hash="a" * 100_000),
    "name no session": joins(session_hash=None),
    "name no event": joins(fn_index=None),
    "name an event that is not there": joins(fn_index=10_000),
    "name an event before the first": joins(fn_index=-1),
    "send an event without data": joins(data=[]),
    "send an event a word as data": joins(data="all"),
    # pictures, see also `PATHS`
    "give a picture another type": lambda server: server.predict(
        {"path": "{server.secret}", "orig_name": "a.svg"}
    ),
    "hide a path in a list": lambda server: server.predict(
        [[{"path": "/etc/passwd", "meta": FILE}]]
    ),
    "hide a path in a path": lambda server: server.predict(
        {"path": "{server.seven}", "meta": {"a": {"path": "/etc/passwd", "meta": FILE}}}
    ),
}
# Paths that are not uploads.
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
    "as raw bytes": {"content": PNG},
    "as a picture": {"content": PNG, "headers": {"content-type": "image/png"}},
    "as invalid JSON": {"content": PNG, "headers": JSON},
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
LONG_BOUNDARY = f"multipart/form-data; boundary={500 * 'a'}"
UPLOADED_WRONG = {
    "as raw bytes": {"content": PNG},
    "as JSON": {"json": {"files": "a"}},
    "in another field": {"files": {"picture": ("a.png", PNG)}},
    "as no file": {"files": {"files": (None, "a")}},
    "without a form": {"content": b"", "headers": FORM},
    "without an edge": {"content": PNG, "headers": {"content-type": "multipart/form-data"}},
    "with a long edge": {"content": PNG, "headers": {"content-type": LONG_BOUNDARY}},
    "with a name in no encoding": {
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
