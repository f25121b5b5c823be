"""What hello asks: is the session live, whose is it, and what do they see?"""

from collections.abc import Sequence
from typing import NamedTuple

import asyncpg

from persistence.relations import STANDING, Standing, standing_of
from persistence.rooms import PEER, SEEN, room_of
from protocol.ids import Id
from protocol.records import Room, User


class Arrival(NamedTuple):
    """Who says hello, the rooms they are in, and how they stand to others."""

    user: User
    rooms: list[Room]
    standing: Standing


# In the order of rooms, so that the row with the lists is a session's first.
ARRIVALS = f"""
SELECT s.id AS session_id, a.id AS account_id, a.username, {STANDING}, {SEEN}
FROM unnest($1::bigint[], $2::bigint[]) AS i (account_id, session_id)
JOIN sessions s ON s.id = i.session_id AND s.account_id = i.account_id
    AND s.revoked_at IS NULL AND s.expires_at > now()
JOIN accounts a ON a.id = s.account_id
LEFT JOIN room_members m ON m.account_id = a.id
LEFT JOIN rooms r ON r.id = m.room_id
{PEER.format("a.id")}
ORDER BY s.id, r.id
"""


async def arrivals(
    connection: asyncpg.Connection, sessions: Sequence[tuple[Id, Id]]
) -> dict[Id, Arrival]:
    """What those see who say hello, all at one moment.

    Args:
        sessions: the account and session of each; no session twice.

    Returns:
        By session; one that is not live is left out.
    """
    accounts, ids = zip(*sessions, strict=True)
    found: dict[Id, Arrival] = {}
    for row in await connection.fetch(ARRIVALS, accounts, ids):
        session = Id(row["session_id"])
        arrival = found.get(session)
        if arrival is None:
            user = User(id=Id(row["account_id"]), username=row["username"])
            arrival = found[session] = Arrival(user, [], standing_of(row))
        if row["id"] is not None:
            arrival.rooms.append(room_of(row))
    return found
