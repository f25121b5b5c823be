"""Light viewers of a stream, by the hundred; a process of its own (see `worker`).

They speak WHEP, ICE and DTLS, and send the reports that a browser sends. They look at their sockets
every other millisecond rather than waiting at them: nobody has to be woken for a datagram, as
nobody would be on the server's machine if they were elsewhere. When it came the kernel has noted.

Every packet is counted by its header. One of SAMPLE is unprotected: that shows that the rest could
be, and it says when it was sent. All of them would cost more here than forwarding does there.
"""

import asyncio
import struct
import time
from random import Random

import httpx
from msgspec import Struct

from loadtest.webrtc import rtcp
from loadtest.webrtc.batches import AT_ONCE, SLOT, Batch, timed_socket
from loadtest.webrtc.congestion import Recorder
from loadtest.webrtc.connection import Connection, new_local
from loadtest.webrtc.description import H264, OPUS, TRANSPORT_SEQUENCE, Answer
from loadtest.webrtc.dtls import Certificate
from loadtest.webrtc.offer import watch_offer
from loadtest.webrtc.reception import Reception
from loadtest.webrtc.signalling import post_offer
from loadtest.worker import work

SAMPLE = 16
LOOK_SECONDS = 0.002
REPORT_SECONDS = 1.0
FEEDBACK_SECONDS = 0.1
AT_A_TIME = 8  # joining
JOIN_SECONDS = 60
# Where a publisher writes when it sent (see `live_publisher`): behind the header of a fragment.
STAMP = struct.Struct("!2xQ")
_SOCKET_BYTES = 4 << 20
_LATENCIES_MOST = 200_000
_PACKET = struct.Struct("!2xH4xL")
_BLOCK = struct.Struct("!HH")


class Join(Struct, tag=True):
    """Have so many watch.

    Attributes:
        url: of the stream's WHEP endpoint.
    """

    url: str
    viewers: int


class Look(Struct, tag=True):
    """Say what has come since the last look."""


class Seen(Struct):
    """What has come.

    Attributes:
        packets: in all.
        lost: of those that were sent to viewers.
        latencies: seconds, of those that were looked into.
        forged: that could not be unprotected.
        cpu: seconds of this process.
        connected: viewers that are.
    """

    packets: int
    lost: int
    latencies: list[float]
    forged: int
    cpu: float
    connected: int


class Viewer:
    """One viewer, on a socket of its own.

    Attributes:
        packets, forged: see `Seen`.
        is_connected: set when ICE and DTLS are through.
    """

    def __init__(self, connection_of: "Crowd", answer: Answer, number: int) -> None:
        self._crowd = connection_of
        self._socket = timed_socket("127.0.0.1", buffer=_SOCKET_BYTES)
        self._descriptor = self._socket.fileno()
        video = next(one for one in answer.sections if one.kind == "video")
        self._sequence_id = video.extensions.get(TRANSPORT_SEQUENCE, 0)
        self._ssrc = number + 1
        self._recorder = Recorder(self._ssrc)
        self._source = 0  # of the media
        self._reception: Reception | None = None
        self._highest = 0
        self._expected = 0  # since the last look
        self._report_at = self._feedback_at = float("inf")
        self._stamp_at = 0  # where in a packet its transport-wide number stands
        self.connection: Connection
        self.is_connected = asyncio.Event()
        self.packets = 0
        self.forged = 0

    # --- of the connection (see `connection.Media`) ----------------------------------------------

    @property
    def due(self) -> float:
        """When `run` has to be called next."""
        return min(self._report_at, self._feedback_at)

    def connected(self, now: float) -> None:
        """Reports begin, not all at the same moment."""
        self.is_connected.set()
        spread = (self._ssrc % 50) / 50
        self._report_at = now + spread * REPORT_SECONDS
        self._feedback_at = now + spread * FEEDBACK_SECONDS

    def receive_rtp(self, data: bytes, now: float) -> None:
        """Not called: packets are looked at before."""

    def receive_rtcp(self, data: bytes, now: float) -> None:
        """Reports of the server, which are not looked at."""

    def run(self, now: float) -> None:
        """Send the reports that are due."""
        if self._feedback_at <= now:
            self._feedback_at = now + FEEDBACK_SECONDS
            while report := self._recorder.report(self._source):
                self.connection.send_rtcp(report)
        if self._report_at <= now:
            self._report_at = now + REPORT_SECONDS
            if self._reception is not None:
                self._reception.highest = self._highest
                self._reception.received = self._reception.expected
                report = rtcp.receiver_report(self._ssrc, [self._reception.report(now)])
                self.connection.send_rtcp(report)

    def closed(self, reason: str) -> None:
        """Noted by the connection."""

    # --- of the socket ---------------------------------------------------------------------------

    def look(self, now: float) -> None:
        """Take what has come, and do what is due."""
        batch = self._crowd.batch
        connection = self.connection
        while count := batch.receive(self._descriptor):
            self._take(batch, connection, now)
            if count < AT_ONCE:
                break
        if connection.due <= now:
            connection.run(now)
        for datagram, address in connection.take():
            self._socket.sendto(datagram, address)

    def lost(self) -> int:
        """Packets that have not come, since the last time that this was asked."""
        lost, self._expected = self._expected - self.packets, 0
        self.packets = 0
        return max(0, lost)

    def close(self) -> None:
        """Say goodbye."""
        self.connection.close()
        for datagram, address in self.connection.take():
            self._socket.sendto(datagram, address)
        self._socket.close()

    def _take(self, batch: Batch, connection: Connection, now: float) -> None:
        datagrams, record = batch.datagrams, self._recorder.received
        start = -SLOT
        for number in range(len(batch.lengths)):
            start += SLOT
            kind = datagrams[start + 1]
            if not 128 <= datagrams[start] <= 191 or 192 <= kind <= 223:
                connection.receive(batch.datagram(number), batch.source(number), now)
                continue
            sequence, ssrc = _PACKET.unpack_from(datagrams, start)
            if ssrc != self._source:
                self._begin(sequence, ssrc)
            advance = ((sequence - self._highest + 0x8000) & 0xFFFF) - 0x8000
            if advance > 0:
                self._highest += advance
                self._expected += advance
            self.packets += 1
            if self._sequence_id:
                at = self._stamp_at or self._stamp_place(batch, number)
                if at:
                    record(datagrams[start + at] << 8 | datagrams[start + at + 1], now)
            if self.packets % SAMPLE == 0:
                self._sample(batch, number)

    def _begin(self, sequence: int, ssrc: int) -> None:
        self._source, self._highest = ssrc, sequence - 1
        self._reception = Reception(ssrc, H264.clock_rate, sequence, 0.0)

    def _stamp_place(self, batch: Batch, number: int) -> int:
        """The server puts its extensions in the same order on each packet: looked for once."""
        data = batch.datagram(number)
        if not data[0] & 0x10:
            return 0
        position = 16 + 4 * (data[0] & 15)
        end = position + 4 * _BLOCK.unpack_from(data, position - 4)[1]
        while position < end:
            if data[position] == 0:
                position += 1
            elif data[position] >> 4 == self._sequence_id:
                self._stamp_at = position + 1
                break
            else:
                position += 2 + (data[position] & 15)
        return self._stamp_at

    def _sample(self, batch: Batch, number: int) -> None:
        assert self.connection.srtp is not None
        clear = self.connection.srtp.unprotect(batch.datagram(number))
        if clear is None:
            self.forged += 1
            return
        position = 12 + 4 * (clear[0] & 15)
        if clear[0] & 0x10:
            position += 4 + 4 * _BLOCK.unpack_from(clear, position)[1]
        if len(clear) >= position + STAMP.size:
            sent = STAMP.unpack_from(clear, position)[0]
            self._crowd.latencies.append((batch.arrival(number) - sent) / 1e9)


class Crowd:
    """All viewers of the process.

    Attributes:
        batch: which they share.
        latencies: see `Seen`.
    """

    def __init__(self) -> None:
        self.batch = Batch()
        self.latencies: list[float] = []
        self._viewers: list[Viewer] = []
        self._chance = Random()
        self._certificate = Certificate()
        self._looking: asyncio.Task[None] | None = None

    async def do(self, command: Join | Look) -> Seen:
        """Carry out a command."""
        if isinstance(command, Join):
            if self._looking is None:
                self._looking = asyncio.create_task(self._look())
            await self._join(command)
        if self._looking is not None and self._looking.done():
            self._looking.result()  # why
        return self._seen()

    async def _join(self, command: Join) -> None:
        gate = asyncio.Semaphore(AT_A_TIME)
        async with httpx.AsyncClient(timeout=JOIN_SECONDS) as http:

            async def join() -> None:
                async with gate:
                    local = new_local(self._chance, self._certificate)
                    offer = watch_offer(local, [OPUS, H264])
                    answer = (await post_offer(http, command.url, offer)).answer
                    viewer = Viewer(self, answer, len(self._viewers))
                    viewer.connection = Connection(
                        local, answer, self._certificate, viewer, self._chance,
                        now=time.monotonic(),
                    )  # fmt: skip
                    self._viewers.append(viewer)
                    async with asyncio.timeout(JOIN_SECONDS):
                        await viewer.is_connected.wait()

            async with asyncio.TaskGroup() as tasks:
                for _ in range(command.viewers):
                    tasks.create_task(join())

    async def _look(self) -> None:
        while True:
            now = time.monotonic()
            for viewer in self._viewers:
                viewer.look(now)
            await asyncio.sleep(LOOK_SECONDS)

    def _seen(self) -> Seen:
        packets = sum(viewer.packets for viewer in self._viewers)
        latencies, self.latencies = self.latencies[:_LATENCIES_MOST], []
        return Seen(
            packets=packets,
            lost=sum(viewer.lost() for viewer in self._viewers),
            latencies=latencies,
            forged=sum(viewer.forged for viewer in self._viewers),
            cpu=time.process_time(),
            connected=sum(not viewer.connection.ended for viewer in self._viewers),
        )

    async def end(self) -> None:
        """All leave."""
        if self._looking is not None:
            self._looking.cancel()
        for viewer in self._viewers:
            viewer.close()


if __name__ == "__main__":
    crowd = Crowd()
    work(Join | Look, crowd.do, crowd.end)
