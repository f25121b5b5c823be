"""Streams as they are shown: one, those that are live, one's own; and how one is, for its owner."""

from collections.abc import Callable
from typing import NamedTuple

from persistence import stream_reader
from persistence.database import Database
from persistence.stream_reader import LivePlace, LiveWish, place_of
from persistence.streams import no_such_stream
from protocol.errors import FORBIDDEN, PlazaError
from protocol.ids import NOBODY, Id
from protocol.streams import Stream, StreamHealth, StreamState
from protocol.times import from_rfc3339, to_ms
from server.stream_admission import StreamAdmission
from server.stream_ports import Received
from server.stream_stage import StreamStage
from server.streams import NOT_YOURS, Streams

_ON = (StreamState.LIVE, StreamState.INTERRUPTED)


class LivePage(NamedTuple):
    """A part of the live list; `after`: where the next one begins. None: nowhere."""

    streams: list[Stream]
    after: LivePlace | None


class StreamPages:
    """Shows streams.

    Args:
        database: keeps them.
        streams: knows how many watch.
        admission: knows whether one may look without an account.
        stage: has what carries the media.
        clock: Unix time in milliseconds.
    """

    def __init__(
        self,
        database: Database,
        streams: Streams,
        admission: StreamAdmission,
        stage: StreamStage,
        *,
        clock: Callable[[], int],
    ) -> None:
        self._database = database
        self._streams = streams
        self._admission = admission
        self._stage = stage
        self._clock = clock

    async def show(self, viewer: Id | None, stream: Id) -> Stream:
        """A stream. Raises PlazaError not_found; unauthorized: nobody may look without an account.

        Args:
            viewer: None: somebody who has not said who they are.
        """
        self._admission.check_anonymous(viewer)
        async with self._database.connection() as connection:
            found = await stream_reader.visible(connection, viewer or NOBODY, stream)
        if found is None:
            raise no_such_stream()
        return self._streams.with_numbers(found)

    async def live(
        self, viewer: Id | None, wish: LiveWish, *, after: LivePlace, limit: int
    ) -> LivePage:
        """The streams that are on, as somebody sees them.

        Raises:
            PlazaError: unauthorized: nobody may look without an account.
        """
        self._admission.check_anonymous(viewer)
        async with self._database.connection() as connection:
            found = await stream_reader.live(
                connection, viewer or NOBODY, wish, after=after, limit=limit + 1
            )
        page = found[:limit]
        more = place_of(page[-1], wish.order) if len(found) > limit else None
        return LivePage([self._streams.with_numbers(stream) for stream in page], more)

    async def own(self, owner: Id, *, before: int, limit: int) -> tuple[list[Stream], Id | None]:
        """An account's own streams, the newest first, and where the next page begins."""
        async with self._database.connection() as connection:
            found = await stream_reader.own(connection, owner, before=before, limit=limit + 1)
        page = [self._streams.with_numbers(stream) for stream in found[:limit]]
        return page, page[-1].id if len(found) > limit else None

    async def health(self, account: Id, stream: Id) -> StreamHealth:
        """How a stream is.

        Raises:
            PlazaError: not_found; forbidden: it is somebody else's.
        """
        shown = await self.show(account, stream)
        if shown.owner.id != account:
            raise PlazaError(FORBIDDEN, NOT_YOURS)
        received = self._stage.air.received(stream) or Received((), ())
        return StreamHealth(
            state=shown.state,
            bitrate=sum(track.bitrate for track in received.tracks),
            duration=self._duration(shown),
            viewers=shown.viewers,
            peak_viewers=shown.peak_viewers,
            total_viewers=shown.total_viewers,
            tracks=list(received.tracks),
            warnings=list(received.warnings),
        )

    def _duration(self, stream: Stream) -> float:
        if stream.started_at is None:
            return 0.0
        end = self._clock()
        if stream.state not in _ON and stream.ended_at is not None:
            end = to_ms(from_rfc3339(stream.ended_at))
        return max(0, end - to_ms(from_rfc3339(stream.started_at))) / 1000
