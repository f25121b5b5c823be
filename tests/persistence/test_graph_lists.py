"""The lists of the graph read an index, in its order, however many there are."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from persistence import graph_lists
from persistence.embedded import EmbeddedPostgres
from persistence.graph_lists import FOLLOWERS, FOLLOWING, FRIENDS, KNOWN_FOLLOWERS, REQUESTS
from protocol.ids import MAX_ID, Id
from tests.e2e.site import copy_of

PEOPLE = 2_000


@pytest.fixture(scope="module")
async def crowd(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[asyncpg.Connection]:
    """Everybody follows and asks many; 1 and 2 are followed by, and follow, thousands."""
    async with copy_of(template, postgres) as dsn:
        db = await asyncpg.connect(dsn)
        await db.execute(f"""
            INSERT INTO accounts (id, username, email, password_hash)
            SELECT i, 'user_' || i, i, '' FROM generate_series(1, {PEOPLE}) i;
            INSERT INTO profiles (account_id) SELECT id FROM accounts;
            INSERT INTO follows (follower_id, followee_id, id, accepted, backfilled)
            SELECT follower, followee, row_number() OVER (ORDER BY mod(follower * 7919, 2003)),
                mod(follower + followee, 10) > 0, true
            FROM (
                SELECT i AS follower, 1 + mod(i * 31 + j * 97, {PEOPLE}) AS followee
                FROM generate_series(1, {PEOPLE}) i, generate_series(1, 8) j
                UNION SELECT i, k FROM generate_series(3, {PEOPLE}) i, generate_series(1, 2) k
                UNION SELECT k, i FROM generate_series(3, {PEOPLE}) i, generate_series(1, 2) k
            ) pairs
            WHERE follower <> followee;
        """)
        await db.execute("VACUUM ANALYZE follows, accounts, profiles")
        yield db
        await db.close()


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize(
    ("query", "index"),
    [
        (FOLLOWERS, "follows_followers"),
        (FOLLOWING, "follows_following"),
        (FRIENDS, "follows_following"),
        (KNOWN_FOLLOWERS, "follows_following"),
        (REQUESTS, "follows_requests"),
    ],
)
async def test_takes_the_index(
    crowd: asyncpg.Connection, mode: str, query: str, index: str
) -> None:
    async with crowd.transaction():
        await crowd.execute(f"SET LOCAL plan_cache_mode = {mode}")
        await crowd.execute(f"PREPARE list AS {query}")
        plan = await crowd.fetch(f"EXPLAIN EXECUTE list(1, 2, {MAX_ID}, 50)")
        await crowd.execute("DEALLOCATE list")
    text = "\n".join(row[0] for row in plan)
    assert f"using {index}" in text, text
    for table in ("follows", "accounts", "profiles"):
        assert f"Seq Scan on {table}" not in text, text
    # For any account, Postgres expects too few common ones to care for their order.
    if mode == "force_custom_plan" or query not in (FRIENDS, KNOWN_FOLLOWERS):
        assert f"Scan Backward using {index}" in text, text
        assert "Sort" not in text, text


async def test_lists_are_what_the_rows_say(crowd: asyncpg.Connection) -> None:
    one, two = Id(1), Id(2)

    async def listed(query: str, *arguments: Id) -> list[int]:
        return [row[0] for row in await crowd.fetch(query, *arguments)]

    followers = await listed(
        "SELECT follower_id FROM follows WHERE followee_id = $1 AND accepted ORDER BY id DESC", two
    )
    found: list[int] = []
    before = MAX_ID
    while page := await graph_lists.followers(crowd, one, two, before=before, limit=1_000):
        found += [entry.person.id for entry in page]
        before = page[-1].position
    assert found == followers
    everybody = {"before": MAX_ID, "limit": PEOPLE}
    followed = set(
        await listed("SELECT followee_id FROM follows WHERE follower_id = $1 AND accepted", one)
    )
    known = await graph_lists.known_followers(crowd, one, two, **everybody)
    assert {entry.person.id for entry in known} == followed & set(followers)
    own = await listed("SELECT follower_id FROM follows WHERE followee_id = $1 AND accepted", one)
    friends = await graph_lists.friends(crowd, one, **everybody)
    assert {entry.person.id for entry in friends} == followed & set(own)
    for entry in friends:
        assert entry.person.relationship is not None
        assert entry.person.relationship.friend
