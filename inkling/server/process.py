"""Set up the server's process: signals, temporary folder, proxies and GRADIO_* variables.

Gradio reads the environment at import, so this module does not import it.
"""

import argparse
import contextlib
import gc
import inspect
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue

from inkling.server.address import LOOPBACK, parse_host, parse_port
from inkling.server.login import parse_login

# Environment variables, with their parsers, for options that are not given.
VARIABLES: dict[str, tuple[str, Callable[[str], object]]] = {
    "auth": ("INKLING_AUTH", parse_login),
    "host": ("GRADIO_SERVER_NAME", parse_host),
    "port": ("GRADIO_SERVER_PORT", parse_port),
}
# GRADIO_* variables that Gradio 6.31 may read.
HONOURED = {
    *("GRADIO_ANALYTICS_ENABLED", "GRADIO_HEARTBEAT_INTERVAL", "GRADIO_ROOT_PATH"),
    *("GRADIO_SHARE_SERVER_ADDRESS", "GRADIO_TEMP_DIR"),
    *("GRADIO_WATCH_DIRS", "GRADIO_WATCH_MODULE_NAME", "GRADIO_WATCH_DEMO_NAME"),  # `gradio app.py`
    *("GRADIO_WATCH_DEMO_PATH", "GRADIO_WATCH_ENCODING"),
}


def prepare_imports() -> None:
    """Let Ctrl-C end the process while modules load, and training threads sleep when idle."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read when PyTorch loads: `train.py`


@contextlib.contextmanager
def catch_signals() -> Iterator[Callable[[], int]]:
    """Set up signals and a temporary folder of uploads; yield a function that awaits a signal."""
    signals: SimpleQueue[int] = SimpleQueue()  # `put` is reentrant, as a handler must be
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: signals.put(number))
    with tempfile.TemporaryDirectory(prefix="inkling-", ignore_cleanup_errors=True) as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        yield signals.get


def finish(is_training: bool) -> None:
    """Print the last line; exit at once while a thread trains: its modules would be freed."""
    print("Closed.", flush=True)
    if is_training:
        os._exit(0)


def read_environment(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Set options that were not given from environment variables; exit if a value is invalid."""
    for option, (variable, parse) in VARIABLES.items():
        value = os.environ.get(variable)
        if value and getattr(options, option) is None:
            try:
                setattr(options, option, parse(value))
            except argparse.ArgumentTypeError as error:
                parser.error(f"{variable}: {error}")
    options.share = options.share or os.environ.get("GRADIO_SHARE", "").lower() == "true"


@contextlib.contextmanager
def override_environ(**values: str | None) -> Iterator[None]:
    """Set environment variables, remove those that are None, and restore all on exit."""
    before = {name: os.environ.pop(name, None) for name in values}
    os.environ.update({name: value for name, value in values.items() if value is not None})
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextlib.contextmanager
def hide_gradio_variables() -> Iterator[None]:
    """Remove all GRADIO_* variables that are not `HONOURED`, and restore them on exit.

    Some block `launch` (`GRADIO_DEBUG`) or let users edit the code (`GRADIO_VIBE_MODE`).
    """
    names = {name for name in os.environ if name.startswith("GRADIO_")}
    with override_environ(**dict.fromkeys(names - HONOURED)):
        yield


@contextlib.contextmanager
def importing_gradio() -> Iterator[None]:
    """Import Gradio, and components made with it, faster and in any environment.

    Gradio creates an HTTP client, which unsupported proxy settings would break. It parses each
    component's source to write a type stub, half of its import time, unless there is no source.
    The garbage collector skips the imported objects: 1 of 7 s until the first page is built.
    """
    find_file = inspect.getfile

    def hide_components(found: object) -> str:
        if isinstance(found, type) and found.__module__.startswith(("gradio.", "inkling.")):
            raise OSError("no stub is needed")
        return find_file(found)  # type: ignore[arg-type]

    gc.disable()
    inspect.getfile = hide_components  # type: ignore[assignment]
    try:
        with bypass_proxies(), hide_gradio_variables():
            yield
        gc.freeze()
    finally:
        inspect.getfile = find_file
        gc.enable()


@contextlib.contextmanager
def bypass_proxies(host: str = LOOPBACK) -> Iterator[None]:
    """Bypass the user's proxies for a host and this machine, or all if httpx cannot use them."""
    import httpx  # here: its import takes a while, and by then Ctrl-C is handled

    listed = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
    exempt = f"{listed},localhost,{LOOPBACK},{host}"
    try:
        with override_environ(no_proxy=exempt):
            httpx.Client(verify=False).close()
    except Exception:  # httpx raises many types, one for each kind of invalid setting
        exempt = "*"
    with override_environ(no_proxy=exempt):
        yield
