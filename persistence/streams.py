"""Streams as their owners make them: the rows, their keys, and what they show.

How others see them: stream_reader. What becomes of them while they are on: stream_air.
"""

from datetime import datetime

import asyncpg
from msgspec import Struct

from persistence import uploads
from persistence.stream_visibility import visible_stream
from persistence.uploads import Use
from protocol.errors import BAD_REQUEST, NOT_FOUND, PlazaError
from protocol.ids import Id
from protocol.posts import MediaKind, Visibility

PURPOSE = "stream"
"""Of a stream's thumbnail, in upload_uses."""

NO_SUCH_STREAM = "There is no such stream, or you may not see it."


class StoredStream(Struct, frozen=True, kw_only=True):
    """What its owner says of a stream. The names are those of the columns."""

    id: Id
    owner_id: Id
    room_id: Id
    title: str
    description: str = ""
    category: str = ""
    visibility: Visibility = Visibility.PUBLIC
    thumbnail_id: Id | None = None


CREATE = """
INSERT INTO streams (
    id, owner_id, room_id, title, description, category, visibility, thumbnail_id, key_hash,
    created_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""

# Two that are made at once are counted one after the other.
LOCK_OWNER = "SELECT FROM accounts WHERE id = $1 FOR NO KEY UPDATE"
COUNT = "SELECT count(*) FROM streams WHERE owner_id = $1"

OF_ROOM = "SELECT id FROM streams WHERE (room_id, owner_id) = ($1, $2)"

LOCK = f"""
SELECT s.id, s.owner_id, s.room_id, s.title, s.description, s.category, s.visibility,
    s.thumbnail_id
FROM streams s JOIN profiles pr ON pr.account_id = s.owner_id
WHERE s.id = $2 AND {visible_stream("$1")}
FOR NO KEY UPDATE OF s
"""

UPDATE = """
UPDATE streams SET title = $2, description = $3, category = $4, visibility = $5, thumbnail_id = $6
WHERE id = $1
"""

SET_KEY = "UPDATE streams SET key_hash = $2 WHERE id = $1"
# Of an account that is deleted the streams are about to go.
KEY_HASH = """
SELECT s.key_hash FROM streams s JOIN accounts a ON a.id = s.owner_id
WHERE s.id = $1 AND a.deleted_at IS NULL
"""

DELETE = "DELETE FROM streams WHERE id = $1"
# Nobody finds it by the stream any more: it stays with those who are in it.
CLOSE_CHAT = "UPDATE rooms SET kind = 'group' WHERE id = ANY($1::bigint[]) AND kind = 'channel'"


async def create(
    connection: asyncpg.Connection, stream: StoredStream, *, key_hash: bytes, at: datetime
) -> None:
    """Write a new stream, in the transaction that makes its chat.

    Raises:
        PlazaError: bad_request: its thumbnail is no image of the owner's that is ready.
    """
    await _show_thumbnail(connection, stream)
    await connection.execute(
        CREATE,
        *(stream.id, stream.owner_id, stream.room_id),
        *_shown(stream),
        key_hash,
        at,
    )


async def count_of(connection: asyncpg.Connection, owner: Id) -> int:
    """How many streams an account has; in a transaction: until its end nobody adds one."""
    await connection.execute(LOCK_OWNER, owner)
    count: int = await connection.fetchval(COUNT, owner)
    return count


async def of_room(connection: asyncpg.Connection, room: Id, owner: Id) -> Id | None:
    """The stream of an account whose chat a room is; None: there is none."""
    stream = await connection.fetchval(OF_ROOM, room, owner)
    return None if stream is None else Id(stream)


async def lock(connection: asyncpg.Connection, viewer: Id, stream: Id) -> StoredStream:
    """Lock a stream that an account may see, until the end of the transaction.

    Raises:
        PlazaError: not_found.
    """
    row = await connection.fetchrow(LOCK, viewer, stream)
    if row is None:
        raise no_such_stream()
    return StoredStream(
        id=Id(row["id"]),
        owner_id=Id(row["owner_id"]),
        room_id=Id(row["room_id"]),
        title=row["title"],
        description=row["description"],
        category=row["category"],
        visibility=Visibility(row["visibility"]),
        thumbnail_id=None if row["thumbnail_id"] is None else Id(row["thumbnail_id"]),
    )


async def update(
    connection: asyncpg.Connection, stream: StoredStream, *, other_thumbnail: bool
) -> None:
    """Write what has changed of a stream, which is locked.

    Args:
        other_thumbnail: that, too.

    Raises:
        PlazaError: bad_request, as `create`.
    """
    if other_thumbnail:
        await uploads.unuse(connection, PURPOSE, stream.id)
        await _show_thumbnail(connection, stream)
    await connection.execute(UPDATE, stream.id, *_shown(stream))


async def set_key(connection: asyncpg.Connection, stream: Id, key_hash: bytes) -> None:
    """Give a stream another key: the one before is good for nothing from the commit on."""
    await connection.execute(SET_KEY, stream, key_hash)


async def key_hash_of(connection: asyncpg.Connection, stream: Id) -> bytes | None:
    """The hash of a stream's key; None: there is no such stream."""
    key_hash: bytes | None = await connection.fetchval(KEY_HASH, stream)
    return key_hash


async def delete(connection: asyncpg.Connection, stream: Id, room: Id) -> None:
    """Delete a stream, in a transaction. Its chat becomes a group of those who are in it."""
    await uploads.unuse(connection, PURPOSE, stream)
    await connection.execute(DELETE, stream)
    await connection.execute(CLOSE_CHAT, [room])


def no_such_stream() -> PlazaError:
    """What is said of a stream that does not exist, or is hidden."""
    return PlazaError(NOT_FOUND, NO_SUCH_STREAM)


async def _show_thumbnail(connection: asyncpg.Connection, stream: StoredStream) -> None:
    upload = stream.thumbnail_id
    if upload is None:
        return
    media = (await uploads.attachable(connection, stream.owner_id, [upload])).get(upload)
    if media is None:
        raise PlazaError(
            BAD_REQUEST, f"Upload {upload} is not yours, or not ready. Wait until it is."
        )
    if media.kind is not MediaKind.IMAGE:
        raise PlazaError(BAD_REQUEST, f"Upload {upload} is of kind {media.kind}, not image.")
    await uploads.use(connection, [Use(upload, PURPOSE, stream.id)])


def _shown(stream: StoredStream) -> tuple[object, ...]:
    return (
        stream.title,
        stream.description,
        stream.category,
        stream.visibility.value,
        stream.thumbnail_id,
    )
