"""A room log in a town, with everything that comes out of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg

from persistence.room_log import Outcome, RoomLog
from protocol.drafts import Draft
from protocol.errors import PlazaError
from protocol.events import RoomEvent
from protocol.ids import Id, IdMint
from tests.rooms.town import Town

Connect = Callable[[], Awaitable[asyncpg.Connection]]


class Desk:
    """A log, and what it did.

    Attributes:
        published: events, in the order in which they came.
        rounds: how many events were committed together, one after the other.
        connections: of the log, the present one last.
    """

    def __init__(self, connect: Connect, *, node: int, capacity: int) -> None:
        self.published: list[RoomEvent] = []
        self.rounds: list[int] = []
        self.connections: list[asyncpg.Connection] = []
        self._dial = connect
        self.log = RoomLog(
            self._connect,
            mint=IdMint(node),
            publish=self._publish,
            observer=self,
            capacity=capacity,
            clock=lambda: time.time_ns() // 1_000_000,
        )

    async def _connect(self) -> asyncpg.Connection:
        self.connections.append(await self._dial())
        return self.connections[-1]

    def _publish(self, event: RoomEvent) -> None:
        self.published.append(event)

    def committed(self, events: int, seconds: float) -> None:
        """Of the log's Observer."""
        self.rounds.append(events)

    async def write(self, *drafts: Draft) -> list[Outcome]:
        """Queue drafts at once, and wait for all outcomes."""
        return list(await asyncio.gather(*map(self._write, drafts)))

    async def _write(self, draft: Draft) -> Outcome:
        try:
            return await self.log.write(draft)
        except PlazaError as error:
            return error

    def seqs(self, room: Id) -> list[int]:
        """Of what was published in a room."""
        return [event.seq for event in self.published if event.room == room]


@asynccontextmanager
async def opened(
    town: Town, connect: Connect | None = None, *, node: int = 1, capacity: int = 0
) -> AsyncIterator[Desk]:
    """A log that is open for as long as the block runs."""
    desk = Desk(connect or town.database.open_connection, node=node, capacity=capacity)
    await desk.log.open()
    try:
        yield desk
    finally:
        async with asyncio.timeout(10):
            await desk.log.close()


@asynccontextmanager
async def occupied(town: Town, room: Id) -> AsyncIterator[None]:
    """Nobody writes to the room for as long as the block runs."""
    async with town.database.transaction() as connection:
        await connection.execute("SELECT FROM rooms WHERE id = $1 FOR UPDATE", room)
        yield


async def until_blocked(town: Town, connection: asyncpg.Connection) -> None:
    """Wait until a connection waits for a room that is occupied."""
    query = "SELECT wait_event_type = 'Lock' AS waits FROM pg_stat_activity WHERE pid = $1"
    pid = connection.get_server_pid()
    while not (await town.fetch(query, pid))[0]["waits"]:
        pass


async def until_queued(desk: Desk, count: int) -> None:
    """Wait until so many drafts wait in the log."""
    while len(desk.log) < count:
        await asyncio.sleep(0)


async def until_open(town: Town, desk: Desk) -> None:
    """Wait until the log has found a connection again."""
    while not desk.log.is_open:
        await town.fetch("SELECT 1")  # gives the loop something to do, and never sleeps


async def cut(town: Town, desk: Desk) -> None:
    """End the log's connection at the server, and wait until the log has found another."""
    connection = desk.connections[-1]
    await town.fetch("SELECT pg_terminate_backend($1)", connection.get_server_pid())
    while desk.connections[-1] is connection:
        await town.fetch("SELECT 1")
    await until_open(town, desk)
