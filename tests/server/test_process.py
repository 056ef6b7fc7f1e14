"""The process starts past all proxies and GRADIO_* variables, and imports Gradio quickly."""

import gc
import os
import re
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest
from conftest import run_python

from inkling.server import process
from tests.app_process import AppProcess

PROXIES = [name for name in os.environ if "proxy" in name.lower()]
# All variables that Gradio reads, except those of `app.py` and of servers in front of the page.
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
IMPORTS = """
import ast, inspect
ast.get_source_segment, find = None, inspect.getfile
import app
assert inspect.getfile is find
"""


@pytest.fixture
def environ(monkeypatch):
    """Return a context manager that sets variables and checks that the test restores them."""

    @contextmanager
    def environ(**variables):
        for name in PROXIES:
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        before = dict(os.environ)
        yield
        assert dict(os.environ) == before

    return environ


@pytest.mark.parametrize(
    "proxies", [*UNUSABLE, {}, {"https_proxy": "http://127.0.0.1:1"}, {"no_proxy": "[::1]"}]
)
def test_an_http_client_can_be_created_with_any_proxy_setting(environ, proxies):
    with environ(**proxies), process.bypass_proxies():
        httpx.Client(verify=False).close()


def test_a_usable_proxy_is_bypassed_for_this_machine_only(environ):
    variables = {"https_proxy": "http://127.0.0.1:1", "NO_PROXY": "inside.example"}
    with environ(**variables), process.bypass_proxies("10.0.0.7"):
        exempt = os.environ["no_proxy"].split(",")
    assert {"inside.example", "localhost", "127.0.0.1", "10.0.0.7"} <= set(exempt)
    assert "*" not in exempt


def test_gradio_sees_only_honoured_variables(environ):
    dangerous = {"GRADIO_DEBUG", "GRADIO_VIBE_MODE", "GRADIO_ALLOWED_PATHS", "GRADIO_MCP_SERVER"}
    assert dangerous < GRADIO
    with environ(**dict.fromkeys(GRADIO, "1")), process.hide_gradio_variables():
        assert GRADIO & set(os.environ) == GRADIO & process.HONOURED


@pytest.mark.parametrize(
    "options, environment, host",
    [
        ("", UNUSABLE[0] | dict.fromkeys(GRADIO, "1"), "127.0.0.1"),
        ("", UNUSABLE[1] | dict.fromkeys(GRADIO, "on") | {"GRADIO_SERVER_NAME": "[::1]"}, "[::1]"),
        ("--host 0.0.0.0 --port 0", UNUSABLE[2] | {"INKLING_AUTH": "ann:secret word"}, "127.0.0.1"),
    ],
)
def test_it_starts_with_any_proxies_and_gradio_variables(options, environment, host, tmp_path):
    with AppProcess(tmp_path, ["app.py", *options.split()], without=PROXIES, **environment) as page:
        address = page.address()
        assert re.fullmatch(rf"http://{re.escape(host)}:\d+", address)
        with httpx.Client(trust_env=False) as client:
            locked = 401 if "INKLING_AUTH" in environment else 200
            assert client.get(address).status_code == 200
            assert client.get(f"{address}/config").status_code == locked
        page.stop()


def test_a_public_link_that_cannot_be_had_is_reported(tmp_path):
    environment = {"GRADIO_SHARE": "True", "HTTPS_PROXY": "http://127.0.0.1:1"}
    with AppProcess(tmp_path, without=PROXIES, **environment) as page:
        page.until("No public link could be had")
        page.stop()


def test_importing_the_page_parses_no_component_and_writes_no_stub():
    run_python("-c", IMPORTS, check=True)


def test_the_garbage_collector_skips_imported_objects():
    try:
        with process.importing_gradio():
            assert not gc.isenabled()
        assert gc.isenabled() and gc.get_freeze_count() > 10_000  # objects
    finally:
        gc.unfreeze()
