"""What an account has left in the rooms' logs: its messages go, its events lose its name.

Nothing is taken out, so that a log has no holes: messages become tombstones, and NOBODY stands
where the account stood.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import asyncpg

from protocol.ids import NOBODY, Id

_COLUMNS = "room_id, seq, event_id, type, target, body, deleted_at"

OWN = f"""
(SELECT {_COLUMNS} FROM room_events WHERE sender_id = $1 AND nonce IS NOT NULL LIMIT $2)
UNION ALL
(SELECT {_COLUMNS} FROM room_events WHERE sender_id = $1 AND nonce IS NULL LIMIT $2)
"""

# The indexer first: what it has read, it has written before we go on.
LOCK_INDEX = """
SELECT FROM message_search_progress WHERE room_id = ANY($1::bigint[]) ORDER BY room_id FOR UPDATE
"""
LOCK_ROOMS = "SELECT FROM rooms WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE"

# As a deletion does one by one: room_effects.py. $1, $2: messages that stand. $3: the time.
BURY = """
WITH i AS (SELECT * FROM unnest($1::bigint[], $2::bigint[]) AS i (room_id, seq)),
reactions AS (
    DELETE FROM message_reactions r USING i WHERE (r.room_id, r.seq) = (i.room_id, i.seq)
), mentions AS (
    DELETE FROM message_mentions x USING i WHERE (x.room_id, x.seq) = (i.room_id, i.seq)
), pins AS (
    DELETE FROM room_pins p USING i WHERE (p.room_id, p.seq) = (i.room_id, i.seq)
), threads AS (
    UPDATE room_threads t SET replies = t.replies - gone.replies
    FROM (
        SELECT e.room_id, e.thread, count(*) AS replies
        FROM i JOIN room_events e USING (room_id, seq)
        WHERE e.thread IS NOT NULL GROUP BY e.room_id, e.thread
    ) gone
    WHERE (t.room_id, t.root) = (gone.room_id, gone.thread)
), found AS (
    DELETE FROM message_search s USING i WHERE (s.room_id, s.seq) = (i.room_id, i.seq)
)
UPDATE room_events e SET deleted_at = $3 FROM i WHERE (e.room_id, e.seq) = (i.room_id, i.seq)
"""

UNREACT = """
DELETE FROM message_reactions r
USING unnest($1::bigint[], $2::bigint[], $3::text[]) AS i (room_id, seq, emoji)
WHERE (r.room_id, r.seq, r.emoji, r.account_id) = (i.room_id, i.seq, i.emoji, $4)
"""

UNUSE = "DELETE FROM upload_uses WHERE used_by = ANY($1::bigint[]) AND purpose = 'message'"

# Names in details are strings of digits between quotes. Those of attachments are somebody's words.
_UNNAMED = f"""nullif(
    replace((details - 'attachments')::text, '"' || $3 || '"', '"{NOBODY}"')::jsonb
    || CASE WHEN details ? 'attachments'
        THEN jsonb_build_object('attachments', details -> 'attachments') ELSE '{{}}' END,
    '{{}}'
)"""

DISOWN = f"""
UPDATE room_events SET sender_id = {NOBODY}, nonce = NULL, edited_at = NULL,
    body = CASE WHEN type IN ('message', 'edit') THEN NULL ELSE body END,
    details = CASE WHEN type IN ('message', 'edit') THEN NULL ELSE {_UNNAMED} END
FROM unnest($1::bigint[], $2::bigint[]) AS i (room, number)
WHERE room_id = i.room AND seq = i.number
"""

# In the order of the primary key, so many at a time: there is no index on who is named.
NAMING = """
SELECT room_id, seq, coalesce(details::text LIKE '%"' || $1 || '"%', false) AS names
FROM room_events WHERE (room_id, seq) > ($2, $3) ORDER BY room_id, seq LIMIT $4
"""
SUMMED_UP = f"""
SELECT coalesce(array_agg(room_id) FILTER (WHERE names), '{{}}') AS rooms,
    coalesce(array_agg(seq) FILTER (WHERE names), '{{}}') AS seqs,
    (array_agg(room_id ORDER BY room_id DESC, seq DESC))[1] AS last_room,
    (array_agg(seq ORDER BY room_id DESC, seq DESC))[1] AS last_seq
FROM ({NAMING}) n
"""
UNNAME = f"""
UPDATE room_events SET details = {_UNNAMED}
FROM unnest($1::bigint[], $2::bigint[]) AS i (room, number)
WHERE room_id = i.room AND seq = i.number
"""


class LogPlace(NamedTuple):
    """A place in the logs of all rooms, in the order of rooms."""

    room: Id = Id(0)
    seq: int = 0


async def disown(
    connection: asyncpg.Connection, account: Id, *, at: datetime, limit: int
) -> set[Id]:
    """Take back some of what an account has written, in a transaction.

    Args:
        at: now.

    Returns:
        The rooms whose logs are different now; none: nothing is left.
    """
    rows = await connection.fetch(OWN, account, limit)
    if not rows:
        return set()
    rooms = sorted({row["room_id"] for row in rows})
    await connection.fetch(LOCK_INDEX, rooms)
    await connection.fetch(LOCK_ROOMS, rooms)
    # Deleted by an admin meanwhile, or not: asked again under the lock.
    rows = [row for row in await connection.fetch(OWN, account, limit) if row["room_id"] in rooms]
    messages = [row for row in rows if row["type"] == "message"]
    standing = [row for row in messages if row["deleted_at"] is None]
    reactions = [row for row in rows if row["type"] == "react"]
    await connection.execute(BURY, *_keys(standing), at)
    await connection.execute(
        UNREACT,
        [row["room_id"] for row in reactions],
        [row["target"] for row in reactions],
        [row["body"] for row in reactions],
        account,
    )
    await connection.execute(UNUSE, [row["event_id"] for row in messages])
    await connection.execute(DISOWN, *_keys(rows), str(account))
    return {Id(row["room_id"]) for row in rows}


async def unname(
    connection: asyncpg.Connection, account: Id, after: LogPlace, *, limit: int
) -> tuple[set[Id], LogPlace | None]:
    """Put NOBODY where events of others name an account, from a place in the logs on.

    Args:
        limit: how many events are looked at.

    Returns:
        The rooms whose logs are different now, and where to go on; None: it was the end.
    """
    row = await connection.fetchrow(SUMMED_UP, str(account), *after, limit)
    assert row is not None
    if row["rooms"]:
        await connection.execute(UNNAME, row["rooms"], row["seqs"], str(account))
    changed = {Id(room) for room in row["rooms"]}
    if row["last_room"] is None:
        return changed, None
    return changed, LogPlace(Id(row["last_room"]), row["last_seq"])


def _keys(rows: Sequence[asyncpg.Record]) -> tuple[list[int], list[int]]:
    return [row["room_id"] for row in rows], [row["seq"] for row in rows]
