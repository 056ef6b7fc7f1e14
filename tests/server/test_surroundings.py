"""The whole app serves where much is missing, and leaves nothing behind when it stops."""

import shutil
import signal
import subprocess

import pytest
from conftest import ROOT, names, sketch
from PIL import Image

from inkling.server import request_limits
from tests.app_process import ASK, STOP_LIMIT_S, AppProcess

ITS_OWN_DISKS = ["unshare", "--map-root-user", "--mount"]
SHUT_IN = ["unshare", "--map-root-user", "--mount", "--net"]  # as if there were no network
ALONE = ["unshare", "--map-root-user", "--pid", "--fork", "--mount-proc"]  # as in a container
INSIDE = """
import os, subprocess, sys
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
subprocess.run(["mount", "--bind", ".", "."], check=True)
subprocess.run(["mount", "-o", "remount,ro,bind", "."], check=True)
os.chdir(os.getcwd())  # into what is mounted
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
HARD = {
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
    "no_proxy": "a.example",
    "LC_ALL": "C",
    "PYTHONCOERCECLOCALE": "0",
    "PYTHONUTF8": "0",
    "PYTHONIOENCODING": "ascii",
    "TZ": "Antarctica/Troll",
}
SMALL = """
import os, subprocess, sys
place = os.environ["TMPDIR"]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], check=True)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
ON_A_FULL_DISK = """
import asyncio, os, subprocess, sys
sys.path.insert(0, os.getcwd())
sys.path.insert(0, "tests")
from support.virtual_users import Drawing, window
from conftest import told

async def visit(url, file):
    subprocess.run(["dd", "if=/dev/zero", "of=" + os.environ["TMPDIR"] + "/all of it"])
    async with window(url) as visitor:
        print(await visitor.draw(Drawing(told(7), file)))
        answer = await visitor.client.post("/gradio_api/upload", files={"files": file})
        print(answer.status_code, answer.text)

asyncio.run(visit(sys.argv[1], open(sys.argv[2], "rb").read()))
"""
WAIT_FOR_EVER = """
import sys, httpx
with httpx.Client(base_url=sys.argv[1], trust_env=False, timeout=None) as client:
    with client.stream("GET", "/gradio_api/heartbeat/visitor") as stream:
        for line in stream.iter_lines():
            print(line, flush=True)
"""
TRAINS_BRIEFLY = """
import os, sys, time
sys.path.insert(0, "tests")
import app, conftest
from dataclasses import replace
import torch
from inkling.datasets.mnist import Digits, Mnist
from inkling.training import build_checkpoint, recipes
small = Mnist(*[Digits(torch.rand(400, 1, 28, 28), torch.arange(400) % 10)] * 3)
epochs, slow = float(sys.argv.pop(1)), float(sys.argv.pop(1))
recipes.QUICK = replace(conftest.TINY, epochs=epochs)
build_checkpoint.load_mnist = lambda: small
flush = os.fsync
def slowly(descriptor):
    print("saving", flush=True)
    time.sleep(slow)
    flush(descriptor)
os.fsync = slowly
app.main()
"""


@pytest.fixture(scope="module")
def may():
    """Skip where a test may not shut a process in as it needs to."""

    def may(wrap):
        if not shutil.which("unshare") or subprocess.run([*wrap, "true"]).returncode:
            pytest.skip("this machine lets nobody shut processes in (unshare)")
        return wrap

    return may


@pytest.fixture
def seven(tmp_path):
    Image.fromarray(sketch(7)).save(tmp_path / "seven.png")
    return tmp_path / "seven.png"


@pytest.fixture
def checkout(tmp_path):
    """Return a copy of what is needed to serve, without MNIST."""
    place = tmp_path / "checkout"
    for part in ("inkling", "examples", "checkpoints"):
        shutil.copytree(ROOT / part, place / part)
    for file in ROOT.glob("*.py"):
        shutil.copy(file, place)
    return place


def test_it_serves_read_only_without_home_network_or_working_proxy(may, checkout, seven, tmp_path):
    command = ["-c", INSIDE, "app.py"]
    with AppProcess(
        tmp_path, command, checkout, may(SHUT_IN), ("HOME", "XDG_CACHE_HOME"), **HARD
    ) as page:
        assert '"text": "7"' in page.answer(ASK, seven)
        assert page.stop(signal.SIGINT).count("\n") == 2  # where it is, and that it is closed


def test_without_checkpoint_archives_and_network_it_serves_and_says_why_in_a_line(
    may, checkout, seven, tmp_path
):
    (checkout / "checkpoints" / "digits.safetensors").write_bytes(b"damaged")
    command = ["-c", INSIDE, "app.py"]
    with AppProcess(tmp_path, command, checkout, may(SHUT_IN), **HARD) as page:
        asked = page.ask(ASK, seven)
        failed = page.until("Training ended early")
        assert "Put the four archives" in failed
        asked.communicate()
        page.stop(signal.SIGTERM)


def test_with_a_full_disk_it_reads_drawings_and_says_why_no_pictures(may, seven, tmp_path):
    with AppProcess(tmp_path, ["-c", SMALL, "app.py"], wrap=may(ITS_OWN_DISKS)) as page:
        told = page.answer(ON_A_FULL_DISK, seven)
        assert 'data-number="7"' in told and f"507 {request_limits.DISK_FULL_MESSAGE}" in told
        page.stop(signal.SIGTERM)


def test_alone_with_visitors_waiting_it_stops_when_told(may, tmp_path):
    with AppProcess(tmp_path, ["app.py"], wrap=may(ALONE)) as page:
        visitor = page.ask(WAIT_FOR_EVER)
        assert "ALIVE" in visitor.stdout.readline()
        page.stop(signal.SIGTERM)
        visitor.communicate()


@pytest.mark.parametrize("moment, how", [("saving", signal.SIGTERM), ("learning", signal.SIGINT)])
def test_told_to_stop_while_it_learns_or_saves_it_leaves_nothing(tmp_path, folder, moment, how):
    epochs, slow = (0.02, 1) if moment == "saving" else (100, 0)
    command = ["-c", TRAINS_BRIEFLY, epochs, slow, "--checkpoint", folder / "digits.safetensors"]
    with AppProcess(tmp_path, command) as page:
        page.until("saving" if moment == "saving" else "Inkling is at")
        page.stop(how)
    assert [name for name in names(folder) if name.endswith(".tmp")] == []


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_while_it_starts_it_is_gone_at_once(tmp_path, how):
    with AppProcess(tmp_path, ["-X", "importtime", "app.py"]) as page:
        page.until("torch")  # it has begun to import what it needs, for seconds
        page.process.send_signal(how)
        page.process.wait(STOP_LIMIT_S)
        assert list(page.folder.iterdir()) == []
