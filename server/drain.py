"""The end of the process: everybody is sent away, and nothing that was acknowledged is lost.

1. New connections get 503. REST, and the connections that are there, go on as before.
2. In batches that are spread over `server.drain_seconds` connections take no more commands; when
   what they took before is answered they are closed, and told when to come back. A command that was
   not taken has no answer: the client repeats it over its next connection, with the same nonce.
3. The port is closed; requests that were begun are answered (server/listener.py).
4. Jobs that are under way are finished, or left to others.
5. The log writes what waits, and is closed.

All of it has `server.shutdown_seconds`. A second signal cuts 2, 3 and 4 short.
"""

import asyncio
import random
from collections.abc import Callable
from math import ceil

import structlog

from persistence.room_log import RoomLog
from protocol.close import RESTART, with_delay
from server.background import Background
from server.gateway import Gateway, GatewayProtocol
from server.grace import Grace
from server.jobs import Jobs

logger = structlog.get_logger(__name__)

STEP = 0.1  # seconds between two batches
SHARE = 0.8  # of the grace time that batches may take: the rest is for requests and the log
ANSWER_SECONDS = 2.0  # for the commands that a connection has under way
# Clients come back spread over a time in which this many a second do: a third of what one process
# takes (connect, hello, ready), so that those who are there do not feel it.
RETURNS_PER_SECOND = 500
MIN_SPREAD, MAX_SPREAD = 1.0, 60.0
LAST_SECONDS = 1.0  # for requests and the log each, when the grace time is used up

Report = Callable[[int, int], None]
"""`report(left, all)`: so many of the connections are still there."""


def unheard(left: int, of: int) -> None:
    """The report that nobody wants."""


class Drain:
    """Sends all connections away.

    Args:
        gateway: whose.
        grace: for the whole end.
        seconds: over which the batches are spread; 0: all at once.
        report: is told how it goes.
    """

    def __init__(self, gateway: Gateway, grace: Grace, *, seconds: float, report: Report) -> None:
        self._gateway = gateway
        self._grace = grace
        self._seconds = seconds
        self._report = report
        self._spread = MIN_SPREAD
        self._leaving: list[tuple[GatewayProtocol, float]] = []

    async def run(self) -> None:
        """Begin the end; return when nobody is left, but for those who still read the close."""
        self._grace.begin()
        self._gateway.draining = True
        staying = list(self._gateway.connections)
        total = len(staying)
        self._spread = min(MAX_SPREAD, max(MIN_SPREAD, total / RETURNS_PER_SECOND))
        now = asyncio.get_running_loop().time
        until = now() + min(self._seconds, SHARE * self._grace.left())
        while staying or self._leaving:
            steps = 1 if self._grace.hurried.is_set() else max(1, ceil((until - now()) / STEP))
            self._retire(staying, ceil(len(staying) / steps), now())
            self._close(now())
            self._report(len(staying) + len(self._leaving), total)
            if staying or self._leaving:
                await self._grace.pause(STEP)
        logger.info("drained", connections=total)

    def _retire(self, staying: list[GatewayProtocol], count: int, now: float) -> None:
        """Let some connections take no more commands. Those that have gone cost nothing."""
        while staying and count:
            connection = staying.pop()
            if connection in self._gateway.connections:
                connection.retire()
                self._leaving.append((connection, now + ANSWER_SECONDS))
                count -= 1

    def _close(self, now: float) -> None:
        """Close the connections that have their answers, or have waited long enough for them."""
        self._gateway.tick.flush()  # what is published already goes ahead of the close
        in_haste = self._grace.hurried.is_set()
        waiting = []
        for connection, deadline in self._leaving:
            if connection.busy and now < deadline and not in_haste:
                waiting.append((connection, deadline))
            else:
                delay = random.uniform(0, self._spread)  # noqa: S311
                connection.close(with_delay(RESTART, delay))
        self._leaving = waiting


async def close_jobs(jobs: Jobs, grace: Grace) -> None:
    """Let the jobs that are under way finish, for half of the time that is left.

    The rest is the log's. What a job has not done by then another process does, or the next.
    """
    closing = asyncio.create_task(jobs.close(within=grace.left(at_least=LAST_SECONDS) / 2))
    hurried = asyncio.create_task(grace.hurried.wait())
    await asyncio.wait((closing, hurried), return_when=asyncio.FIRST_COMPLETED)
    if not closing.done():
        await jobs.close(within=0)
    hurried.cancel()
    await asyncio.gather(closing, hurried, return_exceptions=True)


async def close_log(log: RoomLog, commands: Background, grace: Grace) -> None:
    """Finish what is under way and write what waits: the last step.

    Args:
        commands: those that are under way and not in the log yet.
    """
    await commands.finish(within=grace.left(at_least=LAST_SECONDS))
    closing = asyncio.create_task(log.close())
    await asyncio.wait([closing], timeout=grace.left(at_least=LAST_SECONDS))
    if not closing.done():
        # Nobody has been told that it is written; whoever sent it tries again.
        logger.error("the database does not take the last events", events=len(log))
        closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
