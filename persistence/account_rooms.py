"""What becomes of the rooms that a deleted account was in."""

from typing import NamedTuple

import asyncpg

from persistence.account_deletion import PATIENCE
from protocol.ids import Id
from protocol.records import RoomKind


class Membership(NamedTuple):
    """A room that an account is in. `heir`: who is to be its owner, if it has no other one."""

    room: Id
    kind: RoomKind
    heir: Id | None


# Whoever has been an admin for longest; without admins, whoever has been there for longest.
MEMBERSHIPS = """
SELECT m.room_id, r.kind, CASE WHEN m.role = 'owner' AND NOT EXISTS (
    SELECT FROM room_members o
    WHERE o.room_id = m.room_id AND o.role = 'owner' AND o.account_id <> $1
) THEN (
    SELECT h.account_id FROM room_members h
    WHERE h.room_id = m.room_id AND h.account_id <> $1
    ORDER BY h.role = 'admin' DESC, h.joined_at, h.account_id LIMIT 1
) END AS heir
FROM room_members m JOIN rooms r ON r.id = m.room_id
WHERE m.account_id = $1 ORDER BY m.room_id
"""

# Rooms that stay without the account, or do not stay: also one it has left before.
LEFT = """
SELECT id FROM rooms WHERE creator_id = $1
UNION SELECT id FROM rooms WHERE dm_low = $1
UNION SELECT id FROM rooms WHERE dm_high = $1
"""

LOCK = "SELECT kind FROM rooms WHERE id = $1 FOR UPDATE"
# The chat of somebody's stream stays, be it empty.
IS_IN_USE = """
SELECT EXISTS (SELECT FROM room_members WHERE room_id = $1)
    OR EXISTS (SELECT FROM streams WHERE room_id = $1)
"""

# Without a second account the pair can open another dm, with whoever gets the name.
UNLINK = """
UPDATE rooms SET
    creator_id = nullif(creator_id, $2),
    creation_key = CASE WHEN creator_id <> $2 THEN creation_key END,
    dm_low = CASE WHEN dm_low = $2 THEN dm_high ELSE dm_low END,
    dm_high = CASE WHEN dm_low = $2 OR dm_high = $2 THEN NULL ELSE dm_high END
WHERE id = $1
"""
# Nobody is there to write to: as with a block.
SILENCE = "UPDATE room_members SET muted_until = 'infinity' WHERE room_id = $1"

# Memberships, mutes and bans go with the room.
DELETE = tuple(
    f"DELETE FROM {table} WHERE {column} = $1"
    for table, column in (
        ("message_search", "room_id"),
        ("message_search_progress", "room_id"),
        ("message_reactions", "room_id"),
        ("message_mentions", "room_id"),
        ("room_threads", "room_id"),
        ("room_pins", "room_id"),
        ("room_events", "room_id"),
        ("rooms", "id"),
    )
)
UNUSE = """
WITH gone AS (
    DELETE FROM upload_uses x USING room_events e
    WHERE e.room_id = $1 AND x.used_by = e.event_id AND x.purpose = 'message'
    RETURNING x.upload_id
)
UPDATE uploads u SET touched_at = now() FROM gone WHERE u.id = gone.upload_id
"""


async def memberships(connection: asyncpg.Connection, account: Id) -> list[Membership]:
    """The rooms that an account is in, and who inherits them."""
    return [
        Membership(
            Id(row["room_id"]),
            RoomKind(row["kind"]),
            None if row["heir"] is None else Id(row["heir"]),
        )
        for row in await connection.fetch(MEMBERSHIPS, account)
    ]


async def left_rooms(connection: asyncpg.Connection, account: Id) -> list[Id]:
    """The rooms that name an account which is in none any more."""
    return [Id(row["id"]) for row in await connection.fetch(LEFT, account)]


async def settle(connection: asyncpg.Connection, room: Id, account: Id) -> None:
    """Go on without an account that was in a room: delete the room, if it is empty.

    In a transaction.
    """
    kind = await connection.fetchval(LOCK, room)
    if kind is None:
        return
    if await connection.fetchval(IS_IN_USE, room):
        await connection.execute(UNLINK, room, account)
        if kind == RoomKind.DM:
            await connection.execute(SILENCE, room)
        return
    for statement in (UNUSE, *DELETE):
        await connection.execute(statement, room, timeout=PATIENCE)
