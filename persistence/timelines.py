"""Home timelines: what an account's followees have published, and what it has itself.

Down to the timeline's floor, a look gathers places from where they are at that moment, in one
statement and so in one snapshot:

    timeline_entries    what has been delivered
    feed_pending        what is published and not delivered to everybody yet
    posts               the account's own; and of followees that are pulled, or whose posts have not
                        been written into this timeline yet

Below the floor, and for whoever has no timeline, it reads the posts of all followees.

Every post of a followee is in at least one of them, whatever is being delivered, filled, trimmed or
followed at the same time; the statements that move posts between them (here, timeline_fanout and
timeline_upkeep) say why. One that is in several comes once.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import asyncpg

from persistence import jobs
from persistence.post_lists import PageOfPosts, Place, visible_page
from protocol.ids import MAX_ID, Id
from protocol.posts import Post, PostStatus

REFILL = "timeline.refill"
"""The job that fills a timeline whose owner has come, or come back. Its payload is the account."""

UNFILLED = MAX_ID
"""The floor of a timeline that has nothing from before it was made: all is below it."""

# Asked of each row that is read, rather than joined: with a join the planner reads the whole
# timeline where the first entries would do, for it cannot know how few are asked for.
FOLLOWED = """(
    SELECT f.accepted FROM follows f WHERE (f.follower_id, f.followee_id) = ($1, {author})
)"""
NOT_MUTED = """(
    SELECT false FROM account_mutes m WHERE (m.account_id, m.other_id) = ($1, {author})
) IS NULL"""

# Posts of several authors `a`, the newest of each. Positions are ids, and never smaller than that
# of the post: the second bound leaves out the parts of the table that are newer.
_NEWEST_OF_EACH = """
CROSS JOIN LATERAL (
    SELECT p.position, p.id AS post_id FROM posts p
    WHERE p.author_id = a.author_id AND p.status = 'published'
        AND p.position < $2 AND p.id < $2{since}
    ORDER BY p.position DESC LIMIT $3
) o
"""

# $1: viewer. $2: below this position. $3: so many. $4: who looked last before has no timeline.
ABOVE = f"""
WITH line AS MATERIALIZED (
    SELECT coalesce(max(t.floor), {UNFILLED}) AS floor, max(t.active_at) AS looked_at,
        EXISTS (SELECT FROM account_mutes m WHERE m.account_id = $1) AS mutes
    FROM timelines t WHERE t.account_id = $1 AND t.active_at >= $4
), delivered AS MATERIALIZED (
    SELECT e.position, e.post_id FROM timeline_entries e
    WHERE e.account_id = $1 AND e.position < $2 AND e.position >= (SELECT floor FROM line)
        AND {FOLLOWED.format(author="e.author_id")} AND {NOT_MUTED.format(author="e.author_id")}
    ORDER BY e.position DESC LIMIT $3
), low AS MATERIALIZED (
    -- What else there is matters only above the last of these.
    SELECT CASE WHEN count(*) = $3 THEN min(position) ELSE (SELECT floor FROM line) END AS floor
    FROM delivered
), above AS MATERIALIZED (
    SELECT position, post_id FROM delivered
    UNION
    SELECT o.position, o.post_id
    FROM (
        SELECT $1::bigint AS author_id
        UNION
        SELECT f.followee_id FROM follows f
        WHERE f.follower_id = $1 AND f.accepted AND NOT f.backfilled
        UNION
        SELECT f.followee_id FROM follows f
        JOIN profiles pr ON pr.account_id = f.followee_id AND pr.pulled
        WHERE f.follower_id = $1 AND f.accepted
    ) a
    {_NEWEST_OF_EACH.format(since=" AND p.position >= (SELECT floor FROM low)")}
    WHERE (SELECT floor FROM low) < $2 AND {NOT_MUTED.format(author="a.author_id")}
    UNION
    SELECT d.position, d.post_id FROM feed_pending d
    WHERE d.position < $2 AND d.position >= (SELECT floor FROM low)
        AND {FOLLOWED.format(author="d.author_id")} AND {NOT_MUTED.format(author="d.author_id")}
    ORDER BY position DESC LIMIT $3
)
SELECT line.floor, line.looked_at, line.mutes, above.position, above.post_id
FROM line LEFT JOIN above ON true
ORDER BY above.position DESC
"""

# $2: below this position, at most the floor. $3: so many. Apart from the statement above, most of
# whose runs it would cost a quarter of their time without being needed. Posts are complete at any
# moment, so the two need not be of the same one.
BELOW = f"""
SELECT o.position, o.post_id
FROM (
    SELECT $1::bigint AS author_id
    UNION ALL
    SELECT f.followee_id FROM follows f WHERE f.follower_id = $1 AND f.accepted
) a
{_NEWEST_OF_EACH.format(since="")}
WHERE {NOT_MUTED.format(author="a.author_id")}
ORDER BY o.position DESC LIMIT $3
"""

MUTED = "SELECT other_id FROM account_mutes WHERE account_id = $1"


class HomePage(NamedTuple):
    """A part of a home timeline.

    Attributes:
        looked_at: the owner's look that was noted last; None: it has no timeline that is filled.
    """

    page: PageOfPosts
    looked_at: datetime | None


class Glance(NamedTuple):
    """Places of a home timeline, the newest first.

    Attributes:
        looked_at: as in HomePage.
        mutes: the owner has muted somebody.
    """

    places: list[Place]
    looked_at: datetime | None
    mutes: bool


class _Home:
    """A home timeline while a page of it is read."""

    def __init__(self, connection: asyncpg.Connection, viewer: Id, since: datetime) -> None:
        self._connection = connection
        self._viewer = viewer
        self._since = since
        self._muted: frozenset[int] = frozenset()
        self.looked_at: datetime | None = None

    async def places(self, before: int, limit: int) -> Sequence[Place]:
        """The newest places below a position."""
        found = await glance(
            self._connection, self._viewer, since=self._since, before=before, limit=limit
        )
        self.looked_at = found.looked_at
        if found.mutes and not self._muted:
            rows = await self._connection.fetch(MUTED, self._viewer)
            self._muted = frozenset(row["other_id"] for row in rows)
        return found.places

    def shows(self, post: Post) -> bool:
        """Whether a visible post is shown: not what is held back, nor shares of muted accounts'."""
        is_muted = post.shared is not None and post.shared.author.id in self._muted
        return post.status is PostStatus.PUBLISHED and not is_muted


async def latest(
    connection: asyncpg.Connection, viewer: Id, *, since: datetime, before: int, limit: int
) -> HomePage:
    """A page of an account's home timeline, the newest first.

    Args:
        since: timelines are filled of those who have looked since then.
        before: the position below which the page begins.
        limit: posts at most.
    """
    home = _Home(connection, viewer, since)
    page = await visible_page(
        connection, viewer, home.places, before=before, limit=limit, shows=home.shows
    )
    return HomePage(page, home.looked_at)


async def glance(
    connection: asyncpg.Connection, viewer: Id, *, since: datetime, before: int, limit: int
) -> Glance:
    """What may be in an account's home timeline; arguments are those of `latest`.

    Whether it may see the posts is for the caller to ask.
    """
    rows = await connection.fetch(ABOVE, viewer, before, limit, since)
    floor, looked_at, mutes, position, _ = rows[0]
    if position is None:
        rows = []
    if len(rows) < limit and floor > 0:
        rows += await connection.fetch(BELOW, viewer, min(before, floor), limit - len(rows))
    places = [Place(row["position"], Id(row["post_id"])) for row in rows]
    return Glance(places, looked_at, mutes)


# --- coming, and coming back -----------------------------------------------------------------

# The floor of a timeline that has not been filled meanwhile is put above everything, where that of
# a new one is: what is published after this commit is delivered, and REFILL_TIMELINE brings the
# rest. $4: no two looks are noted in so short a time.
NOTE = f"""
INSERT INTO timelines AS t (account_id, floor, active_at) VALUES ($1, {UNFILLED}, $2)
ON CONFLICT (account_id) DO UPDATE SET active_at = $2,
    floor = CASE WHEN t.active_at < $3 THEN {UNFILLED} ELSE t.floor END
WHERE t.active_at <= $4
RETURNING floor
"""

LOCK = "SELECT floor FROM timelines WHERE account_id = $1 FOR NO KEY UPDATE"

# The statement's snapshot is younger than the commit of NOTE. So a post that it does not see is
# delivered after that commit, to this timeline too; and a follow that it does not see is filled in
# after this transaction (timeline_fanout.backfill waits for the lock), or is still read at a look.
REFILL_TIMELINE = f"""
WITH newest AS MATERIALIZED (
    SELECT o.position, o.post_id, f.followee_id
    FROM follows f
    JOIN profiles pr ON pr.account_id = f.followee_id AND NOT pr.pulled
    CROSS JOIN LATERAL (
        SELECT p.position, p.id AS post_id FROM posts p
        WHERE p.author_id = f.followee_id AND p.status = 'published'
        ORDER BY p.position DESC LIMIT $2
    ) o
    WHERE f.follower_id = $1 AND f.accepted
    ORDER BY o.position DESC LIMIT $2
), written AS (
    INSERT INTO timeline_entries (account_id, position, post_id, author_id)
    SELECT $1, position, post_id, followee_id FROM newest
    ON CONFLICT DO NOTHING
)
UPDATE timelines SET floor = (
    SELECT CASE WHEN count(*) < $2 THEN 0 ELSE min(position) END FROM newest
)
WHERE account_id = $1 AND floor = {UNFILLED}
"""


async def note_look(
    connection: asyncpg.Connection,
    account: Id,
    *,
    now: datetime,
    since: datetime,
    noted_by: datetime,
) -> None:
    """Note that an account has looked at its home timeline, and have it filled if it is not.

    In a transaction.

    Args:
        since: as in `latest`.
        noted_by: nothing happens if a later look is noted.
    """
    floor = await connection.fetchval(NOTE, account, now, since, noted_by)
    if floor == UNFILLED:
        await jobs.enqueue(connection, REFILL, str(account).encode(), key=str(account))


async def refill(connection: asyncpg.Connection, account: Id, *, entries: int) -> None:
    """Fill a timeline with the newest posts of all followees. In a transaction.

    Args:
        entries: how many.
    """
    if await connection.fetchval(LOCK, account) == UNFILLED:
        await connection.execute(REFILL_TIMELINE, account, entries)
