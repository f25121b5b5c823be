"""The post that somebody does something to: likes it, comments on it, votes.

The locks that such statements take, in this order, so that no two wait for each other: the post
(only against its removal), its counters or its poll, its comments, what belongs to these.
"""

import asyncpg

from persistence.visibility import shows_something, visible
from protocol.errors import FORBIDDEN, NOT_FOUND, PlazaError
from protocol.posts import PostStatus

_POST = f"""
    FROM posts p JOIN profiles pr ON pr.account_id = p.author_id
    WHERE p.id = $2 AND {visible("$1")} AND {shows_something("$1")}
"""

SEEN = f"seen AS (SELECT p.id, p.status {_POST} FOR KEY SHARE OF p)"
"""For WITH: the post $2, if the account $1 may see it."""

IS_SEEN = f"SELECT EXISTS (SELECT {_POST})"


def no_such_post() -> PlazaError:
    """What is said of a post that is not there, or that the viewer may not see."""
    return PlazaError(NOT_FOUND, "There is no such post.")


def require_published(status: str) -> None:
    """Check the status of a post that was found. Raises PlazaError forbidden."""
    if status != PostStatus.PUBLISHED:
        raise PlazaError(FORBIDDEN, "This post is not published. Wait until it is.")


async def require_seen(connection: asyncpg.Connection, viewer: int, post: int) -> None:
    """Check that an account may see a post. Raises PlazaError not_found."""
    if not await connection.fetchval(IS_SEEN, viewer, post):
        raise no_such_post()
