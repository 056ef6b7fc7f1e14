"""Measure readers on a Ray cluster of two nodes on this machine, and what becomes of the dead.

    python -m bench.scale                        replicas, a call, two deaths, two pages
    python -m bench.scale --pictures 100000      files on Ray Data against two plain processes

Answers are asked for as a page asks: a drawing is read, and then explained. What 10,000 users need
is a calculation on the figures of this run; each of them draws a digit every `PACE` seconds.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import ray
from PIL import Image
from ray import serve
from ray.cluster_utils import Cluster

from bench.latency import time_rounds
from bench.load import visit
from inkling.datasets.mnist import load_mnist
from inkling.imaging.sketch import Sketch
from inkling.recognition.checkpoint import CHECKPOINT
from inkling.recognition.reader import Reader
from inkling.scale.serving import RemoteReader, deploy
from inkling.ui.session import Session, SessionState
from support.virtual_users import ROOT, drawings, serving

ASKING = 8  # threads that ask at the same time
ANSWERS = 400  # of each measurement
PACE = 10.0  # seconds from one drawing of a visitor to the next: the time it takes to look at it
BUSY_SHARE = 0.6  # of a core: fuller queues make visitors wait
ON_RAY = ("--on", "ray")
CORE_HOUR = 0.04  # dollars: a core of a cloud's machine on demand, of any large provider


@contextmanager
def cluster(cores: int = 2) -> Iterator[Cluster]:
    """Start two nodes of so many cores each, and join them."""
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": cores})
    try:
        nodes.add_node(num_cpus=cores)
        os.environ.pop("RAY_ADDRESS", None)
        path = {"env_vars": {"PYTHONPATH": str(ROOT)}}
        ray.init(nodes.address, runtime_env=path, log_to_driver=False, logging_level="error")
        yield nodes
    finally:
        serve.shutdown()
        ray.shutdown()
        nodes.shutdown()


def answer(reader: Reader, sketch: Sketch) -> str:
    """Have a drawing read and explained, as the page does; return its text."""
    found = Session().read_latest(SessionState.read_sketch, sketch, reader)
    return found.reading.text if found else ""


def rate(ask: Callable[[Sketch], str], count: int, meanwhile: Callable = lambda: None) -> tuple:
    """Return answers a second, the longest wait, and what was lost, of so many answers."""
    sketches = itertools.cycle([Sketch.from_json(drawing.told) for drawing in drawings()])
    given, waits, lost, lock = itertools.count(), [], [], threading.Lock()

    def work() -> None:
        while next(given) < count:
            with lock:
                sketch = next(sketches)
            start = time.perf_counter()
            try:
                ask(sketch)
                waits.append(time.perf_counter() - start)
            except Exception as error:  # whatever it is, a visitor has no answer
                lost.append(f"{type(error).__name__}: {error}"[:200])

    threads = [threading.Thread(target=work) for _ in range(ASKING)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    meanwhile()
    for thread in threads:
        thread.join()
    return len(waits) / (time.perf_counter() - start), max(waits), lost


def process_of(_: Reader) -> int:
    """Return the process in which a reader is."""
    return os.getpid()


def measure_readers() -> None:
    """Print what replicas give, what a call costs, and what becomes of answers in two deaths."""
    near = Reader.load()
    sketches = [Sketch.from_json(drawing.told) for drawing in drawings()]
    answer(near, sketches[0])
    start = time.perf_counter()
    for sketch in sketches:
        answer(near, sketch)
    plain = len(sketches) / (time.perf_counter() - start)
    print(f"one process, one thread: {plain:.1f} answers a second")
    content = CHECKPOINT.read_bytes()
    with cluster() as nodes:
        for count in (1, 2, 4):
            far = RemoteReader(near, deploy("scale", content, count))
            rate(lambda sketch, far=far: answer(far, sketch), 60)
            before = psutil.Process().cpu_times()
            found, longest, lost = rate(lambda sketch, far=far: answer(far, sketch), ANSWERS)
            after = psutil.Process().cpu_times()
            front = (after.user + after.system - before.user - before.system) / ANSWERS
            print(
                f"{count} replicas: {found:.1f} answers a second ({found / plain:.2f} times one "
                f"process), longest wait {longest:.2f} s, lost {len(lost)}; "
                f"who asks takes {1e3 * front:.1f} ms an answer"
            )
        overhead = statistics.median(time_rounds(lambda: far.call(process_of), 200))
        print(f"a call that does nothing: {1e3 * overhead:.1f} ms; an answer takes one")
        deaths = {
            "a replica": lambda: os.kill(far.call(process_of), signal.SIGKILL),
            "a node": lambda: nodes.remove_node(next(iter(nodes.worker_nodes)), False),
        }
        for what, die in deaths.items():
            meanwhile = lambda die=die: (time.sleep(2), die())  # noqa: E731
            _, longest, lost = rate(lambda sketch: answer(far, sketch), ANSWERS, meanwhile)
            print(f"{what} killed under load: lost {len(lost)}, longest wait {longest:.2f} s")
            for fault in sorted(set(lost)):
                print(f"  {fault}")
    calculate(1 / plain, front)


def measure_fronts() -> None:
    """Print what two pages in front of the same readers give, each visitor staying with one."""
    ray_command = str(Path(sys.executable).with_name("ray"))
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    start = [ray_command, "start", "--head", "--num-cpus", "2", "--include-dashboard", "false"]
    subprocess.run(start, check=True, **quiet)
    os.environ["RAY_ADDRESS"] = "auto"
    try:
        with contextlib.ExitStack() as pages:
            far = {"options": ["--readers", "ray"]}
            fronts = [pages.enter_context(serving(**far)) for _ in range(2)]
            for count in (1, 2):
                used = fronts[:count]
                asyncio.run(visit_all(used, 10, 2))
                start_time = time.perf_counter()
                tallies = asyncio.run(visit_all(used, 40, 10))
                seconds = time.perf_counter() - start_time
                answered = sum(len(tally.answered) for tally, *_ in tallies)
                lost = sum(len(tally.lost) for tally, *_ in tallies)
                busy = sum(own for _, _, own in tallies) / answered
                print(
                    f"{count} page{'s' * (count > 1)}, two cores for all: {answered / seconds:.1f} "
                    f"answers a second, lost {lost}, {1e3 * busy:.0f} ms of a page's processor each"
                )
    finally:
        del os.environ["RAY_ADDRESS"]
        subprocess.run([ray_command, "stop", "--force"], check=True, **quiet)


async def visit_all(fronts: list[tuple[str, int]], users: int, rounds: int) -> list[tuple]:
    """Have users, shared out among fronts, draw so often; return what `load.visit` does of each."""
    share = users // len(fronts)
    return await asyncio.gather(*(visit(url, pid, share, rounds) for url, pid in fronts))


def calculate(reading: float, front: float, users: int = 10_000) -> None:
    """Print what so many users need, by the processor seconds of an answer in reader and front."""
    asked = users / PACE
    readers, fronts = (round(asked * cost / BUSY_SHARE) for cost in (reading, front))
    memory = 0.75 * readers + 0.75 * fronts
    print(
        f"{users} users who draw every {PACE:.0f} s: {asked:.0f} answers a second; {readers} cores "
        f"of readers and {fronts} of fronts at {BUSY_SHARE:.0%}, {memory:.0f} GB at 0.75 GB each, "
        f"{(readers + fronts) * CORE_HOUR:.0f} dollars an hour at {CORE_HOUR} a core"
    )


def read_by(sources: list[Path], outs: list[Path], *options: object) -> float:
    """Read files by a process of `predict.py` for each source and output; return the seconds."""
    start, command = time.perf_counter(), [sys.executable, "predict.py", "--json"]
    with contextlib.ExitStack() as files:
        started = [
            subprocess.Popen(
                [*command, *map(str, options), source],
                stdout=files.enter_context(out.open("w")),
                cwd=ROOT,
            )
            for source, out in zip(sources, outs, strict=True)
        ]
        if any(process.wait() for process in started):
            sys.exit("predict.py failed.")
    return time.perf_counter() - start


def readings(*outs: Path) -> list[dict]:
    """Return what outputs say, with the files' names alone."""
    lines = [json.loads(line) for out in outs for line in out.read_text("utf-8").splitlines()]
    return [line | {"file": Path(line["file"]).name} for line in lines]


def measure_pictures(count: int) -> None:
    """Print how fast files are read on Ray Data and by two processes, and whether they agree."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files, halves = folder / "pictures", [folder / "half0", folder / "half1"]
        for place in (files, *halves):
            place.mkdir()
        inks = load_mnist().train.ink.numpy()
        for k in range(count):
            ink, file = np.pad(inks[k % len(inks), 0], 14), files / f"{k:07}.png"
            Image.fromarray(255 - (255 * ink).astype(np.uint8)).save(file)
            (halves[2 * k // count] / file.name).hardlink_to(file)
        outs = [half.with_suffix(".jsonl") for half in halves]
        whole, cut = folder / "whole.jsonl", folder / "cut.jsonl"
        plain, far = count / read_by(halves, outs), count / read_by([files], [whole], *ON_RAY)
        print(f"two processes: {plain:.0f} pictures a second; Ray Data: {far:.0f}", end="")
        print(f" ({far / plain:.2f} times), start included")
        print(f"the same readings: {readings(*outs) == readings(whole)}")
        resume = [*ON_RAY, "--resume", cut]
        process = subprocess.Popen([sys.executable, "predict.py", *resume, files], cwd=ROOT)
        while not cut.exists() or cut.read_bytes().count(b"\n") < count // 2:
            time.sleep(0.2)
        process.kill()
        process.wait()
        with cut.open("r+b") as written:
            written.truncate(cut.stat().st_size - 100)  # as if it had died in the midst of a line
        read_by([files], [folder / "rest"], *resume)
        same = cut.read_bytes() == whole.read_bytes()
        print(f"killed at half and resumed, the same bytes: {same}")


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, help="files to read on Ray Data")
    options = parser.parse_args()
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112  all share the cores alike
    if options.pictures:
        measure_pictures(options.pictures)
    else:
        measure_readers()
        measure_fronts()


if __name__ == "__main__":
    main()
