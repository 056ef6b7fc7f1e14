"""Let a class of phones draw for the wall from one address; count losses, and time the wall.

    python -m bench.class [--phones 60] [--drawings 10] [--minutes 5]

Each phone draws at random times, and sends again after a refusal, as the page does. The wall
requests changes every `WALL_POLL_S`. The server runs on the same machine: other load on it, that
of the phones included, raises the times. The exit status is 1 if a bound is exceeded.
"""

import argparse
import asyncio
import contextlib
import random
import secrets
import sys
import time
from collections import Counter

import httpx
import numpy as np

from support.virtual_users import (
    CONNECTION_LIMITS,
    RESPONSE_TIMEOUT_S,
    cpu_seconds,
    sample_drawings,
    serve_class,
)

WALL_POLL_S = 0.4  # as `wall.js`
STATE_POLL_S = 6.0  # as `phone.js`, without a drawing
RETRY_S = 2.0  # as `phone.js`
MAX_WALL_S = 1.0  # 95 % of the drawings are on the wall within this
MAX_BUSY_SHARE = 0.6  # of two cores
CORES = 2


class ClassRun:
    """The phones and the wall of one class, and what happened to the drawings."""

    def __init__(self, url: str, key: str):
        self.url, self.key = url, key
        self.refused: Counter[int] = Counter()  # by status
        self.sent_at: dict[str, float] = {}  # by a mark that each drawing carries
        self.on_wall_at: dict[str, float] = {}
        self.answers: list[float] = []  # seconds until a phone had its answer
        self.asked: Counter[int] = Counter()
        self.drawings = sample_drawings(500)

    def open_client(self) -> httpx.AsyncClient:
        """Return the client of one device."""
        options = {"limits": CONNECTION_LIMITS, "timeout": RESPONSE_TIMEOUT_S, "trust_env": False}
        return httpx.AsyncClient(base_url=self.url, **options)

    async def draw(self, client: httpx.AsyncClient, body: dict) -> int:
        """Send a drawing until it is taken; return the digit to draw next."""
        mark = repr(body["strokes"][0]["width"])
        self.sent_at[mark] = start = time.perf_counter()
        while True:
            status, reply = await self.talk(client, body)
            if status == 200:
                self.answers.append(time.perf_counter() - start)
                return reply["ask"]
            self.refused[status] += 1
            await asyncio.sleep(RETRY_S * random.uniform(0.75, 1.25))

    async def talk(self, client: httpx.AsyncClient, body: dict) -> tuple[int, dict]:
        """Send a phone's request; return its status, 0 without an answer, and its content."""
        try:
            reply = await client.post("/class/talk", json=body)
        except httpx.TransportError:  # such as a connection that the server has just closed
            return 0, {}
        return reply.status_code, reply.json()

    async def use_phone(self, number: int, drawings: int, seconds: float) -> None:
        """Open the page, and draw at random times; request the state of the class in between."""
        token = secrets.token_hex(16)
        pauses = np.diff(
            np.sort([0.0, *np.random.default_rng(number).uniform(0, seconds, drawings)])
        )
        async with self.open_client() as client:
            (await client.get("/join")).raise_for_status()
            ask = (await self.talk(client, {"token": token}))[1]["ask"]
            for count, pause in enumerate(pauses):
                until = time.perf_counter() + pause
                while (left := until - time.perf_counter()) > STATE_POLL_S:
                    await asyncio.sleep(STATE_POLL_S)
                    await self.talk(client, {"token": token, "asked": ask})
                await asyncio.sleep(max(0, left))
                payload = self.drawings[ask + 10 * ((7 * number + count) % 50)].payload
                strokes = [dict(stroke) for stroke in payload["strokes"]]
                strokes[0]["width"] = 60 + (number * drawings + count) / 100  # a mark
                self.asked[ask] += 1
                body = {"token": token, "count": count, "asked": ask, "size": 1000}
                ask = await self.draw(client, body | {"strokes": strokes})

    async def watch_wall(self, expected: int) -> None:
        """Ask for changes as the wall does, until all drawings are there."""
        marks = {round(60 + k / 100, 2): repr(60 + k / 100) for k in range(expected)}
        state: dict = {"session": "", "version": -1, "drawings": []}
        async with self.open_client() as client:
            while len(self.on_wall_at) < expected:
                known = {"session": state["session"], "since": state["version"]}
                with contextlib.suppress(httpx.TransportError):
                    reply = await client.post("/class/wall", json={"token": self.key} | known)
                    state = reply.raise_for_status().json()
                for drawing in state["drawings"]:
                    width = round(drawing["strokes"][0]["width"] / 0.28, 2)
                    self.on_wall_at.setdefault(marks[width], time.perf_counter())
                await asyncio.sleep(WALL_POLL_S)

    async def run(self, phones: int, drawings: int, seconds: float) -> float:
        """Let all phones draw; return the seconds until the wall had all, or gave up waiting."""
        start = time.perf_counter()
        wall = asyncio.create_task(self.watch_wall(phones * drawings))
        await asyncio.gather(*(self.use_phone(k, drawings, seconds) for k in range(phones)))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(wall, RESPONSE_TIMEOUT_S)
        return time.perf_counter() - start


def main() -> None:
    """Print the counts and times, and the bounds that are exceeded."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--phones", type=int, default=60)
    parser.add_argument("--drawings", type=int, default=10, help="of each phone")
    parser.add_argument("--minutes", type=float, default=5, help="in which all draw")
    options = parser.parse_args()
    with serve_class() as (url, key, pid):
        run, before = ClassRun(url, key), cpu_seconds(pid)
        size = (options.phones, options.drawings, 60 * options.minutes)
        seconds = asyncio.run(run.run(*size))
        busy = (cpu_seconds(pid) - before) / seconds / CORES
    waits = [at - run.sent_at[mark] for mark, at in run.on_wall_at.items()]
    p50, p95, longest = np.quantile(waits or [np.inf], (0.5, 0.95, 1))
    lost = options.phones * options.drawings - len(waits)
    answer = np.quantile(run.answers or [np.inf], 0.95)
    print(
        f"{len(waits)} drawings of {options.phones} phones on the wall in {seconds:.0f} s, "
        f"{lost} lost, refused and sent again: {dict(run.refused) or 0}\n"
        f"on the wall: p50 {p50:.2f} s, p95 {p95:.2f} s, longest {longest:.2f} s; "
        f"the phone's answer: p95 {answer:.2f} s\n"
        f"the server used {busy:.0%} of {CORES} cores; each digit was asked for "
        f"{min(run.asked.values())} to {max(run.asked.values())} times"
    )
    bounds = {"lost": lost > 0, "late": p95 > MAX_WALL_S, "busy": busy > MAX_BUSY_SHARE}
    exceeded = [name for name, is_exceeded in bounds.items() if is_exceeded]
    print(f"Exceeded: {', '.join(exceeded)}" if exceeded else "No bound is exceeded.")
    sys.exit(1 if exceeded else 0)


if __name__ == "__main__":
    main()
