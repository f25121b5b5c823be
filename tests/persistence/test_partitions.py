"""Posts by month: parts are made ahead, at once by many, and what lay outside them moves along."""

import asyncio
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence import partitions
from persistence.database import Database
from persistence.partitions import Month, ensure, ensure_between
from protocol.ids import EPOCH_MS, Id, IdMint, first_id_at
from tests.social import person, post

NOW = int(datetime(2026, 11, 23, 2, tzinfo=UTC).timestamp() * 1000)
AHEAD = ["posts_2026_11", "posts_2026_12", "posts_2027_01", "posts_2027_02"]

TABLE_OF = "SELECT tableoid::regclass::text FROM posts WHERE id = $1"


@pytest.fixture
async def connection(database: Database) -> asyncpg.Connection:
    return await database.open_connection()


@pytest.fixture
async def ada(connection: asyncpg.Connection) -> Id:
    return await person(connection, "ada")


def minted(at_ms: int = NOW) -> Id:
    return IdMint(7).mint(at_ms)


async def parts(connection: asyncpg.Connection) -> set[str]:
    return {row["relname"] for row in await connection.fetch(partitions.PARTS)}


class TestMonths:
    @given(st.integers(EPOCH_MS, EPOCH_MS + 60 * 365 * 86_400_000))
    def test_each_id_is_in_the_month_of_its_time(self, at_ms: int) -> None:
        month = Month.of(at_ms)
        assert month.first_id <= minted(at_ms) < month.next().first_id
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
        assert month == (at.year, at.month)

    def test_months_follow_each_other(self) -> None:
        months = [Month(2026, 1).next(number) for number in range(30)]
        assert all(one.next() == other for one, other in pairwise(months))
        assert months[12] == (2027, 1)

    def test_what_was_before_ids_is_in_the_first(self) -> None:
        assert Month.of(0) == (2026, 1)


class TestAhead:
    async def test_this_month_and_those_to_come(self, connection: asyncpg.Connection) -> None:
        assert await ensure(connection, NOW) == AHEAD
        assert await parts(connection) == {"posts_rest", *AHEAD}
        assert await ensure(connection, NOW) == []

    async def test_from_one_time_to_another(self, connection: asyncpg.Connection) -> None:
        assert await ensure_between(connection, NOW, NOW + 40 * 86_400_000) == [
            "posts_2026_11",
            "posts_2026_12",
            "posts_2027_01",
        ]

    async def test_a_post_goes_to_its_month(self, connection: asyncpg.Connection, ada: Id) -> None:
        await ensure(connection, NOW, ahead=0)
        november = Month(2026, 11)
        for identifier, table in (
            (november.first_id, "posts_2026_11"),
            (Id(november.next().first_id - 1), "posts_2026_11"),
            (november.next().first_id, "posts_rest"),
            (Id(november.first_id - 1), "posts_rest"),
        ):
            await post(connection, ada, id=identifier)
            assert await connection.fetchval(TABLE_OF, identifier) == table

    async def test_parts_have_the_indexes_and_references_of_the_whole(
        self, connection: asyncpg.Connection
    ) -> None:
        await ensure(connection, NOW, ahead=0)

        async def shape(table: str) -> list[Any]:
            indexes = await connection.fetch(
                "SELECT regexp_replace(indexdef, '.* USING', '') FROM pg_indexes "
                "WHERE tablename = $1 ORDER BY 1",
                table,
            )
            constraints = await connection.fetch(
                "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
                "WHERE conrelid = $1::text::regclass ORDER BY 1",
                table,
            )
            return [*indexes, *constraints]

        assert await shape("posts_2026_11") == await shape("posts")

    async def test_many_processes_at_once(self, database: Database) -> None:
        connections = [await database.open_connection() for _ in range(5)]
        made = await asyncio.gather(*(ensure(one, NOW) for one in connections))
        assert sorted(name for names in made for name in names) == AHEAD

    async def test_whoever_is_in_the_way_is_waited_for(
        self,
        database: Database,
        connection: asyncpg.Connection,
        ada: Id,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(partitions, "_LOCK_TIMEOUT", "10ms")
        monkeypatch.setattr(partitions, "_PAUSE_SECONDS", 0.01)
        monkeypatch.setattr(partitions, "_ATTEMPTS", 10_000)
        attempts = 0
        split_off = partitions._split_off

        async def counted(connection: asyncpg.Connection, month: Month) -> None:
            nonlocal attempts
            attempts += 1
            await split_off(connection, month)

        monkeypatch.setattr(partitions, "_split_off", counted)
        async with database.transaction() as other:
            await post(other, ada, id=minted())
            making = asyncio.create_task(ensure(connection, NOW, ahead=0))
            while attempts < 2:
                await asyncio.sleep(0)
            assert not making.done()
        assert await making == ["posts_2026_11"]
        assert await connection.fetchval(TABLE_OF, minted()) == "posts_2026_11"

    async def test_not_for_ever(
        self,
        database: Database,
        connection: asyncpg.Connection,
        ada: Id,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(partitions, "_LOCK_TIMEOUT", "10ms")
        monkeypatch.setattr(partitions, "_PAUSE_SECONDS", 0)
        async with database.transaction() as other:
            await post(other, ada, id=minted())
            with pytest.raises(asyncpg.LockNotAvailableError):
                await ensure(connection, NOW, ahead=0)


class TestWhatLiesOutside:
    @pytest.fixture
    async def stray(self, connection: asyncpg.Connection, ada: Id) -> Id:
        """A post of November, of which there is no part, with all that can refer to one."""
        bob = await person(connection, "bob")
        stray = await post(connection, ada, "Stray.", id=minted(), tags=["stray"], edits=1)
        comment = minted(NOW + 1)
        for statement, *values in (
            ("UPDATE post_counters SET likes = 1 WHERE post_id = $1", stray),
            ("INSERT INTO post_likes (post_id, account_id) VALUES ($1, $2)", stray, bob),
            ("INSERT INTO bookmarks (post_id, account_id, id) VALUES ($1, $2, 1)", stray, bob),
            ("INSERT INTO polls (post_id, multiple) VALUES ($1, false)", stray),
            ("INSERT INTO poll_options (post_id, option, text) VALUES ($1, 0, 'yes')", stray),
            ("INSERT INTO poll_votes VALUES ($1, $2, 0, false)", stray, bob),
            (
                "INSERT INTO comments (id, post_id, author_id, content) VALUES ($3, $1, $2, 'hi')",
                *(stray, bob, comment),
            ),
            ("INSERT INTO comment_likes (comment_id, account_id) VALUES ($1, $2)", comment, bob),
            ("INSERT INTO post_mentions VALUES ($2, $1, $1)", stray, bob),
            ("INSERT INTO post_edits VALUES ($1, 1, 'S', NULL, NULL, '{}', now())", stray),
            ("INSERT INTO feed_pending VALUES ($1, $2, $1)", stray, ada),
        ):
            await connection.execute(statement, *values)
        return stray

    async def test_it_moves_with_all_that_refers_to_it(
        self, connection: asyncpg.Connection, stray: Id
    ) -> None:
        before = await everything(connection)
        assert await ensure(connection, NOW, ahead=0) == ["posts_2026_11"]
        assert await connection.fetchval(TABLE_OF, stray) == "posts_2026_11"
        assert await everything(connection) == before
        assert len(before["comment_likes"]) == len(before["poll_votes"]) == 1

    async def test_the_references_are_what_they_were(
        self, connection: asyncpg.Connection, stray: Id
    ) -> None:
        before = await connection.fetch(partitions.REFERENCES)
        assert len(before) >= 10
        await ensure(connection, NOW, ahead=0)
        assert sorted(await connection.fetch(partitions.REFERENCES)) == sorted(before)
        assert await connection.fetch(partitions.UNCONFIRMED) == []
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await connection.execute("INSERT INTO post_counters (post_id) VALUES (1)")
        await connection.execute("DELETE FROM posts WHERE id = $1", stray)
        after = await everything(connection)
        assert {table for table, rows in after.items() if rows} == {"accounts", "profiles"}

    async def test_what_is_of_no_month_to_come_gets_its_own(
        self, connection: asyncpg.Connection, ada: Id, stray: Id
    ) -> None:
        old = await post(connection, ada, id=first_id_at(EPOCH_MS + 1))
        made = await ensure(connection, NOW + 40 * 86_400_000, ahead=0)
        assert made == ["posts_2026_01", "posts_2026_11", "posts_2027_01"]
        assert await connection.fetchval(TABLE_OF, old) == "posts_2026_01"
        assert await connection.fetchval("SELECT count(*) FROM posts_rest") == 0

    async def test_an_end_in_the_middle_leaves_all_as_it_was(
        self, connection: asyncpg.Connection, stray: Id, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = await everything(connection)
        references = sorted(await connection.fetch(partitions.REFERENCES))
        monkeypatch.setattr(partitions, "ATTACH", "SELECT 1 / 0")
        with pytest.raises(asyncpg.DivisionByZeroError):
            await ensure(connection, NOW, ahead=0)
        assert await everything(connection) == before
        assert sorted(await connection.fetch(partitions.REFERENCES)) == references

    async def test_what_was_left_unconfirmed_is_confirmed(
        self, connection: asyncpg.Connection, stray: Id, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(partitions, "UNCONFIRMED", "SELECT 1 WHERE false")
            await ensure(connection, NOW, ahead=0)
        assert await connection.fetch(partitions.UNCONFIRMED)
        await ensure(connection, NOW, ahead=0)
        assert await connection.fetch(partitions.UNCONFIRMED) == []


async def everything(connection: asyncpg.Connection) -> dict[str, list[asyncpg.Record]]:
    """All rows of all tables but the record of migrations, by table."""
    tables = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
        "AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> 'schema_migrations'"
    )
    return {
        table: sorted(await connection.fetch(f"SELECT t::text FROM {table} AS t"))
        for (table,) in tables
    }
