"""What happens again and again, whatever clients do."""

import asyncio
import contextlib
from collections.abc import Callable

import structlog

from persistence.database import Database
from persistence.sessions import delete_expired
from protocol.errors import PlazaError
from protocol.times import from_ms

logger = structlog.get_logger(__name__)

EXPIRY_SECONDS = 3600


async def every_second(*steps: Callable[[], None]) -> None:
    """Take the steps each second, one after the other, until cancelled.

    The process's one timer. A bug in one step is that step's alone: heartbeats go on.
    """
    while True:
        await asyncio.sleep(1)
        for step in steps:
            try:
                step()
            except Exception:
                logger.exception("a step of the timer failed")


async def forget_expired_sessions(database: Database, clock: Callable[[], int]) -> None:
    """Delete sessions that have ended, now and then.

    Args:
        clock: Unix time in milliseconds.
    """
    while True:
        with contextlib.suppress(PlazaError):  # the database is away; the next time will do
            async with database.connection() as connection:
                await delete_expired(connection, from_ms(clock()))
        await asyncio.sleep(EXPIRY_SECONDS)
