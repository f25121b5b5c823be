"""Comments on posts, and answers to them, as deep as people like.

What changes which comments a post has locks the counters of the post first. So threads change one
after the other, and what is found under that lock stays so. Likes do not take it: they lock their
comment.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import asyncpg

from persistence.comment_reader import SEEN_COMMENT, UNHIDDEN, no_such_comment
from persistence.seen_post import SEEN, no_such_post, require_published
from protocol.errors import MESSAGE_DELETED, NONCE_CONFLICT, PlazaError
from protocol.ids import Id

# --- writing ---------------------------------------------------------------------------------

CLAIM = """
INSERT INTO comment_keys (author_id, key, comment_id, digest) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING true
"""
CLAIMED = "SELECT comment_id, digest FROM comment_keys WHERE (author_id, key) = ($1, $2)"

# {} is an expression for usernames.
_NAMED = "ARRAY(SELECT x.id FROM accounts x WHERE x.username = ANY({}::text[]) ORDER BY x.id)"

ADD = f"""
WITH {SEEN}, counted AS (
    UPDATE post_counters c SET comments = c.comments + 1 FROM seen s
    WHERE c.post_id = s.id AND s.status = 'published'
    RETURNING c.post_id
), parent AS (
    UPDATE comments m SET replies = m.replies + 1 FROM counted c
    WHERE (m.id, m.post_id) = ($4, c.post_id) AND m.deleted_at IS NULL AND {UNHIDDEN}
    RETURNING m.id
), added AS (
    INSERT INTO comments (id, post_id, author_id, parent_id, content, mentions)
    SELECT $3, c.post_id, $1, $4, $5, {_NAMED.format("$6")}
    FROM counted c WHERE $4::bigint IS NULL OR EXISTS (SELECT FROM parent)
    RETURNING id
)
SELECT s.status, EXISTS (SELECT FROM added) AS added FROM seen s
"""

IS_TOMBSTONE = f"""
SELECT EXISTS (
    SELECT FROM comments m
    WHERE (m.id, m.post_id) = ($3, $2) AND m.deleted_at IS NOT NULL AND {UNHIDDEN}
)
"""


class NewComment(NamedTuple):
    """A comment to be written.

    Attributes:
        id: if it is not there yet.
        post, parent: what it answers.
        content: checked.
        names: usernames that it mentions.
    """

    id: Id
    post: Id
    author: Id
    parent: Id | None
    content: str
    names: Sequence[str]


async def claim(
    connection: asyncpg.Connection, author: Id, key: str, comment: Id, digest: bytes
) -> Id:
    """Let a key stand for a comment that is about to be written, in one transaction with it.

    Args:
        digest: of what is written.

    Returns:
        The comment that the key stands for: `comment`, or the one of the first time.

    Raises:
        PlazaError: nonce_conflict: something else was written then.
    """
    if await connection.fetchval(CLAIM, author, key, comment, digest):
        return comment
    first = await connection.fetchrow(CLAIMED, author, key)
    if first is None or first["digest"] != digest:
        raise PlazaError(NONCE_CONFLICT)
    return Id(first["comment_id"])


async def add(connection: asyncpg.Connection, new: NewComment) -> None:
    """Write a comment. In a transaction, which must be rolled back when this raises.

    Raises:
        PlazaError: not_found: no such post or parent; forbidden: the post is not published;
            message_deleted: the parent is a tombstone.
    """
    row = await connection.fetchrow(
        ADD, new.author, new.post, new.id, new.parent, new.content, list(new.names)
    )
    if row is None:
        raise no_such_post()
    require_published(row["status"])
    if not row["added"]:
        gone = await connection.fetchval(IS_TOMBSTONE, new.author, new.post, new.parent)
        raise _deleted() if gone else no_such_comment()


# --- changing and deleting -------------------------------------------------------------------

PLACE = f"""
WITH {SEEN_COMMENT}
SELECT s.post_id, s.author_id, s.host, s.deleted, a.moderator
FROM seen s JOIN accounts a ON a.id = $1
"""

EDIT = f"""
UPDATE comments SET content = $2, mentions = {_NAMED.format("$3")}, edited_at = $4
WHERE id = $1 AND deleted_at IS NULL AND content <> $2
"""

UNCOUNT = "UPDATE post_counters SET comments = comments - 1 WHERE post_id = $1"
# Sorted, for the planner to take the index: where most comments are answers to one it would find
# its first answer by reading the table.
LOCK = """
SELECT m.parent_id,
    (SELECT y.id FROM comments y WHERE y.parent_id = m.id ORDER BY y.id LIMIT 1) IS NOT NULL
        AS answered
FROM comments m WHERE m.id = $1 AND m.deleted_at IS NULL
FOR UPDATE
"""
BURY = """
UPDATE comments SET content = '', mentions = '{}', edited_at = NULL, likes = 0, deleted_at = $2
WHERE id = $1
"""
UNLIKE_ALL = "DELETE FROM comment_likes WHERE comment_id = $1"
UNANSWER = "UPDATE comments SET replies = replies - 1 WHERE id = $1"
# Up from the comment, tombstones with no other answer than the one that goes. What is counted stops
# at two; NOT EXISTS would be planned as a join with the whole table, and so would IN.
REMOVE = """
WITH RECURSIVE gone (id, parent_id) AS (
    SELECT id, parent_id FROM comments WHERE id = $1
    UNION ALL
    SELECT m.id, m.parent_id FROM gone JOIN comments m ON m.id = gone.parent_id
    WHERE m.deleted_at IS NOT NULL
        AND (
            SELECT count(*)
            FROM (SELECT FROM comments y WHERE y.parent_id = m.id ORDER BY y.id LIMIT 2) answers
        ) = 1
)
DELETE FROM comments WHERE id = ANY(ARRAY(SELECT id FROM gone))
"""


class Place(NamedTuple):
    """Where a comment that stands belongs, and whose it is. `host`: who wrote the post."""

    post: Id
    author: Id
    host: Id
    viewer_is_moderator: bool


async def place_of(connection: asyncpg.Connection, viewer: Id, comment: Id) -> Place:
    """Where a comment belongs. Raises PlazaError not_found, message_deleted."""
    row = await connection.fetchrow(PLACE, viewer, comment)
    if row is None:
        raise no_such_comment()
    if row["deleted"]:
        raise _deleted()
    return Place(Id(row["post_id"]), Id(row["author_id"]), Id(row["host"]), row["moderator"])


async def edit(
    connection: asyncpg.Connection,
    comment: Id,
    content: str,
    names: Sequence[str],
    *,
    at: datetime,
) -> None:
    """Replace a comment's text; the same text changes nothing.

    Args:
        names: usernames that it mentions now.
        at: the time of the edit.
    """
    await connection.execute(EDIT, comment, content, list(names), at)


async def remove(connection: asyncpg.Connection, post: Id, comment: Id, *, at: datetime) -> None:
    """Delete a comment on a post. In a transaction, to be rolled back when this raises.

    With answers it becomes a tombstone. Without it is removed, and with it the tombstones above it
    that have no other answers.

    Args:
        at: the time of the deletion.

    Raises:
        PlazaError: message_deleted: somebody else was faster.
    """
    await connection.execute(UNCOUNT, post)
    row = await connection.fetchrow(LOCK, comment)
    if row is None:
        raise _deleted()
    if row["answered"]:
        await connection.execute(BURY, comment, at)
        await connection.execute(UNLIKE_ALL, comment)
    if row["parent_id"] is not None:
        await connection.execute(UNANSWER, row["parent_id"])
    if not row["answered"]:
        await connection.execute(REMOVE, comment)


def _deleted() -> PlazaError:
    return PlazaError(
        MESSAGE_DELETED, "The comment has been deleted. Nothing more can be done with it."
    )


# --- likes -----------------------------------------------------------------------------------

# The comment is locked before the like is written: its removal takes the likes with it, in the
# same order.
_LOCKED = """comment AS (
    SELECT m.id FROM seen s JOIN comments m ON m.id = s.id WHERE m.deleted_at IS NULL
    FOR NO KEY UPDATE OF m
)"""

LIKE = f"""
WITH {SEEN_COMMENT}, {_LOCKED}, added AS (
    INSERT INTO comment_likes (comment_id, account_id)
    SELECT c.id, $1 FROM comment c JOIN seen s ON s.id = c.id WHERE s.status = 'published'
    ON CONFLICT DO NOTHING RETURNING comment_id
), counted AS (
    UPDATE comments m SET likes = m.likes + 1 FROM added WHERE m.id = added.comment_id
)
SELECT s.status, EXISTS (SELECT FROM comment) AS stands FROM seen s
"""

UNLIKE = f"""
WITH {SEEN_COMMENT}, {_LOCKED}, removed AS (
    DELETE FROM comment_likes l USING comment c
    WHERE (l.comment_id, l.account_id) = (c.id, $1) RETURNING l.comment_id
), counted AS (
    UPDATE comments m SET likes = m.likes - 1 FROM removed WHERE m.id = removed.comment_id
)
SELECT EXISTS (SELECT FROM comment) AS stands FROM seen s
"""


async def like(connection: asyncpg.Connection, account: Id, comment: Id) -> None:
    """Let an account like a comment.

    Raises:
        PlazaError: not_found, message_deleted; forbidden: the post is not published.
    """
    row = await connection.fetchrow(LIKE, account, comment)
    if row is None:
        raise no_such_comment()
    require_published(row["status"])
    if not row["stands"]:
        raise _deleted()


async def unlike(connection: asyncpg.Connection, account: Id, comment: Id) -> None:
    """Let an account like a comment no longer. Raises PlazaError not_found, message_deleted."""
    row = await connection.fetchrow(UNLIKE, account, comment)
    if row is None:
        raise no_such_comment()
    if not row["stands"]:
        raise _deleted()
