"""Rows by the hundred thousand, for a town that is made up: server/seeding makes them."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import asyncpg

Row = tuple[Any, ...]

_BATCH = 10_000
# Far above a pool's command_timeout.
_TIMEOUT_SECONDS = 3600.0


class Table(NamedTuple):
    """A table, and the columns that are written."""

    name: str
    columns: tuple[str, ...]


ACCOUNTS = Table("accounts", ("id", "username", "email", "password_hash", "created_at"))
PROFILES = Table(
    "profiles",
    (
        *("account_id", "display_name", "bio", "bio_html", "visibility"),
        *("posts", "followers", "following", "pulled"),
    ),
)
FOLLOWS = Table("follows", ("follower_id", "followee_id", "id", "accepted", "close", "backfilled"))
POSTS = Table(
    "posts",
    (
        *("id", "author_id", "position", "type", "status", "visibility", "content"),
        *("shared_id", "tags", "mentions", "published_at"),
    ),
)
TAGS = Table("post_tags", ("tag", "position", "post_id", "author_id"))
MENTIONS = Table("post_mentions", ("account_id", "position", "post_id"))
SHARES = Table("post_shares", ("author_id", "shared_id", "post_id"))
LIKES = Table("post_likes", ("post_id", "account_id", "at"))
COMMENTS = Table("comments", ("id", "post_id", "author_id", "parent_id", "content", "replies"))
COUNTERS = Table("post_counters", ("post_id", "likes", "comments", "shares"))

HAS_ACCOUNTS = "SELECT EXISTS (SELECT FROM accounts)"
USERNAMES = "SELECT username FROM accounts"


async def has_accounts(connection: asyncpg.Connection) -> bool:
    """Whether anybody is there already."""
    return bool(await connection.fetchval(HAS_ACCOUNTS))


async def usernames(connection: asyncpg.Connection) -> set[str]:
    """Those that are taken."""
    return {row["username"] for row in await connection.fetch(USERNAMES)}


# Only a superuser may, such as the embedded database's.
TRUST = "SET LOCAL session_replication_role = replica"


async def trust(connection: asyncpg.Connection) -> None:
    """Let references go unchecked until the end of the transaction, if we may.

    All rows refer to rows that we write ourselves, and looking each of them up takes twice as long
    as writing it.
    """
    try:
        async with connection.transaction():
            await connection.execute(TRUST)
    except asyncpg.InsufficientPrivilegeError:
        pass


async def copy(
    connection: asyncpg.Connection,
    table: Table,
    rows: Iterable[Row],
    *,
    written: Callable[[int], object] = lambda _: None,
) -> None:
    """Write rows, in batches.

    Args:
        rows: with the table's columns; made while they are written.
        written: is told how many more are there after each batch.
    """
    for batch in _batches(rows):
        await connection.copy_records_to_table(
            table.name, columns=table.columns, records=batch, timeout=_TIMEOUT_SECONDS
        )
        written(len(batch))


async def analyze(connection: asyncpg.Connection) -> None:
    """Let the planner know the tables as they are now."""
    await connection.execute("ANALYZE", timeout=_TIMEOUT_SECONDS)


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    remaining = iter(rows)
    while batch := list(islice(remaining, _BATCH)):
        yield batch
