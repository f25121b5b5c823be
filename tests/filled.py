"""A database with many people and posts, for what is only seen on a full one: plans and times.

Made by the database itself, from a few numbers: followers and posts are spread as they are in
life, few accounts having most of them.
"""

from datetime import UTC, datetime, timedelta

import asyncpg

from protocol.ids import EPOCH_MS, Id

DAYS = 120  # over which the posts are spread, up to now
FOLLOWED_BY = 0.2  # of all accounts: whoever has more followers is pulled

# Account 1 has the most followers, account $1 the fewest.
ACCOUNTS = """
INSERT INTO accounts (id, username, email, password_hash)
SELECT n, 'person' || n, 'person' || n || '@example.org', 'none' FROM generate_series(1, $1::int) n
"""
PROFILES = """
INSERT INTO profiles (account_id, display_name)
SELECT n, 'Person ' || n FROM generate_series(1, $1::int) n
"""
FOLLOWS = """
INSERT INTO follows (follower_id, followee_id, id, accepted, backfilled)
SELECT follower, followee, row_number() OVER (), true, true
FROM (
    SELECT 1 + floor(random() * $1::int)::bigint AS follower,
        1 + floor($1::int * pow(random(), 3))::bigint AS followee
    FROM generate_series(1, $2::int)
) pair
WHERE follower <> followee
ON CONFLICT DO NOTHING
"""
PULLED = """
WITH popular AS (
    SELECT followee_id FROM follows GROUP BY followee_id HAVING count(*) > $1::int
), unfilled AS (
    UPDATE follows SET backfilled = false WHERE followee_id IN (SELECT followee_id FROM popular)
)
UPDATE profiles SET pulled = true WHERE account_id IN (SELECT followee_id FROM popular)
"""
# $3 and $4: the first id and the last.
POSTS = """
INSERT INTO posts (
    id, author_id, position, type, status, visibility, content, tags, shared_id, published_at
)
SELECT id, author, id, 'text', 'published',
    CASE WHEN random() < 0.9 THEN 'public' ELSE 'followers' END,
    'A sentence or two of what somebody thinks about this and that, number ' || n,
    CASE WHEN n % 5 = 0 THEN ARRAY['tag' || 1 + floor(100 * pow(random(), 3))::int] ELSE '{}' END,
    NULL, now()
FROM (
    SELECT n, $3::bigint + n * (($4::bigint - $3) / $2) AS id,
        1 + floor($1::int * pow(random(), 1.5))::bigint AS author
    FROM generate_series(1, $2::bigint) n
) post
"""
OF_POSTS = (
    "INSERT INTO post_counters (post_id, likes) SELECT id, floor(random() * 50) FROM posts",
    "INSERT INTO post_tags SELECT unnest(tags), position, id, author_id FROM posts",
    """
    UPDATE profiles SET posts = n.posts
    FROM (SELECT author_id, count(*) AS posts FROM posts GROUP BY 1) n WHERE account_id = author_id
    """,
    """
    UPDATE profiles SET followers = n.followers
    FROM (SELECT followee_id, count(*) AS followers FROM follows GROUP BY 1) n
    WHERE account_id = followee_id
    """,
    """
    UPDATE profiles SET following = n.following
    FROM (SELECT follower_id, count(*) AS following FROM follows GROUP BY 1) n
    WHERE account_id = follower_id
    """,
)
LIKES = """
INSERT INTO post_likes (post_id, account_id, at)
SELECT p.id, 1 + floor(random() * $1::int)::bigint, now()
FROM posts p, generate_series(1, $2::int)
ON CONFLICT DO NOTHING
"""
COMMENTS = """
INSERT INTO comments (id, post_id, author_id, content)
SELECT p.id + 1 + n, p.id, 1 + floor(random() * $1::int)::bigint, 'I think so, too.'
FROM posts p, generate_series(1, 10) n WHERE p.author_id <= $1::int / 100
"""
TIMELINES = "INSERT INTO timelines SELECT n, 0, now() FROM generate_series(1, $1::int) n"
ENTRIES_OF_TIMELINES = """
INSERT INTO timeline_entries (account_id, position, post_id, author_id)
SELECT t.account_id, e.position, e.id, e.author_id
FROM timelines t CROSS JOIN LATERAL (
    SELECT p.position, p.id, p.author_id
    FROM follows f JOIN posts p ON p.author_id = f.followee_id
    WHERE f.follower_id = t.account_id AND f.accepted AND f.backfilled
    ORDER BY p.position DESC LIMIT $1::int
) e
"""
FLOORS = """
UPDATE timelines t SET floor = coalesce((
    SELECT min(position) FROM timeline_entries e WHERE e.account_id = t.account_id
), 0)
"""


def id_at(moment: datetime) -> Id:
    """The first id of a moment."""
    return Id(int(moment.timestamp() * 1000) - EPOCH_MS << 22)


async def fill(
    connection: asyncpg.Connection,
    *,
    accounts: int,
    follows: int,
    posts: int,
    timelines: int,
    entries: int = 800,
    likes_of_post: int = 1,
) -> None:
    """Write so many of each; accounts have the ids from 1 on.

    Args:
        follows: pairs; those that come up twice count once.
        timelines: accounts that have theirs filled, from 1 on.
        entries: of a timeline.
        likes_of_post: of each.
    """
    now = datetime.now(UTC)
    await connection.execute("SELECT setseed(0.5)")
    await connection.execute(ACCOUNTS, accounts)
    await connection.execute(PROFILES, accounts)
    await connection.execute(FOLLOWS, accounts, follows)
    await connection.execute(PULLED, int(accounts * FOLLOWED_BY))
    first = id_at(now - timedelta(days=DAYS))
    await connection.execute(POSTS, accounts, posts, first, id_at(now))
    await connection.execute("ANALYZE")
    for statement in OF_POSTS:
        await connection.execute(statement)
    await connection.execute(LIKES, accounts, likes_of_post)
    await connection.execute(COMMENTS, accounts)
    await connection.execute(TIMELINES, timelines)
    # The planner chooses well from here on only if it knows what there is.
    await connection.execute("ANALYZE")
    await connection.execute(ENTRIES_OF_TIMELINES, entries)
    await connection.execute(FLOORS)
    await connection.execute("VACUUM ANALYZE")
