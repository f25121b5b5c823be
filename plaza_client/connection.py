"""One WebSocket connection, from hello to close. It has no task of its own: whoever calls `receive`
reads for all, and settles the answers that others wait for on the way.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
)
from websockets.typing import Subprotocol

from plaza_client.address import retry_after_of, socket_url
from plaza_client.errors import (
    ConnectionLost,
    PlazaClientError,
    PlazaRefused,
    Unreachable,
    WireError,
)
from plaza_client.options import Options
from plaza_client.wire import A, Answer, ClientEvent, Incoming, Wire, shape
from protocol.commands import Command, Hello
from protocol.events import Error, Ready
from protocol.ids import Id
from protocol.records import Seq

_log = logging.getLogger(__name__)

# Below WARNING, websockets logs whole frames: tokens and bodies.
_quiet = logging.getLogger(f"{__name__}.websockets")
_quiet.setLevel(logging.WARNING)

# A page of 200 events with 8,000 characters each stays below it, whatever the script.
MAX_FRAME = 16 * 2**20

# Frames that websockets may hold before it pauses the transport. One read brings hundreds of small
# ones; with its default of 16 every such read would cost a pause and a resume.
FRAMES_HELD = 512

# RFC 6455 section 7.4.1; the second stands for no close frame at all.
NORMAL_CLOSURE = 1000
ABNORMAL_CLOSURE = 1006


class _Socket(ClientConnection):
    """Notes when it last heard anything, pings included."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.clock = time.monotonic
        self.heard_at = self.clock()

    def data_received(self, data: bytes) -> None:
        self.heard_at = self.clock()
        super().data_received(data)


class Connection:
    """A connection that has said hello. Made by `Connection.open`.

    Attributes:
        ready: the server's answer to hello.
        lost: whether the connection has been found to be closed.
    """

    def __init__(self, socket: _Socket, wire: Wire, options: Options) -> None:
        self._socket = socket
        self._wire = wire
        self._options = options
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._last_id = 1  # hello's
        self._silence: asyncio.TimerHandle | None = None
        self.ready: Ready
        self.lost = False

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        wire: Wire,
        token: str,
        cursors: Mapping[Id, Seq] | None = None,
        options: Options | None = None,
    ) -> "Connection":
        """Connect and say hello.

        Args:
            url: of the server, such as http://127.0.0.1:8080.
            wire: the format to speak.
            token: an access token.
            cursors: room -> the last seq that is known: what came after follows.
            options: how patient to be.

        Raises:
            Unreachable: nobody answers, or a proxy does; another try may help.
            WireError: whoever answers does not speak the protocol.
            PlazaRefused: the server does not want this token, or nobody at the moment.
            ConnectionLost: the connection broke before the answer came.
        """
        options = options or Options()
        try:
            async with asyncio.timeout(options.open_timeout):
                connection = cls(await _dial(url, wire, options), wire, options)
                try:
                    connection.ready = await connection._say_hello(token, cursors or {})
                except BaseException:
                    connection._socket.transport.abort()
                    raise
        except TimeoutError:
            raise Unreachable(
                f"{url} did not answer within {options.open_timeout:g} seconds."
            ) from None
        connection._watch_silence()
        return connection

    async def _say_hello(self, token: str, cursors: Mapping[Id, Seq]) -> Ready:
        await self._write(Hello(id=1, token=token, cursors=dict(cursors)))
        answer = await self._read()
        if isinstance(answer, Error):
            raise PlazaRefused(answer.code, answer.message, answer.retry_after)
        if not isinstance(answer, Ready):
            raise WireError("The server answered hello with something else than ready.")
        return answer

    async def request(self, command: Command, answer: type[A]) -> A:
        """Send a command and wait for its answer, which somebody's `receive` has to read.

        Args:
            command: its id is set here.
            answer: the type of `ok` that belongs to the command.

        Raises:
            PlazaRefused: the server said no.
            ConnectionLost: before an answer came; the command may have been carried out or not.
            WireError: the answer cannot be read.
        """
        settled: asyncio.Future[Answer] = self._socket.loop.create_future()
        self._last_id += 1
        command_id = command.id = self._last_id
        self._waiting[command_id] = settled
        try:
            await self._write(command)
            return shape(await settled, answer)
        finally:
            del self._waiting[command_id]
            if settled.done() and not settled.cancelled():
                settled.exception()  # has been seen, even where the writing failed before

    async def receive(self) -> ClientEvent:
        """The next event. Answers that come before it go to those who wait for them.

        Raises:
            ConnectionLost: the connection has ended; what came before it has been received.
            WireError: the server sent something that cannot be read.
        """
        while True:
            incoming = await self._read()
            if isinstance(incoming, Answer):
                settled = self._waiting.get(incoming.id)
                if settled is not None and not settled.done():
                    settled.set_result(incoming)
            elif isinstance(incoming, Error):
                self._refuse(incoming)
            elif isinstance(incoming, Ready):
                raise WireError("The server said ready a second time.")
            else:
                return incoming

    async def close(self) -> None:
        """Perform the closing handshake, for at most `options.close_timeout`. Idempotent.

        Not while `receive` is running. Answers that arrive meanwhile still reach those who
        wait for them; the others get ConnectionLost.
        """
        if self._silence is not None:
            self._silence.cancel()
        try:
            # Until websockets' queue is read, the server's close frame may not come through.
            await asyncio.gather(self._socket.close(), self._drain())
        finally:
            self._socket.transport.abort()
            self._fail_waiting(ConnectionLost(NORMAL_CLOSURE, "We closed it."))

    async def _drain(self) -> None:
        with suppress(PlazaClientError):
            while True:
                await self.receive()

    async def _write(self, command: Command) -> None:
        _log.debug("> %s %d", type(command).__name__, command.id)
        try:
            await self._socket.send(self._wire.encode(command), text=self._wire.text)
        except ConnectionClosed as closed:
            raise self._lose(closed) from None

    async def _read(self) -> Incoming:
        try:
            payload = await self._socket.recv(decode=False)
        except ConnectionClosed as closed:
            raise self._lose(closed) from None
        incoming = self._wire.decode(payload)
        _log.debug("< %s", type(incoming).__name__)
        return incoming

    def _refuse(self, error: Error) -> None:
        settled = None if error.id is None else self._waiting.get(error.id)
        if settled is not None and not settled.done():
            settled.set_exception(PlazaRefused(error.code, error.message, error.retry_after))
        elif error.id is None:
            _log.warning("the server could not read a frame of ours: %s", error.message)

    def _lose(self, closed: ConnectionClosed) -> ConnectionLost:
        if self._silence is not None:
            self._silence.cancel()
        self.lost = True
        frame = closed.rcvd
        lost = (
            ConnectionLost(ABNORMAL_CLOSURE)
            if frame is None
            else ConnectionLost(int(frame.code), frame.reason)
        )
        self._fail_waiting(lost)
        return lost

    def _fail_waiting(self, error: PlazaClientError) -> None:
        for settled in self._waiting.values():
            if not settled.done():
                settled.set_exception(error)

    def _watch_silence(self) -> None:
        """Abort a connection that has gone dead without a word, as when a cable is pulled."""
        limit = self.ready.heartbeat * self._options.silent_heartbeats
        now = self._socket.clock()
        if not self._socket.transport.is_reading():
            self._socket.heard_at = now  # the silence is our own: we do not listen
        elif now - self._socket.heard_at >= limit:
            _log.info("nothing heard for %.1f s", now - self._socket.heard_at)
            self._socket.transport.abort()
            return
        self._silence = self._socket.loop.call_later(limit / 4, self._watch_silence)


async def _dial(url: str, wire: Wire, options: Options) -> _Socket:
    try:
        socket = await connect(
            socket_url(url),
            subprotocols=[Subprotocol(wire.subprotocol)],
            create_connection=_Socket,
            compression=None,
            open_timeout=None,
            ping_interval=None,  # the server's pings suffice: see _watch_silence
            close_timeout=options.close_timeout,
            max_size=MAX_FRAME,
            max_queue=FRAMES_HELD,
            logger=_quiet,
        )
    except InvalidStatus as error:
        status = error.response.status_code
        sentence = f"{url} answered with HTTP status {status} instead of a WebSocket."
        if status >= 500 or status == 429:
            raise Unreachable(sentence, retry_after_of(error.response.headers)) from None
        raise WireError(sentence) from None
    except InvalidMessage as error:
        if isinstance(error.__cause__, EOFError):
            raise Unreachable(f"{url} closed the connection before it answered.") from None
        raise WireError(f"{url} does not speak HTTP: {error}.") from None
    except InvalidHandshake as error:
        raise WireError(f"{url} did not open a WebSocket: {error}.") from None
    except OSError as error:
        raise Unreachable(f"Nothing answers at {url}: {error}.") from None
    assert isinstance(socket, _Socket)
    socket.clock = options.clock
    socket.heard_at = options.clock()
    if socket.subprotocol != wire.subprotocol:
        socket.transport.abort()
        raise WireError(f"{url} does not speak {wire.subprotocol}.")
    return socket
