"""Blocks and mutes as they are stored, and what a block does to the pair's dm."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from persistence import presence, relations, rooms
from persistence.arrivals import arrivals
from persistence.embedded import EmbeddedPostgres
from persistence.relations import Standing
from persistence.sessions import open_session
from protocol.errors import FORBIDDEN, NOT_FOUND, PlazaError
from protocol.ids import Id
from protocol.records import Role, RoomKind, User
from protocol.times import FOREVER
from tests.rooms.town import Town, founded, number


@pytest.fixture(scope="module")
async def town(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Town]:
    async with founded(postgres, template) as town:
        yield town


@pytest.fixture
async def pair(town: Town) -> tuple[User, User]:
    ada, bob = await town.people("ada", "bob")
    return ada, bob


async def block(town: Town, one: Id, other: Id, *, limit: int = 0) -> relations.Relation:
    async with town.database.transaction() as connection:
        return await relations.block(connection, one, other, limit=limit)


async def unblock(town: Town, one: Id, other: Id) -> relations.Relation:
    async with town.database.transaction() as connection:
        return await relations.unblock(connection, one, other)


async def muted_until(town: Town, room: Id) -> list[str | None]:
    async with town.database.connection() as connection:
        members = await rooms.members(connection, room, after=0, limit=2)
    return [member.muted_until for member in members]


class TestDm:
    async def dm(self, town: Town, pair: tuple[User, User]) -> Id:
        ada, bob = pair
        return await town.room({ada.id: Role.MEMBER, bob.id: Role.MEMBER}, kind=RoomKind.DM)

    async def test_is_silent_while_one_blocks(self, town: Town, pair: tuple[User, User]) -> None:
        ada, bob = pair
        dm = await self.dm(town, pair)
        group = await town.room({ada.id: Role.OWNER, bob.id: Role.MEMBER})
        assert (await block(town, ada.id, bob.id)).changed
        assert await muted_until(town, dm) == [FOREVER, FOREVER]
        assert await muted_until(town, group) == [None, None]
        assert (await block(town, bob.id, ada.id)).changed
        assert (await unblock(town, ada.id, bob.id)).changed
        assert await muted_until(town, dm) == [FOREVER, FOREVER]
        assert (await unblock(town, bob.id, ada.id)).changed
        assert await muted_until(town, dm) == [None, None]

    async def test_repetitions_change_nothing(self, town: Town, pair: tuple[User, User]) -> None:
        ada, bob = pair
        dm = await self.dm(town, pair)
        assert not (await unblock(town, ada.id, bob.id)).changed
        await block(town, ada.id, bob.id)
        assert await block(town, ada.id, bob.id) == (True, False, False)
        assert not (await unblock(town, bob.id, ada.id)).changed
        assert await muted_until(town, dm) == [FOREVER, FOREVER]

    async def test_a_block_and_a_creation_do_not_miss_each_other(
        self, town: Town, pair: tuple[User, User]
    ) -> None:
        ada, bob = pair
        began, go = asyncio.Event(), asyncio.Event()

        async def open_dm() -> None:
            async with town.database.transaction() as connection:
                await relations.lock_pair(connection, bob.id, ada.id)
                assert not await relations.is_blocked(connection, bob.id, ada.id)
                began.set()
                await go.wait()

        opening = asyncio.create_task(open_dm())
        await began.wait()
        blocking = asyncio.create_task(block(town, ada.id, bob.id))
        async with town.database.connection() as connection:
            waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            while not await connection.fetchval(waiting):
                assert not blocking.done()
        go.set()
        await opening
        assert (await blocking).changed


class TestLists:
    async def test_a_full_one_takes_no_more(self, town: Town) -> None:
        ada, bob, eve = await town.people("ada", "bob", "eve")
        await block(town, ada.id, bob.id, limit=1)
        with pytest.raises(PlazaError) as refusal:
            await block(town, ada.id, eve.id, limit=1)
        assert refusal.value.spec is FORBIDDEN
        async with town.database.connection() as connection:
            assert await relations.blocks(connection, ada.id, after=0, limit=9) == [bob]
            assert await relations.blocks(connection, ada.id, after=bob.id, limit=9) == []

    async def test_others_must_exist(self, town: Town, pair: tuple[User, User]) -> None:
        with pytest.raises(PlazaError) as refusal:
            await block(town, pair[0].id, Id(2**62))
        assert refusal.value.spec is NOT_FOUND

    async def test_blocks_and_mutes_are_apart(self, town: Town, pair: tuple[User, User]) -> None:
        ada, bob = pair
        async with town.database.connection() as connection:
            assert await relations.mute(connection, ada.id, bob.id, limit=0) == (False, True, True)
            assert await relations.mutes(connection, ada.id, after=0, limit=9) == [bob]
            assert await relations.blocks(connection, ada.id, after=0, limit=9) == []
        assert await block(town, ada.id, bob.id) == (True, True, True)
        async with town.database.connection() as connection:
            assert await relations.unmute(connection, ada.id, bob.id) == (True, False, True)


class TestStanding:
    @pytest.mark.parametrize("rooms_of_ada", [0, 3])
    async def test_comes_with_the_arrival(self, town: Town, rooms_of_ada: int) -> None:
        ada, bob, eve = await town.people("ada", "bob", "eve")
        for _ in range(rooms_of_ada):
            await town.room({ada.id: Role.OWNER})
        session = number()
        async with town.database.connection() as connection:
            await open_session(
                connection,
                session=session,
                account=ada.id,
                refresh_hash=session.to_bytes(32, "big"),
                user_agent="",
                address="",
                expires_at=datetime.now(UTC) + timedelta(days=1),
            )

            async def standing() -> Standing:
                found = (await arrivals(connection, [(ada.id, session)]))[session]
                assert len(found.rooms) == rooms_of_ada
                return found.standing

            assert await standing() == Standing()
            await block(town, ada.id, eve.id)
            await block(town, ada.id, bob.id)
            await block(town, eve.id, bob.id)
            await relations.mute(connection, ada.id, eve.id, limit=0)
            await presence.set_settings(connection, ada.id, busy=None, hidden=True)
            assert await standing() == Standing(
                busy=False, hidden=True, blocked=(bob.id, eve.id), muted=(eve.id,)
            )
