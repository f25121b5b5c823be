"""Timelines are kept short, and those that nobody looks at are dropped; so are old rankings."""

from datetime import datetime

import asyncpg

from protocol.ids import Id

LOCK_SOME = """
SELECT account_id FROM timelines WHERE account_id > $1 ORDER BY account_id LIMIT $2
FOR NO KEY UPDATE
"""

# The statement's snapshot is younger than the locks, so nobody fills below a floor that it raises.
# What is delivered meanwhile below the new floor is not read, and goes the next time.
TRIM = """
WITH line AS MATERIALIZED (
    SELECT owner.id, (
        SELECT e.position FROM timeline_entries e WHERE e.account_id = owner.id
        ORDER BY e.position DESC OFFSET $2 - 1 LIMIT 1
    ) AS position
    FROM unnest($1::bigint[]) AS owner (id)
), gone AS (
    DELETE FROM timeline_entries e USING line
    WHERE e.account_id = line.id AND e.position < line.position
)
UPDATE timelines t SET floor = line.position
FROM line WHERE t.account_id = line.id AND t.floor < line.position
"""

# Those whose owners have looked at them again are left alone: the condition is asked again when the
# row is locked.
DROP_SOME = """
DELETE FROM timelines WHERE account_id IN (
    SELECT account_id FROM timelines WHERE active_at < $1 ORDER BY account_id LIMIT $2
    FOR UPDATE SKIP LOCKED
)
RETURNING account_id
"""
DROP_ENTRIES = "DELETE FROM timeline_entries WHERE account_id = ANY($1::bigint[])"

# Delivered at the very moment in which the timeline was dropped.
DROP_STRAY = """
DELETE FROM timeline_entries e
WHERE NOT EXISTS (SELECT FROM timelines t WHERE t.account_id = e.account_id)
"""

FORGET_RANKINGS = "DELETE FROM feed_rankings WHERE id < $1"


async def trim(
    connection: asyncpg.Connection, *, after: int, timelines: int, entries: int
) -> int | None:
    """Keep the newest entries of some timelines. In a transaction.

    Args:
        after: begins with the account after this one.
        timelines: how many at once.
        entries: kept of each.

    Returns:
        The last account of these; None: there are no more.
    """
    rows = await connection.fetch(LOCK_SOME, after, timelines)
    owners = [row["account_id"] for row in rows]
    await connection.execute(TRIM, owners, entries)
    return owners[-1] if len(owners) == timelines else None


async def drop(connection: asyncpg.Connection, *, inactive_since: datetime, timelines: int) -> bool:
    """Drop some timelines at which nobody has looked since then. In a transaction.

    Returns:
        Whether there may be more of them.
    """
    rows = await connection.fetch(DROP_SOME, inactive_since, timelines)
    await connection.execute(DROP_ENTRIES, [row["account_id"] for row in rows])
    return len(rows) == timelines


async def drop_stray_entries(connection: asyncpg.Connection) -> None:
    """Delete entries of timelines that are not there."""
    await connection.execute(DROP_STRAY)


async def forget_rankings(connection: asyncpg.Connection, *, before: Id) -> None:
    """Delete rankings that were made before an id was minted."""
    await connection.execute(FORGET_RANKINGS, before)
