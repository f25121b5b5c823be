"""The state of this process's streams, as the media says it.

What broadcasts say (`media.ports.Stage`) comes from the path of packets, so it is noted and nothing
waits; server/stream_writer.py has it written and told. How many watch is told once a second, if it
has changed.
"""

from collections.abc import Callable

import structlog

from persistence import stream_air
from persistence.database import Database
from persistence.stream_air import Numbers, Placed
from protocol.ids import Id
from protocol.streams import StreamState
from protocol.times import from_ms
from server.stream_airing import Airing
from server.stream_news import StreamNews
from server.stream_ports import Air, NothingOnAir
from server.stream_writer import StreamWriter

logger = structlog.get_logger(__name__)

SAVE_SECONDS = 5


class StreamStage:
    """Keeps the state of this process's streams. A media.ports.Stage.

    Args:
        news: tells people.
        node: this process's number.
        grace_seconds: that a publisher has to come back.
        clock: Unix time in milliseconds.

    Attributes:
        air: what carries the media.
        writer: is to run.
    """

    def __init__(
        self,
        database: Database,
        news: StreamNews,
        *,
        node: int,
        grace_seconds: int,
        clock: Callable[[], int],
    ) -> None:
        self._database = database
        self._news = news
        self._node = node
        self._grace_seconds = grace_seconds
        self._clock = clock
        self.writer = StreamWriter(
            *(database, news),
            node=node,
            grace_seconds=grace_seconds,
            clock=clock,
            lost=self._lost,
        )
        self.air: Air = NothingOnAir()
        self._airings: dict[Id, Airing] = {}
        self._orphans: dict[Id, tuple[Placed, int]] = {}  # and the second that they wait for
        self._seconds = 0
        self._closed = False

    # --- what the media says ---------------------------------------------------------------------

    def live(self, stream: int) -> None:
        """The first packets of a publisher have come: the stream is on, or on again."""
        if self._closed:
            return
        airing = self._airings.get(Id(stream))
        if airing is None:
            self._orphans.pop(Id(stream), None)
            airing = self._airings[Id(stream)] = Airing(Id(stream))
        airing.is_live = True
        self.writer.note(airing, StreamState.LIVE)

    def interrupted(self, stream: int) -> None:
        """The publisher is gone, and has the grace time to come back."""
        airing = self._airings.get(Id(stream))
        if airing is not None and not self._closed:
            airing.is_live = False
            self.writer.note(airing, StreamState.INTERRUPTED)

    def ended(self, stream: int, reason: str) -> None:
        """The stream is over. The reason is for the log."""
        if self._closed:
            return
        airing = self._airings.pop(Id(stream), None)
        if airing is not None:
            logger.info("stream ended", stream=str(stream), reason=reason)
            self.writer.note(airing, StreamState.ENDED)

    def viewers(self, stream: int, watching: int, joined: int) -> None:
        """Others watch, or other numbers."""
        airing = self._airings.get(Id(stream))
        if airing is not None:
            airing.count(watching, joined)

    def _lost(self, airing: Airing) -> None:
        if self._airings.get(airing.stream) is airing:
            del self._airings[airing.stream]
            self.air.end_stream(airing.stream, "ended")

    # --- what is asked ---------------------------------------------------------------------------

    def numbers(self, stream: Id) -> Numbers | None:
        """How many watch a stream, exactly; None: this process has it not."""
        airing = self._airings.get(stream)
        return None if airing is None else airing.numbers

    def on_air(self) -> list[Placed]:
        """The streams that this process has."""
        return [airing.place for airing in self._airings.values() if airing.place is not None]

    async def end(self, stream: Id, reason: str) -> None:
        """End a stream, wherever it is on. Has no effect on one that is not.

        Raises:
            PlazaError: unavailable.
        """
        if stream in self._airings:
            self.air.end_stream(stream, reason)
            self.ended(stream, reason)  # unless that has said so itself
            await self.writer.settled()
            return
        self._orphans.pop(stream, None)
        at = self._clock()
        async with self._database.connection() as connection:
            place = await stream_air.end_anywhere(connection, stream, at=from_ms(at))
        if place is not None:
            await self._news.ended(place, at)

    # --- time ------------------------------------------------------------------------------------

    def turn(self) -> None:
        """A second has passed: tell who watches; end what nobody has come back to."""
        self._seconds += 1
        for airing in self._airings.values():
            if airing.place is not None and airing.told != airing.watching:
                airing.told = airing.watching
                self._news.viewers(airing.place, airing.watching)
        due = [place for place, until in self._orphans.values() if until <= self._seconds]
        for place in due:
            del self._orphans[place.stream]
            self.writer.note(Airing(place.stream, place), StreamState.ENDED)
        if self._seconds % SAVE_SECONDS == 0:
            self.writer.save(list(self._airings.values()))

    # --- its life ---------------------------------------------------------------------------------

    async def open(self) -> None:
        """Take up what this process had on air when it ended: interrupted, for the grace time.

        Raises:
            PlazaError: unavailable.
        """
        async with self._database.connection() as connection:
            for place in await stream_air.reclaim(connection, self._node):
                self._orphans[place.stream] = place, self._seconds + self._grace_seconds

    async def close(self) -> None:
        """Interrupt what is on, for the process that comes after. Before the media ends it.

        Raises:
            PlazaError: unavailable; then the next process finds what was written last.
        """
        for airing in self._airings.values():
            if airing.is_live:
                self.writer.note(airing, StreamState.INTERRUPTED)
        self._closed = True
        await self.writer.settled()
