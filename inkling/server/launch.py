"""A page becomes a server that strangers may reach.

What may come in is limited by `request_limits.py` and `queue_admission.py`; what is left behind is
removed by `cleanup.py`.
"""

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
from inkling.server.address import LOOPBACK, direct, gradio_defaults
from inkling.server.api_examples import ApiExamples
from inkling.server.cleanup import tidied
from inkling.server.endpoint_calls import say_what_is_wrong
from inkling.server.login import Login
from inkling.server.queue_admission import QUEUE, is_full, watch_queue
from inkling.server.request_limits import RequestLimits

AT_ONCE = max(2, min(8, os.cpu_count() or 2))  # events; the rest waits in the queue
THREADS = 8
SESSIONS = 400  # that Gradio remembers, of 130 KB each; `cleanup.py` forgets most sooner
STATUS_RATE = 5.0  # seconds between two words to those who wait


@gradio_defaults()
def launch(
    demo: gr.Blocks,
    port: int = 0,
    share: bool = False,
    auth: tuple[str, str] | None = None,
    host: str = LOOPBACK,
    css_paths: Sequence[Path] = (),
) -> tuple[str, str | None]:
    """Start serving the page, with the settings that a page open to strangers needs.

    Without a `port` it takes the first free one from 7860 on. With `auth`, a user and a password,
    nobody else gets in. Returns the page's address, and its public link if one was asked for and
    could be had.
    """
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # of its errors, too
    uploads = Path(get_upload_folder()).resolve()
    for event in demo.fns.values():  # one line for all: what is limited is the machine
        event.concurrency_id, event.concurrency_limit = "all", AT_ONCE
    cv2.setNumThreads(1)  # of each event: they share the cores already
    # else whoever waits is told so, whenever an event begins; the page does not show it
    with gradio_internals.without_app():
        demo.queue(api_open=False, max_size=QUEUE, status_update_rate=STATUS_RATE)
    queue = gradio_internals.queue_of(demo)
    gradio_internals.measure_seldom(queue)
    gradio_internals.wake_when_needed(queue)
    watch_queue(queue, uploads)
    # Gradio prints paragraphs about share links, and looks at its own page once
    with contextlib.redirect_stdout(io.StringIO()), direct(host):
        gradio_internals.do_not_reload_in_spaces()
        _, url, public = demo.launch(
            server_name=f"[{host}]" if ":" in host else host,
            server_port=port or None,
            share=share,
            auth=Login(*auth).admits if auth else None,  # type: ignore[arg-type]  # Gradio awaits it
            prevent_thread_lock=True,
            quiet=True,
            css_paths=list(css_paths),
            theme=gr.themes.Soft(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
            max_file_size=MAX_UPLOAD_BYTES,
            max_threads=THREADS,
            state_session_capacity=SESSIONS,
            enable_monitoring=False,
            run_history=False,
            ssr_mode=False,
            num_workers=0,  # they would serve files without the guard
            mcp_server=False,
            show_error=False,
            footer_links=["api"],
            app_kwargs=around(queue, uploads),
        )
    for name in ("python_multipart", "uvicorn.error"):  # strangers could fill a log
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for every, one in (("//localhost:", f"//{LOOPBACK}:"), ("//[::]:", "//[::1]:")):
        url = url.replace(every, one)  # "every address" is none that a browser can open
    return url, public


def around(queue: Queue, uploads: Path) -> dict:
    """Return what stands around Gradio's app: who passes, what is said, and who tidies up."""
    guard = Middleware(
        RequestLimits,
        uploads=uploads,
        is_full=partial(is_full, queue),
        is_event=partial(gradio_internals.is_event, queue),
    )
    return {
        "middleware": [guard, Middleware(ApiExamples)],
        "exception_handlers": {RequestValidationError: say_what_is_wrong},
        "lifespan": tidied,
        "routes": [Route("/healthz", say_it_is_well)],
    }


async def say_it_is_well(_: Request) -> JSONResponse:
    """Answer who asks whether the server is up: containers and load balancers do."""
    return JSONResponse({"status": "ok"})


def announce(url: str, public: str | None, share: bool) -> None:
    """Say on the terminal where the page is."""
    print(f"Inkling is at {url}", flush=True)
    if public:
        print(f"and, for anyone who has the link, at {public}", flush=True)
    elif share:
        print("No public link could be had (is there a network?): it goes on locally.", flush=True)
