"""Fixtures of the page without a server: its folder, its address, and windows on it."""

import pytest
from playwright.sync_api import expect

from inkling.export.static_page import build
from inkling.terminal import UserError
from support.static_server import serve_folder


@pytest.fixture(scope="session")
def static_folder(tmp_path_factory):
    """Return the folder that the command builds."""
    folder = tmp_path_factory.getbasetemp() / "static-page"
    try:
        build(folder)
    except UserError as error:  # no Node.js, or npm is not reachable
        pytest.skip(str(error))
    return folder


@pytest.fixture(scope="session")
def static_url(static_folder):
    """Return the address of the page."""
    with serve_folder(static_folder) as url:
        yield url


@pytest.fixture
def open_site(window):
    """Return a function that opens an address in a window of its own."""

    def open_site(url, is_ready=True, **options):
        page = window(**options)
        page.requests = []
        page.on("request", lambda request: page.requests.append(request))
        page.goto(url)
        if is_ready:
            expect(page.locator("#answer[data-ready]")).to_be_attached()
        return page

    return open_site
