"""A deployment with the town that `plaza seed` makes, and people in it whom a benchmark needs."""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import asyncpg

from loadtest.deployment import Deployment
from loadtest.population import admit, newcomers
from loadtest.process import StartFailed
from protocol.ids import Id

_PLAZA = str(Path(sys.executable).with_name("plaza"))

ACCOUNTS = "SELECT id FROM accounts ORDER BY id"

FOLLOW = """
INSERT INTO follows (follower_id, followee_id, id, accepted, backfilled)
SELECT follower, $1, follower, true, true FROM unnest($2::bigint[]) AS follower
"""
COUNT = """
UPDATE profiles SET followers = followers + CASE WHEN account_id = $1 THEN $3 ELSE 0 END,
    following = following + (account_id <> $1)::int
WHERE account_id = $1 OR account_id = ANY($2::bigint[])
"""

BUSY = """
SELECT EXISTS (
    SELECT FROM pgqueuer WHERE status IN ('queued', 'picked') AND execute_after <= now()
)
"""


class Size(NamedTuple):
    """Of the town."""

    accounts: int
    posts: int
    follows: int


class Someone(NamedTuple):
    """An account, and an access token of its own."""

    id: Id
    token: str


async def seeded(
    deployment: Deployment, connection: asyncpg.Connection, size: Size
) -> list[Someone]:
    """Let there be a town; return its people.

    Raises:
        StartFailed: it could not be made.
    """
    sizes = (f"--{name}={count}" for name, count in size._asdict().items())
    process = await asyncio.create_subprocess_exec(
        *(_PLAZA, "seed", "--yes", *sizes, "--database-url", deployment.dsn),
        env={**os.environ, "PLAZA_LOG__LEVEL": "warning"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    if process.returncode:
        raise StartFailed(f"The town could not be made: {said.decode()}")
    people = [Id(row["id"]) for row in await connection.fetch(ACCOUNTS)]
    tokens = await admit(connection, deployment, people)
    return [Someone(person, token) for person, token in zip(people, tokens, strict=True)]


async def author_of(
    deployment: Deployment, connection: asyncpg.Connection, followers: Sequence[Someone]
) -> Someone:
    """Somebody new, who is followed by these."""
    [author] = await newcomers(connection, 1)
    [token] = await admit(connection, deployment, [author])
    ids = [follower.id for follower in followers]
    async with connection.transaction():
        await connection.execute(FOLLOW, author, ids)
        await connection.execute(COUNT, author, ids, len(ids))
    return Someone(author, token)


async def until_idle(connection: asyncpg.Connection) -> None:
    """Wait until the server has done all its jobs that are due."""
    while await connection.fetchval(BUSY):  # noqa: ASYNC110 - another process's
        await asyncio.sleep(0.005)
