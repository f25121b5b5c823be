"""Streams while they are on: which process has them, since when, and how many watch.

A process says every few seconds that it still has its streams, with their numbers, in one
statement. After a kill -9 it finds them when it starts again (`reclaim`); those of a process that
does not come back are ended by another one (`end_abandoned`). Times are of the processes' clocks,
but for the lease, which all of them compare: it is of the database's.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import asyncpg

from protocol.ids import Id

# Whoever goes on after an interruption goes on counting.
GO_LIVE = """
WITH was AS (
    SELECT id, state IN ('idle', 'ended') AS fresh FROM streams WHERE id = $1 FOR NO KEY UPDATE
)
UPDATE streams s SET state = 'live', node = $2, lease_at = now(), ended_at = NULL,
    started_at = CASE WHEN was.fresh THEN $3 ELSE s.started_at END,
    viewers = CASE WHEN was.fresh THEN 0 ELSE s.viewers END,
    peak_viewers = CASE WHEN was.fresh THEN 0 ELSE s.peak_viewers END,
    total_viewers = CASE WHEN was.fresh THEN 0 ELSE s.total_viewers END
FROM was WHERE s.id = was.id
RETURNING s.id, s.owner_id, s.room_id, was.fresh, s.peak_viewers, s.total_viewers
"""

INTERRUPT = """
UPDATE streams SET state = 'interrupted', lease_at = now(), viewers = $3, peak_viewers = $4,
    total_viewers = $5
WHERE id = $1 AND node = $2 AND state = 'live'
RETURNING id
"""

_END = """
UPDATE streams SET state = 'ended', node = NULL, lease_at = NULL, ended_at = {at}, viewers = 0{more}
WHERE {which}
RETURNING id, owner_id, room_id
"""
END = _END.format(
    at="$3",
    more=", peak_viewers = greatest($4, peak_viewers), total_viewers = greatest($5, total_viewers)",
    which="id = $1 AND node = $2",
)
# Whichever process has it: that one finds out when it saves.
END_ANYWHERE = _END.format(at="$2", more="", which="id = $1 AND node IS NOT NULL")
END_ABANDONED = _END.format(
    at="lease_at",
    more="",
    which="""id IN (
        SELECT id FROM streams WHERE node IS NOT NULL AND lease_at < now() - $1::interval
        ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
    )""",
)

# In the order of ids, as everybody who locks several.
SAVE = """
WITH mine AS (
    SELECT s.id, i.viewers, i.peak, i.total
    FROM streams s JOIN unnest($2::bigint[], $3::int[], $4::int[], $5::int[])
        AS i (id, viewers, peak, total) ON i.id = s.id
    WHERE s.node = $1 ORDER BY s.id FOR NO KEY UPDATE OF s
)
UPDATE streams s SET lease_at = now(), viewers = mine.viewers, peak_viewers = mine.peak,
    total_viewers = mine.total
FROM mine WHERE s.id = mine.id
RETURNING s.id
"""

RECLAIM = """
UPDATE streams SET state = 'interrupted', lease_at = now(), viewers = 0
WHERE node = $1
RETURNING id, owner_id, room_id
"""

ON_OF = "SELECT id FROM streams WHERE owner_id = ANY($1::bigint[]) AND node IS NOT NULL"


class Numbers(NamedTuple):
    """How many watch, the most there were at once, and all who have watched."""

    viewers: int = 0
    peak: int = 0
    total: int = 0


class Placed(NamedTuple):
    """A stream, whose it is, and its chat."""

    stream: Id
    owner: Id
    room: Id


class Begun(NamedTuple):
    """A stream has gone live. `fresh`: it was not merely interrupted."""

    place: Placed
    fresh: bool
    numbers: Numbers


async def go_live(
    connection: asyncpg.Connection, stream: Id, *, node: int, at: datetime
) -> Begun | None:
    """A publisher sends to a process: the stream is on, or on again. None: it is deleted."""
    row = await connection.fetchrow(GO_LIVE, stream, node, at)
    if row is None:
        return None
    numbers = Numbers(0, row["peak_viewers"], row["total_viewers"])
    return Begun(_placed(row), row["fresh"], numbers)


async def interrupt(
    connection: asyncpg.Connection, stream: Id, *, node: int, numbers: Numbers
) -> bool:
    """The publisher is gone from a process, for now. Returns False if the stream is not live."""
    return await connection.fetchval(INTERRUPT, stream, node, *numbers) is not None


async def end(
    connection: asyncpg.Connection, stream: Id, *, node: int, at: datetime, numbers: Numbers
) -> bool:
    """A stream that a process has is over. Returns False if it has it not."""
    _, peak, total = numbers
    return await connection.fetchval(END, stream, node, at, peak, total) is not None


async def end_anywhere(
    connection: asyncpg.Connection, stream: Id, *, at: datetime
) -> Placed | None:
    """A stream is to be over, whoever has it. None: it is not on."""
    row = await connection.fetchrow(END_ANYWHERE, stream, at)
    return None if row is None else _placed(row)


async def end_abandoned(connection: asyncpg.Connection, *, silent_for: timedelta) -> list[Placed]:
    """End the streams of processes that have said nothing for so long."""
    return [_placed(row) for row in await connection.fetch(END_ABANDONED, silent_for)]


async def save(
    connection: asyncpg.Connection, node: int, numbers: Sequence[tuple[Id, Numbers]]
) -> set[Id]:
    """A process has these streams still, with these numbers.

    Returns:
        Those that it has. The others are ended or deleted, or another process has them.
    """
    if not numbers:
        return set()
    ids = [stream for stream, _ in numbers]
    columns = [list(column) for column in zip(*(of for _, of in numbers), strict=True)]
    return {Id(row["id"]) for row in await connection.fetch(SAVE, node, ids, *columns)}


async def reclaim(connection: asyncpg.Connection, node: int) -> list[Placed]:
    """A process starts: what it had on air when it ended is interrupted. Returns what."""
    return [_placed(row) for row in await connection.fetch(RECLAIM, node)]


async def on_of(connection: asyncpg.Connection, *owners: Id) -> list[Id]:
    """The streams of accounts that are on."""
    return [Id(row["id"]) for row in await connection.fetch(ON_OF, list(owners))]


def _placed(row: asyncpg.Record) -> Placed:
    return Placed(Id(row["id"]), Id(row["owner_id"]), Id(row["room_id"]))
