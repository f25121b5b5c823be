"""How far members have got: what they have read, and what has reached their devices.

Markers never move back, and never beyond what the room has. The counts that come with them are of
one moment, the statement's: they include the room's events up to `last_seq`, and none after it.

The rooms' logs lock rooms and then update members, in an order of their own. So markers wait for
nobody: a member's row that is locked is left for another time.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import asyncpg

from protocol.ids import Id
from protocol.records import Level, Receipt

# A row that `own` does not have, though it is there, is locked. What `own` has is the row as it is
# now, which may be newer than the rest of the statement sees (r, e): a message of the member's own,
# written a moment ago, has moved read_seq past the r.last_seq seen here. Then nothing is left.
MOVE = """
WITH i AS (
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::boolean[])
        WITH ORDINALITY AS i (room_id, account_id, read_to, delivered_to, anyway, ord)
), own AS (
    SELECT i.*, m.read_seq, m.delivered_seq
    FROM i JOIN room_members m ON m.room_id = i.room_id AND m.account_id = i.account_id
    FOR NO KEY UPDATE OF m SKIP LOCKED
), aim AS (
    SELECT o.*, r.messages, r.member_count,
        greatest(r.last_seq, o.read_seq) AS last_seq,
        greatest(o.read_seq, least(o.read_to, r.last_seq)) AS read_now,
        greatest(o.delivered_seq, o.read_seq, least(o.delivered_to, r.last_seq)) AS delivered_now
    FROM own o JOIN rooms r ON r.id = o.room_id
), moving AS (
    SELECT a.*, e.messages AS read_messages, read_now > read_seq AS has_read,
        delivered_now > greatest(delivered_seq, read_now) AS has_received
    FROM aim a LEFT JOIN room_events e ON e.room_id = a.room_id AND e.seq = a.read_now
), moved AS (
    UPDATE room_members m SET
        read_seq = a.read_now,
        read_messages = CASE WHEN a.has_read THEN a.read_messages ELSE m.read_messages END,
        delivered_seq = a.delivered_now
    FROM moving a
    WHERE m.room_id = a.room_id AND m.account_id = a.account_id AND (a.has_read OR a.has_received)
)
SELECT i.ord, a.last_seq, a.member_count, a.has_read OR a.anyway AS tells_read,
    a.has_received OR a.anyway AS tells_received, a.read_now, a.delivered_now, a.ord IS NULL
        AND EXISTS (
            SELECT FROM room_members m
            WHERE m.room_id = i.room_id AND m.account_id = i.account_id
        ) AS locked,
    CASE WHEN a.has_read OR a.anyway THEN coalesce(a.messages - a.read_messages, 0) - (
        SELECT count(*) FROM room_events d
        WHERE d.room_id = a.room_id AND d.seq > a.read_now AND d.deleted_at IS NOT NULL
    ) END AS unread,
    CASE WHEN a.has_read OR a.anyway THEN (
        SELECT count(*) FROM message_mentions x
        WHERE x.account_id = a.account_id AND x.room_id = a.room_id AND x.seq > a.read_now
    ) END AS mentions
FROM i LEFT JOIN moving a ON a.ord = i.ord
"""

MOVE_ALL = """
WITH i AS (
    SELECT * FROM unnest($1::bigint[], $2::boolean[]) AS i (account_id, anyway)
), own AS (
    SELECT m.room_id, m.account_id, m.read_seq
    FROM i JOIN room_members m ON m.account_id = i.account_id JOIN rooms r ON r.id = m.room_id
    WHERE m.read_seq < r.last_seq OR i.anyway
    FOR NO KEY UPDATE OF m SKIP LOCKED
), moved AS (
    UPDATE room_members m SET read_seq = r.last_seq, read_messages = r.messages
    FROM own o JOIN rooms r ON r.id = o.room_id
    WHERE m.room_id = o.room_id AND m.account_id = o.account_id AND o.read_seq < r.last_seq
)
SELECT m.room_id, m.account_id, r.member_count, greatest(o.read_seq, r.last_seq) AS last_seq,
    o.room_id IS NULL AS locked
FROM i JOIN room_members m ON m.account_id = i.account_id JOIN rooms r ON r.id = m.room_id
LEFT JOIN own o ON o.room_id = m.room_id AND o.account_id = m.account_id
WHERE m.read_seq < r.last_seq OR i.anyway
"""

MEMBERSHIP = """
SELECT r.member_count FROM room_members m JOIN rooms r ON r.id = m.room_id
WHERE m.room_id = $1 AND m.account_id = $2
"""

RECEIPTS = """
SELECT account_id, read_seq, greatest(read_seq, delivered_seq) FROM room_members
WHERE room_id = $1 ORDER BY account_id
"""

# One row, and nothing else in the transaction: it may wait for the log, which cannot wait for it.
SET_LEVEL = """
UPDATE room_members m SET notify = $3
FROM (
    SELECT room_id, account_id, notify FROM room_members
    WHERE room_id = $1 AND account_id = $2 FOR NO KEY UPDATE
) former
WHERE m.room_id = former.room_id AND m.account_id = former.account_id
RETURNING former.notify <> $3
"""


class Mark(NamedTuple):
    """Where a member's markers are to go: 0 leaves one where it is.

    Attributes:
        anyway: the markers are to be told even if they do not move.
    """

    room: Id
    account: Id
    read: int = 0
    delivered: int = 0
    anyway: bool = False


class Moved(NamedTuple):
    """Where a member's markers are now.

    Attributes:
        last_seq: of the room; the counts include what it had up to there.
        members: how many the room has.
        read: the read marker; None: it has not moved.
        unread: messages after it; only with `read`.
        mentions: those of them that mention the account; only with `read`.
        delivered: the delivered marker; None: it has not moved, or not beyond the read marker.
    """

    room: Id
    account: Id
    last_seq: int
    members: int
    read: int | None = None
    unread: int = 0
    mentions: int = 0
    delivered: int | None = None


class Absent(NamedTuple):
    """The account is not a member of the room."""

    room: Id
    account: Id


class Locked(NamedTuple):
    """Somebody else is writing the member's row.

    Attributes:
        last_seq: of the room; 0: not looked up.
    """

    room: Id
    account: Id
    last_seq: int = 0


async def move(
    connection: asyncpg.Connection, marks: Sequence[Mark]
) -> list[Moved | Absent | Locked]:
    """Move markers forward; waits for nobody.

    Args:
        marks: no room and account twice.

    Returns:
        For each mark what became of it, in the same order.
    """
    columns = [list(column) for column in zip(*marks, strict=True)]
    found: dict[int, Moved | Absent | Locked] = {}
    for row in await connection.fetch(MOVE, *columns):
        mark = marks[row["ord"] - 1]
        found[row["ord"] - 1] = _moved(mark, row)
    return [found[index] for index in range(len(marks))]


def _moved(mark: Mark, row: asyncpg.Record) -> Moved | Absent | Locked:
    if row["last_seq"] is None:
        return (Locked if row["locked"] else Absent)(mark.room, mark.account)
    moved = Moved(mark.room, mark.account, row["last_seq"], row["member_count"])
    if row["tells_read"]:
        moved = moved._replace(read=row["read_now"], unread=row["unread"], mentions=row["mentions"])
    if row["tells_received"]:
        moved = moved._replace(delivered=row["delivered_now"])
    return moved


async def move_all(
    connection: asyncpg.Connection, accounts: Sequence[Id], anyway: Collection[Id] = ()
) -> list[Moved | Locked]:
    """Move the read markers of accounts to the ends of all their rooms; waits for nobody.

    Args:
        anyway: those of the accounts whose markers are to be told even if they do not move.

    Returns:
        What moved, and what could not.
    """
    rows = await connection.fetch(MOVE_ALL, accounts, [account in anyway for account in accounts])
    return [
        Locked(Id(row["room_id"]), Id(row["account_id"]), row["last_seq"])
        if row["locked"]
        else Moved(
            Id(row["room_id"]),
            Id(row["account_id"]),
            row["last_seq"],
            row["member_count"],
            read=row["last_seq"],
        )
        for row in rows
    ]


async def members_of_own(connection: asyncpg.Connection, room: Id, account: Id) -> int | None:
    """How many members a room has that an account is a member of; None: it is not."""
    count: int | None = await connection.fetchval(MEMBERSHIP, room, account)
    return count


async def receipts(connection: asyncpg.Connection, room: Id) -> list[Receipt]:
    """How far each member of a room has got."""
    return [
        Receipt(account=Id(account), read_seq=read, delivered_seq=delivered)
        for account, read, delivered in await connection.fetch(RECEIPTS, room)
    ]


async def set_level(
    connection: asyncpg.Connection, room: Id, account: Id, level: Level
) -> bool | None:
    """Set what a member wants to be told of a room.

    Returns:
        Whether it was something else before; None: the account is not a member.
    """
    changed: bool | None = await connection.fetchval(SET_LEVEL, room, account, level.value)
    return changed
