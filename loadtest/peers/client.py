"""One client connection, which knows the number that comes next."""

import asyncio
from collections.abc import Iterable
from typing import NamedTuple, Protocol, cast

from websockets.client import ClientProtocol
from websockets.frames import Opcode
from websockets.http11 import Response

from loadtest.frames import client_frame
from loadtest.peers.peer import Dialect
from loadtest.swarm import Violation

_GOODBYE = client_frame((1000).to_bytes(2, "big"), Opcode.CLOSE)


class Chunk(NamedTuple):
    """What was received in one piece, and what it was found to be.

    Attributes:
        deliveries: how many; they have the numbers from `first` on.
        rest: of the last frame, which is not complete.
    """

    received: bytes = b""
    first: int = 0
    deliveries: int = 0
    rest: bytes = b""


class Company(Protocol):
    """To whom a client belongs: loadtest/peers/clients.py.

    Attributes:
        chunk: what was received last in one piece, by any of them, and was nothing but deliveries.
    """

    dialect: Dialect
    chunk: Chunk

    def hear(self, client: "Client", count: int) -> None:
        """A client has received so many deliveries and acknowledgements."""

    def fail(self, violation: Violation) -> None:
        """What must not be has happened."""


class Client(asyncio.Protocol):
    """One connection. Made by `Clients.join`.

    Args:
        clients: to whom it belongs.
        number: its own.
        first: number of the first delivery.
        handshake: does the opening handshake.

    Attributes:
        next: the number that comes next.
        joined: done when the server has taken it in; fails if it did not.
        gone: done when the connection is.
    """

    __slots__ = (
        "_clients",
        "_handshake",
        "_leaving",
        "_rest",
        "_transport",
        "gone",
        "joined",
        "next",
        "number",
    )

    def __init__(
        self, clients: Company, number: int, first: int, handshake: ClientProtocol
    ) -> None:
        loop = asyncio.get_running_loop()
        self._clients = clients
        self._handshake: ClientProtocol | None = handshake
        self._leaving = False
        self._rest = b""
        self.number = number
        self.next = first
        self.joined: asyncio.Future[None] = loop.create_future()
        self.gone: asyncio.Future[None] = loop.create_future()

    def write(self, frames: bytes) -> None:
        """Send frames, in one call."""
        self._transport.write(frames)

    def leave(self) -> None:
        """Begin the closing handshake (RFC 6455 section 7.1.2)."""
        if not (self._leaving or self.gone.done()):
            self._leaving = True
            self.write(_GOODBYE)

    def abort(self) -> None:
        """End the connection without a word."""
        self._leaving = True
        self._transport.abort()

    # --- from the socket -------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self._transport = cast(asyncio.Transport, transport)  # which uvloop does not derive from
        assert self._handshake is not None
        self._handshake.send_request(self._handshake.connect())
        self.write(b"".join(self._handshake.data_to_send()))

    def data_received(self, data: bytes) -> None:
        """Bytes: the response first, then frames."""
        clients = self._clients
        chunk = clients.chunk
        if data == chunk.received and self.next == chunk.first and not self._rest:
            self.next += chunk.deliveries
            self._rest = chunk.rest
            clients.hear(self, chunk.deliveries)
            return
        try:
            if self._handshake is not None:
                data = self._shake_hands(self._handshake, data)
            if self._handshake is None:
                self._take(data)
        except Violation as violation:
            self._fail(violation)

    def connection_lost(self, error: Exception | None) -> None:
        """The socket is gone."""
        if not self._leaving:
            self._fail(Violation(f"A connection was lost: {error or 'end of stream'}."))
        self.gone.set_result(None)

    def _fail(self, violation: Violation) -> None:
        if not self.joined.done():
            self.joined.set_exception(violation)
        self._clients.fail(violation)

    def _shake_hands(self, handshake: ClientProtocol, data: bytes) -> bytes:
        """Read the response; returns what came behind it."""
        # The Sans-I/O protocol would parse frames, too: it gets nothing but the response.
        head, end, behind = data.partition(b"\r\n\r\n")
        handshake.receive_data(head + end)
        for event in handshake.events_received():
            if isinstance(event, Response):
                if handshake.handshake_exc is not None:
                    raise Violation(f"No handshake: {handshake.handshake_exc}.")
                self._handshake = None  # some KiB
                dialect = self._clients.dialect
                self._send(dialect.opening(self.number))
                if not dialect.welcome:
                    self.joined.set_result(None)
        return behind

    def _take(self, data: bytes) -> None:
        clients = self._clients
        payloads, rest = clients.dialect.split(self._rest + data)
        first, others = self.next, 0
        for opcode, payload in payloads:
            number = clients.dialect.text.number(payload) if opcode <= Opcode.BINARY else None
            if number is None:
                others += self._other(opcode, payload)
            elif number == self.next:
                self.next += 1
            else:
                raise Violation(_words(self.next, number))
        count = self.next - first
        if count == len(payloads) and not self._rest:
            clients.chunk = Chunk(data, first, count, rest)
        self._rest = rest
        clients.hear(self, count + others)

    def _other(self, opcode: int, payload: bytes) -> int:
        """A payload that is no delivery; returns how many acknowledgements it is."""
        dialect = self._clients.dialect
        if opcode == Opcode.PING:
            self.write(client_frame(payload, Opcode.PONG))
        elif opcode == Opcode.CLOSE:
            if not self._leaving:
                raise Violation(f"The server closed a connection: {payload[2:]!r}.")
            # Some servers leave it to the client to close the socket.
            self._transport.close()
        elif opcode == Opcode.PONG:
            pass
        elif not self.joined.done() and payload.startswith(dialect.welcome):
            self.joined.set_result(None)
        elif dialect.acknowledgement and payload.startswith(dialect.acknowledgement):
            return 1
        elif answer := dialect.reply(payload):
            self._send([answer])
        return 0

    def _send(self, payloads: Iterable[bytes]) -> None:
        opcode = self._clients.dialect.opcode
        frames = b"".join(client_frame(payload, opcode) for payload in payloads)
        if frames:
            self.write(frames)


def _words(due: int, came: int) -> str:
    if came < due:
        return f"Delivery {came} came again, when {due} was due."
    return f"Delivery {came} came, when {due} was due: {came - due} were lost, or overtaken."
