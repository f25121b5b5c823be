"""Posts come out, are held back, and let out again: with all that counts and lists them."""

from datetime import datetime, timedelta
from typing import NamedTuple

import asyncpg
from msgspec.structs import replace

from persistence import posts
from persistence.jobs import enqueue
from persistence.posts import FAN_OUT, PREVIEW, PUBLISH_DUE, StoredPost
from protocol.ids import Id
from protocol.posts import PostStatus, PostType, Visibility

COUNT_POST = """
UPDATE profiles SET posts = posts + $2 WHERE account_id = $1 RETURNING pulled
"""
COUNT_SHARE = "UPDATE post_counters SET shares = shares + $2 WHERE post_id = $1"

COUNTERS = "INSERT INTO post_counters (post_id) VALUES ($1) ON CONFLICT DO NOTHING"

UNTAG = "DELETE FROM post_tags WHERE post_id = $1 AND tag <> ALL($2::text[])"
TAG = """
INSERT INTO post_tags (tag, position, post_id, author_id)
SELECT tag, $2, $1, $3 FROM unnest($4::text[]) AS tag
ON CONFLICT DO NOTHING
"""
UNMENTION = "DELETE FROM post_mentions WHERE post_id = $1 AND account_id <> ALL($2::bigint[])"
MENTION = """
INSERT INTO post_mentions (account_id, position, post_id)
SELECT account, $2, $1 FROM unnest($3::bigint[]) AS account
ON CONFLICT DO NOTHING
"""

# One that is being delivered begins anew: whoever got a timeline while it was held back has it not.
PENDING = """
INSERT INTO feed_pending (post_id, author_id, position)
SELECT $1, $2, $3 FROM profiles WHERE account_id = $2 AND NOT pulled
ON CONFLICT (post_id) DO UPDATE SET reached = 0
RETURNING post_id
"""
NOT_PENDING = "DELETE FROM feed_pending WHERE post_id = $1"

DUE = """
SELECT id FROM posts WHERE status = 'scheduled' AND publish_at <= $1 ORDER BY publish_at LIMIT $2
"""


class _Listed(NamedTuple):
    tags: tuple[str, ...]
    mentions: tuple[Id, ...]


async def publish(
    connection: asyncpg.Connection, post: StoredPost, *, position: Id, at: datetime
) -> StoredPost:
    """Bring a draft or a scheduled post out. In a transaction, with the post locked.

    Args:
        position: freshly minted: its place in timelines.
        at: now.

    Returns:
        The post as it is now.
    """
    out = replace(
        post, status=PostStatus.PUBLISHED, position=position, published_at=at, publish_at=None
    )
    await posts.update(connection, out)
    await bring_out(connection, out)
    return out


async def bring_out(connection: asyncpg.Connection, post: StoredPost) -> None:
    """Count and list a post that has just been written as published, and bring it to timelines."""
    await count(connection, post, 1)
    await connection.execute(COUNTERS, post.id)
    await _list(connection, post)
    if post.type is PostType.POLL and post.published_at is not None:
        await posts.open_poll(connection, post.id, post.published_at)
    if post.link is not None:
        await look_at_link(connection, post.link)
    await fan_out(connection, post)


async def count(connection: asyncpg.Connection, post: StoredPost, by: int) -> None:
    """Count a post where published ones are counted: 1, or -1 when it is so no longer."""
    await connection.execute(COUNT_POST, post.author_id, by)
    if post.shared_id is not None:
        await connection.execute(COUNT_SHARE, post.shared_id, by)


async def fan_out(connection: asyncpg.Connection, post: StoredPost) -> None:
    """Have a published post brought to the timelines of those who follow its author.

    Nobody is brought what is private; the posts of accounts with very many followers are read
    when those look.
    """
    if post.visibility is Visibility.PRIVATE:
        return
    if await connection.fetchval(PENDING, post.id, post.author_id, post.position):
        await enqueue(connection, FAN_OUT, str(post.id).encode())


async def look_at_link(connection: asyncpg.Connection, link: str) -> None:
    """Have it looked what the page behind a link says of itself."""
    await enqueue(connection, PREVIEW, link.encode())


async def relist(connection: asyncpg.Connection, before: StoredPost, after: StoredPost) -> None:
    """Keep the lists up with a post that is out, and whose text or visibility has changed."""
    listed = _listed(after)
    if listed != _listed(before):
        await connection.execute(UNTAG, after.id, listed.tags)
        await connection.execute(UNMENTION, after.id, listed.mentions)
        await _list(connection, after)
    if after.visibility is Visibility.PRIVATE:
        await connection.execute(NOT_PENDING, after.id)


async def schedule(connection: asyncpg.Connection, post: Id, after: timedelta) -> None:
    """Have a post published after a time, if it is still scheduled then."""
    await enqueue(connection, PUBLISH_DUE, str(post).encode(), after=after)


async def due(connection: asyncpg.Connection, now: datetime, *, limit: int) -> list[Id]:
    """Scheduled posts whose time has come, the longest overdue first."""
    return [Id(row["id"]) for row in await connection.fetch(DUE, now, limit)]


async def _list(connection: asyncpg.Connection, post: StoredPost) -> None:
    tags, mentions = _listed(post)
    if tags:
        await connection.execute(TAG, post.id, post.position, post.author_id, tags)
    if mentions:
        await connection.execute(MENTION, post.id, post.position, mentions)


def _listed(post: StoredPost) -> _Listed:
    """What a post is listed under. What is private is in nobody's lists."""
    if post.visibility is Visibility.PRIVATE:
        return _Listed((), ())
    return _Listed(post.tags, post.mentions)
