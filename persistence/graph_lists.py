"""Lists of the graph, page by page: the newest follow first.

A page ends at a follow's id, so that what comes in meanwhile moves nobody to another page.
"""

from typing import NamedTuple

import asyncpg

from persistence.people import (
    AUTHOR_COLUMNS,
    NOT_BLOCKED,
    RELATIONSHIP_COLUMNS,
    RELATIONSHIP_JOINS,
    person_of,
)
from persistence.visibility import FOLLOWS
from protocol.ids import Id
from protocol.posts import Person


class Listed(NamedTuple):
    """An entry of a list, and its place there."""

    position: Id
    person: Person


# $1 sees the list of $2, from below $3 on.
_PAGE = f"""
SELECT f.id, {AUTHOR_COLUMNS}, {RELATIONSHIP_COLUMNS}
FROM follows f
JOIN accounts a ON a.id = f.{{whom}}
JOIN profiles pr ON pr.account_id = a.id
{RELATIONSHIP_JOINS}
WHERE {{which}} AND f.id < $3 AND {NOT_BLOCKED}
ORDER BY f.id DESC LIMIT $4
"""

FOLLOWERS = _PAGE.format(whom="follower_id", which="f.followee_id = $2 AND f.accepted")
FOLLOWING = _PAGE.format(whom="followee_id", which="f.follower_id = $2 AND f.accepted")
REQUESTS = _PAGE.format(whom="follower_id", which="f.followee_id = $2 AND NOT f.accepted")
FRIENDS = _PAGE.format(
    whom="followee_id",
    which="""f.follower_id = $2 AND f.accepted AND EXISTS (
        SELECT FROM follows back
        WHERE (back.follower_id, back.followee_id) = (f.followee_id, f.follower_id)
            AND back.accepted
    )""",
)
KNOWN_FOLLOWERS = _PAGE.format(
    whom="followee_id",
    which="""f.follower_id = $1 AND f.accepted AND EXISTS (
        SELECT FROM follows known
        WHERE (known.follower_id, known.followee_id) = (f.followee_id, $2) AND known.accepted
    )""",
)

MAY_BE_LISTED = f"""
SELECT EXISTS (
    SELECT FROM accounts a JOIN profiles pr ON pr.account_id = a.id
    WHERE a.id = $2 AND (
        a.id = $1
        OR {NOT_BLOCKED} AND (
            pr.visibility = 'public' OR {FOLLOWS.format(viewer="$1", author="a.id")}
        )
        OR (SELECT moderator FROM accounts WHERE id = $1)
    )
)
"""


async def may_be_listed(connection: asyncpg.Connection, viewer: Id, account: Id) -> bool:
    """Whether an account may see whom another one follows, and who follows that one."""
    may: bool = await connection.fetchval(MAY_BE_LISTED, viewer, account)
    return may


async def followers(
    connection: asyncpg.Connection, viewer: Id, account: Id, *, before: int, limit: int
) -> list[Listed]:
    """Who follows an account.

    Args:
        viewer: who sees the list: those whom it has blocked, or who have blocked it, are not in it.
        before: only follows with a lower id.
    """
    return await _page(connection, FOLLOWERS, viewer, account, before, limit)


async def following(
    connection: asyncpg.Connection, viewer: Id, account: Id, *, before: int, limit: int
) -> list[Listed]:
    """Whom an account follows; the arguments are those of `followers`."""
    return await _page(connection, FOLLOWING, viewer, account, before, limit)


async def known_followers(
    connection: asyncpg.Connection, viewer: Id, account: Id, *, before: int, limit: int
) -> list[Listed]:
    """Whom the viewer follows of those who follow an account, as `followers`."""
    return await _page(connection, KNOWN_FOLLOWERS, viewer, account, before, limit)


async def friends(
    connection: asyncpg.Connection, account: Id, *, before: int, limit: int
) -> list[Listed]:
    """With whom an account follows each other: whom it followed last comes first."""
    return await _page(connection, FRIENDS, account, account, before, limit)


async def requests(
    connection: asyncpg.Connection, account: Id, *, before: int, limit: int
) -> list[Listed]:
    """Who asks to follow an account."""
    return await _page(connection, REQUESTS, account, account, before, limit)


async def _page(
    connection: asyncpg.Connection, query: str, viewer: Id, account: Id, before: int, limit: int
) -> list[Listed]:
    rows = await connection.fetch(query, viewer, account, before, limit)
    return [Listed(Id(row["id"]), person_of(row, viewer)) for row in rows]
