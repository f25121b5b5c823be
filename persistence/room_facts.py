"""What guards want to know of rooms, members and messages: Facts, for a round of drafts."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import asyncpg

from persistence.stream_visibility import chat_hidden
from protocol.codec import load_json
from protocol.drafts import Draft, Facts, Target
from protocol.events import (
    Deleted,
    Edited,
    MemberChanged,
    MemberMuted,
    Message,
    Pinned,
    Reacted,
    RoomEvent,
    Unpinned,
    Unreacted,
)
from protocol.ids import Id
from protocol.records import Role, RoomKind
from protocol.times import rfc3339, to_ms

# Always in the order of ids, so that two processes never wait for each other in a circle.
LOCK = "SELECT FROM rooms WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE"

# Moments as Unix time in milliseconds, which "infinity" has none of.
_MS = """
    CASE WHEN {0} = 'infinity' THEN 253402300799999
        ELSE extract(epoch FROM {0}) * 1000 END::bigint
"""

FACTS = f"""
SELECT i.ord, r.kind, r.title, r.member_count, r.slow_seconds,
    a.role AS actor, {_MS.format("a.muted_until")} AS muted_until,
    {_MS.format("a.last_message_at")} AS last_message,
    s.role AS subject, s.muted_until > $7 AS subject_muted,
    i.subject_id IS NOT NULL
        AND EXISTS (SELECT FROM accounts x WHERE x.id = i.subject_id) AS subject_exists,
    i.subject_id IS NOT NULL AND EXISTS (
        SELECT FROM room_bans b
        WHERE (b.room_id, b.account_id) = (r.id, i.subject_id) AND (b.until > $7) IS NOT FALSE
    ) AS banned,
    i.subject_id IS NOT NULL AND a.role IS NULL
        AND {chat_hidden("r.id", "i.actor_id")} AS hidden,
    CASE WHEN i.subject_id IS NOT NULL THEN (
        SELECT count(*) FROM (
            SELECT FROM room_members o WHERE o.room_id = r.id AND o.role = 'owner' LIMIT 2
        ) two
    ) ELSE 0 END AS owners,
    i.subject_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM room_members o WHERE o.room_id = r.id AND o.account_id <> i.actor_id
    ) AS alone,
    t.sender_id, t.deleted_at IS NOT NULL AS deleted, t.thread,
    t.details ->> 'mentions' AS mentions,
    i.emoji IS NOT NULL AND EXISTS (
        SELECT FROM message_reactions m
        WHERE (m.room_id, m.seq, m.emoji, m.account_id) = (r.id, i.target, i.emoji, i.actor_id)
    ) AS has_reaction,
    i.pins AND EXISTS (
        SELECT FROM room_pins p WHERE (p.room_id, p.seq) = (r.id, i.target)
    ) AS pinned,
    CASE WHEN i.pins THEN (
        SELECT count(*) FROM room_pins p WHERE p.room_id = r.id
    ) ELSE 0 END AS pins
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::boolean[])
    WITH ORDINALITY AS i (room_id, actor_id, subject_id, target, emoji, pins, ord)
JOIN rooms r ON r.id = i.room_id
LEFT JOIN room_members a ON a.room_id = r.id AND a.account_id = i.actor_id
LEFT JOIN room_members s ON s.room_id = r.id AND s.account_id = i.subject_id
LEFT JOIN room_events t ON t.room_id = r.id AND t.seq = i.target AND t.type = 'message'
"""

# Only members can be addressed: a mention of somebody who cannot read it is plain text.
MENTIONS = """
SELECT i.ord, array_agg(a.id ORDER BY i.place) AS accounts
FROM unnest($1::int[], $2::bigint[], $3::text[])
    WITH ORDINALITY AS i (ord, room_id, name, place)
JOIN accounts a ON a.username = i.name
JOIN room_members m ON m.room_id = i.room_id AND m.account_id = a.id
GROUP BY i.ord
"""


async def lock_rooms(connection: asyncpg.Connection, rooms: Collection[Id]) -> None:
    """Wait for everybody who writes to the rooms; in a transaction, keep others from it."""
    await connection.fetch(LOCK, list(rooms))


async def read_facts(
    connection: asyncpg.Connection, drafts: Sequence[Draft], *, at: datetime
) -> list[Facts | None]:
    """The facts of each draft at the moment `at`; None: there is no such room."""
    events = [draft.event for draft in drafts]
    rows = await connection.fetch(
        FACTS,
        [event.room for event in events],
        [event.sender for event in events],
        [_subject(event) for event in events],
        [_target(event) for event in events],
        [event.emoji if isinstance(event, Reacted | Unreacted) else None for event in events],
        [isinstance(event, Pinned | Unpinned) for event in events],
        at,
    )
    now = to_ms(at)
    facts: list[Facts | None] = [None] * len(drafts)
    for row in rows:
        facts[row["ord"] - 1] = _facts(row, now)
    return facts


def complete(draft: Draft, facts: Facts, at: datetime) -> None:
    """Fill in what an event says of its target, its room and its attachments.

    Args:
        draft: accepted by its guard.
        facts: that the guard has seen.
        at: the moment of writing.
    """
    event, target = draft.event, facts.target
    if isinstance(event, Message):
        event.attachments = facts.attachments
    if target is not None:
        match event:
            case Message(reply_to=replied):
                event.thread = target.thread or replied
            case Edited():
                event.former_mentions = target.mentions
            case Deleted():
                event.author, event.mentions = target.sender, target.mentions
                event.thread = target.thread
    if isinstance(event, MemberChanged):
        event.members = facts.members + (event.role is not None) - (facts.subject is not None)
    if draft.seconds is not None:
        assert isinstance(event, MemberChanged | MemberMuted)
        event.until = rfc3339(at + timedelta(seconds=draft.seconds))


async def resolve_mentions(connection: asyncpg.Connection, drafts: Sequence[Draft]) -> None:
    """Turn the names that drafts mention into account ids, in their events."""
    named = [
        (index, draft.event.room, name)
        for index, draft in enumerate(drafts)
        for name in draft.mentions
    ]
    if not named:
        return
    indexes, rooms, names = (list(column) for column in zip(*named, strict=True))
    for row in await connection.fetch(MENTIONS, indexes, rooms, names):
        event = drafts[row["ord"]].event
        assert isinstance(event, Message | Edited)
        event.mentions = [Id(account) for account in row["accounts"]]


def _subject(event: RoomEvent) -> Id | None:
    return event.account if isinstance(event, MemberChanged | MemberMuted) else None


def _target(event: RoomEvent) -> int | None:
    match event:
        case Message(reply_to=target):
            return target
        case Edited(target=target) | Deleted(target=target):
            return target
        case Reacted(target=target) | Unreacted(target=target):
            return target
        case Pinned(target=target) | Unpinned(target=target):
            return target
    return None


def _facts(row: asyncpg.Record, now: int) -> Facts:
    target = None
    if row["sender_id"] is not None:
        target = Target(
            sender=Id(row["sender_id"]),
            deleted=row["deleted"],
            has_reaction=row["has_reaction"],
            mentions=load_json(row["mentions"], list[Id]) if row["mentions"] else [],
            thread=row["thread"],
            pinned=row["pinned"],
        )
    return Facts(
        kind=RoomKind(row["kind"]),
        title=row["title"],
        actor=Role(row["actor"]) if row["actor"] else None,
        subject=Role(row["subject"]) if row["subject"] else None,
        subject_exists=row["subject_exists"],
        subject_muted=bool(row["subject_muted"]),
        banned=row["banned"],
        hidden=row["hidden"],
        owners=row["owners"],
        alone=row["alone"],
        members=row["member_count"],
        target=target,
        now=now,
        muted_until=row["muted_until"],
        slow_seconds=row["slow_seconds"],
        last_message=row["last_message"],
        pins=row["pins"],
    )
