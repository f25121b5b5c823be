"""Follows, requests and their counters: exact under concurrency, whatever else happens."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

import asyncpg
import pytest

from persistence import graph, relations
from persistence.database import Database
from persistence.graph import BACKFILL, PRUNE, Follow, pair_of, payload_of
from protocol.errors import BAD_REQUEST, BLOCKED, NOT_FOUND, ErrorSpec, PlazaError
from protocol.ids import Id
from tests import social

MANY = 1_000_000


@pytest.fixture
async def db(database: Database) -> AsyncIterator[asyncpg.Connection]:
    async with database.connection() as connection:
        yield connection


async def follow(db: asyncpg.Connection, one: Id, other: Id, *, pull_followers: int = MANY) -> None:
    async with db.transaction():
        await graph.follow(
            db, Follow(one, other), id=social.new_id(), pull_followers=pull_followers
        )


async def unfollow(db: asyncpg.Connection, one: Id, other: Id) -> None:
    async with db.transaction():
        await graph.unfollow(db, Follow(one, other))


async def accept(db: asyncpg.Connection, one: Id, other: Id) -> None:
    async with db.transaction():
        await graph.accept(db, Follow(one, other), pull_followers=MANY)


async def state(db: asyncpg.Connection, one: Id, other: Id) -> bool | None:
    """Whether a follow is accepted; None: there is none."""
    found: bool | None = await db.fetchval(
        "SELECT accepted FROM follows WHERE (follower_id, followee_id) = ($1, $2)", one, other
    )
    return found


async def counters(db: asyncpg.Connection, account: Id) -> tuple[int, int]:
    """Followers and following."""
    row = await db.fetchrow(
        "SELECT followers, following FROM profiles WHERE account_id = $1", account
    )
    assert row is not None
    return row["followers"], row["following"]


async def jobs(db: asyncpg.Connection) -> list[tuple[str, Follow]]:
    rows = await db.fetch("SELECT entrypoint, payload FROM pgqueuer ORDER BY id")
    return [(row["entrypoint"], pair_of(row["payload"])) for row in rows]


async def assert_counters_are_the_rows(db: asyncpg.Connection) -> None:
    wrong = await db.fetch(
        """
        SELECT account_id FROM profiles p WHERE (followers, following) IS DISTINCT FROM (
            (SELECT count(*) FROM follows WHERE followee_id = p.account_id AND accepted),
            (SELECT count(*) FROM follows WHERE follower_id = p.account_id AND accepted)
        )
        """
    )
    assert wrong == []


async def refused(spec: ErrorSpec, db: asyncpg.Connection, one: Id, other: Id) -> None:
    with pytest.raises(PlazaError) as refusal:
        await follow(db, one, other)
    assert refusal.value.spec is spec


def test_payloads() -> None:
    pair = Follow(Id(1), Id(2**63 - 1))
    assert payload_of(pair) == b"1 9223372036854775807"
    assert pair_of(payload_of(pair)) == pair


class TestFollow:
    async def test_counts_once_and_asks_for_the_timeline(self, db: asyncpg.Connection) -> None:
        ada, bob = [await social.person(db) for _ in range(2)]
        for _ in range(2):
            await follow(db, ada, bob)
        assert await state(db, ada, bob) is True
        assert (await counters(db, ada), await counters(db, bob)) == ((0, 1), (1, 0))
        for _ in range(2):
            await unfollow(db, ada, bob)
        assert await state(db, ada, bob) is None
        assert (await counters(db, ada), await counters(db, bob)) == ((0, 0), (0, 0))
        pair = Follow(ada, bob)
        assert await jobs(db) == [(BACKFILL, pair), (PRUNE, pair)]

    async def test_is_filled_by_the_job(self, db: asyncpg.Connection) -> None:
        ada, bob = [await social.person(db) for _ in range(2)]
        await follow(db, ada, bob)
        assert not await db.fetchval("SELECT backfilled FROM follows")

    async def test_what_fails_promises_no_job(self, db: asyncpg.Connection) -> None:
        ada, bob = [await social.person(db) for _ in range(2)]
        transaction = db.transaction()
        await transaction.start()
        await graph.follow(db, Follow(ada, bob), id=social.new_id(), pull_followers=MANY)
        await transaction.rollback()
        assert await jobs(db) == []
        assert await counters(db, bob) == (0, 0)

    async def test_of_nobody(self, db: asyncpg.Connection) -> None:
        ada = await social.person(db)
        await refused(NOT_FOUND, db, ada, Id(17))
        await refused(NOT_FOUND, db, Id(17), ada)

    async def test_past_a_number_of_followers_an_account_is_pulled_for_good(
        self, db: asyncpg.Connection
    ) -> None:
        ada = await social.person(db)
        others = [await social.person(db) for _ in range(3)]
        for number, other in enumerate(others, 1):
            await follow(db, other, ada, pull_followers=2)
            pulled = "SELECT pulled FROM profiles WHERE account_id = $1"
            assert await db.fetchval(pulled, ada) is (number > 2)
            assert await db.fetchval(pulled, other) is False
        for other in others:
            await unfollow(db, other, ada)
        assert await db.fetchval(pulled, ada) is True

    async def test_one_who_leaves_pulls_nobody(self, db: asyncpg.Connection) -> None:
        ada, bob, eve = [await social.person(db) for _ in range(3)]
        await follow(db, ada, eve)
        await follow(db, bob, eve)
        await unfollow(db, ada, eve)
        assert not await db.fetchval("SELECT bool_or(pulled) FROM profiles")


class TestRequests:
    async def test_are_accepted_or_refused(self, db: asyncpg.Connection) -> None:
        ada, bob = [await social.person(db) for _ in range(2)]
        eve = await social.person(db, visibility="followers")
        await follow(db, ada, eve)
        await follow(db, bob, eve)
        assert await state(db, ada, eve) is False
        assert await counters(db, eve) == (0, 0)
        assert await jobs(db) == []
        for _ in range(2):
            await accept(db, ada, eve)
        assert await counters(db, eve) == (1, 0)
        assert await counters(db, ada) == (0, 1)
        assert await jobs(db) == [(BACKFILL, Follow(ada, eve))]
        for pair in (Follow(bob, eve), Follow(ada, eve)):
            async with db.transaction():
                await graph.refuse(db, pair)
        assert await state(db, bob, eve) is None
        assert await state(db, ada, eve) is True  # that is no request any more
        await assert_counters_are_the_rows(db)

    async def test_can_be_withdrawn(self, db: asyncpg.Connection) -> None:
        ada = await social.person(db)
        eve = await social.person(db, visibility="followers")
        await follow(db, ada, eve)
        await unfollow(db, ada, eve)
        assert await state(db, ada, eve) is None
        assert await counters(db, eve) == (0, 0)
        assert await jobs(db) == []
        with pytest.raises(PlazaError) as refusal:
            await accept(db, ada, eve)
        assert refusal.value.spec is NOT_FOUND

    async def test_are_all_accepted_at_once(self, db: asyncpg.Connection) -> None:
        eve = await social.person(db, visibility="followers")
        others = [await social.person(db) for _ in range(5)]
        for other in others[:4]:
            await follow(db, other, eve)
        await accept(db, others[0], eve)
        async with db.transaction():
            await graph.accept_all(db, eve, pull_followers=3)
        assert await counters(db, eve) == (4, 0)
        assert await db.fetchval("SELECT pulled FROM profiles WHERE account_id = $1", eve)
        assert await counters(db, others[4]) == (0, 0)
        assert [name for name, _ in await jobs(db)] == [BACKFILL] * 4
        await assert_counters_are_the_rows(db)

    async def test_none_is_left_behind_when_the_account_opens(self, database: Database) -> None:
        async with database.connection() as db:
            eve = await social.person(db, visibility="followers")
            ada = await social.person(db)

        async def ask() -> None:
            async with database.connection() as db:
                await follow(db, ada, eve)

        async with database.connection() as db, database.connection() as onlooker:
            async with db.transaction():
                await graph.accept_all(db, eve, pull_followers=MANY)
                asking = asyncio.create_task(ask())
                waiting = (
                    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                )
                while not await onlooker.fetchval(waiting):
                    assert not asking.done()
                await db.execute(
                    "UPDATE profiles SET visibility = 'public' WHERE account_id = $1", eve
                )
            await asking
            assert await state(db, ada, eve) is True


class TestBlocks:
    async def test_sever_both_directions(self, db: asyncpg.Connection) -> None:
        ada, bob = [await social.person(db) for _ in range(2)]
        eve = await social.person(db, visibility="followers")
        await follow(db, ada, bob)
        await follow(db, bob, ada)
        await follow(db, ada, eve)
        async with db.transaction():
            await relations.block(db, ada, bob, limit=0)
            await relations.block(db, eve, ada, limit=0)
        assert await db.fetchval("SELECT count(*) FROM follows") == 0
        assert (await jobs(db))[2:] == [(PRUNE, Follow(ada, bob)), (PRUNE, Follow(bob, ada))]
        await assert_counters_are_the_rows(db)

    async def test_forbid_new_ones(self, db: asyncpg.Connection) -> None:
        ada, bob = [await social.person(db) for _ in range(2)]
        await social.block(db, ada, bob)
        await refused(NOT_FOUND, db, bob, ada)
        await refused(BLOCKED, db, ada, bob)
        await social.block(db, bob, ada)
        await refused(BLOCKED, db, bob, ada)

    async def test_a_block_and_a_follow_do_not_miss_each_other(self, database: Database) -> None:
        async with database.connection() as db:
            pairs = [[await social.person(db) for _ in range(2)] for _ in range(20)]

        async def following(ada: Id, bob: Id) -> None:
            async with database.connection() as db:
                with contextlib.suppress(PlazaError):  # there is nobody any more
                    await follow(db, ada, bob)

        async def blocking(ada: Id, bob: Id) -> None:
            async with database.transaction() as db:
                await relations.block(db, bob, ada, limit=0)

        for ada, bob in pairs:
            await asyncio.gather(following(ada, bob), blocking(ada, bob))
        async with database.connection() as db:
            assert await db.fetchval("SELECT count(*) FROM account_blocks") == 20
            assert await db.fetchval("SELECT count(*) FROM follows") == 0
            await assert_counters_are_the_rows(db)


class TestClose:
    async def test_is_of_a_follow(self, db: asyncpg.Connection) -> None:
        ada, bob = [await social.person(db) for _ in range(2)]
        eve = await social.person(db, visibility="followers")
        await follow(db, ada, bob)
        await follow(db, ada, eve)
        await graph.set_close(db, Follow(ada, bob), close=True)
        assert await db.fetchval("SELECT close FROM follows WHERE followee_id = $1", bob)
        for pair in (Follow(ada, eve), Follow(bob, ada)):
            await graph.set_close(db, pair, close=False)
            with pytest.raises(PlazaError) as refusal:
                await graph.set_close(db, pair, close=True)
            assert refusal.value.spec is BAD_REQUEST


async def test_fifty_at_once(dsn: str) -> None:
    """Everything that changes the graph, at random, among few accounts."""
    database = await Database.open(dsn, pool_size=16)
    async with database.connection() as db:
        people = [await social.person(db) for _ in range(6)]
        for account in people[:2]:
            await db.execute(
                "UPDATE profiles SET visibility = 'followers' WHERE account_id = $1", account
            )

    async def somebody(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(12):
            one, other = chance.sample(people, 2)
            async with database.connection() as db:
                match chance.randrange(8):
                    case 0 | 1 | 2 | 3:
                        await follow(db, one, other)
                    case 4 | 5:
                        await unfollow(db, one, other)
                    case 6:
                        async with db.transaction():
                            await graph.accept_all(db, people[0], pull_followers=MANY)
                    case 7:
                        async with db.transaction():
                            await graph.sever(db, one, other)

    async with asyncio.timeout(50):
        await asyncio.gather(*map(somebody, range(50)))
    async with database.connection() as db:
        await assert_counters_are_the_rows(db)
        assert await db.fetchval("SELECT count(*) FROM pgqueuer") > 50
    await database.close()
