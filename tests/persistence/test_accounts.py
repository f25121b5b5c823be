"""Accounts: created once, found by every name they have."""

import asyncpg
import pytest

from persistence.accounts import (
    Credentials,
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
        assert await own_account(connection, Id(3)) is None


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
