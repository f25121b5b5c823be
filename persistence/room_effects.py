"""What an event changes besides being written: memberships, titles, the message that it is about.

In the transaction that writes the event, for all events of a round at once.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from persistence.event_rows import mentions_of
from persistence.room_attachments import use_attachments
from protocol.events import (
    Deleted,
    Edited,
    MemberCause,
    MemberChanged,
    MemberMuted,
    Message,
    Pinned,
    Reacted,
    Renamed,
    RoomEvent,
    SlowModeSet,
    Unpinned,
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

FORGET_MENTIONS = """
DELETE FROM message_mentions x
USING unnest($1::bigint[], $2::bigint[]) AS i (room_id, seq)
WHERE x.room_id = i.room_id AND x.seq = i.seq
"""

MENTION = """
INSERT INTO message_mentions (room_id, seq, account_id)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
"""

# The bodies that later edits brought go as well.
DELETE = """
WITH i AS (SELECT * FROM unnest($1::bigint[], $2::bigint[]) AS i (room_id, seq)),
reactions AS (
    DELETE FROM message_reactions r USING i WHERE r.room_id = i.room_id AND r.seq = i.seq
),
mentions AS (
    DELETE FROM message_mentions x USING i WHERE x.room_id = i.room_id AND x.seq = i.seq
),
pins AS (
    DELETE FROM room_pins p USING i WHERE p.room_id = i.room_id AND p.seq = i.seq
),
threads AS (
    UPDATE room_threads t SET replies = t.replies - 1
    FROM i JOIN room_events e ON e.room_id = i.room_id AND e.seq = i.seq
    WHERE t.room_id = e.room_id AND t.root = e.thread
),
edits AS (
    UPDATE room_events e SET body = NULL, details = NULL FROM i
    WHERE e.room_id = i.room_id AND e.target = i.seq AND e.type = 'edit'
),
uses AS (
    DELETE FROM upload_uses u USING i, room_events e
    WHERE e.room_id = i.room_id AND e.seq = i.seq AND e.details ? 'attachments'
        AND u.used_by = e.event_id AND u.purpose = 'message'
    RETURNING u.upload_id
),
touched AS (
    UPDATE uploads u SET touched_at = now() FROM uses WHERE u.id = uses.upload_id
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
WITH i AS (
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS i (room_id, account_id, role)
), lapsed AS (
    DELETE FROM room_bans b USING i WHERE (b.room_id, b.account_id) = (i.room_id, i.account_id)
)
INSERT INTO room_members
    (room_id, account_id, role, joined_at, read_seq, read_messages, delivered_seq, muted_until)
SELECT i.room_id, i.account_id, i.role, $4, r.last_seq, r.messages, r.last_seq, u.until
FROM i
JOIN rooms r ON r.id = i.room_id
LEFT JOIN room_mutes u ON (u.room_id, u.account_id) = (i.room_id, i.account_id)
ON CONFLICT (room_id, account_id) DO UPDATE SET role = excluded.role
"""

REMOVE = """
DELETE FROM room_members m
USING unnest($1::bigint[], $2::bigint[]) AS i (room_id, account_id)
WHERE m.room_id = i.room_id AND m.account_id = i.account_id
"""

COUNT_MEMBERS = """
UPDATE rooms r SET member_count = i.members
FROM unnest($1::bigint[], $2::int[]) AS i (room_id, members)
WHERE r.id = i.room_id
"""

BAN = """
INSERT INTO room_bans (room_id, account_id, banned_by, until, at)
SELECT room_id, account_id, banned_by, until::timestamptz, $5
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[])
    AS i (room_id, account_id, banned_by, until)
ON CONFLICT (room_id, account_id) DO UPDATE
SET banned_by = excluded.banned_by, until = excluded.until, at = excluded.at
"""

UNBAN = """
DELETE FROM room_bans b
USING unnest($1::bigint[], $2::bigint[]) AS i (room_id, account_id)
WHERE (b.room_id, b.account_id) = (i.room_id, i.account_id)
"""

MUTE = """
WITH i AS (
    SELECT room_id, account_id, until::timestamptz
    FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS i (room_id, account_id, until)
), lifted AS (
    DELETE FROM room_mutes u USING i
    WHERE (u.room_id, u.account_id) = (i.room_id, i.account_id) AND i.until IS NULL
), kept AS (
    INSERT INTO room_mutes (room_id, account_id, until)
    SELECT room_id, account_id, until FROM i WHERE until IS NOT NULL
    ON CONFLICT (room_id, account_id) DO UPDATE SET until = excluded.until
)
UPDATE room_members m SET muted_until = i.until FROM i
WHERE (m.room_id, m.account_id) = (i.room_id, i.account_id)
"""

RENAME = """
UPDATE rooms r SET title = i.title
FROM unnest($1::bigint[], $2::text[]) AS i (room_id, title)
WHERE r.id = i.room_id
"""

SLOW_DOWN = """
UPDATE rooms r SET slow_seconds = i.seconds
FROM unnest($1::bigint[], $2::int[]) AS i (room_id, seconds)
WHERE r.id = i.room_id
"""

PIN = """
INSERT INTO room_pins (room_id, seq, pinned_by, at)
SELECT *, $4::timestamptz FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
"""

UNPIN = """
DELETE FROM room_pins p
USING unnest($1::bigint[], $2::bigint[]) AS i (room_id, seq)
WHERE p.room_id = i.room_id AND p.seq = i.seq
"""

REPLY = """
INSERT INTO room_threads (room_id, root, replies, last_seq, last_at)
SELECT room_id, root, count(*), max(seq), $4
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS i (room_id, root, seq)
GROUP BY room_id, root
ON CONFLICT (room_id, root) DO UPDATE SET
    replies = room_threads.replies + excluded.replies,
    last_seq = excluded.last_seq,
    last_at = excluded.last_at
"""


async def apply(
    connection: asyncpg.Connection, events: Sequence[RoomEvent], *, at: datetime
) -> None:
    """Carry out what the events bring about, before they are inserted.

    The caller sees to it that no two of them depend on each other's effects, save that reactions
    may come before a deletion of their message.

    Args:
        at: the moment of the events.
    """
    for type_, effect in _EFFECTS:
        if concerned := [event for event in events if type(event) is type_]:
            await effect(connection, concerned, at)


async def record(
    connection: asyncpg.Connection, events: Sequence[RoomEvent], *, at: datetime
) -> None:
    """Write down what needs the events' seqs, after they were inserted: threads and mentions; and
    what their messages show.
    """
    messages = [event for event in events if isinstance(event, Message)]
    if replies := [(event.room, event.thread, event.seq) for event in messages if event.thread]:
        await connection.execute(REPLY, *_columns(replies), at)
    mentions = [(event.room, event.seq, who) for event in messages for who in event.mentions]
    if mentions:
        await connection.execute(MENTION, *_columns(mentions))
    await use_attachments(connection, messages)


async def _react(connection: asyncpg.Connection, events: Sequence[Any], at: datetime) -> None:
    rows = [(event.room, event.target, event.emoji, event.sender) for event in events]
    await connection.execute(REACT, *_columns(rows), at)


async def _unreact(connection: asyncpg.Connection, events: Sequence[Any], _at: datetime) -> None:
    rows = [(event.room, event.target, event.emoji, event.sender) for event in events]
    await connection.execute(UNREACT, *_columns(rows))


async def _edit(connection: asyncpg.Connection, events: Sequence[Any], at: datetime) -> None:
    rows = [(event.room, event.target, event.body, mentions_of(event)) for event in events]
    rooms, targets, bodies, details = _columns(rows)
    await connection.execute(EDIT, rooms, targets, bodies, at, details)
    changed = [event for event in events if event.mentions != event.former_mentions]
    if forgotten := [(event.room, event.target) for event in changed]:
        await connection.execute(FORGET_MENTIONS, *_columns(forgotten))
    if mentions := [(event.room, event.target, who) for event in changed for who in event.mentions]:
        await connection.execute(MENTION, *_columns(mentions))


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
    await connection.execute(COUNT_MEMBERS, *_columns([(e.room, e.members) for e in events]))
    banned = [
        (event.room, event.account, event.sender, event.until)
        for event in events
        if event.cause is MemberCause.BANNED
    ]
    if banned:
        await connection.execute(BAN, *_columns(banned), at)
    unbanned = [(e.room, e.account) for e in events if e.cause is MemberCause.UNBANNED]
    if unbanned:
        await connection.execute(UNBAN, *_columns(unbanned))


async def _mute(connection: asyncpg.Connection, events: Sequence[Any], _at: datetime) -> None:
    rows = [(event.room, event.account, event.until) for event in events]
    await connection.execute(MUTE, *_columns(rows))


async def _pin(connection: asyncpg.Connection, events: Sequence[Any], at: datetime) -> None:
    rows = [(event.room, event.target, event.sender) for event in events]
    await connection.execute(PIN, *_columns(rows), at)


async def _unpin(connection: asyncpg.Connection, events: Sequence[Any], _at: datetime) -> None:
    await connection.execute(UNPIN, *_columns([(event.room, event.target) for event in events]))


async def _slow_down(connection: asyncpg.Connection, events: Sequence[Any], _at: datetime) -> None:
    rows = [(event.room, event.seconds) for event in events]
    await connection.execute(SLOW_DOWN, *_columns(rows))


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
    (MemberMuted, _mute),
    (Renamed, _rename),
    (SlowModeSet, _slow_down),
    (Pinned, _pin),
    (Unpinned, _unpin),
)
