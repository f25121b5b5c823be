"""How patient a client is."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from plaza_client.backoff import FullJitter


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Settings that rarely need to change. All times are in seconds.

    Attributes:
        open_timeout: for one attempt to connect, including hello.
        start_timeout: for the first connection, over all attempts.
        command_timeout: for a command, over all its repetitions.
        close_timeout: for the closing handshake.
        silent_heartbeats: the server speaks at least once a heartbeat; after so many heartbeats
            without a byte from it the connection counts as dead.
        inbox_events: how many events may wait for the consumer of `Client.events`.
        backoff_base: bound of the first delay before reconnecting or repeating.
        backoff_cap: bound of all such delays.
        retry_after_cap: bound of what is waited because the server asks for it.
        delivered: whether to tell the server, about once a second, what has reached this client:
            the delivered markers that others see.
        random: uniform on [0, 1).
        sleep: waits.
        clock: a monotonic clock.
    """

    open_timeout: float = 10.0
    start_timeout: float = 30.0
    command_timeout: float = 30.0
    close_timeout: float = 5.0
    silent_heartbeats: float = 2.5
    inbox_events: int = 1_000
    backoff_base: float = 0.25
    backoff_cap: float = 30.0
    retry_after_cap: float = 120.0
    delivered: bool = False
    random: Callable[[], float] = random.random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic

    def backoff(self) -> FullJitter:
        """A new series of delays."""
        return FullJitter(self.random, base=self.backoff_base, cap=self.backoff_cap)

    def heed(self, retry_after: float) -> float:
        """How long to wait when the server asks to wait so long: that, and up to half as much.

        Whoever was told the same should not come at the same moment. The backoff does not apply:
        the server knows better than we when it is worth trying.
        """
        seconds = min(retry_after, self.retry_after_cap)
        return seconds + self.random() * max(self.backoff_base, seconds / 2)
