"""Examples of calls for the page about the API, with this server's address and picture.

Gradio's own examples name a PDF that this server does not fetch, a missing file, or a shell that is
not bash, and the host name of the first request.
"""

import json
import re
from pathlib import Path

from gradio.route_utils import get_root_url
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from inkling.server.routes import collect_response, get_path

SEVEN = Path(__file__).parents[2] / "examples" / "1-crossed-seven.png"
INFO_ROUTE = "/gradio_api/info"
EXAMPLES_FILE = Path(__file__).with_name("call_examples.md")
CALL_EXAMPLES = dict(re.findall(r"```(\w+)\n(.*?)\n```", EXAMPLES_FILE.read_text("utf-8"), re.S))


class ApiExamples:
    """ASGI middleware that replaces the examples in Gradio's description of the API."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a request; insert the examples into the description of the API."""
        path = get_path(scope) if scope["type"] == "http" else ""
        if path.rstrip("/") != INFO_ROUTE:
            return await self.app(scope, receive, send)
        messages = await collect_response(self.app, scope, receive)
        status, content = messages[0]["status"], b"".join(m.get("body", b"") for m in messages)
        if status == 200 and content:
            root = get_root_url(Request(scope), path, scope["root_path"])
            content = insert_examples(content, root)
        await Response(content, status, media_type="application/json")(scope, receive, send)


def insert_examples(info: bytes, root: str) -> bytes:
    """Return Gradio's JSON description of the API with examples for a server at address `root`."""
    description = json.loads(info)
    picture = {"path": "seven.png", "orig_name": "seven.png", "url": f"{root}/seven.png"}
    snippets = {name: code.replace("ROOT", root) for name, code in CALL_EXAMPLES.items()}
    for endpoint in description["named_endpoints"].values():
        endpoint["code_snippets"] = snippets
        for parameter in endpoint["parameters"]:
            parameter["example_input"] |= picture
    return json.dumps(description).encode()


async def send_seven(_: Request) -> FileResponse:
    """Send the picture that the examples read."""
    return FileResponse(SEVEN)
