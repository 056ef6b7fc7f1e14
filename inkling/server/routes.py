"""The routes of Gradio's server that the page needs, and limits for each of them."""

import re

import httpx
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope

from inkling.imaging.image_formats import MAX_UPLOAD_BYTES

MAX_UPLOAD_BODY_BYTES = MAX_UPLOAD_BYTES + 20_000  # bytes, with multipart's own
MAX_BODY_BYTES = 300_000  # bytes of any other body: ten times a pad full of strokes
ALLOWED_ROUTES = re.compile(  # those of the page, gradio_client and the page about the API
    r"/|/healthz|/config/?|/login/?|/theme\.css|/favicon\.ico|/robots\.txt|/manifest\.json|/pwa_icon(/\d+)?"
    r"|/seven\.png|/(assets|static)/.+|/gradio_api/(info/?|openapi\.json|startup-events|app_id"
    r"|upload|upload_progress|component_server/?|queue/(join|data)|call/(v2/)?predict(/\w+)?|cancel"
    r"|heartbeat/[\w-]{1,64})"
)
EVENT_ROUTES = re.compile(r"/gradio_api/(queue/join|call/(v2/)?predict)")
COMPONENT_ROUTE = re.compile(r"/gradio_api/component_server/?")  # read requests of the pad
JSON_ROUTES = re.compile(rf"{EVENT_ROUTES.pattern}|{COMPONENT_ROUTE.pattern}|/gradio_api/cancel")
UPLOAD_ROUTE = "/gradio_api/upload"
HEARTBEAT_ROUTE = "/gradio_api/heartbeat/"  # start of routes that stay open as long as a page
EVENT_RESULT_ROUTE = re.compile(r"/gradio_api/call/(?:v2/)?(?:predict/)?(\w+)")
RELOAD_ROUTE = "/gradio_api/dev/reload"  # of `gradio app.py`, for developers
HOST_PATTERN = re.compile(r"(https?://)?[\w.:[\]-]+", re.ASCII)


def get_path(scope: Scope) -> str:
    """Return a request's path, without a proxy's prefix."""
    return scope["path"].removeprefix(scope.get("root_path", ""))


def has_valid_host(request: Request) -> bool:
    """Return whether Gradio can build links from the request's host headers."""
    for name in ("host", "x-forwarded-host", "x-gradio-server"):
        host = request.headers.get(name, "").split(",")[0].strip()
        try:
            httpx.URL(host if "://" in host else f"http://{host}")
        except httpx.InvalidURL:
            return False
        if host and not HOST_PATTERN.fullmatch(host):
            return False
    return True


def max_body_bytes(path: str) -> int:
    """Return the maximum body of a route in bytes."""
    return MAX_UPLOAD_BODY_BYTES if path == UPLOAD_ROUTE else MAX_BODY_BYTES


def body_too_large(path: str) -> HTTPException:
    """Return the error for a body above the route's maximum."""
    return HTTPException(413, f"Too large: the limit is {max_body_bytes(path) / 2**20:.1f} MB.")


async def collect_response(app: ASGIApp, scope: Scope, receive: Receive) -> list[Message]:
    """Return the messages of an app's response without sending them."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    return messages
