"""An unusable host, port or login is rejected with a remedy, before the page is built."""

import argparse
import socket
import sys

import pytest

import app
from inkling.server import address


@pytest.mark.parametrize("port", ["99999", "-1", "abc", "80.5", ""])
def test_an_invalid_port_is_rejected_with_a_remedy(port):
    with pytest.raises(argparse.ArgumentTypeError, match="take a number from 1024 to 65535"):
        address.parse_port(port)


@pytest.mark.parametrize("host", ["no.such.host", "8.8.8.8", "", "::%%%", "a b"])
def test_a_host_of_another_machine_is_rejected_with_a_remedy(host):
    with pytest.raises(argparse.ArgumentTypeError, match=r"take 127\.0\.0\.1"):
        address.parse_host(host)


@pytest.mark.parametrize(
    "option, variable, value",
    [("--port", "GRADIO_SERVER_PORT", "abc"), ("--host", "GRADIO_SERVER_NAME", "no.such.host")]
    + [("--auth", "INKLING_AUTH", "ann")],
)
def test_the_last_line_names_the_option_or_variable_and_the_remedy(
    option, variable, value, monkeypatch, capsys
):
    for name in (option, variable):
        monkeypatch.setattr(sys, "argv", ["app.py", *([option, value] if name == option else [])])
        monkeypatch.setenv(variable, "" if name == option else value)
        with pytest.raises(SystemExit, match="2"):
            app.parse_arguments()
        line = capsys.readouterr().err.splitlines()[-1]
        assert name in line and ("; take " in line or "USER:PASSWORD" in line)


def test_a_used_port_is_reported():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(OSError, match="in use; choose another with --port"):
            address.check_port("127.0.0.1", other.getsockname()[1])


@pytest.mark.parametrize(
    "host, share, space, public",
    [(host, False, False, False) for host in ("127.0.0.1", "::1")]
    + [(host, False, False, True) for host in ("0.0.0.0", "::", "192.168.0.9")]
    + [("127.0.0.1", True, False, True), ("127.0.0.1", False, True, True)],
)
def test_a_page_that_other_machines_reach_is_public(monkeypatch, host, share, space, public):
    monkeypatch.delenv("SPACE_ID", raising=False)
    if space:
        monkeypatch.setenv("SPACE_ID", "someone/inkling")
    assert address.is_public(host, share) is public
