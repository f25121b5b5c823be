"""Makes the parts of the table of posts for the months to come: at the start, and every day."""

from collections.abc import Callable

import asyncpg
import structlog

from persistence import partitions
from persistence.database import Database

logger = structlog.get_logger(__name__)

MAKE_PARTS = "posts.parts"
DAILY = "41 3 * * *"


class PostParts:
    """The job.

    Args:
        clock: Unix time in milliseconds.
    """

    def __init__(self, database: Database, *, clock: Callable[[], int]) -> None:
        self._database = database
        self._clock = clock

    async def make(self) -> None:
        """Make what is missing.

        Raises:
            PlazaError: unavailable.
            asyncpg.PostgresError: it cannot be done; posts are kept together until it can.
        """
        async with self._database.connection() as connection:
            made = await partitions.ensure(connection, self._clock())
        if made:
            logger.info("the table of posts has new parts", parts=made)


async def make_first(connection: asyncpg.Connection, now_ms: int) -> None:
    """Make what is missing before anybody posts. Where that cannot be, the job will try again.

    Args:
        now_ms: Unix time in milliseconds.
    """
    try:
        await partitions.ensure(connection, now_ms)
    except (asyncpg.InsufficientPrivilegeError, asyncpg.LockNotAvailableError) as error:
        logger.warning(
            "the table of posts has no part for this month; posts are kept together meanwhile",
            error=str(error),
        )
