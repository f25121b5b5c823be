"""Accounts: created once, found by every name they have."""

import asyncpg
import pytest

from persistence.accounts import (
    USERS_BY_PREFIX,
    Credentials,
    account,
    account_by_username,
    accounts_by_id,
    accounts_by_prefix,
    accounts_by_username,
    create_account,
    credentials,
    credentials_of,
    own_account,
    set_password_hash,
)
from persistence.database import Database
from persistence.secrets import signing_key
from protocol import errors
from protocol.errors import PlazaError
from protocol.ids import Id
from protocol.records import User

ADA = User(id=Id(1), username="ada")
BOB = User(id=Id(2), username="bob_2")


@pytest.fixture
async def people(database: Database) -> None:
    async with database.connection() as connection:
        for user in (ADA, BOB):
            created = await create_account(
                connection,
                account=user.id,
                username=user.username,
                email=f"{user.username.title()}@Example.org",
                password_hash=f"hash of {user.username}",
            )
            assert created == user


pytestmark = pytest.mark.usefixtures("people")


@pytest.mark.parametrize(
    ("username", "email", "spec"),
    [
        ("ada", "new@example.org", errors.USERNAME_TAKEN),
        ("new", "ada@example.org", errors.EMAIL_TAKEN),
        ("new", "ADA@EXAMPLE.ORG", errors.EMAIL_TAKEN),
        ("ada", "ada@example.org", errors.USERNAME_TAKEN),
    ],
)
async def test_names_and_addresses_belong_to_one_account(
    database: Database, username: str, email: str, spec: errors.ErrorSpec
) -> None:
    with pytest.raises(PlazaError, check=lambda error: error.spec is spec):
        async with database.transaction() as connection:
            await create_account(
                connection, account=Id(3), username=username, email=email, password_hash=""
            )
    async with database.connection() as connection:
        assert await account(connection, Id(3)) is None


async def test_an_id_given_twice_is_a_bug(database: Database) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):
        async with database.connection() as connection:
            await create_account(
                connection, account=ADA.id, username="new", email="new@x", password_hash=""
            )


@pytest.mark.parametrize("login", ["ada", " Ada ", "ada@example.org", "ADA@example.ORG"])
async def test_a_login_is_a_name_or_an_address_in_any_case(database: Database, login: str) -> None:
    async with database.connection() as connection:
        assert await credentials(connection, login) == Credentials(ADA.id, "ada", "hash of ada")


@pytest.mark.parametrize("login", ["", "ad", "ada%", "ada\0", "@", "x@example.org", "\ud800"])
async def test_an_unknown_login_finds_nobody(database: Database, login: str) -> None:
    async with database.connection() as connection:
        assert await credentials(connection, login) is None


async def test_accounts_are_found_by_id_and_by_name(database: Database) -> None:
    async with database.connection() as connection:
        assert await account(connection, ADA.id) == ADA
        assert await account(connection, Id(3)) is None
        found = await accounts_by_id(connection, [BOB.id, Id(3), ADA.id])
        assert found == {ADA.id: ADA, BOB.id: BOB}
        assert all(type(key) is Id and type(user.id) is Id for key, user in found.items())
        assert await account_by_username(connection, "Bob_2") == BOB
        for nobody in ("carol", "no name", "\0"):
            assert await account_by_username(connection, nobody) is None


async def test_the_owner_sees_more(database: Database) -> None:
    async with database.connection() as connection:
        own = await own_account(connection, ADA.id)
        assert own is not None
        assert (own.id, own.username, own.email) == (ADA.id, "ada", "Ada@Example.org")
        assert own.created_at.endswith("Z")
        assert await own_account(connection, Id(3)) is None


async def test_a_password_is_replaced(database: Database) -> None:
    async with database.connection() as connection:
        await set_password_hash(connection, ADA.id, "another hash")
        assert await credentials_of(connection, ADA.id) == Credentials(
            ADA.id, "ada", "another hash"
        )
        unchanged = await credentials_of(connection, BOB.id)
        assert unchanged is not None
        assert unchanged.password_hash == "hash of bob_2"
        assert await credentials_of(connection, Id(3)) is None


async def test_all_processes_get_one_signing_key(database: Database) -> None:
    async with database.connection() as one, database.connection() as two:
        key = await signing_key(one)
        assert len(key) == 32
        assert await signing_key(two) == key


async def test_several_are_found_by_their_names(database: Database) -> None:
    async with database.connection() as connection:
        found = await accounts_by_username(connection, ["bob_2", "ada", "eve"])
    assert found == {"ada": ADA.id, "bob_2": BOB.id}


class TestPrefix:
    NAMES = ("ada_l", "ada2", "adam", "adb", "a_a", "zzz")

    @pytest.fixture(autouse=True)
    async def _more(self, database: Database) -> None:
        async with database.connection() as connection:
            for number, name in enumerate(self.NAMES, 10):
                await create_account(
                    connection, account=Id(number), username=name, email=name, password_hash=""
                )

    async def find(
        self, database: Database, prefix: str, after: str = "", limit: int = 50
    ) -> list[str]:
        async with database.connection() as connection:
            found = await accounts_by_prefix(connection, prefix, after=after, limit=limit)
        return [user.username for user in found]

    @pytest.mark.parametrize(
        ("prefix", "names"),
        [
            ("ada", ["ada", "ada2", "ada_l", "adam"]),
            ("ADA", ["ada", "ada2", "ada_l", "adam"]),
            ("ada_", ["ada_l"]),  # no wildcard
            ("ad%", []),
            ("a", ["a_a", "ada", "ada2", "ada_l", "adam", "adb"]),
            ("z", ["zzz"]),
            ("zzzz", []),
            ("x" * 31, []),
            ("é", []),
            ("\u212a", []),  # the Kelvin sign is no k
            ("\0", []),
        ],
    )
    async def test_finds_in_order(self, database: Database, prefix: str, names: list[str]) -> None:
        assert await self.find(database, prefix) == names

    async def test_goes_on_after_a_name(self, database: Database) -> None:
        assert await self.find(database, "ada", limit=2) == ["ada", "ada2"]
        assert await self.find(database, "ada", after="ada2", limit=2) == ["ada_l", "adam"]
        assert await self.find(database, "ada", after="adam") == []

    @pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
    async def test_takes_the_index(self, database: Database, mode: str) -> None:
        async with database.transaction() as connection:
            await connection.execute("""
                INSERT INTO accounts (id, username, email, password_hash)
                SELECT i, 'user_' || i, i, '' FROM generate_series(1000, 20000) AS i
            """)
            await connection.execute("ANALYZE accounts")
            await connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
            await connection.execute(f"PREPARE by_prefix AS {USERS_BY_PREFIX}")
            plan = await connection.fetch(
                "EXPLAIN EXECUTE by_prefix('user_12', 'user_13', 'user_1234', 20)"
            )
            await connection.execute("DEALLOCATE by_prefix")
        text = "\n".join(row[0] for row in plan)
        assert "accounts_username_prefix" in text
        assert "Sort" not in text  # the index is in that order
