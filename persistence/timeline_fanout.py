"""What is published, followed and left is written into timelines, in steps that may be repeated.

A post waits in feed_pending until all timelines have it, and is read from there by those whose turn
has not come. So a step may come late, or twice, or be cut short: nobody sees it.
"""

from datetime import datetime
from typing import NamedTuple

import asyncpg

from persistence.graph import Follow
from persistence.timelines import LOCK, UNFILLED
from protocol.ids import Id

# The row is locked by one step at a time, and with it `reached`.
PENDING = """
SELECT d.author_id, d.position, d.reached, pr.pulled
FROM feed_pending d JOIN profiles pr ON pr.account_id = d.author_id
WHERE d.post_id = $1 FOR UPDATE OF d
"""

# Followers by follows.id: who follows later is read until a backfill has come for them. That begins
# after the post was committed, as this statement did, and so sees it.
DELIVER = """
WITH batch AS MATERIALIZED (
    SELECT f.id, f.follower_id FROM follows f
    WHERE f.followee_id = $2 AND f.accepted AND f.id > $4 ORDER BY f.id LIMIT $5
), delivered AS (
    INSERT INTO timeline_entries (account_id, position, post_id, author_id)
    SELECT b.follower_id, $3, $1, $2
    FROM batch b JOIN timelines t ON t.account_id = b.follower_id
    WHERE t.active_at >= $6
    ON CONFLICT DO NOTHING
    RETURNING account_id
)
SELECT count(*) AS followers, max(id) AS reached, (SELECT count(*) FROM delivered) AS entries
FROM batch
"""
REACHED = "UPDATE feed_pending SET reached = $2 WHERE post_id = $1"
ARRIVED = "DELETE FROM feed_pending WHERE post_id = $1"


class Delivered(NamedTuple):
    """A step of a delivery.

    Attributes:
        entries: timelines that have the post now and had it not.
        more: there are followers left.
    """

    entries: int
    more: bool


async def deliver(
    connection: asyncpg.Connection, post: Id, *, followers: int, active_since: datetime
) -> Delivered:
    """Write a post into the timelines of some more followers of its author. In a transaction.

    Args:
        followers: how many at most, timeline or not.
        active_since: timelines are passed over whose owner has not looked since.
    """
    pending = await connection.fetchrow(PENDING, post)
    if pending is None:  # all have it, or it is not to be delivered any more
        return Delivered(0, more=False)
    # Of an account that is pulled by now every reader reads the posts themselves.
    if pending["pulled"]:
        await connection.execute(ARRIVED, post)
        return Delivered(0, more=False)
    [batch] = await connection.fetch(
        DELIVER,
        post,
        pending["author_id"],
        pending["position"],
        pending["reached"],
        followers,
        active_since,
    )
    more = batch["followers"] == followers
    if more:
        await connection.execute(REACHED, post, batch["reached"])
    else:
        await connection.execute(ARRIVED, post)
    return Delivered(batch["entries"], more)


# --- follows begin and end -------------------------------------------------------------------

# $3: from the timeline's floor on. $4: so many at most, and no more than one timeline keeps.
BACKFILL_ENTRIES = """
INSERT INTO timeline_entries (account_id, position, post_id, author_id)
SELECT $1, p.position, p.id, p.author_id
FROM posts p
WHERE p.author_id = $2 AND p.status = 'published' AND p.position >= $3
    AND EXISTS (
        SELECT FROM follows f JOIN profiles pr ON pr.account_id = f.followee_id AND NOT pr.pulled
        WHERE (f.follower_id, f.followee_id) = ($1, $2) AND f.accepted
    )
ORDER BY p.position DESC LIMIT $4
ON CONFLICT DO NOTHING
"""
BACKFILLED = """
UPDATE follows SET backfilled = true
WHERE (follower_id, followee_id) = ($1, $2) AND accepted AND NOT backfilled
"""

# Whoever follows again meanwhile: the backfill of that waits for our lock, and writes the entries
# anew.
PRUNE_ENTRIES = """
DELETE FROM timeline_entries e
WHERE e.account_id = $1 AND e.author_id = $2 AND NOT EXISTS (
    SELECT FROM follows f WHERE (f.follower_id, f.followee_id) = ($1, $2) AND f.accepted
)
"""

# As timeline_upkeep.TRIM, of one timeline.
RAISE_FLOOR = """
UPDATE timelines SET floor = greatest(floor, (
    SELECT e.position FROM timeline_entries e WHERE e.account_id = $1
    ORDER BY e.position DESC OFFSET $2 - 1 LIMIT 1
))
WHERE account_id = $1
"""


async def backfill(connection: asyncpg.Connection, pair: Follow, *, entries: int) -> None:
    """Write a followee's posts into its new follower's timeline. In a transaction.

    A follower without a timeline has nothing to be filled: once it looks, it gets one with the
    posts of all its followees.

    Args:
        entries: of one timeline at most.
    """
    floor = await connection.fetchval(LOCK, pair.follower)
    if floor is not None and floor < UNFILLED:
        await connection.execute(BACKFILL_ENTRIES, *pair, floor, entries)
        # If there were more than so many, the timeline is complete only from the last one on.
        await connection.execute(RAISE_FLOOR, pair.follower, entries)
    await connection.execute(BACKFILLED, *pair)


async def prune(connection: asyncpg.Connection, pair: Follow) -> None:
    """Take the posts of an account out of the timeline of somebody who has left it.

    In a transaction.
    """
    await connection.fetchval(LOCK, pair.follower)
    await connection.execute(PRUNE_ENTRIES, *pair)
