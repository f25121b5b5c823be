"""What trends: how names were used, counted by SQL, and the lists that come of it.

Counted is what everybody may see: published, public posts of open profiles.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import asyncpg

from persistence.post_reader import visible_posts
from persistence.visibility import MUTED, not_blocked
from protocol.codec import dump_json, load_json
from protocol.ids import Id, first_id_at, minted_at_ms
from protocol.times import from_ms
from protocol.trends import PostTrend, Span, TagTrend, TrendReason

_OPEN = """p.status = 'published' AND p.visibility = 'public' AND EXISTS (
    SELECT FROM profiles pr WHERE pr.account_id = p.author_id AND pr.visibility = 'public'
)"""


class Recent(NamedTuple):
    """A name that was used of late.

    Attributes:
        slices: (number, accounts): how many took part last in a slice of the span, from 0, the
            oldest.
        born_ms: of a post: when it was published, in Unix milliseconds; of a tag: 0.
    """

    name: str
    slices: list[tuple[int, int]]
    born_ms: int


# $1: ids between the slices. $2, $3: of the span. $4: accounts at least.
RECENT_TAGS = f"""
WITH latest AS (
    SELECT t.tag AS name, max(width_bucket(t.position, $1::bigint[])) AS slice
    FROM post_tags t JOIN posts p ON p.id = t.post_id
    WHERE t.position >= $2 AND t.position < $3 AND {_OPEN}
    GROUP BY t.tag, t.author_id
), slices AS (
    SELECT name, slice, count(*) AS accounts FROM latest GROUP BY name, slice
)
SELECT name, array_agg(slice) AS slices, array_agg(accounts) AS accounts, 0::bigint AS position
FROM slices GROUP BY name HAVING sum(accounts) >= $4
"""

# $1: ids between the windows. $2, $3: of all windows. $4: tags.
TAGS_BEFORE = f"""
SELECT t.tag AS name, count(DISTINCT (t.author_id, width_bucket(t.position, $1::bigint[]))) AS n
FROM post_tags t JOIN posts p ON p.id = t.post_id
WHERE t.tag = ANY($4::text[]) AND t.position >= $2 AND t.position < $3 AND {_OPEN}
GROUP BY t.tag
"""

# Who has taken part in which post, and when, as a number by the ids or times between the parts of
# a span of time: $1 and $5. The author of a post does not count.
_TAKING_PART = """
    SELECT l.post_id, l.account_id, width_bucket(l.at, $5::timestamptz[]) AS part
    FROM post_likes l WHERE l.at >= $6 AND l.at < $7 {likes}
    UNION ALL
    SELECT c.post_id, c.author_id, width_bucket(c.id, $1::bigint[])
    FROM comments c WHERE c.id >= $2 AND c.id < $3 AND c.deleted_at IS NULL {comments}
    UNION ALL
    SELECT s.shared_id, s.author_id, width_bucket(s.position, $1::bigint[])
    FROM posts s
    WHERE s.position >= $2 AND s.position < $3 AND s.shared_id IS NOT NULL
        AND s.status = 'published' {shares}
"""

# A post that was scheduled has a position above its id: looked for are ids of the last 30 days.
RECENT_POSTS = f"""
WITH taking_part AS ({
    _TAKING_PART.format(likes="", comments="", shares="AND s.id >= $8 AND s.id < $3")
}), latest AS (
    SELECT t.post_id, p.position, max(t.part) AS slice
    FROM taking_part t JOIN posts p ON p.id = t.post_id
    WHERE t.account_id <> p.author_id AND {_OPEN}
    GROUP BY t.post_id, p.position, t.account_id
), slices AS (
    SELECT post_id, position, slice, count(*) AS accounts FROM latest
    GROUP BY post_id, position, slice
)
SELECT post_id::text AS name, position, array_agg(slice) AS slices, array_agg(accounts) AS accounts
FROM slices GROUP BY post_id, position HAVING sum(accounts) >= $4
"""

POSTS_BEFORE = f"""
WITH taking_part AS ({
    _TAKING_PART.format(
        likes="AND l.post_id = ANY($4::bigint[])",
        comments="AND c.post_id = ANY($4::bigint[])",
        shares="AND s.shared_id = ANY($4::bigint[])",
    )
})
SELECT t.post_id::text AS name, count(DISTINCT (t.account_id, t.part)) AS n
FROM taking_part t JOIN posts p ON p.id = t.post_id
WHERE t.account_id <> p.author_id
GROUP BY t.post_id
"""

_LATE_MS = 30 * 86_400_000


async def recent_tags(
    connection: asyncpg.Connection, bounds: Sequence[int], span: Span, now_ms: int, *, least: int
) -> list[Recent]:
    """The tags that at least `least` accounts have used in a span.

    Args:
        bounds: the times between its slices, ascending, in Unix milliseconds.
    """
    start, end = first_id_at(now_ms - span.milliseconds), first_id_at(now_ms)
    rows = await connection.fetch(RECENT_TAGS, _ids(bounds), start, end, least)
    return [_recent(row) for row in rows]


async def tags_before(
    connection: asyncpg.Connection, bounds: Sequence[int], tags: Sequence[str]
) -> dict[str, int]:
    """How many accounts have used tags in the windows between times, all windows added up.

    Args:
        bounds: the times, ascending, in Unix milliseconds.
    """
    ids = _ids(bounds)
    rows = await connection.fetch(TAGS_BEFORE, ids, ids[0], ids[-1], list(tags))
    return {row["name"]: row["n"] for row in rows}


async def recent_posts(
    connection: asyncpg.Connection, bounds: Sequence[int], span: Span, now_ms: int, *, least: int
) -> list[Recent]:
    """The posts that at least `least` others have liked, commented or shared in a span."""
    start = now_ms - span.milliseconds
    rows = await connection.fetch(
        RECENT_POSTS,
        *(_ids(bounds), first_id_at(start), first_id_at(now_ms), least, _times(bounds)),
        *(from_ms(start), from_ms(now_ms), first_id_at(start - _LATE_MS)),
    )
    return [_recent(row) for row in rows]


async def posts_before(
    connection: asyncpg.Connection, bounds: Sequence[int], posts: Sequence[str]
) -> dict[str, int]:
    """As `tags_before`, of posts by their ids in decimal."""
    ids, times = _ids(bounds), _times(bounds)
    rows = await connection.fetch(
        POSTS_BEFORE,
        *(ids, ids[0], ids[-1], [int(post) for post in posts], times, times[0], times[-1]),
    )
    return {row["name"]: row["n"] for row in rows}


def _recent(row: asyncpg.Record) -> Recent:
    slices = list(zip(row["slices"], row["accounts"], strict=True))
    return Recent(row["name"], slices, minted_at_ms(row["position"]) if row["position"] else 0)


def _ids(bounds: Sequence[int]) -> list[int]:
    return [first_id_at(bound) for bound in bounds]


def _times(bounds: Sequence[int]) -> list[datetime]:
    return [from_ms(bound) for bound in bounds]


# --- the lists -------------------------------------------------------------------------------

# Two that refresh at once, one after the other; who reads waits for neither.
LOCK = "LOCK TABLE trends IN SHARE ROW EXCLUSIVE MODE"

CLEAR = "DELETE FROM trends WHERE kind = $1 AND span = $2"

FILL = """
INSERT INTO trends (kind, span, rank, name, score, why, at)
SELECT $1, $2, i.rank, i.name, i.score, i.why::jsonb, $6
FROM unnest($3::text[], $4::double precision[], $5::text[])
    WITH ORDINALITY AS i (name, score, why, rank)
"""


async def replace(
    connection: asyncpg.Connection,
    kind: str,
    span: Span,
    trends: Sequence[tuple[str, float, TrendReason]],
    *,
    at: datetime,
) -> None:
    """Replace the list of a kind, 'tag' or 'post', and span, in a transaction.

    Args:
        trends: (name, score, why), the strongest first.
    """
    names, scores, whys = [], [], []
    for name, score, why in trends:
        names.append(name)
        scores.append(score)
        whys.append(dump_json(why))
    async with connection.transaction():
        await connection.execute(LOCK)
        await connection.execute(CLEAR, kind, span.value)
        await connection.execute(FILL, kind, span.value, names, scores, whys, at)


TAGS = """
SELECT name, score, why::text AS why FROM trends
WHERE kind = 'tag' AND span = $1 ORDER BY rank LIMIT $2
"""

# What has been hidden since the list was made is left out. The CASE: other kinds' names are no ids.
POSTS = f"""
SELECT p.id, t.score, t.why::text AS why
FROM trends t
JOIN posts p ON p.id = CASE WHEN t.kind = 'post' THEN t.name::bigint END
WHERE t.kind = 'post' AND t.span = $2 AND {_OPEN}
    AND {not_blocked(viewer="$1", author="p.author_id")}
    AND NOT {MUTED.format(viewer="$1", author="p.author_id")}
ORDER BY t.rank LIMIT $3
"""


async def trending_tags(
    connection: asyncpg.Connection, span: Span, *, limit: int
) -> list[TagTrend]:
    """The tags that trend, the strongest first."""
    return [
        TagTrend(tag=row["name"], score=round(row["score"], 3), why=_reason(row["why"]))
        for row in await connection.fetch(TAGS, span.value, limit)
    ]


async def trending_posts(
    connection: asyncpg.Connection, viewer: Id, span: Span, *, limit: int
) -> list[PostTrend]:
    """The posts that trend, the strongest first, as an account sees them.

    Those of accounts that it has blocked or muted, or that have blocked it, are left out.
    """
    rows = await connection.fetch(POSTS, viewer, span.value, limit)
    posts = await visible_posts(connection, viewer, [Id(row["id"]) for row in rows])
    return [
        PostTrend(post=posts[row["id"]], score=round(row["score"], 3), why=_reason(row["why"]))
        for row in rows
        if row["id"] in posts
    ]


def _reason(stored: str) -> TrendReason:
    return load_json(stored, TrendReason)
