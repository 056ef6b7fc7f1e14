"""Measure readers on a local Ray cluster of two nodes: throughput, overhead, failures.

    python -m bench.scale                        replicas, a call, two failures, two pages
    python -m bench.scale --pictures 100000      files on Ray Data against two plain processes

An answer is a drawing read and explained, as on the page.
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
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import ray
from PIL import Image
from ray import serve
from ray.cluster_utils import Cluster

from bench.latency import time_rounds
from bench.load import run_users
from inkling.datasets.mnist import load_mnist
from inkling.imaging.sketch import Sketch
from inkling.recognition.checkpoint import CHECKPOINT
from inkling.recognition.reader import Reader
from inkling.scale.serving import RemoteReader, deploy
from inkling.ui.session import Session, SessionState
from support.virtual_users import REPO_ROOT, sample_drawings, serve_app

CLIENT_THREADS = 8
ANSWERS_PER_RUN = 400
ON_RAY = ("--on", "ray")


@contextmanager
def start_cluster(cores: int = 2) -> Iterator[Cluster]:
    """Start two nodes, and join them."""
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": cores})
    try:
        nodes.add_node(num_cpus=cores)
        os.environ.pop("RAY_ADDRESS", None)
        path = {"env_vars": {"PYTHONPATH": str(REPO_ROOT)}}
        ray.init(nodes.address, runtime_env=path, log_to_driver=False, logging_level="error")
        yield nodes
    finally:
        serve.shutdown()
        ray.shutdown()
        nodes.shutdown()


def read_and_explain(reader: Reader, sketch: Sketch) -> str:
    """Read and explain a drawing, as the page does; return its text."""
    found = Session().read_latest(SessionState.read_sketch, sketch, reader)
    return found.reading.text if found else ""


def measure_rate(
    request: Callable[[Sketch], str], count: int, meanwhile: Callable = lambda: None
) -> tuple:
    """Return answers a second, the longest wait in seconds, and the errors."""
    sketches = [Sketch.from_json(drawing.payload) for drawing in sample_drawings()]
    waits, lost = [], []

    def work(sketch: Sketch) -> None:
        start = time.perf_counter()
        try:
            request(sketch)
            waits.append(time.perf_counter() - start)
        except Exception as error:  # the user has no answer
            lost.append(f"{type(error).__name__}: {error}"[:200])

    start = time.perf_counter()
    with ThreadPoolExecutor(CLIENT_THREADS) as threads:
        for sketch in itertools.islice(itertools.cycle(sketches), count):
            threads.submit(work, sketch)
        meanwhile()
    return len(waits) / (time.perf_counter() - start), max(waits), lost


def get_process_id(_: Reader) -> int:
    """Return the PID of a reader's process."""
    return os.getpid()


def measure_readers() -> None:
    """Print the throughput of replicas, the cost of a call, and losses in two failures."""
    local = Reader.load()
    sketches = [Sketch.from_json(drawing.payload) for drawing in sample_drawings()]
    read_and_explain(local, sketches[0])
    start = time.perf_counter()
    for sketch in sketches:
        read_and_explain(local, sketch)
    plain = len(sketches) / (time.perf_counter() - start)
    print(f"one process, one thread: {plain:.1f} answers a second")
    content = CHECKPOINT.read_bytes()
    with start_cluster() as nodes:
        for count in (1, 2, 4):
            remote = RemoteReader(local, deploy("scale", content, count))
            measure_rate(lambda sketch, remote=remote: read_and_explain(remote, sketch), 60)
            before = psutil.Process().cpu_times()
            found, longest, lost = measure_rate(
                lambda sketch, remote=remote: read_and_explain(remote, sketch), ANSWERS_PER_RUN
            )
            after = psutil.Process().cpu_times()
            front = (after.user + after.system - before.user - before.system) / ANSWERS_PER_RUN
            print(
                f"{count} replicas: {found:.1f} answers a second ({found / plain:.2f} times one "
                f"process), longest wait {longest:.2f} s, lost {len(lost)}; "
                f"the client takes {1e3 * front:.1f} ms an answer"
            )
        overhead = statistics.median(time_rounds(lambda: remote.call(get_process_id), 200))
        print(f"a call that does nothing: {1e3 * overhead:.1f} ms; an answer takes one")
        failures = {
            "a replica": lambda: os.kill(remote.call(get_process_id), signal.SIGKILL),
            "a node": lambda: nodes.remove_node(next(iter(nodes.worker_nodes)), False),
        }
        for what, fail in failures.items():
            meanwhile = lambda fail=fail: (time.sleep(2), fail())  # noqa: E731
            _, longest, lost = measure_rate(
                lambda sketch: read_and_explain(remote, sketch), ANSWERS_PER_RUN, meanwhile
            )
            print(f"{what} killed under load: lost {len(lost)}, longest wait {longest:.2f} s")
            for fault in sorted(set(lost)):
                print(f"  {fault}")


def measure_fronts() -> None:
    """Print the throughput of one and two pages with the same replicas."""
    ray_command = str(Path(sys.executable).with_name("ray"))
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    start = [ray_command, "start", "--head", "--num-cpus", "2", "--include-dashboard", "false"]
    subprocess.run(start, check=True, **quiet)
    os.environ["RAY_ADDRESS"] = "auto"
    try:
        with contextlib.ExitStack() as pages:
            remote = {"options": ["--readers", "ray"]}
            fronts = [pages.enter_context(serve_app(**remote)) for _ in range(2)]
            for count in (1, 2):
                used = fronts[:count]
                asyncio.run(run_users_on(used, 10, 2))
                start_time = time.perf_counter()
                tallies = asyncio.run(run_users_on(used, 40, 10))
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


async def run_users_on(fronts: list[tuple[str, int]], users: int, rounds: int) -> list[tuple]:
    """Distribute users over pages; return what `run_users` returns for each page."""
    share = users // len(fronts)
    return await asyncio.gather(*(run_users(url, pid, share, rounds) for url, pid in fronts))


def run_predict(sources: list[Path], outs: list[Path], *options: object) -> float:
    """Read each source with a process of `predict.py`; return the seconds."""
    start, command = time.perf_counter(), [sys.executable, "predict.py", "--json"]
    with contextlib.ExitStack() as files:
        started = [
            subprocess.Popen(
                [*command, *map(str, options), source],
                stdout=files.enter_context(out.open("w")),
                cwd=REPO_ROOT,
            )
            for source, out in zip(sources, outs, strict=True)
        ]
        if any(process.wait() for process in started):
            sys.exit("predict.py failed.")
    return time.perf_counter() - start


def load_readings(*outs: Path) -> list[dict]:
    """Return the readings in outputs, with the files' names without folders."""
    lines = [json.loads(line) for out in outs for line in out.read_text("utf-8").splitlines()]
    return [line | {"file": Path(line["file"]).name} for line in lines]


def measure_pictures(count: int) -> None:
    """Print the speed of Ray Data and of two processes, and whether the readings agree."""
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
        plain = count / run_predict(halves, outs)
        remote = count / run_predict([files], [whole], *ON_RAY)
        print(f"two processes: {plain:.0f} pictures a second; Ray Data: {remote:.0f}", end="")
        print(f" ({remote / plain:.2f} times), start included")
        print(f"the same readings: {load_readings(*outs) == load_readings(whole)}")
        resume = [*ON_RAY, "--resume", cut]
        process = subprocess.Popen([sys.executable, "predict.py", *resume, files], cwd=REPO_ROOT)
        while not cut.exists() or cut.read_bytes().count(b"\n") < count // 2:
            time.sleep(0.2)
        process.kill()
        process.wait()
        with cut.open("r+b") as written:
            written.truncate(cut.stat().st_size - 100)  # as if killed while writing a line
        run_predict([files], [folder / "rest"], *resume)
        same = cut.read_bytes() == whole.read_bytes()
        print(f"killed at half and resumed, the same bytes: {same}")


def main() -> None:
    """Print the measurements."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, help="files to read on Ray Data")
    options = parser.parse_args()
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112  equal priorities
    if options.pictures:
        measure_pictures(options.pictures)
    else:
        measure_readers()
        measure_fronts()


if __name__ == "__main__":
    main()
