"""The room log when its connection breaks: nothing is lost or doubled, and nobody sees a hole.

A connection breaks in two ways. The server ends it: what was under way is not written. Or an answer
is lost: it is written, and the log does not know.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from persistence import room_log
from persistence.database import Database
from persistence.embedded import EmbeddedPostgres
from persistence.migrate import migrate
from persistence.room_log import Outcome
from persistence.round import INSERT_PLAIN
from protocol.drafts import Written
from protocol.errors import UNAVAILABLE, PlazaError
from protocol.events import Edited
from protocol.ids import Id
from protocol.records import Role, User
from rooms import conversation
from tests.rooms.desk import Desk, cut, occupied, opened, until_blocked, until_open, until_queued
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
async def room(town: Town, ada: User) -> Id:
    """Ada's."""
    return await town.room({ada.id: Role.OWNER})


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits between two attempts to connect."""
    monkeypatch.setattr(room_log, "RECONNECT_SECONDS", 0)


def is_unavailable(outcome: Outcome) -> bool:
    return isinstance(outcome, PlazaError) and outcome.spec is UNAVAILABLE


def written(outcome: Outcome) -> Written:
    assert isinstance(outcome, Written)
    return outcome


class Deaf(asyncpg.Connection):
    """A connection that breaks when it should hear of a success, or of a failure.

    Attributes:
        misses: a statement; the first time that it succeeds, or fails, the connection breaks.
    """

    misses = ""

    async def fetch(self, query: str, *arguments: Any, **options: Any) -> list[Any]:
        return await self._hear(query, super().fetch(query, *arguments, **options))

    async def execute(self, query: str, *arguments: Any, **options: Any) -> str:
        return await self._hear(query, super().execute(query, *arguments, **options))

    async def _hear(self, query: str, answer: Any) -> Any:
        try:
            heard = await answer
        except asyncpg.PostgresError:
            if query == self.misses:
                await self._break()
            raise
        if query == self.misses:
            await self._break()
            raise TimeoutError("the answer is lost")
        return heard

    async def _break(self) -> None:
        self.terminate()
        await asyncio.sleep(0)  # the log hears of it before it hears of the failure


class Late(Deaf):
    """A connection that does not break, but whose answer comes too late."""

    async def _break(self) -> None:
        pass


@pytest.fixture
async def deaf(town: Town) -> AsyncIterator[Desk]:
    """A log with connections that can be told to break."""

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(town.database.dsn, connection_class=Deaf)

    async with opened(town, connect) as desk:
        yield desk


class TestCutOff:
    """By the server, which undoes what was under way."""

    @pytest.mark.parametrize("text", ["hi", "@nobody"])
    async def test_in_the_middle_of_a_write(
        self, town: Town, ada: User, room: Id, text: str
    ) -> None:
        async with opened(town) as desk:
            async with occupied(town, room):
                first = asyncio.create_task(
                    desk.write(conversation.message(ada.id, room, text, nonce="under way"))
                )
                await until_blocked(town, desk.connections[-1])
                second = asyncio.create_task(
                    desk.write(conversation.message(ada.id, room, text, nonce="waiting"))
                )
                await until_queued(desk, 1)
                await cut_while_occupied(town, desk)
                assert is_unavailable((await first)[0])
                assert is_unavailable((await second)[0])
            await until_open(town, desk)
            assert not desk.published
            outcomes = await desk.write(
                conversation.message(ada.id, room, text, nonce="under way"),
                conversation.message(ada.id, room, text, nonce="waiting"),
            )
            assert [written(outcome).repeated for outcome in outcomes] == [False, False]
            assert desk.seqs(room) == [2, 3]

    async def test_while_it_is_idle(self, town: Town, ada: User, room: Id) -> None:
        async with opened(town) as desk:
            await cut(town, desk)
            (outcome,) = await desk.write(conversation.message(ada.id, room, "hi"))
            assert written(outcome).event.seq == 2

    async def test_again_and_again_under_load(self, town: Town, ada: User) -> None:
        rooms = [await town.room({ada.id: Role.OWNER}) for _ in range(3)]
        acknowledged: dict[str, Written] = {}

        async def send(desk: Desk, nonce: str, room: Id, text: str) -> None:
            while nonce not in acknowledged:
                (outcome,) = await desk.write(conversation.message(ada.id, room, text, nonce=nonce))
                if isinstance(outcome, Written):
                    acknowledged[nonce] = outcome
                else:
                    assert is_unavailable(outcome)
                    await town.fetch("SELECT 1")

        async def talk(desk: Desk, talker: int) -> None:
            for turn in range(40):
                text = "@nobody" if turn % 4 == 0 else "hi"
                await send(desk, f"{talker}-{turn}", rooms[turn % 3], text)

        async with opened(town) as desk:
            talks = asyncio.gather(*[talk(desk, talker) for talker in range(8)])
            for _ in range(6):
                await cut(town, desk)
            await talks
            await cut(town, desk)  # what is in doubt is published by now
        for room in rooms:
            log = (await town.log(room))[1:]
            assert desk.seqs(room) == [event.seq for event in log] == list(range(2, len(log) + 2))
            assert [event for event in desk.published if event.room == room] == log
            for event in log:
                assert acknowledged.pop(event.nonce).event.event_id == event.event_id
        assert not acknowledged


async def cut_while_occupied(town: Town, desk: Desk) -> None:
    """End the log's connection, and wait until the log knows."""
    await town.fetch("SELECT pg_terminate_backend($1)", desk.connections[-1].get_server_pid())
    while not desk.connections[0].is_closed():
        await town.fetch("SELECT 1")


class TestLostAnswer:
    """What was written is published after reconnecting, once, and before anything else."""

    @pytest.mark.parametrize(("text", "statement"), [("hi", INSERT_PLAIN), ("@nobody", "COMMIT;")])
    async def test_of_a_write(
        self, town: Town, deaf: Desk, ada: User, room: Id, text: str, statement: str
    ) -> None:
        deaf.connections[-1].misses = statement
        drafts = [conversation.message(ada.id, room, text, nonce=f"n{n}") for n in range(3)]
        outcomes = await deaf.write(*drafts)
        assert all(map(is_unavailable, outcomes))
        await until_open(town, deaf)
        assert deaf.seqs(room) == [2, 3, 4]
        assert deaf.published == (await town.log(room))[1:]
        again = await deaf.write(
            *[conversation.message(ada.id, room, text, nonce=f"n{n}") for n in (2, 0, 9)]
        )
        assert [written(outcome).event.seq for outcome in again] == [4, 2, 5]
        assert [written(outcome).repeated for outcome in again] == [True, True, False]
        assert deaf.seqs(room) == [2, 3, 4, 5]

    async def test_in_the_middle_of_a_batch(
        self, town: Town, deaf: Desk, ada: User, room: Id
    ) -> None:
        await deaf.write(conversation.message(ada.id, room, "2"))
        deaf.connections[-1].misses = "COMMIT;"
        outcomes = await deaf.write(
            conversation.edit(ada.id, room, 2, "written, but who knows", nonce="edit"),
            conversation.message(ada.id, room, "not written", nonce="n"),
        )
        assert all(map(is_unavailable, outcomes))
        await until_open(town, deaf)
        assert deaf.seqs(room) == [2, 3]
        assert isinstance(deaf.published[-1], Edited)
        again = await deaf.write(
            conversation.edit(ada.id, room, 2, "written, but who knows", nonce="edit"),
            conversation.message(ada.id, room, "not written", nonce="n"),
        )
        assert [written(outcome).event.seq for outcome in again] == [3, 4]
        assert [written(outcome).repeated for outcome in again] == [True, False]
        assert deaf.seqs(room) == [2, 3, 4]

    async def test_of_a_write_that_is_still_under_way(
        self, town: Town, ada: User, room: Id
    ) -> None:
        """The server goes on with what a client that is gone has asked for."""
        async with opened(town) as desk:
            async with occupied(town, room):
                first = asyncio.create_task(
                    desk.write(conversation.message(ada.id, room, "hi", nonce="n"))
                )
                await until_blocked(town, desk.connections[0])
                desk.connections[0].terminate()
                assert is_unavailable((await first)[0])
                while len(desk.connections) == 1:
                    await town.fetch("SELECT 1")
                await until_blocked(town, desk.connections[1])
            await until_open(town, desk)
            assert desk.seqs(room) == [2]
            again, new = await desk.write(
                conversation.message(ada.id, room, "hi", nonce="n"),
                conversation.message(ada.id, room, "next"),
            )
            assert written(again).repeated
            assert written(new).event.seq == 3
            assert desk.seqs(room) == [2, 3]

    @pytest.mark.parametrize("text", ["hi", "@nobody"])
    async def test_that_a_nonce_is_in_use(
        self, town: Town, deaf: Desk, ada: User, room: Id, text: str
    ) -> None:
        await deaf.write(conversation.message(ada.id, room, "hi", nonce="n"))
        deaf.connections[-1].misses = INSERT_PLAIN if text == "hi" else room_log.REPEATED
        outcomes = await deaf.write(
            conversation.message(ada.id, room, text, nonce="n"),
            conversation.message(ada.id, room, text),
        )
        assert all(map(is_unavailable, outcomes))
        await until_open(town, deaf)
        again, other = await deaf.write(
            conversation.message(ada.id, room, text, nonce="n"),
            conversation.message(ada.id, room, text),
        )
        assert written(again).repeated
        assert written(other).event.seq == 3
        assert deaf.seqs(room) == [2, 3]

    @pytest.mark.parametrize("kind", [Deaf, Late])
    async def test_of_the_look_for_what_was_written(
        self, town: Town, ada: User, room: Id, kind: type[Deaf]
    ) -> None:
        misses = iter([INSERT_PLAIN, room_log.FOUND, room_log.FOUND, ""])

        async def connect() -> asyncpg.Connection:
            connection = await asyncpg.connect(town.database.dsn, connection_class=kind)
            connection.misses = next(misses)
            return connection

        async with opened(town, connect) as desk:
            (outcome,) = await desk.write(conversation.message(ada.id, room, "hi"))
            assert is_unavailable(outcome)
            await until_open(town, desk)
            assert desk.seqs(room) == [2]
            closed = [connection.is_closed() for connection in desk.connections]
            assert closed == [True, True, True, False]


class TestAway:
    """While the database cannot be reached."""

    async def test_drafts_are_refused_at_once_and_then_taken_again(
        self, town: Town, ada: User, room: Id
    ) -> None:
        present = asyncio.Event()
        attempts = 0

        async def connect() -> asyncpg.Connection:
            nonlocal attempts
            attempts += 1
            if attempts > 1 and not present.is_set():
                if attempts > 5:
                    await present.wait()
                raise PlazaError(UNAVAILABLE)
            return await town.database.open_connection()

        async with opened(town, connect) as desk:
            desk.connections[0].terminate()
            while desk.log.is_open:
                await town.fetch("SELECT 1")
            outcomes = await desk.write(*[conversation.message(ada.id, room, "hi")] * 3)
            assert all(map(is_unavailable, outcomes))
            present.set()
            await until_open(town, desk)
            (outcome,) = await desk.write(conversation.message(ada.id, room, "hi"))
            assert written(outcome).event.seq == 2

    async def test_it_can_be_closed(self, town: Town, ada: User, room: Id) -> None:
        async def connect() -> asyncpg.Connection:
            if desks:
                raise ConnectionRefusedError
            return await town.database.open_connection()

        desks: list[Desk] = []
        async with opened(town, connect) as desk:
            desks.append(desk)
            desk.connections[0].terminate()
            while desk.log.is_open:
                await town.fetch("SELECT 1")
        assert not desk.log.is_open


async def test_the_database_is_restarted() -> None:
    # In /tmp itself: the server's user, when we are root, must be able to get there.
    data_dir = Path(tempfile.mkdtemp(prefix="plaza-", dir="/tmp"))
    server = EmbeddedPostgres.start(data_dir, progress=lambda sentence: None)
    database = await Database.open(server.dsn)
    try:
        async with database.connection() as connection:
            await migrate(connection)
        town = Town(database)
        (ada,) = await town.people("ada")
        room = await town.room({ada.id: Role.OWNER})
        async with opened(town) as desk:
            await desk.write(conversation.message(ada.id, room, "before"))
            server.stop()
            outcomes = await desk.write(*[conversation.message(ada.id, room, "meanwhile")] * 2)
            assert all(map(is_unavailable, outcomes))
            server = EmbeddedPostgres.start(data_dir, progress=lambda sentence: None)
            await until_open(town, desk)
            await desk.write(conversation.message(ada.id, room, "after"))
            assert desk.seqs(room) == [2, 3]
            assert (await town.log(room))[1:] == desk.published
    finally:
        await database.close()
        server.stop()
        shutil.rmtree(data_dir)
