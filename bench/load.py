"""Have many visitors draw at once, as the page's own script would, and count what becomes of it.

    python -m bench.load [--users 100] [--drawings 10]     each draws again once it is answered
    python -m bench.load --arrivals 300 --slow 0.2         all at once, to a slower reader

The page is started as users start it, on the same machine. A drawing is answered, told busy (the
queue was full), or lost: anything else. Who is told busy takes `PAUSE` before drawing again. What
else this machine has to do, the load before it began, counts against all of it.
"""

import argparse
import asyncio
import contextlib
import itertools
import os
import re
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from inkling.recognition.checkpoint import CHECKPOINT
from support.virtual_users import (
    Busy,
    Visitor,
    drawings,
    megabytes,
    processor_seconds,
    serving,
    window,
)

PAUSE = 1.0  # seconds
ANSWER = re.compile(r'data-number|"digits": \[\{')  # on the page, and to programs


@dataclass
class Tally:
    """What became of drawings, and how many seconds it took."""

    answered: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    async def count(self, sent: Awaitable[str]) -> bool:
        """Wait for an answer and count it; return whether there was one."""
        start = time.perf_counter()
        try:
            if not ANSWER.search(await sent):
                raise RuntimeError("no answer")
            self.answered.append(time.perf_counter() - start)
            return True
        except Busy:
            self.busy.append(time.perf_counter() - start)
        except (httpx.HTTPError, RuntimeError, LookupError, ValueError) as error:
            self.lost.append(f"{type(error).__name__}: {error}")
        return False

    def report(self, seconds: float) -> None:
        """Print the counts and times; `seconds` is how long it took in all."""
        times, refusals = sorted(self.answered) or [0.0], self.busy or [0.0]
        p50, p95 = (times[int(share * (len(times) - 1))] for share in (0.5, 0.95))
        print(
            f"answered {len(self.answered)}, told busy {len(self.busy)}, lost {len(self.lost)} in "
            f"{seconds:.1f} s: {len(self.answered) / seconds:.1f} answers a second\n"
            f"an answer: p50 {p50:.2f} s, p95 {p95:.2f} s, longest {times[-1]:.2f} s; "
            f"being told busy: longest {max(refusals):.2f} s"
        )
        for fault in sorted(set(self.lost)):
            print(f"lost {self.lost.count(fault)} times: {fault}")


async def visit(url: str, pid: int, users: int, rounds: int) -> tuple[Tally, float, float]:
    """Have users draw; return what became of it, the seconds, and the server's processor's."""
    tally, digits = Tally(), itertools.cycle(drawings())

    async def draw(visitor: Visitor) -> None:
        for _ in range(rounds):
            if not await tally.count(visitor.draw(next(digits))):
                await asyncio.sleep(PAUSE)

    async with contextlib.AsyncExitStack() as windows:
        opened = (windows.enter_async_context(window(url)) for _ in range(users))
        visitors = await asyncio.gather(*opened)
        start, busy = time.perf_counter(), processor_seconds(pid)
        await asyncio.gather(*map(draw, visitors))
        return tally, time.perf_counter() - start, processor_seconds(pid) - busy


def main() -> None:
    """Put the load on the page, and print what became of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=100)
    parser.add_argument("--drawings", type=int, default=10, help="of each user")
    parser.add_argument("--arrivals", type=int, help="users who draw once, all at the same time")
    parser.add_argument("--slow", type=float, default=0, help="seconds that a reading takes longer")
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    options = parser.parse_args()
    users, rounds = (options.arrivals, 1) if options.arrivals else (options.users, options.drawings)
    print(f"load of the machine, of {os.cpu_count()} cores, before: {os.getloadavg()[0]:.1f}")
    with serving(options.checkpoint, options.slow) as (url, pid):
        asyncio.run(visit(url, pid, 1, 3))
        memory = megabytes(pid)
        tally, seconds, busy = asyncio.run(visit(url, pid, users, rounds))
        tally.report(seconds)
        print(f"server: {memory:.0f} MB before, {megabytes(pid):.0f} MB after, ", end="")
        print(f"{1_000 * busy / max(1, len(tally.answered)):.0f} ms of processor time an answer")


if __name__ == "__main__":
    main()
