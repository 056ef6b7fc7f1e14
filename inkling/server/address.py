"""Where the page is served: at which host and port, who can reach it there, and past which proxies.

Gradio reads the environment while it is imported, so nothing here imports it.
"""

import argparse
import contextlib
import gc
import inspect
import ipaddress
import os
import socket
from collections.abc import Iterator
from unittest.mock import patch

import httpx

LOOPBACK = "127.0.0.1"  # the address that only this machine reaches
HONOURED = {  # of the variables that Gradio 6.31 reads; app.py reads a few others itself
    *("GRADIO_ANALYTICS_ENABLED", "GRADIO_HEARTBEAT_INTERVAL", "GRADIO_ROOT_PATH"),
    *("GRADIO_SHARE_SERVER_ADDRESS", "GRADIO_TEMP_DIR"),
    *("GRADIO_WATCH_DIRS", "GRADIO_WATCH_MODULE_NAME", "GRADIO_WATCH_DEMO_NAME"),  # `gradio app.py`
    *("GRADIO_WATCH_DEMO_PATH", "GRADIO_WATCH_ENCODING"),
}


@contextlib.contextmanager
def environment(**values: str | None) -> Iterator[None]:
    """Set environment variables meanwhile, or remove those that are None; then restore them."""
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
def gradio_defaults() -> Iterator[None]:
    """Hide from Gradio meanwhile all its variables that are not `HONOURED`.

    They would block `launch` (`GRADIO_DEBUG`), let visitors edit the code (`GRADIO_VIBE_MODE`), or
    end the start with a traceback where a number is expected.
    """
    names = {name for name in os.environ if name.startswith("GRADIO_")}
    with environment(**dict.fromkeys(names - HONOURED)):
        yield


@contextlib.contextmanager
def importing_gradio() -> Iterator[None]:
    """Meanwhile Gradio, and components made with it, are imported with less work and as ever.

    It sets up a client for other servers, which no proxy shall prevent. For each component it
    parses sources to write a type stub, half of its import's time, unless they have no file.
    What is imported stays: the garbage collector passes over it neither now (0.6 of 7 s) nor later
    (0.4 s at once, mostly while the first page is made).
    """
    find_file = inspect.getfile

    def find_no_component(found: object) -> str:
        if isinstance(found, type) and found.__module__.startswith(("gradio.", "inkling.")):
            raise OSError("no stub is needed")
        return find_file(found)  # type: ignore[arg-type]

    gc.disable()
    try:
        with direct(), gradio_defaults(), patch.object(inspect, "getfile", find_no_component):
            yield
        gc.freeze()
    finally:
        gc.enable()


@contextlib.contextmanager
def direct(host: str = LOOPBACK) -> Iterator[None]:
    """Have requests to a host, and to this machine, go past the user's proxies meanwhile.

    All requests do, if httpx cannot use these proxies: it has no SOCKS, and refuses to be set up.
    """
    listed = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
    exempt = f"{listed},localhost,{LOOPBACK},{host}"
    try:
        with environment(no_proxy=exempt):
            httpx.Client(verify=False).close()
    except Exception:  # each kind of setting that it refuses raises an exception of its own
        exempt = "*"
    with environment(no_proxy=exempt):
        yield


def bind(host: str, port: int) -> None:
    """Raise `OSError` if nobody can serve at a port, or for 0 at any port, of an address."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        if os.name != "nt":  # where it would let two servers share a port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def address(host: str) -> str:
    """Return a host's address in numbers; raises `ArgumentTypeError` if it is another machine's."""
    try:
        name = host.removeprefix("[").removesuffix("]")
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        numbers = str(min(found)[4][0])  # of several IPv4's, as most programs take it
        ipaddress.ip_address(numbers)
        bind(numbers, 0)
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(
            f"{host!r} is no address of this machine; take {LOOPBACK} to serve this machine alone, "
            "or 0.0.0.0 to serve its network, too"
        ) from error
    return numbers


def port_number(text: str) -> int:
    """Return a port as a number; raises `ArgumentTypeError` if there is no such port."""
    with contextlib.suppress(ValueError):
        if 0 <= int(text) <= 65_535:
            return int(text)
    raise argparse.ArgumentTypeError(
        f"{text!r} is no port; take a number from 1024 to 65535, or 0 for the first free one"
    )


def check_port(host: str, port: int) -> None:
    """Raise `OSError`, with words for the user, if a port cannot be had; for 0 one always can."""
    try:
        bind(host, port)
        bind(LOOPBACK, port)  # where Gradio looks whether it is free, whatever the host
    except PermissionError as error:
        raise OSError(f"port {port} is not allowed; choose one from 1024 on with --port") from error
    except OSError as error:
        raise OSError(
            f"port {port} is in use; choose another with --port, or 0 for the first free one"
        ) from error


def is_public(host: str, share: bool) -> bool:
    """Tell whether others than this machine's users can reach the page at an address."""
    return share or "SPACE_ID" in os.environ or not ipaddress.ip_address(host).is_loopback
