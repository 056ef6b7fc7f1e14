"""Which routes of Gradio's server the page needs, and what a request of each may hold."""

import re

import httpx
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Scope

from inkling.imaging.image_formats import MAX_UPLOAD_BYTES

UPLOAD_BODY = MAX_UPLOAD_BYTES + 20_000  # bytes, with what multipart adds
BODY_LIMIT = 300_000  # bytes of any other body; a scribbled-full sketch is a tenth of it
ROUTES = re.compile(  # all that the page, gradio_client and the page about the API ask for
    r"/|/healthz|/config/?|/login/?|/theme\.css|/favicon\.ico|/robots\.txt|/manifest\.json|/pwa_icon(/\d+)?"
    r"|/seven\.png|/(assets|static)/.+|/gradio_api/(info/?|openapi\.json|startup-events|app_id"
    r"|upload|upload_progress|component_server/?|queue/(join|data)|call/(v2/)?predict(/\w+)?|cancel"
    r"|heartbeat/[\w-]{1,64})"
)
EVENTS = re.compile(r"/gradio_api/(queue/join|call/(v2/)?predict)")
QUESTION = "/gradio_api/component_server"  # what the pad asks
CANCEL = "/gradio_api/cancel"  # takes JSON as events do
ANSWERS = re.compile(r"/gradio_api/call/(?:v2/)?(?:predict/)?(\w+)")
HOST = re.compile(r"(https?://)?[\w.:[\]-]+", re.ASCII)
RELOAD = "/gradio_api/dev/reload"  # for developers: `gradio app.py`


def path_of(scope: Scope) -> str:
    """Return a request's path, as it is without a proxy."""
    return scope["path"].removeprefix(scope.get("root_path", ""))


def names_host(request: Request) -> bool:
    """Tell whether what a request says of its host is an address that Gradio can make links of."""
    for name in ("host", "x-forwarded-host", "x-gradio-server"):
        host = request.headers.get(name, "").split(",")[0].strip()
        try:
            httpx.URL(host if "://" in host else f"http://{host}")
        except httpx.InvalidURL:
            return False
        if host and not HOST.fullmatch(host):
            return False
    return True


def takes_json(path: str) -> bool:
    """Tell whether this is a route that takes JSON."""
    return path == CANCEL or is_question(path) or EVENTS.fullmatch(path) is not None


def is_question(path: str) -> bool:
    """Tell whether this is the route by which a part of the page asks something itself."""
    return path.rstrip("/") == QUESTION


def is_upload(path: str) -> bool:
    """Tell whether this is the route that takes pictures."""
    return path == "/gradio_api/upload"


def is_heartbeat(path: str) -> bool:
    """Tell whether this is a route that a page holds open as long as it is open itself."""
    return path.startswith("/gradio_api/heartbeat/")


def body_limit(path: str) -> int:
    """Return how many bytes a route takes."""
    return UPLOAD_BODY if is_upload(path) else BODY_LIMIT


def too_large(path: str) -> HTTPException:
    """Return what is said to a body that is."""
    return HTTPException(413, f"Too large: the limit is {body_limit(path) / 2**20:.1f} MB.")
