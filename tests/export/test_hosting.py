"""On any web server the page updates completely, and does not affect others of its origin."""

import gzip
import os
import shutil

import pytest
from playwright.sync_api import expect

from inkling.export import static_page
from inkling.export.static_page import NPM_DIR, add_page, install_packages, write_version
from inkling.recognition.reader import Reader
from inkling.terminal import UserError
from support.static_server import QuietHandler, serve_folder
from tests.pages import draw_line

# Replaces ONNX Runtime Web: no test here reads a digit.
RUNTIME = """export const env = { wasm: {} };
export class Tensor {}
const [probabilities, zero] = [10, 1].map((count) => ({ data: new Float32Array(count) }));
const prediction = { probabilities, not_a_digit: zero, plausible: zero, several: zero };
const session = { inputNames: ["ink"], run: async () => prediction };
export const InferenceSession = { create: async () => session };
"""
MAX_VISITS = 4  # two install a version, two show it
BUILD_TIMES = {"First": 1.4e9, "Second": 1.5e9}  # s since 1970
UPDATED = """async () => {
    const registration = await navigator.serviceWorker.ready;
    await registration.update();
    while (registration.installing || registration.waiting)
        await new Promise((done) => setTimeout(done, 10));
}"""


class OneHour(QuietHandler):
    """Lets browsers cache each file for an hour."""

    def end_headers(self):
        self.send_header("Cache-Control", "max-age=3600")
        super().end_headers()


class NoScripts(QuietHandler):
    """Sends scripts with another type."""

    extensions_map = {".js": "application/octet-stream"}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return a folder with the page, without a network."""
    folder = tmp_path_factory.mktemp("built")
    try:
        add_page(folder, Reader.load())
    except UserError as error:  # no Node.js, or npm is not reachable
        pytest.skip(str(error))
    (folder / "ort.wasm.bundle.min.js").write_text(RUNTIME)
    (folder / "ort-wasm-simd-threaded.wasm.gz").write_bytes(gzip.compress(b"code"))
    return folder


@pytest.fixture
def write_page(built):
    """Return a function that writes a version of the page."""
    return lambda folder, version="First": copy_page(built, folder, version)


def copy_page(built, folder, version):
    """Write a version of the page, named in its heading, as built years ago."""
    shutil.copytree(built, folder, dirs_exist_ok=True)
    for name in ("digits", "ink", "line"):
        (folder / f"{name}.onnx.gz").write_bytes(gzip.compress(b"network"))
    for name, at in (("index.html", "<h1>Inkling"), ("style.css", "body {")):
        path = folder / name
        new = f"<h1>{version}" if at[0] == "<" else f"body {{ --version: {version};"
        path.write_text(path.read_text("utf-8").replace(at, new), "utf-8")
    write_version(folder)
    built = BUILD_TIMES[version]  # without a header, browsers cache a file for a tenth of its age
    for path in folder.iterdir():
        os.utime(path, (built, built))


def versions(page, url):
    """Load the page until a newer version, if any, is installed; return the versions it shows."""
    page.goto(url)
    expect(page.locator("#state")).to_contain_text("without a connection")
    page.evaluate(UPDATED)
    style = "getComputedStyle(document.body).getPropertyValue('--version').trim()"
    return page.locator("h1").inner_text(), page.evaluate(style)


def visit_until(page, url, version):
    """Load the page until it shows a version.

    A browser that looks for a new version while its files are being written tries again at the
    next visit, as `offline.js` says.
    """
    for _ in range(MAX_VISITS):
        if versions(page, url) == (version, version):
            return
    pytest.fail(f"The version {version} is not shown after {MAX_VISITS} visits.")


@pytest.fixture
def page(window):
    return window()


@pytest.mark.parametrize(
    "late, handler",
    [("index.html", OneHour), ("style.css", QuietHandler), ("offline.js", OneHour)],
    ids=["the page, cached for an hour", "a file without a header", "the worker, for an hour"],
)
def test_a_new_version_is_shown_once_it_is_complete(page, write_page, tmp_path, late, handler):
    site, old, new = (tmp_path / name for name in ("site", "old", "new"))
    path = site / late
    write_page(site)
    with serve_folder(site, handler) as url:
        assert versions(page, url) == ("First", "First")
        path.rename(old)
        write_page(site, "Second")
        path.rename(new)
        old.rename(path)  # as from a server with an old file
        for _ in range(2):
            assert versions(page, url) == ("First", "First")
        path.unlink()
        new.rename(path)
        visit_until(page, url, "Second")
    page.reload()  # the server has stopped
    expect(page.locator("#answer[data-ready]")).to_be_attached()
    expect(page.locator("h1")).to_have_text("Second")


def test_two_pages_of_one_origin_do_not_affect_each_other_or_other_caches(
    page, write_page, tmp_path
):
    folders = [tmp_path, tmp_path / "other"]  # one contains the other
    with serve_folder(tmp_path) as url:
        for folder in reversed(folders):
            write_page(folder)
        for at in ("", "other/"):
            versions(page, url + at)
        page.evaluate(
            "caches.open('a site\\'s').then((cache) => cache.put('/kept', new Response('1')))"
        )
        draw_line(page)
        write_page(tmp_path, "Second")
        visit_until(page, url, "Second")
        expect(page.get_by_role("button", name="Undo")).to_be_disabled()
        kept = page.evaluate("caches.keys()")
        assert "a site's" in kept and len(kept) == 3
    page.goto(url + "other/")  # the server has stopped
    expect(page.locator("h1")).to_have_text("First")
    expect(page.locator("#answer[data-ready]")).to_be_attached()
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()  # it keeps its own drawing


@pytest.mark.parametrize("way", ["as a file", "no type", "a file is missing"])
def test_if_its_script_cannot_run_it_says_what_is_needed(page, write_page, tmp_path, way):
    write_page(tmp_path)
    if way == "a file is missing":
        (tmp_path / "settings.js").unlink()
    with serve_folder(tmp_path, NoScripts if way == "no type" else QuietHandler) as url:
        page.goto((tmp_path / "index.html").as_uri() if way == "as a file" else url)
        caption = page.locator("#answer .caption")
        expect(caption).to_be_visible()
        for needed in ("web server", "text/javascript", "all files", "python -m http.server"):
            expect(caption).to_contain_text(needed)
        expect(page.get_by_text("Loading")).to_have_count(0)


def test_a_package_with_another_digest_is_rejected(tmp_path, monkeypatch):
    monkeypatch.setattr(static_page, "user_cache_path", lambda _: tmp_path)
    lock = tmp_path / "package-lock.json"
    digest = "26XRV6BhkgK0VOxfbU5cQI"  # of nunjucks, its start
    code = (NPM_DIR / lock.name).read_text()
    assert digest in code
    lock.write_text(code.replace(digest, digest[::-1]))
    with pytest.raises(UserError) as rejected:
        install_packages(lock)
    if "EINTEGRITY" not in str(rejected.value):
        pytest.skip(str(rejected.value))  # no npm, or its registry is not reachable
