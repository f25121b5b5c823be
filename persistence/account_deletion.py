"""An account goes: everything that it has left in posts, likes, votes, follows and files.

Each step does so much at a time, in a transaction of the caller's, and can be done again after a
crash: what is done is not found any more. What it has left in rooms: account_rooms, account_events.
Counters of others stay exact, by the locks that those take who change them otherwise.
"""

from collections.abc import Sequence
from typing import NamedTuple

import asyncpg

from persistence import account_export, streams
from persistence.account_data import PLACES, Fate
from persistence.jobs import enqueue
from persistence.uploads import ERASE
from protocol.ids import Id

DELETE = "account.delete"
"""The job that takes away what an account has left. Its payload is the id, in decimal."""

PATIENCE = 600.0
"""Seconds: no index of `posts` has all rows of an author, for one, so that the check behind the
last statement looks at the whole table."""

# Name and address are free from now on: nobody can log in with them, anybody can sign up.
BEGIN = """
UPDATE accounts SET deleted_at = now(), hidden = true, password_hash = '',
    username = 'deleted_' || left(replace(gen_random_uuid()::text, '-', ''), 20),
    email = gen_random_uuid() || '@deleted.invalid'
WHERE id = $1 AND deleted_at IS NULL
RETURNING id
"""

IS_GOING = "SELECT EXISTS (SELECT FROM accounts WHERE id = $1 AND deleted_at IS NOT NULL)"


async def begin(connection: asyncpg.Connection, account: Id) -> bool:
    """From now on an account is deleted; its name and address are free. In a transaction.

    Returns:
        False, if it was deleted before.
    """
    if await connection.fetchval(BEGIN, account) is None:
        return False
    await enqueue(connection, DELETE, str(account).encode(), key=str(account))
    return True


async def is_going(connection: asyncpg.Connection, account: Id) -> bool:
    """Whether an account is deleted, and something of it is still there."""
    going: bool = await connection.fetchval(IS_GOING, account)
    return going


# --- posts and comments ----------------------------------------------------------------------

POSTS = """
(SELECT id FROM posts WHERE author_id = $1 AND status = 'published' LIMIT $2)
UNION ALL
(SELECT id FROM posts WHERE author_id = $1 AND status IN ('draft', 'scheduled') LIMIT $2)
UNION ALL
(SELECT id FROM posts WHERE author_id = $1 AND status IN ('under_review', 'flagged') LIMIT $2)
"""

# Tombstones, of which nothing else is left: what hangs on them goes with them.
FORGET_POSTS = """
DELETE FROM posts WHERE id IN (
    SELECT id FROM posts WHERE author_id = $1 AND status = 'deleted' LIMIT $2
)
RETURNING id
"""

COMMENTS = """
SELECT id, post_id FROM comments WHERE author_id = $1 AND deleted_at IS NULL ORDER BY id LIMIT $2
"""

DISOWN_COMMENTS = """
UPDATE comments SET author_id = NULL WHERE author_id = $1 AND deleted_at IS NOT NULL
"""

UNMENTION_IN_POSTS = """
UPDATE posts SET mentions = array_remove(mentions, $1)
WHERE mentions @> ARRAY[$1::bigint] AND mentions <> '{}'
"""
UNMENTION_IN_COMMENTS = """
UPDATE comments SET mentions = array_remove(mentions, $1)
WHERE mentions @> ARRAY[$1::bigint] AND mentions <> '{}'
"""


class Comment(NamedTuple):
    """A comment that stands, and its post."""

    id: Id
    post: Id


async def posts_of(connection: asyncpg.Connection, account: Id, *, limit: int) -> list[Id]:
    """Some of the posts of an account that are not deleted, in whatever state."""
    return [Id(row["id"]) for row in await connection.fetch(POSTS, account, limit)]


async def forget_posts(connection: asyncpg.Connection, account: Id, *, limit: int) -> int:
    """Delete the rows of deleted posts. Returns how many."""
    return len(await connection.fetch(FORGET_POSTS, account, limit))


async def comments_of(connection: asyncpg.Connection, account: Id, *, limit: int) -> list[Comment]:
    """Some of the comments of an account that stand."""
    rows = await connection.fetch(COMMENTS, account, limit)
    return [Comment(Id(row["id"]), Id(row["post_id"])) for row in rows]


async def disown(connection: asyncpg.Connection, account: Id) -> None:
    """Take an account off what stays: tombstones, and mentions by others."""
    for statement in (DISOWN_COMMENTS, UNMENTION_IN_POSTS, UNMENTION_IN_COMMENTS):
        await connection.execute(statement, account, timeout=PATIENCE)


# --- likes and votes -------------------------------------------------------------------------

# Locked in the order of ids, counters before what they count: as in persistence/likes.py.
UNLIKE_POSTS = """
WITH mine AS (
    SELECT post_id FROM post_likes WHERE account_id = $1 ORDER BY post_id LIMIT $2
), counters AS (
    SELECT c.post_id FROM post_counters c JOIN mine USING (post_id)
    ORDER BY c.post_id FOR NO KEY UPDATE OF c
), gone AS (
    DELETE FROM post_likes l USING counters c
    WHERE (l.post_id, l.account_id) = (c.post_id, $1) RETURNING l.post_id
), counted AS (
    UPDATE post_counters c SET likes = c.likes - 1 FROM gone WHERE c.post_id = gone.post_id
)
SELECT post_id FROM gone
"""

UNLIKE_COMMENTS = """
WITH mine AS (
    SELECT comment_id FROM comment_likes WHERE account_id = $1 ORDER BY comment_id LIMIT $2
), liked AS (
    SELECT m.id FROM comments m JOIN mine ON mine.comment_id = m.id
    ORDER BY m.id FOR NO KEY UPDATE OF m
), gone AS (
    DELETE FROM comment_likes l USING liked
    WHERE (l.comment_id, l.account_id) = (liked.id, $1) RETURNING l.comment_id
), counted AS (
    UPDATE comments m SET likes = m.likes - 1 FROM gone WHERE m.id = gone.comment_id
)
SELECT comment_id FROM gone
"""

UNVOTE = """
WITH mine AS (
    SELECT DISTINCT post_id FROM poll_votes WHERE account_id = $1 ORDER BY post_id LIMIT $2
), voted AS (
    SELECT q.post_id FROM polls q JOIN mine USING (post_id)
    ORDER BY q.post_id FOR NO KEY UPDATE OF q
), gone AS (
    DELETE FROM poll_votes v USING voted q
    WHERE (v.post_id, v.account_id) = (q.post_id, $1) RETURNING v.post_id, v.option
), counted AS (
    UPDATE poll_options o SET votes = o.votes - 1 FROM gone
    WHERE (o.post_id, o.option) = (gone.post_id, gone.option)
), voters AS (
    UPDATE polls q SET voters = q.voters - 1
    FROM (SELECT DISTINCT post_id FROM gone) g WHERE q.post_id = g.post_id
)
SELECT DISTINCT post_id FROM gone
"""


async def unlike_posts(connection: asyncpg.Connection, account: Id, *, limit: int) -> list[Id]:
    """Take back likes of posts. Returns of which."""
    return [Id(row["post_id"]) for row in await connection.fetch(UNLIKE_POSTS, account, limit)]


async def unlike_comments(connection: asyncpg.Connection, account: Id, *, limit: int) -> int:
    """Take back likes of comments. Returns how many."""
    return len(await connection.fetch(UNLIKE_COMMENTS, account, limit))


async def unvote(connection: asyncpg.Connection, account: Id, *, limit: int) -> list[Id]:
    """Take back votes. Returns in the polls of which posts."""
    return [Id(row["post_id"]) for row in await connection.fetch(UNVOTE, account, limit)]


# --- the graph -------------------------------------------------------------------------------

# Both states by themselves: each has its index.
FOLLOWERS = """
(SELECT follower_id AS id FROM follows WHERE followee_id = $1 AND accepted LIMIT $2)
UNION ALL
(SELECT follower_id FROM follows WHERE followee_id = $1 AND NOT accepted LIMIT $2)
"""
FOLLOWEES = "SELECT followee_id AS id FROM follows WHERE follower_id = $1 LIMIT $2"

LOCK_PROFILES = """
SELECT FROM profiles WHERE account_id = ANY($1::bigint[]) ORDER BY account_id FOR NO KEY UPDATE
"""

UNFOLLOW = """
WITH gone AS (
    DELETE FROM follows WHERE follower_id = ANY($2::bigint[]) AND followee_id = $1
    RETURNING follower_id, accepted
), timelines AS (
    DELETE FROM timeline_entries WHERE account_id = ANY($2::bigint[]) AND author_id = $1
), own AS (
    UPDATE profiles SET followers = followers - (SELECT count(*) FROM gone WHERE accepted)
    WHERE account_id = $1
)
UPDATE profiles p SET following = p.following - 1
FROM gone WHERE p.account_id = gone.follower_id AND gone.accepted
"""
FOLLOW_NOBODY = """
WITH gone AS (
    DELETE FROM follows WHERE follower_id = $1 AND followee_id = ANY($2::bigint[])
    RETURNING followee_id, accepted
), own AS (
    UPDATE profiles SET following = following - (SELECT count(*) FROM gone WHERE accepted)
    WHERE account_id = $1
)
UPDATE profiles p SET followers = p.followers - 1
FROM gone WHERE p.account_id = gone.followee_id AND gone.accepted
"""


async def unfollow(connection: asyncpg.Connection, account: Id, *, limit: int) -> int:
    """Let others follow an account no longer, nor it others. Returns how many there were."""
    followers = await connection.fetch(FOLLOWERS, account, limit)
    followees = await connection.fetch(FOLLOWEES, account, limit)
    theirs, own = _ids(followers), _ids(followees)
    await connection.execute(LOCK_PROFILES, [account, *theirs, *own])
    await connection.execute(UNFOLLOW, account, theirs)
    await connection.execute(FOLLOW_NOBODY, account, own)
    return len(theirs) + len(own)


def _ids(rows: Sequence[asyncpg.Record]) -> list[int]:
    return [row["id"] for row in rows]


# --- streams ---------------------------------------------------------------------------------

STREAMS = "SELECT id, room_id FROM streams WHERE owner_id = $1 ORDER BY id LIMIT $2 FOR UPDATE"


async def forget_streams(connection: asyncpg.Connection, account: Id, *, limit: int) -> int:
    """Delete streams. The process that has one on air finds out and ends it. Returns how many."""
    rows = await connection.fetch(STREAMS, account, limit)
    for row in rows:
        await streams.delete(connection, Id(row["id"]), Id(row["room_id"]))
    return len(rows)


# --- files, and the rest ---------------------------------------------------------------------

FORGET_UPLOADS = """
DELETE FROM uploads WHERE id IN (SELECT id FROM uploads WHERE account_id = $1 LIMIT $2)
RETURNING key
"""
FORGET_USES = "DELETE FROM upload_uses WHERE used_by = $1 AND purpose IN ('avatar', 'banner')"


async def forget_uploads(connection: asyncpg.Connection, account: Id, *, limit: int) -> int:
    """Delete uploads; their objects go after the transaction. Returns how many."""
    await connection.execute(FORGET_USES, account)
    rows = await connection.fetch(FORGET_UPLOADS, account, limit)
    for row in rows:
        await enqueue(connection, ERASE, row["key"].encode())
    return len(rows)


FORGET_ACCOUNT = "DELETE FROM accounts WHERE id = $1 AND deleted_at IS NOT NULL"


async def finish(connection: asyncpg.Connection, account: Id) -> None:
    """Delete the rest, and the account itself, when all steps are done. In a transaction.

    Raises:
        asyncpg.ForeignKeyViolationError: somebody has just added something; begin anew.
    """
    await account_export.forget(connection, account)
    for column, place in PLACES.items():
        table, _, name = column.partition(".")
        if place.fate is Fate.DELETED:
            await connection.execute(
                f"DELETE FROM {table} WHERE {name} = $1", account, timeout=PATIENCE
            )
        elif place.fate is Fate.CLEARED:
            await connection.execute(
                f"UPDATE {table} SET {name} = {place.empty} WHERE {name} = $1",
                account,
                timeout=PATIENCE,
            )
    await connection.execute(FORGET_ACCOUNT, account, timeout=PATIENCE)
