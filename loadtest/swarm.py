"""Many client connections in one process, some KiB each.

`websockets`' Sans-I/O client does the opening handshake; loadtest/frames.py does the rest.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import TracebackType
from typing import cast
from urllib.parse import urlsplit

import msgspec
from websockets.client import ClientProtocol
from websockets.frames import Opcode
from websockets.http11 import Response
from websockets.uri import WebSocketURI

from loadtest.frames import client_frame, split_frames
from plaza_client.wire import JSON
from protocol.commands import Hello

_GOODBYE = client_frame((1000).to_bytes(2, "big"), Opcode.CLOSE)


# How the events about presence begin.
PRESENCE = (b'{"t":"presence"', b'{"t":"room_presence"')


class Violation(Exception):
    """The server did what it must not: it closed a connection, lost a message, and the like."""


class _Event(msgspec.Struct):
    t: str


_decode = msgspec.json.Decoder(_Event).decode


class Tally:
    """Counts payloads, and wakes whoever waits for the n-th."""

    __slots__ = ("_reached", "_target", "count")

    def __init__(self) -> None:
        self.count = 0
        self._target = 0
        self._reached: asyncio.Future[None] | None = None

    def __call__(self, _: bytes) -> None:
        """A payload has come."""
        self.count += 1
        if self.count == self._target and self._reached is not None:
            self._reached.set_result(None)

    async def reached(self, target: int) -> None:
        """Wait until so many have come in all."""
        if self.count < target:
            self._target = target
            self._reached = asyncio.get_running_loop().create_future()
            await self._reached


class Connection(asyncio.Protocol):
    """One client's connection. Made by `Swarm.connect`.

    Attributes:
        receive: gets the payload of each message.
        opened: done when the opening handshake is.
        closed: done when the connection is gone.
    """

    __slots__ = (
        "_handshake",
        "_leaving",
        "_rest",
        "_swarm",
        "_transport",
        "closed",
        "opened",
        "receive",
    )

    def __init__(
        self, swarm: "Swarm", uri: WebSocketURI, receive: Callable[[bytes], object]
    ) -> None:
        loop = asyncio.get_running_loop()
        self._swarm = swarm
        self._handshake: ClientProtocol | None = ClientProtocol(uri)
        self._leaving = False
        self._rest = b""
        self.receive = receive
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()

    def write(self, frames: bytes) -> None:
        """Send frames, in one call."""
        self._transport.write(frames)

    async def close(self) -> None:
        """The closing handshake (RFC 6455 section 7.1.2)."""
        if not (self._leaving or self.closed.done()):
            self._leaving = True
            self.write(_GOODBYE)
        await self.closed

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
        if self._handshake is not None:
            self._handshake.receive_data(data)
            self._shake_hands(self._handshake)
            return
        frames, self._rest = split_frames(self._rest + data if self._rest else data)
        receive, hears_presence = self.receive, self._swarm.hears_presence
        for opcode, payload in frames:
            if opcode <= Opcode.BINARY:
                if hears_presence or not payload.startswith(PRESENCE):
                    receive(payload)
            elif opcode == Opcode.PING:
                self.write(client_frame(payload, Opcode.PONG))
            elif opcode == Opcode.CLOSE and not self._leaving:
                self._swarm.fail(Violation(f"The server closed a connection: {payload[2:]!r}."))

    def _shake_hands(self, handshake: ClientProtocol) -> None:
        for event in handshake.events_received():
            if isinstance(event, Response):
                self._handshake = None  # some KiB
                if handshake.handshake_exc is None:
                    self.opened.set_result(None)
                else:
                    self._swarm.fail(Violation(f"No handshake: {handshake.handshake_exc}."))

    def connection_lost(self, error: Exception | None) -> None:
        """The socket is gone."""
        if not self._leaving:
            self._swarm.fail(Violation(f"A connection was lost: {error or 'end of stream'}."))
        self.opened.cancel()
        self.closed.set_result(None)


class Swarm:
    """The connections to one server. A connection that is lost fails the `async with` block.

    Args:
        url: of the server, such as http://127.0.0.1:8080.
        hears_presence: whether `receive` gets what is said about presence, too. It comes with a
            clock of its own, and most questions are about something else.
    """

    def __init__(self, url: str, *, hears_presence: bool = False) -> None:
        self.hears_presence = hears_presence
        address = urlsplit(url)
        assert address.hostname is not None
        assert address.port is not None
        self._host, self._port = address.hostname, address.port
        self._connections: list[Connection] = []
        self._owner: asyncio.Task[object] | None = None
        self._violation: Violation | None = None

    async def __aenter__(self) -> "Swarm":
        self._owner = asyncio.current_task()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            await self.close()
            return
        for connection in self._connections:
            connection.abort()
        # As asyncio.timeout does it: the cancellation was ours, and becomes what it was for.
        if self._violation is not None:
            assert self._owner is not None
            self._owner.uncancel()
            raise self._violation from error

    def fail(self, violation: Violation) -> None:
        """Raise `violation` from the `async with` block."""
        if self._violation is None:
            self._violation = violation
            assert self._owner is not None
            self._owner.cancel()

    async def connect(self, path: str = "/ws", *, receive: Callable[[bytes], object]) -> Connection:
        """Open a connection; it speaks JSON, as it asks for no subprotocol.

        Args:
            path: at the server.
            receive: gets the payload of each message.
        """
        uri = WebSocketURI(False, self._host, self._port, path, "")
        loop = asyncio.get_running_loop()
        make = partial(Connection, self, uri, receive)
        _, connection = await loop.create_connection(make, self._host, self._port)
        self._connections.append(connection)
        await connection.opened
        return connection

    async def log_in(self, token: str, *, receive: Callable[[bytes], object]) -> Connection:
        """Connect and say hello; returns when `ready` has come.

        Args:
            token: the access token.
            receive: gets the payload of each message after that.

        Raises:
            Violation: the server has answered something else.
        """
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        def hear(payload: bytes) -> None:
            if answer.done():
                receive(payload)  # it came in the same packet
            else:
                answer.set_result(payload)

        connection = await self.connect(receive=hear)
        connection.write(client_frame(JSON.encode(Hello(id=1, token=token))))
        await asyncio.wait((answer, connection.closed), return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise Violation("The server closed the connection instead of an answer.")
        payload = answer.result()
        if _decode(payload).t != "ready":
            raise Violation(f"No welcome: {payload!r}")
        connection.receive = receive
        return connection

    async def log_in_all(
        self,
        tokens: Sequence[str],
        *,
        receive: Callable[[bytes], object],
        at_once: int = 32,
    ) -> list[Connection]:
        """A connection for each token, in their order.

        Args:
            at_once: how many of them are under way at a time.
        """
        connections: dict[int, Connection] = {}

        async def work(numbers: Iterator[int]) -> None:
            for number in numbers:
                connections[number] = await self.log_in(tokens[number], receive=receive)

        waiting = iter(range(len(tokens)))
        async with asyncio.TaskGroup() as tasks:
            for _ in range(at_once):
                tasks.create_task(work(waiting))
        return [connections[number] for number in range(len(tokens))]

    async def close(self) -> None:
        """Close all connections, politely."""
        connections, self._connections = self._connections, []
        await asyncio.gather(*(connection.close() for connection in connections))
