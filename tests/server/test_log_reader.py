"""Reads of the log: from memory where it has them, else once for all who ask for the same."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import asyncpg
import pytest
from msgspec.structs import replace

from persistence import rooms
from persistence.embedded import EmbeddedPostgres
from protocol.errors import UNAVAILABLE, PlazaError
from protocol.events import Edited, Message, RoomEvent
from protocol.ids import Id
from protocol.records import Role, Room
from rooms import conversation
from rooms.catchup import Span
from rooms.fanout import Fanout
from rooms.hub import Hub
from rooms.tail import Tails
from server.log_reader import LogReader
from tests.rooms.town import Town, founded
from tests.rooms.world import Door

LAST = 12


@pytest.fixture(scope="module")
async def town(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Town]:
    async with founded(postgres, template) as town:
        yield town


@pytest.fixture
async def ada(town: Town) -> Id:
    (ada,) = await town.people("ada")
    return ada.id


@pytest.fixture
async def garden(town: Town, ada: Id) -> Id:
    """A room of Ada's with so many events."""
    room = await town.room({ada: Role.OWNER})
    await town.write(*(conversation.message(ada, room, f"number {n}") for n in range(2, LAST + 1)))
    return room


@pytest.fixture
def hub() -> Hub:
    tails = Tails(room_events=0, all_events=0)
    return Hub(Fanout(lambda: None), lambda *_: None, Door(), tails)


@pytest.fixture
def reader(town: Town, hub: Hub) -> LogReader:
    return LogReader(town.database, hub)


def seqs(events: Iterable[RoomEvent]) -> list[int]:
    return [event.seq for event in events]


async def record(town: Town, account: Id, room: Id) -> Room:
    async with town.database.connection() as connection:
        found = await rooms.room(connection, account, room)
    assert found is not None
    return found


async def publish(town: Town, hub: Hub, room: Id, first: int) -> None:
    """Let the hub have the events from a seq on."""
    for event in (await town.log(room))[first - 1 :]:
        hub.publish(event)


@asynccontextmanager
async def withheld(town: Town) -> AsyncIterator[asyncpg.Connection]:
    """For as long as the block runs, who reads the log waits."""
    async with town.database.transaction() as connection:
        await connection.execute("LOCK TABLE room_events IN ACCESS EXCLUSIVE MODE")
        yield connection


async def waiting(lock: asyncpg.Connection, count: int) -> list[int]:
    """Wait until so many reads of the log are withheld: the backends that wait."""
    query = "SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'room_events'::regclass"
    while len(found := await lock.fetch(query)) < count:
        pass
    assert len(found) == count
    return [row["pid"] for row in found]


class TestMissed:
    async def test_is_read_from_memory(
        self, town: Town, hub: Hub, reader: LogReader, garden: Id
    ) -> None:
        await publish(town, hub, garden, 8)
        (events,) = await reader.missed([Span(garden, 7, LAST)])
        assert seqs(events) == list(range(8, LAST + 1))
        assert reader.counts.spans == {"tail": 1, "shared": 0, "database": 0}
        assert reader.counts.queries == 0

    async def test_is_read_from_the_database_where_memory_ends(
        self, town: Town, hub: Hub, reader: LogReader, garden: Id, ada: Id
    ) -> None:
        await publish(town, hub, garden, 8)
        other = await town.room({ada: Role.OWNER})
        spans = [Span(garden, 6, LAST), Span(other, 0, 1), Span(garden, 3, 4)]
        assert [seqs(events) for events in await reader.missed(spans[:2])] == [
            list(range(7, LAST + 1)),
            [1],
        ]
        assert reader.counts.queries == 1
        assert reader.counts.spans == {"tail": 0, "shared": 0, "database": 2}

    async def test_is_read_once_for_all(self, town: Town, reader: LogReader, garden: Id) -> None:
        span = Span(garden, 2, LAST)
        async with withheld(town) as lock:
            reads = [asyncio.create_task(reader.missed([span])) for _ in range(50)]
            await waiting(lock, 1)
        for (events,) in await asyncio.gather(*reads):
            assert seqs(events) == list(range(3, LAST + 1))
        assert reader.counts.queries == 1
        assert reader.counts.spans == {"tail": 0, "shared": 49, "database": 1}
        await reader.missed([span])  # it is not kept
        assert reader.counts.queries == 2

    async def test_shares_what_is_the_same(
        self, town: Town, reader: LogReader, garden: Id, ada: Id
    ) -> None:
        other = await town.room({ada: Role.OWNER})
        first = [Span(garden, 2, LAST)]
        second = [Span(other, 0, 1), Span(garden, 2, LAST)]
        third = [Span(garden, 3, LAST)]
        async with withheld(town) as lock:
            reads = [asyncio.create_task(reader.missed(spans)) for spans in (first, second, third)]
            await waiting(lock, 3)
        found = [[seqs(events) for events in read] for read in await asyncio.gather(*reads)]
        all_of_it = list(range(3, LAST + 1))
        assert found == [[all_of_it], [[1], all_of_it], [all_of_it[1:]]]
        assert reader.counts.spans == {"tail": 0, "shared": 1, "database": 3}

    async def test_goes_on_when_who_asked_first_gives_up(
        self, town: Town, reader: LogReader, garden: Id
    ) -> None:
        span = Span(garden, 2, LAST)
        async with withheld(town) as lock:
            first, second, third = (asyncio.create_task(reader.missed([span])) for _ in range(3))
            await waiting(lock, 1)
            for one in (first, third):
                one.cancel()
            await asyncio.wait([first, third])
        (events,) = await second
        assert len(events) == LAST - 2
        assert first.cancelled()
        assert third.cancelled()

    async def test_fails_for_all_who_share_it_and_for_no_later_one(
        self, town: Town, reader: LogReader, garden: Id
    ) -> None:
        span = Span(garden, 2, LAST)
        async with withheld(town) as lock:
            reads = [asyncio.create_task(reader.missed([span])) for _ in range(3)]
            (backend,) = await waiting(lock, 1)
            await lock.fetch("SELECT pg_terminate_backend($1)", backend)
            for outcome in await asyncio.gather(*reads, return_exceptions=True):
                assert isinstance(outcome, PlazaError)
                assert outcome.spec is UNAVAILABLE
        (events,) = await reader.missed([span])
        assert len(events) == LAST - 2

    async def test_fails_quietly_when_nobody_waits_any_more(
        self, town: Town, reader: LogReader, garden: Id, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with withheld(town) as lock:
            read = asyncio.create_task(reader.missed([Span(garden, 2, LAST)]))
            (backend,) = await waiting(lock, 1)
            read.cancel()
            await asyncio.wait([read])
            await lock.fetch("SELECT pg_terminate_backend($1)", backend)
        assert len(await reader.missed([Span(garden, 1, LAST)])) == 1
        assert not caplog.records


class TestPages:
    @pytest.mark.parametrize("held_from", [1, 6, LAST, LAST + 1])
    async def test_are_the_same_from_memory(
        self, town: Town, hub: Hub, reader: LogReader, garden: Id, ada: Id, held_from: int
    ) -> None:
        await publish(town, hub, garden, held_from)
        seen = await record(town, ada, garden)
        log = await town.log(garden)
        for limit in (1, 3, LAST, LAST + 5):
            for seq in (0, 1, 2, 7, LAST, LAST + 1, LAST + 2, 2**53 - 1):
                before = [event for event in log if event.seq < seq][-limit:]
                assert await reader.before(seen, seq, limit) == before
                after = [event for event in log if event.seq > seq][:limit]
                assert await reader.after(seen, seq, limit) == after
        # Catching up is counted, and nothing else.
        assert reader.counts.queries == sum(reader.counts.spans.values()) == 0

    async def test_from_memory_ask_no_database(
        self, town: Town, hub: Hub, reader: LogReader, garden: Id, ada: Id
    ) -> None:
        await publish(town, hub, garden, 6)
        seen = await record(town, ada, garden)
        async with withheld(town), asyncio.timeout(5):
            assert seqs(await reader.before(seen, LAST + 1, 7)) == list(range(6, LAST + 1))
            assert seqs(await reader.after(seen, 5, 100)) == list(range(6, LAST + 1))

    async def test_are_not_from_a_memory_that_is_behind(
        self, town: Town, hub: Hub, reader: LogReader, garden: Id, ada: Id
    ) -> None:
        """Of what another process has written, or what has yet to be published."""
        await publish(town, hub, garden, 1)
        await town.write(conversation.edit(ada, garden, 5, "corrected"))
        seen = await record(town, ada, garden)
        (message,) = await reader.before(seen, 6, 1)
        assert isinstance(message, Message)
        assert message.body == "corrected"

    async def test_are_read_once_for_all(
        self, town: Town, reader: LogReader, garden: Id, ada: Id
    ) -> None:
        seen = await record(town, ada, garden)
        async with withheld(town) as lock:
            reads = [asyncio.create_task(reader.before(seen, LAST + 1, 5)) for _ in range(20)]
            await waiting(lock, 1)
        assert {tuple(seqs(events)) for events in await asyncio.gather(*reads)} == {
            tuple(range(LAST - 4, LAST + 1))
        }

    async def test_are_never_older_than_what_the_reader_knows(
        self, town: Town, reader: LogReader, garden: Id, ada: Id
    ) -> None:
        """A read of the same page that began before an edit is of no use to who knows of it."""
        earlier = await record(town, ada, garden)
        later = replace(earlier, last_seq=earlier.last_seq + 1)
        async with withheld(town) as lock:
            reads = [
                asyncio.create_task(reader.before(seen, 6, 1)) for seen in (earlier, later, later)
            ]
            await waiting(lock, 2)
        await asyncio.gather(*reads)


async def test_an_edit_is_in_memory_as_it_is_in_the_log(
    town: Town, hub: Hub, reader: LogReader, garden: Id, ada: Id
) -> None:
    await publish(town, hub, garden, 1)
    await town.write(conversation.edit(ada, garden, 5, "corrected"))
    edit = (await town.log(garden))[-1]
    assert isinstance(edit, Edited)
    hub.publish(edit)
    async with withheld(town), asyncio.timeout(5):
        (events,) = await reader.missed([Span(garden, 4, LAST + 1)])
    async with town.database.connection() as connection:
        assert events == (await rooms.events_in(connection, [(garden, 4, LAST + 1)]))[garden]
