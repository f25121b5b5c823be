"""server/indexer.py: it follows the log, shares its time, and loses nothing."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from persistence.database import Database
from persistence.embedded import EmbeddedPostgres
from protocol.errors import UNAVAILABLE, PlazaError
from protocol.events import Edited, Message, Reacted, Renamed
from protocol.ids import Id
from protocol.records import Role, User
from rooms import conversation
from server import indexer as module
from server.indexer import Indexer
from tests.rooms.town import Town, founded


@pytest.fixture(scope="module")
async def town(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Town]:
    async with founded(postgres, template) as town:
        yield town


@pytest.fixture
async def ada(town: Town) -> User:
    (ada,) = await town.people("ada")
    return ada


@pytest.fixture
async def indexer(town: Town) -> Indexer:
    """One that has nothing left to do."""
    indexer = Indexer(town.database, waiting=lambda: 0)
    while await indexer.turn():
        pass
    return indexer


async def say(town: Town, who: User, room: Id, *bodies: str) -> list[Message]:
    drafts = [conversation.message(who.id, room, body) for body in bodies]
    assert await town.write(*drafts) == [None] * len(drafts)
    return [draft.event for draft in drafts if isinstance(draft.event, Message)]


async def indexed(town: Town, room: Id) -> int:
    (row,) = await town.fetch("SELECT count(*) FROM message_search WHERE room_id = $1", room)
    count: int = row[0]
    return count


async def test_what_was_published_is_indexed(town: Town, ada: User, indexer: Indexer) -> None:
    rooms = [await town.room({ada.id: Role.OWNER}) for _ in range(3)]
    for room in rooms:
        for event in await say(town, ada, room, "one", "two"):
            indexer.note(event)
    assert len(indexer) == 3
    assert not await indexer.turn()
    assert [await indexed(town, room) for room in rooms] == [2, 2, 2]
    assert len(indexer) == 0


async def test_only_messages_and_what_changes_them_are_news(indexer: Indexer) -> None:
    indexer.note(Reacted(room=Id(1), sender=Id(9), target=1, emoji="x"))
    indexer.note(Renamed(room=Id(2), sender=Id(9), title="x"))
    assert len(indexer) == 0
    indexer.note(Edited(room=Id(3), sender=Id(9), target=1))
    assert len(indexer) == 1


async def test_what_a_dead_process_left_is_found(
    town: Town, ada: User, indexer: Indexer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_BACK", 2)
    rooms = [await town.room({ada.id: Role.OWNER}) for _ in range(5)]
    for room in rooms:
        await say(town, ada, room, "one")
    assert not await indexer.turn()  # it was told nothing
    successor = Indexer(town.database, waiting=lambda: 0)
    while await successor.turn():
        pass
    assert [await indexed(town, room) for room in rooms] == [1] * 5


async def test_a_batch_is_bounded_and_rooms_take_turns(
    town: Town, ada: User, indexer: Indexer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROOMS", 2)
    loud, *quiet = [await town.room({ada.id: Role.OWNER}) for _ in range(4)]
    for start in range(0, 1_500, 250):
        for event in await say(town, ada, loud, *map(str, range(start, start + 250))):
            indexer.note(event)
    for room in quiet:
        for event in await say(town, ada, room, "one"):
            indexer.note(event)
    assert await indexer.turn()
    assert await indexed(town, loud) < 1_500
    assert await indexer.turn()
    assert [await indexed(town, room) for room in quiet] == [1, 1, 1]
    while await indexer.turn():
        pass
    assert await indexed(town, loud) == 1_500


async def test_what_could_not_be_indexed_stays_news(
    town: Town, ada: User, indexer: Indexer
) -> None:
    room = await town.room({ada.id: Role.OWNER})
    for event in await say(town, ada, room, "one"):
        indexer.note(event)
    closed = await Database.open(town.database.dsn, pool_size=2)
    await closed.close()
    indexer._database, database = closed, indexer._database
    with pytest.raises(PlazaError, check=lambda error: error.spec is UNAVAILABLE):
        await indexer.turn()
    indexer._database = database
    assert len(indexer) == 1
    assert not await indexer.turn()
    assert await indexed(town, room) == 1


async def test_catching_up_ends_in_time(town: Town, ada: User, indexer: Indexer) -> None:
    room = await town.room({ada.id: Role.OWNER})
    for start in range(0, 1_000, 250):
        await say(town, ada, room, *map(str, range(start, start + 250)))
    await indexer.catch_up([room], within=0)
    some = await indexed(town, room)
    assert 0 < some < 1_000
    await indexer.catch_up([room], within=60)
    assert await indexed(town, room) == 1_000


async def test_runs_until_it_is_cancelled_whatever_happens(
    town: Town, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0)
    monkeypatch.setattr(module, "INTERVAL", 0)
    failures = iter([PlazaError(UNAVAILABLE), RuntimeError("a bug"), None])
    done = asyncio.Event()
    indexer = Indexer(town.database, waiting=lambda: 1)
    turn = indexer.turn

    async def turn_or_fail() -> bool:
        if (failure := next(failures, None)) is not None:
            raise failure
        if not await turn():
            done.set()
        return False

    monkeypatch.setattr(indexer, "turn", turn_or_fail)
    room = await town.room({ada.id: Role.OWNER})
    await say(town, ada, room, "one")
    running = asyncio.create_task(indexer.run())
    async with asyncio.timeout(30):
        await done.wait()
        while await indexed(town, room) == 0:
            await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
