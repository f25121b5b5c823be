"""One round of the log: drafts that are written together, in one transaction.

Dense seqs come from the rooms row, which the statement locks; so every process that writes to a
room waits for the others, and what is committed has no holes.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
from msgspec.structs import replace

from persistence import room_effects
from persistence.event_rows import Row, row_of
from persistence.room_attachments import read_attachments
from persistence.room_facts import complete, lock_rooms, read_facts, resolve_mentions
from protocol.drafts import Draft, Facts, Unchanged
from protocol.errors import NOT_FOUND, PlazaError
from protocol.events import Message, Reacted, RoomEvent, Unreacted
from protocol.ids import Id
from protocol.times import rfc3339

Refusal = PlazaError | Unchanged

# Messages that are plain are written on the ground that their sender is a member who may speak, in
# a room that is not in slow mode: who fails that gets no row, and so no seq. They are nearly all
# that is ever written, so they have a statement of their own: a tenth cheaper than the other one.
#
# A message moves its sender's read marker: nobody has to read what they have just written, and so
# the number of messages up to the marker makes the unread count a subtraction.
INSERT_PLAIN = """
WITH i AS (
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[],
                         $6::text[])
        WITH ORDINALITY AS i (room_id, event_id, sender_id, nonce, body, details, ord)
    WHERE EXISTS (
        SELECT FROM room_members m
        WHERE (m.room_id, m.account_id) = (i.room_id, i.sender_id) AND m.muted_until IS NULL
    )
), locked AS (
    SELECT id, last_seq, messages
    FROM rooms WHERE id = ANY($1::bigint[]) AND slow_seconds = 0 ORDER BY id FOR UPDATE
), numbered AS (
    SELECT i.*, l.last_seq, l.messages,
        row_number() OVER (PARTITION BY i.room_id ORDER BY i.ord) AS n
    FROM i JOIN locked l ON l.id = i.room_id
), bumped AS (
    UPDATE rooms r SET last_seq = c.last_seq + c.n, messages = c.messages + c.n
    FROM (
        SELECT room_id, min(last_seq) AS last_seq, min(messages) AS messages, max(n) AS n
        FROM numbered GROUP BY room_id
    ) c
    WHERE r.id = c.room_id
), marked AS (
    UPDATE room_members m
    SET read_seq = c.last_seq + c.n, read_messages = c.messages + c.n, last_message_at = $7
    FROM (
        SELECT room_id, sender_id, min(last_seq) AS last_seq, min(messages) AS messages, max(n) AS n
        FROM numbered GROUP BY room_id, sender_id
    ) c
    WHERE (m.room_id, m.account_id) = (c.room_id, c.sender_id)
), inserted AS (
    INSERT INTO room_events
        (room_id, seq, event_id, type, sender_id, at, nonce, body, details, messages)
    SELECT room_id, last_seq + n, event_id, 'message', sender_id, $7, nonce, body, details::jsonb,
        messages + n
    FROM numbered
)
SELECT ord, last_seq + n FROM numbered
"""

# All else has been checked by guards, with the rooms locked, and its effects have been applied.
INSERT = """
WITH i AS (
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[],
                         $6::text[], $7::text[], $8::bigint[], $9::bigint[])
        WITH ORDINALITY
        AS i (room_id, event_id, sender_id, nonce, body, details, type, target, thread, ord)
), numbered AS (
    SELECT i.*, r.last_seq + row_number() OVER w AS seq,
        r.messages + count(*) FILTER (WHERE i.type = 'message') OVER w AS messages
    FROM i JOIN rooms r ON r.id = i.room_id
    WINDOW w AS (PARTITION BY i.room_id ORDER BY i.ord)
), bumped AS (
    UPDATE rooms r SET last_seq = c.seq, messages = c.messages
    FROM (
        SELECT room_id, max(seq) AS seq, max(messages) AS messages FROM numbered GROUP BY room_id
    ) c
    WHERE r.id = c.room_id
), marked AS (
    UPDATE room_members m SET read_seq = c.seq, read_messages = c.messages, last_message_at = $10
    FROM (
        SELECT room_id, sender_id, max(seq) AS seq, max(messages) AS messages
        FROM numbered WHERE type = 'message' GROUP BY room_id, sender_id
    ) c
    WHERE (m.room_id, m.account_id) = (c.room_id, c.sender_id)
), inserted AS (
    INSERT INTO room_events
        (room_id, seq, event_id, type, sender_id, at, nonce, target, body, details, thread,
         messages)
    SELECT room_id, seq, event_id, type, sender_id, $10, nonce, target, body, details::jsonb,
        thread, messages
    FROM numbered
)
SELECT ord, seq FROM numbered
"""

NOT_A_MEMBER = "There is no such room, or you are not a member of it."


class Unsure(Exception):
    """A plain draft is not written on the ground that it is plain: its guard is to be asked."""


def is_plain(draft: Draft) -> bool:
    """Whether a draft is a message that needs no look at the database but the insert's own."""
    event = draft.event
    return (
        (draft.quick or draft.guard is None)
        and type(event) is Message
        and event.reply_to is None
        and not draft.mentions
    )


def split_round(drafts: Sequence[Draft]) -> int:
    """How many of the drafts, from the first, can be written in one round.

    Facts are read once for a round. So a draft that could change the facts of a later one ends the
    round before that later one: all but messages and reactions change facts of their room, and a
    reaction those of the same reaction.
    """
    closed: set[Id] = set()
    reactions: set[tuple[Id, int, str, Id]] = set()
    for index, draft in enumerate(drafts):
        event = draft.event
        if event.room in closed:
            return index
        if isinstance(event, Message):
            continue
        if isinstance(event, Reacted | Unreacted):
            key = (event.room, event.target, event.emoji, event.sender)
            if key in reactions:
                return index
            reactions.add(key)
        else:
            closed.add(event.room)
    return len(drafts)


async def write_round(
    connection: asyncpg.Connection, drafts: Sequence[Draft], *, at: datetime
) -> list[Refusal | Unsure | None]:
    """Write the drafts; their events get seq and at.

    Args:
        drafts: as many as `split_round` allows, with event_id set and no nonce twice.
        at: the moment that the events get.

    Returns:
        For each draft None (written), or why it was not. Unsure: to be written again, in a later
        round, without `quick`.

    Raises:
        asyncpg.UniqueViolationError: on room_events_nonce; nothing was written.
    """
    if all(map(is_plain, drafts)):
        written = await _insert_plain(connection, [draft.event for draft in drafts], at)
        return [
            None if done else _unwritten(draft) for done, draft in zip(written, drafts, strict=True)
        ]
    async with connection.transaction():
        await lock_rooms(connection, {draft.event.room for draft in drafts})
        facts = await read_facts(connection, drafts, at=at)
        facts = await read_attachments(connection, drafts, facts)
        refusals = _judge(drafts, facts)
        accepted = []
        for draft, seen, refusal in zip(drafts, facts, refusals, strict=True):
            if refusal is None and seen is not None:
                complete(draft, seen, at)
                accepted.append(draft)
        if accepted:
            await resolve_mentions(connection, accepted)
            events = [draft.event for draft in accepted]
            await room_effects.apply(connection, events, at=at)
            await insert(connection, events, at=at)
            await room_effects.record(connection, events, at=at)
    return list(refusals)


def _judge(drafts: Sequence[Draft], facts: Sequence[Facts | None]) -> list[Refusal | None]:
    """Ask the guards. In slow mode, a second message of the round comes after the first."""
    refusals = []
    spoken: set[tuple[Id, Id]] = set()
    for draft, seen in zip(drafts, facts, strict=True):
        speaks = (draft.event.room, draft.event.sender)
        if seen is not None and seen.slow_seconds and speaks in spoken:
            refusal = _ask_guard(draft, replace(seen, last_message=seen.now))
        else:
            refusal = _ask_guard(draft, seen)
        if refusal is None and isinstance(draft.event, Message):
            spoken.add(speaks)
        refusals.append(refusal)
    return refusals


async def _insert_plain(
    connection: asyncpg.Connection, events: Sequence[RoomEvent], at: datetime
) -> list[bool]:
    """Insert messages, if they may be. Returns for each whether it was."""
    rows = [row_of(event) for event in events]
    numbered = await connection.fetch(INSERT_PLAIN, *_columns(events, rows), at)
    _number(events, numbered, at)
    return [event.seq > 0 for event in events]


async def insert(
    connection: asyncpg.Connection, events: Sequence[RoomEvent], *, at: datetime
) -> None:
    """Insert events of any type, and no more: their rooms are locked, their effects applied."""
    rows = [row_of(event) for event in events]
    numbered = await connection.fetch(
        INSERT,
        *_columns(events, rows),
        [row.type for row in rows],
        [row.target for row in rows],
        [row.thread for row in rows],
        at,
    )
    _number(events, numbered, at)


def _columns(events: Sequence[RoomEvent], rows: Sequence[Row]) -> list[list[Any]]:
    return [
        # asyncpg packs an int in half the time of a subclass's instance.
        [int(event.room) for event in events],
        [int(event.event_id) for event in events],
        [int(event.sender) for event in events],
        [event.nonce for event in events],
        [row.body for row in rows],
        [row.details for row in rows],
    ]


def _number(events: Sequence[RoomEvent], numbered: Sequence[asyncpg.Record], at: datetime) -> None:
    moment = rfc3339(at)
    for event in events:
        event.at = moment
        event.seq = 0
    for ord_, seq in numbered:
        events[ord_ - 1].seq = seq


def _unwritten(draft: Draft) -> Refusal | Unsure:
    return Unsure() if draft.quick else PlazaError(NOT_FOUND, NOT_A_MEMBER)


def _ask_guard(draft: Draft, facts: Facts | None) -> Refusal | None:
    if facts is None or (draft.guard is None and facts.actor is None):
        return PlazaError(NOT_FOUND, NOT_A_MEMBER)
    if draft.guard is None:
        return None
    try:
        draft.guard(facts)
    except (PlazaError, Unchanged) as refusal:
        return refusal
    return None
