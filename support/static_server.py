"""Serve a folder of files, and open drawings in the page without a server."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

OPEN_LINK_JS = """async (link) => {
    const answer = document.querySelector("#answer");
    const count = () => answer.querySelector(".reading").dataset.count;
    const before = count();
    location.hash = link;
    const pause = () => new Promise((done) => setTimeout(done, 1));
    while (count() === before || answer.dataset.wait) await pause();
    return {
        look: answer.querySelector(".answer").className,
        text: answer.querySelector(".headline").textContent.trim(),
        words: answer.querySelector(".caption").textContent.trim(),
        number: answer.querySelector(".headline").dataset.number,
        probabilities: [...document.querySelectorAll("#label meter")].map((bar) => bar.value),
        milliseconds: Number(answer.dataset.milliseconds), // of the reading
        explained: Number(answer.dataset.explained), // ms of the evidence
    };
}"""


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files without a log."""

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def serve_folder(folder: Path, handler: type[QuietHandler] = QuietHandler) -> Iterator[str]:
    """Serve a folder over HTTP; yield its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def drawing_link(payload: dict) -> str:
    """Return the URL fragment of a drawing: points are delta-coded, as by the pad."""
    parts = []
    for stroke in payload["strokes"]:
        points = np.array(stroke["points"]).reshape(-1, 2)
        steps = np.concatenate([points[:1], np.diff(points, axis=0)]).ravel()
        parts.append([stroke["width"], int(stroke["erases"]), *steps.tolist()])
    return "#drawing=" + "~".join(".".join(map(str, part)) for part in parts)
