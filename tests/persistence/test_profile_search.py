"""Finding people by name: whom, in which order, by which index."""

from collections.abc import AsyncIterator
from math import inf

import asyncpg
import pytest

from persistence import profile_search
from persistence.database import Database
from persistence.embedded import EmbeddedPostgres
from persistence.profile_search import BY_PREFIX, PLAN_AFRESH, SEARCH, Place
from protocol.ids import MAX_ID, Id
from tests import social
from tests.e2e.site import copy_of

BEST = Place(inf, MAX_ID)


@pytest.fixture
async def db(database: Database) -> AsyncIterator[asyncpg.Connection]:
    async with database.connection() as connection:
        yield connection


@pytest.fixture
async def viewer(db: asyncpg.Connection) -> Id:
    return await social.person(db, "viewer")


async def search(db: asyncpg.Connection, viewer: Id, text: str, limit: int = 50) -> list[str]:
    found = await profile_search.search(db, viewer, text, after=BEST, limit=limit)
    return [person.username for _, person in found]


class TestPrefix:
    @pytest.fixture(autouse=True)
    async def _people(self, db: asyncpg.Connection) -> None:
        for name in ("ada", "ada_l", "ada2", "adam", "adb", "a_a", "zzz"):
            await social.person(db, name)

    async def find(
        self, db: asyncpg.Connection, viewer: Id, prefix: str, after: str = "", limit: int = 50
    ) -> list[str]:
        found = await profile_search.by_prefix(db, viewer, prefix, after=after, limit=limit)
        return [person.username for person in found]

    async def test_finds_in_order(self, db: asyncpg.Connection, viewer: Id) -> None:
        for prefix, names in {
            "ada": ["ada", "ada2", "ada_l", "adam"],
            "ADA": ["ada", "ada2", "ada_l", "adam"],
            "ada_": ["ada_l"],  # no wildcard
            "ad%": [],
            "a": ["a_a", "ada", "ada2", "ada_l", "adam", "adb"],
            "z": ["zzz"],
            "zzzz": [],
            "x" * 31: [],
            "é": [],
            "\u212a": [],  # the Kelvin sign is no k
            "\0": [],
        }.items():
            assert await self.find(db, viewer, prefix) == names, prefix

    async def test_goes_on_after_a_name(self, db: asyncpg.Connection, viewer: Id) -> None:
        assert await self.find(db, viewer, "ada", limit=2) == ["ada", "ada2"]
        assert await self.find(db, viewer, "ada", after="ada2", limit=2) == ["ada_l", "adam"]
        assert await self.find(db, viewer, "ada", after="adam") == []


class TestByUsername:
    async def test_finds_one(self, db: asyncpg.Connection, viewer: Id) -> None:
        ada = await social.person(db, "ada", display_name="Ada L.", verified=True)
        found = await profile_search.by_username(db, viewer, " ADA ")
        assert found is not None
        assert (found.id, found.display_name, found.verified) == (ada, "Ada L.", True)
        for nobody in ("carol", "no name", "\0", "ad"):
            assert await profile_search.by_username(db, viewer, nobody) is None


class TestSearch:
    async def test_finds_names_that_begin_so_or_are_alike(
        self, db: asyncpg.Connection, viewer: Id
    ) -> None:
        await social.person(db, "ada_1815", display_name="Augusta Ada Élise Lovelace 李")
        await social.person(db, "zuse", display_name="Konrad")
        for text in ("ada", "ADA", "Lovelace", "love", "lovelcae", "ada lovelace", "élise", "李"):
            assert await search(db, viewer, text) == ["ada_1815"], text
        for text in ("gust", "zzz", "x"):
            assert await search(db, viewer, text) == [], text

    async def test_there_are_no_wildcards(self, db: asyncpg.Connection, viewer: Id) -> None:
        await social.person(db, "bobby", display_name="Robert Zuse")
        for text in ("%", "_", "\\", "b%b", "_o", "_ob"):
            assert await search(db, viewer, text) == [], text

    async def test_the_best_come_first(self, db: asyncpg.Connection, viewer: Id) -> None:
        await social.person(db, "adb", display_name="Adal")
        await social.person(db, "bob", display_name="Bob Ada")
        await social.person(db, "ada_many", followers=1_500)
        await social.person(db, "ada_few", followers=2)
        known = await social.person(db, "ada_known")
        await social.person(db, "ada")
        await social.follow(db, viewer, known)
        names = await search(db, viewer, "ada")
        assert names[:5] == ["ada", "ada_known", "ada_many", "ada_few", "bob"]

    async def test_shows_how_one_stands(self, db: asyncpg.Connection, viewer: Id) -> None:
        ada = await social.person(db, "ada")
        await social.befriend(db, viewer, ada)
        ((_, person),) = await profile_search.search(db, viewer, "ada", after=BEST, limit=5)
        assert person.relationship is not None
        assert person.relationship.friend

    async def test_goes_on_page_by_page(self, db: asyncpg.Connection, viewer: Id) -> None:
        for number in range(23):
            await social.person(db, f"ada_{number}", followers=number % 3 * 10)
        names: list[str] = []
        place = BEST
        while page := await profile_search.search(db, viewer, "ada", after=place, limit=5):
            names += [person.username for _, person in page]
            place = page[-1][0]
        assert len(names) == len(set(names)) == 23
        assert names == await search(db, viewer, "ada")


async def test_blocked_ones_are_left_out(db: asyncpg.Connection, viewer: Id) -> None:
    blocker = await social.person(db, "ada_blocker")
    blocked = await social.person(db, "ada_blocked")
    await social.block(db, blocker, viewer)
    await social.block(db, viewer, blocked)
    assert await search(db, viewer, "ada") == []
    assert await profile_search.by_username(db, viewer, "ada_blocker") is None
    found = await profile_search.by_username(db, viewer, "ada_blocked")
    assert found is not None
    assert found.relationship is not None
    assert found.relationship.blocked
    by_prefix = await profile_search.by_prefix(db, viewer, "ada", after="", limit=5)
    assert [person.username for person in by_prefix] == ["ada_blocked"]
    other = await social.person(db)
    assert len(await search(db, other, "ada")) == 2


@pytest.fixture(scope="module")
async def crowd(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[asyncpg.Connection]:
    """Many people."""
    async with copy_of(template, postgres) as dsn:
        db = await asyncpg.connect(dsn)
        await db.execute("""
            INSERT INTO accounts (id, username, email, password_hash)
            SELECT i, 'user_' || md5(i::text)::varchar(20), i, ''
            FROM generate_series(1, 20000) i;
            INSERT INTO profiles (account_id, display_name)
            SELECT i, 'Person ' || md5((i + 1)::text) FROM generate_series(1, 20000) i;
            UPDATE profiles SET display_name = 'Ada Lovelace' WHERE account_id = 77;
            ANALYZE;
        """)
        yield db
        await db.close()


class TestPlans:
    """With many people: what is looked for is found by an index."""

    @pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
    async def test_by_prefix(self, crowd: asyncpg.Connection, mode: str) -> None:
        async with crowd.transaction():
            await crowd.execute(f"SET LOCAL plan_cache_mode = {mode}")
            await crowd.execute(f"PREPARE by_prefix AS {BY_PREFIX}")
            plan = await crowd.fetch(
                "EXPLAIN EXECUTE by_prefix(1, 'user_12', 'user_13', 'user_1234', 20)"
            )
            await crowd.execute("DEALLOCATE by_prefix")
        text = "\n".join(row[0] for row in plan)
        assert "accounts_username_prefix" in text
        assert "Sort" not in text  # the index is in that order
        assert "Seq Scan on accounts" not in text

    async def test_search(self, crowd: asyncpg.Connection) -> None:
        async with crowd.transaction():
            await crowd.execute(PLAN_AFRESH)
            await crowd.execute(f"PREPARE search AS {SEARCH}")
            plan = await crowd.fetch(
                "EXPLAIN EXECUTE search(1, 'lovelace', 'lovelace%', '% lovelace%', 'Infinity', "
                f"{MAX_ID}, 20, true)"
            )
            await crowd.execute("DEALLOCATE search")
        text = "\n".join(row[0] for row in plan)
        assert "Bitmap Index Scan on accounts_username_trigrams" in text
        assert "Bitmap Index Scan on profiles_display_name_trigrams" in text
        assert "Seq Scan on accounts" not in text
        assert "Seq Scan on profiles" not in text

    async def test_search_is_planned_afresh_however_often(self, crowd: asyncpg.Connection) -> None:
        for _ in range(8):
            found = await profile_search.search(crowd, Id(1), "lovelace", after=BEST, limit=5)
            assert [place.account for place, _ in found] == [77]
        plans = await crowd.fetchrow(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement = $1",
            SEARCH,
        )
        assert plans is not None
        assert (plans["generic_plans"], plans["custom_plans"]) == (0, 8)
