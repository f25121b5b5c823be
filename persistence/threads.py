"""Threads: a message and its replies, and theirs, as pages of a room's log."""

import asyncpg

from persistence.event_rows import COLUMNS, event_of
from protocol.events import AnyRoomEvent
from protocol.ids import Id

ROOT = """
SELECT coalesce(thread, seq) FROM room_events WHERE room_id = $1 AND seq = $2 AND type = 'message'
"""

_PAGE = f"""
SELECT {COLUMNS}
FROM (
    SELECT seq FROM room_events WHERE room_id = $1 AND seq = $2 AND seq {{bound}} $3
    UNION ALL
    (SELECT seq FROM room_events WHERE room_id = $1 AND thread = $2 AND seq {{bound}} $3
        AND type = 'message' ORDER BY seq {{order}} LIMIT $4)
) page
JOIN room_events e ON e.room_id = $1 AND e.seq = page.seq
ORDER BY e.seq {{order}} LIMIT $4
"""
BEFORE = _PAGE.format(bound="<", order="DESC")
AFTER = _PAGE.format(bound=">", order="ASC")


async def root_of(connection: asyncpg.Connection, room_id: Id, seq: int) -> int | None:
    """The first message of the thread that a message is in, be it itself; None: no message."""
    root: int | None = await connection.fetchval(ROOT, room_id, seq)
    return root


async def events_before(
    connection: asyncpg.Connection, room_id: Id, root: int, seq: int, limit: int
) -> list[AnyRoomEvent]:
    """The last messages of a thread before a seq, in ascending order."""
    rows = await connection.fetch(BEFORE, room_id, root, seq, limit)
    return [event_of(row) for row in reversed(rows)]


async def events_after(
    connection: asyncpg.Connection, room_id: Id, root: int, seq: int, limit: int
) -> list[AnyRoomEvent]:
    """The first messages of a thread after a seq."""
    return [event_of(row) for row in await connection.fetch(AFTER, room_id, root, seq, limit)]
