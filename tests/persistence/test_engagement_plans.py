"""The statements about likes, comments, bookmarks and polls look at what they need, and no more.

One post has as much of everything as a post ever has, among others that have little.
"""

import json
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from persistence import bookmarks, comment_reader, comments, likes, polls
from persistence.database import Database
from protocol.ids import MAX_ID, Id
from tests import social

FANS = 4_000
FILL = (
    "INSERT INTO accounts (id, username, email, password_hash) "
    "SELECT n, 'fan_' || n, 'fan_' || n, 'none' FROM generate_series(1, $2::bigint) n "
    "WHERE $1::bigint > 0",
    "INSERT INTO profiles (account_id) SELECT n FROM generate_series(1, $2::bigint) n "
    "WHERE $1::bigint > 0",
    "INSERT INTO posts (id, author_id, position, type, status, visibility) "
    "SELECT $1::bigint + n, n, $1 + n, 'text', 'published', 'public' "
    "FROM generate_series(1, $2::bigint) n",
    "INSERT INTO post_likes SELECT p, n, now() + n * CASE p WHEN $1 THEN '1 ms' ELSE '1 s' END "
    "::interval "
    "FROM generate_series(1, $2::bigint) n, unnest(ARRAY[$1, $1 + n]) p",
    "INSERT INTO comments (id, post_id, author_id, parent_id, content) "
    "SELECT $2 + n, $1::bigint, n, CASE WHEN n > $2 / 2 THEN $2 + 1 END, 'Yes.' "
    "FROM generate_series(1, $2::bigint) n",
    "INSERT INTO comments (id, post_id, author_id, content) "
    "SELECT n, $1::bigint + n, n, 'Yes.' FROM generate_series(1, $2::bigint) n",
    "INSERT INTO comment_likes SELECT c, n FROM generate_series(1, $2::bigint) n, "
    "unnest(ARRAY[$2 + 1, n]) c WHERE $1::bigint > 0",
    "INSERT INTO bookmarks SELECT a, $1::bigint + n, n FROM generate_series(1, $2::bigint) n, "
    "unnest(ARRAY[1, n]) a ON CONFLICT DO NOTHING",
    "INSERT INTO poll_votes SELECT $1::bigint, n, 0, false FROM generate_series(1, $2::bigint) n",
    "INSERT INTO polls (post_id, multiple) SELECT $1::bigint + n, false "
    "FROM generate_series(1, $2::bigint) n",
    "INSERT INTO poll_options (post_id, option, text) "
    "SELECT $1::bigint + n, 0, '' FROM generate_series(1, $2::bigint) n",
    "INSERT INTO post_counters (post_id) "
    "SELECT $1::bigint + n FROM generate_series(1, $2::bigint) n",
)

VIEWER, PAGE = 17, 51
COMMENT = FANS + 1
# Statement, what it is given: V stands for the viewer, P for the post.
STATEMENTS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "like": (likes.LIKE, ("V", "P")),
    "unlike": (likes.UNLIKE, ("V", "P")),
    "likers": (likes.LIKERS, ("V", "P", *likes.NEWEST, PAGE)),
    "bookmark": (bookmarks.ADD, ("V", "P", 1)),
    "unbookmark": (bookmarks.REMOVE, ("V", "P")),
    "bookmarks": (bookmarks.LIST, ("V", MAX_ID, PAGE)),
    "comments": (comment_reader.TOP, ("V", "P", 0, PAGE)),
    "answers": (comment_reader.ANSWERS, ("V", COMMENT, 0, PAGE)),
    "a comment": (comment_reader.ONE, ("V", COMMENT)),
    "write": (comments.ADD, ("V", "P", 10 * FANS, COMMENT, "Yes.", ["fan_1"])),
    "like a comment": (comments.LIKE, ("V", COMMENT)),
    "unlike a comment": (comments.UNLIKE, ("V", COMMENT)),
    "open a poll": (polls.LOCK, ("V", "P")),
    "vote": (polls.CHANGE, ("V", "P", [1], False)),
    "take a comment's place": (comments.LOCK, (COMMENT,)),
    "remove a comment": (comments.REMOVE, (COMMENT + FANS - 1,)),
}
# Rows of one table: a page with what goes with it, far from what there is.
MAY_READ = 6 * PAGE


@pytest.fixture(scope="module")
async def filled(template: str, postgres: Any) -> Any:
    """A connection to a database with a popular post, and that post."""
    plain = await asyncpg.connect(postgres.dsn)
    await plain.execute(f"CREATE DATABASE engagement_plans TEMPLATE {template}")
    database = await Database.open(postgres.dsn_of("engagement_plans"))
    async with database.connection() as db:
        ada = await social.person(db)
        post = await social.poll(db, ada)
        for statement in FILL:
            await db.execute(statement, post, FANS)
        await db.execute("ANALYZE")
        yield db, post
    await database.close()
    await plain.execute("DROP DATABASE engagement_plans WITH (FORCE)")
    await plain.close()


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


@pytest.mark.parametrize("name", STATEMENTS)
async def test_reads_few_rows(filled: tuple[asyncpg.Connection, Id], name: str) -> None:
    db, post = filled
    statement, arguments = STATEMENTS[name]
    stands_for = {"P": post, "V": 1 if name == "bookmarks" else VIEWER}
    given = [stands_for[one] if one in ("P", "V") else one for one in arguments]
    async with db.transaction():
        explained = await db.fetchval(
            f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}", *given
        )
    for node in nodes(json.loads(explained)[0]["Plan"]):
        if "Relation Name" in node:
            gone_through = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node[
                "Actual Loops"
            ]
            assert gone_through <= MAY_READ, node
