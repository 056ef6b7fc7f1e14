"""Parse and check the host and port to serve on."""

import argparse
import ipaddress
import os
import socket

LOOPBACK = "127.0.0.1"  # reachable from this machine only


def parse_host(host: str) -> str:
    """Return a host's numeric address; raises `ArgumentTypeError` if it is another machine's."""
    try:
        name = host.removeprefix("[").removesuffix("]")
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        address = str(min(found)[4][0])  # IPv4 before IPv6, as most programs prefer
        ipaddress.ip_address(address)
        check_bind(address, 0)
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(
            f"{host!r} is no address of this machine; take {LOOPBACK} to serve this machine alone, "
            "or 0.0.0.0 to serve its network, too"
        ) from error
    return address


def parse_port(text: str) -> int:
    """Return a port number; raises `ArgumentTypeError` if there is no such port."""
    if text.isdecimal() and int(text) <= 65_535:
        return int(text)
    raise argparse.ArgumentTypeError(
        f"{text!r} is no port; take a number from 1024 to 65535, or 0 for the first free one"
    )


def check_bind(host: str, port: int) -> None:
    """Raise `OSError` if no server can listen at a port of an address; 0 means any port."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        if os.name != "nt":  # Windows would let two servers share a port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def check_port(host: str, port: int) -> None:
    """Raise `OSError`, with a message for the user, if a port is not available."""
    try:
        check_bind(host, port)
        check_bind(LOOPBACK, port)  # Gradio checks this address, whatever the host
    except PermissionError as error:
        raise OSError(f"port {port} is not allowed; choose one from 1024 on with --port") from error
    except OSError as error:
        raise OSError(
            f"port {port} is in use; choose another with --port, or 0 for the first free one"
        ) from error


def is_public(host: str, share: bool) -> bool:
    """Return whether other machines can reach the page."""
    return share or "SPACE_ID" in os.environ or not ipaddress.ip_address(host).is_loopback
