"""One chat connection: hello first, then commands, each with exactly one answer.

AWAITING_HELLO  --hello-->  ARRIVING  --ready-->  LIVE
|                        |                   |
+------------------------+------- lost ------+-->  GONE
"""

from collections import Counter
from collections.abc import Callable, Iterable
from enum import Enum, auto
from math import ceil
from typing import Protocol

import structlog
from websockets.http11 import Request

from protocol import close
from protocol.close import with_delay
from protocol.codec import InvalidCommand, MalformedPayload
from protocol.commands import Command, Hello
from protocol.errors import (
    HELLO_REPEATED,
    HELLO_REQUIRED,
    INTERNAL,
    RATE_LIMITED,
    PlazaError,
)
from protocol.events import Error, Event
from protocol.ids import Id
from rooms.hub import Person
from server.costs import COSTS, INVALID
from server.gateway import GatewayProtocol

logger = structlog.get_logger(__name__)

OK = "ok"

# For a client that does not heed rate_limited, before it may come back.
PENALTY_SECONDS = 5.0

CommandCounts = Counter[tuple[str, str]]
"""(type of command, "ok" or the error's code) -> how many were answered so."""


class State(Enum):
    """Where a session is in its life."""

    AWAITING_HELLO = auto()
    ARRIVING = auto()
    LIVE = auto()
    GONE = auto()


class Dispatch(Protocol):
    """Carries commands out."""

    def __call__(self, session: "ChatSession", command: Command) -> None:
        """See to it that `session.answer` or `session.refuse` is called once, or raise PlazaError.

        Raises:
            PlazaError: the command is refused with it.
        """


class Reception(Protocol):
    """Lets sessions in, and sees them off."""

    def welcome(self, session: "ChatSession", hello: Hello) -> None:
        """Start what ends in `session.answer` with Ready, or in `session.turn_away`."""

    def see_off(self, session: "ChatSession", *, settled: bool) -> None:
        """The connection is gone. Called once for each session that was welcomed.

        Args:
            settled: it was live.
        """


class ChatSession:
    """The session of one connection at /ws.

    Args:
        connection: the gateway's.
        request: the upgrade request; its header Authorization may carry the access token.
        dispatch: carries commands out.
        reception: answers hello.
        counts: of answers.
        max_unanswered: commands that may wait for their answer; 0: any number.
    """

    __slots__ = (
        "_counts",
        "_dispatch",
        "_max_unanswered",
        "_reception",
        "_unanswered",
        "account",
        "at_end",
        "authorization",
        "connection",
        "id",
        "person",
        "state",
    )

    def __init__(
        self,
        connection: GatewayProtocol,
        request: Request,
        *,
        dispatch: Dispatch,
        reception: Reception,
        counts: CommandCounts,
        max_unanswered: int,
    ) -> None:
        self.connection = connection
        self.authorization = request.headers.get("Authorization")
        self._dispatch = dispatch
        self._reception = reception
        self._counts = counts
        self._max_unanswered = max_unanswered
        self._unanswered = 0
        self.state = State.AWAITING_HELLO
        # Set by the reception.
        self.account = Id()
        self.id = Id()
        self.person: Person | None = None
        # Called when the connection is gone: set by a part that keeps something of it.
        self.at_end: Callable[[], None] | None = None

    def message(self, payload: bytes, *, text: bool) -> None:
        """A frame's payload has come: decode the command, and carry it out."""
        codec = self.connection.codec
        if text is not codec.text:
            self.connection.close(close.UNSUPPORTED_DATA)
            return
        try:
            command = codec.decode(payload)
        except InvalidCommand as error:
            wait = self.connection.allowance.take(INVALID)
            if wait:
                self._refuse_hasty(error.command_id, "invalid", wait)
                return
            self._counts["invalid", error.spec.code] += 1
            self._send(_error(error.command_id, error))
            return
        except MalformedPayload:
            self.connection.close(close.INVALID_PAYLOAD)
            return
        wait = self.connection.allowance.take(COSTS[type(command)])
        if wait:
            self._refuse_hasty(command.id, type(command).__name__, wait)
            return
        self._unanswered += 1
        try:
            self._admit(command)
            if type(command) is Hello:
                self._reception.welcome(self, command)
            else:
                self._dispatch(self, command)
        except PlazaError as error:
            self.refuse(command, error)
        except Exception:
            logger.exception("a command failed", command=type(command).__name__)
            self.refuse(command, PlazaError(INTERNAL))

    def _refuse_hasty(self, command_id: int | None, name: str, wait: float) -> None:
        """Too few tokens were there. Whoever does not heed that is closed."""
        self._counts[name, RATE_LIMITED.code] += 1
        self._send(_error(command_id, PlazaError(RATE_LIMITED, retry_after=ceil(wait * 1e3) / 1e3)))
        if self.connection.allowance.insist():
            self.connection.close(with_delay(close.RATE_LIMITED, PENALTY_SECONDS))

    def _admit(self, command: Command) -> None:
        if self._max_unanswered and self._unanswered > self._max_unanswered:
            raise PlazaError(
                RATE_LIMITED, "Too many commands at once. Wait for answers.", retry_after=1.0
            )
        is_hello = type(command) is Hello
        if self.state is State.LIVE:
            if is_hello:
                raise PlazaError(HELLO_REPEATED)
        elif not is_hello:
            raise PlazaError(HELLO_REQUIRED)
        elif self.state is not State.AWAITING_HELLO:
            raise PlazaError(HELLO_REPEATED)

    def answer(self, command: Command, event: Event) -> None:
        """The command was carried out."""
        self._unanswered -= 1
        self._counts[type(command).__name__, OK] += 1
        self._send(event)

    def tell(self, events: Iterable[Event]) -> None:
        """Say something besides answers."""
        for event in events:
            self._send(event)

    def answer_ahead(self, command: Command, event: Event) -> None:
        """The command was carried out; the answer overtakes what is held in the outbox."""
        self._unanswered -= 1
        self._counts[type(command).__name__, OK] += 1
        outbox = self.connection.outbox
        outbox.write(outbox.wire.frame(event))

    def refuse(self, command: Command, error: PlazaError) -> None:
        """The command was not carried out."""
        self._unanswered -= 1
        self._counts[type(command).__name__, error.spec.code] += 1
        self._send(_error(command.id, error))

    def turn_away(self, hello: Hello, error: PlazaError, code: close.Close) -> None:
        """Refuse hello, and with it the connection."""
        self.refuse(hello, error)
        self.connection.close(code)

    def lost(self) -> None:
        """The connection is gone."""
        was, self.state = self.state, State.GONE
        if was is State.ARRIVING or was is State.LIVE:
            self._reception.see_off(self, settled=was is State.LIVE)
        if self.at_end is not None:
            self.at_end()

    @property
    def busy(self) -> bool:
        """Whether a command is unanswered."""
        return self._unanswered > 0

    def _send(self, event: Event) -> None:
        if self.state is not State.GONE:
            outbox = self.connection.outbox
            outbox.enqueue(outbox.wire.frame(event))


class OpenSessions:
    """The connections by the login session that they belong to: for revocation."""

    def __init__(self) -> None:
        self._open: dict[Id, set[ChatSession]] = {}

    def add(self, session: ChatSession) -> None:
        """A connection has shown a token of `session.id`."""
        self._open.setdefault(session.id, set()).add(session)

    def discard(self, session: ChatSession) -> None:
        """A connection is gone."""
        sessions = self._open.get(session.id)
        if sessions is not None:
            sessions.discard(session)
            if not sessions:
                del self._open[session.id]

    def close(self, revoked: Iterable[Id]) -> None:
        """Close every connection of these login sessions."""
        for identifier in revoked:
            for session in tuple(self._open.get(identifier, ())):
                session.connection.close(close.SESSION_REVOKED)


def _error(command_id: int | None, error: PlazaError) -> Error:
    return Error(
        id=command_id,
        code=error.spec.code,
        message=error.message,
        retry_after=error.retry_after,
    )
