"""Rooms as their members see them: creation, lists, members, read markers, pages of the log."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from persistence import rooms
from persistence.arrivals import arrivals
from persistence.embedded import EmbeddedPostgres
from persistence.relations import Standing
from persistence.sessions import open_session, revoke
from protocol.errors import NONCE_CONFLICT, NOT_FOUND, PlazaError
from protocol.events import Created
from protocol.ids import MAX_ID, Id
from protocol.records import Member, Role, Room, RoomKind, User
from protocol.times import rfc3339
from rooms import conversation
from tests.rooms.town import NOW, Town, founded, number


@pytest.fixture(scope="module")
async def town(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Town]:
    async with founded(postgres, template) as town:
        yield town


@pytest.fixture
async def trio(town: Town) -> tuple[User, User, User]:
    ada, bob, eve = await town.people("ada", "bob", "eve")
    return ada, bob, eve


def ids(listed: Sequence[Room]) -> list[Id]:
    return [room.id for room in listed]


class TestCreate:
    def event(
        self, members: dict[Id, Role], kind: RoomKind = RoomKind.GROUP, title: str | None = "Garden"
    ) -> Created:
        return Created(
            room=number(),
            event_id=number(),
            sender=next(iter(members)),
            kind=kind,
            title=None if kind is RoomKind.DM else title,
            members=members,
        )

    async def create(self, town: Town, event: Created, key: str | None = None) -> tuple[Id, bool]:
        async with town.database.connection() as connection:
            return await rooms.create(connection, event, at=NOW, key=key)

    def dm(self, *members: User) -> Created:
        return self.event({user.id: Role.MEMBER for user in members}, RoomKind.DM)

    async def test_makes_the_room_its_members_and_its_first_event(
        self, town: Town, trio: tuple[User, User, User]
    ) -> None:
        ada, bob, _ = trio
        event = self.event({ada.id: Role.OWNER, bob.id: Role.MEMBER}, RoomKind.CHANNEL)
        assert await self.create(town, event) == (event.room, True)
        assert await town.roles(event.room) == event.members
        (first,) = await town.log(event.room)
        assert isinstance(first, Created)
        assert first == Created(
            room=event.room,
            sender=ada.id,
            seq=1,
            event_id=event.event_id,
            at=rfc3339(NOW),
            kind=RoomKind.CHANNEL,
            title="Garden",
            members={ada.id: Role.OWNER, bob.id: Role.MEMBER},
        )
        async with town.database.connection() as connection:
            assert await rooms.room(connection, bob.id, event.room) == Room(
                id=event.room,
                kind=RoomKind.CHANNEL,
                title="Garden",
                members=2,
                last_seq=1,
                role=Role.MEMBER,
                read_seq=1,
            )

    async def test_there_is_one_dm_for_a_pair(
        self, town: Town, trio: tuple[User, User, User]
    ) -> None:
        ada, bob, eve = trio
        first, _ = await self.create(town, self.dm(ada, bob))
        assert await self.create(town, self.dm(bob, ada)) == (first, False)
        assert await self.create(town, self.dm(ada, bob), "key") == (first, False)
        other, is_new = await self.create(town, self.dm(ada, eve))
        assert is_new
        assert other != first
        assert len(await town.log(first)) == 1

    async def test_of_dms_made_at_once_there_is_one(self, town: Town) -> None:
        for _ in range(5):
            ada, bob = await town.people("ada", "bob")
            pairs = [(ada, bob), (bob, ada), (ada, bob), (bob, ada)]
            made = await asyncio.gather(*[self.create(town, self.dm(*pair)) for pair in pairs])
            assert len({room for room, _ in made}) == 1
            assert sorted(is_new for _, is_new in made) == [False, False, False, True]

    async def test_one_can_write_to_oneself(
        self, town: Town, trio: tuple[User, User, User]
    ) -> None:
        ada, bob, _ = trio
        own, _ = await self.create(town, self.dm(ada))
        assert await self.create(town, self.dm(ada)) == (own, False)
        assert (await self.create(town, self.dm(ada, bob)))[0] != own
        async with town.database.connection() as connection:
            seen = await rooms.room(connection, ada.id, own)
        assert seen is not None
        assert seen.peer == ada

    async def test_a_key_makes_one_room_of_its_creators(
        self, town: Town, trio: tuple[User, User, User]
    ) -> None:
        ada, bob, eve = trio
        first, _ = await self.create(town, self.event({ada.id: Role.OWNER}), "key")
        again = self.event({ada.id: Role.OWNER, eve.id: Role.MEMBER}, title="Other")
        assert await self.create(town, again, "key") == (first, False)
        assert await town.roles(first) == {ada.id: Role.OWNER}
        assert (await self.create(town, self.event({ada.id: Role.OWNER}), "another"))[1]
        assert (await self.create(town, self.event({ada.id: Role.OWNER})))[1]
        assert (await self.create(town, self.event({bob.id: Role.OWNER}), "key"))[1]

    async def test_a_key_does_not_open_another_room(
        self, town: Town, trio: tuple[User, User, User]
    ) -> None:
        ada, bob, eve = trio
        await self.create(town, self.dm(ada, bob), "dm")
        await self.create(town, self.event({ada.id: Role.OWNER}), "group")
        for event, key in (
            (self.dm(ada, eve), "dm"),  # or a message to Eve would go to Bob
            (self.dm(ada, eve), "group"),
            (self.event({ada.id: Role.OWNER}), "dm"),
            (self.event({ada.id: Role.OWNER}, RoomKind.CHANNEL), "group"),
        ):
            with pytest.raises(PlazaError, check=lambda error: error.spec is NONCE_CONFLICT):
                await self.create(town, event, key)
        theirs, _ = await self.create(town, self.dm(ada, eve))
        assert await self.create(town, self.dm(ada, eve), "dm") == (theirs, False)

    async def test_of_rooms_made_at_once_with_a_key_there_is_one(
        self, town: Town, trio: tuple[User, User, User]
    ) -> None:
        ada, _, _ = trio
        made = await asyncio.gather(
            *[self.create(town, self.event({ada.id: Role.OWNER}), "key") for _ in range(4)]
        )
        assert len({room for room, _ in made}) == 1
        assert [is_new for _, is_new in made].count(True) == 1

    async def test_every_member_exists(self, town: Town, trio: tuple[User, User, User]) -> None:
        ada, _, _ = trio
        event = self.event({ada.id: Role.OWNER, Id(MAX_ID): Role.MEMBER})
        with pytest.raises(PlazaError, match=f"no account with the id {MAX_ID}") as raised:
            await self.create(town, event)
        assert raised.value.spec is NOT_FOUND
        async with town.database.connection() as connection:
            assert await rooms.room(connection, ada.id, event.room) is None
            assert await rooms.rooms_of(connection, ada.id) == []


class TestArrival:
    @pytest.fixture
    async def session(self, town: Town, trio: tuple[User, User, User]) -> Id:
        """A session of Ada's."""
        return await self.log_in(town, trio[0].id, timedelta(days=1))

    async def log_in(self, town: Town, account: Id, lifetime: timedelta = timedelta(days=1)) -> Id:
        session = number()
        async with town.database.connection() as connection:
            await open_session(
                connection,
                session=session,
                account=account,
                refresh_hash=str(session).encode(),
                user_agent="",
                address="",
                expires_at=datetime.now(UTC) + lifetime,
            )
        return session

    async def arrive(self, town: Town, account: Id, session: Id) -> tuple[User, list[Room]] | None:
        async with town.database.connection() as connection:
            found = (await arrivals(connection, [(account, session)])).get(session)
        return None if found is None else (found.user, found.rooms)

    async def test_tells_who_it_is_and_what_they_see(
        self, town: Town, trio: tuple[User, User, User], session: Id
    ) -> None:
        ada, bob, eve = trio
        group = await town.room({bob.id: Role.OWNER, ada.id: Role.MEMBER})
        dm = await town.room({ada.id: Role.MEMBER, bob.id: Role.MEMBER}, kind=RoomKind.DM)
        await town.room({bob.id: Role.OWNER, eve.id: Role.MEMBER})
        await town.room({bob.id: Role.OWNER}, kind=RoomKind.CHANNEL)
        await town.write(*[conversation.message(bob.id, group, "hi") for _ in range(3)])
        assert await self.arrive(town, ada.id, session) == (
            ada,
            [
                Room(
                    id=group,
                    kind=RoomKind.GROUP,
                    title="Garden",
                    last_seq=4,
                    role=Role.MEMBER,
                    members=2,
                    read_seq=1,
                    unread=3,
                ),
                Room(
                    id=dm,
                    kind=RoomKind.DM,
                    last_seq=1,
                    role=Role.MEMBER,
                    members=2,
                    read_seq=1,
                    peer=bob,
                ),
            ],
        )

    async def test_is_the_same_list_as_any(
        self, town: Town, trio: tuple[User, User, User], session: Id
    ) -> None:
        ada, bob, _ = trio
        for kind in RoomKind:
            await town.room({bob.id: Role.MEMBER, ada.id: Role.MEMBER}, kind=kind)
        arrived = await self.arrive(town, ada.id, session)
        assert arrived is not None
        async with town.database.connection() as connection:
            assert arrived[1] == await rooms.rooms_of(connection, ada.id)
            for seen in arrived[1]:
                assert await rooms.room(connection, ada.id, seen.id) == seen

    async def test_many_are_told_at_once(
        self, town: Town, trio: tuple[User, User, User], session: Id
    ) -> None:
        ada, bob, eve = trio
        dm = await town.room({ada.id: Role.MEMBER, bob.id: Role.MEMBER}, kind=RoomKind.DM)
        group = await town.room({bob.id: Role.OWNER, ada.id: Role.MEMBER})
        sessions = {session: ada}
        for user in (bob, ada, eve):
            sessions[await self.log_in(town, user.id)] = user
        asked = [(user.id, each) for each, user in sessions.items()]
        async with town.database.connection() as connection:
            found = await arrivals(connection, [*asked, (ada.id, number())])
            assert {each: seen.user for each, seen in found.items()} == sessions
            for each, seen in found.items():
                assert seen.rooms == await rooms.rooms_of(connection, sessions[each].id)
                assert seen.standing == Standing()
                expected = [] if sessions[each] == eve else [dm, group]
                assert [room.id for room in seen.rooms][-2:] == expected
        mine = next(seen for each, seen in found.items() if each == session)
        assert mine.rooms[-2].peer == bob

    async def test_a_newcomer_has_no_rooms(
        self, town: Town, trio: tuple[User, User, User], session: Id
    ) -> None:
        assert await self.arrive(town, trio[0].id, session) == (trio[0], [])

    async def test_a_session_that_is_not_live_gets_nothing(
        self, town: Town, trio: tuple[User, User, User], session: Id
    ) -> None:
        ada, bob, _ = trio
        expired = await self.log_in(town, ada.id, timedelta(seconds=-1))
        assert await self.arrive(town, ada.id, expired) is None
        assert await self.arrive(town, ada.id, number()) is None
        assert await self.arrive(town, bob.id, session) is None  # somebody else's
        async with town.database.connection() as connection:
            assert await revoke(connection, account=ada.id, session=session)
        assert await self.arrive(town, ada.id, session) is None


async def test_a_room_is_seen_from_ones_own_side(town: Town, trio: tuple[User, User, User]) -> None:
    ada, bob, eve = trio
    dm = await town.room({ada.id: Role.MEMBER, bob.id: Role.MEMBER}, kind=RoomKind.DM)
    async with town.database.connection() as connection:
        for me, peer in ((ada, bob), (bob, ada)):
            seen = await rooms.room(connection, me.id, dm)
            assert seen is not None
            assert seen.peer == peer
            assert seen.role is Role.MEMBER
        stranger = await rooms.room(connection, eve.id, dm)
        assert stranger is not None
        assert (stranger.role, stranger.read_seq, stranger.unread) == (None, 0, 0)
        assert await rooms.room(connection, ada.id, number()) is None


async def test_channels_are_listed_for_everybody(town: Town, trio: tuple[User, User, User]) -> None:
    ada, bob, eve = trio
    start = number()
    made = [await town.room({ada.id: Role.OWNER}, kind=RoomKind.CHANNEL) for _ in range(3)]
    await town.room({ada.id: Role.OWNER})
    await town.write(conversation.join(bob.id, made[1]))
    async with town.database.connection() as connection:
        listed = await rooms.channels(connection, bob.id, after=start, limit=10)
        assert ids(listed) == made
        assert [room.role for room in listed] == [None, Role.MEMBER, None]
        assert [room.members for room in listed] == [1, 2, 1]
        assert [room.unread for room in listed] == [0, 0, 0]  # a join is no message
        assert ids(await rooms.channels(connection, eve.id, after=start, limit=2)) == made[:2]
        assert ids(await rooms.channels(connection, eve.id, after=made[1], limit=2)) == made[2:]


async def test_members_are_listed_in_pages(town: Town) -> None:
    people = await town.people(*(f"member_{letter}" for letter in "abcde"))
    roles = [Role.OWNER, Role.ADMIN, Role.MEMBER, Role.MEMBER, Role.MEMBER]
    room = await town.room({person.id: role for person, role in zip(people, roles, strict=True)})
    await town.room({person.id: Role.OWNER for person in people})
    expected = [
        Member(account=person.id, username=person.username, role=role, joined_at=rfc3339(NOW))
        for person, role in zip(people, roles, strict=True)
    ]
    async with town.database.connection() as connection:
        assert await rooms.members(connection, room, after=0, limit=2) == expected[:2]
        assert await rooms.members(connection, room, after=people[1].id, limit=9) == expected[2:]
        assert await rooms.members(connection, number(), after=0, limit=9) == []


class TestPages:
    @pytest.fixture
    async def room(self, town: Town, trio: tuple[User, User, User]) -> Id:
        """Eleven events."""
        ada, _, _ = trio
        room = await town.room({ada.id: Role.OWNER})
        await town.write(*[conversation.message(ada.id, room, f"{n}") for n in range(10)])
        return room

    @pytest.mark.parametrize(
        ("seq", "limit", "expected"),
        [
            (12, 3, [9, 10, 11]),
            (2**53, 100, list(range(1, 12))),
            (5, 2, [3, 4]),
            (2, 2, [1]),
            (1, 2, []),
            (0, 2, []),
        ],
    )
    async def test_before(
        self, town: Town, room: Id, seq: int, limit: int, expected: list[int]
    ) -> None:
        async with town.database.connection() as connection:
            page = await rooms.events_before(connection, room, seq, limit)
        assert [event.seq for event in page] == expected

    @pytest.mark.parametrize(
        ("seq", "limit", "expected"),
        [(0, 3, [1, 2, 3]), (9, 3, [10, 11]), (11, 3, []), (2**53, 3, [])],
    )
    async def test_after(
        self, town: Town, room: Id, seq: int, limit: int, expected: list[int]
    ) -> None:
        async with town.database.connection() as connection:
            page = await rooms.events_after(connection, room, seq, limit)
        assert [event.seq for event in page] == expected

    async def test_in_spans_of_several_rooms(
        self, town: Town, trio: tuple[User, User, User], room: Id
    ) -> None:
        ada, _, _ = trio
        second = await town.room({ada.id: Role.OWNER})
        await town.write(*[conversation.message(ada.id, second, f"{n}") for n in range(10)])
        spans = [(second, 2, 4), (room, 8, 99), (number(), 0, 9), (room, 0, 1)]
        async with town.database.connection() as connection:
            found = await rooms.events_in(connection, spans)
        seqs = {place: [event.seq for event in events] for place, events in found.items()}
        assert seqs == {second: [3, 4], room: [9, 10, 11, 1]}
        assert list(seqs) == [second, room]
        assert {event.room for event in found[second]} == {second}
