"""A light HTTP/1.1 client for an open loop: a request is sent when it is due, on a connection that
is free, and if none is, on a new one.

There is no task but for connecting. What is answered is said by a callback, in the turn of the
event loop in which the answer's last byte came: its latency has nothing of ours in it.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

import httptools

_AT_MOST = 256


class _Exchange:
    """A request and who waits for its answer.

    Attributes:
        is_second: whether it is sent again, because its connection closed before it was read.
    """

    __slots__ = ("answered", "is_second", "lost", "request")

    def __init__(
        self,
        request: bytes,
        answered: Callable[[int, bytes], None],
        lost: Callable[[str], None],
    ) -> None:
        self.request = request
        self.answered = answered
        self.lost = lost
        self.is_second = False


class Http:
    """Connections to one server, which are kept.

    Args:
        url: any address of the server; only its scheme, host and port count.
        at_most: connections at a time. What is beyond waits for one of them, and is late.
    """

    def __init__(self, url: str, *, at_most: int = _AT_MOST) -> None:
        address = urlsplit(url)
        is_secure = address.scheme in ("https", "wss")
        self.host = address.netloc.rpartition("@")[2]
        self._name = address.hostname or "localhost"
        self._port = address.port or (443 if is_secure else 80)
        self._tls = ssl.create_default_context() if is_secure else None
        self._at_most = at_most
        self._idle: list[_Connection] = []
        self._open: set[_Connection] = set()
        self._waiting: deque[_Exchange] = deque()
        self._opening: set[asyncio.Task[None]] = set()

    def ask(
        self,
        request: bytes,
        answered: Callable[[int, bytes], None],
        lost: Callable[[str], None],
    ) -> None:
        """Send a request.

        Args:
            request: all of it, as HTTP/1.1 has it; it has to be one that may be sent twice.
            answered: called with the answer's status and body.
            lost: called instead when there is none, with the reason.
        """
        self._send(_Exchange(request, answered, lost))

    def close(self) -> None:
        """Close all connections; what is not answered is forgotten."""
        self._waiting.clear()
        for task in self._opening:
            task.cancel()
        for connection in tuple(self._open):
            connection.abort()

    def _send(self, exchange: _Exchange) -> None:
        if self._idle:
            self._idle.pop().send(exchange)
        elif len(self._open) + len(self._opening) < self._at_most:
            task = asyncio.get_running_loop().create_task(self._connect(exchange))
            self._opening.add(task)
            task.add_done_callback(self._opened)
        else:
            self._waiting.append(exchange)

    async def _connect(self, exchange: _Exchange) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(
                lambda: _Connection(self), self._name, self._port, ssl=self._tls
            )
        except OSError as error:
            exchange.lost(error.strerror or str(error))
            return
        connection.send(exchange)

    def _opened(self, task: asyncio.Task[None]) -> None:
        self._opening.discard(task)
        self._serve()

    def _serve(self) -> None:
        """Let one who waits have the place that has become free."""
        if self._waiting and len(self._open) + len(self._opening) < self._at_most:
            self._send(self._waiting.popleft())

    def made(self, connection: "_Connection") -> None:
        """A connection is there."""
        self._open.add(connection)

    def free(self, connection: "_Connection") -> None:
        """A connection has nothing to do."""
        if self._waiting:
            connection.send(self._waiting.popleft())
        else:
            self._idle.append(connection)

    def closed(self, connection: "_Connection", left: _Exchange | None, reason: str) -> None:
        """A connection is gone, and with it the answer to `left`."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if left is not None:
            # Servers close what was not needed for a while: the request may have met that. It is
            # sent once more (RFC 9112 section 9.3.1).
            if connection.is_kept and not left.is_second:
                left.is_second = True
                self._send(left)
            else:
                left.lost(reason)
        self._serve()


class _Connection(asyncio.Protocol):
    """One connection, one request at a time.

    Attributes:
        is_kept: whether it has answered before, and nothing of this answer has come yet.
    """

    def __init__(self, http: Http) -> None:
        self._http = http
        self._exchange: _Exchange | None = None
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._has_answered = False
        self.is_kept = False

    def send(self, exchange: _Exchange) -> None:
        """Send a request; the one before has been answered."""
        self.is_kept = self._has_answered
        if self._transport is None or self._transport.is_closing():
            self._http.closed(self, exchange, "it was closed")
            return
        self._exchange = exchange
        self._transport.write(exchange.request)

    def abort(self) -> None:
        """Close it at once."""
        self._exchange = None
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is connected."""
        self._transport = cast("asyncio.Transport", transport)  # which uvloop does not derive from
        self._http.made(self)

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        self.is_kept = False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._end(f"that is no HTTP: {error}")

    def connection_lost(self, error: Exception | None) -> None:
        """The socket is gone."""
        self._transport = None
        left, self._exchange = self._exchange, None
        self._http.closed(self, left, str(error or "it was closed"))

    def _end(self, reason: str) -> None:
        left, self._exchange = self._exchange, None
        if left is not None:
            left.lost(reason)
        if self._transport is not None:
            self._transport.abort()

    # What the parser says.

    def on_message_begin(self) -> None:
        """An answer begins."""
        self._body.clear()

    def on_body(self, body: bytes) -> None:
        """A part of its body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """All of it has come."""
        status = self._parser.get_status_code()
        if status < 200:  # 103 Early Hints and the like: the answer comes after it
            return
        self._has_answered = True
        exchange, self._exchange = self._exchange, None
        if not self._parser.should_keep_alive():
            if self._transport is not None:
                self._transport.close()
        else:
            self._http.free(self)
        if exchange is not None:
            exchange.answered(status, b"".join(self._body))
