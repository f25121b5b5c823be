"""Rooms as their members see them: creation, lists, members, and pages of the log."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg

from persistence.event_rows import COLUMNS, event_of, row_of
from persistence.stream_visibility import chat_hidden
from protocol.errors import NONCE_CONFLICT, NOT_FOUND, PlazaError
from protocol.events import AnyRoomEvent, Created
from protocol.ids import Id
from protocol.records import Level, Member, Role, Room, RoomKind, User
from protocol.times import rfc3339

# A room from one account's side: for a statement that joins room_members `m` and PEER `p`. For a dm
# the other account is its peer (one's own in a dm with oneself). Most rooms of most people are read
# to the end: those take no counting.
SEEN = """
    r.id, r.kind, r.title, r.last_seq, r.member_count, r.slow_seconds, m.role, m.read_seq, m.notify,
    CASE WHEN m.muted_until = 'infinity' THEN '9999-12-31 23:59:59.999+00'::timestamptz
        WHEN m.muted_until > now() THEN m.muted_until END AS muted_until,
    CASE WHEN r.last_seq > m.read_seq THEN r.messages - m.read_messages - (
        SELECT count(*) FROM room_events d
        WHERE d.room_id = r.id AND d.seq > m.read_seq AND d.deleted_at IS NOT NULL
    ) ELSE 0 END AS unread,
    CASE WHEN r.last_seq > m.read_seq THEN (
        SELECT count(*) FROM message_mentions x
        WHERE x.account_id = m.account_id AND x.room_id = r.id AND x.seq > m.read_seq
    ) ELSE 0 END AS mentions,
    p.id AS peer_id, p.username AS peer_name
"""
PEER = "LEFT JOIN accounts p ON p.id = CASE WHEN r.dm_low = {} THEN r.dm_high ELSE r.dm_low END"
_PEER = PEER.format("$1")

ROOMS_OF = f"""
SELECT {SEEN} FROM room_members m JOIN rooms r ON r.id = m.room_id {_PEER}
WHERE m.account_id = $1 ORDER BY r.id
"""

# The chat of a stream is there for those who may see the stream, and who are in it.
ROOM = f"""
SELECT {SEEN}
FROM rooms r
LEFT JOIN room_members m ON m.room_id = r.id AND m.account_id = $1
{_PEER}
WHERE r.id = $2 AND (m.account_id IS NOT NULL OR NOT {chat_hidden("r.id", "$1")})
"""

# Chats of streams are found by their streams.
CHANNELS = f"""
SELECT {SEEN}
FROM rooms r
LEFT JOIN room_members m ON m.room_id = r.id AND m.account_id = $1
{_PEER}
WHERE r.kind = 'channel' AND r.id > $2
    AND NOT EXISTS (SELECT FROM streams s WHERE s.room_id = r.id)
ORDER BY r.id LIMIT $3
"""

MEMBERS = """
SELECT m.account_id, a.username, m.role, m.joined_at,
    CASE WHEN m.muted_until = 'infinity' THEN '9999-12-31 23:59:59.999+00'::timestamptz
        WHEN m.muted_until > now() THEN m.muted_until END AS muted_until
FROM room_members m JOIN accounts a ON a.id = m.account_id
WHERE m.room_id = $1 AND m.account_id > $2 ORDER BY m.account_id LIMIT $3
"""


def room_of(row: asyncpg.Record) -> Room:
    """The room of a row that was selected with SEEN."""
    # Of a dm whose other account is deleted there is no peer.
    has_peer = row["kind"] == RoomKind.DM and row["peer_id"] is not None
    return Room(
        id=Id(row["id"]),
        kind=RoomKind(row["kind"]),
        title=row["title"],
        last_seq=row["last_seq"],
        role=Role(row["role"]) if row["role"] else None,
        peer=User(id=Id(row["peer_id"]), username=row["peer_name"]) if has_peer else None,
        members=row["member_count"],
        read_seq=row["read_seq"] or 0,
        unread=row["unread"],
        mentions=row["mentions"],
        notify=Level(row["notify"]) if row["role"] else Level.ALL,
        slow_mode=row["slow_seconds"],
        muted_until=rfc3339(row["muted_until"]) if row["muted_until"] else None,
    )


async def rooms_of(connection: asyncpg.Connection, account: Id) -> list[Room]:
    """The rooms that an account is a member of."""
    return [room_of(row) for row in await connection.fetch(ROOMS_OF, account)]


async def room(connection: asyncpg.Connection, account: Id, room_id: Id) -> Room | None:
    """A room as an account sees it, member or not; None: there is no such room."""
    row = await connection.fetchrow(ROOM, account, room_id)
    return None if row is None else room_of(row)


async def channels(
    connection: asyncpg.Connection, account: Id, *, after: int, limit: int
) -> list[Room]:
    """The public rooms with an id above `after`, as an account sees them."""
    return [room_of(row) for row in await connection.fetch(CHANNELS, account, after, limit)]


async def members(
    connection: asyncpg.Connection, room_id: Id, *, after: int, limit: int
) -> list[Member]:
    """The members of a room whose account id is above `after`."""
    return [
        Member(
            account=Id(row["account_id"]),
            username=row["username"],
            role=Role(row["role"]),
            joined_at=rfc3339(row["joined_at"]),
            muted_until=rfc3339(row["muted_until"]) if row["muted_until"] else None,
        )
        for row in await connection.fetch(MEMBERS, room_id, after, limit)
    ]


# --- creation --------------------------------------------------------------------------------

CREATE_ROOM = """
INSERT INTO rooms
    (id, kind, title, last_seq, dm_low, dm_high, creator_id, creation_key, created_at, member_count)
VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8, $9)
ON CONFLICT DO NOTHING
RETURNING id
"""

# What a creation collided with: the pair's dm, or the room that the same key made.
EXISTING = """
SELECT id, kind, dm_low, dm_high FROM rooms
WHERE (dm_low, dm_high) = ($1, $2) OR (creator_id = $3 AND creation_key = $4)
ORDER BY (dm_low, dm_high) = ($1, $2) DESC NULLS LAST
LIMIT 1
"""

ADD_MEMBERS = """
INSERT INTO room_members (room_id, account_id, role, joined_at, read_seq, delivered_seq)
SELECT $1, i.account_id, i.role, $4, 1, 1
FROM unnest($2::bigint[], $3::text[]) AS i (account_id, role)
"""

FIRST_EVENT = """
INSERT INTO room_events (room_id, seq, event_id, type, sender_id, at, body, details)
VALUES ($1, 1, $2, $3, $4, $5, $6, $7)
"""

KNOWN_ACCOUNTS = "SELECT id FROM accounts WHERE id = ANY($1::bigint[])"


async def create(
    connection: asyncpg.Connection, event: Created, *, at: datetime, key: str | None
) -> tuple[Id, bool]:
    """Create a room with its first members and the first entry of its log, in a transaction.

    Args:
        event: with room and event_id set; its sender is the creator.
        key: a second creation with it by the same creator makes nothing new.

    Returns:
        The room's id, and whether it is new.

    Raises:
        PlazaError: not_found, when one of the members is no account; nonce_conflict, when the key
            made a room of another kind or pair.
    """
    low, high = _pair(event) if event.kind is RoomKind.DM else (None, None)
    async with connection.transaction():
        known = {row["id"] for row in await connection.fetch(KNOWN_ACCOUNTS, list(event.members))}
        if missing := [str(account) for account in event.members if account not in known]:
            raise PlazaError(NOT_FOUND, f"There is no account with the id {missing[0]}.")
        created = await connection.fetchval(
            CREATE_ROOM,
            *(event.room, event.kind.value, event.title, low, high, event.sender, key, at),
            len(event.members),
        )
        if created is None:
            found = await connection.fetchrow(EXISTING, low, high, event.sender, key)
            assert found is not None
            if (found["kind"], found["dm_low"], found["dm_high"]) != (event.kind, low, high):
                raise PlazaError(NONCE_CONFLICT)
            return Id(found["id"]), False
        accounts, roles = list(event.members), [role.value for role in event.members.values()]
        await connection.execute(ADD_MEMBERS, event.room, accounts, roles, at)
        row = row_of(event)
        await connection.execute(
            FIRST_EVENT,
            *(event.room, event.event_id, row.type, event.sender, at, row.body, row.details),
        )
    return event.room, True


def _pair(event: Created) -> tuple[int, int]:
    accounts = sorted(event.members)
    return accounts[0], accounts[-1]


# --- pages of the log ------------------------------------------------------------------------

BEFORE = f"""
SELECT {COLUMNS} FROM room_events e
WHERE e.room_id = $1 AND e.seq < $2 ORDER BY e.seq DESC LIMIT $3
"""

AFTER = f"""
SELECT {COLUMNS} FROM room_events e
WHERE e.room_id = $1 AND e.seq > $2 ORDER BY e.seq LIMIT $3
"""

SPANS = f"""
SELECT {COLUMNS}
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) WITH ORDINALITY
    AS i (room_id, after, upto, ord)
JOIN room_events e ON e.room_id = i.room_id AND e.seq > i.after AND e.seq <= i.upto
ORDER BY i.ord, e.seq
"""


async def events_before(
    connection: asyncpg.Connection, room_id: Id, seq: int, limit: int
) -> list[AnyRoomEvent]:
    """The last events before a seq, in ascending order."""
    rows = await connection.fetch(BEFORE, room_id, seq, limit)
    return [event_of(row) for row in reversed(rows)]


async def events_after(
    connection: asyncpg.Connection, room_id: Id, seq: int, limit: int
) -> list[AnyRoomEvent]:
    """The first events after a seq."""
    return [event_of(row) for row in await connection.fetch(AFTER, room_id, seq, limit)]


async def events_in(
    connection: asyncpg.Connection, spans: Sequence[tuple[Id, int, int]]
) -> Mapping[Id, list[AnyRoomEvent]]:
    """Events of several rooms.

    Args:
        spans: (room, after, upto): the seqs above `after`, up to and including `upto`.
    """
    rooms, after, upto = (list(column) for column in zip(*spans, strict=True))
    found: dict[Id, list[AnyRoomEvent]] = {}
    for row in await connection.fetch(SPANS, rooms, after, upto):
        event = event_of(row)
        found.setdefault(event.room, []).append(event)
    return found
