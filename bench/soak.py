"""Send a page thousands of readings; check that memory, files, threads and uploads do not grow.

    python -m bench.soak [--readings 10000]

A few users draw, upload and call `/predict` in turn, each in a new window after every
`WINDOW_READINGS`. The exit status is 1 if a limit is exceeded or a reading is lost.
"""

import argparse
import asyncio
import contextlib
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple

from bench.load import Tally
from support.virtual_users import VirtualUser, memory_mb, open_window, sample_drawings, serve_app

USERS = 4
WINDOW_READINGS = 20  # readings in one window
SAMPLE_READINGS = 500  # readings between two samples
WARM_UP_READINGS = 1_000  # from here on memory must not grow
MAX_GROWTH_MB = 40
MAX_UPLOADS_MB = 256  # in the temporary folder
MAX_ENTRIES = 2_000  # files and folders in the temporary folder
MAX_NEW_HANDLES = 10  # open files, and threads
MAX_SLOWDOWN = 1.5  # median time of the last fifth over that of the first


class Sample(NamedTuple):
    """Resources of a server after a number of readings."""

    readings: int
    memory: float  # MB
    files: int  # open, with connections
    threads: int
    entries: int  # files and folders in the temporary folder
    uploads: float  # MB in it
    milliseconds: float  # median of the readings since the last sample

    def __str__(self) -> str:
        """Return a line of the table."""
        return (
            f"{self.readings:9,d} {self.memory:8.0f} {self.files:6d} {self.threads:8d} "
            f"{self.entries:8d} {self.uploads:9.1f} {self.milliseconds:7.0f}"
        )


def take_sample(pid: int, folder: Path, readings: int, seconds: list[float]) -> Sample:
    """Measure a server and its temporary folder."""
    process, sizes = Path(f"/proc/{pid}"), []
    for place, folders, files in os.walk(folder):
        for name in folders + files:
            with contextlib.suppress(FileNotFoundError):  # the server cleans up meanwhile
                sizes.append(Path(place, name).stat().st_size)
    files, threads = (len(list((process / kind).iterdir())) for kind in ("fd", "task"))
    median = 1_000 * statistics.median(seconds or [0.0])
    memory, uploads = memory_mb(pid), sum(sizes) / 2**20
    return Sample(readings, memory, files, threads, len(sizes), uploads, median)


@contextlib.asynccontextmanager
async def open_page(url: str) -> AsyncIterator[VirtualUser]:
    """Open the page as a browser does, with the heartbeat that is held until it closes."""
    async with open_window(url) as user:
        (await user.client.get("/")).raise_for_status()
        heartbeat = f"/gradio_api/heartbeat/{user.session}"
        async with user.client.stream("GET", heartbeat, timeout=None):
            yield user


async def run_users(url: str, readings: int, sample: Callable[[int, list[float]], None]) -> Tally:
    """Request this many readings; call `sample` after each `SAMPLE_READINGS`."""
    tally, drawings = Tally(), itertools.cycle(sample_drawings(min(2_000, readings)))
    numbers = iter(range(1, readings + 1))

    async def request(user: VirtualUser, number: int) -> None:
        method = [user.draw, user.upload, user.predict][number % 3]
        await tally.count(method(next(drawings)))
        if number % SAMPLE_READINGS == 0 or number == readings:
            sample(number, tally.answered[-SAMPLE_READINGS:])

    async def use_windows() -> None:
        while window := list(itertools.islice(numbers, WINDOW_READINGS)):
            async with open_page(url) as user:
                for number in window:
                    await request(user, number)

    await asyncio.gather(*(use_windows() for _ in range(USERS)))
    return tally


def find_growth(samples: list[Sample], tally: Tally, left: list[str]) -> list[str]:
    """Return the exceeded limits, in words."""
    warm = [s for s in samples if s.readings >= WARM_UP_READINGS] or samples
    first, last, fifth = warm[0], warm[-1], max(1, len(warm) // 5)
    early, late = (
        statistics.median(s.milliseconds for s in part) for part in (warm[:fifth], warm[-fifth:])
    )
    uploads, entries = max(s.uploads for s in samples), max(s.entries for s in samples)
    checks = {
        f"memory: +{last.memory - first.memory:.0f} MB": last.memory > first.memory + MAX_GROWTH_MB,
        f"open files: +{last.files - first.files}": last.files > first.files + MAX_NEW_HANDLES,
        f"threads: +{last.threads - first.threads}": last.threads > first.threads + MAX_NEW_HANDLES,
        f"temporary folder: {uploads:.0f} MB": uploads > MAX_UPLOADS_MB,
        f"temporary folder: {entries} entries": entries > MAX_ENTRIES,
        f"time of a reading: {late / max(early, 1e-9):.1f} times": late > MAX_SLOWDOWN * early,
        f"left after the end: {left}": bool(left),
        f"readings lost: {len(tally.lost)}": bool(tally.lost),
    }
    return [words for words, is_exceeded in checks.items() if is_exceeded]


def main() -> None:
    """Print a table of samples, and the exceeded limits."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--readings", type=int, default=10_000)
    options = parser.parse_args()
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with serve_app(temporary=name) as (url, pid):

            def sample(readings: int, seconds: list[float]) -> None:
                samples.append(take_sample(pid, folder, readings, seconds))
                print(samples[-1], flush=True)

            print(" readings   memory  files  threads  entries   uploads  median")
            print("                MB                                 MB      ms")
            start = time.perf_counter()
            tally = asyncio.run(run_users(url, options.readings, sample))
            tally.report(time.perf_counter() - start)
        left = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    exceeded = find_growth(samples, tally, left)
    print("Exceeded limits: " + "; ".join(exceeded) if exceeded else "No limit is exceeded.")
    sys.exit(1 if exceeded else 0)


if __name__ == "__main__":
    main()
