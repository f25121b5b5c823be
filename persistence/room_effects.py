"""What an event changes besides being written: memberships, titles, the message that it is about.

In the transaction that writes the event, for all events of a round at once.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from persistence.event_rows import row_of
from protocol.events import (
    Deleted,
    Edited,
    MemberChanged,
    Reacted,
    Renamed,
    RoomEvent,
    Unreacted,
)

# A message keeps its place in the log, but shows what it says now: whoever pages back must not
# read what was taken back or corrected.
EDIT = """
UPDATE room_events e SET body = i.body, edited_at = $4,
    details = nullif(
        coalesce(e.details, '{}') - 'mentions' || coalesce(i.details::jsonb, '{}'), '{}'
    )
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $5::text[]) AS i (room_id, seq, body, details)
WHERE e.room_id = i.room_id AND e.seq = i.seq
"""

# The bodies that later edits brought go as well.
DELETE = """
WITH i AS (SELECT * FROM unnest($1::bigint[], $2::bigint[]) AS i (room_id, seq)),
reactions AS (
    DELETE FROM message_reactions r USING i WHERE r.room_id = i.room_id AND r.seq = i.seq
),
edits AS (
    UPDATE room_events e SET body = NULL, details = NULL FROM i
    WHERE e.room_id = i.room_id AND e.target = i.seq AND e.type = 'edit'
)
UPDATE room_events e SET body = NULL, details = NULL, deleted_at = $3 FROM i
WHERE e.room_id = i.room_id AND e.seq = i.seq
"""

REACT = """
INSERT INTO message_reactions (room_id, seq, emoji, account_id, at)
SELECT *, $5::timestamptz
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[])
ON CONFLICT DO NOTHING
"""

UNREACT = """
DELETE FROM message_reactions r
USING unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[])
    AS i (room_id, seq, emoji, account_id)
WHERE (r.room_id, r.seq, r.emoji, r.account_id) = (i.room_id, i.seq, i.emoji, i.account_id)
"""

ADMIT = """
INSERT INTO room_members (room_id, account_id, role, joined_at, read_seq)
SELECT i.room_id, i.account_id, i.role, $4, r.last_seq
FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS i (room_id, account_id, role)
JOIN rooms r ON r.id = i.room_id
ON CONFLICT (room_id, account_id) DO UPDATE SET role = excluded.role
"""

REMOVE = """
DELETE FROM room_members m
USING unnest($1::bigint[], $2::bigint[]) AS i (room_id, account_id)
WHERE m.room_id = i.room_id AND m.account_id = i.account_id
"""

RENAME = """
UPDATE rooms r SET title = i.title
FROM unnest($1::bigint[], $2::text[]) AS i (room_id, title)
WHERE r.id = i.room_id
"""


async def apply(
    connection: asyncpg.Connection, events: Sequence[RoomEvent], *, at: datetime
) -> None:
    """Carry out what the events bring about.

    The caller sees to it that no two of them depend on each other's effects, save that reactions
    may come before a deletion of their message.

    Args:
        at: the moment of the events.
    """
    for type_, effect in _EFFECTS:
        if concerned := [event for event in events if type(event) is type_]:
            await effect(connection, concerned, at)


async def _react(connection: asyncpg.Connection, events: Sequence[Any], at: datetime) -> None:
    rows = [(event.room, event.target, event.emoji, event.sender) for event in events]
    await connection.execute(REACT, *_columns(rows), at)


async def _unreact(connection: asyncpg.Connection, events: Sequence[Any], _at: datetime) -> None:
    rows = [(event.room, event.target, event.emoji, event.sender) for event in events]
    await connection.execute(UNREACT, *_columns(rows))


async def _edit(connection: asyncpg.Connection, events: Sequence[Any], at: datetime) -> None:
    rows = [(event.room, event.target, event.body, row_of(event).details) for event in events]
    rooms, targets, bodies, details = _columns(rows)
    await connection.execute(EDIT, rooms, targets, bodies, at, details)


async def _delete(connection: asyncpg.Connection, events: Sequence[Any], at: datetime) -> None:
    rows = [(event.room, event.target) for event in events]
    await connection.execute(DELETE, *_columns(rows), at)


async def _change_members(
    connection: asyncpg.Connection, events: Sequence[Any], at: datetime
) -> None:
    admitted = [(event.room, event.account, event.role.value) for event in events if event.role]
    removed = [(event.room, event.account) for event in events if not event.role]
    if admitted:
        await connection.execute(ADMIT, *_columns(admitted), at)
    if removed:
        await connection.execute(REMOVE, *_columns(removed))


async def _rename(connection: asyncpg.Connection, events: Sequence[Any], _at: datetime) -> None:
    await connection.execute(RENAME, *_columns([(event.room, event.title) for event in events]))


def _columns(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]


_Effect = Callable[[asyncpg.Connection, Sequence[Any], datetime], Awaitable[None]]

# Reactions before deletions, which take the reactions with them.
_EFFECTS: tuple[tuple[type[RoomEvent], _Effect], ...] = (
    (Reacted, _react),
    (Unreacted, _unreact),
    (Edited, _edit),
    (Deleted, _delete),
    (MemberChanged, _change_members),
    (Renamed, _rename),
)
