"""Hello: who is it, what are their rooms, what have they missed.

Live events are held from the moment at which the connection is attached to its rooms until what it
missed has been written; rooms/catchup.py says why that leaves no hole and no double.
"""

from collections.abc import Callable, Iterable, Iterator

import structlog

from persistence import rooms
from persistence.database import Database
from protocol import close
from protocol.commands import Hello
from protocol.errors import INTERNAL, UNAUTHORIZED, UNAVAILABLE, PlazaError
from protocol.events import Ready
from protocol.records import Room, User
from rooms.catchup import batches, plan
from rooms.hub import Hub
from server.background import Background
from server.session import ChatSession, OpenSessions, State
from server.tokens import TokenKey

logger = structlog.get_logger(__name__)

# Bytes of missed events that are written at once. A batch of long messages has megabytes: written
# as a whole it would exceed limits.outbox_hard_bytes, however fast the client reads.
PIECE = 65_536


class Reception:
    """Lets chat sessions in.

    Args:
        tokens: checks access tokens.
        database: knows sessions and rooms.
        hub: sessions are attached to.
        sessions: are registered in.
        background: runs the tasks, one a hello.
        heartbeat: seconds, told to clients.
        replay_events: missed events of a room beyond which there is a gap.
        clock: Unix time in milliseconds.
    """

    def __init__(
        self,
        *,
        tokens: TokenKey,
        database: Database,
        hub: Hub,
        sessions: OpenSessions,
        background: Background,
        heartbeat: int,
        replay_events: int,
        clock: Callable[[], int],
    ) -> None:
        self._tokens = tokens
        self._database = database
        self._hub = hub
        self._sessions = sessions
        self._background = background
        self._heartbeat = heartbeat
        self._replay_events = replay_events
        self._clock = clock

    def welcome(self, session: ChatSession, hello: Hello) -> None:
        """Check the token, then let the session in."""
        try:
            claims = self._tokens.read(_token(session, hello), self._clock() / 1000)
        except PlazaError as error:
            session.turn_away(hello, error, close.UNAUTHORIZED)
            return
        session.account, session.id = claims
        session.state = State.ARRIVING
        session.connection.settle()
        # Before the session is looked up: a revocation from now on finds the connection.
        self._sessions.add(session)
        session.person = self._hub.enter(session.account)
        self._background.spawn(self._arrive(session, hello))

    async def _arrive(self, session: ChatSession, hello: Hello) -> None:
        try:
            async with self._database.connection() as connection:
                found = await rooms.arrival(connection, account=session.account, session=session.id)
            if session.state is not State.ARRIVING:
                return  # the connection is gone; see_off has tidied up
            if found is None:
                session.turn_away(hello, PlazaError(UNAUTHORIZED), close.UNAUTHORIZED)
                return
            await self._let_in(session, hello, *found)
        except PlazaError as error:
            code = close.UNAVAILABLE if error.spec is UNAVAILABLE else close.OVERLOADED
            self._give_up(session, hello, error, code)
        except Exception:
            logger.exception("hello failed")
            self._give_up(session, hello, PlazaError(INTERNAL), close.OVERLOADED)

    async def _let_in(
        self, session: ChatSession, hello: Hello, user: User, found: list[Room]
    ) -> None:
        assert session.person is not None
        outbox = session.connection.outbox
        outbox.hold()
        settled = self._hub.settle(session.person, outbox, found)
        session.state = State.LIVE
        ready = Ready(
            id=hello.id, user=user, session=session.id, rooms=settled, heartbeat=self._heartbeat
        )
        session.answer_ahead(hello, ready)
        if hello.cursors:
            await self._catch_up(session, hello, settled)
        outbox.release()

    async def _catch_up(self, session: ChatSession, hello: Hello, settled: list[Room]) -> None:
        outbox = session.connection.outbox
        missed = plan(
            hello.cursors, {room.id: room.last_seq for room in settled}, cap=self._replay_events
        )
        for notice in missed.notices:
            outbox.write(outbox.wire.frame(notice))
        for batch in batches(missed.spans):
            async with self._database.connection() as connection:
                found = await rooms.events_in(
                    connection, [(span.room, span.after, span.upto) for span in batch]
                )
            frame = outbox.wire.frame
            for piece in _pieces(frame(event) for events in found.values() for event in events):
                outbox.write(piece)
                await outbox.drained()

    def _give_up(
        self, session: ChatSession, hello: Hello, error: PlazaError, code: close.Close
    ) -> None:
        if session.state is State.ARRIVING:
            session.turn_away(hello, error, code)
        elif session.state is State.LIVE:
            # Ready is out, but what was missed cannot be told: the client tries again.
            session.connection.close(code)

    def see_off(self, session: ChatSession, *, settled: bool) -> None:
        """The connection of a session that was welcomed is gone."""
        assert session.person is not None
        self._sessions.discard(session)
        if settled:
            self._hub.leave(session.person, session.connection.outbox)
        else:
            self._hub.forsake(session.person)


def _pieces(frames: Iterable[bytes]) -> Iterator[bytes]:
    """Frames joined into writes of about PIECE bytes."""
    piece: list[bytes] = []
    size = 0
    for frame in frames:
        piece.append(frame)
        size += len(frame)
        if size >= PIECE:
            yield b"".join(piece)
            piece, size = [], 0
    if piece:
        yield b"".join(piece)


def _token(session: ChatSession, hello: Hello) -> str:
    if hello.token is not None:
        return hello.token
    scheme, _, token = (session.authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise PlazaError(UNAUTHORIZED, "Give an access token in hello or in Authorization.")
    return token.strip()
