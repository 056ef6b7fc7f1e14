"""Whatever fails at whatever moment, the page serves with what it has, and nothing is lost.

INKLING_KILLS=100 pytest tests/test_faults.py -k killed     more kills than every run can afford
"""

import json
import multiprocessing
import os
import pickle
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import ROOT, TINY, sketch
from PIL import Image
from safetensors.torch import save

from inkling.datasets import mnist
from inkling.datasets.mnist import Digits, Mnist
from inkling.recognition.checkpoint import load_checkpoint, save_checkpoint, write_whole
from inkling.recognition.reader import Reader
from inkling.server import request_limits
from inkling.training import build_checkpoint, loop
from inkling.ui import live_reader
from inkling.ui.live_reader import AGAIN, LiveReader
from model import DigitCNN
from tests.altered import rewrite

KILLS = int(os.environ.get("INKLING_KILLS", "8"))
STOP_LIMIT = 10  # seconds from being told to stop to being gone; 2 on a machine with nothing to do
WIDTHS = (4, 4, 4, 8)
HASTY = replace(TINY, name="hasty", epochs=0.05, drawn=20, outliers=20, again=20)


@pytest.fixture(scope="session")
def tiny_mnist(small_mnist):
    """Return 400 digits to learn from, 100 held out and 400 to test."""
    sizes = (400, 100, 400)
    return Mnist(
        *(Digits(d.ink[:n], d.labels[:n]) for d, n in zip(small_mnist, sizes, strict=True))
    )


@pytest.fixture
def folder(tmp_path):
    """Return a folder with nothing else in it."""
    (tmp_path / "own").mkdir()
    return tmp_path / "own"


def names(folder):
    """Return what lies in a folder, but for locks."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


# --- a checkpoint that is damaged -------------------------------------------------------------


def junk(good, folder):
    """Return functions that put something at a path that is no checkpoint, by what it is."""
    archive = folder / "archive.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(good, "weights")
    whole = good.read_bytes()
    contents = {
        "empty": b"",
        "LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 2499624\n",
        "HTML": b"<!doctype html><title>Log in to the network</title>",
        "pickle": pickle.dumps({"weights": [1.0]}),
        "zip": archive.read_bytes(),
        "foreign": save({"weights": torch.zeros(3)}),
        "foreign, described": save({"w": torch.zeros(3)}, {"inkling": json.dumps([1])}),
        "twice": whole + whole,
    }

    def described(change):
        def put(path):
            path.write_bytes(whole)
            rewrite(path, change)

        return put

    return {
        **{name: lambda p, c=content: p.write_bytes(c) for name, content in contents.items()},
        "folder": Path.mkdir,
        "NaN": described(lambda tensors, _: tensors["layers.1.weight"].fill_(float("nan"))),
        "architecture": described(lambda _, told: told["architecture"].update(widths=[8] * 4)),
        "format": described(lambda _, told: told.update(format=99)),
    }


@pytest.mark.parametrize("kind", ["flipped", "cut off", "junk"])
def test_every_damage_is_noticed_set_aside_and_recovered_from(folder, tmp_path, monkeypatch, kind):
    torch.manual_seed(0)
    good = tmp_path / "good.safetensors"
    save_checkpoint(DigitCNN(WIDTHS), good, {"seed": 7})
    whole, random_place = good.read_bytes(), random.Random(0)

    def flipped(path):
        altered, place = bytearray(whole), random_place.randrange(len(whole))
        altered[place] ^= 1 << random_place.randrange(8)
        path.write_bytes(altered)

    def cut_off(path):
        path.write_bytes(whole[: random_place.randrange(len(whole))])

    faults = {"flipped": [flipped] * 300, "cut off": [cut_off] * 60}
    faults["junk"] = list(junk(good, tmp_path).values())
    trained = []

    def make(path, *_):
        trained.append(path)
        path.write_bytes(whole)

    monkeypatch.setattr(build_checkpoint, "make_checkpoint", make)
    path = folder / "digits.safetensors"
    for count, put in enumerate(faults[kind], start=1):
        path.unlink(missing_ok=True)
        put(path)
        damaged = path.is_file() and path.read_bytes()
        build_checkpoint.ensure_checkpoint(path)
        assert len(trained) == count and load_checkpoint(path).description["seed"] == 7
        (aside,) = folder.glob("*.set-aside-*")
        assert aside.is_dir() if damaged is False else aside.read_bytes() == damaged
        aside.rmdir() if damaged is False else aside.unlink()


def test_setting_aside_at_the_same_instant_loses_neither(folder, monkeypatch):
    class Stopped(build_checkpoint.datetime):
        @classmethod
        def now(cls, zone=None):
            return cls(2000, 1, 1, tzinfo=zone)

    monkeypatch.setattr(build_checkpoint, "datetime", Stopped)  # or a clock that was set back
    path = folder / "digits.safetensors"
    for content in (b"one", b"two", b"three"):
        path.write_bytes(content)
        build_checkpoint.set_aside(path)
    assert sorted(p.read_bytes() for p in folder.iterdir()) == [b"one", b"three", b"two"]


# --- processes that are killed ----------------------------------------------------------------


def prepare(mnist):
    """Let this process train for a second only, as it may be killed."""
    torch.set_num_threads(1)
    build_checkpoint.load_mnist = lambda: mnist
    build_checkpoint.HELD_OUT_DRAWN = loop.HELD_OUT_DRAWN = 50
    build_checkpoint.tqdm.write = lambda *_: None


def learn_again_and_again(path, mnist, saving):
    """Run in a process of its own, until it is killed: replace the checkpoint."""
    prepare(mnist)
    flush = os.fsync

    def tell(descriptor):
        saving.set()
        flush(descriptor)

    os.fsync = tell
    for seed in range(1_000):
        build_checkpoint.make_checkpoint(path, HASTY, seed, lambda _: None)


def learn_first(path, mnist, learned):
    """Run in a process of its own: get a reader as the page does, and tell whether it learned."""
    prepare(mnist)
    live_reader.ensure_checkpoint = lambda p, watch: build_checkpoint.ensure_checkpoint(
        p, HASTY, watch=watch
    )
    source = LiveReader(path)
    source.start()
    if source._thread:
        source._thread.join()
    weights = torch.cat([t.flatten() for t in source.reader.model.state_dict().values()])
    learned.put((source.progress is not None, weights.sum().item()))


@pytest.fixture(scope="module")
def processes():
    """Return what starts processes at once: copies of one that has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["test_faults"])
    return context


def test_killed_at_any_moment_it_leaves_a_checkpoint_that_loads(processes, folder, tiny_mnist):
    path, moment = folder / "digits.safetensors", random.Random(0)
    save_checkpoint(DigitCNN(HASTY.widths), path, {"seed": 7})
    before = path.read_bytes()
    replaced = 0
    for k in range(KILLS):
        saving = processes.Event()
        writer = processes.Process(target=learn_again_and_again, args=(path, tiny_mnist, saving))
        writer.start()
        if k % 2:
            assert saving.wait(60)
        time.sleep(
            moment.uniform(0, 0.02 if k % 2 else 2)
        )  # wait for nothing: where the kill falls
        writer.kill()
        writer.join()
        load_checkpoint(path)
        source = LiveReader(path)
        source.start()
        assert isinstance(source.reader, Reader) and not source.learning
        assert [name for name in names(folder) if name.endswith(".tmp")] == []
        replaced += path.read_bytes() != before
    assert replaced


def test_what_is_being_written_is_not_swept(folder, monkeypatch):
    path, swept = folder / "digits.safetensors", []
    (folder / "digits.safetensors0.tmp").write_bytes(b"of a writer that was killed")
    flush = os.fsync

    def meanwhile(descriptor):
        LiveReader(path).reader  # noqa: B018
        live_reader.remove_orphans(path)
        swept.append(names(folder))
        flush(descriptor)

    monkeypatch.setattr("os.fsync", meanwhile)
    write_whole(path, b"content")
    assert len(swept[0]) == 1 and names(folder) == [path.name] and path.read_bytes() == b"content"


def test_of_four_first_runs_one_learns_and_if_it_is_killed_another(processes, folder, tiny_mnist):
    path, learned = folder / "digits.safetensors", processes.Queue()
    arguments = (path, tiny_mnist, learned)
    runs = [processes.Process(target=learn_first, args=arguments) for _ in range(4)]
    runs[0].start()
    while not path.with_name(path.name + ".lock").exists():
        assert runs[0].is_alive()
    for run in runs[1:]:
        run.start()
    runs[0].kill()
    told = [learned.get(timeout=60) for _ in runs[1:]]
    for run in runs:
        run.join()
    assert sum(learned for learned, _ in told) == 1 and len({weights for _, weights in told}) == 1


# --- places that cannot be written to, and clocks ---------------------------------------------


@pytest.fixture
def ready(folder, tmp_path, tiny_mnist, monkeypatch):
    """Return a source with a reader, which would learn for a second only."""
    monkeypatch.setattr(build_checkpoint, "load_mnist", lambda: tiny_mnist)
    monkeypatch.setattr(live_reader, "QUICK", HASTY)
    monkeypatch.setattr(
        live_reader,
        "ensure_checkpoint",
        lambda path, watch: build_checkpoint.ensure_checkpoint(path, HASTY, watch=watch),
    )
    monkeypatch.setattr(build_checkpoint, "HELD_OUT_DRAWN", 50)
    monkeypatch.setattr(loop, "HELD_OUT_DRAWN", 50)
    source = LiveReader(folder / "digits.safetensors")
    build_checkpoint.make_checkpoint(source.checkpoint, HASTY, 0, lambda _: None)
    source.start()
    yield source
    source.stop()


def full(*_):
    """Stand for a write to a disk that is full."""
    raise OSError(28, "No space left on device")


def finish(source):
    """Wait until the training has ended."""
    source._thread.join(60)
    assert not source.learning


def test_on_a_full_disk_nothing_is_lost_and_it_says_what_to_do(ready, capsys, monkeypatch):
    content, former, before = (
        ready.checkpoint.read_bytes(),
        ready.reader,
        names(ready.checkpoint.parent),
    )
    monkeypatch.setattr("os.fsync", full)
    ready.train_again(seed=1, epochs=HASTY.epochs)
    finish(ready)
    with pytest.raises(OSError, match="No space"):
        build_checkpoint.make_checkpoint(ready.checkpoint, HASTY, 1, lambda _: None)
    assert names(ready.checkpoint.parent) == before and ready.checkpoint.read_bytes() == content
    assert ready.reader is former and len(ready.reader.read(sketch(7)).digits) == 1
    assert "No space left" in ready.failure and "Make room" in ready.failure
    (said,) = [line for line in capsys.readouterr().err.splitlines() if "No space" in line]
    assert said == ready.failure


def test_a_first_run_on_a_full_disk_reads_with_what_it_has_learned(folder, ready, monkeypatch):
    monkeypatch.setattr("os.fsync", full)
    source = LiveReader(folder / "none.safetensors")
    source.start()
    finish(source)
    assert isinstance(source.reader, Reader) and "Make room" in source.failure
    assert [name for name in names(folder) if name.startswith("none")] == []


def test_a_clock_that_jumps_disturbs_no_training(ready, monkeypatch):
    clock = random.Random(0)
    monkeypatch.setattr("time.time", lambda: clock.uniform(-1e9, 4e9))
    ready.train_again(seed=1, epochs=HASTY.epochs)
    finish(ready)
    assert ready.failure == "" and ready.reader.description["seed"] == 1
    assert ready.checkpoint.with_name(AGAIN).exists()


# --- archives that are missing or damaged -----------------------------------------------------


def without(path):
    path.unlink()


def truncated(path):
    path.write_bytes(path.read_bytes()[:-100])


def altered(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def emptied(path):
    path.write_bytes(b"")


def a_web_page(path):
    path.write_bytes(b"<!doctype html><title>Log in to the network</title>")


@pytest.fixture
def archives(tmp_path, monkeypatch):
    """Return a copy of MNIST's archives, on a machine without a network."""
    monkeypatch.setattr(mnist, "MIRRORS", ("http://127.0.0.1:1/",))
    return shutil.copytree(mnist.DATA, tmp_path / "data", ignore=shutil.ignore_patterns("*-ubyte"))


@pytest.mark.parametrize("fault", [without, truncated, altered, emptied, a_web_page])
def test_without_an_archive_and_a_network_one_line_says_what_to_do(archives, fault):
    for name in mnist.ARCHIVES:
        path = mnist.archive_path(archives, name)
        fault(path)
        with pytest.raises(mnist.DataError) as told:
            mnist.load_mnist(archives)
        assert "\n" not in str(told.value) and name in str(told.value) and "Put" in str(told.value)
        shutil.copy(mnist.archive_path(mnist.DATA, name), path)
    assert len(mnist.load_mnist(archives).test.labels) == 10_000  # and that is all there is to do


# --- the whole app, in hard surroundings ------------------------------------------------------

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
ASK = """
import json, sys, httpx
url, file, *words = sys.argv[1:]
with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
    assert client.get("/").status_code == 200
    (path,) = client.post("/gradio_api/upload", files={"files": open(file, "rb")}).json()
    picture = {"path": path, "meta": {"_type": "gradio.FileData"}}
    asked = client.post("/gradio_api/call/predict", json={"data": [picture]}).json()
    print(client.get(f"/gradio_api/call/predict/{asked['event_id']}").text)
"""
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
from bench.visitors import Drawing, window
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
from inkling.datasets.mnist import Digits, Mnist, load_mnist
from inkling.training import build_checkpoint, loop
from inkling.ui import live_reader
mnist = load_mnist()
small = Mnist(*(Digits(d.ink[:400], d.labels[:400]) for d in mnist))
epochs, slow = float(sys.argv.pop(1)), float(sys.argv.pop(1))
recipe = replace(conftest.TINY, epochs=epochs)
build_checkpoint.load_mnist = lambda: small
build_checkpoint.HELD_OUT_DRAWN = loop.HELD_OUT_DRAWN = 50
ensure = build_checkpoint.ensure_checkpoint
live_reader.ensure_checkpoint = lambda path, watch: ensure(path, recipe, watch=watch)
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


class Serving:
    """A page that is served by a process of its own, whose temporary files lie in one folder."""

    def __init__(self, folder, command, where=ROOT, wrap=(), without=(), **more):
        self.folder, self.wrap, self.lines = folder / "temporary", wrap, []
        self.folder.mkdir()
        kept = {k: v for k, v in os.environ.items() if k not in ("NO_PROXY", *without)}
        self.process = subprocess.Popen(
            [str(c) for c in (*wrap, sys.executable, *command)],
            cwd=where,
            env=kept | {"TMPDIR": str(self.folder)} | more,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.kill(self.innermost(), signal.SIGKILL)
            self.process.kill()
        self.process.stdout.close()
        self.process.wait()

    def until(self, words):
        """Read what it prints up to a line with these words; return that line."""
        for line in self.process.stdout:
            self.lines.append(line)
            if words in line:
                return line
        pytest.fail("it ended:\n" + "".join(self.lines))

    def innermost(self):
        """Return the process that serves, within what it is shut in by."""
        pid = self.process.pid
        if "--fork" in self.wrap:
            pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text())
        return pid

    def ask(self, *program):
        """Run a program where the page can be reached; give it the page's address."""
        address = self.until("Inkling is at").split()[-1]
        program = [sys.executable, "-c", program[0], address, *map(str, program[1:])]
        spaces = [space for space in ("--net", "--mount") if space in self.wrap]
        if spaces:
            inside = ["nsenter", "--preserve-credentials", "--user", *spaces, "--wd"]
            program = [*inside, "--target", str(self.innermost()), *program]
        environment = os.environ | {"TMPDIR": str(self.folder)}
        return subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env=environment)

    def told(self, *program):
        """Return what that program prints, once it has ended."""
        said, _ = self.ask(*program).communicate(timeout=60)
        return said

    def stop(self, how):
        """Have it stop, and check that it does: soon, cleanly, and with nothing left behind."""
        os.kill(self.innermost(), how)
        rest, _ = self.process.communicate(timeout=STOP_LIMIT)
        said = "".join(self.lines) + rest
        assert self.process.returncode == 0, said
        assert "Traceback" not in said and list(self.folder.iterdir()) == []
        return said


def test_it_serves_read_only_without_home_network_or_working_proxy(may, checkout, seven, tmp_path):
    command = ["-c", INSIDE, "app.py"]
    with Serving(
        tmp_path, command, checkout, may(SHUT_IN), ("HOME", "XDG_CACHE_HOME"), **HARD
    ) as page:
        assert '"text": "7"' in page.told(ASK, seven)
        assert page.stop(signal.SIGINT).count("\n") == 2  # where it is, and that it is closed


def test_without_checkpoint_archives_and_network_it_serves_and_says_why_in_a_line(
    may, checkout, seven, tmp_path
):
    (checkout / "checkpoints" / "digits.safetensors").write_bytes(b"damaged")
    command = ["-c", INSIDE, "app.py"]
    with Serving(tmp_path, command, checkout, may(SHUT_IN), **HARD) as page:
        asked = page.ask(ASK, seven)
        failed = page.until("Learning ended early")
        assert "Put the four archives" in failed
        asked.communicate()
        page.lines.append("Inkling is at " + page.lines[0].split()[-1])
        page.stop(signal.SIGTERM)


def test_with_a_full_disk_it_reads_drawings_and_says_why_no_pictures(may, seven, tmp_path):
    with Serving(tmp_path, ["-c", SMALL, "app.py"], wrap=may(ITS_OWN_DISKS)) as page:
        told = page.told(ON_A_FULL_DISK, seven)
        assert 'data-number="7"' in told and f"507 {request_limits.NO_ROOM}" in told
        page.stop(signal.SIGTERM)


def test_alone_with_visitors_waiting_it_stops_when_told(may, tmp_path):
    with Serving(tmp_path, ["app.py"], wrap=may(ALONE)) as page:
        visitor = page.ask(WAIT_FOR_EVER)
        assert "ALIVE" in visitor.stdout.readline()
        page.stop(signal.SIGTERM)
        visitor.communicate()


@pytest.mark.parametrize("moment, how", [("saving", signal.SIGTERM), ("learning", signal.SIGINT)])
def test_told_to_stop_while_it_learns_or_saves_it_leaves_nothing(tmp_path, folder, moment, how):
    epochs, slow = (0.02, 1) if moment == "saving" else (100, 0)
    command = ["-c", TRAINS_BRIEFLY, epochs, slow, "--checkpoint", folder / "digits.safetensors"]
    with Serving(tmp_path, command) as page:
        page.until("saving" if moment == "saving" else "Inkling is at")
        page.stop(how)
    assert [name for name in names(folder) if name.endswith(".tmp")] == []


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_while_it_starts_it_is_gone_at_once(tmp_path, how):
    with Serving(tmp_path, ["-X", "importtime", "app.py"]) as page:
        page.until("torch")  # it has begun to import what it needs, for seconds
        page.process.send_signal(how)
        page.process.communicate(timeout=STOP_LIMIT)
        assert list(page.folder.iterdir()) == []
