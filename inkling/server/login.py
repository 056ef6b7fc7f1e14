"""Check the page's user and password, and slow down guessing."""

import argparse
import asyncio
import hmac
import time
from collections.abc import Callable

MAX_LOGIN_DELAY_S = 4.0  # not tuned
FAILURE_MEMORY_S = 60.0  # seconds after which wrong attempts are forgotten: not tuned


class Login:
    """The page's user and password, with a delay after wrong attempts."""

    def __init__(self, user: str, password: str, clock: Callable[[], float] = time.monotonic):
        self.secret = f"{user}:{password}".encode()
        self.clock = clock
        self.failures = 0  # consecutive, less than `FAILURE_MEMORY_S` apart
        self.latest_failure = 0.0  # s

    def compute_delay(self) -> float:
        """Return the present delay in seconds: it doubles with each wrong attempt."""
        if self.clock() - self.latest_failure > FAILURE_MEMORY_S:
            self.failures = 0
        return min(MAX_LOGIN_DELAY_S, 0.25 * 2**self.failures) if self.failures else 0.0

    async def authenticate(self, user: str, password: str) -> bool:
        """Return whether the credentials are right; right and wrong ones take equally long."""
        await asyncio.sleep(self.compute_delay())
        is_right = hmac.compare_digest(f"{user}:{password}".encode(), self.secret)
        if not is_right:
            self.failures, self.latest_failure = self.failures + 1, self.clock()
        return is_right


def parse_login(text: str) -> tuple[str, str]:
    """Return user and password from USER:PASSWORD; raises `ArgumentTypeError` if one is missing."""
    user, _, password = text.partition(":")
    if not user or not password:
        raise argparse.ArgumentTypeError("a login is written USER:PASSWORD")
    return user, password
