"""What guards want to know of rooms, members and messages: Facts, for a round of drafts."""

from collections.abc import Collection, Sequence

import asyncpg

from protocol.drafts import Draft, Facts, Target
from protocol.events import (
    Deleted,
    Edited,
    MemberChanged,
    Message,
    Reacted,
    RoomEvent,
    Unreacted,
)
from protocol.ids import Id
from protocol.records import Role, RoomKind

# Always in the order of ids, so that two processes never wait for each other in a circle.
LOCK = "SELECT FROM rooms WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE"

FACTS = """
SELECT i.ord, r.kind, r.title, a.role AS actor, s.role AS subject,
    i.subject_id IS NOT NULL
        AND EXISTS (SELECT FROM accounts x WHERE x.id = i.subject_id) AS subject_exists,
    CASE WHEN i.subject_id IS NOT NULL THEN (
        SELECT count(*) FROM (
            SELECT FROM room_members o WHERE o.room_id = r.id AND o.role = 'owner' LIMIT 2
        ) two
    ) ELSE 0 END AS owners,
    i.subject_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM room_members o WHERE o.room_id = r.id AND o.account_id <> i.actor_id
    ) AS alone,
    t.sender_id, t.deleted_at IS NOT NULL AS deleted,
    i.emoji IS NOT NULL AND EXISTS (
        SELECT FROM message_reactions m
        WHERE (m.room_id, m.seq, m.emoji, m.account_id) = (r.id, i.target, i.emoji, i.actor_id)
    ) AS has_reaction
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[])
    WITH ORDINALITY AS i (room_id, actor_id, subject_id, target, emoji, ord)
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


async def read_facts(connection: asyncpg.Connection, drafts: Sequence[Draft]) -> list[Facts | None]:
    """The facts of each draft; None: there is no such room."""
    events = [draft.event for draft in drafts]
    rows = await connection.fetch(
        FACTS,
        [event.room for event in events],
        [event.sender for event in events],
        [_subject(event) for event in events],
        [_target(event) for event in events],
        [event.emoji if isinstance(event, Reacted | Unreacted) else None for event in events],
    )
    facts: list[Facts | None] = [None] * len(drafts)
    for row in rows:
        facts[row["ord"] - 1] = _facts(row)
    return facts


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
    return event.account if isinstance(event, MemberChanged) else None


def _target(event: RoomEvent) -> int | None:
    match event:
        case Message(reply_to=target):
            return target
        case Edited(target=target) | Deleted(target=target):
            return target
        case Reacted(target=target) | Unreacted(target=target):
            return target
    return None


def _facts(row: asyncpg.Record) -> Facts:
    target = None
    if row["sender_id"] is not None:
        target = Target(
            sender=Id(row["sender_id"]), deleted=row["deleted"], has_reaction=row["has_reaction"]
        )
    return Facts(
        kind=RoomKind(row["kind"]),
        title=row["title"],
        actor=Role(row["actor"]) if row["actor"] else None,
        subject=Role(row["subject"]) if row["subject"] else None,
        subject_exists=row["subject_exists"],
        owners=row["owners"],
        alone=row["alone"],
        target=target,
    )
