"""Posts go: the row stays, empty, so that what hangs on its id finds that it is deleted."""

from collections.abc import Sequence
from typing import NamedTuple

import asyncpg

from persistence import uploads
from persistence.posts import PURPOSE, StoredPost
from protocol.ids import Id
from protocol.posts import PostStatus, Visibility

# Shares without a text show nothing when what they share is gone.
SHARES = """
SELECT p.id, p.author_id, p.status, p.visibility
FROM post_shares s JOIN posts p ON p.id = s.post_id
WHERE s.shared_id = $1 AND p.status <> 'deleted'
ORDER BY p.id
FOR UPDATE OF p
"""

LOCK_PROFILES = """
SELECT FROM profiles WHERE account_id = ANY($1::bigint[]) ORDER BY account_id FOR NO KEY UPDATE
"""
UNCOUNT_POSTS = """
UPDATE profiles pr SET posts = pr.posts - gone.posts
FROM (SELECT account, count(*) AS posts FROM unnest($1::bigint[]) AS account GROUP BY account) gone
WHERE pr.account_id = gone.account
"""
UNCOUNT_SHARE = "UPDATE post_counters SET shares = shares - 1 WHERE post_id = $1"

# In the order in which others lock them: persistence/posts.py, persistence/seen_post.py. What hangs
# on one of these goes with it. Keys stay, so that a late repeat does not post anew what is deleted.
DEPENDENT = tuple(
    f"DELETE FROM {table} WHERE post_id = ANY($1::bigint[])"
    for table in (
        "post_counters",
        "polls",
        "comments",
        "post_likes",
        "bookmarks",
        "post_tags",
        "post_mentions",
        "post_edits",
        "post_shares",
        "feed_pending",
    )
)

EMPTY = """
UPDATE posts SET status = 'deleted', content = '', warning = NULL, link = NULL, media = '{}',
    tags = '{}', mentions = '{}', publish_at = NULL
WHERE id = ANY($1::bigint[])
"""


class Gone(NamedTuple):
    """A post that others could see until now."""

    post: Id
    author: Id
    tags: Sequence[str]
    was: Visibility


async def delete(connection: asyncpg.Connection, post: StoredPost) -> list[Gone]:
    """Delete a post, and the shares of it that have no text. In a transaction, with it locked.

    Returns:
        What was published of these.
    """
    shares = await connection.fetch(SHARES, post.id)
    ids = [post.id, *(Id(row["id"]) for row in shares)]
    published = [
        Gone(Id(row["id"]), Id(row["author_id"]), (), Visibility(row["visibility"]))
        for row in shares
        if row["status"] == PostStatus.PUBLISHED
    ]
    if post.status is PostStatus.PUBLISHED:
        published.insert(0, Gone(post.id, post.author_id, post.tags, post.visibility))
    await _uncount(connection, post, [gone.author for gone in published])
    for statement in DEPENDENT:
        await connection.execute(statement, ids)
    await uploads.unuse(connection, PURPOSE, *ids)
    await connection.execute(EMPTY, ids)
    return published


async def _uncount(connection: asyncpg.Connection, post: StoredPost, authors: Sequence[Id]) -> None:
    await connection.execute(LOCK_PROFILES, authors)
    await connection.execute(UNCOUNT_POSTS, authors)
    if post.shared_id is not None and post.status is PostStatus.PUBLISHED:
        await connection.execute(UNCOUNT_SHARE, post.shared_id)
