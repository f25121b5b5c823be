"""One user's WebSocket connection: the handshake by `websockets`' Sans-I/O client, frames by hand.

What is read goes on as a chunk (crowd/chunks.py), which is taken apart once for all who are sent
the same. The protocol object of the handshake is let go after it: it is some KiB.
"""

import asyncio
import socket
import ssl
from contextlib import suppress
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, cast

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, ProtocolError
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Response
from websockets.uri import parse_uri

from loadtest.crowd.chunks import Chunk, Control, Reader
from loadtest.frames import client_frame
from plaza_client.address import retry_after_of, socket_url
from protocol.close import delay_of

if TYPE_CHECKING:
    from loadtest.crowd.user import User

ABNORMAL = 1006  # RFC 6455 section 7.1.5: there was no close frame
_GOODBYE = client_frame((1000).to_bytes(2, "big"), Opcode.CLOSE)


class Refused(Exception):
    """The server does not take a connection now.

    Attributes:
        code: with which it was closed, or the HTTP status of the answer.
        delay: seconds to stay away, if it says so.
    """

    def __init__(self, code: int, delay: float | None = None) -> None:
        super().__init__(f"refused with {code}")
        self.code = code
        self.delay = delay


class Door:
    """Where users connect.

    Args:
        url: of the server, such as http://127.0.0.1:8080.
        path: below it, after /ws.
        reader: of what they receive.

    Attributes:
        reader: as given.
        connections: how many are open.

    Raises:
        ValueError: that is no address of a server.
    """

    def __init__(self, url: str, path: str, reader: Reader) -> None:
        self.connections = 0
        self.uri = parse_uri(socket_url(url) + path)
        self.reader = reader
        self._ssl = ssl.create_default_context() if self.uri.secure else None
        self._addresses: list[tuple[int, Any]] = []

    async def find(self) -> None:
        """Look the server up: once for all users.

        Raises:
            OSError: there is no such host.
        """
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(
            self.uri.host, self.uri.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )
        self._addresses = [(family, address) for family, _, _, _, address in found]

    async def open(self, user: "User", *, receive_buffer: int | None = None) -> "Connection":
        """Connect a user, who has the connection from the first moment on; the handshake is done.

        Args:
            receive_buffer: bytes that the kernel takes in for it; by default as many as it likes.

        Raises:
            Refused: the server does not take it now.
            OSError: it cannot be reached.
        """
        loop = asyncio.get_running_loop()
        opened = await self._socket(receive_buffer)
        name = self.uri.host if self._ssl else None
        _, connection = await loop.create_connection(
            lambda: Connection(user, self), sock=opened, ssl=self._ssl, server_hostname=name
        )
        assert connection.opened is not None
        try:
            await connection.opened
        except BaseException:
            connection.abort()
            raise
        connection.opened = None
        return connection

    async def _socket(self, receive_buffer: int | None) -> socket.socket:
        problem = OSError("The server's address is not known.")
        for family, address in self._addresses:
            opened = socket.socket(family, socket.SOCK_STREAM)
            try:
                if receive_buffer is not None:
                    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
                opened.setblocking(False)
                await asyncio.get_running_loop().sock_connect(opened, address)
            except OSError as error:
                opened.close()
                problem = error
            except BaseException:
                opened.close()
                raise
            else:
                return opened
        raise problem


class Connection(asyncio.Protocol):
    """A connection. Made by `Door.open`.

    Attributes:
        opened: done when the opening handshake is; None: it was.
    """

    __slots__ = (
        "_code",
        "_delay",
        "_door",
        "_handshake",
        "_reader",
        "_rest",
        "_transport",
        "_user",
        "opened",
    )

    def __init__(self, user: "User", door: Door) -> None:
        self._user: User | None = user
        self._door = door
        self._reader = door.reader
        self._handshake: ClientProtocol | None = ClientProtocol(door.uri)
        self._rest = b""
        self._code = ABNORMAL
        self._delay: float | None = None
        self.opened: asyncio.Future[None] | None = asyncio.get_running_loop().create_future()

    def write(self, frames: bytes) -> None:
        """Send frames, in one call."""
        self._transport.write(frames)

    def pause(self) -> None:
        """Read nothing until `resume`."""
        self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        self._transport.resume_reading()

    def abort(self) -> None:
        """Drop it without a word; the user hears nothing more of it."""
        self._user = None
        self._transport.abort()

    def close(self) -> None:
        """Say goodbye (RFC 6455 section 7.1.2); the user hears nothing more of it."""
        self._user = None
        self._transport.resume_reading()
        self._transport.write(_GOODBYE)

    # --- from the socket -------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self._transport = cast(asyncio.Transport, transport)  # which uvloop does not derive from
        self._door.connections += 1
        if self._user is not None:
            self._user.connection = self
        assert self._handshake is not None
        self._handshake.send_request(self._handshake.connect())
        self.write(b"".join(self._handshake.data_to_send()))

    def data_received(self, data: bytes) -> None:
        """Bytes: most are what somebody else has just received."""
        chunk, user = self._reader.last, self._user
        if chunk.data == data and not self._rest and user is not None:
            user.hear(chunk, monotonic_ns())
        elif self._handshake is not None:
            self._shake_hands(self._handshake, data)
        else:
            self._receive(data, monotonic_ns())

    def _receive(self, data: bytes, now: int) -> None:
        if self._rest:
            data = self._rest + data
        chunk, user = self._reader.read(data, now), self._user
        self._rest = chunk.rest
        if user is None:
            self._hear_the_end(chunk)
        elif chunk.is_plain:
            user.hear(chunk, now)
        else:
            user.hear_each(self, chunk, now)

    def eof_received(self) -> None:
        """The server sends no more: the transport closes."""

    def connection_lost(self, _error: Exception | None) -> None:
        """The socket is gone."""
        self._door.connections -= 1
        if self.opened is not None and not self.opened.done():
            self.opened.set_exception(Refused(ABNORMAL))
            self.opened.exception()  # nobody may be waiting
        user, self._user = self._user, None
        if user is not None:
            user.lost(self, self._code, self._delay)

    def control(self, frame: Control) -> None:
        """A control frame has come."""
        if frame.opcode == Opcode.PING:
            self.write(client_frame(frame.payload, Opcode.PONG))
        elif frame.opcode == Opcode.CLOSE:
            self._closed(frame.payload)

    def _closed(self, payload: bytes) -> None:
        with suppress(ProtocolError, UnicodeDecodeError):  # else it is closed all the same
            close = Close.parse(payload)
            self._code, self._delay = close.code, delay_of(close.reason)
        self.write(_GOODBYE)
        self._transport.close()

    def _hear_the_end(self, chunk: Chunk) -> None:
        """It was closed from here: what the server answers is its close frame, after others."""
        for item in chunk.items:
            if isinstance(item, Control) and item.opcode == Opcode.CLOSE:
                self._transport.close()

    def _shake_hands(self, handshake: ClientProtocol, data: bytes) -> None:
        handshake.receive_data(data)
        assert self.opened is not None
        if handshake.handshake_exc is not None:
            self._handshake = None
            self.opened.set_exception(_refusal(handshake.handshake_exc))
            self.abort()
            return
        for event in handshake.events_received():
            if isinstance(event, Response):
                self._handshake = None  # some KiB
                self.opened.set_result(None)
            elif isinstance(event, Frame) and event.opcode is Opcode.CLOSE:
                self._closed(bytes(event.data))


def _refusal(problem: Exception) -> Refused:
    if isinstance(problem, InvalidStatus):
        response = problem.response
        return Refused(response.status_code, retry_after_of(response.headers))
    return Refused(ABNORMAL)
