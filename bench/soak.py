"""Have a page read for long, and see whether it grows: memory, open files, threads, uploads.

    python -m bench.soak [--readings 10000]

A few visitors draw, upload and ask `/predict` in turn, each in a new window after every `STAY`
readings. The status is 1 if anything has grown beyond its limit, or a reading was lost.
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
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from bench.load import PAUSE, Tally
from inkling.recognition.checkpoint import CHECKPOINT
from support.virtual_users import Drawing, Visitor, drawings, megabytes, serving, window

VISITORS = 4
STAY = 20  # readings in a window
SAMPLE = 500  # readings between two samples
WARM_UP = 1_000  # readings until memory must grow no further
GROWTH = 40  # MB, the most
UPLOADS = 256  # MB, the most that may lie in the temporary folder
ENTRIES = 2_000  # files and folders, the most that may lie there
STEADY = 10  # open files and threads, the most that their number may rise
SLOWER = 1.5  # times, the most that the median time of the last fifth may be that of the first


class Sample(NamedTuple):
    """What a server holds on to, after so many readings."""

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


def sample(pid: int, folder: Path, readings: int, seconds: list[float]) -> Sample:
    """Look at a server and its temporary folder."""
    process, sizes = Path(f"/proc/{pid}"), []
    for place, folders, files in os.walk(folder):
        for name in folders + files:
            with contextlib.suppress(FileNotFoundError):  # the server tidies up meanwhile
                sizes.append(Path(place, name).stat().st_size)
    return Sample(
        readings,
        megabytes(pid),
        len(list((process / "fd").iterdir())),
        len(list((process / "task").iterdir())),
        len(sizes),
        sum(sizes) / 2**20,
        1_000 * statistics.median(seconds or [0.0]),
    )


def has_files(folder: Path) -> bool:
    """Tell whether anything but folders lies in a folder, or is one file."""
    return any(path.is_file() for path in (folder, *folder.rglob("*")))


@contextlib.asynccontextmanager
async def loaded(url: str) -> AsyncIterator[Visitor]:
    """Open the page as a browser does, with the connection that it holds until it is closed."""
    async with window(url) as visitor:
        (await visitor.client.get("/")).raise_for_status()
        heartbeat = f"/gradio_api/heartbeat/{visitor.session}"
        async with visitor.client.stream("GET", heartbeat, timeout=None):
            yield visitor


async def soak(url: str, readings: int, look: Callable[[int, list[float]], None]) -> Tally:
    """Have visitors ask for so many readings; call `look` after each `SAMPLE` of them."""
    tally, digits, asked = Tally(), itertools.cycle(drawings(2_000)), itertools.count(1)

    async def ask(visitor: Visitor, number: int) -> None:
        ways: list[Callable[[Drawing], Awaitable[str]]]
        ways = [visitor.draw, visitor.upload, visitor.predict]
        if not await tally.count(ways[number % len(ways)](next(digits))):
            await asyncio.sleep(PAUSE)
        if number % SAMPLE == 0 or number == readings:
            look(number, tally.answered[-SAMPLE:])

    async def visit() -> None:
        while True:
            async with loaded(url) as visitor:
                for number in itertools.islice(asked, STAY):
                    if number > readings:
                        return
                    await ask(visitor, number)

    await asyncio.gather(*(visit() for _ in range(VISITORS)))
    return tally


def verdict(samples: list[Sample], tally: Tally, left: list[str]) -> list[str]:
    """Return what has grown beyond its limit, in words."""
    warm = [s for s in samples if s.readings >= WARM_UP] or samples
    fifth = max(1, len(warm) // 5)
    early, late = (
        statistics.median(s.milliseconds for s in part) for part in (warm[:fifth], warm[-fifth:])
    )
    grown = {
        f"memory, by {warm[-1].memory - warm[0].memory:.0f} MB": (
            warm[-1].memory - warm[0].memory > GROWTH
        ),
        f"open files, by {warm[-1].files - warm[0].files}": (
            warm[-1].files - warm[0].files > STEADY
        ),
        f"threads, by {warm[-1].threads - warm[0].threads}": (
            warm[-1].threads - warm[0].threads > STEADY
        ),
        f"the temporary folder, to {max(s.uploads for s in samples):.0f} MB": (
            max(s.uploads for s in samples) > UPLOADS
        ),
        f"the temporary folder, to {max(s.entries for s in samples)} entries": (
            max(s.entries for s in samples) > ENTRIES
        ),
        f"the time of a reading, {late / max(early, 1e-9):.1f} times": late > SLOWER * early,
        f"what is left after the end: {left}": bool(left),
        f"readings lost: {len(tally.lost)}": bool(tally.lost),
    }
    return [what for what, too_much in grown.items() if too_much]


def main() -> None:
    """Have the page read, print a table, and say what has grown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--readings", type=int, default=10_000)
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    options = parser.parse_args()
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory() as folder:
        with serving(options.checkpoint, temporary=folder) as (url, pid):

            def look(readings: int, seconds: list[float]) -> None:
                samples.append(sample(pid, Path(folder), readings, seconds))
                print(samples[-1], flush=True)

            print(" readings   memory  files  threads  entries   uploads  median")
            print("                MB                                 MB      ms")
            start = time.perf_counter()
            tally = asyncio.run(soak(url, options.readings, look))
            tally.report(time.perf_counter() - start)
        left = [path.name for path in Path(folder).iterdir() if has_files(path)]
    grown = verdict(samples, tally, left)
    print("Too much has grown: " + "; ".join(grown) if grown else "Nothing has grown too much.")
    sys.exit(1 if grown else 0)


if __name__ == "__main__":
    main()
