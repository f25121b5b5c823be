"""Threads as they are read by themselves."""

from collections.abc import AsyncIterator

import pytest

from persistence import threads
from persistence.embedded import EmbeddedPostgres
from protocol.ids import Id
from protocol.records import Role
from rooms import conversation
from tests.rooms.town import Town, founded


@pytest.fixture(scope="module")
async def town(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Town]:
    async with founded(postgres, template) as town:
        yield town


@pytest.fixture
async def room(town: Town) -> Id:
    """2 and 3 begin threads, 4 to 13 reply in turns, the last two to replies; then a reaction."""
    (ada,) = await town.people("ada")
    room = await town.room({ada.id: Role.OWNER})

    async def say(reply_to: int | None = None) -> None:
        draft = conversation.message(ada.id, room, "x", reply_to=reply_to)
        assert await town.write(draft) == [None]

    for target in (None, None, *[2, 3] * 4, 4, 5):
        await say(target)
    assert await town.write(conversation.react(ada.id, room, 4, "👍")) == [None]
    assert await town.write(conversation.delete(ada.id, room, 6)) == [None]
    return room


async def test_a_message_is_in_one_thread(town: Town, room: Id) -> None:
    async with town.database.connection() as connection:
        roots = [await threads.root_of(connection, room, seq) for seq in range(1, 16)]
        assert roots == [None, 2, 3, *[2, 3] * 5, None, None]
        assert await threads.root_of(connection, Id(room + 1), 2) is None


@pytest.mark.parametrize(
    ("after", "limit", "seqs"),
    [
        (0, 100, [2, 4, 6, 8, 10, 12]),
        (0, 3, [2, 4, 6]),
        (1, 1, [2]),
        (2, 2, [4, 6]),
        (5, 9, [6, 8, 10, 12]),
        (12, 9, []),
    ],
)
async def test_upwards(town: Town, room: Id, after: int, limit: int, seqs: list[int]) -> None:
    async with town.database.connection() as connection:
        found = await threads.events_after(connection, room, 2, after, limit)
    log = {event.seq: event for event in await town.log(room)}
    assert found == [log[seq] for seq in seqs]


@pytest.mark.parametrize(
    ("before", "limit", "seqs"),
    [
        (99, 100, [3, 5, 7, 9, 11, 13]),
        (99, 2, [11, 13]),
        (13, 2, [9, 11]),
        (5, 2, [3]),
        (4, 1, [3]),
        (3, 9, []),
    ],
)
async def test_downwards(town: Town, room: Id, before: int, limit: int, seqs: list[int]) -> None:
    async with town.database.connection() as connection:
        found = await threads.events_before(connection, room, 3, before, limit)
    assert [event.seq for event in found] == seqs
