"""Comments as one account sees them: the one place where rows become `protocol.posts.Comment`.

Comments of those who have blocked the viewer, or whom the viewer has blocked, are left out, and
with them the answers to them; moderators see all.
"""

import asyncpg

from persistence.post_reader import AUTHOR, NOBODY, author_of
from persistence.seen_post import require_seen
from persistence.visibility import not_blocked, shows_something, visible
from protocol.codec import load_json
from protocol.errors import NOT_FOUND, PlazaError
from protocol.ids import Id, minted_at_ms
from protocol.posts import Comment
from protocol.records import User
from protocol.times import from_ms, rfc3339

UNHIDDEN = f"""(
    {not_blocked(viewer="$1", author="m.author_id")}
    OR (SELECT moderator FROM accounts WHERE id = $1)
)"""
"""The condition that the account $1, who sees the post, also sees its comment `m`."""

COLUMNS = f"""
    m.id, m.post_id, m.parent_id, m.content, m.edited_at, m.deleted_at, m.likes, m.replies,
    m.author_id, {AUTHOR},
    EXISTS (SELECT FROM comment_likes l WHERE (l.comment_id, l.account_id) = (m.id, $1)) AS liked,
    CASE WHEN m.mentions <> '{{}}' THEN (
        SELECT jsonb_agg(jsonb_build_object('id', x.id::text, 'username', x.username) ORDER BY x.id)
        FROM accounts x WHERE x.id = ANY(m.mentions)
    )::text END AS mentions
"""

FROM = """
FROM comments m
LEFT JOIN accounts a ON a.id = m.author_id
LEFT JOIN profiles pr ON pr.account_id = m.author_id
"""

_POST = f"""
    JOIN posts p ON p.id = m.post_id
    JOIN profiles host ON host.account_id = p.author_id
    WHERE m.id = $2 AND {visible("$1", profile="host")} AND {shows_something("$1")} AND {UNHIDDEN}
"""

SEEN_COMMENT = f"""seen AS (
    SELECT m.id, m.post_id, m.author_id, m.deleted_at IS NOT NULL AS deleted, p.status,
        p.author_id AS host
    FROM comments m {_POST}
    FOR KEY SHARE OF p
)"""
"""For WITH: the comment $2, if the account $1 may see it. The post is locked: see seen_post."""

ONE = f"SELECT {COLUMNS} {FROM} {_POST}"
ANY = f"SELECT {COLUMNS} {FROM} WHERE m.id = $2 AND m.deleted_at IS NULL"
TOP = f"""
SELECT {COLUMNS} {FROM} WHERE m.post_id = $2 AND m.parent_id IS NULL AND m.id > $3 AND {UNHIDDEN}
ORDER BY m.id LIMIT $4
"""
IS_PARENT = f"""
SELECT EXISTS (SELECT FROM comments m WHERE (m.id, m.post_id) = ($3, $2) AND {UNHIDDEN})
"""
ANSWERS = f"""
SELECT {COLUMNS} {FROM} WHERE m.parent_id = $2 AND m.id > $3 AND {UNHIDDEN}
ORDER BY m.id LIMIT $4
"""


def no_such_comment() -> PlazaError:
    """What is said of a comment that is not there, or that the viewer may not see."""
    return PlazaError(NOT_FOUND, "There is no such comment.")


async def visible_comment(connection: asyncpg.Connection, viewer: Id, comment: Id) -> Comment:
    """A comment, or what is left of it. Raises PlazaError not_found."""
    row = await connection.fetchrow(ONE, viewer, comment)
    if row is None:
        raise no_such_comment()
    return comment_of(row)


async def comment_for_all(connection: asyncpg.Connection, comment: Id) -> Comment | None:
    """A comment that stands, as it is pushed: without anything of a viewer's own.

    Whether somebody may see it is for the caller to ask.
    """
    row = await connection.fetchrow(ANY, NOBODY, comment)
    return None if row is None else comment_of(row)


async def comments_of_post(
    connection: asyncpg.Connection, viewer: Id, post: Id, *, after: int, limit: int
) -> list[Comment]:
    """The comments on a post that answer no other one, oldest first, of ids above `after`.

    Raises:
        PlazaError: not_found.
    """
    await require_seen(connection, viewer, post)
    return [comment_of(row) for row in await connection.fetch(TOP, viewer, post, after, limit)]


async def answers(
    connection: asyncpg.Connection, viewer: Id, post: Id, parent: Id, *, after: int, limit: int
) -> list[Comment]:
    """The direct answers to a comment on a post, oldest first, of ids above `after`.

    Raises:
        PlazaError: not_found.
    """
    await require_seen(connection, viewer, post)
    if not await connection.fetchval(IS_PARENT, viewer, post, parent):
        raise no_such_comment()
    rows = await connection.fetch(ANSWERS, viewer, parent, after, limit)
    return [comment_of(row) for row in rows]


def comment_of(row: asyncpg.Record) -> Comment:
    """A row with COLUMNS as a comment. A deleted one does not say whose it was."""
    id_, post = Id(row["id"]), Id(row["post_id"])
    at = rfc3339(from_ms(minted_at_ms(id_)))
    parent = None if row["parent_id"] is None else Id(row["parent_id"])
    if row["deleted_at"] is not None:
        return Comment(
            id=id_, post=post, at=at, parent=parent, deleted=True, replies=row["replies"]
        )
    return Comment(
        id=id_,
        post=post,
        at=at,
        parent=parent,
        author=author_of(row),
        content=row["content"],
        mentions=[] if row["mentions"] is None else load_json(row["mentions"], list[User]),
        edited_at=None if row["edited_at"] is None else rfc3339(row["edited_at"]),
        likes=row["likes"],
        replies=row["replies"],
        liked=row["liked"],
    )
