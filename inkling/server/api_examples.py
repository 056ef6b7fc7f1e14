"""How the endpoint is called: examples that work as they stand, for the page about it.

Gradio's own name a PDF that no server here fetches, a file that nobody has, and a shell that is
not bash; and they name the server as whoever asked first called it.
"""

import json
from pathlib import Path

from gradio.route_utils import get_root_url
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inkling.rendering import make_renderer
from inkling.server.routes import path_of

SEVEN = Path(__file__).parents[2] / "examples" / "1-crossed-seven.png"
SEVEN_PATH = "/seven.png"  # where a visitor's examples have it from
render = make_renderer(Path(__file__).parent / "templates")
INFO = "/gradio_api/info"
LANGUAGES = {"python": "call.py", "javascript": "call.js", "bash": "call.sh", "cli": "call_cli.sh"}


class ApiExamples:
    """ASGI middleware that serves a picture to try, and shows how it is read."""

    def __init__(self, app: ASGIApp):
        """Stand before Gradio's `app`."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for the picture; put the examples into what is told of the endpoint."""
        path = path_of(scope) if scope["type"] == "http" else ""
        if path == SEVEN_PATH:
            return await FileResponse(SEVEN)(scope, receive, send)
        if path.rstrip("/") != INFO:
            return await self.app(scope, receive, send)
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self.app(scope, receive, keep)
        status, content = answer[0]["status"], b"".join(m.get("body", b"") for m in answer)
        if status == 200 and content:
            content = with_examples(content, get_root_url(Request(scope), path, scope["root_path"]))
        await Response(content, status, media_type="application/json")(scope, receive, send)


def with_examples(info: bytes, root: str) -> bytes:
    """Return what Gradio tells of its endpoints, with examples for a server at address `root`."""
    told, name = json.loads(info), SEVEN_PATH.removeprefix("/")
    example = {"path": name, "orig_name": name, "url": root + SEVEN_PATH}
    for endpoint in told["named_endpoints"].values():
        endpoint["code_snippets"] = {
            language: render(name, root=root) for language, name in LANGUAGES.items()
        }
        for parameter in endpoint["parameters"]:
            parameter["example_input"] |= example
    return json.dumps(told).encode()
