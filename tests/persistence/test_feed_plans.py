"""The hot reads of feeds on a filled database: all of them by indexes.

A read that is hot has a line in READS. It is planned both ways in which it is run: for its own
values, and once for all values, as Postgres does from the sixth time on.
"""

import json
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import asyncpg
import pytest

from persistence import (
    comment_reader,
    feed_audience,
    graph_lists,
    likes,
    partitions,
    post_lists,
    post_reader,
    rankings,
    timeline_fanout,
    timelines,
    trends,
)
from persistence.embedded import EmbeddedPostgres
from protocol.ids import MAX_ID, Id
from tests.filled import DAYS, fill, id_at

ACCOUNTS = 3_000
PAGE = 21

# A table with more rows than this is not to be read from end to end.
LARGE = 1_000


class Read(NamedTuple):
    """A statement, and what it is given: a name stands for something of the database, below."""

    statement: str
    arguments: tuple[Any, ...]
    rows: int = 50 * PAGE
    """That it may read of a table."""


# Whose timeline is filled; whose is not; whose posts are pulled; their followers.
READER, NEWCOMER, STAR = 100, 2_900, 1
NOW = datetime.now(UTC)
SINCE = NOW - timedelta(days=30)

READS = {
    "home": Read(timelines.ABOVE, (READER, MAX_ID, PAGE, SINCE)),
    "home, older": Read(timelines.ABOVE, (READER, "middle", PAGE, SINCE)),
    "home, its newest 500": Read(timelines.ABOVE, (READER, MAX_ID, 500, SINCE), rows=2_000),
    "home, behind the timeline": Read(timelines.BELOW, (READER, "old", PAGE)),
    "home, without a timeline": Read(timelines.BELOW, (NEWCOMER, MAX_ID, PAGE)),
    "posts of a page": Read(post_reader.VISIBLE_POSTS, (READER, "some posts")),
    "pushed posts": Read(post_reader.PUBLISHED_POSTS, (0, "some posts", "published")),
    "ranked home: candidates": Read(rankings.CANDIDATES, (READER, "many posts"), rows=2_000),
    "ranked home: ties": Read(rankings.DEEDS, (READER, "middle", 1_000)),
    "ranked home: a page": Read(rankings.PLACES, (READER, "ranking", 400, PAGE)),
    "delivery": Read(
        timeline_fanout.DELIVER, ("a post", STAR, "a position", 0, 500, SINCE), rows=2_000
    ),
    "backfill": Read(timeline_fanout.BACKFILL_ENTRIES, (READER, STAR, "middle", 800)),
    "posts of an author": Read(post_lists.OF_AUTHOR, (STAR, MAX_ID, PAGE)),
    "posts with a tag": Read(post_lists.OF_TAG, ("tag1", MAX_ID, PAGE, READER)),
    "drafts": Read(post_lists.UNPUBLISHED, (READER, MAX_ID, PAGE)),
    "followers": Read(graph_lists.FOLLOWERS, (READER, STAR, MAX_ID, PAGE)),
    "following": Read(graph_lists.FOLLOWING, (READER, NEWCOMER, MAX_ID, PAGE)),
    "comments": Read(comment_reader.TOP, (READER, "a post", 0, PAGE)),
    "likers": Read(likes.LIKERS, (READER, "a post", *likes.NEWEST, PAGE)),
    "counters": Read(feed_audience.COUNTERS, ("some posts",)),
    "trending tags": Read(trends.TAGS, ("1h", 10)),
}


@pytest.fixture(scope="module")
async def filled(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a filled database, with what the arguments stand for in a table."""
    plain = await asyncpg.connect(postgres.dsn)
    await plain.execute(f"CREATE DATABASE feed_plans TEMPLATE {template}")
    db = await asyncpg.connect(postgres.dsn_of("feed_plans"))
    now_ms = time.time_ns() // 1_000_000
    await partitions.ensure_between(db, now_ms - DAYS * 86_400_000, now_ms)
    await fill(db, accounts=ACCOUNTS, follows=40_000, posts=20_000, timelines=READER, entries=100)
    # As of tables so many times as large: of a small one Postgres rightly reads all.
    await db.execute("SET seq_page_cost = 20")
    await db.execute("SET random_page_cost = 20")
    yield db
    await db.close()
    await plain.execute("DROP DATABASE feed_plans WITH (FORCE)")
    await plain.close()


@pytest.fixture(scope="module")
async def values(filled: asyncpg.Connection) -> dict[str, Any]:
    """What stands for what in the arguments."""
    newest = "SELECT array_agg(id) FROM (SELECT id FROM posts ORDER BY id DESC LIMIT $1) p"
    posts = await filled.fetchval(newest, 400)
    ranking = Id(17)
    await rankings.keep(filled, ranking, Id(READER), posts, floor=1)
    post = await filled.fetchval("SELECT max(id) FROM posts WHERE author_id = $1", STAR)
    entries = await filled.fetch(
        "SELECT position FROM timeline_entries WHERE account_id = $1 ORDER BY 1", READER
    )
    return {
        "a post": post,
        "a position": post,
        "some posts": posts[:PAGE],
        "many posts": posts[:100],
        "ranking": ranking,
        "middle": entries[len(entries) // 2]["position"],
        "old": int(id_at(NOW - timedelta(days=DAYS - 10))),
    }


async def plan_of(
    db: asyncpg.Connection, read: Read, values: dict[str, Any], mode: str
) -> dict[str, Any]:
    """How Postgres reads, and what it has read."""
    given = [values.get(each, each) if isinstance(each, str) else each for each in read.arguments]
    literals = ", ".join(
        [await db.fetchval("SELECT quote_literal($1::text)", _text(each)) for each in given]
    )
    await db.execute(f"SET plan_cache_mode = {mode}")
    await db.execute(f"PREPARE hot AS {read.statement}")
    undo = db.transaction()
    await undo.start()
    try:
        explained = await db.fetchval(
            f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE hot ({literals})"
        )
    finally:
        await undo.rollback()
        await db.execute("DEALLOCATE hot")
    return dict(json.loads(explained)[0]["Plan"])


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "{" + ",".join(map(str, value)) + "}"
    return value.isoformat() if isinstance(value, datetime) else str(value)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("name", READS)
async def test_no_hot_read_scans_a_table(
    filled: asyncpg.Connection, values: dict[str, Any], name: str, mode: str
) -> None:
    large = {
        row["relname"]
        for row in await filled.fetch(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > $1", LARGE
        )
    }
    assert {"follows", "profiles", "timeline_entries", "post_likes", "comments"} <= large
    plan = await plan_of(filled, READS[name], values, mode)
    for node in nodes(plan):
        scanned = node.get("Relation Name") in large
        assert not (scanned and node["Node Type"] == "Seq Scan"), (name, node["Relation Name"])
        removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Join Filter", 0)
        if scanned:
            read = (node["Actual Rows"] + removed) * node["Actual Loops"]
            assert read <= READS[name].rows, (name, node["Relation Name"], read)


async def test_a_scan_is_noticed(filled: asyncpg.Connection, values: dict[str, Any]) -> None:
    slow = Read("SELECT id FROM posts WHERE content = $1", ("nothing",))
    plan = await plan_of(filled, slow, values, "force_generic_plan")
    assert any(
        node["Node Type"] == "Seq Scan" and node["Relation Name"] != "posts_rest"
        for node in nodes(plan)
    )
