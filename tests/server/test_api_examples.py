"""The examples of calls in the docs and on the page work unchanged."""

import os
import re
import shutil
import subprocess
import sys

import httpx
import pytest
from conftest import ROOT
from playwright.sync_api import expect

from inkling.server.api_examples import CALL_EXAMPLES

ADDRESS = "http://127.0.0.1:7860"  # of the page, in the docs
DOCS = (ROOT / "docs" / "command-line.md").read_text().partition("\nOver HTTP")[2]
RUN = {
    "bash": ["bash"],
    "python": [sys.executable, "-"],
    "javascript": ["node", "--input-type=module", "--check"],
}
LABELS = {"bash": "cURL", "python": "Python", "javascript": "JavaScript", "cli": "CLI"}
READS_A_SEVEN = re.compile(r"""['"]text['"]: ['"]7['"]""")


@pytest.fixture
def url(served):
    return served.url.rstrip("/")


def run(language, example, folder):
    """Run an example in an empty folder; return its output."""
    folder = folder / language
    folder.mkdir()
    environment = os.environ | {"GRADIO_TEMP_DIR": str(folder / "temporary"), "NO_PROXY": "*"}
    options = {"cwd": folder, "env": environment, "capture_output": True, "text": True}
    done = subprocess.run(RUN[language], input=example, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("language", RUN)
def test_the_docs_show_the_examples_of_the_page(language):
    shown = re.search(rf"```{language}\n(.*?)\n```", DOCS, re.S)[1]
    assert shown == CALL_EXAMPLES[language].replace("ROOT", ADDRESS)


@pytest.mark.skipif(not shutil.which("node"), reason="Node.js is not installed")
def test_the_javascript_example_is_well_formed(tmp_path):
    run("javascript", CALL_EXAMPLES["javascript"], tmp_path)


def test_gradio_s_command_reads_a_seven(url, tmp_path):
    command = CALL_EXAMPLES["cli"].replace("{command}", f"{sys.executable} -m gradio")
    assert READS_A_SEVEN.search(run("bash", command.replace("ROOT", url), tmp_path))


def test_the_page_about_the_api_shows_examples_that_work(url, window, tmp_path):
    page = window()
    page.goto(url)
    page.get_by_role("button", name="Use via API").click()
    for language, label in LABELS.items():
        page.get_by_role("listitem").filter(has_text=re.compile(f"^\\s*{label}\\s*$")).click()
        expect(page.locator("pre:visible").filter(has_text=f"{url}/seven.png")).to_have_count(1)
        if language in ("bash", "python"):
            shown = page.locator("pre:visible").filter(has_text="seven.png").inner_text()
            assert READS_A_SEVEN.search(run(language, shown, tmp_path))


def test_the_examples_use_each_client_s_name_of_the_server(url):
    for host in ("first.example", "second.example:7860"):
        info = httpx.get(f"{url}/gradio_api/info", headers={"host": host}).json()
        endpoint = info["named_endpoints"]["/predict"]
        assert f"http://{host}/seven.png" in str(endpoint["parameters"])
        assert all(f"http://{host}" in code for code in endpoint["code_snippets"].values())
        assert "github.com" not in str(info)
