"""server/post_parts.py: the parts of the table of posts are there in time."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest
from structlog.testing import capture_logs

from persistence.database import Database
from persistence.partitions import PARTS
from server.post_parts import PostParts, make_first

NOW = int(datetime(2026, 11, 23, tzinfo=UTC).timestamp() * 1000)
AHEAD = {"posts_2026_11", "posts_2026_12", "posts_2027_01", "posts_2027_02"}


async def parts(database: Database) -> set[str]:
    async with database.connection() as connection:
        return {row["relname"] for row in await connection.fetch(PARTS)} - {"posts_rest"}


async def test_the_job_makes_what_is_missing(database: Database) -> None:
    job = PostParts(database, clock=lambda: NOW)
    with capture_logs() as lines:
        await job.make()
        await job.make()
    assert await parts(database) == AHEAD
    assert [line["parts"] for line in lines] == [sorted(AHEAD)]


async def test_at_the_start(database: Database) -> None:
    async with database.connection() as connection:
        await make_first(connection, NOW)
    assert await parts(database) == AHEAD


@pytest.fixture
async def guest(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that may make no tables."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE ROLE guest; GRANT SELECT ON posts, posts_rest TO guest")
    await connection.execute("SET ROLE guest")
    yield connection
    await connection.execute("RESET ROLE")
    await connection.execute("DROP OWNED BY guest; DROP ROLE guest")
    await connection.close()


async def test_a_role_that_may_not_is_no_reason_not_to_start(
    database: Database, guest: asyncpg.Connection
) -> None:
    with capture_logs() as lines:
        await make_first(guest, NOW)
    assert [line["log_level"] for line in lines] == ["warning"]
    assert await parts(database) == set()
