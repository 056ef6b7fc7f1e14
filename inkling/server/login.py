"""Who may come in: one user and one password, and guessing gets slow."""

import argparse
import asyncio
import hmac
import time
from collections.abc import Callable

LONGEST_DELAY = 4.0  # seconds that a login may be held up after wrong tries
FORGIVEN = 60.0  # seconds without a wrong try after which nothing is held up


class Login:
    """Knows the page's user and password, and makes guessing slow."""

    def __init__(self, user: str, password: str, clock: Callable[[], float] = time.monotonic):
        """Remember them; `clock` tells the seconds."""
        self.secret = f"{user}:{password}".encode()
        self.clock = clock
        self.wrong = 0  # tries in a row, with less than `FORGIVEN` seconds between them
        self.latest = 0.0  # time of the latest

    def delay(self) -> float:
        """Return for how many seconds a login is held up now: longer after each wrong try."""
        if self.clock() - self.latest > FORGIVEN:
            self.wrong = 0
        return min(LONGEST_DELAY, 0.25 * 2**self.wrong) if self.wrong else 0.0

    async def admits(self, user: str, password: str) -> bool:
        """Tell whether these are the user and the password; right and wrong take as long."""
        await asyncio.sleep(self.delay())
        right = hmac.compare_digest(f"{user}:{password}".encode(), self.secret)
        if not right:
            self.wrong, self.latest = self.wrong + 1, self.clock()
        return right


def credentials(text: str) -> tuple[str, str]:
    """Return user and password from USER:PASSWORD; raises `ArgumentTypeError` if one is missing."""
    user, _, password = text.partition(":")
    if not user or not password:
        raise argparse.ArgumentTypeError("a login is written USER:PASSWORD")
    return user, password
