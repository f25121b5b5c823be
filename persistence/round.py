"""One round of the log: drafts that are written together, in one transaction.

Dense seqs come from the rooms row, which the statement locks; so every process that writes to a
room waits for the others, and what is committed has no holes.
"""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from persistence import room_effects
from persistence.event_rows import row_of
from persistence.room_facts import lock_rooms, read_facts, resolve_mentions
from protocol.drafts import Draft, Facts, Unchanged
from protocol.errors import NOT_FOUND, PlazaError
from protocol.events import Message, Reacted, Unreacted
from protocol.ids import Id
from protocol.times import rfc3339

Refusal = PlazaError | Unchanged

# A message by somebody who is no member gets no row, and so no seq. The other types are checked by
# their guards; and so is all that is written with them ($10), as their effects come first.
INSERT = """
WITH i AS (
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[],
                         $6::bigint[], $7::text[], $8::text[])
        WITH ORDINALITY AS i (room_id, event_id, sender_id, type, nonce, target, body, details, ord)
    WHERE $10 OR i.type <> 'message' OR EXISTS (
        SELECT FROM room_members m WHERE (m.room_id, m.account_id) = (i.room_id, i.sender_id)
    )
), locked AS (
    SELECT id, last_seq FROM rooms WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE
), numbered AS (
    SELECT i.*, l.last_seq + row_number() OVER (PARTITION BY i.room_id ORDER BY i.ord) AS seq
    FROM i JOIN locked l ON l.id = i.room_id
), bumped AS (
    UPDATE rooms r SET last_seq = n.seq
    FROM (SELECT room_id, max(seq) AS seq FROM numbered GROUP BY room_id) n
    WHERE r.id = n.room_id
), inserted AS (
    INSERT INTO room_events
        (room_id, seq, event_id, type, sender_id, at, nonce, target, body, details)
    SELECT room_id, seq, event_id, type, sender_id, $9, nonce, target, body, details::jsonb
    FROM numbered
)
SELECT ord, seq FROM numbered
"""

NOT_A_MEMBER = "There is no such room, or you are not a member of it."


def is_plain(draft: Draft) -> bool:
    """Whether a draft needs no look at the database but the check that its sender is a member."""
    return draft.guard is None and not draft.mentions


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
) -> list[Refusal | None]:
    """Write the drafts; their events get seq and at.

    Args:
        drafts: as many as `split_round` allows, with event_id set and no nonce twice.
        at: the moment that the events get.

    Returns:
        For each draft None (written), or why it was not.

    Raises:
        asyncpg.UniqueViolationError: on room_events_nonce; nothing was written.
    """
    if all(map(is_plain, drafts)):
        return await _insert(connection, drafts, at, checked=False)
    async with connection.transaction():
        await lock_rooms(connection, {draft.event.room for draft in drafts})
        refusals = [
            _ask_guard(draft, facts)
            for draft, facts in zip(drafts, await read_facts(connection, drafts), strict=True)
        ]
        accepted = [
            draft for draft, refusal in zip(drafts, refusals, strict=True) if refusal is None
        ]
        if accepted:
            await resolve_mentions(connection, accepted)
            await room_effects.apply(connection, [draft.event for draft in accepted], at=at)
            inserted = iter(await _insert(connection, accepted, at, checked=True))
            refusals = [next(inserted) if refusal is None else refusal for refusal in refusals]
    return refusals


async def _insert(
    connection: asyncpg.Connection, drafts: Sequence[Draft], at: datetime, *, checked: bool
) -> list[Refusal | None]:
    events = [draft.event for draft in drafts]
    rows = [row_of(event) for event in events]
    inserted = await connection.fetch(
        INSERT,
        # asyncpg packs an int in half the time of a subclass's instance.
        [int(event.room) for event in events],
        [int(event.event_id) for event in events],
        [int(event.sender) for event in events],
        [row.type for row in rows],
        [event.nonce for event in events],
        [row.target for row in rows],
        [row.body for row in rows],
        [row.details for row in rows],
        at,
        checked,
    )
    moment = rfc3339(at)
    refusals: list[Refusal | None] = [None] * len(drafts)
    for event in events:
        event.at = moment
        event.seq = 0
    for ord_, seq in inserted:
        events[ord_ - 1].seq = seq
    for index, event in enumerate(events):
        if not event.seq:
            refusals[index] = PlazaError(NOT_FOUND, NOT_A_MEMBER)
    return refusals


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
