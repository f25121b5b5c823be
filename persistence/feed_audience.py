"""Whom what happens in feeds is for: asked for many accounts at once, of the database as it is now.

The conditions are those of persistence/visibility.py, with each of the accounts as the viewer.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import asyncpg
from msgspec import UNSET

from persistence.visibility import BLOCKED, MUTED, not_blocked, reached, visible
from protocol.feed_events import PostCounters
from protocol.ids import Id
from protocol.posts import Visibility


class Ask(NamedTuple):
    """May an account see a post, and (unless it is 0) a comment on it?"""

    post: Id
    viewer: Id
    comment: Id = Id(0)


class Sight(NamedTuple):
    """It may.

    Attributes:
        muted: but it has muted the author.
        shares_muted: the post shares one whose author it has muted.
        whole: it may also see what the post shares, if it shares something.
    """

    muted: bool = False
    shares_muted: bool = False
    whole: bool = True


Judge = Callable[[asyncpg.Connection, Sequence[Ask]], Awaitable[dict[Ask, Sight]]]
"""Returns those of the asks whose answer is yes."""

_MUTED = MUTED.format(viewer="w.viewer", author="p.author_id")
_SHARED = f"""EXISTS (
    SELECT FROM {{posts}} s JOIN {{profiles}} sp ON sp.account_id = s.author_id
    WHERE s.id = p.shared_id AND {visible("w.viewer", post="s", profile="sp")}
)"""
# As persistence/comment_reader.py has it: an answer goes with the comment that it answers.
_COMMENT_HIDDEN = f"""EXISTS (
    SELECT FROM comments m
    WHERE m.id IN (w.comment, (SELECT parent_id FROM comments WHERE id = w.comment))
        AND {BLOCKED.format(viewer="w.viewer", author="m.author_id")}
) AND NOT (SELECT moderator FROM accounts WHERE id = w.viewer)"""
# Answers as numbers of asks, in one row: a row each would cost ten times as much to read.
# The few posts of many asks are read once.
SEEING = f"""
WITH p AS MATERIALIZED (
    SELECT p.id, p.author_id, p.status, p.visibility, p.shared_id
    FROM posts p JOIN unnest($4::bigint[]) AS wanted (id) ON wanted.id = p.id
), shared AS MATERIALIZED (
    SELECT s.id, s.author_id, s.status, s.visibility FROM posts s
    JOIN (SELECT DISTINCT shared_id AS id FROM p) AS wanted ON wanted.id = s.id
), pr AS MATERIALIZED (
    SELECT account_id, visibility FROM profiles WHERE account_id = ANY(
        ARRAY(SELECT author_id FROM p UNION SELECT author_id FROM shared)
    )
)
SELECT array_agg(n) AS seeing,
    array_agg(n) FILTER (WHERE muted) AS muted,
    array_agg(n) FILTER (WHERE NOT whole) AS not_whole,
    array_agg(n) FILTER (WHERE whole AND shares_muted) AS shares_muted
FROM (
    SELECT w.n, {_MUTED} AS muted,
        p.shared_id IS NULL OR {_SHARED.format(posts="shared", profiles="pr")} AS whole,
        p.shared_id IS NOT NULL AND EXISTS (
            SELECT FROM shared s
            WHERE s.id = p.shared_id AND {MUTED.format(viewer="w.viewer", author="s.author_id")}
        ) AS shares_muted
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
        WITH ORDINALITY AS w (post, viewer, comment, n)
    JOIN p ON p.id = w.post
    JOIN pr ON pr.account_id = p.author_id
    WHERE {visible("w.viewer")} AND (w.comment = 0 OR NOT ({_COMMENT_HIDDEN}))
) AS answers
"""

_REACHED_BEFORE = reached(
    "w.was", viewer="w.viewer", author="w.author", is_open="pr.visibility = 'public'"
)
# A plain share shows nothing to those who cannot see what it shares, so they never saw it. The text
# of a deleted quote is gone, too: it is taken for one.
LOSING = f"""
SELECT array_agg(n) AS seeing, array_agg(n) FILTER (WHERE muted) AS muted,
    '{{}}'::bigint[] AS not_whole, '{{}}'::bigint[] AS shares_muted
FROM (
    SELECT w.n, {MUTED.format(viewer="w.viewer", author="w.author")} AS muted
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[])
        WITH ORDINALITY AS w (post, viewer, author, was, n)
    JOIN profiles pr ON pr.account_id = w.author
    WHERE (
        w.viewer = w.author
        OR {not_blocked(viewer="w.viewer", author="w.author")} AND ({_REACHED_BEFORE})
        OR w.was <> 'private' AND (SELECT moderator FROM accounts WHERE id = w.viewer)
    )
    AND NOT EXISTS (SELECT FROM posts p WHERE p.id = w.post AND {visible("w.viewer")})
    AND NOT EXISTS (
        SELECT FROM posts p
        WHERE p.id = w.post AND p.shared_id IS NOT NULL AND p.content = '' AND p.media = '{{}}'
            AND NOT {_SHARED.format(posts="posts", profiles="profiles")}
    )
) AS answers
"""

FOLLOWER_COUNTS = "SELECT account_id, followers FROM profiles WHERE account_id = ANY($1::bigint[])"
FOLLOWERS = """
SELECT followee_id, array_agg(follower_id) AS followers FROM follows
WHERE followee_id = ANY($1::bigint[]) AND accepted GROUP BY followee_id
"""
FOLLOWERS_AMONG = """
SELECT f.followee_id, array_agg(f.follower_id) AS followers
FROM unnest($1::bigint[]) AS author, unnest($2::bigint[]) AS follower
JOIN follows f ON f.follower_id = follower
WHERE f.followee_id = author AND f.accepted GROUP BY f.followee_id
"""

COUNTERS = """
SELECT c.post_id, c.likes, c.comments, c.shares, q.voters, (
    SELECT array_agg(o.votes ORDER BY o.option) FROM poll_options o WHERE o.post_id = q.post_id
) AS votes
FROM post_counters c LEFT JOIN polls q USING (post_id) WHERE c.post_id = ANY($1::bigint[])
"""


class Lost(NamedTuple):
    """A post that was visible to others: by whom it is, and for whom it was."""

    author: Id
    was: Visibility


async def seeing(connection: asyncpg.Connection, asks: Sequence[Ask]) -> dict[Ask, Sight]:
    """Which accounts may see what, now."""
    posts, viewers, comments = zip(*asks, strict=True)
    answers = await connection.fetchrow(SEEING, posts, viewers, comments, set(posts))
    return _answers(asks, answers)


def losing(lost: Mapping[Id, Lost]) -> Judge:
    """Which accounts could see posts, and cannot any more.

    Args:
        lost: those posts.
    """

    async def judge(connection: asyncpg.Connection, asks: Sequence[Ask]) -> dict[Ask, Sight]:
        posts, viewers, _ = zip(*asks, strict=True)
        authors = [lost[post].author for post in posts]
        was = [lost[post].was for post in posts]
        return _answers(asks, await connection.fetchrow(LOSING, posts, viewers, authors, was))

    return judge


def _answers(asks: Sequence[Ask], row: asyncpg.Record | None) -> dict[Ask, Sight]:
    assert row is not None, "an aggregate always has a row"
    muted, shares_muted, not_whole = (
        frozenset(row[column] or ()) for column in ("muted", "shares_muted", "not_whole")
    )
    return {
        asks[number - 1]: Sight(
            muted=number in muted,
            shares_muted=number in shares_muted,
            whole=number not in not_whole,
        )
        for number in row["seeing"] or ()
    }


async def followers_among(
    connection: asyncpg.Connection, authors: Collection[Id], accounts: Collection[Id]
) -> dict[Id, set[Id]]:
    """Who of some accounts follows each of the authors.

    An author is asked for all followers or the accounts are looked up one by one, whichever is less
    to read.
    """
    counts = await connection.fetch(FOLLOWER_COUNTS, list(authors))
    few = [row["account_id"] for row in counts if row["followers"] <= len(accounts)]
    many = [row["account_id"] for row in counts if row["followers"] > len(accounts)]
    found: dict[Id, set[Id]] = {}
    if few:
        wanted = set(accounts)
        for row in await connection.fetch(FOLLOWERS, few):
            found[Id(row["followee_id"])] = wanted.intersection(row["followers"])
    if many:
        for row in await connection.fetch(FOLLOWERS_AMONG, many, list(accounts)):
            found[Id(row["followee_id"])] = set(row["followers"])
    return found


async def counters_of(connection: asyncpg.Connection, posts: Sequence[Id]) -> list[PostCounters]:
    """The counters of posts, as they are pushed."""
    return [
        PostCounters(
            post=Id(row["post_id"]),
            likes=row["likes"],
            comments=row["comments"],
            shares=row["shares"],
            votes=UNSET if row["votes"] is None else row["votes"],
            voters=UNSET if row["voters"] is None else row["voters"],
        )
        for row in await connection.fetch(COUNTERS, posts)
    ]
