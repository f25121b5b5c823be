"""The parts of the table of posts: one for each month, by the time that is in the ids.

A month's part is made ahead. Posts of a month that has none go to `posts_rest`; they are moved when
the part is made, and nothing that refers to them notices.
"""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

import asyncpg

from protocol.ids import EPOCH_MS, Id, first_id_at

# Of pg_advisory_xact_lock; any number that nobody else uses.
_LOCK_KEY = 0x706F737473  # "posts"

# Whoever reads or writes posts waits behind us while we wait for whoever does: so for a moment, and
# then again.
_LOCK_TIMEOUT = "2s"
_ATTEMPTS = 20
_PAUSE_SECONDS = 0.5

# Far above a pool's command_timeout, for many posts to move.
_TIMEOUT_SECONDS = 3600.0


class Month(NamedTuple):
    """A calendar month, in UTC."""

    year: int
    month: int

    @classmethod
    def of(cls, milliseconds: int) -> "Month":
        """The month that a Unix time in milliseconds is in."""
        at = datetime.fromtimestamp(max(milliseconds, EPOCH_MS) / 1000, UTC)
        return cls(at.year, at.month)

    def next(self, months: int = 1) -> "Month":
        """The month so many later."""
        years, month = divmod(self.month - 1 + months, 12)
        return Month(self.year + years, month + 1)

    @property
    def table(self) -> str:
        """The name of its part."""
        return f"posts_{self.year:04}_{self.month:02}"

    @property
    def first_id(self) -> Id:
        """The least id that is in it."""
        return first_id_at(int(datetime(self.year, self.month, 1, tzinfo=UTC).timestamp()) * 1000)


async def ensure(connection: asyncpg.Connection, now_ms: int, *, ahead: int = 3) -> list[str]:
    """Make the parts of this month and of so many after it, where they are missing.

    Any number of processes may do this at once, while others read and write posts.

    Args:
        connection: outside a transaction; of a role that may create tables, if one is missing.
        now_ms: Unix time in milliseconds.

    Returns:
        The names of the tables made now.

    Raises:
        asyncpg.PostgresError: it cannot be done. Posts go to `posts_rest` then.
    """
    this = Month.of(now_ms)
    return await _make(connection, [this.next(months) for months in range(ahead + 1)])


async def ensure_between(connection: asyncpg.Connection, from_ms: int, to_ms: int) -> list[str]:
    """Make the parts of all months from that of one time to that of another, as `ensure` does."""
    months, last = [Month.of(from_ms)], Month.of(to_ms)
    while months[-1] < last:
        months.append(months[-1].next())
    return await _make(connection, months)


PARTS = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'posts'::regclass
"""

# A month for which no part was made in time. Of `posts_rest` there is nothing to read, usually.
MONTHS_IN_REST = """
SELECT DISTINCT extract(year FROM at)::integer, extract(month FROM at)::integer
FROM (
    SELECT to_timestamp(((id >> 22) + $1) / 1000) AT TIME ZONE 'UTC' AS at FROM posts_rest
) AS posts
"""


async def _make(connection: asyncpg.Connection, months: Iterable[Month]) -> list[str]:
    rest = await connection.fetch(MONTHS_IN_REST, EPOCH_MS, timeout=_TIMEOUT_SECONDS)
    made = []
    # Oldest first: where it ends early, the months that are used are there.
    for month in sorted({*months, *(Month(*row) for row in rest)}):
        # Looked up without a lock first: nearly always it is there.
        if not await _exists(connection, month) and await _make_one(connection, month):
            made.append(month.table)
    await _confirm(connection)
    return made


async def _exists(connection: asyncpg.Connection, month: Month) -> bool:
    return month.table in {row["relname"] for row in await connection.fetch(PARTS)}


async def _make_one(connection: asyncpg.Connection, month: Month) -> bool:
    """Make a month's part, unless another process has. Whoever is in the way is waited for."""
    for attempt in range(_ATTEMPTS):
        try:
            async with connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK_KEY)
                if await _exists(connection, month):
                    return False
                await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
                await _split_off(connection, month)
                return True
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            if attempt == _ATTEMPTS - 1:
                raise
        await asyncio.sleep(_PAUSE_SECONDS)
    return False


# Made apart and attached, which lets others read and write the other parts meanwhile.
CREATE = "CREATE TABLE {table} (LIKE posts INCLUDING ALL)"
ATTACH = "ALTER TABLE posts ATTACH PARTITION {table} FOR VALUES FROM ({first}) TO ({last})"

IS_IN_REST = "SELECT EXISTS (SELECT FROM posts_rest WHERE id >= $1 AND id < $2)"


async def _split_off(connection: asyncpg.Connection, month: Month) -> None:
    first, last = month.first_id, month.next().first_id
    await connection.execute(CREATE.format(table=month.table))
    # Nobody may add any, from this question on.
    await connection.execute("LOCK TABLE ONLY posts_rest IN ACCESS EXCLUSIVE MODE")
    attach = ATTACH.format(table=month.table, first=first, last=last)
    if await connection.fetchval(IS_IN_REST, first, last):
        await _attach_with_posts(connection, month, attach)
    else:
        await connection.execute(attach)


# What refers to posts: (table, name, definition). Not what Postgres has made of it for each part.
REFERENCES = """
SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid)
FROM pg_constraint
WHERE confrelid = 'posts'::regclass AND contype = 'f' AND conparentid = 0
"""

MOVE = """
WITH moved AS (DELETE FROM posts_rest WHERE id >= {first} AND id < {last} RETURNING *)
INSERT INTO {table} SELECT * FROM moved
"""


async def _attach_with_posts(connection: asyncpg.Connection, month: Month, attach: str) -> None:
    """Move a month's posts out of `posts_rest`, and make their new table a part.

    Postgres attaches no part whose rows another part has, deletes what refers to a row with the
    row, and cannot put that off. So nothing refers to posts for as long as this takes, and nobody
    sees it: all are locked out. Afterwards the references are there again, unconfirmed.
    """
    references = await connection.fetch(REFERENCES)
    tables = ", ".join(sorted({"posts", *(row[0] for row in references)}))
    await connection.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
    for table, name, _ in references:
        await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    move = MOVE.format(table=month.table, first=month.first_id, last=month.next().first_id)
    await connection.execute(move, timeout=_TIMEOUT_SECONDS)
    await connection.execute(attach, timeout=_TIMEOUT_SECONDS)
    for table, name, definition in references:
        same = definition.removesuffix(" NOT VALID")
        await connection.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {same} NOT VALID")


UNCONFIRMED = """
SELECT conrelid::regclass::text, quote_ident(conname)
FROM pg_constraint
WHERE confrelid = 'posts'::regclass AND contype = 'f' AND conparentid = 0 AND NOT convalidated
"""


async def _confirm(connection: asyncpg.Connection) -> None:
    """Have what `_attach_with_posts` left unconfirmed checked, while others go on."""
    for table, name in await connection.fetch(UNCONFIRMED):
        await connection.execute(
            f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}", timeout=_TIMEOUT_SECONDS
        )
