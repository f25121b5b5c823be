"""The UDP socket, and the paths behind it: datagrams out, bursts in one system call."""

import errno
import socket
import time
from collections.abc import Callable, Sequence
from struct import pack
from typing import TYPE_CHECKING

from media.traffic import SEGMENTS, Traffic

if TYPE_CHECKING:
    from media.peer import Peer

# include/uapi/linux/udp.h; the socket module has neither.
SOL_UDP = 17
UDP_SEGMENT = 103

# include/uapi/asm-generic/socket.h: as SO_SNDBUF and SO_RCVBUF, beyond net.core's wmem_max and
# rmem_max, for who has CAP_NET_ADMIN.
SO_SNDBUFFORCE = 32
SO_RCVBUFFORCE = 33

BUFFER = 4 * 2**20
"""Bytes of the socket's buffers, each way: 50 ms of 600 Mbit/s, while the loop is busy."""

BURST = 65_000
"""Bytes of one sendmsg with UDP_SEGMENT: what fits into one IP packet, with room for headers."""

QUEUE = 2**20
"""Bytes of the buffers of a socket for one address: half a second of 16 Mbit/s."""

DATAGRAM = 2048
"""Bytes that are read of one datagram: peers send no larger ones than a link's MTU."""

# A route whose MTU is below the segments' size, or a device that cannot do checksums.
UNSEGMENTED = frozenset({errno.EINVAL, errno.EMSGSIZE, errno.EIO, errno.EOPNOTSUPP})

Address = tuple[str, int] | tuple[str, int, int, int]


def can_segment() -> bool:
    """Whether the kernel cuts a buffer into datagrams by itself (UDP_SEGMENT, Linux 4.18).

    Tried over loopback: there are sandboxes that take the option and ignore it.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", 0))
            probe.setblocking(False)
            probe.sendmsg([b"12"], [(SOL_UDP, UDP_SEGMENT, pack("=H", 1))], 0, probe.getsockname())
            return [probe.recv(2), probe.recv(2)] == [b"1", b"2"]
        except OSError:
            return False


def enlarge(bound: socket.socket, size: int = BUFFER) -> int:
    """Ask for large buffers. Returns what one of them has become, at the least."""
    for option, forced in (
        (socket.SO_SNDBUF, SO_SNDBUFFORCE),
        (socket.SO_RCVBUF, SO_RCVBUFFORCE),
    ):
        try:
            bound.setsockopt(socket.SOL_SOCKET, forced, size)
        except OSError:
            bound.setsockopt(socket.SOL_SOCKET, option, size)
    # The kernel doubles what it is asked for, and says so: half of it is its own bookkeeping.
    return min(
        bound.getsockopt(socket.SOL_SOCKET, option) // 2
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF)
    )


def remote_of(transport: str, address: tuple[str, int]) -> str:
    """An address and its transport, for people who read logs."""
    host, port = address
    return f"{transport} [{host}]:{port}" if ":" in host else f"{transport} {host}:{port}"


class UdpSocket:
    """One bound, non-blocking socket, and who is known behind it.

    Args:
        bound: the socket.
        traffic: counts.
        segmentation: send bursts by UDP_SEGMENT.

    Attributes:
        paths: by address; only those by which an authentic check came.
    """

    __slots__ = ("bound", "paths", "segmentation", "traffic")

    def __init__(self, bound: socket.socket, traffic: Traffic, *, segmentation: bool) -> None:
        self.bound = bound
        self.traffic = traffic
        self.segmentation = segmentation
        self.paths: dict[Address, UdpPath] = {}

    def queue_for(self, address: Address) -> socket.socket | None:
        """A socket that gets what comes from one address: being connected, the kernel prefers it.

        Returns:
            None: the kernel does not let us.
        """
        queue = socket.socket(self.bound.family, socket.SOCK_DGRAM)
        try:
            queue.setblocking(False)
            queue.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # All that have the port must agree to share it, which is asked at `bind` alone.
            # Before and after nobody else gets it in this way.
            self.bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                queue.bind(self.bound.getsockname())
            finally:
                self.bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
            queue.connect(address)
            enlarge(queue, QUEUE)
        except OSError:
            queue.close()
            return None
        return queue

    def lost(self, error: OSError, packets: int) -> None:
        """The kernel did not take these. Nobody waits: the next picture is more use than this."""
        full = isinstance(error, BlockingIOError) or error.errno == errno.ENOBUFS
        self.traffic.dropped["overload" if full else "unsendable"] += packets


class UdpPath:
    """An address behind the UDP socket (media.ports.Path).

    Attributes:
        fresh: no media has come from there yet.
        release: to be called when it is closed; None: there is nothing to be done.
    """

    __slots__ = (
        *("_sendmsg", "_sendto", "_socket", "_to", "_traffic"),
        *("address", "fresh", "peer", "release", "remote", "segmented"),
    )

    def __init__(self, behind: UdpSocket, address: Address) -> None:
        self.peer: Peer | None = None
        self.fresh = True
        self.release: Callable[[], None] | None = None
        self.segmented = behind.segmentation
        self.address = (address[0], address[1])
        self.remote = remote_of("udp", self.address)
        self._to = address  # of IPv6 with its scope
        self._socket = behind
        self._traffic = behind.traffic
        self._sendto = behind.bound.sendto
        self._sendmsg = behind.bound.sendmsg

    def send(self, datagram: bytes) -> None:
        """Send one datagram."""
        traffic = self._traffic
        try:
            self._sendto(datagram, self._to)
        except OSError as error:
            self._socket.lost(error, 1)
            return
        traffic.packets_out += 1
        traffic.bytes_out += len(datagram)

    def send_burst(self, buffer: memoryview, sizes: Sequence[int]) -> None:
        """Send several that stand one behind the other in `buffer`, `sizes` bytes each."""
        started = time.perf_counter() if self._traffic.timed else 0.0
        if len(sizes) > 1 and self.segmented:
            self._send_runs(buffer, sizes)
        else:
            self._send_each(buffer, 0, sizes)
        if started:
            self._traffic.sending += time.perf_counter() - started

    def _send_runs(self, buffer: memoryview, sizes: Sequence[int]) -> None:
        """Runs of one size go in one call; the last of a run may be shorter (udp(7))."""
        index, start, end = 0, 0, len(sizes)
        while index < end:
            size = sizes[index]
            most = min(SEGMENTS, BURST // size)
            count, length = 1, size
            while count < most and index + count < end:
                following = sizes[index + count]
                if following > size:
                    break
                count += 1
                length += following
                if following < size:
                    break
            if count == 1:
                self._send_each(buffer, start, (size,))
            else:
                run = sizes[index : index + count]
                self._send_run(buffer[start : start + length], size, run)
            index += count
            start += length

    def _send_run(self, run: memoryview, size: int, sizes: Sequence[int]) -> None:
        traffic = self._traffic
        try:
            self._sendmsg([run], [(SOL_UDP, UDP_SEGMENT, pack("=H", size))], 0, self._to)
        except OSError as error:
            if error.errno in UNSEGMENTED:
                # The route decides, so it is this path alone that goes on without.
                self.segmented = False
                self._send_each(run, 0, sizes)
            else:
                self._socket.lost(error, len(sizes))
            return
        traffic.packets_out += len(sizes)
        traffic.bytes_out += len(run)
        traffic.bursts[len(sizes)] += 1

    def _send_each(self, buffer: memoryview, start: int, sizes: Sequence[int]) -> None:
        traffic = self._traffic
        for size in sizes:
            end = start + size
            try:
                self._sendto(buffer[start:end], self._to)
            except OSError as error:
                self._socket.lost(error, 1)
            else:
                traffic.packets_out += 1
                traffic.bytes_out += size
                traffic.bursts[1] += 1
            start = end

    def close(self) -> None:
        """What comes from there is a stranger's again."""
        self.peer = None
        paths = self._socket.paths
        if paths.get(self._to) is self:  # another peer may have it by now
            del paths[self._to]
        if self.release is not None:
            self.release()
            self.release = None
