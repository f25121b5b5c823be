"""What the admins of a room have arranged: who is banned, what is pinned."""

from datetime import datetime

import asyncpg

from persistence.event_rows import COLUMNS, event_of
from protocol.events import Message
from protocol.ids import Id
from protocol.records import Ban
from protocol.times import rfc3339

BANS = """
SELECT b.account_id, a.username, b.banned_by, b.at, b.until
FROM room_bans b JOIN accounts a ON a.id = b.account_id
WHERE b.room_id = $1 AND b.account_id > $2 AND (b.until > $3) IS NOT FALSE
ORDER BY b.account_id LIMIT $4
"""

PINS = f"""
SELECT {COLUMNS}
FROM room_pins p JOIN room_events e ON e.room_id = p.room_id AND e.seq = p.seq
WHERE p.room_id = $1 ORDER BY p.at DESC, p.seq DESC
"""


async def bans(
    connection: asyncpg.Connection, room_id: Id, *, now: datetime, after: int, limit: int
) -> list[Ban]:
    """Those who are banned from a room, of account ids above `after`."""
    return [
        Ban(
            account=Id(row["account_id"]),
            username=row["username"],
            by=Id(row["banned_by"]),
            at=rfc3339(row["at"]),
            until=rfc3339(row["until"]) if row["until"] else None,
        )
        for row in await connection.fetch(BANS, room_id, after, now, limit)
    ]


async def pins(connection: asyncpg.Connection, room_id: Id) -> list[Message]:
    """The pinned messages of a room, the last one pinned first. There are few: see may_pin."""
    found = []
    for row in await connection.fetch(PINS, room_id):
        message = event_of(row)
        assert isinstance(message, Message)
        found.append(message)
    return found
