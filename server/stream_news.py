"""What people are told of streams, over the socket.

That one has begun or is over is told to those who follow its owner or are in its chat, if they are
here and may see it; they are judged SLICE at a time, and connections get it BATCH at a time, with
everything else in between. What happens while it is on is told to those who have its chat open, and
says nothing but that: no title, no name.

All of it are signs of life: a connection that is behind does not get them, and a client that
comes back reads the stream.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from itertools import islice

import asyncpg

from persistence import stream_reader
from persistence.database import Database
from persistence.feed_audience import followers_among
from persistence.stream_air import Placed
from persistence.stream_reader import members_among
from protocol.events import Event
from protocol.ids import NOBODY, Id
from protocol.stream_events import StreamChanged, StreamEnded, StreamStarted, StreamViewers
from protocol.streams import StreamState
from protocol.times import from_ms, rfc3339
from rooms.hub import Hub

SLICE = 1_000
BATCH = 500


class StreamNews:
    """Tells them.

    Args:
        database: knows who may see what.
        hub: knows who is here.
    """

    def __init__(self, database: Database, hub: Hub) -> None:
        self._database = database
        self._hub = hub

    async def started(self, place: Placed) -> None:
        """A stream has gone live.

        Raises:
            PlazaError: unavailable.
        """
        async with self._database.connection() as connection:
            record = await stream_reader.for_all(connection, place.stream)
            if record is None:
                return
            told = await self._audience(connection, place)
            is_open = await stream_reader.seeing(connection, place.stream, [NOBODY])
        news = StreamStarted(stream=record)
        await self._tell(told, news)
        # Others who listen to its chat may be anybody.
        rest = news if is_open else StreamChanged(stream=place.stream, state=StreamState.LIVE)
        self._hub.offer(place.room, rest, but=told)

    async def ended(self, place: Placed, at: int) -> None:
        """A stream is over; of one that is deleted its chat alone is told.

        Args:
            at: Unix time in milliseconds.

        Raises:
            PlazaError: unavailable.
        """
        async with self._database.connection() as connection:
            told = await self._audience(connection, place)
        news = StreamEnded(stream=place.stream, at=rfc3339(from_ms(at)))
        await self._tell(told, news)
        self._hub.offer(place.room, news, but=told)

    async def changed(self, place: Placed, state: StreamState) -> None:
        """The publisher of a stream is gone for now, or is back."""
        self._hub.offer(place.room, StreamChanged(stream=place.stream, state=state))

    def viewers(self, place: Placed, viewers: int) -> None:
        """Another number of people watch."""
        self._hub.offer(place.room, StreamViewers(stream=place.stream, viewers=viewers))

    async def _audience(self, connection: asyncpg.Connection, place: Placed) -> Collection[Id]:
        here = self._hub.accounts()
        if not here:
            return ()
        followers = await followers_among(connection, {place.owner}, here)
        members = await members_among(connection, place.room, here)
        told: list[Id] = []
        for some in _slices(members | followers.get(place.owner, set()), SLICE):
            told += await stream_reader.audience(connection, place.stream, some)
        return told

    async def _tell(self, accounts: Collection[Id], news: Event) -> None:
        for some in _slices(accounts, BATCH):
            self._hub.offer_to(some, news)
            await asyncio.sleep(0)


def _slices(accounts: Iterable[Id], size: int) -> Iterable[Sequence[Id]]:
    rest = iter(accounts)
    while some := list(islice(rest, size)):
        yield some
