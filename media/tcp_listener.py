"""ICE-TCP: connections beside the UDP port, for networks that let no UDP through (RFC 6544).

Each connection carries the datagrams of one path, framed by RFC 4571. Whoever connects has to show
a valid check first, within some seconds; the first frame that is anything else ends it.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import structlog

from media.relay import Relay
from media.tcp_framing import Deframer, frame
from media.timers import Timer
from media.traffic import Traffic
from media.udp import Address, remote_of

if TYPE_CHECKING:
    from media.peer import Peer

logger = structlog.get_logger(__name__)

CHECK_SECONDS = 10.0
"""From connecting to the first valid check."""

WAITING_SHARE = 2
"""One in so many of the connections may be one that has shown nothing yet."""

ACCEPTED_AT_ONCE = 16
READ = 16_384  # bytes of one readiness
BUFFER = 256 * 1024
"""Bytes that wait in the kernel for one connection. More would be seconds of delay."""

PAUSE_SECONDS = 1.0  # without accepting, when the process has no file descriptor left


class TcpListener:
    """Accepts connections, and lets go of those that are nobody's.

    Args:
        listening: the sockets; none: there is no ICE-TCP.
        relay: the peers.
        traffic: counts.
        clock: gives the time, in seconds.
        connections: at the same time. Beyond half of them, the oldest that has shown no valid
            check makes room for a new one: silence does not keep others out.
    """

    def __init__(
        self,
        listening: Sequence[socket.socket],
        relay: Relay,
        traffic: Traffic,
        *,
        clock: Callable[[], float],
        connections: int,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listening = listening
        self._limit = connections
        self._timer: Timer | None = None
        self._paused: Timer | None = None
        self._waiting: dict[TcpPath, float] = {}  # until when; the oldest is the first
        self._open: set[TcpPath] = set()
        self.relay = relay
        self.traffic = traffic
        self.clock = clock

    def __len__(self) -> int:
        """How many connections there are."""
        return len(self._open)

    @property
    def waiting(self) -> int:
        """How many of them have shown no valid check yet."""
        return len(self._waiting)

    def start(self) -> None:
        """Accept from now on."""
        for listening in self._listening:
            self._loop.add_reader(listening, self._accept, listening)

    def close(self) -> None:
        """End all connections, and accept none. The listening sockets are whoever made them's."""
        for timer in (self._timer, self._paused):
            if timer is not None:
                timer.cancel()
        for listening in self._listening:
            self._loop.remove_reader(listening)
        for path in tuple(self._open):
            path.close()

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                made, address = listening.accept()
            except (BlockingIOError, ConnectionAbortedError, InterruptedError):
                return
            except OSError as error:
                # Mostly EMFILE: the connection stays in the backlog, and would wake us at once.
                logger.warning("media connections cannot be accepted", error=error.strerror)
                self._pause()
                return
            if not self._make_room():
                self.traffic.dropped["refused"] += 1
                made.close()
                continue
            path = TcpPath(made, address, self)
            self._open.add(path)
            self._waiting[path] = self.clock() + CHECK_SECONDS
            if self._timer is None:
                self._timer = self.relay.timers.call_at(self._waiting[path], self._expire)
            self._loop.add_reader(made, path.readable)

    def _make_room(self) -> bool:
        if len(self._waiting) >= max(1, self._limit // WAITING_SHARE):
            self.traffic.dropped["refused"] += 1
            next(iter(self._waiting)).close()
        return len(self._open) < self._limit

    def _expire(self, now: float) -> None:
        self._timer = None
        for path, until in tuple(self._waiting.items()):
            if until > now:
                self._timer = self.relay.timers.call_at(until, self._expire)
                return
            path.close()

    def _pause(self) -> None:
        if self._paused is not None:
            return
        for listening in self._listening:
            self._loop.remove_reader(listening)
        self._paused = self.relay.timers.call_at(self.clock() + PAUSE_SECONDS, self._resume)

    def _resume(self, now: float) -> None:  # noqa: ARG002 - a timer has it
        self._paused = None
        self.start()

    def verified(self, path: "TcpPath") -> None:
        """It has shown a valid check: it stays until its peer ends it."""
        self._waiting.pop(path, None)

    def gone(self, path: "TcpPath") -> None:
        """It is closed."""
        self._waiting.pop(path, None)
        self._open.discard(path)


class TcpPath:
    """One connection (media.ports.Path).

    What the kernel does not take is dropped, by whole datagrams: only the rest of one that it has
    begun with waits.
    """

    __slots__ = (
        *("_deframer", "_listener", "_loop", "_rest", "_socket"),
        *("address", "peer", "remote"),
    )

    def __init__(self, made: socket.socket, address: Address, listener: TcpListener) -> None:
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        self.address = (address[0], address[1])
        self.remote = remote_of("tcp", self.address)
        self.peer: Peer | None = None
        self._socket: socket.socket | None = made
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._deframer = Deframer()
        self._rest = b""

    def send(self, datagram: bytes) -> None:
        """Send one datagram."""
        self._send(frame(datagram), (len(datagram),))

    def send_burst(self, buffer: memoryview, sizes: Sequence[int]) -> None:
        """Send several that stand one behind the other in `buffer`, `sizes` bytes each."""
        frames = bytearray()
        start = 0
        for size in sizes:
            frames += frame(buffer[start : start + size])
            start += size
        self._send(frames, sizes)

    def _send(self, frames: bytes | bytearray, sizes: Sequence[int]) -> None:
        traffic = self._listener.traffic
        if self._socket is None:
            traffic.dropped["unsendable"] += len(sizes)
            return
        if self._rest:
            traffic.dropped["overload"] += len(sizes)
            return
        try:
            taken = self._socket.send(frames)
        except BlockingIOError:
            taken = 0
        except OSError:
            traffic.dropped["unsendable"] += len(sizes)
            self.close()
            return
        end = sent = 0
        for size in sizes:
            if end >= taken:
                break
            end += size + 2
            sent += 1
            traffic.bytes_out += size
        traffic.packets_out += sent
        traffic.dropped["overload"] += len(sizes) - sent
        if end > taken:
            self._rest = bytes(frames[taken:end])
            self._loop.add_writer(self._socket, self._writable)

    def _writable(self) -> None:
        if self._socket is None:
            return
        try:
            self._rest = self._rest[self._socket.send(self._rest) :]
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        if not self._rest:
            self._loop.remove_writer(self._socket)

    def readable(self) -> None:
        """Something has come, or the end of the connection."""
        if self._socket is None:
            return
        try:
            data = self._socket.recv(READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        listener = self._listener
        listener.traffic.bytes_in += len(data)
        frames = self._deframer.feed(data)
        if frames is None:
            self._end("malformed")
            return
        try:
            for datagram in frames:
                listener.traffic.packets_in += 1
                if not self._receive(datagram):
                    break
        except Exception as error:  # a bug: heard of, and at the end here
            listener.relay.fault(error)
        listener.relay.flush(listener.clock())

    def _receive(self, datagram: bytes) -> bool:
        """Take a datagram. Returns whether the connection is still open."""
        listener = self._listener
        now = listener.clock()
        if self.peer is not None and datagram[0] > 3:  # RFC 7983
            self.peer.receive(datagram, self, now)
            return self._socket is not None
        known = self.peer
        peer = listener.relay.peer_of_check(datagram)
        if peer is None or known not in (None, peer):
            if known is None:
                self._end("unknown")
        elif known is None and listener.relay.is_guessed(peer, now):
            self._end("guessed")
        elif not peer.receive_check(datagram, self, now):
            listener.traffic.dropped["unauthentic"] += 1
            if known is None:
                listener.relay.guessed(peer, now)
                self.close()
        elif known is None and self.peer is peer:
            listener.verified(self)
            listener.relay.adopt(peer, self)
        return self._socket is not None

    def _end(self, reason: str) -> None:
        self._listener.traffic.dropped[reason] += 1
        self.close()

    def close(self) -> None:
        """End the connection. Has no effect on one that has ended."""
        self.peer = None
        if self._socket is None:
            return
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()
        self._socket = None
        self._listener.gone(self)
