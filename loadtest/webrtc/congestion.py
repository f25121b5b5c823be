"""Transport-wide feedback: draft-holmer-rmcat-transport-wide-cc-extensions-01, 3.1."""

import struct

from aiortc.rtp import RTCP_RTPFB, pack_rtcp_packet

from loadtest.webrtc.rtcp import TRANSPORT_FEEDBACK
from loadtest.webrtc.rtp import unwrap

TICK = 0.000_25  # of a delta, in seconds
REFERENCE = 0.064  # of the reference time

_LOST, _SMALL, _LARGE = range(3)
_HEAD = struct.Struct("!LLHHL")
_VECTOR = 7  # two-bit symbols in a chunk
# A packet's deltas are relative to its reference time, and a large one spans 8 s; so many packets
# at most go into one report, which keeps it in one datagram.
_STATUSES_MOST = 400


class Recorder:
    """Notes arrivals, and reports them.

    Args:
        ssrc: of who reports.
    """

    def __init__(self, ssrc: int) -> None:
        self._ssrc = ssrc
        self._arrivals: dict[int, float] = {}
        self._next: int | None = None  # what the next report begins with
        self._newest = 0
        self._count = 0

    def received(self, sequence: int, now: float) -> None:
        """A packet has come, with this number of 16 bits."""
        if self._next is None:
            self._next = self._newest = sequence
        number = unwrap(sequence, self._newest)
        # What comes after its report was said to be lost, and stays so.
        if number >= self._next:
            self._newest = max(self._newest, number)
            self._arrivals.setdefault(number, now)

    def report(self, media_ssrc: int) -> bytes:
        """What has come since the last report; empty: nothing has.

        Args:
            media_ssrc: any source of the connection.
        """
        if not self._arrivals or self._next is None:
            return b""
        base = self._next
        count = min(self._newest - base + 1, _STATUSES_MOST)
        arrivals = [self._arrivals.pop(base + offset, None) for offset in range(count)]
        self._next = base + count
        first = next((arrival for arrival in arrivals if arrival is not None), 0.0)
        reference = int(first / REFERENCE)
        statuses, deltas = _deltas(arrivals, reference * REFERENCE)
        body = _HEAD.pack(
            self._ssrc, media_ssrc, base & 0xFFFF, count,
            (reference & 0xFFFFFF) << 8 | self._count & 0xFF,
        )  # fmt: skip
        self._count += 1
        body += _chunks(statuses) + deltas
        return pack_rtcp_packet(RTCP_RTPFB, TRANSPORT_FEEDBACK, body + bytes(-len(body) % 4))


def _deltas(arrivals: list[float | None], reference: float) -> tuple[list[int], bytes]:
    statuses, deltas = [], bytearray()
    last = round(reference / TICK)
    for arrival in arrivals:
        if arrival is None:
            statuses.append(_LOST)
            continue
        tick = round(arrival / TICK)
        delta = max(-0x8000, min(tick - last, 0x7FFF))
        last += delta
        if 0 <= delta <= 0xFF:
            statuses.append(_SMALL)
            deltas.append(delta)
        else:
            statuses.append(_LARGE)
            deltas += delta.to_bytes(2, "big", signed=True)
    return statuses, bytes(deltas)


def _chunks(statuses: list[int]) -> bytes:
    """Runs where seven and more are alike, vectors of seven two-bit symbols elsewhere."""
    chunks = bytearray()
    position = 0
    while position < len(statuses):
        symbol = statuses[position]
        end = position
        while end < len(statuses) and statuses[end] == symbol and end - position < 0x1FFF:
            end += 1
        if end - position >= _VECTOR or end == len(statuses):
            chunk = symbol << 13 | end - position
        else:
            end = min(position + _VECTOR, len(statuses))
            chunk = 0xC000
            for offset, status in enumerate(statuses[position:end]):
                chunk |= status << 12 - 2 * offset
        chunks += chunk.to_bytes(2, "big")
        position = end
    return bytes(chunks)


def read(body: bytes) -> list[tuple[int, float | None]]:
    """Take a report apart: (number of 16 bits, seconds since the clock of the reporter wrapped).

    None: it had not come. Empty: it is no such report.

    Args:
        body: of the packet, behind the SSRCs.
    """
    if len(body) < 8:
        return []
    base, count = struct.unpack_from("!HH", body)
    tick = round(int.from_bytes(body[4:7], "big") * REFERENCE / TICK)
    statuses: list[int] = []
    position = 8
    while len(statuses) < count:
        if position + 2 > len(body):
            return []
        statuses += _symbols(int.from_bytes(body[position : position + 2], "big"))
        position += 2
    found: list[tuple[int, float | None]] = []
    for offset, status in enumerate(statuses[:count]):
        size = status if status in {_SMALL, _LARGE} else 0
        if position + size > len(body):
            return []
        delta = int.from_bytes(body[position : position + size], "big", signed=size == 2)
        position += size
        tick += delta
        found.append(((base + offset) & 0xFFFF, tick * TICK if size else None))
    return found


def _symbols(chunk: int) -> list[int]:
    if chunk < 0x8000:
        return [chunk >> 13] * (chunk & 0x1FFF)
    if chunk < 0xC000:  # fourteen symbols of one bit
        return [chunk >> shift & 1 for shift in range(13, -1, -1)]
    return [chunk >> shift & 3 for shift in range(12, -1, -2)]
