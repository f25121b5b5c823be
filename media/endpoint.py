"""The process's port for media: datagrams in, from all peers; what they cause goes out at once.

A readiness of the socket is drained, up to a bound, before anything is forwarded: so packets that
arrive together leave together, and UDP_SEGMENT has something to do. asyncio's datagram transports
give neither the moment when the socket is empty nor ancillary data.

What comes from an address without a peer costs reading it and a look into a dict; a check costs
its integrity once it names a peer that is here. Neither leaves anything behind unless it is
authentic. Publishers, once known, have a queue of their own.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from socket import socket

import structlog

from media.addresses import Bound
from media.description import Candidate
from media.loop_timers import LoopTimers
from media.relay import Relay
from media.tcp_listener import TcpListener
from media.timers import Timer
from media.traffic import Egress, Stages, Traffic
from media.udp import BUFFER, DATAGRAM, Address, UdpPath, UdpSocket, can_segment, enlarge

logger = structlog.get_logger(__name__)

AT_ONCE = 128
"""Datagrams of a readiness. Some 2 ms of a core; the loop's other work has its turn in between."""

QUEUES = 128
"""Publishers with a socket of their own. Before Linux 6.13 the kernel goes through all of them for
each datagram that comes; those beyond share the queue of the port."""

SAMPLE_SECONDS = 0.1  # between two looks at what leaves
FAULT_SECONDS = 1.0  # between two lines of the log about exceptions: a packet may cause each


class Endpoint:
    """One port, UDP and TCP, for all peers of the process.

    Args:
        bound: its sockets, which are closed with it.
        addresses: that peers are told, best first.
        segmentation: use UDP_SEGMENT if the kernel has it; False: send each datagram by itself.
        tcp_connections: at the same time, those that have not shown a valid check included.
        clock: gives the time that all of media goes by, in seconds.

    Attributes:
        port: its number.
        relay: the peers.
        traffic, egress, stages: what it counts.
        listener: of TCP.
        segmentation: whether UDP_SEGMENT is used.
    """

    def __init__(
        self,
        bound: Bound,
        *,
        addresses: Sequence[str],
        segmentation: bool = True,
        tcp_connections: int = 256,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._bound = bound
        self._clock = clock
        self._batches = 0
        self._queues = 0
        self._quiet_until = 0.0
        self._sampling: Timer | None = None
        self.port = bound.port
        self.traffic = Traffic()
        self.egress = Egress(self.traffic, clock())
        self.stages = Stages()
        self.segmentation = segmentation and can_segment()
        timers = LoopTimers(self._loop, clock=clock, ran=self._ran, fault=self._fault)
        self._timers = timers
        self.relay = Relay(timers, fault=self._fault)
        self._sockets = [
            UdpSocket(one, self.traffic, segmentation=self.segmentation) for one in bound.udp
        ]
        self.listener = TcpListener(
            bound.tcp, self.relay, self.traffic, clock=clock, connections=tcp_connections
        )
        self._candidates = tuple(
            Candidate(address, bound.port, protocol)
            for protocol in (("udp", "tcp") if bound.tcp else ("udp",))
            for address in addresses
        )

    @property
    def queues(self) -> int:
        """Publishers whose datagrams have a queue of their own."""
        return self._queues

    @property
    def paths(self) -> int:
        """Addresses that are known behind the UDP sockets."""
        return sum(len(one.paths) for one in self._sockets)

    def candidates(self) -> tuple[Candidate, ...]:
        """What answers say of where we are reached: UDP first, then TCP (passive, RFC 6544)."""
        return self._candidates

    def now(self) -> float:
        """The time that all of media goes by, in seconds."""
        return self._clock()

    def start(self) -> None:
        """Read from now on."""
        for one in self._sockets:
            size = enlarge(one.bound)
            if size < BUFFER:
                logger.info("small media buffers", bytes=size, wanted=BUFFER)
            self._loop.add_reader(one.bound, self._readable, one, one.bound)
        self.listener.start()
        self._sample(self._clock())
        logger.info(
            "media port",
            port=self.port,
            addresses=list(dict.fromkeys(candidate.address for candidate in self._candidates)),
            tcp=bool(self._bound.tcp),
            segmentation=self.segmentation,
        )

    def close(self) -> None:
        """Read no more, and close the sockets. Peers are to be closed before."""
        if self._sampling is not None:
            self._sampling.cancel()
        sockets, self._sockets = self._sockets, []
        for one in sockets:
            self._loop.remove_reader(one.bound)
            for path in tuple(one.paths.values()):
                path.close()
        self.listener.close()
        self._timers.close()
        self._bound.close()

    def _readable(self, source: UdpSocket, queue: socket) -> None:
        self._batches += 1
        if self._batches % Stages.EVERY == 0:
            self._measured(source, queue)
            return
        self._drain(source, queue)
        self.relay.flush(self._clock())

    def _drain(self, source: UdpSocket, queue: socket) -> None:
        receive, paths, clock = queue.recvfrom, source.paths, self._clock
        packets = length = 0
        try:
            while packets < AT_ONCE:
                data, address = receive(DATAGRAM)
                packets += 1
                length += len(data)
                path = paths.get(address)
                # RFC 7983: 0 to 3 is STUN.
                if path is None or path.peer is None or not data or data[0] < 4:
                    self._check(data, path, address, source)
                else:
                    path.peer.receive(data, path, clock())
                    if path.fresh and is_media(data):
                        self._give_queue(path, address, source)
        except BlockingIOError:
            pass
        except OSError as error:  # what ICMP says of datagrams that were sent before
            logger.debug("media socket", error=error.strerror)
        except Exception as error:  # one peer's datagram is not the others' end
            self._fault(error)
        self.traffic.packets_in += packets
        self.traffic.bytes_in += length

    def _check(
        self, data: bytes, path: UdpPath | None, address: Address, source: UdpSocket
    ) -> None:
        peer = self.relay.peer_of_check(data)
        if peer is None:
            self.traffic.dropped["unknown"] += 1
            return
        now = self._clock()
        if path is not None and path.peer is peer:
            if not peer.receive_check(data, path, now):
                self.traffic.dropped["unauthentic"] += 1
            return
        if self.relay.is_guessed(peer, now):
            self.traffic.dropped["guessed"] += 1
            return
        # A new address, or one that was another's: a NAT gives ports away again. Nobody but the
        # peer can make this check, so the address is its own from now on.
        path = UdpPath(source, address)
        if not peer.receive_check(data, path, now):
            self.relay.guessed(peer, now)
            self.traffic.dropped["unauthentic"] += 1
            return
        if path.peer is not peer:
            return
        former = source.paths.get(address)
        if former is not None:
            former.close()
        source.paths[address] = path
        self.relay.adopt(peer, path)

    def _give_queue(self, path: UdpPath, address: Address, source: UdpSocket) -> None:
        """Let what a publisher sends wait where strangers' datagrams do not.

        With one queue for all, a flood that comes faster than it is read pushes media out.
        """
        path.fresh = False
        if self._queues >= QUEUES or path.peer is None:
            return
        queue = source.queue_for(address)
        if queue is None:
            return

        def release() -> None:
            self._queues -= 1
            self._loop.remove_reader(queue)
            queue.close()

        path.release = release
        self._queues += 1
        self._loop.add_reader(queue, self._readable, source, queue)

    def _measured(self, source: UdpSocket, queue: socket) -> None:
        """As `_readable`, with a look at the clock between the stages."""
        traffic, clock = self.traffic, time.perf_counter
        traffic.timed = True
        came = traffic.packets_in
        started = clock()
        self._drain(source, queue)
        read, traffic.sending, left = clock(), 0.0, traffic.packets_out
        self.relay.flush(self._clock())
        done = clock()
        traffic.timed = False
        self.stages.add(
            receive=read - started,
            forward=done - read - traffic.sending,
            send=traffic.sending,
            came=traffic.packets_in - came,
            left=traffic.packets_out - left,
        )

    def _ran(self, now: float) -> None:
        self.relay.flush(now)

    def _sample(self, now: float) -> None:
        self.egress.sample(now)
        self._sampling = self.relay.timers.call_at(now + SAMPLE_SECONDS, self._sample)

    def _fault(self, error: Exception) -> None:
        """A bug: it must be heard of, and must not fill the disk."""
        now = self._clock()
        if now >= self._quiet_until:
            self._quiet_until = now + FAULT_SECONDS
            logger.error("media failed", exc_info=error)


def is_media(data: bytes) -> bool:
    """Whether a datagram is RTP rather than RTCP, DTLS or STUN (RFC 7983, RFC 5761)."""
    return len(data) > 12 and 128 <= data[0] < 192 and not 64 <= data[1] & 0x7F < 96
