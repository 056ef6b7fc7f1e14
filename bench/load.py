"""Let many users draw on the page at once; count answers, refusals and losses.

    python -m bench.load [--users 100] [--drawings 10]     each user draws again after an answer
    python -m bench.load --arrivals 300 --slow 0.2         all at once, each reading 0.2 s slower

The page runs on the same machine. A drawing is answered, refused with HTTP 503, or lost. After a
refusal a user waits `BUSY_PAUSE_S`. Other load on the machine lowers all figures.
"""

import argparse
import asyncio
import contextlib
import itertools
import re
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field

import httpx
import numpy as np

from support.virtual_users import (
    ServerBusy,
    VirtualUser,
    cpu_seconds,
    open_window,
    sample_drawings,
    serve_app,
)

BUSY_PAUSE_S = 1.0
ANSWER = re.compile(r'data-number|"digits": \[\{')  # on the page, and of `/predict`


@dataclass
class Tally:
    """Counts of drawings, and the seconds of each."""

    answered: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    async def count(self, response: Awaitable[str]) -> None:
        """Wait for a response and count it; pause after anything but an answer."""
        start = time.perf_counter()
        try:
            if not ANSWER.search(await response):
                raise RuntimeError("no answer")
            self.answered.append(time.perf_counter() - start)
            return
        except ServerBusy:
            self.refused.append(time.perf_counter() - start)
        except (httpx.HTTPError, RuntimeError, LookupError, ValueError) as error:
            self.lost.append(f"{type(error).__name__}: {error}")
        await asyncio.sleep(BUSY_PAUSE_S)

    def report(self, seconds: float) -> None:
        """Print the counts and times of a run that took `seconds`."""
        p50, p95, longest = np.quantile(self.answered or [0.0], (0.5, 0.95, 1))
        print(
            f"answered {len(self.answered)}, refused {len(self.refused)}, lost {len(self.lost)} in "
            f"{seconds:.1f} s: {len(self.answered) / seconds:.1f} answers a second\n"
            f"an answer: p50 {p50:.2f} s, p95 {p95:.2f} s, longest {longest:.2f} s; "
            f"a refusal: longest {max(self.refused, default=0):.2f} s"
        )
        for error in sorted(set(self.lost)):
            print(f"lost {self.lost.count(error)} times: {error}")


async def run_users(url: str, pid: int, users: int, rounds: int) -> tuple[Tally, float, float]:
    """Let users draw; return the counts, the seconds, and the server's processor seconds."""
    tally, drawings = Tally(), itertools.cycle(sample_drawings())

    async def draw(user: VirtualUser) -> None:
        for _ in range(rounds):
            await tally.count(user.draw(next(drawings)))

    async with contextlib.AsyncExitStack() as windows:
        opened = (windows.enter_async_context(open_window(url)) for _ in range(users))
        windows_open = await asyncio.gather(*opened)
        start, before = time.perf_counter(), cpu_seconds(pid)
        await asyncio.gather(*map(draw, windows_open))
        return tally, time.perf_counter() - start, cpu_seconds(pid) - before


def main() -> None:
    """Put the load on the page, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=100)
    parser.add_argument("--drawings", type=int, default=10, help="of each user")
    parser.add_argument("--arrivals", type=int, help="users who draw once, all at the same time")
    parser.add_argument("--slow", type=float, default=0, help="seconds added to each reading")
    options = parser.parse_args()
    users, rounds = (options.arrivals, 1) if options.arrivals else (options.users, options.drawings)
    with serve_app(options.slow) as (url, pid):
        asyncio.run(run_users(url, pid, 1, 3))
        tally, seconds, _ = asyncio.run(run_users(url, pid, users, rounds))
        tally.report(seconds)


if __name__ == "__main__":
    main()
