"""Ranked home feeds: what they are ranked by, and the order in which one was shown.

The order is kept for the pages after the first, so that likes that arrive meanwhile move nothing
from a page that is still to come to one that was read.
"""

from collections.abc import Sequence
from typing import NamedTuple

import asyncpg

from persistence.post_lists import PageOfPosts, Place, visible_page
from persistence.timelines import FOLLOWED, NOT_MUTED
from persistence.visibility import visible
from protocol.ids import Id

KEPT = 4
"""Rankings of one account: of the feeds that it has open at the same time."""

COUNTED = 1_000
"""Of an account's likes, and of its comments, the newest: more say nothing new."""

# Of a post `p` in the viewer's feed, whose author may have been left or muted, and who may be
# sharing what somebody muted has written.
SHOWN = f"""
    p.status = 'published'
    AND (p.author_id = $1 OR {FOLLOWED.format(author="p.author_id")})
    AND {NOT_MUTED.format(author="p.author_id")}
    AND (p.shared_id IS NULL OR coalesce((
        SELECT {NOT_MUTED.format(author="s.author_id")} FROM posts s WHERE s.id = p.shared_id
    ), true))
"""

# Each post by itself, in the one part of the table that can have it, and each profile: for so many
# the planner would rather read all there are.
CANDIDATES = f"""
SELECT p.id, p.author_id, p.position,
    coalesce(c.likes, 0) AS likes, coalesce(c.comments, 0) AS comments,
    coalesce(c.shares, 0) AS shares
FROM unnest($2::bigint[]) AS wanted (id)
CROSS JOIN LATERAL (SELECT * FROM posts WHERE id = wanted.id LIMIT 1) p
CROSS JOIN LATERAL (SELECT * FROM profiles WHERE account_id = p.author_id LIMIT 1) pr
LEFT JOIN post_counters c ON c.post_id = CASE
    WHEN p.content = '' AND p.media = '{{}}' THEN coalesce(p.shared_id, p.id) ELSE p.id
END
WHERE {visible("$1")} AND {SHOWN}
"""

# What an account has liked and said, by author. $2: the first id of the time that counts. $3:
# COUNTED. Likes by the age of what is liked, which is in their index, rather than by their own.
DEEDS = """
SELECT author_id, sum(likes)::int AS likes, sum(comments)::int AS comments, bool_or(close) AS close
FROM (
    SELECT (SELECT p.author_id FROM posts p WHERE p.id = l.post_id) AS author_id,
        1 AS likes, 0 AS comments, false AS close
    FROM (
        SELECT post_id FROM post_likes WHERE account_id = $1 AND post_id >= $2
        ORDER BY post_id DESC LIMIT $3
    ) l
    UNION ALL
    SELECT (SELECT p.author_id FROM posts p WHERE p.id = m.post_id), 0, 1, false
    FROM (
        SELECT post_id, deleted_at FROM comments WHERE author_id = $1 AND id >= $2
        ORDER BY id DESC LIMIT $3
    ) m
    WHERE m.deleted_at IS NULL
    UNION ALL
    SELECT f.followee_id, 0, 0, true FROM follows f
    WHERE f.follower_id = $1 AND f.accepted AND f.close
) deed
WHERE author_id <> $1
GROUP BY author_id
"""

KEEP = """
WITH old AS (
    DELETE FROM feed_rankings WHERE id IN (
        SELECT id FROM feed_rankings WHERE account_id = $2 ORDER BY id DESC OFFSET $5 - 1
    )
)
INSERT INTO feed_rankings (id, account_id, posts, floor) VALUES ($1, $2, $3, $4)
"""

ORDER = """
SELECT cardinality(posts) AS posts, floor FROM feed_rankings WHERE (id, account_id) = ($1, $2)
"""

# Places are counted from the last post, 1, so that the list goes on below a place. What is not to
# be shown any more leaves a place without a post: 0.
PLACES = f"""
SELECT $3 - slice.nth AS position, coalesce(p.id, 0) AS id
FROM feed_rankings r
CROSS JOIN LATERAL (SELECT cardinality(r.posts) - $3::int + 2 AS first) AS at
CROSS JOIN LATERAL unnest(r.posts[at.first : at.first + $4::int - 1])
    WITH ORDINALITY AS slice (id, nth)
LEFT JOIN LATERAL (SELECT * FROM posts WHERE id = slice.id LIMIT 1) p ON {SHOWN}
WHERE (r.id, r.account_id) = ($2, $1)
ORDER BY slice.nth
"""


class Ranked(NamedTuple):
    """A post, and what it is ranked by. Of a share without a text: how often what it shares was."""

    post: Id
    author: Id
    position: int
    likes: int
    comments: int
    shares: int


class Deeds(NamedTuple):
    """What an account has done of late about an author's posts, and whether that one is close."""

    likes: int
    comments: int
    close: bool


class Order(NamedTuple):
    """An order that is kept: of so many posts. Below `floor` the feed goes on in that of time."""

    posts: int
    floor: int


async def candidates(
    connection: asyncpg.Connection, viewer: Id, posts: Sequence[Id]
) -> list[Ranked]:
    """What of these posts an account's home feed may show."""
    rows = await connection.fetch(CANDIDATES, viewer, posts)
    return [Ranked(Id(row["id"]), Id(row["author_id"]), *row[2:]) for row in rows]


async def deeds(connection: asyncpg.Connection, account: Id, *, since: Id) -> dict[Id, Deeds]:
    """What an account has done since an id was minted, by author."""
    rows = await connection.fetch(DEEDS, account, since, COUNTED)
    return {Id(row["author_id"]): Deeds(*row[1:]) for row in rows}


async def keep(
    connection: asyncpg.Connection, ranking: Id, account: Id, posts: Sequence[Id], *, floor: int
) -> None:
    """Keep the order in which an account is shown its feed, and KEPT of them in all."""
    await connection.execute(KEEP, ranking, account, posts, floor, KEPT)


async def order(connection: asyncpg.Connection, account: Id, ranking: Id) -> Order | None:
    """An order that is kept; None: not any more."""
    row = await connection.fetchrow(ORDER, ranking, account)
    return None if row is None else Order(*row)


async def page(
    connection: asyncpg.Connection, account: Id, ranking: Id, *, before: int, limit: int
) -> PageOfPosts:
    """A page of an order: the places below `before`, which are counted from its last post, 1."""

    async def places(below: int, most: int) -> Sequence[Place]:
        rows = await connection.fetch(PLACES, account, ranking, below, most)
        return [Place(row["position"], Id(row["id"])) for row in rows]

    return await visible_page(connection, account, places, before=before, limit=limit)
