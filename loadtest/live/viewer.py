"""A light viewer of a stream: it counts what comes, and says what a browser says to that.

Every packet is counted by its header. Samples are unprotected: that shows that the rest could
be, and it says when it was due. All of them would cost more here than forwarding does there. Those
whose number is not the next one are unprotected too, so that what is forged does not pass for loss.
"""

import asyncio
import struct
from contextlib import suppress

from loadtest.live.orders import STAMP, three_digits
from loadtest.webrtc import rtcp
from loadtest.webrtc.batches import AT_ONCE, SLOT, Batch, timed_socket
from loadtest.webrtc.congestion import Recorder
from loadtest.webrtc.connection import Connection
from loadtest.webrtc.description import H264, TRANSPORT_SEQUENCE, Answer
from loadtest.webrtc.reception import Reception

REPORT_SECONDS = 1.0
FEEDBACK_SECONDS = 0.1
_SOCKET_BYTES = 4 << 20
_OPEN_MOST = 4096  # numbers that were left out and may still come
_FRAGMENT = 28  # FU-A (RFC 6184, 5.8): parameter sets, which are none, have no time in them
_PACKET = struct.Struct("!2xH4xL")
_BLOCK = struct.Struct("!HH")


class Viewer:
    """One viewer, on a socket of its own.

    Args:
        batch: for its datagrams; all of a process share it.
        timed: where the latencies of samples are counted; likewise. See `Seen`.
        number: which one it is, of the process.
        sample: of so many packets one is looked into.

    Attributes:
        connection: to be set before the first `look`.
        packets, missing, disordered, doubled, forged: see `live_orders.Seen`; since it came.
        settled: set when ICE and DTLS are through, or never will be.
        ended: why it is over; empty: it is not.
    """

    def __init__(
        self, batch: Batch, timed: dict[int, int], answer: Answer, *, number: int, sample: int
    ) -> None:
        self._batch = batch
        self._timed = timed
        self._sample = sample
        self._socket = timed_socket("0.0.0.0", buffer=_SOCKET_BYTES)
        self._descriptor = self._socket.fileno()
        video = next(one for one in answer.sections if one.kind == "video")
        self._sequence_id = video.extensions.get(TRANSPORT_SEQUENCE, 0)
        self._source = video.ssrc  # of the media; 0: that of the first packet
        self._ssrc = number + 1
        self._recorder = Recorder(self._ssrc)
        self._reception: Reception | None = None
        self._highest = 0
        self._open: dict[int, None] = {}
        self._report_at = self._feedback_at = float("inf")
        self._stamp_at = 0  # where in a packet its transport-wide number stands
        self.connection: Connection
        self.settled = asyncio.Event()
        self.ended = ""
        self.packets = 0
        self.missing = 0
        self.disordered = 0
        self.doubled = 0
        self.forged = 0

    # --- of the connection (see `connection.Media`) ----------------------------------------------

    @property
    def due(self) -> float:
        """When `run` has to be called next."""
        return min(self._report_at, self._feedback_at)

    def connected(self, now: float) -> None:
        """Reports begin, not all at the same moment."""
        self.settled.set()
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
        """It is over."""
        self.ended = reason
        self.settled.set()

    # --- of the socket ---------------------------------------------------------------------------

    def look(self, now: float) -> None:
        """Take what has come, and do what is due."""
        batch = self._batch
        connection = self.connection
        while count := batch.receive(self._descriptor):
            self.take(batch, now)
            if count < AT_ONCE:
                break
        if connection.due <= now:
            connection.run(now)
        self._transmit()

    def close(self) -> None:
        """Say goodbye."""
        self.connection.close()
        self._transmit()
        self._socket.close()

    def take(self, batch: Batch, now: float) -> None:
        """Count the datagrams of a batch."""
        datagrams, record, sample = batch.datagrams, self._recorder.received, self._sample
        start = -SLOT
        for number in range(len(batch.lengths)):
            start += SLOT
            kind = datagrams[start + 1]
            if not 128 <= datagrams[start] <= 191 or 192 <= kind <= 223:
                self.connection.receive(batch.datagram(number), batch.source(number), now)
                continue
            sequence, ssrc = _PACKET.unpack_from(datagrams, start)
            advance = ((sequence - self._highest + 0x8000) & 0xFFFF) - 0x8000
            if advance == 1 and ssrc == self._source and self._reception is not None:
                self._highest += 1
                # Each viewer has another place in the bursts.
                if (self.packets + self._ssrc) % sample == 0:
                    self._look_into(batch, number)
            elif not self._judge(batch.datagram(number), sequence, ssrc, advance):
                continue
            self.packets += 1
            if self._sequence_id:
                at = self._stamp_at or self._stamp_place(batch, number)
                if at:
                    record(datagrams[start + at] << 8 | datagrams[start + at + 1], now)

    def _transmit(self) -> None:
        for datagram, address in self.connection.take():
            # A candidate that cannot be reached, or a full buffer: as if it had been lost.
            with suppress(OSError):
                self._socket.sendto(datagram, address)

    def _judge(self, data: bytes, sequence: int, ssrc: int, advance: int) -> bool:
        """See what it is about a packet that is not the next one, and whether it counts."""
        clear = self._unprotected(data)
        if self._reception is None or ssrc != self._source:
            if clear is None:
                self.forged += 1
            elif self._reception is None and self._source in {0, ssrc}:
                self._source, self._highest = ssrc, sequence
                self._reception = Reception(ssrc, H264.clock_rate, sequence, 0.0)
                return True
            return False
        if advance > 1:
            if clear is None:
                self.forged += 1
                return False
            self._skip(advance)
            return True
        number = self._highest + advance
        if number not in self._open:
            self.doubled += 1
            return False
        if clear is None:
            self.forged += 1
            return False
        del self._open[number]
        self.missing -= 1
        self.disordered += 1
        return True

    def _skip(self, advance: int) -> None:
        self.missing += advance - 1
        left_out = range(self._highest + 1, self._highest + advance)
        self._open.update(dict.fromkeys(left_out[-_OPEN_MOST:]))
        while len(self._open) > _OPEN_MOST:
            del self._open[next(iter(self._open))]
        self._highest += advance

    def _unprotected(self, data: bytes) -> bytes | None:
        srtp = self.connection.srtp
        return None if srtp is None else srtp.unprotect(data)

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

    def _look_into(self, batch: Batch, number: int) -> None:
        clear = self._unprotected(batch.datagram(number))
        if clear is None:
            self.forged += 1
            return
        position = 12 + 4 * (clear[0] & 15)
        if clear[0] & 0x10:
            position += 4 + 4 * _BLOCK.unpack_from(clear, position)[1]
        if len(clear) >= position + STAMP.size and clear[position] & 31 == _FRAGMENT:
            due = STAMP.unpack_from(clear, position)[0]
            late = three_digits(max(0, batch.arrival(number) - due) // 1000)
            self._timed[late] = self._timed.get(late, 0) + 1
