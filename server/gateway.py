"""The WebSocket gateway: bytes from the socket to messages, on raw asyncio.

uvicorn hands an upgraded connection to `GatewayProtocol` (as its `ws` class). What comes is read by
server/frame_reader.py; the protocol is `websockets`', Sans-I/O. From here a message goes to a
session: server/session.py, or server/echo.py.
"""

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Protocol, cast

import structlog
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import OPEN

from protocol import close
from protocol.close import Close
from protocol.codec import CODECS, JSON
from protocol.ids import Id
from server.admission import Admission
from server.allowance import Allowance
from server.config import Config
from server.frame_reader import FrameReader
from server.handshake import DRAINING, Handshakes, TurnedAway
from server.meter import PAY_BYTES, ReadMeter
from server.outbox import Outbox, Tick
from server.traffic import Traffic
from server.wheel import TimerWheel
from server.wire import DeflatedCodec, FramedCodec

logger = structlog.get_logger(__name__)

# How long a peer may take to end the TCP connection once the closing handshake has started.
LINGER_SECONDS = 5


class Session(Protocol):
    """What a connection is for. One object per connection, made after the opening handshake."""

    def message(self, payload: bytes, *, text: bool) -> None:
        """A message has come, in one piece. Must not raise."""

    def lost(self) -> None:
        """The connection is gone."""

    @property
    def busy(self) -> bool:
        """Whether something that has come is unanswered."""


class Gateway:
    """What all connections of the process share.

    Args:
        config: of the process.
        tick: writes at the end of the loop's tick.
        wheel: of heartbeats and deadlines.
        sessions: path -> makes the session of a connection that asked for it.
        admission: lets connections in.
    """

    def __init__(
        self,
        config: Config,
        tick: Tick,
        wheel: TimerWheel,
        sessions: Mapping[str, Callable[["GatewayProtocol", Request], Session]],
        admission: Admission,
    ) -> None:
        self.tick = tick
        self.wheel = wheel
        self.sessions = sessions
        self.admission = admission
        self.stranger = Allowance(admission.clock)  # of connections that have not been let in
        self.traffic = Traffic()
        self.connections: set[GatewayProtocol] = set()
        self.draining = False
        self.heartbeat = config.gateway.heartbeat_seconds
        self.hello_seconds = config.limits.hello_seconds
        self.handshakes = Handshakes(config)
        self.fragments = config.limits.fragments
        self.outbox_soft = config.limits.outbox_soft_bytes or None
        self.outbox_hard = config.limits.outbox_hard_bytes
        # One object per format: the fan-out encodes once for all that share it.
        min_bytes = config.gateway.deflate_min_bytes
        self.plain = {codec: FramedCodec(codec) for codec in CODECS.values()}
        self.deflated = {
            codec: DeflatedCodec(codec, min_bytes=min_bytes) for codec in CODECS.values()
        }


class GatewayProtocol(asyncio.Protocol):
    """One WebSocket connection: what uvicorn expects of its `ws` class.

    Args:
        gateway: shared by all connections; bound by the composition root.
        server_state: uvicorn's, which counts connections; its other arguments are not needed.
    """

    __slots__ = (
        "_gateway",
        "_last_seen",
        "_meter",
        "_protocol",
        "_reader",
        "_retired",
        "_server_state",
        "_session",
        "_unpaid",
        "allowance",
        "codec",
        "due",
        "outbox",
        "settled",
        "transport",
    )

    def __init__(self, gateway: Gateway, *, server_state: Any, **_: Any) -> None:
        self._gateway = gateway
        self._server_state = server_state
        self._protocol = gateway.handshakes.protocol()
        self._reader = FrameReader(self._protocol, self, fragments=gateway.fragments)
        self._session: Session | None = None
        self.codec = JSON
        self._retired = False
        self._last_seen = gateway.wheel.now
        self.allowance: Allowance = gateway.stranger
        self._unpaid = 0  # bytes
        self._meter: ReadMeter | None = None
        self.due = 0  # of the timer wheel
        self.settled = False
        self.outbox: Outbox

    # --- from the socket -------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Uvicorn has parsed an upgrade request, which comes next, as data."""
        transport = cast(asyncio.Transport, transport)  # which uvloop does not derive from
        self.transport = transport
        transport.set_write_buffer_limits(high=self._gateway.outbox_soft)
        self._server_state.connections.add(self)
        self._gateway.connections.add(self)
        self._gateway.traffic.connections += 1

    def data_received(self, data: bytes) -> None:
        """Bytes: of the upgrade request first, then of frames."""
        gateway = self._gateway
        size = len(data)
        gateway.traffic.bytes_in += size
        self._last_seen = gateway.wheel.now
        self._reader.feed(data)
        if self._protocol.writes:
            self._write_protocol()
        self._unpaid += size
        if self._unpaid >= PAY_BYTES:
            self._pay()

    def _pay(self) -> None:
        if self._meter is None:
            self._meter = ReadMeter(self.allowance, self.transport, self._gateway.wheel)
        self._meter.pay(self._unpaid)
        self._unpaid = 0

    def message(self, payload: bytes, *, text: bool) -> None:
        """The reader has a message."""
        # Frames behind our own close frame are dropped: the session is over. Those ahead of the
        # peer's count, though it may have come in the same packet, and been answered already.
        if self._session is not None and not self.outbox.closed and not self._retired:
            self._gateway.traffic.messages_in += 1
            self._session.message(payload, text=text)

    def fragmented(self) -> None:
        """The reader has got too many fragments of one message."""
        self.close(close.POLICY_VIOLATION)

    def eof_received(self) -> None:
        """The peer has ended its side: returning None closes ours."""
        self._protocol.receive_eof()

    def connection_lost(self, _: Exception | None) -> None:
        """The socket is gone."""
        gateway = self._gateway
        gateway.wheel.remove(self)
        if self._meter is not None:
            self._meter.stop()
        self._server_state.connections.discard(self)
        gateway.connections.discard(self)
        gateway.traffic.connections -= 1
        if self._session is not None:
            self.outbox.close()
            self._session.lost()
            self._session = None
        gateway.admission.leave(self.allowance)
        # The cycles of a connection are undone: it goes at once, and not when garbage is collected
        # (server/garbage.py), which is seldom.
        del self._reader
        self._protocol.parser.close()
        self._protocol.parser_exc = None  # its traceback has the parser's frame

    def pause_writing(self) -> None:
        """More than the soft bound waits in the transport."""
        if self._session is not None:
            self.outbox.pause()

    def resume_writing(self) -> None:
        """The transport has caught up."""
        if self._session is not None:
            self.outbox.resume()

    # --- opening and closing ---------------------------------------------------------------------

    def opening(self, request: Request) -> None:
        """The reader has the upgrade request: let the connection in, or turn it away."""
        gateway, protocol = self._gateway, self._protocol
        make_session = gateway.sessions.get(request.path.partition("?")[0])
        if make_session is None:
            response = protocol.reject(HTTPStatus.NOT_FOUND, "Connect to /ws.\n")
        else:
            response = self._admit(request)
        protocol.send_response(response)
        if protocol.state is not OPEN or make_session is None:
            return
        if protocol.subprotocol is not None:
            self.codec = CODECS[protocol.subprotocol]
        self.outbox = Outbox(
            self._wire(),
            self.transport,
            gateway.tick,
            hard=gateway.outbox_hard,
            overflowed=self._overflowed,
        )
        gateway.traffic.accepted += 1
        self._session = make_session(self, request)
        gateway.wheel.put(self, gateway.hello_seconds or gateway.heartbeat)

    def _admit(self, request: Request) -> Response:
        gateway = self._gateway
        answer: Allowance | TurnedAway = DRAINING
        if not gateway.draining:
            peer = self.transport.get_extra_info("peername")
            forwarded = request.headers.get_all("X-Forwarded-For")
            answer = gateway.admission.admit(peer[0] if peer else "", forwarded)
        if isinstance(answer, TurnedAway):
            gateway.admission.refused[answer.reason] += 1
            return answer.response(self._protocol)
        self.allowance = answer
        return self._protocol.accept(request)

    def _wire(self) -> FramedCodec | DeflatedCodec:
        for extension in self._protocol.extensions:
            # A client may ask for a smaller window than the shared frames use; it gets plain ones,
            # which RFC 7692 allows for any message.
            if isinstance(extension, PerMessageDeflate) and extension.local_max_window_bits == 15:
                return self._gateway.deflated[self.codec]
        return self._gateway.plain[self.codec]

    def reply(self, payload: bytes, *, text: bool) -> None:
        """Send a message that is nobody else's: framed for this connection alone."""
        protocol = self._protocol
        if protocol.state is OPEN:
            (protocol.send_text if text else protocol.send_binary)(payload)
            self._write_protocol()
        else:  # the peer's close came with its message; our answer to it has yet to be written
            frame = Frame(Opcode.TEXT if text else Opcode.BINARY, payload)
            self.transport.write(frame.serialize(mask=False, extensions=protocol.extensions))

    def join(self, account: Id) -> None:
        """The client has said hello, and proved whose connection it is. Raises NotAdmitted."""
        self._gateway.admission.join(self.allowance, account)
        self.settle()

    def arrived(self) -> None:
        """Hello has been answered."""
        self._gateway.admission.arrived(self.allowance)

    def settle(self) -> None:
        """The client has said hello: the deadline for it is over, heartbeats begin."""
        self.settled = True
        self._gateway.wheel.put(self, self._gateway.heartbeat)

    def close(self, code: Close) -> None:
        """Start the closing handshake, after everything that is queued. Idempotent."""
        if self._protocol.state is not OPEN:
            return
        self.outbox.flush()  # but what is held: without what was missed before it, it is a hole
        self.outbox.close()
        self._gateway.traffic.closed[code.code] += 1
        self._protocol.send_close(code.code, code.reason)
        self._write_protocol()
        self._gateway.wheel.put(self, LINGER_SECONDS)

    def shutdown(self) -> None:
        """Uvicorn stops: whoever is still here is sent away."""
        if self._session is not None:
            self.close(close.RESTART)
        else:
            self.transport.close()

    def _write_protocol(self) -> None:
        """Write what the protocol itself has to say: handshake, pong, close."""
        for chunk in self._protocol.data_to_send():
            if chunk:
                self.transport.write(chunk)
            else:
                # Only our side ends: closing at once would reset a connection whose peer is still
                # sending, and the close frame with the reason would be lost to it.
                self._end()
                return
        if self._session is not None:
            self.outbox.check()  # whoever sends pings has to read the pongs

    def retire(self) -> None:
        """Take no more messages: the connection is about to be closed. See server/drain.py."""
        self._retired = True

    @property
    def busy(self) -> bool:
        """Whether the client has yet to get an answer to something that was taken."""
        return self._session is not None and (self._session.busy or self.outbox.holding)

    @property
    def reading_paused(self) -> bool:
        """Whether it is not being read for a while, because it has sent too much."""
        return self._meter is not None and self._meter.paused

    @property
    def waiting(self) -> int:
        """Bytes that wait to be written."""
        return self.outbox.waiting if self._session is not None else 0

    def _end(self) -> None:
        if self._session is not None:
            self.outbox.close()
        self.transport.write_eof()
        self._gateway.wheel.put(self, LINGER_SECONDS)

    def _overflowed(self) -> None:
        self._gateway.traffic.slow += 1
        self._gateway.traffic.closed[close.SLOW.code] += 1
        logger.info("a reader was too slow", waiting=self.outbox.waiting)
        self.outbox.close()
        self._protocol.fail(close.SLOW.code, close.SLOW.reason)
        self._write_protocol()

    # --- time ------------------------------------------------------------------------------------

    def on_timer(self, now: int) -> None:
        """Called by the wheel: a deadline has passed, or a heartbeat is due."""
        try:
            self._check_time(now)
        except Exception:  # a bug must end this connection, and not all heartbeats
            logger.exception("a heartbeat failed")
            self.transport.abort()

    def _check_time(self, now: int) -> None:
        if self._protocol.state is not OPEN:
            self.transport.abort()
            return
        heartbeat = self._gateway.heartbeat
        if not self.settled and self._gateway.hello_seconds:
            self.close(close.HELLO_TIMEOUT)
            return
        meter = self._meter
        idle = now - (max(self._last_seen, meter.resumed) if meter else self._last_seen)
        # While it is not being read, the silence is our own.
        if idle >= 2 * heartbeat and not self.reading_paused:
            self.close(close.HEARTBEAT_TIMEOUT)
        elif idle >= heartbeat:
            self._protocol.send_ping(b"")
            self._write_protocol()
            self._gateway.wheel.put(self, heartbeat)
        else:
            self._gateway.wheel.put(self, heartbeat - idle)
