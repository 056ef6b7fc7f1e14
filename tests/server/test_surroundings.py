"""The app serves in restricted environments, and leaves no files when it stops."""

import shutil
import signal
import subprocess

import pytest
from conftest import ROOT, names

from inkling.server import request_limits
from tests.app_process import PREDICT, STOP_LIMIT_S, AppProcess

OWN_MOUNTS = ["unshare", "--map-root-user", "--mount"]
NO_NETWORK = ["unshare", "--map-root-user", "--mount", "--net"]
PID_1 = ["unshare", "--map-root-user", "--pid", "--fork", "--mount-proc"]  # as in a container
READ_ONLY = """
import os, subprocess, sys
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
subprocess.run(["mount", "--bind", ".", "."], check=True)
subprocess.run(["mount", "-o", "remount,ro,bind", "."], check=True)
os.chdir(os.getcwd())  # into the mount
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
HOSTILE = {
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
SMALL_DISK = """
import os, subprocess, sys
folder = os.environ["TMPDIR"]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=True)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
ON_A_FULL_DISK = """
import asyncio, os, subprocess, sys
sys.path.insert(0, os.getcwd())
sys.path.insert(0, "tests")
from support.virtual_users import Drawing, open_window
from conftest import pad_payload

async def use(url, file):
    subprocess.run(["dd", "if=/dev/zero", "of=" + os.environ["TMPDIR"] + "/filler"])
    async with open_window(url) as user:
        print(await user.draw(Drawing(pad_payload(7), file)))
        response = await user.client.post("/gradio_api/upload", files={"files": file})
        print(response.status_code, response.text)

asyncio.run(use(sys.argv[1], open(sys.argv[2], "rb").read()))
"""
KEEP_OPEN = """
import sys, httpx
with httpx.Client(base_url=sys.argv[1], trust_env=False, timeout=None) as client:
    with client.stream("GET", "/gradio_api/heartbeat/client") as stream:
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


def isolate(command):
    """Return a command that isolates a process; skip if this machine does not allow it."""
    if not shutil.which("unshare") or subprocess.run([*command, "true"]).returncode:
        pytest.skip("this machine does not allow `unshare`")
    return command


@pytest.fixture
def checkout(tmp_path):
    """Return a copy of the files that serving needs, without MNIST."""
    copy = tmp_path / "checkout"
    for part in ("inkling", "examples", "checkpoints"):
        shutil.copytree(ROOT / part, copy / part)
    for file in ROOT.glob("*.py"):
        shutil.copy(file, copy)
    return copy


def test_it_serves_read_only_without_home_network_or_usable_proxy(checkout, seven, tmp_path):
    command = ["-c", READ_ONLY, "app.py"]
    with AppProcess(
        tmp_path, command, checkout, isolate(NO_NETWORK), ("HOME", "XDG_CACHE_HOME"), **HOSTILE
    ) as page:
        assert '"text": "7"' in page.run_client(PREDICT, seven)
        assert page.stop(signal.SIGINT).count("\n") == 2  # the address and "Closed."


def test_without_checkpoint_archives_and_network_it_serves_and_reports_the_reason(
    checkout, seven, tmp_path
):
    (checkout / "checkpoints" / "digits.safetensors").write_bytes(b"damaged")
    command = ["-c", READ_ONLY, "app.py"]
    with AppProcess(tmp_path, command, checkout, isolate(NO_NETWORK), **HOSTILE) as page:
        client = page.start_client(PREDICT, seven)
        assert "Put the four archives" in page.until("Training ended early")
        client.communicate()
        page.stop(signal.SIGTERM)


def test_on_a_full_disk_it_reads_drawings_and_rejects_pictures(seven, tmp_path):
    with AppProcess(tmp_path, ["-c", SMALL_DISK, "app.py"], wrap=isolate(OWN_MOUNTS)) as page:
        output = page.run_client(ON_A_FULL_DISK, seven)
        assert 'data-number="7"' in output
        assert f"507 {request_limits.DISK_FULL_MESSAGE}" in output
        page.stop(signal.SIGTERM)


def test_as_process_1_it_stops_with_a_page_open(tmp_path):
    with AppProcess(tmp_path, ["app.py"], wrap=isolate(PID_1)) as page:
        client = page.start_client(KEEP_OPEN)
        assert "ALIVE" in client.stdout.readline()
        page.stop(signal.SIGTERM)
        client.communicate()


@pytest.mark.parametrize("moment, how", [("saving", signal.SIGTERM), ("training", signal.SIGINT)])
def test_stopped_while_it_trains_or_saves_it_leaves_no_file(tmp_path, folder, moment, how):
    epochs, slow = (0.02, 1) if moment == "saving" else (100, 0)
    command = ["-c", TRAINS_BRIEFLY, epochs, slow, "--checkpoint", folder / "digits.safetensors"]
    with AppProcess(tmp_path, command) as page:
        page.until("saving" if moment == "saving" else "Inkling is at")
        page.stop(how)
    assert [name for name in names(folder) if name.endswith(".tmp")] == []


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_stopped_while_it_starts_it_ends_at_once(tmp_path, how):
    with AppProcess(tmp_path, ["-X", "importtime", "app.py"]) as page:
        page.until("torch")  # an import of seconds
        page.process.send_signal(how)
        page.process.wait(STOP_LIMIT_S)
        assert list(page.folder.iterdir()) == []
