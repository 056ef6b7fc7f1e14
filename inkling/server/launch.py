"""Launch the page's server with settings for untrusted clients."""

import contextlib
import io
import logging
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
import gradio as gr
from fastapi.exceptions import RequestValidationError
from gradio.queueing import Queue
from gradio.utils import get_upload_folder
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from inkling.imaging.image_formats import MAX_UPLOAD_BYTES
from inkling.server import gradio_internals
from inkling.server.address import LOOPBACK
from inkling.server.api_examples import ApiExamples, send_seven
from inkling.server.cleanup import cleanup_lifespan
from inkling.server.endpoint_calls import handle_validation_error
from inkling.server.login import Login
from inkling.server.process import bypass_proxies, hide_gradio_variables
from inkling.server.queue_admission import MAX_QUEUED_EVENTS, is_full, limit_queue
from inkling.server.request_limits import RequestLimits

EVENT_CONCURRENCY = max(2, min(8, os.cpu_count() or 2))  # running events; others are queued
MAX_THREADS = 8  # not tuned
MAX_SESSIONS = 400  # that Gradio stores, 130 KB each; `cleanup.py` drops most sooner
STATUS_INTERVAL_S = 5.0  # between two queue messages to a waiting client


@hide_gradio_variables()
def launch(
    demo: gr.Blocks,
    port: int = 0,
    share: bool = False,
    auth: tuple[str, str] | None = None,
    host: str = LOOPBACK,
    css_paths: Sequence[Path] = (),
    more_routes: Sequence[Route] = (),
) -> tuple[str, str | None]:
    """Start the server; return the page's URL, and its public URL if `share` obtained one.

    Without a `port`, use the first free one from 7860 on. `auth` is a user and a password.
    `more_routes` need no login.
    """
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # also of errors
    uploads = Path(get_upload_folder()).resolve()
    for event in demo.fns.values():  # one queue for all: they share the machine
        event.concurrency_id, event.concurrency_limit = "all", EVENT_CONCURRENCY
    cv2.setNumThreads(1)  # for each event: events already use all cores
    # by default every waiting client gets a message at each event's start, which is not shown
    rate = STATUS_INTERVAL_S
    with gradio_internals.skip_app_creation():
        demo.queue(api_open=False, max_size=MAX_QUEUED_EVENTS, status_update_rate=rate)
    queue = gradio_internals.get_queue(demo)
    gradio_internals.reduce_analytics(queue)
    gradio_internals.wake_on_events(queue)
    limit_queue(queue, uploads)
    # Gradio prints paragraphs about share links, and requests its own page once
    with contextlib.redirect_stdout(io.StringIO()), bypass_proxies(host):
        gradio_internals.disable_spaces_reload()
        _, url, public_url = demo.launch(
            server_name=f"[{host}]" if ":" in host else host,
            server_port=port or None,
            share=share,
            auth=Login(*auth).authenticate if auth else None,  # type: ignore[arg-type]  # Gradio awaits it
            prevent_thread_lock=True,
            quiet=True,
            css_paths=list(css_paths),
            theme=gr.themes.Soft(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
            max_file_size=MAX_UPLOAD_BYTES,
            max_threads=MAX_THREADS,
            state_session_capacity=MAX_SESSIONS,
            enable_monitoring=False,
            run_history=False,
            ssr_mode=False,
            num_workers=0,  # they would serve files without `RequestLimits`
            mcp_server=False,
            show_error=False,
            footer_links=["api"],
            app_kwargs=build_app_options(queue, uploads, more_routes),
        )
    for name in ("python_multipart", "uvicorn.error"):  # clients could fill a log
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for name, address in (("//localhost:", f"//{LOOPBACK}:"), ("//[::]:", "//[::1]:")):
        url = url.replace(name, address)  # a browser cannot open the unspecified address
    return url, public_url


def build_app_options(queue: Queue, uploads: Path, more_routes: Sequence[Route] = ()) -> dict:
    """Return the options of Gradio's ASGI app: middleware, error handlers, clean-up and routes."""
    limits = Middleware(
        RequestLimits,
        uploads=uploads,
        is_full=partial(is_full, queue),
        is_event=partial(gradio_internals.is_event, queue),
        more_paths={route.path for route in more_routes},
    )
    return {
        "middleware": [limits, Middleware(ApiExamples)],
        "exception_handlers": {RequestValidationError: handle_validation_error},
        "lifespan": cleanup_lifespan,
        "routes": [Route("/healthz", check_health), Route("/seven.png", send_seven), *more_routes],
    }


async def check_health(_: Request) -> JSONResponse:
    """Report to containers and load balancers that the server runs."""
    return JSONResponse({"status": "ok"})


def print_address(url: str, public_url: str | None, share: bool) -> None:
    """Print the page's address."""
    print(f"Inkling is at {url}", flush=True)
    if public_url:
        print(f"and, for anyone who has the link, at {public_url}", flush=True)
    elif share:
        print("No public link could be had (is there a network?): it goes on locally.", flush=True)
