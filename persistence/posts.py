"""Posts as their authors write them: the rows, and the keys that make a repeat harmless.

How they come out, change, are shared and go: post_publication, post_edits, post_shares,
post_deletion. How they are read: post_reader, post_lists.

The locks that statements about posts take, in this order, so that no two wait for each other:
posts, a shared one before its shares; profiles, in the order of their ids; counters; whatever hangs
on these.
"""

from collections.abc import Sequence
from datetime import datetime

import asyncpg
from msgspec import Struct

from persistence.seen_post import no_such_post, require_seen
from persistence.visibility import visible
from protocol.errors import NONCE_CONFLICT, PlazaError
from protocol.ids import Id
from protocol.posts import PostStatus, PostType, Visibility

FAN_OUT = "timeline.fan_out"
"""The job that brings a published post to timelines. Its payload is the post's id in decimal."""

PUBLISH_DUE = "post.publish_due"
"""The job that publishes a scheduled post at its time. Its payload is the post's id in decimal."""

PREVIEW = "preview.fetch"
"""The job that looks what a page says of itself. Its payload is the address."""

PURPOSE = "post"
"""Of a post's uploads, in upload_uses."""


class StoredPost(Struct, frozen=True, kw_only=True):
    """A row of posts. The names are those of the columns.

    Attributes:
        is_share: it is a share without a text. No column: it has a row in post_shares.
    """

    id: Id
    author_id: Id
    position: Id | None = None
    type: PostType
    status: PostStatus
    visibility: Visibility
    content: str = ""
    warning: str | None = None
    link: str | None = None
    shared_id: Id | None = None
    media: tuple[Id, ...] = ()
    tags: tuple[str, ...] = ()
    mentions: tuple[Id, ...] = ()
    publish_at: datetime | None = None
    published_at: datetime | None = None
    edited_at: datetime | None = None
    edits: int = 0
    is_share: bool = False


COLUMNS = (
    "id, author_id, position, type, status, visibility, content, warning, link, shared_id, media, "
    "tags, mentions, publish_at, published_at, edited_at, edits"
)

INSERT = f"""
INSERT INTO posts ({COLUMNS})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
"""

UPDATE = """
UPDATE posts SET position = $3, status = $5, visibility = $6, content = $7, warning = $8,
    link = $9, media = $11, tags = $12, mentions = $13, publish_at = $14, published_at = $15,
    edited_at = $16, edits = $17
WHERE id = $1 AND author_id = $2 AND type = $4 AND shared_id IS NOT DISTINCT FROM $10::bigint
"""

_SELECTED = ", ".join(f"p.{column}" for column in COLUMNS.split(", "))

# Against everybody who hangs something on the post (a like, a comment, a share), which takes
# FOR KEY SHARE: after a deletion they see that it is deleted, or what they have added is seen here.
LOCK = f"""
SELECT {_SELECTED}, EXISTS (SELECT FROM post_shares s WHERE s.post_id = p.id) AS is_share
FROM posts p JOIN profiles pr ON pr.account_id = p.author_id
WHERE p.id = $2 AND {visible("$1")}
FOR UPDATE OF p
"""

LOCK_DUE = f"""
SELECT {_SELECTED}, false AS is_share FROM posts p
WHERE p.id = $1 AND p.status = 'scheduled' AND p.publish_at <= $2
FOR UPDATE SKIP LOCKED
"""

IS_MODERATOR = "SELECT moderator FROM accounts WHERE id = $1"

# Waits for a transaction that is about to write the same key.
CLAIM_KEY = """
INSERT INTO post_keys (author_id, key, post_id, digest) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING post_id
"""
KEY = "SELECT post_id, digest FROM post_keys WHERE (author_id, key) = ($1, $2)"

ACCOUNTS_NAMED = "SELECT id FROM accounts WHERE username = ANY($1::text[]) ORDER BY id"

ADD_POLL = """
WITH poll AS (
    INSERT INTO polls (post_id, multiple, closes_at, seconds) VALUES ($1, $2, $3, $4)
)
INSERT INTO poll_options (post_id, option, text)
SELECT $1, number - 1, text FROM unnest($5::text[]) WITH ORDINALITY AS option (text, number)
"""
# Of one whose post comes out: from now on it is open for so long.
OPEN_POLL = """
UPDATE polls SET closes_at = $2::timestamptz + seconds * interval '1 second'
WHERE post_id = $1 AND seconds IS NOT NULL
"""
POLL_TIME = "SELECT closes_at FROM polls WHERE post_id = $1 AND seconds IS NULL"


async def insert(connection: asyncpg.Connection, post: StoredPost) -> None:
    """Write a new post."""
    await connection.execute(INSERT, *_values(post))


async def update(connection: asyncpg.Connection, post: StoredPost) -> None:
    """Write what has changed of a post, which is locked."""
    await connection.execute(UPDATE, *_values(post))


async def lock(connection: asyncpg.Connection, viewer: Id, post: Id) -> StoredPost:
    """Lock a post that an account may see, until the end of the transaction.

    Others see a share without a text as long as they see what it shares.

    Raises:
        PlazaError: not_found.
    """
    row = await connection.fetchrow(LOCK, viewer, post)
    if row is None:
        raise no_such_post()
    found = stored(row)
    is_seen_by_itself = not found.is_share or found.author_id == viewer
    if (
        found.shared_id is not None
        and found.status is PostStatus.PUBLISHED
        and not is_seen_by_itself
    ):
        await require_seen(connection, viewer, found.shared_id)
    return found


async def lock_due(connection: asyncpg.Connection, post: Id, now: datetime) -> StoredPost | None:
    """Lock a post that is scheduled and due; None: it is not, or somebody else has it in hand."""
    row = await connection.fetchrow(LOCK_DUE, post, now)
    return None if row is None else stored(row)


async def is_moderator(connection: asyncpg.Connection, account: Id) -> bool:
    """Whether an account may hold posts back, and delete those of others."""
    return bool(await connection.fetchval(IS_MODERATOR, account))


async def claim_key(
    connection: asyncpg.Connection, author: Id, key: str, post: Id, digest: bytes
) -> Id:
    """Note under which key a post is about to be written, in the transaction that writes it.

    Args:
        digest: of what was asked for.

    Returns:
        The post of this key: `post`, or the one that was written before.

    Raises:
        PlazaError: nonce_conflict: something else was asked for with it.
    """
    if await connection.fetchval(CLAIM_KEY, author, key, post, digest):
        return post
    row = await connection.fetchrow(KEY, author, key)
    if row is None or row["digest"] != digest:
        raise PlazaError(NONCE_CONFLICT)
    return Id(row["post_id"])


async def accounts_named(connection: asyncpg.Connection, names: Sequence[str]) -> tuple[Id, ...]:
    """The accounts with these usernames; names that nobody has are left out."""
    if not names:
        return ()
    return tuple(Id(row["id"]) for row in await connection.fetch(ACCOUNTS_NAMED, list(names)))


async def add_poll(
    connection: asyncpg.Connection,
    post: Id,
    options: Sequence[str],
    *,
    multiple: bool,
    closes_at: datetime | None,
    seconds: int | None,
) -> None:
    """Give a post its poll.

    Args:
        closes_at, seconds: it is open until then, or for so long after it comes out; or for good.
    """
    await connection.execute(ADD_POLL, post, multiple, closes_at, seconds, list(options))


async def open_poll(connection: asyncpg.Connection, post: Id, at: datetime) -> None:
    """The post of a poll comes out."""
    await connection.execute(OPEN_POLL, post, at)


async def poll_end(connection: asyncpg.Connection, post: Id) -> datetime | None:
    """When the poll of a post closes, if that does not depend on when the post comes out."""
    closes_at: datetime | None = await connection.fetchval(POLL_TIME, post)
    return closes_at


def stored(row: asyncpg.Record) -> StoredPost:
    """A row with COLUMNS and is_share."""
    return StoredPost(
        id=Id(row["id"]),
        author_id=Id(row["author_id"]),
        position=_id(row["position"]),
        type=PostType(row["type"]),
        status=PostStatus(row["status"]),
        visibility=Visibility(row["visibility"]),
        content=row["content"],
        warning=row["warning"],
        link=row["link"],
        shared_id=_id(row["shared_id"]),
        media=tuple(map(Id, row["media"])),
        tags=tuple(row["tags"]),
        mentions=tuple(map(Id, row["mentions"])),
        publish_at=row["publish_at"],
        published_at=row["published_at"],
        edited_at=row["edited_at"],
        edits=row["edits"],
        is_share=row["is_share"],
    )


def _values(post: StoredPost) -> Sequence[object]:
    return [getattr(post, column) for column in COLUMNS.split(", ")]


def _id(number: int | None) -> Id | None:
    return None if number is None else Id(number)
