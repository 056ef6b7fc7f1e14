"""Examples of calls for the page about the API, with this server's address and picture.

Gradio's own examples name a PDF that this server does not fetch, a missing file, or a shell that is
not bash, and the host name of the first request.
"""

import json
from pathlib import Path

from gradio.route_utils import get_root_url
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from inkling.server.routes import collect_response, get_path

SEVEN = Path(__file__).parents[2] / "examples" / "1-crossed-seven.png"
INFO_ROUTE = "/gradio_api/info"
DOWNLOAD = "curl -s ROOT/seven.png -o seven.png  # or take a picture of your own\n"
# By Gradio's names of the languages; ROOT is the server's address. `docs/command-line.md` shows
# the same examples.
CALL_EXAMPLES = {
    "bash": DOWNLOAD
    + """\
FILE=$(curl -s ROOT/gradio_api/upload -F files=@seven.png | cut -d '"' -f 2)
EVENT=$(curl -s ROOT/gradio_api/call/predict -H "Content-Type: application/json" \\
  -d '{"data": [{"path": "'"$FILE"'"}]}' | cut -d '"' -f 4)
curl -sN ROOT/gradio_api/call/predict/$EVENT""",
    "python": """\
from urllib.request import urlretrieve

from gradio_client import Client, handle_file

urlretrieve("ROOT/seven.png", "seven.png")  # or take a picture of your own
client = Client("ROOT")
print(client.predict(handle_file("seven.png"), api_name="/predict"))""",
    "javascript": """\
import { Client, handle_file } from "@gradio/client";

const answer = await fetch("ROOT/seven.png"); // or take a picture of your own
const picture = await answer.blob();

const client = await Client.connect("ROOT");
const result = await client.predict("/predict", [handle_file(picture)]);
console.log(result.data[0]);""",
    "cli": DOWNLOAD
    + """\
{command} predict ROOT /predict \\
  '{"picture": {"path": "seven.png", "meta": {"_type": "gradio.FileData"}}}'""",
}


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
