"""Reads of the rooms' logs: from the tails in memory where they have it, else from the database,
and there but once for all who ask for the same at the same time.

**Who may share a read.** Nobody may be shown a state that is older than the moment at which they
asked, and a read that is under way may have begun before. But all that can change in a log is an
entry of it, with the room's next seq. So each read names a seq that its reader knows to be on disk,
and is shared by those who name the same: when it began, it was on disk.

Who catches up is attached at the seq up to which it reads, and gets everything later live. Who
pages has looked at the room's last_seq before.

**Several processes.** A tail knows what this process has published. Who pages names the database's
last_seq, and is served from the tail if that has got as far. Who catches up is served from it in
any case: what another process has written since comes live no sooner, until they share a bus.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple, cast

from msgspec import Struct, field

from persistence import rooms
from persistence.database import Database
from protocol.events import AnyRoomEvent, RoomEvent
from protocol.ids import Id
from protocol.records import Room
from rooms.catchup import Span
from rooms.hub import Hub

Found = Mapping[Id, Sequence[RoomEvent]]

TAIL, SHARED, DATABASE = "tail", "shared", "database"


class ReadCounts(Struct):
    """What hello has read.

    Attributes:
        spans: missed events of a room, by where they were had: `tail`, `shared` (somebody was
            reading the same) or `database`.
        queries: to the database, those for accounts and their rooms included.
    """

    spans: Counter[str] = field(default_factory=lambda: Counter({TAIL: 0, SHARED: 0, DATABASE: 0}))
    queries: int = 0


class _Key(NamedTuple):
    """What is read, and the seq that the reader knows to be on disk."""

    span: Span
    known: int


class LogReader:
    """Reads the rooms' logs.

    Args:
        database: has them.
        hub: has the tails.

    Attributes:
        counts: of what is read for hello.
    """

    def __init__(self, database: Database, hub: Hub) -> None:
        self._database = database
        self._hub = hub
        self.counts = ReadCounts()
        self._under_way: dict[_Key, asyncio.Task[Found]] = {}

    async def missed(self, spans: Sequence[Span]) -> list[Sequence[RoomEvent]]:
        """The events of each span, for who is attached at the ends of all.

        Args:
            spans: one a room.

        Raises:
            PlazaError: unavailable.
        """
        found: dict[Id, Sequence[RoomEvent]] = {}
        rest = []
        for span in spans:
            events = self._hub.rooms.recent(span.room, span.after, span.upto)
            if events is None:
                rest.append(_Key(span, span.upto))
            else:
                found[span.room] = events
        counts = self.counts
        counts.spans[TAIL] += len(found)
        if rest:
            shared = sum(key in self._under_way for key in rest)
            counts.spans[SHARED] += shared
            counts.spans[DATABASE] += len(rest) - shared
            counts.queries += shared < len(rest)
            found |= await self._read(rest)
        return [found[span.room] for span in spans]

    async def before(self, room: Room, seq: int, limit: int) -> list[AnyRoomEvent]:
        """The last events before a seq, in ascending order.

        Not to be called with a connection to the database in hand: who waits for somebody else's
        read would keep it from that one.

        Args:
            room: as it has just been read from the database.

        Raises:
            PlazaError: unavailable.
        """
        upto = min(seq - 1, room.last_seq)
        return await self._page(room, max(0, upto - limit), upto)

    async def after(self, room: Room, seq: int, limit: int) -> list[AnyRoomEvent]:
        """The first events after a seq. As `before`."""
        return await self._page(room, seq, min(seq + limit, room.last_seq))

    async def _page(self, room: Room, after: int, upto: int) -> list[AnyRoomEvent]:
        live = self._hub.rooms.get(room.id)
        events: Sequence[RoomEvent] | None = None
        if live is not None and live.last_seq >= room.last_seq:
            events = self._hub.rooms.recent(room.id, after, upto)
        if events is None:
            key = _Key(Span(room.id, after, upto), room.last_seq)
            events = (await self._read([key]))[room.id]
        return cast(list[AnyRoomEvent], list(events))

    async def _read(self, keys: Sequence[_Key]) -> Found:
        """Read from the database what nobody reads yet, and wait for all of it."""
        if mine := [key for key in keys if key not in self._under_way]:
            # A task of its own: it is for all who share it, and whoever asked first may give up.
            task = asyncio.create_task(self._query([key.span for key in mine]))
            for key in mine:
                self._under_way[key] = task
            task.add_done_callback(partial(self._landed, mine))
        reads = [(key.span.room, self._under_way[key]) for key in keys]
        return {room: (await asyncio.shield(read)).get(room, ()) for room, read in reads}

    async def _query(self, spans: Sequence[Span]) -> Found:
        async with self._database.connection() as connection:
            return await rooms.events_in(
                connection, [(span.room, span.after, span.upto) for span in spans]
            )

    def _landed(self, keys: Sequence[_Key], task: asyncio.Task[Found]) -> None:
        for key in keys:
            del self._under_way[key]
        if not task.cancelled():
            task.exception()  # those who waited have it; perhaps nobody does any more
