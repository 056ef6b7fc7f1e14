"""The examples of how the endpoint is called, in the docs and on the page, work as they stand."""

import os
import re
import shutil
import subprocess
import sys

import httpx
import pytest
from conftest import ROOT, serving
from playwright.sync_api import expect

from inkling.recognition.reader import Reader
from inkling.server import api_examples
from inkling.server.api_examples import render

DOCS = (ROOT / "docs" / "command-line.md").read_text()
ADDRESS = "http://127.0.0.1:7860"  # of the page, as the docs have it
CHECKED = ["node", "--input-type=module", "--check"]
RUN = {"bash": ["bash"], "python": [sys.executable, "-"]}
SHOWN = {"bash": "cURL", "python": "Python", "javascript": "JavaScript", "cli": "CLI"}


@pytest.fixture
def url():
    """Return the address of a served page, which reads with the checkpoint that comes with it."""
    with serving(Reader.load()) as served:
        yield served.url.rstrip("/")


def of_readme(language):
    """Return the docs' example of a call over HTTP in a language."""
    _, _, told = DOCS.partition("\nOver HTTP")
    return re.search(rf"```{language}\n(.*?)```", told, re.S)[1]


def run(command, example, folder):
    """Run an example in a folder that holds nothing; return what it prints."""
    environment = os.environ | {"GRADIO_TEMP_DIR": str(folder / "temporary"), "NO_PROXY": "*"}
    done = subprocess.run(
        command, input=example, cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("language", RUN)
def test_the_readme_s_examples_read_a_seven(language, url, tmp_path):
    told = run(RUN[language], of_readme(language).replace(ADDRESS, url), tmp_path)
    assert re.search(r"""['"]text['"]: ['"]7['"]""", told)


@pytest.mark.parametrize("language", ["bash", "python", "javascript"])
def test_the_readme_and_the_page_show_the_same_examples(language):
    assert of_readme(language).rstrip() == render(api_examples.LANGUAGES[language], root=ADDRESS)


@pytest.mark.skipif(not shutil.which("node"), reason="Node.js is not installed")
def test_the_example_in_javascript_is_well_formed(tmp_path):
    run(CHECKED, of_readme("javascript"), tmp_path)


def test_the_command_of_gradio_reads_a_seven(url, tmp_path):
    gradio = f"{sys.executable} -m gradio"
    example = render(api_examples.LANGUAGES["cli"], root=url).replace("{command}", gradio)
    assert '"text": "7"' in run(["bash"], example, tmp_path)


def test_the_page_about_the_endpoint_shows_examples_that_work(url, chromium, tmp_path):
    opened = chromium.new_page()
    opened.goto(url)
    opened.get_by_role("button", name="Use via API").click()
    for language, name in SHOWN.items():
        opened.get_by_role("listitem").filter(has_text=re.compile(f"^\\s*{name}\\s*$")).click()
        expect(opened.locator("pre:visible").filter(has_text=f"{url}/seven.png")).to_have_count(1)
        if language in RUN:
            shown = opened.locator("pre:visible").filter(has_text="seven.png").inner_text()
            folder = tmp_path / language
            folder.mkdir()
            assert re.search(r"""['"]text['"]: ['"]7['"]""", run(RUN[language], shown, folder))
    opened.close()


def test_the_examples_name_the_server_as_each_visitor_calls_it(url):
    for host in ("first.example", "second.example:7860"):
        told = httpx.get(f"{url}/gradio_api/info", headers={"host": host}).json()
        endpoint = told["named_endpoints"]["/predict"]
        assert f"http://{host}/seven.png" in str(endpoint["parameters"])
        assert all(f"http://{host}" in code for code in endpoint["code_snippets"].values())
        assert "github.com" not in str(told)


def test_the_picture_to_try_is_one_of_the_page_s(url):
    answer = httpx.get(f"{url}/seven.png")
    assert answer.headers["content-type"] == "image/png"
    assert answer.content == api_examples.SEVEN.read_bytes()
