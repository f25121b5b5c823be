"""Hello: who is it, what are their rooms, what have they missed.

Live events are held from the moment at which the connection is attached to its rooms until what it
missed has been written; rooms/catchup.py says why that leaves no hole and no double.

`ready` shows what the database showed at one moment, and every event since follows. What the events
do not tell (memberships, the account's own markers and settings) may change between that moment and
the attaching: then the database is asked again.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

import structlog

from persistence.arrivals import Arrival
from protocol import close
from protocol.commands import Hello
from protocol.errors import INTERNAL, OVERLOADED, UNAUTHORIZED, UNAVAILABLE, PlazaError
from protocol.events import Ready, RoomEvent
from rooms.catchup import Attached, batches, plan
from rooms.hub import Hub, Person
from server.admission import NotAdmitted
from server.arrivals import Arrivals
from server.background import Background
from server.config import Config
from server.log_reader import LogReader
from server.outbox import Outbox
from server.presence import Presences
from server.session import ChatSession, OpenSessions, State
from server.tokens import Claims

logger = structlog.get_logger(__name__)

# Bytes of missed events that are written at once. A batch of long messages has megabytes: written
# as a whole it would exceed limits.outbox_hard_bytes, however fast the client reads.
PIECE = 65_536

# How often the database is asked anew. Each time takes milliseconds, so that this many changes in a
# row of one account's affairs are no accident: it is asked to come back later.
LOOKS = 20


class Reception:
    """Lets chat sessions in.

    Args:
        claims: checks an access token: what it says, or PlazaError.
        arrivals: knows sessions and rooms.
        reader: knows what was missed.
        hub: sessions are attached to.
        presences: tells sessions who else is here.
        sessions: are registered in.
        background: runs the tasks, one a hello.
        config: the effective one.
    """

    def __init__(
        self,
        *,
        claims: Callable[[str], Claims],
        arrivals: Arrivals,
        reader: LogReader,
        hub: Hub,
        presences: Presences,
        sessions: OpenSessions,
        background: Background,
        config: Config,
    ) -> None:
        self._claims = claims
        self._arrivals = arrivals
        self._reader = reader
        self._hub = hub
        self._presences = presences
        self._sessions = sessions
        self._background = background
        self._heartbeat = config.gateway.heartbeat_seconds
        self._replay_events = config.limits.replay_events

    def welcome(self, session: ChatSession, hello: Hello) -> None:
        """Check the token, then let the session in."""
        try:
            claims = self._claims(_token(session, hello))
        except PlazaError as error:
            session.turn_away(hello, error, close.UNAUTHORIZED)
            return
        session.account, session.id = claims
        try:
            session.connection.join(session.account)
        except NotAdmitted as error:
            session.turn_away(hello, error, error.code)
            return
        session.state = State.ARRIVING
        # Before the session is looked up: a revocation from now on finds the connection.
        self._sessions.add(session)
        session.person = self._hub.enter(session.account)
        self._background.spawn(self._arrive(session, hello))

    async def _arrive(self, session: ChatSession, hello: Hello) -> None:
        try:
            for _ in range(LOOKS):
                if await self._look(session, hello):
                    return
            self._give_up(session, hello, PlazaError(OVERLOADED), close.OVERLOADED)
        except PlazaError as error:
            code = close.UNAVAILABLE if error.spec is UNAVAILABLE else close.OVERLOADED
            self._give_up(session, hello, error, code)
        except Exception:
            logger.exception("hello failed")
            self._give_up(session, hello, PlazaError(INTERNAL), close.OVERLOADED)

    async def _look(self, session: ChatSession, hello: Hello) -> bool:
        """Ask the database, and let the session in; False: something has changed meanwhile."""
        person = session.person
        assert person is not None
        changes = person.changes
        found = await self._arrivals.look_up(session.account, session.id)
        if session.state is not State.ARRIVING:
            return True  # the connection is gone; see_off has tidied up
        if found is None:
            session.turn_away(hello, PlazaError(UNAUTHORIZED), close.UNAUTHORIZED)
            return True
        if person.changes != changes:
            return False
        return await self._let_in(session, hello, person, found)

    async def _let_in(
        self, session: ChatSession, hello: Hello, person: Person, found: Arrival
    ) -> bool:
        places = self._hub.places(found.rooms)
        if places is None:
            return False
        outbox = session.connection.outbox
        outbox.hold()
        self._presences.expect(session.account, found.standing)
        self._hub.settle(person, outbox, places)
        session.state = State.LIVE
        ready = Ready(
            id=hello.id,
            user=found.user,
            session=session.id,
            rooms=found.rooms,
            heartbeat=self._heartbeat,
            blocked=list(found.standing.blocked),
            muted=list(found.standing.muted),
            busy=found.standing.busy,
            hidden=found.standing.hidden,
        )
        session.answer_ahead(hello, ready)
        session.connection.arrived()
        await self._catch_up(session, hello, places)
        outbox.release()
        self._presences.greet(session.account, outbox)
        return True

    async def _catch_up(self, session: ChatSession, hello: Hello, places: list[Attached]) -> None:
        outbox = session.connection.outbox
        missed = plan(hello.cursors, places, cap=self._replay_events)
        for notice in missed.notices:
            outbox.write(outbox.wire.frame(notice))
        for batch in batches(missed.spans):
            await self._write(outbox, await self._reader.missed(batch))
        await self._write(outbox, [place.since for place in places])

    async def _write(self, outbox: Outbox, found: Iterable[Sequence[RoomEvent]]) -> None:
        for piece in _pieces(map(outbox.wire.frame, chain.from_iterable(found))):
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
