"""The posts that an account wants to find again. Nobody else is told."""

from typing import NamedTuple

import asyncpg

from persistence.post_reader import visible_posts
from persistence.seen_post import SEEN, no_such_post
from persistence.visibility import visible
from protocol.ids import Id
from protocol.posts import Post

ADD = f"""
WITH {SEEN}, added AS (
    INSERT INTO bookmarks (account_id, post_id, id) SELECT $1, seen.id, $3 FROM seen
    ON CONFLICT DO NOTHING
)
SELECT EXISTS (SELECT FROM seen)
"""

REMOVE = f"""
WITH {SEEN}, removed AS (
    DELETE FROM bookmarks b USING seen WHERE (b.account_id, b.post_id) = ($1, seen.id)
)
SELECT EXISTS (SELECT FROM seen)
"""

LIST = f"""
SELECT b.id, b.post_id
FROM bookmarks b
JOIN posts p ON p.id = b.post_id
JOIN profiles pr ON pr.account_id = p.author_id
WHERE b.account_id = $1 AND b.id < $2 AND {visible("$1")}
ORDER BY b.id DESC
LIMIT $3
"""


class BookmarkPage(NamedTuple):
    """A part of the list. `last`: the id of its last bookmark; None: there are no older ones."""

    posts: list[Post]
    last: Id | None


async def bookmark(connection: asyncpg.Connection, account: Id, post: Id, *, id: Id) -> None:
    """Put a post on an account's list; if it is there already, it stays where it is.

    Args:
        id: the bookmark's, if it is a new one.

    Raises:
        PlazaError: not_found.
    """
    if not await connection.fetchval(ADD, account, post, id):
        raise no_such_post()


async def unbookmark(connection: asyncpg.Connection, account: Id, post: Id) -> None:
    """Take a post from an account's list. Raises PlazaError not_found."""
    if not await connection.fetchval(REMOVE, account, post):
        raise no_such_post()


async def bookmarks(
    connection: asyncpg.Connection, account: Id, *, before: int, limit: int
) -> BookmarkPage:
    """The posts on an account's list, the last one put there first.

    What the account may not see, or not at present, is left out.

    Args:
        before: the id of a bookmark: the list goes on after it.
    """
    rows = await connection.fetch(LIST, account, before, limit + 1)
    page = rows[:limit]
    found = await visible_posts(connection, account, [Id(row["post_id"]) for row in page])
    posts = [found[row["post_id"]] for row in page if row["post_id"] in found]
    return BookmarkPage(posts, Id(page[-1]["id"]) if len(rows) > limit else None)
