"""Whom an account has blocked, and whom it has muted.

A block of one is for both: neither can write in the pair's dm, for which both memberships are muted
for good. The room's log sees no blocks, only mutes.
"""

from typing import NamedTuple

import asyncpg

from persistence import graph
from protocol.errors import FORBIDDEN, NOT_FOUND, PlazaError
from protocol.ids import Id
from protocol.records import User


class Standing(NamedTuple):
    """How an account stands to others.

    Attributes:
        busy, hidden: as set with `presence`.
        blocked, muted: accounts.
    """

    busy: bool = False
    hidden: bool = False
    blocked: tuple[Id, ...] = ()
    muted: tuple[Id, ...] = ()


# For a statement that reads sessions `s` with their accounts `a`, and a row for each room `r`. The
# lists come once, with a session's first row: they are hundreds of ids, at worst.
STANDING = """
    a.busy, a.hidden,
    CASE WHEN row_number() OVER (PARTITION BY s.id ORDER BY r.id) = 1 THEN ARRAY(
        SELECT other_id FROM account_blocks WHERE account_id = a.id ORDER BY other_id
    ) END AS blocked,
    CASE WHEN row_number() OVER (PARTITION BY s.id ORDER BY r.id) = 1 THEN ARRAY(
        SELECT other_id FROM account_mutes WHERE account_id = a.id ORDER BY other_id
    ) END AS muted
"""


def standing_of(row: asyncpg.Record) -> Standing:
    """Read the first row of a statement with the columns STANDING."""
    return Standing(
        row["busy"],
        row["hidden"],
        tuple(Id(account) for account in row["blocked"]),
        tuple(Id(account) for account in row["muted"]),
    )


# A block and the creation of the pair's dm would not see each other: neither row is there yet.
LOCK_PAIR = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"

IS_BLOCKED = """
SELECT EXISTS (
    SELECT FROM account_blocks
    WHERE (account_id, other_id) = ($1, $2) OR (account_id, other_id) = ($2, $1)
)
"""


async def lock_pair(connection: asyncpg.Connection, one: Id, other: Id) -> None:
    """Wait for everybody who blocks within a pair, or opens its dm; keep others from it.

    In a transaction, and before any room is locked.
    """
    await connection.execute(LOCK_PAIR, f"pair {min(one, other)} {max(one, other)}")


async def is_blocked(connection: asyncpg.Connection, one: Id, other: Id) -> bool:
    """Whether one of two accounts has blocked the other."""
    blocked: bool = await connection.fetchval(IS_BLOCKED, one, other)
    return blocked


# --- blocks and mutes ------------------------------------------------------------------------

# {} is the table.
ADD = """
INSERT INTO {} (account_id, other_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true
"""
REMOVE = "DELETE FROM {} WHERE account_id = $1 AND other_id = $2 RETURNING true"
COUNT = "SELECT count(*) FROM {} WHERE account_id = $1"
LIST = """
SELECT a.id, a.username FROM {} x JOIN accounts a ON a.id = x.other_id
WHERE x.account_id = $1 AND x.other_id > $2 ORDER BY x.other_id LIMIT $3
"""
BLOCKS, MUTES = "account_blocks", "account_mutes"

# The log locks a room before its members, so this does.
LOCK_DM = "SELECT id FROM rooms WHERE (dm_low, dm_high) = ($1, $2) FOR UPDATE"
SILENCE_DM = """
UPDATE room_members SET muted_until = CASE WHEN $2 THEN 'infinity'::timestamptz END
WHERE room_id = $1
"""

RELATION = """
SELECT EXISTS (SELECT FROM account_blocks WHERE (account_id, other_id) = ($1, $2)) AS blocked,
    EXISTS (SELECT FROM account_mutes WHERE (account_id, other_id) = ($1, $2)) AS muted
"""


class Relation(NamedTuple):
    """What one account thinks of another. `changed`: not what it thought before."""

    blocked: bool
    muted: bool
    changed: bool


async def block(connection: asyncpg.Connection, account: Id, other: Id, *, limit: int) -> Relation:
    """Let an account block another one; neither follows the other any more. In a transaction.

    Args:
        limit: how many it may block; 0: any number.

    Raises:
        PlazaError: not_found, forbidden.
    """
    await lock_pair(connection, account, other)
    changed = await _add(connection, BLOCKS, account, other, limit)
    if changed:
        await _silence_dm(connection, account, other, silent=True)
        await graph.sever(connection, account, other)
    return await _relation(connection, account, other, changed)


async def unblock(connection: asyncpg.Connection, account: Id, other: Id) -> Relation:
    """Let an account block another one no longer. In a transaction."""
    await lock_pair(connection, account, other)
    changed = await _remove(connection, BLOCKS, account, other)
    if changed and not await is_blocked(connection, account, other):
        await _silence_dm(connection, account, other, silent=False)
    return await _relation(connection, account, other, changed)


async def mute(connection: asyncpg.Connection, account: Id, other: Id, *, limit: int) -> Relation:
    """Let an account mute another one; arguments and exceptions are those of `block`."""
    changed = await _add(connection, MUTES, account, other, limit)
    return await _relation(connection, account, other, changed)


async def unmute(connection: asyncpg.Connection, account: Id, other: Id) -> Relation:
    """Let an account mute another one no longer."""
    changed = await _remove(connection, MUTES, account, other)
    return await _relation(connection, account, other, changed)


async def blocks(
    connection: asyncpg.Connection, account: Id, *, after: int, limit: int
) -> list[User]:
    """Whom an account has blocked, of ids above `after`."""
    return await _listed(connection, BLOCKS, account, after, limit)


async def mutes(
    connection: asyncpg.Connection, account: Id, *, after: int, limit: int
) -> list[User]:
    """Whom an account has muted, of ids above `after`."""
    return await _listed(connection, MUTES, account, after, limit)


async def _add(
    connection: asyncpg.Connection, table: str, account: Id, other: Id, limit: int
) -> bool:
    try:
        added = await connection.fetchval(ADD.format(table), account, other)
    except asyncpg.ForeignKeyViolationError:
        raise PlazaError(NOT_FOUND, "There is no such account.") from None
    if added and limit and await connection.fetchval(COUNT.format(table), account) > limit:
        raise PlazaError(FORBIDDEN, f"The list is full, with {limit} accounts. Remove one first.")
    return bool(added)


async def _remove(connection: asyncpg.Connection, table: str, account: Id, other: Id) -> bool:
    return bool(await connection.fetchval(REMOVE.format(table), account, other))


async def _silence_dm(
    connection: asyncpg.Connection, account: Id, other: Id, *, silent: bool
) -> None:
    room = await connection.fetchval(LOCK_DM, min(account, other), max(account, other))
    if room is not None:
        await connection.execute(SILENCE_DM, room, silent)


async def _relation(
    connection: asyncpg.Connection, account: Id, other: Id, changed: bool
) -> Relation:
    row = await connection.fetchrow(RELATION, account, other)
    assert row is not None
    return Relation(row["blocked"], row["muted"], changed)


async def _listed(
    connection: asyncpg.Connection, table: str, account: Id, after: int, limit: int
) -> list[User]:
    rows = await connection.fetch(LIST.format(table), account, after, limit)
    return [User(id=Id(row["id"]), username=row["username"]) for row in rows]
