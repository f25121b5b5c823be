"""What is kept of presence: the user's settings, and when somebody was here last."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

import asyncpg

from protocol.ids import Id


class Settings(NamedTuple):
    """As set with `presence`. `changed`: they were others before."""

    busy: bool
    hidden: bool
    changed: bool = False


SETTINGS = "SELECT busy, hidden FROM accounts WHERE id = $1"

SET = """
UPDATE accounts a SET busy = coalesce($2, a.busy), hidden = coalesce($3, a.hidden)
FROM (SELECT id, busy, hidden FROM accounts WHERE id = $1 FOR NO KEY UPDATE) former
WHERE a.id = former.id
RETURNING a.busy, a.hidden, (a.busy, a.hidden) <> (former.busy, former.hidden) AS changed
"""

# When others were here last, as far as $1 may know.
LAST_SEEN = """
SELECT a.id, CASE WHEN NOT a.hidden AND NOT EXISTS (
    SELECT FROM account_blocks b WHERE (b.account_id, b.other_id) = (a.id, $1)
) THEN a.last_seen_at END AS last_seen_at
FROM accounts a WHERE a.id = ANY($2::bigint[])
"""

# Locked in the order of ids, so that two processes never wait for each other in a circle.
SAVE_LAST_SEEN = """
WITH due AS (
    SELECT a.id, i.at FROM unnest($1::bigint[], $2::timestamptz[]) AS i (id, at)
    JOIN accounts a ON a.id = i.id
    WHERE (a.last_seen_at >= i.at) IS NOT TRUE
    ORDER BY a.id FOR NO KEY UPDATE OF a
)
UPDATE accounts a SET last_seen_at = due.at FROM due WHERE a.id = due.id
"""


async def settings(connection: asyncpg.Connection, account: Id) -> Settings:
    """An account's settings."""
    row = await connection.fetchrow(SETTINGS, account)
    assert row is not None
    return Settings(**row)


async def set_settings(
    connection: asyncpg.Connection, account: Id, *, busy: bool | None, hidden: bool | None
) -> Settings:
    """Change an account's settings; None leaves one as it is."""
    row = await connection.fetchrow(SET, account, busy, hidden)
    assert row is not None
    return Settings(**row)


async def last_seen(
    connection: asyncpg.Connection, viewer: Id, accounts: Collection[Id]
) -> dict[Id, datetime | None]:
    """When accounts were here last, as far as `viewer` may know. Those that do not exist lack."""
    rows = await connection.fetch(LAST_SEEN, viewer, list(accounts))
    return {Id(row["id"]): row["last_seen_at"] for row in rows}


async def save_last_seen(connection: asyncpg.Connection, moments: Mapping[Id, datetime]) -> None:
    """Note when accounts were here last. Earlier moments than the noted ones are ignored."""
    await connection.execute(SAVE_LAST_SEEN, list(moments), list(moments.values()))
