"""Sessions: a refresh token works once, and a session ends for good."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from persistence.accounts import create_account
from persistence.database import Database
from persistence.sessions import (
    Refreshed,
    Reused,
    delete_expired,
    open_session,
    revoke,
    revoke_all,
    rotate,
    session_owner,
    sessions_of,
)
from protocol import errors
from protocol.errors import PlazaError
from protocol.ids import Id
from protocol.records import User

ADA = User(id=Id(1), username="ada")
BOB = User(id=Id(2), username="bob")
LAPTOP, PHONE, BOBS = Id(11), Id(12), Id(13)
NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=30)

unauthorized = pytest.raises(PlazaError, check=lambda error: error.spec is errors.UNAUTHORIZED)


@pytest.fixture(autouse=True)
async def logins(database: Database) -> None:
    """Ada is logged in twice, with the tokens b"laptop" and b"phone", Bob once with b"bobs"."""
    async with database.connection() as connection:
        for user in (ADA, BOB):
            await create_account(
                connection,
                account=user.id,
                username=user.username,
                email=f"{user.username}@example.org",
                password_hash="",
            )
    await log_in(database, ADA, LAPTOP, b"laptop")
    await log_in(database, ADA, PHONE, b"phone")
    await log_in(database, BOB, BOBS, b"bobs")


async def log_in(database: Database, user: User, session: Id, token: bytes) -> None:
    async with database.connection() as connection:
        await open_session(
            connection,
            session=session,
            account=user.id,
            refresh_hash=token,
            user_agent=f"agent of {session}",
            address="192.0.2.7",
            expires_at=LATER,
        )


async def refresh(
    database: Database, token: bytes, new: bytes, *, now: datetime = NOW
) -> Refreshed | Reused:
    async with database.transaction() as connection:
        return await rotate(
            connection, refresh_hash=token, new_hash=new, now=now, expires_at=now + (LATER - NOW)
        )


async def owner(database: Database, session: Id) -> User | None:
    async with database.connection() as connection:
        return await session_owner(connection, session)


async def test_a_token_yields_the_next(database: Database) -> None:
    assert await refresh(database, b"laptop", b"second") == Refreshed(LAPTOP, ADA)
    assert await refresh(database, b"second", b"third") == Refreshed(LAPTOP, ADA)


async def test_refreshing_prolongs_the_session(database: Database) -> None:
    await refresh(database, b"laptop", b"second", now=LATER - timedelta(seconds=1))
    assert await refresh(database, b"second", b"third", now=LATER) == Refreshed(LAPTOP, ADA)
    with unauthorized:
        await refresh(database, b"phone", b"another", now=LATER)


async def test_a_token_shown_twice_ends_its_session_alone(database: Database) -> None:
    await refresh(database, b"laptop", b"second")
    assert await refresh(database, b"laptop", b"stolen") == Reused(LAPTOP, ADA.id)
    for token in (b"laptop", b"second", b"stolen"):
        with unauthorized:
            await refresh(database, token, b"next")
    assert await owner(database, LAPTOP) is None
    assert await owner(database, PHONE) == ADA


async def test_of_two_at_once_one_wins_and_the_other_is_reuse(database: Database) -> None:
    for number in range(10):
        session, token = Id(100 + number), b"token %d" % number
        await log_in(database, ADA, session, token)
        results = await asyncio.gather(
            refresh(database, token, token + b" a"), refresh(database, token, token + b" b")
        )
        assert sorted(results, key=str) == [Refreshed(session, ADA), Reused(session, ADA.id)]
        assert await owner(database, session) is None


async def test_an_unknown_token_is_refused(database: Database) -> None:
    with unauthorized:
        await refresh(database, b"guess", b"next")


async def test_a_session_has_an_owner_while_it_lives(database: Database) -> None:
    assert await owner(database, BOBS) == BOB
    assert await owner(database, Id(99)) is None
    async with database.connection() as connection:
        await open_session(
            connection,
            session=Id(14),
            account=BOB.id,
            refresh_hash=b"short",
            user_agent="",
            address="",
            expires_at=NOW - timedelta(seconds=1),
        )
        assert await session_owner(connection, Id(14)) is None
        assert [session.id for session in await sessions_of(connection, BOB.id)] == [BOBS]


async def test_the_list_shows_the_one_refreshed_last_first(database: Database) -> None:
    await refresh(database, b"laptop", b"second", now=NOW + timedelta(hours=1))
    async with database.connection() as connection:
        sessions = await sessions_of(connection, ADA.id)
    assert [session.id for session in sessions] == [LAPTOP, PHONE]
    assert sessions[0].user_agent == "agent of 11"
    assert sessions[0].address == "192.0.2.7"
    assert sessions[0].created_at < sessions[0].refreshed_at
    assert sessions[1].created_at == sessions[1].refreshed_at


async def test_a_session_is_revoked_by_its_own_account(database: Database) -> None:
    async with database.connection() as connection:
        assert not await revoke(connection, account=BOB.id, session=LAPTOP)
        assert await revoke(connection, account=ADA.id, session=LAPTOP)
        assert not await revoke(connection, account=ADA.id, session=LAPTOP)
        assert [session.id for session in await sessions_of(connection, ADA.id)] == [PHONE]
    with unauthorized:
        await refresh(database, b"laptop", b"next")


async def test_all_sessions_but_one_are_revoked(database: Database) -> None:
    async with database.connection() as connection:
        assert await revoke_all(connection, ADA.id, keep=PHONE) == [LAPTOP]
        assert await revoke_all(connection, ADA.id) == [PHONE]
        assert await revoke_all(connection, ADA.id) == []
    assert await owner(database, BOBS) == BOB


async def test_what_has_ended_is_deleted(database: Database) -> None:
    await refresh(database, b"bobs", b"second", now=LATER - timedelta(days=1))
    async with database.connection() as connection:
        await revoke(connection, account=ADA.id, session=LAPTOP)
        assert await delete_expired(connection, NOW) == 1
        assert await delete_expired(connection, LATER) == 1
        assert await connection.fetchval("SELECT array_agg(id) FROM sessions") == [BOBS]
        assert await connection.fetchval("SELECT count(*) FROM refresh_tokens") == 2


async def test_tokens_used_long_ago_are_forgotten(database: Database) -> None:
    tokens = [b"bobs", b"2nd", b"3rd", b"4th", b"5th", b"6th"]
    now = NOW
    for token, new in pairwise(tokens):
        now += timedelta(days=29)
        await refresh(database, token, new, now=now)
    async with database.connection() as connection:
        await delete_expired(connection, now)
        rows = await connection.fetch(
            "SELECT token_hash FROM refresh_tokens WHERE session_id = $1", BOBS
        )
    assert {row["token_hash"] for row in rows} == set(tokens[1:])
    with unauthorized:
        await refresh(database, b"bobs", b"stolen", now=now)
    assert await refresh(database, b"6th", b"7th", now=now) == Refreshed(BOBS, BOB)
