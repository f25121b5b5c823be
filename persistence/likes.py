"""Who likes a post."""

from datetime import UTC, datetime
from typing import NamedTuple

import asyncpg

from persistence.post_reader import AUTHOR, author_of
from persistence.seen_post import SEEN, no_such_post, require_published, require_seen
from persistence.visibility import not_blocked
from protocol.ids import MAX_ID, Id
from protocol.posts import Author, Counters


class LikePosition(NamedTuple):
    """A place in the list of those who like a post, newest first."""

    at: datetime
    account: Id


NEWEST = LikePosition(datetime(9999, 12, 31, tzinfo=UTC), Id(MAX_ID))
"""The beginning of every such list."""

# The counters are locked before the like is written: who likes and unlikes at once waits here,
# holding nothing that the other one needs.
_RESULT = """
SELECT s.status, coalesce(n.likes, c.likes) AS likes, c.comments, c.shares,
    n.likes IS NOT NULL AS changed
FROM seen s LEFT JOIN counters c ON true LEFT JOIN counted n ON true
"""

LIKE = f"""
WITH {SEEN}, counters AS (
    SELECT c.* FROM seen s JOIN post_counters c ON c.post_id = s.id WHERE s.status = 'published'
    FOR NO KEY UPDATE OF c
), added AS (
    INSERT INTO post_likes (post_id, account_id) SELECT post_id, $1 FROM counters
    ON CONFLICT DO NOTHING RETURNING post_id
), counted AS (
    UPDATE post_counters c SET likes = c.likes + 1 FROM added WHERE c.post_id = added.post_id
    RETURNING c.likes
)
{_RESULT}
"""

UNLIKE = f"""
WITH {SEEN}, counters AS (
    SELECT c.* FROM seen s JOIN post_counters c ON c.post_id = s.id FOR NO KEY UPDATE OF c
), removed AS (
    DELETE FROM post_likes l USING counters c
    WHERE (l.post_id, l.account_id) = (c.post_id, $1) RETURNING l.post_id
), counted AS (
    UPDATE post_counters c SET likes = c.likes - 1 FROM removed WHERE c.post_id = removed.post_id
    RETURNING c.likes
)
{_RESULT}
"""

LIKERS = f"""
SELECT l.account_id AS author_id, l.at, {AUTHOR}
FROM post_likes l
JOIN accounts a ON a.id = l.account_id
JOIN profiles pr ON pr.account_id = l.account_id
WHERE l.post_id = $2 AND (l.at, l.account_id) < ($3, $4)
    AND {not_blocked(viewer="$1", author="l.account_id")}
ORDER BY l.at DESC, l.account_id DESC
LIMIT $5
"""


class Liked(NamedTuple):
    """What became of a like. `changed`: not what it was before."""

    counters: Counters
    changed: bool


async def like(connection: asyncpg.Connection, account: Id, post: Id) -> Liked:
    """Let an account like a post.

    Raises:
        PlazaError: not_found; forbidden: it is not published.
    """
    row = await connection.fetchrow(LIKE, account, post)
    if row is None:
        raise no_such_post()
    require_published(row["status"])
    return _liked(row, liked=True)


async def unlike(connection: asyncpg.Connection, account: Id, post: Id) -> Liked:
    """Let an account like a post no longer. Raises PlazaError not_found."""
    row = await connection.fetchrow(UNLIKE, account, post)
    if row is None:
        raise no_such_post()
    return _liked(row, liked=False)


async def likers(
    connection: asyncpg.Connection, viewer: Id, post: Id, *, after: LikePosition, limit: int
) -> list[tuple[Author, LikePosition]]:
    """Who likes a post, newest first, and where each stands in the list.

    Those who have blocked the viewer, or whom the viewer has blocked, are left out.

    Raises:
        PlazaError: not_found.
    """
    await require_seen(connection, viewer, post)
    rows = await connection.fetch(LIKERS, viewer, post, *after, limit)
    return [(author_of(row), LikePosition(row["at"], Id(row["author_id"]))) for row in rows]


def _liked(row: asyncpg.Record, *, liked: bool) -> Liked:
    counters = Counters(
        likes=row["likes"], comments=row["comments"], shares=row["shares"], liked=liked
    )
    return Liked(counters, row["changed"])
