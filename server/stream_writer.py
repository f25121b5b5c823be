"""The state of streams, written in the order in which it was noted; then people are told.

One task. What waits is bounded by the publishers that there are: nobody becomes one, and nobody
comes back, without the database. Every few seconds all streams of this process are written with
their numbers, in one statement, which finds those that are not this process's any more.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from datetime import timedelta
from functools import partial

import structlog

from persistence import stream_air
from persistence.database import Database
from protocol.errors import UNAVAILABLE, PlazaError
from protocol.streams import StreamState
from protocol.times import from_ms
from server.stream_airing import Airing, Change
from server.stream_news import StreamNews

logger = structlog.get_logger(__name__)

ABANDONED_SECONDS = 60  # that a process may be silent, beyond the grace time
RETRY_SECONDS = 1.0
PATIENCE = 5.0

_Telling = Callable[[], Awaitable[None]]


class StreamWriter:
    """Writes the state of this process's streams.

    Args:
        news: tells people.
        node: this process's number.
        grace_seconds: that a publisher has to come back.
        clock: Unix time in milliseconds.
        lost: is told of a stream that this process does not have any more: it was ended or deleted
            elsewhere, or another process has it.
    """

    def __init__(
        self,
        database: Database,
        news: StreamNews,
        *,
        node: int,
        grace_seconds: int,
        clock: Callable[[], int],
        lost: Callable[[Airing], None],
    ) -> None:
        self._database = database
        self._news = news
        self._node = node
        self._silence = timedelta(seconds=grace_seconds + ABANDONED_SECONDS)
        self._clock = clock
        self._lost = lost
        self._changes: deque[Change] = deque()
        self._to_save: Collection[Airing] | None = None
        self._saved = asyncio.Event()
        self._saved.set()
        self._awake = asyncio.Event()

    def note(self, airing: Airing, state: StreamState) -> None:
        """A stream has come into a state: to be written."""
        change = Change(airing, state, self._clock(), airing.numbers, asyncio.Event())
        self._changes.append(change)
        self._awake.set()

    def save(self, airings: Collection[Airing]) -> None:
        """These are on: to be written with their numbers."""
        self._to_save = airings
        self._saved.clear()
        self._awake.set()

    async def settled(self) -> None:
        """Wait until what has been noted is written.

        Raises:
            PlazaError: unavailable: that takes long.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                if self._changes:
                    await self._changes[-1].written.wait()
                await self._saved.wait()
        except TimeoutError:
            raise PlazaError(UNAVAILABLE, retry_after=1.0) from None

    async def run(self) -> None:
        """Write what comes, until cancelled."""
        while True:
            await self._awake.wait()
            self._awake.clear()
            try:
                await self.round()
            except PlazaError:  # the database is away
                await asyncio.sleep(RETRY_SECONDS)
                self._awake.set()
            except Exception:  # a bug must not end it for all streams
                logger.exception("the state of streams could not be written")
                await asyncio.sleep(RETRY_SECONDS)
                self._awake.set()

    async def round(self) -> None:
        """Write what has been noted, and the numbers if that is wanted.

        Raises:
            PlazaError: unavailable; what is not written yet stays.
        """
        while self._changes:
            change = self._changes[0]
            try:
                telling = await self._write(change)
            except PlazaError:
                raise
            except Exception:
                self._changes.popleft()  # it would be no better the next time
                raise
            self._changes.popleft()
            change.written.set()
            if telling is not None:
                await self._tell(telling)
        if self._to_save is not None:
            airings, self._to_save = self._to_save, None
            try:
                await self._save(airings)
            finally:
                self._saved.set()  # what was not saved is saved the next time

    async def _write(self, change: Change) -> _Telling | None:
        """Write a change. Returns how people are told of it; None: there is nothing to tell."""
        airing, at = change.airing, from_ms(change.at)
        async with self._database.connection() as connection:
            match change.state:
                case StreamState.LIVE:
                    begun = await stream_air.go_live(
                        connection, airing.stream, node=self._node, at=at
                    )
                    return self._begun(airing, begun)
                case StreamState.INTERRUPTED:
                    written = await stream_air.interrupt(
                        connection, airing.stream, node=self._node, numbers=change.numbers
                    )
                case _:
                    written = await stream_air.end(
                        connection, airing.stream, node=self._node, at=at, numbers=change.numbers
                    )
        place = airing.place
        if place is None or not written:
            return None
        if change.state is StreamState.ENDED:
            return partial(self._news.ended, place, change.at)
        return partial(self._news.changed, place, change.state)

    def _begun(self, airing: Airing, begun: stream_air.Begun | None) -> _Telling | None:
        if begun is None:
            self._lost(airing)
            return None
        if airing.place is None:
            airing.place = begun.place
            airing.before += begun.numbers.total
            airing.peak = max(airing.peak, begun.numbers.peak)
        if begun.fresh:
            return partial(self._news.started, begun.place)
        return partial(self._news.changed, begun.place, StreamState.LIVE)

    async def _save(self, airings: Collection[Airing]) -> None:
        ours = [airing for airing in airings if airing.place is not None]
        async with self._database.connection() as connection:
            kept = await stream_air.save(
                connection, self._node, [(airing.stream, airing.numbers) for airing in ours]
            )
            abandoned = await stream_air.end_abandoned(connection, silent_for=self._silence)
        for airing in ours:
            if airing.stream not in kept:
                self._lost(airing)
                assert airing.place is not None
                await self._tell(partial(self._news.ended, airing.place, self._clock()))
        for place in abandoned:
            await self._tell(partial(self._news.ended, place, self._clock()))

    async def _tell(self, telling: _Telling) -> None:
        with suppress(PlazaError):  # it is written; whoever looks sees it
            await telling()
