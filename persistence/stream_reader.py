"""Streams as others see them: rows to records, lists, and whom news of them is for."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import asyncpg

from persistence.media_rows import MEDIA_JSON, StoredMedia, media_of
from persistence.post_reader import AUTHOR, author_of
from persistence.stream_visibility import visible_stream
from persistence.visibility import FOLLOWS, MUTED
from protocol.codec import load_json
from protocol.ids import MAX_ID, Id
from protocol.posts import Visibility
from protocol.streams import LiveOrder, Stream, StreamState, play_url
from protocol.times import FOREVER, from_ms, from_rfc3339, rfc3339, to_ms

COLUMNS = f"""
    s.id, s.owner_id AS author_id, s.room_id, s.title, s.description, s.category, s.visibility,
    s.state, s.created_at, s.started_at, s.ended_at, s.viewers, s.peak_viewers, s.total_viewers,
    {AUTHOR},
    CASE WHEN s.thumbnail_id IS NOT NULL THEN (
        SELECT {MEDIA_JSON} FROM uploads u WHERE u.id = s.thumbnail_id AND u.state = 'ready'
    )::text END AS thumbnail
"""
FROM = """
FROM streams s
JOIN accounts a ON a.id = s.owner_id AND a.deleted_at IS NULL
JOIN profiles pr ON pr.account_id = s.owner_id
"""

VISIBLE = f"SELECT {COLUMNS} {FROM} WHERE s.id = $2 AND {visible_stream()}"
ANY = f"SELECT {COLUMNS} {FROM} WHERE s.id = $1"
OWN = f"SELECT {COLUMNS} {FROM} WHERE s.owner_id = $1 AND s.id < $2 ORDER BY s.id DESC LIMIT $3"

# Few streams are on at a time (`streams_on`), so whichever order is asked for is sorted.
_LIVE = f"""
SELECT {COLUMNS} {FROM}
WHERE s.node IS NOT NULL AND {visible_stream()}
    AND NOT {MUTED.format(viewer="$1", author="s.owner_id")}
    AND ($2::text IS NULL OR lower(s.category) = lower($2))
    AND (NOT $3::boolean OR {FOLLOWS.format(viewer="$1", author="s.owner_id")})
    AND {{below}} ORDER BY {{key}} DESC, s.id DESC LIMIT $6
"""
LIVE_BY_VIEWERS = _LIVE.format(below="(s.viewers, s.id) < ($4::bigint, $5)", key="s.viewers")
LIVE_BY_TIME = _LIVE.format(
    below="(s.started_at, s.id) < ($4::timestamptz, $5)", key="s.started_at"
)

# Whether others than its owner may see it is asked of all of them at once.
SEEING = f"""
SELECT w.viewer
FROM unnest($2::bigint[]) AS w (viewer)
CROSS JOIN (
    SELECT s.* FROM streams s JOIN accounts a ON a.id = s.owner_id
    WHERE s.id = $1 AND a.deleted_at IS NULL
) s
JOIN profiles pr ON pr.account_id = s.owner_id
WHERE {visible_stream("w.viewer")}
"""
AUDIENCE = f"""
{SEEING} AND (
    EXISTS (
        SELECT FROM room_members m WHERE (m.room_id, m.account_id) = (s.room_id, w.viewer)
    )
    OR {FOLLOWS.format(viewer="w.viewer", author="s.owner_id")}
        AND NOT {MUTED.format(viewer="w.viewer", author="s.owner_id")}
)
"""

MEMBERS_AMONG = """
SELECT account_id FROM room_members WHERE room_id = $1 AND account_id = ANY($2::bigint[])
"""


class LivePlace(NamedTuple):
    """Where a page of the live list ends: a stream's viewers or start (Unix ms), and its id."""

    key: int
    stream: Id


TOP = LivePlace(to_ms(from_rfc3339(FOREVER)), Id(MAX_ID))
"""Above all of them, in either order."""


class LiveWish(NamedTuple):
    """Which live streams are wanted.

    Attributes:
        category: those of it alone, whatever its case; None: of any.
        followed: those of accounts alone that the viewer follows.
    """

    order: LiveOrder = LiveOrder.VIEWERS
    category: str | None = None
    followed: bool = False


async def visible(connection: asyncpg.Connection, viewer: Id, stream: Id) -> Stream | None:
    """A stream, if an account may see it; NOBODY: if anybody may."""
    row = await connection.fetchrow(VISIBLE, viewer, stream)
    return None if row is None else _stream_of(row)


async def for_all(connection: asyncpg.Connection, stream: Id) -> Stream | None:
    """A stream as it is pushed: whether somebody may see it is for the caller to ask."""
    row = await connection.fetchrow(ANY, stream)
    return None if row is None else _stream_of(row)


async def own(
    connection: asyncpg.Connection, owner: Id, *, before: int, limit: int
) -> list[Stream]:
    """The streams of an account with lower ids, the newest first."""
    return [_stream_of(row) for row in await connection.fetch(OWN, owner, before, limit)]


async def live(
    connection: asyncpg.Connection, viewer: Id, wish: LiveWish, *, after: LivePlace, limit: int
) -> list[Stream]:
    """The streams that are on, as an account sees them, but for accounts that it has muted."""
    by_viewers = wish.order is LiveOrder.VIEWERS
    rows = await connection.fetch(
        LIVE_BY_VIEWERS if by_viewers else LIVE_BY_TIME,
        *(viewer, wish.category, wish.followed),
        after.key if by_viewers else from_ms(after.key),
        *(after.stream, limit),
    )
    return [_stream_of(row) for row in rows]


def place_of(stream: Stream, order: LiveOrder) -> LivePlace:
    """Where a page ends that has this stream, as `live` gave it, for its last."""
    if order is LiveOrder.VIEWERS or stream.started_at is None:
        return LivePlace(stream.viewers, stream.id)
    return LivePlace(to_ms(from_rfc3339(stream.started_at)), stream.id)


async def seeing(connection: asyncpg.Connection, stream: Id, viewers: Collection[Id]) -> set[Id]:
    """Those of the accounts (NOBODY for all without one) that may see and watch a stream."""
    return {Id(row["viewer"]) for row in await connection.fetch(SEEING, stream, list(viewers))}


async def audience(connection: asyncpg.Connection, stream: Id, accounts: Sequence[Id]) -> list[Id]:
    """Those of the accounts that are told of a stream.

    They follow its owner and have not muted them, or are in its chat; and may see it.
    """
    return [Id(row["viewer"]) for row in await connection.fetch(AUDIENCE, stream, accounts)]


async def members_among(
    connection: asyncpg.Connection, room: Id, accounts: Collection[Id]
) -> set[Id]:
    """Those of the accounts that are members of a room."""
    rows = await connection.fetch(MEMBERS_AMONG, room, list(accounts))
    return {Id(row["account_id"]) for row in rows}


def _stream_of(row: asyncpg.Record) -> Stream:
    return Stream(
        id=Id(row["id"]),
        owner=author_of(row),
        title=row["title"],
        description=row["description"],
        category=row["category"],
        visibility=Visibility(row["visibility"]),
        state=StreamState(row["state"]),
        room=Id(row["room_id"]),
        play_url=play_url(Id(row["id"])),
        created_at=rfc3339(row["created_at"]),
        thumbnail=media_of(load_json(row["thumbnail"], StoredMedia)) if row["thumbnail"] else None,
        started_at=rfc3339(row["started_at"]) if row["started_at"] else None,
        ended_at=rfc3339(row["ended_at"]) if row["ended_at"] else None,
        viewers=row["viewers"],
        peak_viewers=row["peak_viewers"],
        total_viewers=row["total_viewers"],
    )
