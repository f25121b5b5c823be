"""The former versions of posts."""

from typing import NamedTuple

import asyncpg

from persistence.media_rows import MEDIA_JSON, StoredMedia, media_of
from persistence.posts import StoredPost
from protocol.codec import load_json
from protocol.ids import Id
from protocol.posts import PostVersion
from protocol.times import rfc3339

KEEP = """
INSERT INTO post_edits (post_id, version, content, warning, link, media, at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""

# Of uploads that the post shows no longer, those that are still there.
VERSIONS = f"""
SELECT e.version, e.content, e.warning, e.link, e.at,
    CASE WHEN e.media <> '{{}}' THEN (
        SELECT jsonb_agg({MEDIA_JSON} ORDER BY array_position(e.media, u.id))
        FROM uploads u WHERE u.id = ANY(e.media) AND u.state = 'ready'
    )::text END AS media
FROM post_edits e WHERE e.post_id = $1 AND e.version < $2
ORDER BY e.version DESC LIMIT $3
"""


class Text(NamedTuple):
    """What of a post has versions."""

    content: str
    warning: str | None
    link: str | None
    media: tuple[Id, ...]


def text_of(post: StoredPost) -> Text:
    """The version of a post."""
    return Text(post.content, post.warning, post.link, post.media)


async def keep(connection: asyncpg.Connection, post: StoredPost) -> None:
    """Keep a post as it is, before it is edited."""
    at = post.edited_at or post.published_at
    await connection.execute(KEEP, post.id, post.edits + 1, *text_of(post), at)


async def versions(
    connection: asyncpg.Connection, post: Id, *, before: int, limit: int
) -> list[PostVersion]:
    """The former versions of a post below a number, the newest first.

    Whether somebody may see the post is for the caller to ask.
    """
    rows = await connection.fetch(VERSIONS, post, before, limit)
    return [_version_of(row) for row in rows]


def _version_of(row: asyncpg.Record) -> PostVersion:
    media = [] if row["media"] is None else load_json(row["media"], list[StoredMedia])
    return PostVersion(
        version=row["version"],
        at=rfc3339(row["at"]),
        content=row["content"],
        warning=row["warning"],
        link=row["link"],
        media=[media_of(each) for each in media],
    )
