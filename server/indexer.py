"""Keeps the index of messages up with the log: behind it, and never in its way."""

import asyncio
import time
from collections.abc import Callable, Collection
from itertools import islice

import structlog

from persistence import search
from persistence.database import Database
from protocol.errors import PlazaError
from protocol.events import Deleted, Edited, Message, RoomEvent
from protocol.ids import Id
from rooms.words import words_of

logger = structlog.get_logger(__name__)

INTERVAL = 1.0  # seconds between two looks at what has come
# After a batch follows a pause so many times as long: a message takes 40 us here and in the
# database, which the conversation is not to feel.
REST = 3
REST_WHEN_BUSY = 15
RETRY_SECONDS = 5.0
ROOMS = 50  # in a batch
LOOK_BACK = 1_000  # rooms at a time
SEEN = frozenset({Message, Edited, Deleted})


class Indexer:
    """Indexes what is said, some seconds later at most while there is little else to do.

    What one process leaves undone, because it was killed or its database went away, is found in the
    database: by the next process that starts, and by everybody who searches in such a room.

    Args:
        database: is read and written.
        waiting: how many drafts wait in the room log: while some do, they come first.
    """

    def __init__(self, database: Database, *, waiting: Callable[[], int]) -> None:
        self._database = database
        self._waiting = waiting
        self._rooms: dict[Id, None] = {}  # with news, in the order of their turns
        self._looked_back = 0  # all rooms up to this id, for what was left undone
        self._all_seen = False

    def note(self, event: RoomEvent) -> None:
        """An event was published."""
        if type(event) in SEEN:
            self._rooms[event.room] = None

    def __len__(self) -> int:
        """How many rooms have news."""
        return len(self._rooms)

    async def run(self) -> None:
        """Follow the log, until cancelled."""
        pause = 0.0
        while True:
            await asyncio.sleep(pause)
            started = time.perf_counter()
            try:
                more = await self.turn()
            except PlazaError:  # the database is away
                pause = RETRY_SECONDS
            except Exception:  # a bug must not end it for all rooms
                logger.exception("messages could not be indexed")
                pause = RETRY_SECONDS
            else:
                rest = REST_WHEN_BUSY if self._waiting() else REST
                pause = (time.perf_counter() - started) * rest if more else INTERVAL

    async def turn(self) -> bool:
        """Index a batch. Returns whether there is more.

        Raises:
            PlazaError: unavailable.
        """
        if not self._rooms and not self._all_seen:
            await self._look_back()
        if not self._rooms:
            return False
        batch = list(islice(self._rooms, ROOMS))
        for room in batch:
            del self._rooms[room]  # what comes from now on makes it news again
        try:
            rest = await self._index(batch)
        except BaseException:
            self._rooms |= dict.fromkeys(batch)
            raise
        self._rooms |= dict.fromkeys(rest)
        return bool(self._rooms) or not self._all_seen

    async def catch_up(self, rooms: Collection[Id], *, within: float) -> None:
        """Index what is new in these rooms now, but go on for so many seconds at most.

        Raises:
            PlazaError: unavailable.
        """
        end = time.perf_counter() + within
        while rooms:
            rooms = await self._index(rooms)
            if time.perf_counter() >= end:
                return

    async def _index(self, rooms: Collection[Id]) -> set[Id]:
        async with self._database.connection() as connection:
            return await search.index(connection, rooms, words_of=words_of)

    async def _look_back(self) -> None:
        async with self._database.connection() as connection:
            found = await search.behind(connection, after=self._looked_back, limit=LOOK_BACK)
        self._rooms |= dict.fromkeys(found)
        self._looked_back = found[-1] if found else self._looked_back
        self._all_seen = len(found) < LOOK_BACK
