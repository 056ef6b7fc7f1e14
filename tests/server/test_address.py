"""Where the page is served: what is wrong is said in a line, and no proxy keeps it away."""

import argparse
import gc
import os
import re
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest
from conftest import ROOT

import app
from inkling.server import address
from tests.app_process import AppProcess

PROXIES = [name for name in os.environ if "proxy" in name.lower()]
# All variables that Gradio reads, but for those of `app.py` and of servers before the page's.
GRADIO = {
    name
    for path in Path(find_spec("gradio").origin).parent.rglob("*.py")
    for name in re.findall(
        r"env(?:iron)?(?:\.get)?[([]\s*\"(GRADIO_\w+)\"", path.read_text("utf-8")
    )
    if not re.match(r"GRADIO_(SERVER_NAME|SERVER_PORT|SHARE$|ROOT_PATH|WATCH_)", name)
}
UNUSABLE = [
    {"ALL_PROXY": "socks://127.0.0.1:1"},
    {"all_proxy": "socks5h://127.0.0.1:1", "no_proxy": "[::1],localhost,%%%"},
    {"HTTP_PROXY": "http://:99999", "https_proxy": "socks5://127.0.0.1:1", "ALL_PROXY": "foo"},
]


@pytest.mark.parametrize(
    "given", [*UNUSABLE, {}, {"https_proxy": "http://127.0.0.1:1"}, {"no_proxy": "[::1]"}]
)
def test_a_client_can_be_set_up_whatever_the_proxies_and_they_are_as_before(monkeypatch, given):
    for name in [n for n in os.environ if "proxy" in n.lower()]:
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    with address.direct():
        httpx.Client(verify=False).close()
    assert dict(os.environ) == before


def test_a_proxy_that_can_be_used_still_is_but_for_this_machine(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("NO_PROXY", "inside.example")
    with address.direct("10.0.0.7"):
        exempt = os.environ["no_proxy"].split(",")
        assert {"inside.example", "localhost", "127.0.0.1", "10.0.0.7"} <= set(exempt)
        assert "*" not in exempt


@pytest.mark.parametrize(
    "arguments, environment, url",
    [
        ((), UNUSABLE[0] | dict.fromkeys(GRADIO, "1"), r"http://127\.0\.0\.1:\d+"),
        (
            (),
            UNUSABLE[1] | dict.fromkeys(GRADIO, "on") | {"GRADIO_SERVER_NAME": "[::1]"},
            r"http://\[::1\]:\d+",
        ),
        (
            ("--host", "0.0.0.0", "--port", "0"),
            UNUSABLE[2] | {"INKLING_AUTH": "ann:secret word"},
            r"http://127\.0\.0\.1:\d+",
        ),
    ],
)
def test_it_starts_where_it_is_told_past_all_proxies_and_whatever_gradio_is_told(
    arguments, environment, url, tmp_path
):
    with AppProcess(tmp_path, ["app.py", *arguments], without=PROXIES, **environment) as page:
        found = page.address()
        assert re.fullmatch(url, found)
        with httpx.Client(trust_env=False) as client:
            locked = 401 if "INKLING_AUTH" in environment else 200
            assert client.get(found).status_code == 200
            assert client.get(f"{found}/config").status_code == locked
        page.stop()


def test_of_gradio_s_variables_those_that_are_honoured_are_seen_meanwhile(monkeypatch):
    assert {
        "GRADIO_DEBUG",
        "GRADIO_VIBE_MODE",
        "GRADIO_ALLOWED_PATHS",
        "GRADIO_MCP_SERVER",
    } < GRADIO
    for name in GRADIO:
        monkeypatch.setenv(name, "1")
    before = dict(os.environ)
    with address.gradio_defaults():
        assert GRADIO & set(os.environ) == GRADIO & address.HONOURED
    assert dict(os.environ) == before


def test_importing_the_page_parses_no_component_s_source_and_writes_no_stub():
    program = (
        "import ast, inspect; ast.get_source_segment, find = None, inspect.getfile; import app"
    )
    program += "; assert inspect.getfile is find"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_who_asks_for_a_link_by_the_environment_is_told_that_there_is_none(tmp_path):
    environment = {"GRADIO_SHARE": "True", "HTTPS_PROXY": "http://127.0.0.1:1"}
    with AppProcess(tmp_path, without=PROXIES, **environment) as page:
        page.until("No public link could be had")
        page.stop()


@pytest.mark.parametrize("port", ["99999", "-1", "abc", "80.5", ""])
def test_what_is_no_port_is_refused_with_what_to_take(port):
    with pytest.raises(argparse.ArgumentTypeError, match="take a number from 1024 to 65535"):
        address.port_number(port)


@pytest.mark.parametrize("host", ["no.such.host", "8.8.8.8", "", "::%%%", "a b"])
def test_what_is_no_address_of_this_machine_is_refused_with_what_to_take(host):
    with pytest.raises(argparse.ArgumentTypeError, match=r"take 127\.0\.0\.1"):
        address.address(host)


@pytest.mark.parametrize(
    "arguments, environment",
    [(("--port", "99999"), {}), ((), {"GRADIO_SERVER_PORT": "abc"})]
    + [(("--host", "no.such.host"), {}), ((), {"GRADIO_SERVER_NAME": "no.such.host"})]
    + [((), {"INKLING_AUTH": "ann"})],
)
def test_on_the_command_line_that_is_the_last_line(arguments, environment, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["app.py", *arguments])
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match="2"):
        app.parse_arguments()
    told = capsys.readouterr().err.splitlines()[-1]
    assert "; take " in told or "USER:PASSWORD" in told


def test_a_port_in_use_is_said_to_be():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(OSError, match="in use; choose another with --port"):
            address.check_port("127.0.0.1", other.getsockname()[1])


@pytest.mark.parametrize(
    "host, share, space, public",
    [
        ("127.0.0.1", False, False, False),
        ("::1", False, False, False),
        ("127.0.0.1", True, False, True),
        ("127.0.0.1", False, True, True),
        ("0.0.0.0", False, False, True),
        ("::", False, False, True),
        ("192.168.0.9", False, False, True),
    ],
)
def test_a_page_that_others_can_reach_is_public(monkeypatch, host, share, space, public):
    monkeypatch.delenv("SPACE_ID", raising=False)
    if space:
        monkeypatch.setenv("SPACE_ID", "someone/inkling")
    assert address.is_public(host, share) is public


def test_the_garbage_collector_leaves_alone_what_is_imported():
    try:
        with address.importing_gradio():
            assert not gc.isenabled()
        assert gc.isenabled() and gc.get_freeze_count() > 10_000  # objects
    finally:
        gc.unfreeze()
