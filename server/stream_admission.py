"""Who may publish a stream, and who may watch it; and who may not any more."""

from collections.abc import Collection
from contextlib import suppress

from persistence import stream_air, stream_reader, streams
from persistence.database import Database
from persistence.streams import no_such_stream
from protocol.errors import UNAUTHORIZED, PlazaError
from protocol.events import MemberCause, MemberChanged, RoomEvent
from protocol.ids import NOBODY, Id
from server import sections
from server.background import Background
from server.stream_keys import matches
from server.stream_stage import StreamStage

RECHECK_SECONDS = 60

WRONG_KEY = "The stream key is wrong, or was replaced. Take the present one."
SIGN_IN = "Streams are watched with an account here. Send an access token."


class StreamAdmission:
    """Lets people in. A `StreamAccess` of server/live_sessions.py.

    Args:
        database: knows who may.
        stage: has what is on, and what carries the media.
        settings: whether nobody in particular may watch.
        background: asks again.
    """

    def __init__(
        self,
        database: Database,
        stage: StreamStage,
        *,
        settings: sections.Streams,
        background: Background,
    ) -> None:
        self._database = database
        self._stage = stage
        self._settings = settings
        self._background = background
        self._seconds = 0

    async def may_publish(self, stream: Id, key: str) -> None:
        """See whether a key is a stream's.

        Raises:
            PlazaError: unauthorized, also where there is no such stream: nobody learns which exist.
        """
        async with self._database.connection() as connection:
            key_hash = await streams.key_hash_of(connection, stream)
        if not matches(key, key_hash):
            raise PlazaError(UNAUTHORIZED, WRONG_KEY)

    async def may_watch(self, stream: Id, viewer: Id | None) -> None:
        """See whether somebody may watch a stream.

        Args:
            viewer: None: somebody who has not said who they are.

        Raises:
            PlazaError: not_found; unauthorized: nobody may without an account.
        """
        self.check_anonymous(viewer)
        if viewer not in await self.still_may_watch(stream, {viewer}):
            raise no_such_stream()

    async def still_may_watch(
        self, stream: Id, viewers: Collection[Id | None]
    ) -> Collection[Id | None]:
        """Those of some viewers who may watch a stream, as it is now: one statement."""
        ids = {NOBODY if viewer is None else viewer for viewer in viewers}
        async with self._database.connection() as connection:
            seeing = await stream_reader.seeing(connection, stream, ids)
        return {None if viewer == NOBODY else viewer for viewer in seeing}

    def check_anonymous(self, viewer: Id | None) -> None:
        """Refuse those who have not said who they are, unless they may watch here.

        Raises:
            PlazaError: unauthorized.
        """
        if viewer is None and not self._settings.anonymous_viewers:
            raise PlazaError(UNAUTHORIZED, SIGN_IN)

    # --- who may not any more --------------------------------------------------------------------

    def blocked(self, account: Id, other: Id) -> None:
        """One account has blocked the other: neither watches the other."""
        self._background.spawn(self._recheck_of(account, other))

    def written(self, event: RoomEvent) -> None:
        """Something was written to a room: whoever is banned from a chat does not watch, either."""
        if type(event) is MemberChanged and event.cause is MemberCause.BANNED:
            for place in self._stage.on_air():
                if place.room == event.room:
                    self._background.spawn(self._stage.air.recheck(place.stream))

    def turn(self) -> None:
        """A second has passed: see now and then what nobody tells, such as who has unfollowed."""
        self._seconds += 1
        if self._seconds % RECHECK_SECONDS == 0:
            self._background.spawn(self._recheck_all())

    async def _recheck_all(self) -> None:
        for place in self._stage.on_air():
            await self._stage.air.recheck(place.stream)

    async def _recheck_of(self, *owners: Id) -> None:
        with suppress(PlazaError):  # the database is away: the next look at all of them will do
            async with self._database.connection() as connection:
                on = await stream_air.on_of(connection, *owners)
            for stream in on:
                await self._stage.air.recheck(stream)
